/* test_quantizer.c - the linear quantiser on numbers, and what it makes of a network. */
#include "fs/fs.h"
#include "quant/quant.h"
#include "small_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- numbers ----------------------------------------------------------------------------------
 */

static void levels_follow_the_formula(void **state)
{
    /* range -1 .. 1.55: scale 2.55 / 255 = 0.01, zero at level 100 */
    const float x[] = {-1, 1.55F, 0, 0.5F, -0.014F, -0.016F, 9, -9};
    const uint8_t want[] = {0, 255, 100, 150, 99, 98, 255, 0};
    const struct fsn__quantizer q = fsn__quantizer_fit(x, 6, 8);

    (void)state;
    assert_float_equal(q.scale, 0.01, 1e-8);
    assert_int_equal(q.zero, 100);
    for (int i = 0; i < 8; i++)
        assert_int_equal(fsn__quantize(&q, x[i]), want[i]);
}

static void zero_is_a_level_and_comes_back_exactly(void **state)
{
    static const float ranges[][2] = {{-1, 1}, {-0.3F, 0.7F}, {-1e-6F, 5},     {-7, 0},
                                      {2, 3},  {-3, -2},      {-1e30F, 1e-30F}};

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct fsn__quantizer q = fsn__quantizer_fit(ranges[i], 2, 8);

        assert_true(q.zero >= 0 && q.zero <= 255);
        assert_true(fsn__dequantize(&q, fsn__quantize(&q, 0)) == 0);
    }
}

static void the_error_is_at_most_half_a_level(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 8; bits++)
        for (int shift = 0; shift < 50; shift++) {
            const float range[] = {-1.0F - 0.037F * (float)shift, 0.9F + 0.11F * (float)shift};
            const struct fsn__quantizer q = fsn__quantizer_fit(range, 2, bits);

            for (int i = 0; i <= 1000; i++) {
                const float x = range[0] + (range[1] - range[0]) * (float)i / 1000;
                const double error = fabs(x - (double)fsn__dequantize(&q, fsn__quantize(&q, x)));

                assert_true(error <= q.scale / 2.0 * (1 + 1e-5));
                assert_true(fsn__quantize(&q, x) < 1 << bits);
            }
        }
}

static void halves_go_to_the_even_level(void **state)
{
    const struct fsn__quantizer q = {.bits = 8, .scale = 0.5F, .zero = 101};

    (void)state;
    assert_int_equal(fsn__quantize(&q, 0.25F), 101);  /* 0.5 -> 0 */
    assert_int_equal(fsn__quantize(&q, 0.75F), 103);  /* 1.5 -> 2 */
    assert_int_equal(fsn__quantize(&q, 1.25F), 103);  /* 2.5 -> 2 */
    assert_int_equal(fsn__quantize(&q, -0.25F), 101); /* -0.5 -> 0 */
    assert_int_equal(fsn__quantize(&q, -0.75F), 99);  /* -1.5 -> -2 */
}

static void constant_negative_and_zero_inputs_have_a_quantiser(void **state)
{
    const float zeros[] = {0, 0, -0.0F}, constant[] = {2, 2}, negative[] = {-3, -1};
    const float tiny[] = {1e-45F, 0};
    struct fsn__quantizer q = fsn__quantizer_fit(zeros, 3, 8);

    (void)state;
    assert_true(q.scale == 1);
    assert_int_equal(q.zero, 0);
    assert_true(fsn__dequantize(&q, fsn__quantize(&q, 0)) == 0);
    q = fsn__quantizer_fit(constant, 2, 8);
    assert_int_equal(q.zero, 0);
    assert_int_equal(fsn__quantize(&q, 2), 255);
    assert_float_equal(fsn__dequantize(&q, 255), 2, 1e-6);
    q = fsn__quantizer_fit(negative, 2, 8);
    assert_int_equal(q.zero, 255);
    assert_int_equal(fsn__quantize(&q, -3), 0);
    q = fsn__quantizer_fit(tiny, 2, 8);
    assert_true(q.scale > 0);
    q = fsn__quantizer_fit(NULL, 0, 8);
    assert_true(q.scale == 1);
}

/* ---- networks ---------------------------------------------------------------------------------
 */

/* conv (4 filters of 2 x 3 x 3) with layout 1d at ratio 4: an F of 18 elements. */
static struct fsn__graph *converted(struct fsn_error *err)
{
    struct fsn__graph *out = NULL;
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;
    struct small_net net;

    memset(err, 0, sizeof *err);
    small_net_open(&net, 2);
    small_net_conv(&net, "conv", 4, 3);
    small_net_finish(&net);
    fsn_spec_defaults(&spec);
    assert_int_equal(fsn__fs_plan(net.b.graph, &spec, &plan, NULL, err), FSN_OK);
    assert_int_equal(fsn__fs_convert(net.b.graph, plan,
                                     &(struct fsn__fs_options){.spacing = FSN_SPACING_EVEN,
                                                               .start = FSN_START_LEAST_SQUARES},
                                     &out, err),
                     FSN_OK);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(net.b.graph);
    return out;
}

static struct fsn__node *summary_node(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == &fsn__op_filter_summary)
            return &graph->nodes[i];
    fail_msg("no FilterSummary node");
    return NULL;
}

static const struct fsn__tensor *input(const struct fsn__graph *graph, const struct fsn__node *node,
                                       int slot)
{
    assert_true(slot < node->n_in && node->in[slot] >= 0);
    return &graph->values[node->in[slot]].tensor;
}

static void a_network_gets_levels_scale_and_zero(void **state)
{
    struct fsn_error err;
    struct fsn__graph *graph = converted(&err);
    struct fsn__node *node = summary_node(graph);
    float f[18];
    struct fsn__quantizer q;
    double rel_error = -1, missed = 0, all = 0;

    (void)state;
    assert_int_equal(fsn__numel(input(graph, node, 0)), 18);
    memcpy(f, input(graph, node, 0)->data, sizeof f);
    q = fsn__quantizer_fit(f, 18, 8);
    assert_int_equal(fsn__quantize_graph(graph, 8, &rel_error, &err), FSN_OK);
    node = summary_node(graph);
    assert_int_equal(node->n_in, 3);
    assert_int_equal(input(graph, node, 0)->dtype, FSN__U8);
    assert_int_equal(fsn__numel(input(graph, node, 0)), 18);
    assert_int_equal(input(graph, node, 1)->ndim, 1);
    assert_true(fsn__f32(input(graph, node, 1))[0] == q.scale);
    assert_int_equal(input(graph, node, 2)->ndim, 0);
    assert_true(fsn__f32(input(graph, node, 2))[0] == (float)q.zero);
    for (int i = 0; i < 18; i++) {
        uint8_t level = ((uint8_t *)input(graph, node, 0)->data)[i];
        double d = f[i] - ((double)level - q.zero) * q.scale;

        assert_true(fabs(d) <= q.scale * 0.50001);
        missed += d * d;
        all += (double)f[i] * f[i];
    }
    assert_float_equal(rel_error, sqrt(missed / all), 1e-6);
    assert_int_equal(fsn__graph_find_value(graph, "conv.weight.fs"), -1); /* F itself is gone */
    fsn__graph_destroy(graph);
}

static void a_scale_per_filter_is_multiplied(void **state)
{
    const float scales[] = {1, 2, -0.5F, 0};
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {4}, .data = (void *)scales};
    struct fsn_error err;
    struct fsn__graph *graph = converted(&err);
    struct fsn__node *node = summary_node(graph);
    struct fsn__quantizer q =
        fsn__quantizer_fit(fsn__f32(input(graph, node, 0)), fsn__numel(input(graph, node, 0)), 8);
    int value = -1;

    (void)state;
    assert_int_equal(fsn__graph_add_const(graph, "s", FSN__VALUE_CONST, &t, &value, &err), FSN_OK);
    assert_int_equal(fsn__graph_set_input(graph, (int)(node - graph->nodes), 1, value, &err),
                     FSN_OK);
    assert_int_equal(fsn__quantize_graph(graph, 8, NULL, &err), FSN_OK);
    node = summary_node(graph);
    assert_int_equal(input(graph, node, 1)->dim[0], 4);
    for (int i = 0; i < 4; i++)
        assert_true(fsn__f32(input(graph, node, 1))[i] == scales[i] * q.scale);
    fsn__graph_destroy(graph);
}

static void two_nodes_that_share_f_share_its_levels(void **state)
{
    struct fsn_error err;
    struct fsn__graph *graph = converted(&err);
    struct fsn__node *node = summary_node(graph);
    double rel_error[2] = {-1, -2};
    int in = node->in[0], out = -1, levels = -1, nodes = 0;

    (void)state;
    assert_int_equal(
        fsn__graph_apply(graph, "FilterSummary", "twin", &node->attrs, 1, &in, &out, &err), FSN_OK);
    assert_int_equal(fsn__graph_add_output(graph, out, &err), FSN_OK);
    assert_int_equal(fsn__quantize_graph(graph, 8, rel_error, &err), FSN_OK);
    for (int i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].op != &fsn__op_filter_summary)
            continue;
        assert_true(levels < 0 || levels == graph->nodes[i].in[0]);
        levels = graph->nodes[i].in[0];
        nodes++;
    }
    assert_int_equal(nodes, 2);
    assert_true(rel_error[0] > 0 && rel_error[0] == rel_error[1]);
    fsn__graph_destroy(graph);
}

static void a_network_that_cannot_be_quantised_is_refused_by_name(void **state)
{
    struct fsn_error err;
    struct fsn__graph *graph = converted(&err);
    struct fsn__node *node = summary_node(graph);

    (void)state;
    assert_int_equal(fsn__quantize_graph(graph, 9, NULL, &err), FSN_INVALID);
    memset(&err, 0, sizeof err);
    fsn__f32(input(graph, node, 0))[5] = NAN;
    assert_int_equal(fsn__quantize_graph(graph, 8, NULL, &err), FSN_DIVERGED);
    assert_non_null(strstr(err.text, "'conv.weight.fs'"));
    memset(&err, 0, sizeof err);
    fsn__f32(input(graph, node, 0))[5] = 0;
    assert_int_equal(fsn__quantize_graph(graph, 8, NULL, &err), FSN_OK);
    assert_int_equal(fsn__quantize_graph(graph, 8, NULL, &err), FSN_UNSUPPORTED); /* twice */
    assert_non_null(strstr(err.text, "'conv.weight.filters'"));
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_follow_the_formula),
        cmocka_unit_test(zero_is_a_level_and_comes_back_exactly),
        cmocka_unit_test(the_error_is_at_most_half_a_level),
        cmocka_unit_test(halves_go_to_the_even_level),
        cmocka_unit_test(constant_negative_and_zero_inputs_have_a_quantiser),
        cmocka_unit_test(a_network_gets_levels_scale_and_zero),
        cmocka_unit_test(a_scale_per_filter_is_multiplied),
        cmocka_unit_test(two_nodes_that_share_f_share_its_levels),
        cmocka_unit_test(a_network_that_cannot_be_quantised_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
