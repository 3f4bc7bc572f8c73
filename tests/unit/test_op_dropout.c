/* test_op_dropout.c - Dropout: when it is active, what it keeps, and that the mask repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#include <string.h>

#define N FSN_BATCH

enum { COUNT = 30011 };

static float values[COUNT];
static const struct fsn__tensor x = {.ndim = 1, .dim = {COUNT}, .data = values};

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        values[i] = (float)(i % 97 + 1);
    return 0;
}

static void inactive_it_copies_and_keeps_all(void **state)
{
    struct op_run run = {.n_out = 2};

    (void)state;
    op_run(&run, &(struct op_call){"Dropout", IN(x, SCALAR(F32, float, 0.5f))});
    assert_memory_equal(run.out[0].data, values, sizeof values);
    assert_int_equal(run.out[1].dtype, FSN__BOOL);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(((uint8_t *)run.out[1].data)[i], 1);
    op_run_free(&run);
}

/* Every element is 0 or x / (1 - ratio), as the mask says; returns how many were kept. */
static int kept(const struct op_run *run, double ratio)
{
    const uint8_t *mask = run->out[1].data;
    const float scale = (float)(1 / (1 - ratio));
    int count = 0;

    for (int i = 0; i < COUNT; i++) {
        const float y = fsn__f32(&run->out[0])[i];

        assert_in_range(mask[i], 0, 1);
        assert_true(mask[i] ? y == values[i] * scale : y == 0);
        count += mask[i];
    }
    return count;
}

/* Five standard deviations of the binomial count are about 400 of 30011. */
static void training_keeps_its_share_and_scales_it(void **state)
{
    struct op_run run = {.n_out = 2, .training = true};
    int count;

    (void)state;
    op_run(&run, &(struct op_call){"Dropout", IN(x, SCALAR(F32, float, 0.25f))});
    count = kept(&run, 0.25);
    assert_in_range(count, COUNT * 3 / 4 - 400, COUNT * 3 / 4 + 400);
    op_run_free(&run);

    run = (struct op_run){.n_out = 2, .training = true};
    op_run(&run, &(struct op_call){"Dropout", IN(x)});
    count = kept(&run, 0.5);
    assert_in_range(count, COUNT / 2 - 440, COUNT / 2 + 440);
    op_run_free(&run);
}

static void training_mode_switches_it_on_outside_training(void **state)
{
    struct op_run on = {.n_out = 2}, off = {.n_out = 2};
    const struct fsn__tensor ratio = SCALAR(F64, double, 0.75);

    (void)state;
    op_run(&on, &(struct op_call){"Dropout", IN(x, ratio, SCALAR(BOOL, uint8_t, 1))});
    assert_in_range(kept(&on, 0.75), COUNT / 4 - 400, COUNT / 4 + 400);
    op_run(&off, &(struct op_call){"Dropout", IN(x, ratio, SCALAR(BOOL, uint8_t, 0))});
    assert_memory_equal(off.out[0].data, values, sizeof values);
    op_run_free(&on);
    op_run_free(&off);
}

static void the_mask_depends_on_the_step_and_not_on_the_threads(void **state)
{
    const struct op_call call = {"Dropout", IN(x)};
    struct op_run one = {.n_out = 2, .training = true, .threads = 1, .step = 3};
    struct op_run three = {.n_out = 2, .training = true, .threads = 3, .step = 3};
    struct op_run later = {.n_out = 2, .training = true, .threads = 1, .step = 4};

    (void)state;
    op_run(&one, &call);
    op_run(&three, &call);
    op_run(&later, &call);
    assert_memory_equal(one.out[0].data, three.out[0].data, sizeof values);
    assert_memory_equal(one.out[1].data, three.out[1].data, COUNT);
    assert_true(memcmp(one.out[1].data, later.out[1].data, COUNT) != 0);
    op_run_free(&one);
    op_run_free(&three);
    op_run_free(&later);
}

static void wrong_ratios_and_modes_are_refused(void **state)
{
    const struct fsn__tensor in = F32((2), 1, 2);

    (void)state;
    op_expect(&(struct op_call){"Dropout", IN(SHAPE(F32, (N, 3)))}, SHAPE(F32, (N, 3)));
    op_refuse(&(struct op_call){"Dropout", IN(in, SCALAR(F32, float, 1))}, FSN_INVALID,
              "Dropout 'node': its ratio is 1, outside [0, 1)");
    op_refuse(&(struct op_call){"Dropout", IN(in, SCALAR(F32, float, -0.5f))}, FSN_INVALID,
              "its ratio is -0.5, outside [0, 1)");
    op_refuse(&(struct op_call){"Dropout", IN(in, SHAPE(F32, (2)))}, FSN_SHAPE,
              "its ratio must be one float, is float32 [2]");
    op_refuse(&(struct op_call){"Dropout", IN(in, ABSENT, SCALAR(I32, int32_t, 1))}, FSN_SHAPE,
              "its training_mode must be one bool, is int32 []");
    op_refuse(&(struct op_call){"Dropout", IN(SHAPE(I32, (2)))}, FSN_UNSUPPORTED,
              "its input is int32, only float32 is supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inactive_it_copies_and_keeps_all),
        cmocka_unit_test(training_keeps_its_share_and_scales_it),
        cmocka_unit_test(training_mode_switches_it_on_outside_training),
        cmocka_unit_test(the_mask_depends_on_the_step_and_not_on_the_threads),
        cmocka_unit_test(wrong_ratios_and_modes_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
