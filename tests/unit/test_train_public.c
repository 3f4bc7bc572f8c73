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
    const struct fsn_bench_options inference = {.batch = 4, .threads = 1, .steps = 5};
    const struct fsn_bench_options training = {
        .training = true, .batch = 4, .threads = 2, .steps = 5};
    struct fsn__graph *fresh = toy_network(1);
    struct fsn_bench infer = {0}, train_bench = {0};

    (void)state;
    assert_int_equal(fsn_bench_model(&model, &inference, &infer, NULL), FSN_OK);
    assert_int_equal(fsn_bench_model(&model, &training, &train_bench, NULL), FSN_OK);
    assert_true(toy_same_state(model.graph, fresh));
    assert_int_equal(infer.steps, 5);
    assert_int_equal(train_bench.threads, 2);
    assert_true(infer.ms_median > 0);
    assert_true(infer.images_per_second_p10 >= infer.images_per_second_median);
    assert_true(fabs(infer.images_per_second_median * infer.ms_median - 4000) < 1e-6);
    assert_true(train_bench.memory_bytes > infer.memory_bytes);
    fsn__graph_destroy(fresh);
    fsn__graph_destroy(model.graph);
}

static double sum_of_phases(const struct fsn_bench *bench)
{
    double sum = 0;

    for (int i = 0; i < FSN_BENCH_PHASE_COUNT; i++) {
        assert_true(bench->phase_ms[i] >= 0);
        sum += bench->phase_ms[i];
    }
    return sum;
}

static void the_parts_of_a_step_fit_into_it(void **state)
{
    const struct fsn_model model = {.graph = toy_network(1)}, teacher = {.graph = toy_network(2)};
    const struct fsn_bench_options options = {
        .training = true, .batch = 4, .threads = 1, .steps = 3, .teacher = &teacher};
    double forward = 0, backward = 0;
    struct fsn_bench bench;
    int nodes = 0;

    (void)state;
    assert_int_equal(fsn_bench_model(&model, &options, &bench, NULL), FSN_OK);
    assert_true(bench.fastest_ms <= bench.ms_p10 && bench.ms_p10 <= bench.ms_median);
    assert_true(sum_of_phases(&bench) <= bench.fastest_ms);
    for (int i = 0; i < bench.operator_count; i++) {
        nodes += bench.operators[i].nodes;
        forward += bench.operators[i].forward_ms;
        backward += bench.operators[i].backward_ms;
    }
    assert_true(bench.operator_count > 0 && nodes >= bench.operator_count);
    assert_true(forward > 0 && forward <= bench.phase_ms[FSN_BENCH_FORWARD]);
    assert_true(backward > 0 && backward <= bench.phase_ms[FSN_BENCH_BACKWARD]);
    assert_true(bench.phase_ms[FSN_BENCH_TEACHER] > 0);
    fsn__graph_destroy(teacher.graph);
    fsn__graph_destroy(model.graph);
}

/* 2 FLOP a multiply-add, three forwards a training step, one more of the teacher. */
static void gigaflops_count_the_teacher_and_three_forwards(void **state)
{
    const struct fsn_model model = {.graph = toy_network(1)};
    struct fsn_bench_options options = {.batch = 4, .threads = 1, .steps = 1};
    const double forward = 2e-9 * 4 * (double)fsn__graph_macs(model.graph);
    struct fsn_bench bench;

    (void)state;
    assert_int_equal(fsn_bench_model(&model, &options, &bench, NULL), FSN_OK);
    assert_true(fabs(bench.gflops * bench.ms_median / 1e3 / forward - 1) < 1e-9);
    options.training = true;
    assert_int_equal(fsn_bench_model(&model, &options, &bench, NULL), FSN_OK);
    assert_true(fabs(bench.gflops * bench.ms_median / 1e3 / forward - 3) < 1e-9);
    options.teacher = &model;
    assert_int_equal(fsn_bench_model(&model, &options, &bench, NULL), FSN_OK);
    assert_true(fabs(bench.gflops * bench.ms_median / 1e3 / forward - 4) < 1e-9);
    fsn__graph_destroy(model.graph);
}

static void the_benchmark_refuses_settings_out_of_range(void **state)
{
    const struct fsn_model model = {.graph = toy_network(1)};
    const struct fsn_bench_options bad[] = {
        {.batch = 0, .threads = 1, .steps = 5},
        {.batch = 1, .threads = 1, .steps = 0},
        {.batch = 1, .threads = -1, .steps = 1},
        {.batch = 1, .threads = 1, .steps = 1, .teacher = &model},
    };
    struct fsn_bench out;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fsn_bench_model(&model, &bad[i], &out, NULL), FSN_INVALID);
    fsn__graph_destroy(model.graph);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_public_function_trains_a_model_in_place),
        cmocka_unit_test(the_benchmark_leaves_the_model_alone),
        cmocka_unit_test(the_parts_of_a_step_fit_into_it),
        cmocka_unit_test(gigaflops_count_the_teacher_and_three_forwards),
        cmocka_unit_test(the_benchmark_refuses_settings_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
