/* test_int8.c - networks in 8-bit integers: numbers worked out by hand, where pairs stand, and what
 * is left of the accuracy. */
#include "compress/int8.h"
#include "graph_run.h"
#include "net_builder.h"
#include "quant/int8.h"
#include "toy_run.h"
#include "train/ranges.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void ok(enum fsn_status status, const struct fsn_error *err)
{
    if (status != FSN_OK)
        fail_msg("%s", err->text);
}

/* The least and largest that each wanted value of a graph holds on drawn images. */
static void find_ranges(const struct fsn__graph *graph, const bool *wanted, float (*range)[2])
{
    for (int i = 0; i < graph->value_count; i++) {
        struct fsn__graph *alias = NULL;
        struct fsn_error err = {0};
        float *values;
        int64_t count;

        if (!wanted[i])
            continue;
        range[i][0] = -1;
        range[i][1] = 1;
        if (graph->values[i].kind == FSN__VALUE_INPUT)
            continue;
        ok(fsn__graph_alias(graph, &alias, &err), &err);
        alias->outputs[0] = i;
        alias->output_count = 1;
        values = graph_run(alias, 0, 4, &count);
        range[i][0] = range[i][1] = 0;
        for (int64_t j = 0; j < count; j++) {
            range[i][0] = fminf(range[i][0], values[j]);
            range[i][1] = fmaxf(range[i][1], values[j]);
        }
        free(values);
        fsn__graph_destroy(alias);
    }
}

/* A copy of the graph in integers, with the ranges of drawn images. */
static struct fsn__graph *in_integers(const struct fsn__graph *graph)
{
    struct fsn__int8_places places = {0};
    struct fsn__graph *copy = NULL;
    struct fsn_error err = {0};
    float(*range)[2] = calloc((size_t)graph->value_count, sizeof *range);

    assert_non_null(range);
    ok(fsn__graph_clone(graph, &copy, &err), &err);
    ok(fsn__int8_choose(copy, NULL, &places, &err), &err);
    find_ranges(copy, places.value, range);
    ok(fsn__int8_insert(copy, &places, (const float(*)[2])range, &err), &err);
    fsn__int8_places_clear(&places);
    free(range);
    return copy;
}

static const struct fsn__tensor *constant(const struct fsn__graph *graph, const char *name)
{
    const int value = fsn__graph_find_value(graph, name);

    if (value < 0 || !graph->values[value].tensor.data)
        fail_msg("there is no constant '%s'", name);
    return &graph->values[value].tensor;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* x [N,1,1,1] -> Conv 1x1, weights and biases given, two filters -> Relu -> average -> output. */
static struct fsn__graph *two_filters(float w0, float w1, float b0, float b1)
{
    float weights[2] = {w0, w1}, biases[2] = {b0, b1};
    struct fsn__tensor w = {.dtype = FSN__F32, .ndim = 4, .dim = {2, 1, 1, 1}, .data = weights};
    struct fsn__tensor b = {.dtype = FSN__F32, .ndim = 1, .dim = {2}, .data = biases};
    struct net net = net_create(1);
    struct fsn_error err = {0};
    int in[3], y;

    in[0] = net_input(&net, 1, 1, 1);
    ok(fsn__graph_add_const(net.graph, "w", FSN__VALUE_CONST, &w, &in[1], &err), &err);
    ok(fsn__graph_add_const(net.graph, "b", FSN__VALUE_CONST, &b, &in[2], &err), &err);
    ok(fsn__graph_apply(net.graph, "Conv", "conv", NULL, 3, in, &y, &err), &err);
    return net_finish(&net, net_global_pool(&net, net_relu(&net, y)));
}

static void weights_activations_and_biases_are_levels_of_their_scales(void **state)
{
    struct fsn__graph *graph = two_filters(1.27F, -0.5F, 0.3F, -1);
    struct fsn__int8_places places = {0};
    struct fsn_error err = {0};
    float range[16][2] = {{0}};
    const struct fsn__tensor *t;
    int relu;

    (void)state;
    ok(fsn__int8_choose(graph, NULL, &places, &err), &err);
    relu = graph->nodes[1].out[0];
    assert_ptr_equal(graph->nodes[1].op, &fsn__op_relu);
    assert_true(places.value[graph->inputs[0]] && places.value[relu]);
    assert_false(places.value[graph->nodes[0].out[0]]);
    range[graph->inputs[0]][0] = -1; /* scale 0.01, zero 100 */
    range[graph->inputs[0]][1] = 1.55F;
    range[relu][0] = -3; /* a Relu writes nothing below 0 */
    range[relu][1] = 5.1F;
    ok(fsn__int8_insert(graph, &places, (const float(*)[2])range, &err), &err);
    t = constant(graph, "w.levels");
    assert_int_equal(t->dtype, FSN__I8);
    assert_int_equal(((int8_t *)t->data)[0], 127);
    assert_int_equal(((int8_t *)t->data)[1], -127);
    t = constant(graph, "w.scale");
    assert_float_equal(fsn__f32(t)[0], 0.01, 1e-8);
    assert_float_equal(fsn__f32(t)[1], 0.5 / 127, 1e-8);
    t = constant(graph, "b.levels"); /* 0.3 / 1e-4; -1 / (0.01 * 0.5 / 127) */
    assert_int_equal(t->dtype, FSN__I32);
    assert_int_equal(((int32_t *)t->data)[0], 3000);
    assert_int_equal(((int32_t *)t->data)[1], -25400);
    assert_int_equal(graph_count(graph, "Relu"), 0);
    assert_int_equal(graph_count(graph, "QuantizeLinear"), 2);
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (node->op != &fsn__op_quantize_linear)
            continue;
        t = &graph->values[node->in[1]].tensor;
        if (node->in[0] == graph->inputs[0]) {
            assert_float_equal(*fsn__f32(t), 0.01, 1e-8);
            assert_int_equal(*(uint8_t *)graph->values[node->in[2]].tensor.data, 100);
        } else {
            assert_float_equal(*fsn__f32(t), 0.02, 1e-8);
            assert_int_equal(*(uint8_t *)graph->values[node->in[2]].tensor.data, 0);
        }
    }
    fsn__int8_places_clear(&places);
    fsn__graph_destroy(graph);
}

static void a_bias_beside_weights_of_nothing_is_kept(void **state)
{
    struct fsn__graph *graph = two_filters(1e-20F, 0, 1, 2), *whole;

    (void)state;
    whole = in_integers(graph);
    assert_true(graph_difference(graph, whole, 4) < 0.01); /* half of a step of 2 / 255 */
    fsn__graph_destroy(whole);
    fsn__graph_destroy(graph);
}

static void a_weight_that_is_not_finite_is_refused_by_its_layer(void **state)
{
    struct fsn__graph *graph = two_filters(1, NAN, 0, 0);
    struct fsn__int8_places places = {0};
    struct fsn_error err = {0};
    float range[16][2] = {{0}};

    (void)state;
    ok(fsn__int8_choose(graph, NULL, &places, &err), &err);
    assert_int_equal(fsn__int8_insert(graph, &places, (const float(*)[2])range, &err),
                     FSN_DIVERGED);
    assert_non_null(strstr(err.text, "'conv'"));
    assert_non_null(strstr(err.text, "channel 1"));
    fsn__int8_places_clear(&places);
    fsn__graph_destroy(graph);
}

/* ---- places ---------------------------------------------------------------------------------- */

static struct fsn__graph *residual_net(void)
{
    struct net net = net_create(2);
    int x = net_input(&net, 3, 8, 8), y;

    x = net_relu(&net, net_conv_bias(&net, "first", x, 3, 8, 3, 1));
    y = net_relu(&net, net_conv_bias(&net, "second", x, 8, 8, 3, 1));
    y = net_conv_bias(&net, "third", y, 8, 8, 3, 1);
    x = net_relu(&net, net_add(&net, y, x));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "last", x, 8, 4));
}

static void a_residual_network_computes_nearly_the_same(void **state)
{
    struct fsn__graph *graph = residual_net(), *whole = in_integers(graph);
    double difference = graph_difference(graph, whole, 4);
    int last;

    (void)state;
    assert_int_equal(graph_count(whole, "Relu"), 0);
    /* input, first, second, third, sum, average, its elements in a row */
    assert_int_equal(graph_count(whole, "QuantizeLinear"), 7);
    assert_int_equal(graph_count(whole, "DequantizeLinear"), 7 + 2 * 4);
    assert_true(difference > 0 && difference < 0.02);
    last = whole->values[whole->outputs[0]].producer;
    assert_ptr_equal(whole->nodes[last].op, &fsn__op_gemm); /* scores are not rounded */
    fsn__graph_destroy(whole);
    fsn__graph_destroy(graph);
}

static void what_only_moves_elements_keeps_their_scale(void **state)
{
    struct fsn__graph *graph = residual_net(), *whole = in_integers(graph);
    int pooled = -1, flat = -1;

    (void)state;
    for (int i = 0; i < whole->node_count; i++) {
        const struct fsn__node *node = &whole->nodes[i];

        if (node->op != &fsn__op_quantize_linear)
            continue;
        if (whole->values[node->in[0]].producer < 0)
            continue;
        if (whole->nodes[whole->values[node->in[0]].producer].op == &fsn__op_flatten)
            flat = node->in[1];
        if (whole->nodes[whole->values[node->in[0]].producer].op == &fsn__op_global_average_pool)
            pooled = node->in[1];
    }
    assert_true(flat >= 0 && flat == pooled);
    fsn__graph_destroy(whole);
    fsn__graph_destroy(graph);
}

static void a_convolution_that_ends_the_network_stays_float(void **state)
{
    struct net net = net_create(3);
    int x = net_input(&net, 3, 8, 8);
    struct fsn__graph *graph, *whole;

    (void)state;
    x = net_relu(&net, net_conv_bias(&net, "first", x, 3, 4, 3, 1));
    x = net_conv_bias(&net, "second", x, 4, 4, 3, 1);
    graph = net_finish(&net, net_relu(&net, net_conv_bias(&net, "map", x, 4, 2, 1, 1)));
    whole = in_integers(graph);
    /* first and second lead to integers; map and its Relu are the end */
    assert_int_equal(graph_count(whole, "Relu"), 1);
    assert_true(fsn__graph_find_value(whole, "map.weight.levels") < 0);
    assert_int_equal(graph_count(whole, "Conv"), 3);
    fsn__graph_destroy(whole);
    fsn__graph_destroy(graph);
}

/* ---- images ---------------------------------------------------------------------------------- */

static struct fsn__train_job job_of(struct toy_run *f, struct fsn__pool *pool)
{
    return (struct fsn__train_job){.data = f->data, .spec = &f->spec, .pool = pool};
}

static void ranges_are_those_of_the_images_however_many_values_are_asked_for(void **state)
{
    struct toy_run *f = *state;
    struct net net = net_create(4);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), first = -1;
    struct fsn__graph *graph;
    struct fsn__pool *pool = NULL;
    struct fsn_error err = {0};
    bool *wanted;
    float(*range)[2], (*alone)[2];

    for (int i = 0; i < 40; i++) { /* more than one group */
        char name[16];

        snprintf(name, sizeof name, "conv%d", i);
        x = net_conv(&net, name, x, i == 0 ? 1 : 3, 3, 3, 1);
        first = i == 0 ? x : first;
    }
    graph = net_finish(&net, net_flatten(&net, net_global_pool(&net, x)));
    wanted = calloc((size_t)graph->value_count, sizeof *wanted);
    range = calloc((size_t)graph->value_count, sizeof *range);
    alone = calloc((size_t)graph->value_count, sizeof *alone);
    ok(fsn__pool_create(1, &pool, &err), &err);
    {
        const struct fsn__train_job job = job_of(f, pool);

        for (int i = 0; i < graph->value_count; i++)
            wanted[i] = graph->values[i].tensor.data == NULL;
        ok(fsn__observe_ranges(&job, graph, wanted, range, &err), &err);
        for (int i = 0; i < graph->value_count; i++) {
            assert_true(!wanted[i] || range[i][1] > range[i][0]);
            wanted[i] = i == first || i == x;
        }
        ok(fsn__observe_ranges(&job, graph, wanted, alone, &err), &err);
    }
    assert_memory_equal(range[first], alone[first], sizeof range[0]);
    assert_memory_equal(range[x], alone[x], sizeof range[0]);
    /* pixels are between 0 and 1 */
    assert_true(range[graph->inputs[0]][0] >= 0 && range[graph->inputs[0]][1] <= 1);
    assert_true(range[graph->inputs[0]][1] > 0.5F);
    free(wanted);
    free(range);
    free(alone);
    fsn__pool_destroy(pool);
    fsn__graph_destroy(graph);
}

static void a_file_in_integers_is_read_back_with_the_accuracy_of_the_network(void **state)
{
    struct toy_run *f = *state;
    struct toy_result trained = toy_train(f, 1, NULL);
    struct fsn_model dense = {0}, *back = NULL, *again = NULL;
    struct fsn__pool *pool = NULL;
    struct fsn_error err = {0};
    char path[400];

    ok(trained.status, &trained.err);
    ok(fsn__graph_clone(trained.student, &dense.graph, &err), &err);
    ok(fsn__graph_fold_bn(dense.graph, &err), &err);
    ok(fsn__graph_prune(dense.graph, &err), &err);
    ok(fsn__pool_create(1, &pool, &err), &err);
    {
        const struct fsn__train_job job = job_of(f, pool);

        snprintf(path, sizeof path, "%s.int8.onnx", f->checkpoint);
        ok(fsn__write_int8(&job, &dense, path, &err), &err);
        ok(fsn_model_load(path, NULL, &back, &err), &err);
        ok(fsn__write_int8(&job, &dense, path, &err), &err);
        ok(fsn_model_load(path, NULL, &again, &err), &err);
    }
    assert_int_equal(graph_count(back->graph, "Relu"), 0);
    assert_true(graph_count(back->graph, "QuantizeLinear") >= 3);
    assert_true(toy_top1(f, dense.graph) > 50);
    assert_true(fabs(toy_top1(f, back->graph) - toy_top1(f, dense.graph)) <= 3);
    assert_true(toy_same_state(back->graph, again->graph));
    fsn_model_destroy(back);
    fsn_model_destroy(again);
    fsn__graph_destroy(dense.graph);
    fsn__pool_destroy(pool);
    toy_clear(&trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_activations_and_biases_are_levels_of_their_scales),
        cmocka_unit_test(a_bias_beside_weights_of_nothing_is_kept),
        cmocka_unit_test(a_weight_that_is_not_finite_is_refused_by_its_layer),
        cmocka_unit_test(a_residual_network_computes_nearly_the_same),
        cmocka_unit_test(what_only_moves_elements_keeps_their_scale),
        cmocka_unit_test(a_convolution_that_ends_the_network_stays_float),
        cmocka_unit_test_setup_teardown(
            ranges_are_those_of_the_images_however_many_values_are_asked_for, toy_setup,
            toy_teardown),
        cmocka_unit_test_setup_teardown(
            a_file_in_integers_is_read_back_with_the_accuracy_of_the_network, toy_setup,
            toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
