/* test_fs_convert.c - the least-squares fit, and what becomes of a network that is converted. */
#include "fs/fit.h"
#include "fs/fs.h"
#include "small_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the fit ----------------------------------------------------------------------------------
 */

static float *floats(int64_t n)
{
    float *x = calloc((size_t)n, sizeof *x);

    assert_non_null(x);
    return x;
}

/* Values without a pattern in them: between -1 and 1, from a multiplicative hash. */
static float *noise(int64_t n)
{
    float *x = floats(n);

    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((uint32_t)i * UINT32_C(2654435761) >> 8) / (1 << 23) - 1;
    return x;
}

static double squared_error(const struct fsn__fs_geometry *g, const float *w, const float *f)
{
    int64_t n = g->k * fsn__fs_filter_size(g);
    float *made = floats(n);
    double sum = 0;

    fsn__fs_gather(g, f, made);
    for (int64_t i = 0; i < n; i++)
        sum += ((double)w[i] - made[i]) * ((double)w[i] - made[i]);
    free(made);
    return sum;
}

static const struct fsn__fs_geometry line = {.layout = FSN_LAYOUT_1D,
                                             .k = 7,
                                             .c = 3,
                                             .r = 3,
                                             .s = 3,
                                             .fs_dim = {47, 1, 1},
                                             .grid = {1, 1, 1},
                                             .stride = {1, 1, 1}};
/* A grid of 8 places for 7 filters: some elements of F are read by none. */
static const struct fsn__fs_geometry block = {.layout = FSN_LAYOUT_3D,
                                              .k = 7,
                                              .c = 4,
                                              .r = 3,
                                              .s = 3,
                                              .fs_dim = {4, 8, 4},
                                              .grid = {1, 4, 2},
                                              .stride = {4, 2, 2}};

/* d/dF |w - A F|^2 = -2 A^T (w - A F) */
static void the_gradient_of_the_error_is_zero_at_the_fit(void **state)
{
    const struct fsn__fs_geometry *cases[] = {&line, &block};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct fsn__fs_geometry *g = cases[i];
        int64_t n = g->k * fsn__fs_filter_size(g), size = fsn__fs_size(g);
        float *w = noise(n), *f = floats(size), *left = floats(n), *gradient = floats(size);
        double error = -1, all = 0;

        assert_int_equal(fsn__fs_fit(g, w, f, &error, NULL), FSN_OK);
        fsn__fs_gather(g, f, left);
        for (int64_t j = 0; j < n; j++) {
            left[j] = w[j] - left[j];
            all += (double)w[j] * w[j];
        }
        fsn__fs_scatter_add(g, left, gradient);
        for (int64_t j = 0; j < size; j++)
            assert_float_equal(gradient[j], 0, 2e-6);
        assert_float_equal(error, sqrt(squared_error(g, w, f) / all), 1e-6);
        assert_true(error > 0.1); /* noise cannot be shared without loss */
        free(w);
        free(f);
        free(left);
        free(gradient);
    }
}

static void any_change_of_the_fit_makes_the_error_larger(void **state)
{
    int64_t n = line.k * fsn__fs_filter_size(&line), size = fsn__fs_size(&line);
    float *w = noise(n), *f = floats(size);
    double best;

    (void)state;
    assert_int_equal(fsn__fs_fit(&line, w, f, NULL, NULL), FSN_OK);
    best = squared_error(&line, w, f);
    for (int64_t j = 0; j < size; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const float kept = f[j];

            f[j] += 0.01F * (float)sign;
            assert_true(squared_error(&line, w, f) > best);
            f[j] = kept;
        }
    free(w);
    free(f);
}

static void filters_that_come_from_a_summary_give_it_back(void **state)
{
    int64_t n = line.k * fsn__fs_filter_size(&line), size = fsn__fs_size(&line);
    float *made_from = floats(size), *w = floats(n), *f = floats(size);
    double error = -1;

    (void)state;
    for (int64_t j = 0; j < size; j++)
        made_from[j] = (float)(j * 13 % 31 - 15); /* whole numbers: their means are exact */
    fsn__fs_gather(&line, made_from, w);
    assert_int_equal(fsn__fs_fit(&line, w, f, &error, NULL), FSN_OK);
    assert_memory_equal(f, made_from, (size_t)size * sizeof *f);
    assert_true(error == 0);
    free(made_from);
    free(w);
    free(f);
}

static void elements_that_no_filter_reads_are_zero_and_zero_weights_have_no_error(void **state)
{
    int64_t n = block.k * fsn__fs_filter_size(&block), size = fsn__fs_size(&block), unread = 0;
    int64_t *uses = calloc((size_t)size, sizeof *uses);
    float *w = noise(n), *f = floats(size);
    double error = -1;

    (void)state;
    assert_non_null(uses);
    fsn__fs_count_uses(&block, uses);
    assert_int_equal(fsn__fs_fit(&block, w, f, NULL, NULL), FSN_OK);
    for (int64_t j = 0; j < size; j++)
        if (uses[j] == 0) {
            assert_true(f[j] == 0);
            unread++;
        }
    assert_true(unread > 0);
    memset(w, 0, (size_t)n * sizeof *w);
    assert_int_equal(fsn__fs_fit(&block, w, f, &error, NULL), FSN_OK);
    assert_true(error == 0);
    free(uses);
    free(w);
    free(f);
}

/* ---- networks ---------------------------------------------------------------------------------
 */

static struct fsn_plan *plan(const struct small_net *net, enum fsn_layout layout)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_plan *out = NULL;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = layout;
    if (fsn__fs_plan(net->b.graph, &spec, &out, NULL, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return out;
}

static struct fsn__graph *convert(const struct small_net *net, struct fsn_plan *p,
                                  enum fsn_spacing spacing)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *out = NULL;

    if (fsn__fs_convert(
            net->b.graph, p,
            &(struct fsn__fs_options){.spacing = spacing, .start = FSN_START_LEAST_SQUARES}, &out,
            &err) != FSN_OK)
        fail_msg("%s", err.text);
    return out;
}

static const struct fsn__node *node_named(const struct fsn__graph *graph, const char *name)
{
    int index = fsn__names_find(&graph->node_names, name);

    if (index < 0)
        fail_msg("no node '%s'", name);
    return &graph->nodes[index];
}

/* The converted layer's FilterSummary node, its geometry and F, checked against a fit of our own.
 */
static void assert_converted(const struct small_net *net, const struct fsn__graph *graph,
                             const struct fsn_plan_layer *layer, enum fsn_spacing spacing)
{
    const struct fsn__node *before = node_named(net->b.graph, layer->name);
    const struct fsn__node *conv = node_named(graph, layer->name), *summary;
    const struct fsn__value *w = &net->b.graph->values[before->in[1]], *f;
    const struct fsn__fs_geometry want = fsn__fs_layer_geometry(layer, spacing);
    struct fsn__fs_geometry got;
    struct fsn_error err = {.status = FSN_OK};
    char name[64];
    float *fitted = floats(layer->fs_size);
    double error = -1;

    assert_true(graph->values[conv->in[1]].producer >= 0);
    summary = &graph->nodes[graph->values[conv->in[1]].producer];
    assert_ptr_equal(summary->op, &fsn__op_filter_summary);
    assert_true(summary < conv); /* topological order */
    assert_true(fsn__same_shape(&graph->values[conv->in[1]].tensor, &w->tensor));
    f = &graph->values[summary->in[0]];
    snprintf(name, sizeof name, "%s.fs", w->name);
    assert_string_equal(f->name, name);
    assert_int_equal(f->kind, FSN__VALUE_PARAM);
    assert_true(f->decay);
    assert_int_equal(fsn__fs_geometry_read(&summary->attrs, &f->tensor, "", &got, &err), FSN_OK);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(fsn__fs_fit(&want, fsn__f32(&w->tensor), fitted, &error, NULL), FSN_OK);
    assert_memory_equal(f->tensor.data, fitted, (size_t)layer->fs_size * sizeof *fitted);
    assert_true(layer->fit_error == error);
    assert_int_equal(fsn__graph_find_value(graph, w->name), -1); /* the weight itself is gone */
    free(fitted);
}

static void every_planned_layer_gets_a_fitted_summary(void **state)
{
    (void)state;
    for (enum fsn_layout layout = FSN_LAYOUT_1D; layout <= FSN_LAYOUT_3D; layout++)
        for (enum fsn_spacing spacing = FSN_SPACING_EVEN; spacing <= FSN_SPACING_REFERENCE;
             spacing++) {
            struct small_net net;
            struct fsn__graph *graph;
            struct fsn_plan *p;

            if (layout == FSN_LAYOUT_3D && spacing == FSN_SPACING_REFERENCE)
                continue; /* spacing is layout 1d's */
            small_net_open(&net, 4);
            small_net_conv(&net, "first", 8, 3);
            small_net_conv(&net, "single", 1, 5); /* K = 1 */
            small_net_conv(&net, "prime", 13, 3); /* one channel */
            small_net_conv(&net, "point", 16, 1);
            small_net_finish(&net);
            p = plan(&net, layout);
            graph = convert(&net, p, spacing);
            for (size_t i = 0; i < p->layer_count; i++)
                assert_converted(&net, graph, &p->layers[i], spacing);
            assert_int_equal(fsn__graph_parameters(graph), p->compressed_parameters);
            assert_int_equal(fsn__graph_parameters(net.b.graph), p->parameters);
            fsn__graph_destroy(graph);
            fsn_plan_destroy(p);
            fsn__graph_destroy(net.b.graph);
        }
}

/* At ratio 1 nothing is shared, and no order of the filters is better than theirs. */
static void filters_side_by_side_stay_in_order(void **state)
{
    const double ratios[] = {1, 2};
    struct small_net net;
    struct fsn__graph *graph = NULL;
    struct fsn_plan *p = NULL;
    struct fsn_spec spec;

    (void)state;
    small_net_open(&net, 4);
    small_net_conv(&net, "apart", 8, 3);
    small_net_conv(&net, "shared", 8, 3);
    small_net_finish(&net);
    fsn_spec_defaults(&spec);
    assert_int_equal(fsn__fs_plan_for(net.b.graph, NULL, &spec, ratios, NULL, &p, NULL, NULL),
                     FSN_OK);
    assert_int_equal(
        fsn__fs_convert(net.b.graph, p,
                        &(struct fsn__fs_options){.start = FSN_START_ASSIGNED, .seed = 1}, &graph,
                        NULL),
        FSN_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct fsn__node *conv = node_named(graph, p->layers[i].name);
        const struct fsn__node *node = &graph->nodes[graph->values[conv->in[1]].producer];
        const struct fsn__tensor *f = &graph->values[node->in[0]].tensor;
        struct fsn__fs_geometry g;
        bool in_order = true;

        assert_int_equal(fsn__fs_geometry_read(&node->attrs, f, "", &g, NULL), FSN_OK);
        for (int64_t k = 0; k < g.k; k++)
            in_order = in_order && g.slot[k] == k;
        assert_int_equal(in_order, i == 0);
    }
    assert_true(p->layers[0].fit_error < 1e-6 && p->layers[1].fit_error > 0.1);
    fsn__graph_destroy(graph);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void layers_that_stay_dense_keep_their_weights(void **state)
{
    struct fsn__graph *graph;
    struct small_net net;
    struct fsn_plan *p;
    int depthwise, value;

    (void)state;
    small_net_open(&net, 8);
    small_net_conv(&net, "first", 8, 3);
    depthwise = small_net_weight(&net, "depthwise.weight", 8, 1);
    small_net_grouped_conv(&net, "depthwise", depthwise, 8);
    small_net_finish(&net);
    fsn__f32(&net.b.graph->values[depthwise].tensor)[70] = 4.5F;
    p = plan(&net, FSN_LAYOUT_1D);
    graph = convert(&net, p, FSN_SPACING_EVEN);
    value = node_named(graph, "depthwise")->in[1];
    assert_string_equal(graph->values[value].name, "depthwise.weight");
    assert_true(fsn__f32(&graph->values[value].tensor)[70] == 4.5F);
    assert_true(isnan(p->layers[1].fit_error));
    assert_true(p->layers[0].fit_error > 0);
    fsn__graph_destroy(graph);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void convolutions_that_share_a_weight_share_its_summary(void **state)
{
    struct fsn__graph *graph;
    struct small_net net;
    struct fsn_plan *p;
    int shared, summaries = 0;

    (void)state;
    small_net_open(&net, 8);
    shared = small_net_weight(&net, "shared.weight", 8, 8);
    small_net_grouped_conv(&net, "left", shared, 1);
    small_net_grouped_conv(&net, "right", shared, 1);
    small_net_finish(&net);
    for (int i = 0; i < 8 * 8 * 9; i++)
        fsn__f32(&net.b.graph->values[shared].tensor)[i] = (float)(i % 7);
    p = plan(&net, FSN_LAYOUT_1D);
    graph = convert(&net, p, FSN_SPACING_EVEN);
    for (int i = 0; i < graph->node_count; i++)
        summaries += graph->nodes[i].op == &fsn__op_filter_summary;
    assert_int_equal(summaries, 1);
    assert_int_equal(node_named(graph, "left")->in[1], node_named(graph, "right")->in[1]);
    assert_true(p->layers[0].fit_error > 0);
    assert_true(p->layers[0].fit_error == p->layers[1].fit_error);
    assert_int_equal(fsn__graph_parameters(graph), p->compressed_parameters);
    fsn__graph_destroy(graph);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void a_plan_of_another_network_is_refused(void **state)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *graph = NULL;
    struct small_net net, other;
    struct fsn_plan *p;

    (void)state;
    small_net_open(&net, 4);
    small_net_conv(&net, "conv", 8, 3);
    small_net_finish(&net);
    small_net_open(&other, 4);
    small_net_conv(&other, "conv", 9, 3);
    small_net_finish(&other);
    p = plan(&other, FSN_LAYOUT_1D);
    assert_int_equal(fsn__fs_convert(net.b.graph, p,
                                     &(struct fsn__fs_options){.spacing = FSN_SPACING_EVEN,
                                                               .start = FSN_START_LEAST_SQUARES},
                                     &graph, &err),
                     FSN_INVALID);
    assert_null(graph);
    assert_non_null(strstr(err.text, "'conv'"));
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
    fsn__graph_destroy(other.b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_of_the_error_is_zero_at_the_fit),
        cmocka_unit_test(any_change_of_the_fit_makes_the_error_larger),
        cmocka_unit_test(filters_that_come_from_a_summary_give_it_back),
        cmocka_unit_test(elements_that_no_filter_reads_are_zero_and_zero_weights_have_no_error),
        cmocka_unit_test(every_planned_layer_gets_a_fitted_summary),
        cmocka_unit_test(filters_side_by_side_stay_in_order),
        cmocka_unit_test(layers_that_stay_dense_keep_their_weights),
        cmocka_unit_test(convolutions_that_share_a_weight_share_its_summary),
        cmocka_unit_test(a_plan_of_another_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
