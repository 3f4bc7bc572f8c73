/* test_schedule.c - learning rates against the formulas, worked out by hand. */
#include "train/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct fsn_spec make_spec(enum fsn_schedule schedule, int warmup)
{
    struct fsn_spec spec = {0};

    spec.finetune.lr = 0.4;
    spec.finetune.schedule = schedule;
    spec.finetune.warmup_steps = warmup;
    return spec;
}

static void check(const struct fsn_spec *spec, int64_t step, int64_t steps, double want)
{
    double got = fsn__learning_rate(spec, step, steps);

    if (fabs(got - want) > 1e-15)
        fail_msg("step %lld of %lld: got %.17g, want %.17g", (long long)step, (long long)steps, got,
                 want);
}

static void cosine_falls_from_the_peak_towards_zero(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_COSINE, 0);

    (void)state;
    check(&spec, 0, 6, 0.4);
    check(&spec, 1, 6, 0.2 * (1 + sqrt(3) / 2)); /* cos 30 degrees */
    check(&spec, 2, 6, 0.3);                     /* cos 60 */
    check(&spec, 3, 6, 0.2);                     /* cos 90 */
    check(&spec, 4, 6, 0.1);                     /* cos 120 */
    check(&spec, 6, 6, 0);
}

static void warm_up_is_linear_and_the_cosine_starts_after_it(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_COSINE, 4);

    (void)state;
    check(&spec, 0, 16, 0.1);
    check(&spec, 1, 16, 0.2);
    check(&spec, 3, 16, 0.4);
    check(&spec, 4, 16, 0.4);
    check(&spec, 8, 16, 0.3);
    check(&spec, 10, 16, 0.2);
}

static void sharing_rises_along_half_a_wave_and_stays(void **state)
{
    const double want[] = {0.5 * (1 - sqrt(0.5)), 0.5, 0.5 * (1 + sqrt(0.5)), 1, 1, 1, 1, 1};
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_COSINE, 0);

    (void)state;
    spec.finetune.sharing = 0.5;
    for (int step = 0; step < 8; step++) /* 45, 90, 135, 180 degrees */
        assert_true(fabs(fsn__sharing(&spec, step, 8) - want[step]) < 1e-15);
    spec.finetune.sharing = 1;
    assert_true(fsn__sharing(&spec, 6, 8) < 1);
    assert_true(fsn__sharing(&spec, 7, 8) == 1);
    spec.finetune.sharing = 0;
    assert_true(fsn__sharing(&spec, 0, 8) == 1);
}

static void milestones_multiply_by_gamma_at_their_share_of_the_run(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_STEP, 0);

    (void)state;
    spec.finetune.milestone_count = 2;
    spec.finetune.milestones[0] = 0.5;
    spec.finetune.milestones[1] = 0.75;
    spec.finetune.gamma = 0.5;
    check(&spec, 0, 100, 0.4);
    check(&spec, 49, 100, 0.4);
    check(&spec, 50, 100, 0.2);
    check(&spec, 74, 100, 0.2);
    check(&spec, 75, 100, 0.1);
    check(&spec, 99, 100, 0.1);
}

/* 0.7 * 10 is a little less than 7 in binary. */
static void a_milestone_falls_on_its_step_despite_binary_fractions(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_STEP, 0);

    (void)state;
    spec.finetune.milestone_count = 1;
    spec.finetune.milestones[0] = 0.7;
    spec.finetune.gamma = 0.25;
    check(&spec, 6, 10, 0.4);
    check(&spec, 7, 10, 0.1);
}

static void warm_up_also_leads_into_the_step_schedule(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_STEP, 2);

    (void)state;
    check(&spec, 0, 10, 0.2);
    check(&spec, 1, 10, 0.4);
    check(&spec, 9, 10, 0.4);
}

static void warm_up_takes_at_most_half_of_a_short_run(void **state)
{
    struct fsn_spec spec = make_spec(FSN_SCHEDULE_COSINE, 200);

    (void)state;
    check(&spec, 0, 8, 0.1);
    check(&spec, 3, 8, 0.4);
    check(&spec, 4, 8, 0.4);
    check(&spec, 6, 8, 0.2);
    check(&spec, 0, 1, 0.4); /* one step: no warm-up at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine_falls_from_the_peak_towards_zero),
        cmocka_unit_test(warm_up_is_linear_and_the_cosine_starts_after_it),
        cmocka_unit_test(sharing_rises_along_half_a_wave_and_stays),
        cmocka_unit_test(milestones_multiply_by_gamma_at_their_share_of_the_run),
        cmocka_unit_test(a_milestone_falls_on_its_step_despite_binary_fractions),
        cmocka_unit_test(warm_up_also_leads_into_the_step_schedule),
        cmocka_unit_test(warm_up_takes_at_most_half_of_a_short_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
