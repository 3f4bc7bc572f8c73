/* test_train_public.c - fsn_train and fsn_bench_model. */
#include "toy_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- the public functions ------------------------------------------------------------------ */

static void the_public_function_trains_a_model_in_place(void **state)
{
    struct toy_run *f = *state;
    struct fsn_model model = {.graph = toy_network(1)};
    struct toy_result inner = toy_train(f, 2, NULL);

    f->spec.threads = 2;
    assert_int_equal(fsn_train(&model, f->data, &f->spec, NULL, toy_progress, &f->watch, NULL),
                     FSN_OK);
    assert_true(toy_same_state(model.graph, inner.student));
    assert_true(f->watch.last.fraction == 1);
    toy_clear(&inner);
    fsn__graph_destroy(model.graph);
}

static void the_benchmark_leaves_the_model_alone(void **state)
{
    const struct fsn_model model = {.graph = toy_network(1)};
    struct fsn__graph *fresh = toy_network(1);
    struct fsn_bench infer = {0}, train_bench = {0};

    (void)state;
    assert_int_equal(fsn_bench_model(&model, false, 4, 1, 5, &infer, NULL), FSN_OK);
    assert_int_equal(fsn_bench_model(&model, true, 4, 2, 5, &train_bench, NULL), FSN_OK);
    assert_true(toy_same_state(model.graph, fresh));
    assert_int_equal(infer.steps, 5);
    assert_true(infer.ms_median > 0);
    assert_true(infer.images_per_second_p10 >= infer.images_per_second_median);
    assert_true(fabs(infer.images_per_second_median * infer.ms_median - 4000) < 1e-6);
    assert_true(train_bench.memory_bytes > infer.memory_bytes);
    fsn__graph_destroy(fresh);
    fsn__graph_destroy(model.graph);
}

static void the_benchmark_refuses_settings_out_of_range(void **state)
{
    const struct fsn_model model = {.graph = toy_network(1)};
    struct fsn_bench out;

    (void)state;
    assert_int_equal(fsn_bench_model(&model, false, 0, 1, 5, &out, NULL), FSN_INVALID);
    assert_int_equal(fsn_bench_model(&model, false, 1, 1, 0, &out, NULL), FSN_INVALID);
    assert_int_equal(fsn_bench_model(&model, false, 1, -1, 1, &out, NULL), FSN_INVALID);
    fsn__graph_destroy(model.graph);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_public_function_trains_a_model_in_place),
        cmocka_unit_test(the_benchmark_leaves_the_model_alone),
        cmocka_unit_test(the_benchmark_refuses_settings_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
