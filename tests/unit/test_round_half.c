/* test_round_half.c - what no Filter Summary holds, in float16: which constants are rounded, and
 * what the file makes of them. */
#include "fsnet.h"
#include "graph/exec.h"
#include "net_builder.h"
#include "onnx/onnx.h"
#include "onnx/proto.h"
#include "quant/quant.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More biases than one Split has outputs. */
enum { LAYERS = FSN__MAX_IO + 6, CHANNELS = 5 };

static struct fsn__graph *many_layers(void)
{
    struct net net = net_create(3);
    int x = net_input(&net, CHANNELS, 6, 6);

    for (int i = 0; i < LAYERS; i++)
        x = net_relu(&net, net_conv_bias(&net, NULL, x, CHANNELS, CHANNELS, i % 2 ? 3 : 1, 1));
    return net_finish(&net, x);
}

static void round_to_half(struct fsn__graph *graph)
{
    struct fsn_error err;

    if (fsn__round_to_half(graph, &err) != FSN_OK)
        fail_msg("%s", err.text);
}

static FsnOnnx__ModelProto *exported(const struct fsn__graph *graph, enum fsn_export_form form,
                                     struct fsn_model **back)
{
    struct fsn_model model = {.graph = (struct fsn__graph *)(uintptr_t)graph};
    FsnOnnx__ModelProto *proto = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__onnx_export(&model, form, &bytes, &size, NULL), FSN_OK);
    assert_int_equal(fsn__proto_unpack_model(bytes, size, "test", &proto, NULL), FSN_OK);
    if (back)
        assert_int_equal(fsn_model_load_memory(bytes, size, NULL, back, NULL), FSN_OK);
    free(bytes);
    return proto;
}

static size_t count_nodes(const FsnOnnx__ModelProto *proto, const char *op)
{
    size_t count = 0;

    for (size_t i = 0; i < proto->graph->n_node; i++)
        count += strcmp(proto->graph->node[i]->op_type, op) == 0;
    return count;
}

static size_t count_tensors(const FsnOnnx__ModelProto *proto, int type)
{
    size_t count = 0;

    for (size_t i = 0; i < proto->graph->n_initializer; i++)
        count += proto->graph->initializer[i]->data_type == type;
    return count;
}

static void run(struct fsn__graph *graph, float *y, size_t size)
{
    const struct fsn__exec_options options = {.batch = 1};
    struct fsn__exec *exec = NULL;
    struct fsn__tensor *t;

    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    t = fsn__exec_input(exec, 0);
    net_draw(fsn__f32(t), fsn__numel(t), 1, 9, 0);
    assert_int_equal(fsn__exec_forward(exec, 0, NULL), FSN_OK);
    t = fsn__exec_output(exec, 0);
    assert_int_equal(fsn__tensor_bytes(t), size);
    memcpy(y, t->data, size);
    fsn__exec_destroy(exec);
}

static void constants_are_written_in_half_and_come_back(void **state)
{
    struct fsn__graph *graph = many_layers();
    float y[2][CHANNELS * 36];
    FsnOnnx__ModelProto *proto;
    struct fsn_model *back;

    (void)state;
    round_to_half(graph);
    run(graph, y[0], sizeof y[0]);
    for (int form = FSN_EXPORT_SMALL; form <= FSN_EXPORT_WRITTEN; form++) {
        proto = exported(graph, (enum fsn_export_form)form, &back);
        run(back->graph, y[1], sizeof y[1]);
        assert_memory_equal(y[0], y[1], sizeof y[0]);
        /* 3x3 weights, and the biases: 64 of them together, then 6 that are not worth it; 1x1
         * weights of 25 elements are not either */
        assert_int_equal(count_nodes(proto, "Split"), 1);
        assert_int_equal(count_nodes(proto, "Cast"), LAYERS / 2 + 1);
        assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT16), LAYERS / 2 + 1);
        assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT), LAYERS / 2 + 6);
        fsn__proto_free(proto);
        fsn_model_destroy(back);
    }
    proto = exported(graph, FSN_EXPORT_DENSE, NULL);
    assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT), 2 * LAYERS);
    assert_int_equal(count_nodes(proto, "Cast") + count_nodes(proto, "Split"), 0);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

/* What is trained is written as it is, whatever its values: a file is trained on. */
static void what_is_trained_is_not_written_in_half(void **state)
{
    struct fsn__graph *graph = many_layers();
    FsnOnnx__ModelProto *proto;

    (void)state;
    for (int i = 0; i < graph->value_count; i++)
        for (int64_t j = 0;
             graph->values[i].tensor.data && j < fsn__numel(&graph->values[i].tensor); j++)
            fsn__f32(&graph->values[i].tensor)[j] = 0.5F;
    proto = exported(graph, FSN_EXPORT_SMALL, NULL);
    assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT16), 0);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

/* Nodes that compute with a number, rather than weigh by it, and outputs have it exactly. */
static void what_another_node_reads_stays_exact(void **state)
{
    struct net net = net_create(4);
    int x = net_input(&net, CHANNELS, 6, 6), before, shared;
    float bias[CHANNELS];
    struct fsn__graph *graph;

    (void)state;
    x = net_conv_bias(&net, "a", x, CHANNELS, CHANNELS, 1, 1);
    x = net_conv_bias(&net, "b", x, CHANNELS, CHANNELS, 1, 1);
    shared = net.graph->nodes[1].in[2];
    x = net_apply(&net, "Add", NULL, net_flatten(&net, net_global_pool(&net, x)), shared);
    graph = net_finish(&net, x);
    before = graph->nodes[0].in[2];
    memcpy(bias, graph->values[shared].tensor.data, sizeof bias);
    round_to_half(graph);
    assert_int_not_equal(graph->nodes[0].in[2], before);
    assert_memory_equal(graph->values[graph->nodes[1].in[2]].tensor.data, bias, sizeof bias);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_written_in_half_and_come_back),
        cmocka_unit_test(what_is_trained_is_not_written_in_half),
        cmocka_unit_test(what_another_node_reads_stays_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
