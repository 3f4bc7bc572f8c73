/* test_lower_summaries.c - compressed networks on the fast path: the convolutions read their Filter
 * Summaries themselves, no tensor of filters is left, and what is computed is what the plain
 * operators compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec_compare.h"
#include "fs/fs.h"
#include "graph/lower.h"
#include "kernels/blocked.h"
#include "net_builder.h"
#include "op_call.h"
#include "quant/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- graphs -----------------------------------------------------------------------------------
 */

/* A ResNet-20 for 16 x 16 images, every convolution but none of the rest in Filter Summaries; ratio
 * 0: as it is. */
static struct fsn__graph *compressed(enum fsn_layout layout, enum fsn_spacing spacing, double ratio,
                                     enum fsn_start start, float share)
{
    const struct fsn_arch_options options = {.classes = 7, .input_size = 16, .seed = 4};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_faults faults = {0};
    struct fsn_model *model = NULL;
    struct fsn_plan *plan = NULL;
    struct fsn__graph *graph = NULL;
    struct fsn_spec spec;

    assert_int_equal(fsn_arch_build("resnet20", &options, &model, NULL), FSN_OK);
    exec_disturb(model->graph);
    exec_keep_from_zero(model->graph);
    if (ratio > 0) {
        fsn_spec_defaults(&spec);
        spec.filter_summary.layout = layout;
        spec.filter_summary.ratio = ratio;
        if (fsn__fs_plan(model->graph, &spec, &plan, &faults, &err) != FSN_OK ||
            fsn__fs_convert(
                model->graph, plan,
                &(struct fsn__fs_options){.spacing = spacing, .start = start, .sharing = share < 1},
                &graph, &err) != FSN_OK)
            fail_msg("%s", err.text);
        if (share < 1)
            *fsn__fs_sharing(graph) = share;
        fsn_plan_destroy(plan);
        fsn_spec_clear(&spec);
    } else {
        assert_int_equal(fsn__graph_clone(model->graph, &graph, NULL), FSN_OK);
    }
    fsn_model_destroy(model);
    return graph;
}

static int apply(struct net *net, const char *op, const struct fsn__attrs *attrs, int n_in,
                 const int *in)
{
    struct fsn_error err = {.status = FSN_OK};
    int out = -1;

    if (fsn__graph_apply(net->graph, op, NULL, attrs, n_in, in, &out, &err) != FSN_OK)
        fail_msg("%s: %s", op, err.text);
    return out;
}

static int constant(struct net *net, enum fsn__value_kind kind, int64_t count, float bound)
{
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {count}};
    int out = -1;

    assert_int_equal(fsn__tensor_alloc(&t, NULL), FSN_OK);
    net_draw(fsn__f32(&t), count, bound, net->seed, net->drawn++);
    assert_int_equal(fsn__graph_add_const(net->graph, NULL, kind, &t, &out, NULL), FSN_OK);
    free(t.data);
    return out;
}

/* Filters [k, c, 3, 3] out of value f, a vector. */
static int summary(struct net *net, int f, int64_t k, int64_t c)
{
    const struct op_call call = {.op = "FilterSummary",
                                 ATTRS(ATTR_S("layout", "1d"), ATTR_INTS("shape", k, c, 3, 3))};

    return apply(net, call.op, &call.attrs, 1, &f);
}

static int conv(struct net *net, int x, int w, int64_t group, int64_t dilation)
{
    const struct op_call call = {.op = "Conv",
                                 ATTRS(ATTR_I("group", group),
                                       ATTR_INTS("dilations", dilation, dilation),
                                       ATTR_INTS("pads", dilation, dilation, dilation, dilation))};

    return apply(net, call.op, &call.attrs, 2, (int[]){x, w});
}

static struct fsn__graph *finish(struct net *net, int x, int channels)
{
    return net_finish(net,
                      net_gemm(net, "fc", net_flatten(net, net_global_pool(net, x)), channels, 5));
}

static void compare_all(const struct fsn__graph *graph)
{
    for (int threads = 1; threads <= 2; threads++)
        for (int training = 0; training < 2; training++)
            exec_compare(graph, (struct exec_comparison){
                                    .batch = 3, .training = training, .threads = threads});
}

/* ---- what is computed -------------------------------------------------------------------------
 */

static void compressed_networks_train_and_infer_alike(void **state)
{
    static const struct {
        enum fsn_layout layout;
        enum fsn_spacing spacing;
        double ratio;
        enum fsn_start start;
        float share;
    } ways[] = {{FSN_LAYOUT_1D, FSN_SPACING_EVEN, 4, FSN_START_LEAST_SQUARES, 1},
                {FSN_LAYOUT_1D, FSN_SPACING_REFERENCE, 3, FSN_START_ASSIGNED, 1},
                {FSN_LAYOUT_1D, FSN_SPACING_EVEN, 20, FSN_START_LEAST_SQUARES,
                 0.4F}, /* shorter than a filter */
                {FSN_LAYOUT_1D, FSN_SPACING_EVEN, 4, FSN_START_ASSIGNED, 0.75F},
                {FSN_LAYOUT_3D, FSN_SPACING_EVEN, 4, FSN_START_ASSIGNED, 0.5F},
                {FSN_LAYOUT_3D, FSN_SPACING_EVEN, 4, FSN_START_LEAST_SQUARES, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct fsn__graph *graph = compressed(ways[i].layout, ways[i].spacing, ways[i].ratio,
                                              ways[i].start, ways[i].share);

        compare_all(graph);
        fsn__graph_destroy(graph);
    }
}

static void quantised_networks_infer_alike(void **state)
{
    struct fsn__graph *graph =
        compressed(FSN_LAYOUT_1D, FSN_SPACING_EVEN, 4, FSN_START_LEAST_SQUARES, 1);

    (void)state;
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, NULL), FSN_OK);
    exec_compare(graph, (struct exec_comparison){.batch = 3, .threads = 2});
    fsn__graph_destroy(graph);
}

/* One F under two shapes of filters, grouped ones too; one W under two convolutions. */
static void a_shared_filter_summary_gathers_all_its_gradients(void **state)
{
    struct net net = net_create(1);
    int x = net_conv(&net, "a", net_input(&net, 3, 7, 9), 3, 32, 3, 1);
    const int f = constant(&net, FSN__VALUE_PARAM, 1777, 0.1F), w = summary(&net, f, 32, 32);
    struct fsn__graph *graph;

    (void)state;
    x = net_relu(&net, net_batch_norm(&net, "a", x, 32));
    x = net_relu(&net, net_batch_norm(&net, "b", conv(&net, x, w, 1, 1), 32));
    x = net_relu(&net, net_batch_norm(&net, "c", conv(&net, x, w, 1, 2), 32));
    x = conv(&net, x, summary(&net, f, 32, 16), 2, 1);
    graph = finish(&net, x, 32);
    exec_keep_from_zero(graph);
    compare_all(graph);
    fsn__graph_destroy(graph);
}

static void a_filter_summary_may_be_computed(void **state)
{
    struct net net = net_create(2);
    int x = net_input(&net, 3, 6, 6);
    const int f[2] = {constant(&net, FSN__VALUE_PARAM, 100, 0.3F),
                      constant(&net, FSN__VALUE_CONST, 100, 1)};
    struct fsn__graph *graph;

    (void)state;
    x = conv(&net, x, summary(&net, apply(&net, "Mul", NULL, 2, f), 20, 3), 1, 1);
    graph = finish(&net, x, 20);
    compare_all(graph);
    fsn__graph_destroy(graph);
}

/* ---- what is left -----------------------------------------------------------------------------
 */

static struct fsn__lowered *lower(const struct fsn__graph *graph, bool training)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__lowered *lowered = NULL;

    if (fsn__lower(graph, 8, training, &lowered, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return lowered;
}

static int count_nodes(const struct fsn__graph *graph, const struct fsn__op *op)
{
    int count = 0;

    for (int i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

/* Maps are blocked here, so that but for the input and what the last pooling writes, [N,C,1,1],
 * tensors of four dimensions are filters. */
static void no_tensor_of_filters_is_left(void **state)
{
    struct fsn__graph *graph =
        compressed(FSN_LAYOUT_1D, FSN_SPACING_EVEN, 4, FSN_START_LEAST_SQUARES, 1);

    (void)state;
    assert_int_equal(count_nodes(graph, &fsn__op_filter_summary), 21);
    for (int training = 0; training < 2; training++) {
        struct fsn__lowered *lowered = lower(graph, training);
        const struct fsn__graph *to = lowered->graph;

        assert_int_equal(count_nodes(to, &fsn__op_fast_conv), 21);
        assert_int_equal(count_nodes(to, &fsn__op_filter_summary), 0);
        for (int i = 0; i < to->value_count; i++)
            if (to->values[i].kind != FSN__VALUE_INPUT && to->values[i].tensor.ndim == 4)
                assert_int_equal(to->values[i].tensor.dim[0], 8); /* the batch */
        fsn__lowered_destroy(lowered);
    }
    fsn__graph_destroy(graph);
}

static void filters_that_something_else_reads_are_gathered(void **state)
{
    struct net net = net_create(3);
    const int f = constant(&net, FSN__VALUE_PARAM, 100, 0.3F), w = summary(&net, f, 20, 3);
    struct fsn__graph *graph;
    struct fsn__lowered *lowered;

    (void)state;
    graph = finish(&net, conv(&net, net_input(&net, 3, 6, 6), w, 1, 1), 20);
    assert_int_equal(fsn__graph_add_output(graph, w, NULL), FSN_OK);
    lowered = lower(graph, true);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_fast_conv), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_filter_summary), 1);
    compare_all(graph);
    fsn__lowered_destroy(lowered);
    fsn__graph_destroy(graph);
}

static size_t training_memory(struct fsn__graph *graph)
{
    const struct fsn__exec_options options = {.batch = 2, .training = true};
    struct fsn__exec *exec = NULL;
    size_t bytes;

    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    bytes = fsn__exec_memory(exec);
    fsn__exec_destroy(exec);
    return bytes;
}

/* Of the filters of all layers, in the plain network the gradients, there is at most one layer's,
 * 64 x 64 filters of 9, and a quarter of all in Filter Summaries. */
static void a_step_of_a_compressed_network_takes_less_memory(void **state)
{
    struct fsn__graph *graph =
        compressed(FSN_LAYOUT_1D, FSN_SPACING_EVEN, 4, FSN_START_LEAST_SQUARES, 1);
    struct fsn__graph *plain =
        compressed(FSN_LAYOUT_1D, FSN_SPACING_EVEN, 0, FSN_START_LEAST_SQUARES, 1);
    const size_t with = training_memory(graph), without = training_memory(plain);
    const size_t filters = 268336 * sizeof(float), layer = 64 * 64 * 9 * sizeof(float);

    (void)state;
    print_message("a step of two 16 x 16 images: %zu bytes, uncompressed %zu\n", with, without);
    assert_true(with < without - filters * 3 / 4 + layer + layer / 4);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_networks_train_and_infer_alike),
        cmocka_unit_test(quantised_networks_infer_alike),
        cmocka_unit_test(a_shared_filter_summary_gathers_all_its_gradients),
        cmocka_unit_test(a_filter_summary_may_be_computed),
        cmocka_unit_test(no_tensor_of_filters_is_left),
        cmocka_unit_test(filters_that_something_else_reads_are_gathered),
        cmocka_unit_test(a_step_of_a_compressed_network_takes_less_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
