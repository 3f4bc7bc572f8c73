/* test_fold_affine.c - Mul and Add behind a convolution go into it; shared weights are not copied.
 */
#include "graph/fold_affine.h"
#include "graph_run.h"
#include "net_builder.h"
#include "onnx/onnx.h"
#include "toy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CHANNELS = 4 };
static const int64_t per_channel[4] = {1, CHANNELS, 1, 1};

static struct fsn__graph *folded(const struct fsn__graph *graph)
{
    struct fsn__graph *copy = NULL;

    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    assert_int_equal(fsn__graph_fold_affine(copy, NULL), FSN_OK);
    return copy;
}

/* conv (bias or none) OP constant, where the constant stands first or second; then Relu. */
static struct fsn__graph *one_step(const char *op, bool bias, int ndim, const int64_t *dim,
                                   bool constant_first)
{
    struct net net = net_create(2);
    int x = net_input(&net, 2, 5, 5), c;

    x = bias ? net_conv_bias(&net, "a", x, 2, CHANNELS, 3, 1)
             : net_conv(&net, "a", x, 2, CHANNELS, 3, 1);
    c = net_constant(&net, "k", ndim, dim, 1);
    x = constant_first ? net_apply(&net, op, NULL, c, x) : net_apply(&net, op, NULL, x, c);
    return net_finish(&net, net_relu(&net, x));
}

static void assert_folds(const char *op, bool constant_first)
{
    for (int form = 0; form < 6; form++) {
        const int64_t *dim = form % 3 == 2 ? (const int64_t[]){1} : per_channel + form % 3;
        struct fsn__graph *graph =
            one_step(op, form < 3, form % 3 == 2 ? 1 : 4 - form % 3, dim, constant_first);
        struct fsn__graph *copy = folded(graph);

        assert_int_equal(graph_count(copy, op), 0);
        assert_true(graph_difference(graph, copy, 2) < 1e-5);
        fsn__graph_destroy(copy);
        fsn__graph_destroy(graph);
    }
}

static void factors_and_terms_of_each_channel_or_of_all_are_folded(void **state)
{
    (void)state;
    assert_folds("Mul", false);
    assert_folds("Mul", true);
    assert_folds("Add", false);
    assert_folds("Add", true);
    assert_folds("Sub", false);
    assert_folds("Sub", true);
    assert_folds("Div", false);
}

static void a_chain_of_them_is_folded_in_one_pass(void **state)
{
    struct net net = net_create(2);
    int x = net_conv(&net, "a", net_input(&net, 2, 5, 5), 2, CHANNELS, 3, 1);
    struct fsn__graph *graph, *copy;

    (void)state;
    x = net_apply(&net, "Sub", NULL, x, net_constant(&net, "m", 4, per_channel, 1));
    x = net_apply(&net, "Mul", NULL, x, net_constant(&net, "s", 3, per_channel + 1, 1));
    x = net_apply(&net, "Add", NULL, x, net_constant(&net, "b", 3, per_channel + 1, 1));
    graph = net_finish(&net, net_relu(&net, x));
    copy = folded(graph);
    assert_int_equal(copy->node_count, 2);
    assert_true(graph_difference(graph, copy, 2) < 1e-5);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void what_is_no_factor_of_a_channel_stays(void **state)
{
    struct fsn__graph *along_width = one_step("Mul", false, 1, (int64_t[]){5}, false);
    struct fsn__graph *reciprocal = one_step("Div", false, 4, per_channel, true);
    struct fsn__graph *pixels = one_step("Add", false, 4, (int64_t[]){1, 1, 5, 5}, false);
    struct fsn__graph *all[3] = {along_width, reciprocal, pixels};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct fsn__graph *copy = folded(all[i]);

        assert_int_equal(copy->node_count, 3);
        fsn__graph_destroy(copy);
        fsn__graph_destroy(all[i]);
    }
}

/* ---- weights that two convolutions read --------------------------------------------------------
 */

/* a and b share their weight; each has a factor and batch norm of its own. */
static struct fsn__graph *twins(bool affine)
{
    struct net net = net_create(4);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), y;

    x = net_relu(&net, net_batch_norm(&net, "n0", net_conv(&net, "s", x, 1, 6, 3, 1), 6));
    x = net_conv(&net, "a", x, 6, 6, 3, 1);
    y = x;
    if (affine)
        x = net_apply(&net, "Mul", NULL, x, net_constant(&net, "k", 3, (int64_t[]){6, 1, 1}, 1));
    x = net_relu(&net, net_batch_norm(&net, "n1", x, 6));
    x = net_conv(&net, "b", x, 6, 6, 3, 1);
    net.graph->nodes[net.graph->values[x].producer].in[1] =
        net.graph->nodes[net.graph->values[y].producer].in[1];
    x = net_relu(&net, net_batch_norm(&net, "n2", x, 6));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "fc", x, 6, TOY_CLASSES));
}

static void a_shared_weight_is_not_folded_into(void **state)
{
    struct fsn__graph *graph = twins(true), *copy = folded(graph);

    (void)state;
    assert_int_equal(graph_count(copy, "Mul"), 1);
    assert_int_equal(fsn__graph_fold_bn(copy, NULL), FSN_OK);
    assert_int_equal(graph_count(copy, "BatchNormalization"), 2); /* n0 alone is folded */
    assert_int_equal(copy->nodes[fsn__names_find(&copy->node_names, "a")].in[1],
                     copy->nodes[fsn__names_find(&copy->node_names, "b")].in[1]);
    assert_true(graph_difference(graph, copy, 2) < 1e-4);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

/* Both convolutions read one weight before training, after it, and in the file. */
static void a_shared_weight_is_trained_as_one_and_written_once(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = twins(false);
    struct fsn_model model = {.graph = graph}, *back = NULL;
    unsigned char *bytes = NULL;
    struct toy_result result;
    size_t size = 0;
    int a, b;

    f->spec.finetune.epochs = 12;
    result = toy_train_graph(f, graph, NULL, 1, NULL);
    assert_int_equal(result.status, FSN_OK);
    assert_true(toy_top1(f, graph) > 90);
    assert_int_equal(fsn__graph_fold_bn(graph, NULL), FSN_OK);
    assert_int_equal(fsn__onnx_export(&model, FSN_EXPORT_WRITTEN, &bytes, &size, NULL), FSN_OK);
    assert_int_equal(fsn_model_load_memory(bytes, size, NULL, &back, NULL), FSN_OK);
    a = fsn__names_find(&back->graph->node_names, "a");
    b = fsn__names_find(&back->graph->node_names, "b");
    assert_int_equal(back->graph->nodes[a].in[1], back->graph->nodes[b].in[1]);
    assert_true(graph_difference(graph, back->graph, 3) < 1e-5);
    fsn_model_destroy(back);
    free(bytes);
    toy_clear(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_and_terms_of_each_channel_or_of_all_are_folded),
        cmocka_unit_test(a_chain_of_them_is_folded_in_one_pass),
        cmocka_unit_test(what_is_no_factor_of_a_channel_stays),
        cmocka_unit_test(a_shared_weight_is_not_folded_into),
        cmocka_unit_test_setup_teardown(a_shared_weight_is_trained_as_one_and_written_once,
                                        toy_setup, toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
