/* Layers that are alike become calls of one function in the small form: which ones, how far a layer
 * reaches, and that the network is the same. */
#include "graph/exec.h"
#include "net_builder.h"
#include "onnx/onnx.h"
#include "onnx/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CHANNELS = 8 };

/* The value and its network in the small form, taken apart; the outputs are compared on the way. */
static FsnOnnx__ModelProto *exported(struct fsn__graph *graph, size_t *size)
{
    struct fsn_model model = {.graph = graph}, *back = NULL;
    FsnOnnx__ModelProto *proto = NULL;
    struct fsn_error err = {0};
    struct fsn__graph *graphs[2] = {graph, NULL};
    unsigned char *bytes = NULL;
    float result[2][2 * CHANNELS * 36];

    if (fsn__onnx_export(&model, FSN_EXPORT_SMALL, &bytes, size, &err) != FSN_OK ||
        fsn_model_load_memory(bytes, *size, NULL, &back, &err) != FSN_OK ||
        fsn__proto_unpack_model(bytes, *size, "test", &proto, &err) != FSN_OK)
        fail_msg("%s", err.text);
    graphs[1] = back->graph;
    for (int i = 0; i < 2; i++) {
        const struct fsn__exec_options options = {.batch = 2};
        struct fsn__exec *exec = NULL;
        struct fsn__tensor *t;

        assert_int_equal(fsn__exec_create(graphs[i], &options, &exec, &err), FSN_OK);
        t = fsn__exec_input(exec, 0);
        net_draw(fsn__f32(t), fsn__numel(t), 1, 99, 0);
        assert_int_equal(fsn__exec_forward(exec, 0, &err), FSN_OK);
        t = fsn__exec_output(exec, 0);
        assert_int_equal(fsn__tensor_bytes(t), sizeof result[i]);
        memcpy(result[i], t->data, sizeof result[i]);
        fsn__exec_destroy(exec);
    }
    assert_memory_equal(result[0], result[1], sizeof result[0]);
    fsn_model_destroy(back);
    free(bytes);
    return proto;
}

static int count_calls(const FsnOnnx__ModelProto *proto, const char *op)
{
    int count = 0;

    for (size_t i = 0; i < proto->graph->n_node; i++)
        count += strcmp(proto->graph->node[i]->op_type, op) == 0;
    return count;
}

static const FsnOnnx__FunctionProto *find_function(const FsnOnnx__ModelProto *proto,
                                                   const char *name)
{
    for (size_t i = 0; i < proto->n_functions; i++)
        if (strcmp(proto->functions[i]->name, name) == 0)
            return proto->functions[i];
    return NULL;
}

static void check_body(const FsnOnnx__FunctionProto *function, size_t count, const char *const *ops)
{
    assert_non_null(function);
    assert_int_equal(function->n_node, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(function->node[i]->op_type, ops[i]);
}

/* A residual network: per block relu(conv(x)), then relu(x + conv(that)). */
static struct fsn__graph *residual_net(int blocks)
{
    struct net net = net_create(5);
    int x = net_input(&net, CHANNELS, 6, 6);

    for (int i = 0; i < blocks; i++) {
        char first[8], second[8];
        int y;

        snprintf(first, sizeof first, "a%d", i);
        snprintf(second, sizeof second, "b%d", i);
        y = net_relu(&net, net_conv_summary(&net, first, x, CHANNELS, CHANNELS, 3, 100 + i));
        y = net_conv_summary(&net, second, y, CHANNELS, CHANNELS, 3, 100 + i);
        x = net_relu(&net, net_add(&net, x, y));
    }
    return net_finish(&net, x);
}

static void a_layer_reaches_to_where_its_value_is_read_by_several(void **state)
{
    static const char *const plain[] = {"FilterSummary1d", "Conv", "Relu"};
    static const char *const with_addition[] = {"FilterSummary1d", "Conv", "Add", "Relu"};
    struct fsn__graph *graph = residual_net(6);
    FsnOnnx__ModelProto *proto;
    size_t size;

    (void)state;
    proto = exported(graph, &size);
    assert_int_equal(proto->graph->n_node, 12);
    assert_int_equal(count_calls(proto, "L1"), 6);
    assert_int_equal(count_calls(proto, "L2"), 6);
    assert_int_equal(proto->n_functions, 3);
    if (find_function(proto, "L1")->n_node == 3) {
        check_body(find_function(proto, "L1"), 3, plain);
        check_body(find_function(proto, "L2"), 4, with_addition);
    } else {
        check_body(find_function(proto, "L2"), 3, plain);
        check_body(find_function(proto, "L1"), 4, with_addition);
    }
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

/* With one block more the file grows by the summaries, two calls, and little else. */
static void one_layer_more_takes_few_bytes(void **state)
{
    struct fsn__graph *six = residual_net(6), *seven = residual_net(7);
    size_t small, large;

    (void)state;
    fsn__proto_free(exported(six, &small));
    fsn__proto_free(exported(seven, &large));
    assert_in_range(large - small, 2 * 4 * 106, 2 * (4 * 106 + 64));
    fsn__graph_destroy(six);
    fsn__graph_destroy(seven);
}

/* Layers of other shapes, and a layer of a kind of its own, which stays as it is. */
static void kinds_are_told_apart_and_one_of_a_kind_stays(void **state)
{
    static const int kernels[] = {3, 3, 1, 3, 3, 3};
    struct net net = net_create(5);
    int x = net_input(&net, CHANNELS, 6, 6);
    struct fsn__graph *graph;
    FsnOnnx__ModelProto *proto;
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        char name[8];

        snprintf(name, sizeof name, "c%zu", i);
        x = net_relu(&net, net_conv_summary(&net, name, x, CHANNELS, CHANNELS, kernels[i], 40));
    }
    graph = net_finish(&net, x);
    proto = exported(graph, &size);
    assert_int_equal(count_calls(proto, "L1"), 5);
    assert_int_equal(count_calls(proto, "FilterSummary1d"), 1);
    assert_int_equal(count_calls(proto, "Conv"), 1);
    assert_int_equal(proto->n_functions, 2);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

/* Whether an addition takes what the layer itself reads, or another value, is no matter. */
static void places_that_read_one_value_make_no_other_kind(void **state)
{
    struct net net = net_create(5);
    int x = net_input(&net, CHANNELS, 6, 6), before = x;
    struct fsn__graph *graph;
    FsnOnnx__ModelProto *proto;
    size_t size;

    (void)state;
    for (int i = 0; i < 6; i++) {
        char name[8];
        int y;

        snprintf(name, sizeof name, "c%d", i);
        y = net_conv_summary(&net, name, x, CHANNELS, CHANNELS, 3, 60);
        y = net_relu(&net, net_add(&net, i % 2 == 0 ? x : before, y));
        before = x;
        x = y;
    }
    graph = net_finish(&net, x);
    proto = exported(graph, &size);
    assert_int_equal(count_calls(proto, "L1"), 6);
    assert_int_equal(find_function(proto, "L1")->n_input, 5); /* x, F, scale, zero, the other */
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

/* What a job looks at inside is found by its name: it stays a value of the graph. */
static void an_inner_output_ends_a_layer(void **state)
{
    struct net net = net_create(5);
    int x = net_input(&net, CHANNELS, 6, 6), inside = -1;
    struct fsn__graph *graph;
    FsnOnnx__ModelProto *proto;
    bool found = false;
    size_t size;

    (void)state;
    for (int i = 0; i < 6; i++) {
        char name[8];

        snprintf(name, sizeof name, "c%d", i);
        x = net_conv_summary(&net, name, x, CHANNELS, CHANNELS, 3, 60);
        inside = i == 3 ? x : inside;
        x = net_relu(&net, x);
    }
    graph = net_finish(&net, x);
    assert_int_equal(fsn__graph_add_output(graph, inside, NULL), FSN_OK);
    proto = exported(graph, &size);
    assert_int_equal(count_calls(proto, "L1"), 5);
    for (size_t i = 0; i < proto->graph->n_node; i++)
        found |= strcmp(proto->graph->node[i]->output[0], graph->values[inside].name) == 0;
    assert_true(found);
    fsn__proto_free(proto);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_reaches_to_where_its_value_is_read_by_several),
        cmocka_unit_test(one_layer_more_takes_few_bytes),
        cmocka_unit_test(kinds_are_told_apart_and_one_of_a_kind_stays),
        cmocka_unit_test(places_that_read_one_value_make_no_other_kind),
        cmocka_unit_test(an_inner_output_ends_a_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
