/* test_round_rest.c - what no Filter Summary holds, in float16 or as cubes: which constants are
 * rounded, and what the file makes of them. */
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

static void round_rest(struct fsn__graph *graph, int bits)
{
    struct fsn_error err;

    if (fsn__round_rest(graph, bits, &err) != FSN_OK)
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
    round_rest(graph, 16);
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
    round_rest(graph, 16);
    assert_int_not_equal(graph->nodes[0].in[2], before);
    assert_memory_equal(graph->values[graph->nodes[1].in[2]].tensor.data, bias, sizeof bias);
    fsn__graph_destroy(graph);
}

/* ---- cubes ----------------------------------------------------------------------------------- */

enum { WIDE = 32, DEEP = 9 }; /* 9 biases of 32 are enough to be cubes */

static struct fsn__graph *wide_layers(int layers)
{
    struct net net = net_create(5);
    int x = net_input(&net, WIDE, 6, 6);

    for (int i = 0; i < layers; i++)
        x = net_relu(&net, net_conv_bias(&net, NULL, x, WIDE, WIDE, 1, 1));
    return net_finish(&net, x);
}

static const struct fsn__value *constant(const struct fsn__graph *graph, int node, int input)
{
    return &graph->values[graph->nodes[node].in[input]];
}

static void is_rounded_to_cubes(const struct fsn__value *value, const struct fsn__value *before)
{
    const float *x = fsn__f32(&value->tensor), *was = fsn__f32(&before->tensor);
    const float step = value->cubes.step;
    double error = 0, square = 0;

    assert_true(step > 0);
    for (int64_t i = 0; i < fsn__numel(&value->tensor); i++) {
        const double root = cbrt((double)x[i] / (double)step);

        assert_true(fabs(root - rint(root)) < 1e-4);
        assert_true(rint(root) >= (value->cubes.positive ? 0 : -127));
        assert_true(rint(root) <= (value->cubes.positive ? 255 : 127));
        error += ((double)x[i] - (double)was[i]) * ((double)x[i] - (double)was[i]);
        square += (double)was[i] * (double)was[i];
    }
    assert_true(error > 0);
    assert_true(error < 0.02 * 0.02 * square);
}

static void in_eight_bits_numbers_are_cubes_and_come_back(void **state)
{
    struct fsn__graph *graph = wide_layers(DEEP), *before = wide_layers(DEEP);
    float y[2][WIDE * 36];
    FsnOnnx__ModelProto *proto;
    struct fsn_model *back;

    (void)state;
    round_rest(graph, 8);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == &fsn__op_conv) {
            is_rounded_to_cubes(constant(graph, i, 1), constant(before, i, 1));
            is_rounded_to_cubes(constant(graph, i, 2), constant(before, i, 2));
            assert_true(constant(graph, i, 2)->cubes.step == constant(graph, 0, 2)->cubes.step);
        }
    run(graph, y[0], sizeof y[0]);
    for (int form = FSN_EXPORT_SMALL; form <= FSN_EXPORT_WRITTEN; form++) {
        proto = exported(graph, (enum fsn_export_form)form, &back);
        run(back->graph, y[1], sizeof y[1]);
        assert_memory_equal(y[0], y[1], sizeof y[0]);
        assert_int_equal(count_nodes(proto, "Split"), 1);
        /* of the biases; those of weights are in the function that the layers are calls of */
        assert_int_equal(count_nodes(proto, "Cubes"), form == FSN_EXPORT_SMALL);
        assert_int_equal(count_tensors(proto, FSN__ONNX_INT8), DEEP + 1);
        assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT16), 0);
        fsn__proto_free(proto);
        fsn_model_destroy(back);
    }
    proto = exported(graph, FSN_EXPORT_DENSE, NULL);
    assert_int_equal(count_tensors(proto, FSN__ONNX_FLOAT), 2 * DEEP);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(before);
}

/* A step for each would take more than it saves. */
static void few_numbers_are_rounded_to_half(void **state)
{
    struct fsn__graph *graph = wide_layers(DEEP - 2);

    (void)state;
    round_rest(graph, 8);
    assert_true(constant(graph, 0, 1)->cubes.step > 0);  /* 1024 weights */
    assert_true(constant(graph, 0, 2)->cubes.step == 0); /* 7 x 32 biases */
    fsn__graph_destroy(graph);
}

static void set_all(struct fsn__graph *graph, float from, float to)
{
    for (int i = 0; i < graph->value_count; i++)
        for (int64_t j = 0;
             graph->values[i].tensor.data && j < fsn__numel(&graph->values[i].tensor); j++)
            fsn__f32(&graph->values[i].tensor)[j] = j % 2 ? from : to;
}

static void extremes_of_what_is_rounded(void **state)
{
    FsnOnnx__ModelProto *proto;
    struct fsn__graph *graph = wide_layers(DEEP);

    (void)state;
    set_all(graph, 0, 0);
    round_rest(graph, 8);
    assert_true(fsn__f32(&constant(graph, 0, 1)->tensor)[0] == 0);
    fsn__graph_destroy(graph);

    graph = wide_layers(DEEP); /* none is negative: twice as many cubes */
    set_all(graph, 0.3F, 1e-4F);
    round_rest(graph, 8);
    assert_true(constant(graph, 0, 2)->cubes.positive);
    assert_true(fabsf(fsn__f32(&constant(graph, 0, 2)->tensor)[1] - 0.3F) < 1e-6F);
    assert_true(fabsf(fsn__f32(&constant(graph, 0, 2)->tensor)[0] - 1e-4F) < 1e-5F);
    proto = exported(graph, FSN_EXPORT_SMALL, NULL);
    assert_int_equal(count_tensors(proto, FSN__ONNX_UINT8), DEEP + 1);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);

    graph = wide_layers(DEEP); /* what has diverged stays as it is */
    set_all(graph, INFINITY, -1);
    round_rest(graph, 8);
    assert_true(constant(graph, 0, 2)->cubes.step == 0);
    assert_true(isinf(fsn__f32(&constant(graph, 0, 2)->tensor)[1]));
    fsn__graph_destroy(graph);
}

static void a_copy_of_the_graph_has_its_cubes(void **state)
{
    struct fsn__graph *graph = wide_layers(DEEP), *copy;

    (void)state;
    round_rest(graph, 8);
    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    assert_true(constant(copy, 0, 1)->cubes.step == constant(graph, 0, 1)->cubes.step);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void the_nearest_cube_is_found(void **state)
{
    const struct fsn__cubes both = {.step = 1}, positive = {.step = 1, .positive = true};

    (void)state;
    assert_int_equal(fsn__cube_root(0, &both), 0);
    assert_int_equal(fsn__cube_root(4.4F, &both), 1); /* between 1 and 8 */
    assert_int_equal(fsn__cube_root(4.6F, &both), 2);
    assert_int_equal(fsn__cube_root(-4.6F, &both), -2);
    assert_int_equal(fsn__cube_root(1e9F, &both), 127);
    assert_int_equal(fsn__cube_root(-1e9F, &both), -127);
    assert_int_equal(fsn__cube_root(255.0F * 255 * 255, &positive), 255);
    assert_int_equal(fsn__cube_root(1e9F, &positive), 255);
    assert_true(fsn__cube(255, 1) == 16581375.0F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_written_in_half_and_come_back),
        cmocka_unit_test(what_is_trained_is_not_written_in_half),
        cmocka_unit_test(what_another_node_reads_stays_exact),
        cmocka_unit_test(in_eight_bits_numbers_are_cubes_and_come_back),
        cmocka_unit_test(few_numbers_are_rounded_to_half),
        cmocka_unit_test(extremes_of_what_is_rounded),
        cmocka_unit_test(a_copy_of_the_graph_has_its_cubes),
        cmocka_unit_test(the_nearest_cube_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
