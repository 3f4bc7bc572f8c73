/* The memory planner: no two blocks alive together may share a byte, and the total stays near the
 * largest sum alive at once. */
#include "core/rng.h"
#include "graph/exec.h"
#include "graph/memory_plan.h"
#include "net_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void blocks_alive_together_never_overlap(void **state)
{
    enum { COUNT = 200 };
    struct fsn__block blocks[COUNT];

    (void)state;
    for (uint64_t round = 0; round < 50; round++) {
        struct fsn__rng rng = fsn__rng_open(7, FSN__RNG_TEST, round, 0);
        size_t total = 0;

        for (int i = 0; i < COUNT; i++) {
            blocks[i].size = fsn__rng_below(&rng, 5000);
            blocks[i].birth = (int)fsn__rng_below(&rng, 100);
            blocks[i].death = blocks[i].birth + (int)fsn__rng_below(&rng, 20);
            blocks[i].offset = 0;
            blocks[i].guest_of = 0;
        }
        assert_int_equal(fsn__plan_memory(blocks, COUNT, &total, NULL), FSN_OK);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(blocks[i].offset % 64, 0);
            assert_true(blocks[i].offset + blocks[i].size <= total);
            for (int j = 0; j < i; j++) {
                bool together =
                    blocks[i].birth <= blocks[j].death && blocks[j].birth <= blocks[i].death;
                bool apart = blocks[i].offset + blocks[i].size <= blocks[j].offset ||
                             blocks[j].offset + blocks[j].size <= blocks[i].offset;

                assert_true(!together || apart || !blocks[i].size || !blocks[j].size);
            }
        }
        assert_true(total >= fsn__memory_lower_bound(blocks, COUNT));
        assert_true(total <= 2 * fsn__memory_lower_bound(blocks, COUNT) + 64 * COUNT);
    }
}

static void a_guest_lies_where_its_host_lies_and_takes_nothing(void **state)
{
    struct fsn__block blocks[3] = {
        {.size = 640, .birth = 0, .death = 2, .guest_of = 3},
        {.size = 640, .birth = 0, .death = 4},
        {.size = 640, .birth = 0, .death = 4},
    };
    size_t total = 0;

    (void)state;
    assert_int_equal(fsn__plan_memory(blocks, 3, &total, NULL), FSN_OK);
    assert_int_equal(total, 1280);
    assert_int_equal(blocks[0].offset, blocks[2].offset);
    assert_int_not_equal(blocks[1].offset, blocks[2].offset);
    assert_int_equal(fsn__memory_lower_bound(blocks, 3), 1280);
}

static void a_chain_needs_only_two_blocks(void **state)
{
    struct fsn__block blocks[10];
    size_t total = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        blocks[i] = (struct fsn__block){.size = 640, .birth = i, .death = i + 1};
    assert_int_equal(fsn__plan_memory(blocks, 10, &total, NULL), FSN_OK);
    assert_int_equal(total, 1280);
    assert_int_equal(fsn__memory_lower_bound(blocks, 10), 1280);
}

static void sizes_that_overflow_are_refused(void **state)
{
    struct fsn__block blocks[2] = {{.size = SIZE_MAX - 100, .birth = 0, .death = 1},
                                   {.size = SIZE_MAX - 100, .birth = 0, .death = 1}};
    struct fsn_error err = {0};
    size_t total = 0;

    (void)state;
    assert_int_equal(fsn__plan_memory(blocks, 2, &total, &err), FSN_LIMIT);
    blocks[0].size = SIZE_MAX - 10;
    assert_int_equal(fsn__plan_memory(blocks, 1, &total, NULL), FSN_LIMIT);
}

/* ---- of whole networks ------------------------------------------------------------------------
 */

/* Planned memory of training, scratch included, over what every plan needs: at most 1.5. */
static void expect_near_bound(struct fsn__graph *graph, const char *name)
{
    const struct fsn__exec_options options = {.batch = 32, .training = true, .plan_only = true};
    struct fsn_error err = {0};
    struct fsn__exec *exec = NULL;
    size_t bound = 0;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK ||
        fsn__exec_memory_bound(exec, &bound, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_true(fsn__exec_memory(exec) >= bound);
    if (fsn__exec_memory(exec) > bound / 2 * 3)
        fail_msg("%s: %zu bytes planned, %zu are needed", name, fsn__exec_memory(exec), bound);
    fsn__exec_destroy(exec);
}

static void networks_of_the_zoo_are_planned_near_the_lower_bound(void **state)
{
    static const char *const names[] = {"resnet20", "resnet56", "resnet18", "densenet100",
                                        "ssd-lite"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fsn_error err = {0};
        struct fsn_model *model = NULL;

        if (fsn_arch_build(names[i], &(struct fsn_arch_options){.seed = 1}, &model, &err) != FSN_OK)
            fail_msg("%s", err.text);
        fsn__graph_mark_trainable(model->graph);
        expect_near_bound(model->graph, names[i]);
        fsn_model_destroy(model);
    }
}

/* Inverted residuals: 1x1 to six times the channels, depthwise 3x3, 1x1 back. */
static void inverted_residuals_are_planned_near_the_lower_bound(void **state)
{
    struct net net = net_create(1);
    int x = net_input(&net, 3, 32, 32);
    struct fsn__graph *graph;

    (void)state;
    x = net_conv(&net, "stem", x, 3, 16, 3, 1);
    for (int i = 0; i < 4; i++) {
        int y = net_conv(&net, "expand", x, 16, 96, 1, 1);

        y = net_relu(&net, net_batch_norm(&net, "expand_bn", y, 96));
        y = net_conv_depthwise(&net, "depthwise", y, 96, 3, 1);
        y = net_relu(&net, net_batch_norm(&net, "depthwise_bn", y, 96));
        y = net_batch_norm(&net, "project_bn", net_conv(&net, "project", y, 96, 16, 1, 1), 16);
        x = net_add(&net, x, y);
    }
    graph =
        net_finish(&net, net_gemm(&net, "fc", net_flatten(&net, net_global_pool(&net, x)), 16, 5));
    expect_near_bound(graph, "inverted residuals");
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_alive_together_never_overlap),
        cmocka_unit_test(a_guest_lies_where_its_host_lies_and_takes_nothing),
        cmocka_unit_test(a_chain_needs_only_two_blocks),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(networks_of_the_zoo_are_planned_near_the_lower_bound),
        cmocka_unit_test(inverted_residuals_are_planned_near_the_lower_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
