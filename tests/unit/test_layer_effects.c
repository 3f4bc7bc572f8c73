/* test_layer_effects.c - what a layer costs when it alone is compressed. */
#include "compress/layer_effects.h"
#include "fs/fs.h"
#include "toy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The trained toy network, as its own teacher, with every layer at `ratio`. */
static struct fsn__layer_effect measure(struct toy_run *f, struct fsn__graph *graph, double ratio,
                                        int threads, bool like_with_like)
{
    const double ratios[1] = {ratio};
    struct fsn__layer_effect *effects = NULL, first;
    struct fsn__train_job job = {.student = graph, .data = f->data, .spec = &f->spec};
    struct fsn__pool *pool = NULL;
    struct fsn_error err = {0};
    struct fsn_plan *plan = NULL;
    double baseline = -1;

    if (fsn__graph_clone(graph, &job.teacher, &err) != FSN_OK ||
        fsn__graph_fold_bn(job.teacher, &err) != FSN_OK ||
        fsn__pool_create(threads, &pool, &err) != FSN_OK ||
        fsn__fs_plan_for(graph, NULL, &f->spec, ratios, NULL, &plan, NULL, &err) != FSN_OK)
        fail_msg("%s", err.text);
    job.pool = pool;
    assert_int_equal(plan->layer_count, 1);
    if (fsn__measure_layers(&job, plan, like_with_like, &effects, &baseline, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_true(baseline >= effects[0].top1_drop && baseline <= 100);
    first = effects[0];
    free(effects);
    fsn_plan_destroy(plan);
    fsn__pool_destroy(pool);
    fsn__graph_destroy(job.teacher);
    return first;
}

static void filters_side_by_side_cost_nothing_and_fewer_values_more(void **state)
{
    struct toy_run *f = *state;
    struct toy_result trained = toy_train(f, 1, NULL);
    struct fsn__layer_effect whole = measure(f, trained.student, 1, 1, false),
                             some = measure(f, trained.student, 3, 1, false),
                             few = measure(f, trained.student, 20, 1, false);

    /* batch norm by the batch's statistics moves the outputs a little */
    assert_true(whole.divergence >= 0 && whole.divergence < some.divergence);
    assert_true(some.divergence < few.divergence);
    assert_true(whole.top1_drop < some.top1_drop && some.top1_drop < few.top1_drop);
    toy_clear(&trained);
}

static void like_with_like_filters_side_by_side_cost_nothing_at_all(void **state)
{
    struct toy_run *f = *state;
    struct toy_result trained = toy_train(f, 1, NULL);
    struct fsn__layer_effect whole = measure(f, trained.student, 1, 1, true),
                             few = measure(f, trained.student, 20, 1, true);

    assert_true(whole.divergence < 1e-9 && whole.top1_drop == 0);
    assert_true(few.divergence > 1e-3 && few.top1_drop > 0);
    toy_clear(&trained);
}

static void the_figures_are_the_same_each_time_and_the_network_stays(void **state)
{
    struct toy_run *f = *state;
    struct toy_result trained = toy_train(f, 1, NULL);
    struct fsn__graph *copy = NULL;
    struct fsn_error err = {0};
    struct fsn__layer_effect a, b;

    assert_int_equal(fsn__graph_clone(trained.student, &copy, &err), FSN_OK);
    a = measure(f, trained.student, 4, 2, false);
    b = measure(f, trained.student, 4, 2, false);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(toy_same_state(copy, trained.student));
    fsn__graph_destroy(copy);
    toy_clear(&trained);
}

static bool refuse(const struct fsn_progress *now, void *user)
{
    (void)user;
    assert_int_equal(now->stage, FSN_STAGE_PLAN);
    return false;
}

static void measuring_can_be_cancelled(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = toy_network(1);
    struct fsn__train_job job = {
        .student = graph, .teacher = graph, .data = f->data, .spec = &f->spec, .progress = refuse};
    struct fsn__layer_effect *effects = NULL;
    struct fsn_error err = {0};
    struct fsn_plan *plan = NULL;
    double baseline;

    assert_int_equal(fsn__fs_plan(graph, &f->spec, &plan, NULL, &err), FSN_OK);
    assert_int_equal(fsn__pool_create(1, &job.pool, &err), FSN_OK);
    assert_int_equal(fsn__measure_layers(&job, plan, false, &effects, &baseline, &err),
                     FSN_CANCELLED);
    assert_null(effects);
    fsn__pool_destroy(job.pool);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filters_side_by_side_cost_nothing_and_fewer_values_more,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(like_with_like_filters_side_by_side_cost_nothing_at_all,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(the_figures_are_the_same_each_time_and_the_network_stays,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(measuring_can_be_cancelled, toy_setup, toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
