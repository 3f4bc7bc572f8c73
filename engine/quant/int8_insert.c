/*
 * int8_insert.c - the pairs, and the weights and biases in 8 and 32 bits.
 *
 *   x -> QuantizeLinear -> DequantizeLinear -> Conv -> QuantizeLinear -> DequantizeLinear -> ...
 *              w (int8) -> DequantizeLinear ---^
 *              b (int32) -> DequantizeLinear --^
 *
 * A runtime that knows nothing of integers computes this as it stands; one that does takes each
 * node with the pairs around it for one integer kernel.
 */
#include "quant/int8.h"
#include "quant/quant.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 512, TOP = 127 };
/* No bias comes to more than so many units: what is added to it must fit into 32 bits too. */
static const double MOST_BIAS = 1 << 30;

struct insertion {
    struct fsn__graph *graph;
    const struct fsn__int8_places *places;
    /* [values] of the levels of those that have a scale of their own: the scale, and both as
     * constants */
    float *scale;
    int *scale_at, *zero_at;
    bool *cut; /* [values] written by an activation that goes */
};

static enum fsn_status add_named(struct fsn__graph *graph, int of, const char *what,
                                 const struct fsn__tensor *t, int *out, struct fsn_error *err)
{
    char wish[NAME_SIZE];

    snprintf(wish, sizeof wish, "%s.%s", graph->values[of].name, what);
    return fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, t, out, err);
}

/* ---- activations ----------------------------------------------------------------------------- */

/* The value whose scale a value has. */
static int owner(const struct insertion *in, int value)
{
    while (in->places->same[value] >= 0)
        value = in->places->same[value];
    return value;
}

static enum fsn_status choose_levels(struct insertion *in, int value, const float *range,
                                     struct fsn_error *err)
{
    const float held[2] = {in->cut[value] ? 0 : range[0], range[1]};
    const struct fsn__quantizer q = fsn__quantizer_fit(held, 2, 8);
    float scale = q.scale;
    uint8_t level = (uint8_t)q.zero;
    const struct fsn__tensor s = {.dtype = FSN__F32, .data = &scale};
    const struct fsn__tensor z = {.dtype = FSN__U8, .data = &level};
    enum fsn_status status;

    in->scale[value] = scale;
    status = add_named(in->graph, value, "scale", &s, &in->scale_at[value], err);
    return status == FSN_OK ? add_named(in->graph, value, "zero", &z, &in->zero_at[value], err)
                            : status;
}

/* The pair behind a value, read by all nodes that read it. The network's own outputs stay. */
static enum fsn_status add_pair(struct insertion *in, int value, struct fsn_error *err)
{
    struct fsn__graph *graph = in->graph;
    const int from = owner(in, value), producer = graph->values[value].producer;
    const struct fsn__tensor shape = graph->values[value].tensor;
    const int scale = in->scale_at[from], zero = in->zero_at[from];
    int source = value, levels, real, ends[FSN__MAX_IO];
    enum fsn_status status = fsn__graph_add_value(graph, graph->values[value].name,
                                                  FSN__VALUE_COMPUTED, &shape, &real, err);

    if (status != FSN_OK)
        return status;
    memcpy(ends, graph->outputs, sizeof ends);
    fsn__graph_redirect(graph, value, real);
    memcpy(graph->outputs, ends, sizeof ends);
    if (in->cut[value]) {
        source = graph->nodes[producer].in[0];
        fsn__graph_remove_node(graph, producer);
    }
    status = fsn__graph_apply(graph, "QuantizeLinear", NULL, NULL, 3, (int[]){source, scale, zero},
                              &levels, err);
    return status == FSN_OK ? fsn__graph_add_node(graph, &fsn__op_dequantize_linear, NULL, NULL, 3,
                                                  (int[]){levels, scale, zero}, 1, &real, NULL, err)
                            : status;
}

/* ---- weights and biases ------------------------------------------------------------------------
 */

/* A weight [outer, channels, inner] with the axis of its output channels in the middle. */
struct layer {
    int node, axis;
    int64_t outer, channels, inner;
    const float *w, *b; /* b NULL: none */
    float x_scale;
    float *scale; /* [channels] */
};

/* The largest weight of a channel is level 127. Where a bias would then have too many units, the
 * weights take larger steps: they are too small to matter beside it. */
static enum fsn_status choose_scales(const struct layer *l, const char *name, struct fsn_error *err)
{
    for (int64_t k = 0; k < l->channels; k++) {
        double largest = 0, bias = l->b ? fabs((double)l->b[k]) : 0;

        for (int64_t i = 0; i < l->outer * l->inner; i++) {
            const int64_t at = (i / l->inner * l->channels + k) * l->inner + i % l->inner;
            const double x = fabs((double)l->w[at]);

            largest = x > largest || x != x ? x : largest;
        }
        if (!isfinite(largest) || !isfinite(bias))
            return FSN__FAIL(err, FSN_DIVERGED,
                             "layer '%s': a weight or bias of output channel %lld is not finite",
                             name, (long long)k);
        largest = fmax(largest / TOP, bias / ((double)l->x_scale * MOST_BIAS));
        l->scale[k] = (float)largest > 0 ? (float)largest : 1;
    }
    return FSN_OK;
}

static void weight_levels(const struct layer *l, int8_t *levels)
{
    for (int64_t i = 0; i < l->outer * l->channels * l->inner; i++) {
        const double level = rint((double)l->w[i] / l->scale[i / l->inner % l->channels]);

        levels[i] = (int8_t)(level < -TOP ? -TOP : level > TOP ? TOP : level);
    }
}

/* DequantizeLinear of a constant, in place of input `slot` of the layer's node. */
static enum fsn_status replace(struct fsn__graph *graph, const struct layer *l, int slot, int axis,
                               const struct fsn__tensor *levels, const float *scales,
                               struct fsn_error *err)
{
    const struct fsn__tensor scale = {
        .dtype = FSN__F32, .ndim = 1, .dim = {l->channels}, .data = (void *)(uintptr_t)scales};
    struct fsn__attr item = {.name = "axis", .type = FSN__ATTR_INT, .i = axis};
    const struct fsn__attrs attrs = {.count = 1, .item = &item};
    const struct fsn__tensor zero = {.dtype = levels->dtype, .ndim = 1, .dim = {l->channels}};
    const int old = graph->nodes[l->node].in[slot];
    /* ONNX Runtime takes a convolution without a zero point, and a product only with it. */
    const bool zeros = slot == 1 && graph->nodes[l->node].op != &fsn__op_conv;
    int in[3], real;
    enum fsn_status status = add_named(graph, old, "levels", levels, &in[0], err);

    if (status == FSN_OK)
        status = add_named(graph, old, "scale", &scale, &in[1], err);
    if (status == FSN_OK && zeros)
        status = add_named(graph, old, "zero", &zero, &in[2], err);
    if (status == FSN_OK)
        status = fsn__graph_apply(graph, "DequantizeLinear", NULL, &attrs, zeros ? 3 : 2, in, &real,
                                  err);
    return status == FSN_OK ? fsn__graph_set_input(graph, l->node, slot, real, err) : status;
}

static enum fsn_status replace_bias(struct fsn__graph *graph, const struct layer *l,
                                    struct fsn_error *err)
{
    struct fsn__tensor levels = {.dtype = FSN__I32, .ndim = 1, .dim = {l->channels}};
    enum fsn_status status = fsn__tensor_alloc(&levels, err);

    if (status != FSN_OK)
        return status;
    for (int64_t k = 0; k < l->channels; k++) {
        l->scale[k] = fmaxf(l->scale[k] * l->x_scale, FLT_MIN);
        ((int32_t *)levels.data)[k] = (int32_t)rint((double)l->b[k] / l->scale[k]);
    }
    status = replace(graph, l, 2, 0, &levels, l->scale, err);
    free(levels.data);
    return status;
}

static enum fsn_status replace_weights(struct fsn__graph *graph, struct layer *l,
                                       struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[l->node];
    const struct fsn__tensor *w = &graph->values[node->in[1]].tensor;
    struct fsn__tensor levels;
    enum fsn_status status;

    fsn__shape_copy(&levels, w);
    levels.dtype = FSN__I8;
    levels.data = NULL;
    l->outer = fsn__numel_range(w, 0, l->axis);
    l->channels = w->dim[l->axis];
    l->inner = fsn__numel_range(w, l->axis + 1, w->ndim);
    l->w = fsn__f32(w);
    l->b = node->n_in > 2 && node->in[2] >= 0 ? fsn__f32(&graph->values[node->in[2]].tensor) : NULL;
    l->scale = calloc((size_t)l->channels + 1, sizeof *l->scale);
    status = l->scale ? fsn__tensor_alloc(&levels, err) : FSN__NOMEM(err);
    if (status == FSN_OK)
        status = choose_scales(l, node->name, err);
    if (status == FSN_OK) {
        weight_levels(l, levels.data);
        status = replace(graph, l, 1, l->axis, &levels, l->scale, err);
    }
    if (status == FSN_OK && l->b)
        status = replace_bias(graph, l, err);
    free(levels.data);
    free(l->scale);
    return status;
}

/* ---- the graph -------------------------------------------------------------------------------
 */

static enum fsn_status find_cuts(struct insertion *in, struct fsn_error *err)
{
    const struct fsn__graph *graph = in->graph;
    int *uses = fsn__graph_count_uses(graph);

    if (!uses)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (fsn__int8_is_cut(graph, uses, node))
            in->cut[node->out[0]] = in->places->value[node->out[0]];
    }
    for (int i = 0; i < graph->output_count; i++)
        in->cut[graph->outputs[i]] = false;
    free(uses);
    return FSN_OK;
}

/* Levels first: the biases need their scales. Pairs last: they change what the nodes read. */
static enum fsn_status insert_all(struct insertion *in, const float (*range)[2],
                                  struct fsn_error *err)
{
    struct fsn__graph *graph = in->graph;
    const struct fsn__int8_places *places = in->places;
    const int values = graph->value_count, nodes = graph->node_count;
    enum fsn_status status = find_cuts(in, err);

    for (int i = 0; status == FSN_OK && i < values; i++)
        if (places->value[i] && places->same[i] < 0)
            status = choose_levels(in, i, range[i], err);
    for (int i = 0; status == FSN_OK && i < nodes; i++)
        if (places->layer[i]) {
            struct layer layer = {.node = i,
                                  .axis = fsn__int8_axis(&graph->nodes[i]),
                                  .x_scale = in->scale[owner(in, graph->nodes[i].in[0])]};

            status = replace_weights(graph, &layer, err);
        }
    for (int i = 0; status == FSN_OK && i < values; i++)
        if (places->value[i])
            status = add_pair(in, i, err);
    if (status == FSN_OK)
        status = fsn__graph_sort(graph, err);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}

enum fsn_status fsn__int8_insert(struct fsn__graph *graph, const struct fsn__int8_places *places,
                                 const float (*range)[2], struct fsn_error *err)
{
    const size_t values = (size_t)graph->value_count + 1;
    struct insertion in = {.graph = graph,
                           .places = places,
                           .scale = calloc(values, sizeof *in.scale),
                           .scale_at = calloc(values, sizeof *in.scale_at),
                           .zero_at = calloc(values, sizeof *in.zero_at),
                           .cut = calloc(values, sizeof *in.cut)};
    enum fsn_status status = FSN_OK;

    if (in.scale && in.scale_at && in.zero_at && in.cut)
        status = insert_all(&in, range, err);
    else
        status = FSN__NOMEM(err);
    free(in.scale);
    free(in.scale_at);
    free(in.zero_at);
    free(in.cut);
    return status;
}
