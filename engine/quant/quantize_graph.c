/*
 * quantize_graph.c - every Filter Summary of a network to uint8 levels.
 *
 * An F is quantised once, however many FilterSummary nodes read it; each node gets the F's scale
 * (times a scale it has already: folded batch norm) and zero as inputs of its own. With one step,
 * the step is the scale. Several steps become bytes, in units of the scale:
 *
 *   step_j ~ u_j scale,   scale = max step / 255,   u_j in 1 .. 255
 *
 * and the levels are those of the steps as they are then.
 */
#include "quant/quant.h"

#include "ops/fs_geometry.h"
#include "ops/levels.h"

#include <stdio.h>
#include <stdlib.h>

/* Long enough for any real name; a longer one is cut, and made unique by the graph. */
enum { NAME_SIZE = 512 };

/* ---- one F ------------------------------------------------------------------------------------
 */

/* What became of an F: levels and, where there are several, steps; both uint8. */
struct quantized {
    float scale, zero;
    struct fsn__tensor levels, steps;
    double rel_error;
};

static void clear(struct quantized *q)
{
    free(q->levels.data);
    free(q->steps.data);
    *q = (struct quantized){0};
}

static bool all_finite(const struct fsn__tensor *f)
{
    const int64_t n = fsn__numel(f);

    for (int64_t i = 0; i < n; i++)
        if (!isfinite(fsn__f32(f)[i]))
            return false;
    return true;
}

/* Several steps to bytes; *scale: their unit. In place: a step becomes what its byte stands for. */
static void steps_to_bytes(float *steps, int64_t count, uint8_t *bytes, float *scale)
{
    float largest = 0;

    for (int64_t i = 0; i < count; i++)
        largest = steps[i] > largest ? steps[i] : largest;
    *scale = largest / 255;
    if (!(*scale > 0))
        *scale = largest;
    for (int64_t i = 0; i < count; i++) {
        const double units = rint((double)steps[i] / *scale);

        bytes[i] = (uint8_t)(units < 1 ? 1 : units > 255 ? 255 : units);
        steps[i] = bytes[i] * *scale;
    }
}

static void to_levels(const struct fsn__tensor *f, const struct fsn__quant_form *form,
                      const float *steps, struct quantized *q)
{
    const int64_t n = fsn__numel(f);
    const int top = fsn__top_level(form->bits);
    uint8_t *levels = q->levels.data;
    double missed = 0, all = 0;

    for (int64_t i = 0; i < n; i++) {
        const float x = fsn__f32(f)[i], step = steps[form->segment > 0 ? i / form->segment : 0];
        const double level = fsn__bounded_level(fsn__unbounded_level(x, step, q->zero), top);
        const double d = x - (double)fsn__value_of_level(level, q->zero, step);

        levels[i] = (uint8_t)level;
        missed += d * d;
        all += (double)x * x;
    }
    q->rel_error = all > 0 ? sqrt(missed / all) : 0;
}

/* The steps that training arrived at, or fitted ones; *zero too. aware: the FakeQuantize node or
 * NULL. */
static void choose_steps(const struct fsn__graph *graph, const struct fsn__node *aware,
                         const struct fsn__tensor *f, const struct fsn__quant_form *form,
                         float *steps, float *zero)
{
    const int64_t count = fsn__step_count(form, fsn__numel(f));
    bool chosen = aware != NULL;

    for (int64_t i = 0; i < count && chosen; i++) {
        steps[i] = fabsf(fsn__f32(&graph->values[aware->in[1]].tensor)[i]);
        chosen = steps[i] > 0;
    }
    if (chosen)
        *zero = *fsn__f32(&graph->values[aware->in[2]].tensor);
    else
        *zero = fsn__steps_fit(fsn__f32(f), fsn__numel(f), form, steps);
}

/* *out: cleared by clear(), after a failure too. */
static enum fsn_status quantize_f(const struct fsn__graph *graph, int value,
                                  const struct fsn__node *aware, const struct fsn__quant_form *form,
                                  struct quantized *out, struct fsn_error *err)
{
    const struct fsn__tensor *f = &graph->values[value].tensor;
    const int64_t count = fsn__step_count(form, fsn__numel(f));
    float *steps = NULL;
    enum fsn_status status;

    if (!all_finite(f))
        return FSN__FAIL(err, FSN_DIVERGED, "Filter Summary '%s' has a value that is not finite",
                         graph->values[value].name);
    fsn__shape_set(&out->levels, FSN__U8, f->ndim, f->dim);
    fsn__shape_set(&out->steps, FSN__U8, 1, &count);
    status = fsn__tensor_alloc(&out->levels, err);
    if (status == FSN_OK && count > 1)
        status = fsn__tensor_alloc(&out->steps, err);
    if (status != FSN_OK)
        return status;
    steps = malloc((size_t)count * sizeof *steps);
    if (!steps)
        return FSN__NOMEM(err);
    choose_steps(graph, aware, f, form, steps, &out->zero);
    out->scale = steps[0];
    if (count > 1)
        steps_to_bytes(steps, count, out->steps.data, &out->scale);
    to_levels(f, form, steps, out);
    free(steps);
    return FSN_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

/* The constants of an F in the graph; steps -1 for one step. */
struct constants {
    bool done;
    int levels, zero, steps; /* values */
    float scale;
    double rel_error;
};

/* F of a FilterSummary node, through a FakeQuantize (*aware, else NULL): a float constant, and the
 * node has no zero point of its own. */
static enum fsn_status find_f(const struct fsn__graph *graph, const struct fsn__node *node,
                              const struct fsn__node **aware, int *f, struct fsn_error *err)
{
    const int producer = graph->values[node->in[0]].producer;

    *aware = producer >= 0 && graph->nodes[producer].op == &fsn__op_fake_quantize
                 ? &graph->nodes[producer]
                 : NULL;
    *f = *aware ? (*aware)->in[0] : node->in[0];
    if (!graph->values[*f].tensor.data || graph->values[*f].tensor.dtype != FSN__F32)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "FilterSummary '%s': '%s' is not a float32 constant, so it cannot be "
                         "quantised",
                         node->name, graph->values[*f].name);
    if (node->n_in > 2 && node->in[2] >= 0)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "FilterSummary '%s' has a zero point already, so it cannot be quantised",
                         node->name);
    return FSN_OK;
}

static enum fsn_status add_named(struct fsn__graph *graph, const char *f, const char *what,
                                 const struct fsn__tensor *t, int *out, struct fsn_error *err)
{
    char wish[NAME_SIZE];

    snprintf(wish, sizeof wish, "%s.%s", f, what);
    return fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, t, out, err);
}

static enum fsn_status add_constants(struct fsn__graph *graph, int f, struct quantized *q,
                                     struct constants *out, struct fsn_error *err)
{
    const char *name = graph->values[f].name;
    const struct fsn__tensor zero = {.dtype = FSN__F32, .data = &q->zero};
    enum fsn_status status = add_named(graph, name, "levels", &q->levels, &out->levels, err);

    if (status == FSN_OK)
        status = add_named(graph, name, "zero", &zero, &out->zero, err);
    out->steps = -1;
    if (status == FSN_OK && q->steps.data)
        status = add_named(graph, name, "steps", &q->steps, &out->steps, err);
    out->scale = q->scale;
    out->rel_error = q->rel_error;
    out->done = status == FSN_OK;
    return status;
}

/* A new constant: the quantiser's scale, times the node's own where it has one. */
static enum fsn_status add_scale(struct fsn__graph *graph, const struct fsn__node *node,
                                 float factor, int *out, struct fsn_error *err)
{
    const int old = node->n_in > 1 ? node->in[1] : -1;
    struct fsn__tensor scale = {.dtype = FSN__F32, .ndim = 1, .dim = {1}};
    enum fsn_status status;
    int64_t n;

    if (old >= 0 && !graph->values[old].tensor.data)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "FilterSummary '%s': its scale is computed, so it cannot be quantised",
                         node->name);
    if (old >= 0)
        status = fsn__tensor_clone(&scale, &graph->values[old].tensor, err);
    else
        status = fsn__tensor_alloc(&scale, err);
    if (status != FSN_OK)
        return status;
    n = fsn__numel(&scale);
    for (int64_t i = 0; i < n; i++)
        fsn__f32(&scale)[i] = old >= 0 ? fsn__f32(&scale)[i] * factor : factor;
    status = add_named(graph, node->name, "scale", &scale, out, err);
    free(scale.data);
    return status;
}

static enum fsn_status rewire(struct fsn__graph *graph, int node, const struct constants *f,
                              struct fsn_error *err)
{
    enum fsn_status status;
    int scale;

    status = add_scale(graph, &graph->nodes[node], f->scale, &scale, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 0, f->levels, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 1, scale, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 2, f->zero, err);
    if (status == FSN_OK && f->steps >= 0)
        status = fsn__graph_set_input(graph, node, FSN__FS_STEPS, f->steps, err);
    if (status == FSN_OK)
        status = fsn__graph_infer_node(graph, node, err);
    return status;
}

static enum fsn_status quantize_node(struct fsn__graph *graph, int i, enum fsn_quant_range range,
                                     struct constants *of_value, double *rel_error,
                                     struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[i], *aware;
    const struct fsn__quant_form form = fsn__quant_form_of(node, range);
    struct quantized q = {0};
    enum fsn_status status;
    int f;

    status = find_f(graph, node, &aware, &f, err);
    if (status == FSN_OK && !of_value[f].done) {
        status = quantize_f(graph, f, aware, &form, &q, err);
        if (status == FSN_OK)
            status = add_constants(graph, f, &q, &of_value[f], err);
        clear(&q);
    }
    if (status == FSN_OK)
        status = rewire(graph, i, &of_value[f], err);
    if (status == FSN_OK && rel_error)
        *rel_error = of_value[f].rel_error;
    return status;
}

static bool is_to_be_quantized(const struct fsn__node *node)
{
    return node->op == &fsn__op_filter_summary && fsn__attr_int(&node->attrs, "bits", 32) < 32;
}

/* Attributes may come from a file. */
static enum fsn_status check_form(const struct fsn__node *node, struct fsn_error *err)
{
    const struct fsn__quant_form form = fsn__quant_form_of(node, FSN_RANGE_AUTO);

    if (form.bits < 1 || form.bits > 8 || form.segment < 0)
        return FSN__FAIL(err, FSN_INVALID,
                         "FilterSummary '%s': bits must be 1 to 8 and segment at least 0, they are "
                         "%d and %lld",
                         node->name, form.bits, (long long)form.segment);
    return FSN_OK;
}

enum fsn_status fsn__quantize_graph(struct fsn__graph *graph, enum fsn_quant_range range,
                                    double *rel_error, struct fsn_error *err)
{
    /* Of each value that is an F; those that are added here are none. */
    struct constants *of_value = calloc((size_t)graph->value_count + 1, sizeof *of_value);
    enum fsn_status status = of_value ? FSN_OK : FSN__NOMEM(err);

    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        if (graph->nodes[i].op != &fsn__op_filter_summary)
            continue;
        if (rel_error)
            *rel_error = 0;
        if (is_to_be_quantized(&graph->nodes[i])) {
            status = check_form(&graph->nodes[i], err);
            if (status == FSN_OK)
                status = quantize_node(graph, i, range, of_value, rel_error, err);
        }
        if (rel_error)
            rel_error++;
    }
    free(of_value);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}

enum fsn_status fsn__quantize_errors(const struct fsn__graph *graph, enum fsn_quant_range range,
                                     double *rel_error, struct fsn_error *err)
{
    struct fsn__graph *copy = NULL;
    enum fsn_status status = fsn__graph_alias(graph, &copy, err);

    if (status == FSN_OK)
        status = fsn__quantize_graph(copy, range, rel_error, err);
    fsn__graph_destroy(copy);
    return status;
}
