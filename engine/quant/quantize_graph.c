/*
 * quantize_graph.c - every Filter Summary of a network to uint8 levels.
 *
 * An F is quantised once, however many FilterSummary nodes read it; each node gets the F's scale
 * (times a scale it has already: folded batch norm) and zero as inputs of its own.
 */
#include "quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Long enough for any real name; a longer one is cut, and made unique by the graph. */
enum { NAME_SIZE = 512 };

/* What became of an F. */
struct quantized {
    bool done;
    struct fsn__quantizer quantizer;
    int levels, zero; /* values */
    double rel_error;
};

static double relative_error(const struct fsn__quantizer *q, const struct fsn__tensor *f,
                             const struct fsn__tensor *levels)
{
    const int64_t n = fsn__numel(f);
    const uint8_t *level = levels->data;
    double missed = 0, all = 0;

    for (int64_t i = 0; i < n; i++) {
        double x = fsn__f32(f)[i], d = x - fsn__dequantize(q, level[i]);

        missed += d * d;
        all += x * x;
    }
    return all > 0 ? sqrt(missed / all) : 0;
}

static bool all_finite(const struct fsn__tensor *f)
{
    const int64_t n = fsn__numel(f);

    for (int64_t i = 0; i < n; i++)
        if (!isfinite(fsn__f32(f)[i]))
            return false;
    return true;
}

static enum fsn_status quantize_f(struct fsn__graph *graph, int value, int bits,
                                  struct quantized *out, struct fsn_error *err)
{
    const char *name = graph->values[value].name;
    const struct fsn__tensor *f = &graph->values[value].tensor;
    struct fsn__tensor levels = {.dtype = FSN__U8}, zero = {.dtype = FSN__F32};
    char wish[NAME_SIZE];
    enum fsn_status status;
    int64_t n = fsn__numel(f);
    float zero_level;

    if (!all_finite(f))
        return FSN__FAIL(err, FSN_DIVERGED, "Filter Summary '%s' has a value that is not finite",
                         name);
    fsn__shape_set(&levels, FSN__U8, f->ndim, f->dim);
    status = fsn__tensor_alloc(&levels, err);
    if (status != FSN_OK)
        return status;
    out->quantizer = fsn__quantizer_fit(fsn__f32(f), n, bits);
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)levels.data)[i] = fsn__quantize(&out->quantizer, fsn__f32(f)[i]);
    out->rel_error = relative_error(&out->quantizer, f, &levels);
    zero_level = (float)out->quantizer.zero;
    zero.data = &zero_level;
    snprintf(wish, sizeof wish, "%s.levels", name);
    status = fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, &levels, &out->levels, err);
    snprintf(wish, sizeof wish, "%s.zero", name);
    if (status == FSN_OK)
        status = fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, &zero, &out->zero, err);
    out->done = status == FSN_OK;
    free(levels.data);
    return status;
}

/* A new constant: the quantiser's scale, times the node's own where it has one. */
static enum fsn_status add_scale(struct fsn__graph *graph, const struct fsn__node *node,
                                 float factor, int *out, struct fsn_error *err)
{
    const int old = node->n_in > 1 ? node->in[1] : -1;
    struct fsn__tensor scale = {.dtype = FSN__F32, .ndim = 1, .dim = {1}};
    char wish[NAME_SIZE];
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
    snprintf(wish, sizeof wish, "%s.scale", node->name);
    status = fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, &scale, out, err);
    free(scale.data);
    return status;
}

static enum fsn_status quantize_node(struct fsn__graph *graph, int node, const struct quantized *f,
                                     struct fsn_error *err)
{
    enum fsn_status status;
    int scale;

    status = add_scale(graph, &graph->nodes[node], f->quantizer.scale, &scale, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 0, f->levels, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 1, scale, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, node, 2, f->zero, err);
    if (status == FSN_OK)
        status = fsn__graph_infer_node(graph, node, err);
    return status;
}

/* F must be a float constant without a zero point of its own. */
static enum fsn_status check_node(const struct fsn__graph *graph, const struct fsn__node *node,
                                  struct fsn_error *err)
{
    const struct fsn__value *f = &graph->values[node->in[0]];

    if (!f->tensor.data || f->tensor.dtype != FSN__F32)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "FilterSummary '%s': '%s' is not a float32 constant, so it cannot be "
                         "quantised",
                         node->name, f->name);
    if (node->n_in > 2 && node->in[2] >= 0)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "FilterSummary '%s' has a zero point already, so it cannot be quantised",
                         node->name);
    return FSN_OK;
}

enum fsn_status fsn__quantize_graph(struct fsn__graph *graph, int bits, double *rel_error,
                                    struct fsn_error *err)
{
    struct quantized *quantized = NULL; /* of each value that is an F */
    enum fsn_status status = FSN_OK;

    if (bits < 1 || bits > 8)
        return FSN__FAIL(err, FSN_INVALID, "bits must be 1 to 8, is %d", bits);
    quantized = calloc((size_t)graph->value_count + 1, sizeof *quantized);
    if (!quantized)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        struct quantized *f;

        if (node->op != &fsn__op_filter_summary)
            continue;
        status = check_node(graph, node, err);
        if (status != FSN_OK)
            break;
        f = &quantized[node->in[0]];
        if (!f->done)
            status = quantize_f(graph, node->in[0], bits, f, err);
        if (status == FSN_OK)
            status = quantize_node(graph, i, f, err);
        if (rel_error)
            *rel_error++ = f->rel_error;
    }
    free(quantized);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
