/* test_statistics.c - batch norm's statistics over several batches are those of all their images.
 */
#include "net_builder.h"
#include "toy_task.h"
#include "train/statistics.h"

#include "graph/exec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BATCH = 3, PASSES = 4, CHANNELS = 2, PLANE = 4 };

static struct fsn__graph *normed(void)
{
    struct net net = net_create(5);
    int x = net_input(&net, CHANNELS, 2, 2);

    x = net_batch_norm(&net, "bn", x, CHANNELS);
    x = net_flatten(&net, net_global_pool(&net, net_relu(&net, x)));
    return net_finish(&net, net_gemm(&net, "fc", x, CHANNELS, 3));
}

static float *values_of(struct fsn__graph *graph, const char *name)
{
    return fsn__f32(&graph->values[fsn__graph_find_value(graph, name)].tensor);
}

/* Channel 1 lies far from zero and moves from batch to batch. */
static void fill(float *x, int pass)
{
    net_draw(x, BATCH * CHANNELS * PLANE, 2, 6, (uint64_t)pass);
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < PLANE; j++)
            x[(i * CHANNELS + 1) * PLANE + j] += 1000 + 10.0f * (float)pass;
}

static void they_are_mean_and_variance_of_all_images(void **state)
{
    static float all[PASSES][BATCH * CHANNELS * PLANE];
    struct fsn__graph *graph = normed();
    const struct fsn__exec_options options = {.batch = BATCH, .training = true};
    struct fsn__statistics statistics = {0};
    struct fsn__exec *exec;

    (void)state;
    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    assert_int_equal(fsn__statistics_create(graph, &statistics, NULL), FSN_OK);
    assert_int_equal(statistics.count, 1);
    for (int pass = 0; pass < PASSES; pass++) {
        fill(all[pass], pass);
        memcpy(fsn__exec_input(exec, 0)->data, all[pass], sizeof all[pass]);
        fsn__statistics_before(&statistics);
        assert_int_equal(fsn__exec_forward(exec, 0, NULL), FSN_OK);
        fsn__statistics_after(&statistics);
    }
    fsn__statistics_finish(&statistics);
    for (int c = 0; c < CHANNELS; c++) {
        const double n = PASSES * BATCH * PLANE;
        double mean = 0, var = 0;

        for (int k = 0; k < PASSES * BATCH * PLANE; k++)
            mean +=
                all[k / (BATCH * PLANE)][(k / PLANE % BATCH * CHANNELS + c) * PLANE + k % PLANE] /
                n;
        for (int k = 0; k < PASSES * BATCH * PLANE; k++)
            var += pow(all[k / (BATCH * PLANE)]
                          [(k / PLANE % BATCH * CHANNELS + c) * PLANE + k % PLANE] -
                           mean,
                       2) /
                   n;
        assert_true(fabs(values_of(graph, "bn.mean")[c] - mean) < 1e-6 * (1 + fabs(mean)));
        assert_true(fabs(values_of(graph, "bn.var")[c] - var) < 1e-4 * var);
    }
    fsn__statistics_clear(&statistics);
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

/* Without a pass nothing is known, and what stands there stays. */
static void without_a_pass_statistics_stay(void **state)
{
    struct fsn__graph *graph = normed();
    struct fsn__statistics statistics = {0};

    (void)state;
    values_of(graph, "bn.mean")[1] = 3;
    assert_int_equal(fsn__statistics_create(graph, &statistics, NULL), FSN_OK);
    fsn__statistics_finish(&statistics);
    assert_true(values_of(graph, "bn.mean")[1] == 3 && values_of(graph, "bn.var")[0] == 1);
    fsn__statistics_clear(&statistics);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_mean_and_variance_of_all_images),
        cmocka_unit_test(without_a_pass_statistics_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
