/* test_model_kernels.c - what fsnet inspect --kernels says of a network with a convolution of every
 * kind: which algorithm it gets, what is fused into it, how much it computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graph/exec.h"
#include "net_builder.h"
#include "op_call.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 2 };

/* A convolution of k filters of side x side without bias. */
static int conv(struct net *net, const char *name, int x, int64_t per_group, int64_t k,
                int64_t side, struct fsn__attrs attrs)
{
    struct fsn__tensor w = {.dtype = FSN__F32, .ndim = 4, .dim = {k, per_group, side, side}};
    struct fsn_error err = {0};
    int weight = -1, y = -1;

    assert_int_equal(fsn__tensor_alloc(&w, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_const(net->graph, NULL, FSN__VALUE_CONST, &w, &weight, NULL),
                     FSN_OK);
    free(w.data);
    if (fsn__graph_apply(net->graph, "Conv", name, &attrs, 2, (int[]){x, weight}, &y, &err) !=
        FSN_OK)
        fail_msg("%s", err.text);
    return y;
}
#define CONV(net, name, x, per_group, k, side, ...) \
    conv(net, name, x, per_group, k, side,          \
         ((struct op_call){.op = "Conv", ATTRS(__VA_ARGS__)}).attrs)
#define PADS(n) ATTR_INTS("pads", n, n, n, n)

/* Maps of 16 x 16, from the stride on of 8 x 8. */
static struct fsn__graph *build(void)
{
    struct net net = net_create(1);
    int x = net_input(&net, 3, 16, 16);

    x = CONV(&net, "stem", x, 3, 32, 3, PADS(1));
    x = net_relu(&net, net_batch_norm(&net, "stem_bn", x, 32));
    x = CONV(&net, "three", x, 32, 32, 3, PADS(1));
    x = net_relu(&net, net_batch_norm(&net, "three_bn", x, 32));
    x = CONV(&net, "one", x, 32, 64, 1, PADS(0));
    x = CONV(&net, "strided", x, 64, 32, 3, PADS(1), ATTR_INTS("strides", 2, 2));
    x = CONV(&net, "five", x, 32, 32, 5, PADS(2));
    x = CONV(&net, "depthwise", x, 1, 32, 3, PADS(1), ATTR_I("group", 32));
    x = CONV(&net, "dilated", x, 32, 32, 3, PADS(2), ATTR_INTS("dilations", 2, 2));
    x = CONV(&net, "thirteen", x, 32, 32, 13, PADS(6));
    x = net_conv_summary(&net, "summary", x, 32, 32, 3, 2304);
    x = CONV(&net, "eighths", x, 4, 32, 3, PADS(1), ATTR_I("group", 8));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "fc", x, 32, 5));
}

static json_t *kernels_of(struct fsn__graph *graph, bool training)
{
    const struct fsn_model model = {.graph = graph};
    struct fsn_error err = {0};
    char *text = NULL;
    json_t *root;

    if (fsn_model_kernels_json(&model, training, FSN_PRECISION_FLOAT32, BATCH, 1, &text, &err) !=
        FSN_OK)
        fail_msg("%s", err.text);
    root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

/* The row of the node of this name and operator. */
static const json_t *row(const json_t *kernels, const char *name, const char *op)
{
    const json_t *nodes = json_object_get(kernels, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);

        if (strcmp(json_string_value(json_object_get(node, "name")), name) == 0 &&
            strcmp(json_string_value(json_object_get(node, "op")), op) == 0)
            return node;
    }
    fail_msg("no node '%s' %s", name, op);
    return NULL;
}

/* The member of a row as compact JSON, compared. */
static void expect(const json_t *kernels, const char *name, const char *key, const char *want)
{
    char *got = json_dumps(json_object_get(row(kernels, name, "Conv"), key),
                           JSON_COMPACT | JSON_ENCODE_ANY);

    assert_string_equal(got, want);
    free(got);
}

static void expect_algorithm(const json_t *kernels, const char *name, const char *want)
{
    char text[128];

    snprintf(text, sizeof text,
             "{\"forward\":\"%s\",\"backward_data\":\"%s\",\"backward_weights\":\"%s\"}", want,
             want, want);
    expect(kernels, name, "algorithm", text);
}

static void every_kind_of_convolution_gets_its_algorithm(void **state)
{
    struct fsn__graph *graph = build();
    json_t *kernels = kernels_of(graph, true);

    (void)state;
    expect(kernels, "stem", "algorithm",
           "{\"forward\":\"winograd\",\"backward_data\":\"winograd\","
           "\"backward_weights\":\"direct\"}");
    expect_algorithm(kernels, "three", "winograd");
    expect_algorithm(kernels, "one", "direct");
    expect_algorithm(kernels, "strided", "winograd");
    expect_algorithm(kernels, "five", "direct");
    expect_algorithm(kernels, "depthwise", "direct");
    expect_algorithm(kernels, "dilated", "direct");
    expect_algorithm(kernels, "thirteen", "im2col");
    expect_algorithm(kernels, "eighths", "im2col");
    expect_algorithm(kernels, "summary", "winograd");
    expect(kernels, "three", "output_shape", "[2,2,16,16,16]"); /* blocks of 16 channels */
    expect(kernels, "eighths", "output_shape", "[2,32,8,8]");
    json_decref(kernels);
    fsn__graph_destroy(graph);
}

static void what_is_fused_is_named(void **state)
{
    struct fsn__graph *graph = build();
    json_t *training = kernels_of(graph, true), *inference = kernels_of(graph, false);

    (void)state;
    expect(training, "stem", "load", "[]");
    expect(training, "three", "load", "[\"batch norm\",\"relu\"]");
    expect(training, "three", "store", "[\"sums\"]");
    expect(training, "strided", "store", "[]");
    expect(training, "summary", "load", "[\"filter summary\"]");
    /* Batch norm is folded, which makes a bias; Relu is applied where the map is written. */
    expect(inference, "three", "load", "[]");
    expect(inference, "three", "store", "[\"bias\",\"relu\"]");
    expect(inference, "three", "algorithm", "{\"forward\":\"winograd\"}");
    json_decref(training);
    json_decref(inference);
    fsn__graph_destroy(graph);
}

/* 2 (multiply and add) N P Q K C / groups R S */
static void the_work_is_that_of_a_direct_convolution(void **state)
{
    static const struct {
        const char *name;
        double flop;
    } rows[] = {
        {"stem", 2.0 * BATCH * 16 * 16 * 32 * 3 * 9},
        {"three", 2.0 * BATCH * 16 * 16 * 32 * 32 * 9},
        {"strided", 2.0 * BATCH * 8 * 8 * 32 * 64 * 9},
        {"summary", 2.0 * BATCH * 8 * 8 * 32 * 32 * 9},
        {"depthwise", 2.0 * BATCH * 8 * 8 * 32 * 9},
        {"eighths", 2.0 * BATCH * 8 * 8 * 32 * 4 * 9},
    };
    struct fsn__graph *graph = build();
    json_t *kernels = kernels_of(graph, true);
    const json_t *fc = row(kernels, "fc", "Gemm");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *node = row(kernels, rows[i].name, "Conv");
        const double got = json_number_value(json_object_get(node, "gflop"));

        assert_true(fabs(1e9 * got - rows[i].flop) < 1e-6 * rows[i].flop);
        assert_true(json_integer_value(json_object_get(node, "scratch_bytes")) > 0);
    }
    assert_true(fabs(1e9 * json_number_value(json_object_get(fc, "gflop")) - 2.0 * BATCH * 32 * 5) <
                1e-3);
    json_decref(kernels);
    fsn__graph_destroy(graph);
}

static void the_plain_operators_are_shown_when_they_run(void **state)
{
    struct fsn__graph *graph = build();
    json_t *kernels;

    (void)state;
    assert_int_equal(setenv("FSNET_FAST", "0", 1), 0);
    kernels = kernels_of(graph, true);
    assert_int_equal(unsetenv("FSNET_FAST"), 0);
    assert_true(json_is_false(json_object_get(kernels, "fast")));
    assert_true(json_is_null(json_object_get(kernels, "isa")));
    expect_algorithm(kernels, "three", "im2col");
    expect(kernels, "three", "output_shape", "[2,32,16,16]");
    (void)row(kernels, "three_bn", "BatchNormalization");
    json_decref(kernels);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_convolution_gets_its_algorithm),
        cmocka_unit_test(what_is_fused_is_named),
        cmocka_unit_test(the_work_is_that_of_a_direct_convolution),
        cmocka_unit_test(the_plain_operators_are_shown_when_they_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
