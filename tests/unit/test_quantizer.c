/* test_quantizer.c - the linear quantiser on numbers, what it makes of a network, and the network
 * that is trained with it. */
#include "fs/fs.h"
#include "graph/exec.h"
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

/* ---- steps ------------------------------------------------------------------------------------
 */

/* Near normal, without a pattern. */
static void draw(float *x, int n, float size)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;

        for (int j = 0; j < 6; j++)
            sum += (float)((uint32_t)(i * 6 + j + 1) * UINT32_C(2654435761) >> 8) / (1 << 24);
        x[i] = (sum - 3) * size;
    }
}

/* The definition, once more. */
static double squared_error(const float *x, int n, int bits, float step, double zero)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double level = fmin(fmax(rint(x[i] / step + zero), 0), (1 << bits) - 1);
        double d = x[i] - (level - zero) * step;

        sum += d * d;
    }
    return sum;
}

static void few_levels_lie_where_no_other_step_has_a_smaller_error(void **state)
{
    enum { N = 400 };
    float x[N], step;

    (void)state;
    draw(x, N, 0.1F);
    for (int bits = 1; bits <= 6; bits++) {
        const struct fsn__quant_form form = {.bits = bits, .range = FSN_RANGE_AUTO};
        const double zero = (double)fsn__steps_fit(x, N, &form, &step), middle = 1 << (bits - 1);
        double least = INFINITY;

        for (double z = middle - 0.5; z <= middle; z += 0.5)
            for (int i = 1; i <= 4000; i++)
                least = fmin(least, squared_error(x, N, bits, 0.3F * (float)i / 4000, z));
        assert_true(zero >= 0 && zero < 1 << bits);
        assert_true(squared_error(x, N, bits, step, zero) <= 1.002 * least);
    }
}

/* One bit has a sign and the mean size; where all is 0 it stays 0. */
static void one_bit_is_the_sign(void **state)
{
    const struct fsn__quant_form form = {.bits = 1, .range = FSN_RANGE_AUTO};
    const float x[] = {0.25F, -0.75F, 0.5F, -0.5F}, zeros[4] = {0};
    struct fsn_error err;
    double noise = -1;
    float step;

    (void)state;
    assert_true(fsn__steps_fit(x, 4, &form, &step) == 0.5F);
    assert_true(step == 1); /* the levels are -0.5 and 0.5 */
    assert_int_equal(fsn__steps_noise(x, 4, &form, &noise, &err), FSN_OK);
    assert_true(fabs(noise - 0.125 / 1.125) < 1e-7);
    assert_int_equal(fsn__steps_noise(zeros, 4, &form, &noise, &err), FSN_OK);
    assert_true(noise == 0 && fsn__steps_fit(zeros, 4, &form, &step) * step < 1e-30F);
}

static void every_segment_gets_a_step_of_its_size(void **state)
{
    enum { N = 300, SEGMENT = 128 };
    const struct fsn__quant_form forms[] = {
        {.bits = 4, .segment = SEGMENT, .range = FSN_RANGE_MSE},
        {.bits = 8, .segment = SEGMENT, .range = FSN_RANGE_MIN_MAX},
    };
    float x[N], steps[3];

    (void)state;
    assert_int_equal(fsn__step_count(&forms[0], N), 3);
    assert_int_equal(fsn__step_count(&forms[0], 2 * SEGMENT), 2);
    draw(x, N, 1);
    for (int i = SEGMENT; i < 2 * SEGMENT; i++)
        x[i] *= 0.01F;
    memset(x + 2 * SEGMENT, 0, (N - 2 * SEGMENT) * sizeof *x);
    for (int i = 0; i < 2; i++) {
        const double zero = (double)fsn__steps_fit(x, N, &forms[i], steps);

        assert_true(steps[1] > 0.005F * steps[0] && steps[1] < 0.02F * steps[0]);
        assert_true(steps[2] > 0); /* nothing but zeros */
        assert_true(squared_error(x + SEGMENT, SEGMENT, forms[i].bits, steps[1], zero) <
                    squared_error(x, SEGMENT, forms[i].bits, steps[0], zero));
    }
}

/* ---- networks ---------------------------------------------------------------------------------
 */

/* conv (4 filters of 2 x 3 x 3) with layout 1d at ratio 4: an F of 18 elements. */
static struct fsn__graph *converted_to(int bits, struct fsn_error *err)
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
    spec.quantize.bits = bits;
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

static struct fsn__graph *converted(struct fsn_error *err)
{
    return converted_to(8, err);
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
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, &rel_error, &err), FSN_OK);
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
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err), FSN_OK);
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
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, rel_error, &err), FSN_OK);
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

static void set_attr(struct fsn__node *node, const char *name, int64_t value)
{
    for (size_t i = 0; i < node->attrs.count; i++)
        if (strcmp(node->attrs.item[i].name, name) == 0)
            node->attrs.item[i].i = value;
}

static void a_network_that_cannot_be_quantised_is_refused_by_name(void **state)
{
    struct fsn_error err;
    struct fsn__graph *graph = converted(&err);
    struct fsn__node *node = summary_node(graph);

    (void)state;
    set_attr(node, "bits", 9);
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err), FSN_INVALID);
    memset(&err, 0, sizeof err);
    set_attr(node, "bits", 8);
    fsn__f32(input(graph, node, 0))[5] = NAN;
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err), FSN_DIVERGED);
    assert_non_null(strstr(err.text, "'conv.weight.fs'"));
    memset(&err, 0, sizeof err);
    fsn__f32(input(graph, node, 0))[5] = 0;
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err), FSN_OK);
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err),
                     FSN_UNSUPPORTED); /* twice */
    assert_non_null(strstr(err.text, "'conv.weight.filters'"));
    fsn__graph_destroy(graph);
}

/* ---- training that sees the quantiser ---------------------------------------------------------
 */

/* The one output of the network for images of its own making. */
static void run(struct fsn__graph *graph, float *y, int64_t n)
{
    const struct fsn__exec_options options = {.batch = 1};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;
    struct fsn__tensor *x;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    x = fsn__exec_input(exec, 0);
    for (int64_t i = 0; i < fsn__numel(x); i++)
        fsn__f32(x)[i] = (float)(i * 37 % 101) / 50 - 1;
    assert_int_equal(fsn__exec_forward(exec, 0, &err), FSN_OK);
    assert_int_equal(fsn__numel(fsn__exec_output(exec, 0)), n);
    memcpy(y, fsn__exec_output(exec, 0)->data, (size_t)n * sizeof *y);
    fsn__exec_destroy(exec);
}

enum { OUT = 4 * 8 * 8 };

static void a_network_learns_with_the_filters_that_are_stored(void **state)
{
    float before[OUT], through[OUT], aware[OUT], stored[OUT];
    struct fsn_error err;

    (void)state;
    for (int learned = 0; learned < 2; learned++) {
        struct fsn__graph *graph = converted_to(3, &err);
        double at_start = 0, at_end = 0;
        int step;

        run(graph, before, OUT);
        assert_int_equal(fsn__quantize_errors(graph, FSN_RANGE_AUTO, &at_start, &err), FSN_OK);
        assert_int_equal(fsn__aware_insert(graph, learned, &err), FSN_OK);
        run(graph, through, OUT); /* no step is chosen yet */
        assert_memory_equal(before, through, sizeof before);
        assert_int_equal(fsn__aware_fit(graph, FSN_RANGE_AUTO, &err), FSN_OK);
        step = fsn__graph_find_value(graph, "conv.weight.fs.step");
        assert_true(step >= 0);
        assert_int_equal(graph->values[step].kind, learned ? FSN__VALUE_PARAM : FSN__VALUE_STAT);
        fsn__f32(&graph->values[step].tensor)[0] *= -1.1F; /* what training may make of it */
        run(graph, aware, OUT);
        assert_memory_not_equal(before, aware, sizeof before);
        assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, &at_end, &err), FSN_OK);
        assert_int_equal(fsn__graph_find_value(graph, "conv.weight.fs.step"), -1);
        run(graph, stored, OUT);
        for (int i = 0; i < OUT; i++)
            assert_float_equal(stored[i], aware[i], 1e-5);
        assert_true(at_start > 0.05 && at_start < at_end && at_end < 0.5);
        fsn__graph_destroy(graph);
    }
}

static void values_that_stay_in_floating_point_are_left_alone(void **state)
{
    struct fsn_error err;
    struct fsn__graph *graph = converted_to(32, &err);
    double rel_error = -1;

    (void)state;
    assert_int_equal(fsn__aware_insert(graph, true, &err), FSN_OK);
    assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, &rel_error, &err), FSN_OK);
    assert_true(rel_error == 0);
    assert_int_equal(input(graph, summary_node(graph), 0)->dtype, FSN__F32);
    fsn__graph_destroy(graph);
}

/* ---- scales of filters ------------------------------------------------------------------------
 */

/* 1 + 2^-11 lies half way between 1 and the next float16, 1 + 2^-10: to the even one. */
static void scales_are_rounded_to_what_float16_holds(void **state)
{
    static const struct {
        float scale[4], want[4];
    } cases[] = {
        {{1, 0x1.002p0F, 0x1.006p0F, 0}, {1, 1, 0x1.008p0F, 0}},
        {{-0x1.ffdp-3F, 0.125F, 0x1.4p-25F, 1}, {-0x1.ffcp-3F, 0.125F, 0x1p-24F, 1}},
        {{70000, 1, 1, 1}, {70000, 1, 1, 1}},                                     /* too large */
        {{0x1.8p-20F, 0x1.3p-21F, 1e-9F, 0}, {0x1.8p-20F, 0x1.3p-21F, 1e-9F, 0}}, /* too small */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fsn_error err;
        struct fsn__graph *graph = converted(&err);
        struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {4}};
        int value = -1;

        assert_int_equal(fsn__quantize_graph(graph, FSN_RANGE_AUTO, NULL, &err), FSN_OK);
        t.data = (void *)(uintptr_t)cases[i].scale;
        assert_int_equal(fsn__graph_add_const(graph, "s", FSN__VALUE_CONST, &t, &value, &err),
                         FSN_OK);
        assert_int_equal(
            fsn__graph_set_input(graph, (int)(summary_node(graph) - graph->nodes), 1, value, &err),
            FSN_OK);
        assert_int_equal(fsn__round_rest(graph, 16, &err), FSN_OK);
        assert_memory_equal(fsn__f32(input(graph, summary_node(graph), 1)), cases[i].want,
                            sizeof cases[i].want);
        fsn__graph_destroy(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_follow_the_formula),
        cmocka_unit_test(zero_is_a_level_and_comes_back_exactly),
        cmocka_unit_test(the_error_is_at_most_half_a_level),
        cmocka_unit_test(halves_go_to_the_even_level),
        cmocka_unit_test(constant_negative_and_zero_inputs_have_a_quantiser),
        cmocka_unit_test(few_levels_lie_where_no_other_step_has_a_smaller_error),
        cmocka_unit_test(one_bit_is_the_sign),
        cmocka_unit_test(every_segment_gets_a_step_of_its_size),
        cmocka_unit_test(a_network_learns_with_the_filters_that_are_stored),
        cmocka_unit_test(values_that_stay_in_floating_point_are_left_alone),
        cmocka_unit_test(scales_are_rounded_to_what_float16_holds),
        cmocka_unit_test(a_network_gets_levels_scale_and_zero),
        cmocka_unit_test(a_scale_per_filter_is_multiplied),
        cmocka_unit_test(two_nodes_that_share_f_share_its_levels),
        cmocka_unit_test(a_network_that_cannot_be_quantised_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
