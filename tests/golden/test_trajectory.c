/* test_trajectory.c - ten training steps of a small residual network, one of its convolutions drawn
 * from a Filter Summary, against PyTorch's (trajectory.py). Forward, distillation loss, backward
 * and SGD must all be right for ten losses in a row to agree. */
#include "core/cores.h"
#include "core/rng.h"
#include "net_builder.h"
#include "train/parameters.h"

#include "trajectory_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { SEED = 11, DATA_SEED = 12, BATCH = 8, CLASSES = 5, SIZE = 8, STEPS = 10 };

/* PyTorch's f32 and ours differ by rounding, and ten steps let that grow. */
static const double TOLERANCE = 1e-4;

static struct fsn__graph *build(void)
{
    struct net net = net_create(SEED);
    int x = net_input(&net, 3, SIZE, SIZE), y;

    x = net_conv(&net, "stem", x, 3, 4, 3, 1);
    x = net_relu(&net, net_batch_norm(&net, "stem_bn", x, 4));
    y = net_conv(&net, "a1", x, 4, 4, 3, 1);
    y = net_relu(&net, net_batch_norm(&net, "a1_bn", y, 4));
    y = net_conv_summary(&net, "a2", y, 4, 4, 3, 36);
    y = net_batch_norm(&net, "a2_bn", y, 4);
    x = net_relu(&net, net_add(&net, y, x));
    y = net_conv(&net, "b1", x, 4, 8, 3, 2);
    y = net_relu(&net, net_batch_norm(&net, "b1_bn", y, 8));
    y = net_conv(&net, "b2", y, 8, 8, 3, 1);
    y = net_batch_norm(&net, "b2_bn", y, 8);
    x = net_conv(&net, "bs", x, 4, 8, 1, 2);
    x = net_batch_norm(&net, "bs_bn", x, 8);
    x = net_relu(&net, net_add(&net, y, x));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "fc", x, 8, CLASSES));
}

static void assert_values(const struct fsn__graph *graph, const char *name, const double *want,
                          int count)
{
    int value = fsn__graph_find_value(graph, name);
    const float *got;

    assert_true(value >= 0);
    got = fsn__f32(&graph->values[value].tensor);
    for (int i = 0; i < count; i++)
        if (!(fabs(got[i] - want[i]) <= TOLERANCE * fmax(1, fabs(want[i]))))
            fail_msg("%s[%d]: got %.9g, want %.9g", name, i, (double)got[i], want[i]);
}

static double train_step(struct fsn__exec *exec, struct fsn__parameters *parameters,
                         const struct fsn_spec *spec, struct fsn__pool *pool, int step)
{
    struct fsn__rng rng = fsn__rng_open(DATA_SEED, FSN__RNG_TEST, (uint64_t)(3 * step + 2), 0);
    float teacher[BATCH * CLASSES];
    int32_t labels[BATCH];
    double loss;

    net_draw(fsn__f32(fsn__exec_input(exec, 0)), BATCH * 3 * SIZE * SIZE, 1, DATA_SEED,
             (uint64_t)(3 * step));
    net_draw(teacher, BATCH * CLASSES, 5, DATA_SEED, (uint64_t)(3 * step + 1));
    for (int i = 0; i < BATCH; i++)
        labels[i] = (int32_t)fsn__rng_below(&rng, CLASSES);
    assert_int_equal(fsn__exec_forward(exec, (uint64_t)step, NULL), FSN_OK);
    loss = fsn__distill_loss(fsn__f32(fsn__exec_output(exec, 0)), teacher, labels, BATCH, CLASSES,
                             spec->finetune.distill.alpha, spec->finetune.distill.temperature,
                             fsn__f32(fsn__exec_output_grad(exec, 0)), NULL);
    assert_int_equal(fsn__exec_backward(exec, NULL), FSN_OK);
    fsn__parameters_step(parameters, spec, spec->finetune.lr, pool);
    return loss;
}

/* Also gives the losses, which after ten steps depend on every bit before them. */
static void check_trajectory(int slices, int core_count, double losses[STEPS])
{
    const struct fsn_spec spec = {.finetune = {.lr = 0.1,
                                               .momentum = 0.9,
                                               .weight_decay = 5e-3,
                                               .distill = {.alpha = 0.7, .temperature = 4}}};
    struct fsn__exec_options options = {.batch = BATCH, .training = true};
    struct fsn__parameters parameters = {0};
    struct fsn__cores cores = FSN__CORES(core_count);
    struct fsn__graph *graph = build();
    struct fsn__exec *exec = NULL;

    assert_int_equal(fsn__pool_create_on(&cores, slices, &options.pool, NULL), FSN_OK);
    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    assert_int_equal(fsn__parameters_collect(graph, exec, &parameters, NULL), FSN_OK);
    for (int step = 0; step < STEPS; step++) {
        double loss = train_step(exec, &parameters, &spec, options.pool, step);

        losses[step] = loss;
        if (!(fabs(loss - trajectory_loss[step]) <= TOLERANCE * trajectory_loss[step]))
            fail_msg("step %d: loss %.9g, PyTorch's is %.9g", step, loss, trajectory_loss[step]);
    }
    assert_values(graph, "stem.w", trajectory_stem, 12);
    assert_values(graph, "a2.fs", trajectory_summary, 36);
    assert_values(graph, "b2_bn.scale", trajectory_scale, 8);
    assert_values(graph, "fc.b", trajectory_fc_bias, 5);
    fsn__parameters_clear(&parameters);
    fsn__exec_destroy(exec);
    fsn__pool_destroy(options.pool);
    fsn__graph_destroy(graph);
}

static void ten_steps_in_one_slice_follow_pytorch(void **state)
{
    double losses[STEPS];

    (void)state;
    check_trajectory(1, 1, losses);
}

static void ten_steps_in_three_slices_follow_pytorch_on_any_cores_with_the_same_bits(void **state)
{
    double losses[3][STEPS];

    (void)state;
    for (int i = 0; i < 3; i++) {
        check_trajectory(3, i + 1, losses[i]);
        assert_memory_equal(losses[i], losses[0], sizeof losses[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_steps_in_one_slice_follow_pytorch),
        cmocka_unit_test(ten_steps_in_three_slices_follow_pytorch_on_any_cores_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
