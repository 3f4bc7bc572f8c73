/*
 * int8_values.c - which tensors of a network become uint8.
 *
 * The walk goes from the end of the network to its beginning, so that a node knows who needs its
 * output in integers:
 *
 *   Conv                   reads uint8, and writes it, unless nothing but the network's ends come
 *                          behind it: then it stays float as a whole (scores are not rounded)
 *   Gemm, MatMul           with constant weights: reads uint8, writes what is needed
 *   Add, Concat, averages  work in uint8 where their output is needed in it
 *   MaxPool, Reshape, ...  the same, and their output keeps the scale of their input
 *   all others             float, between a DequantizeLinear and a QuantizeLinear
 */
#include "quant/int8.h"

#include <stdlib.h>

static const struct fsn__value *value_at(const struct fsn__graph *graph, int value)
{
    return value >= 0 ? &graph->values[value] : NULL;
}

static bool is_constant(const struct fsn__value *value)
{
    return value && value->tensor.data != NULL;
}

static bool is_real(const struct fsn__graph *graph, int value)
{
    const struct fsn__value *v = value_at(graph, value);

    return v && !is_constant(v) && !v->late && v->tensor.dtype == FSN__F32;
}

/* Absent, or a float vector of n. */
static bool is_bias(const struct fsn__graph *graph, const struct fsn__node *node, int64_t n)
{
    const struct fsn__value *b = node->n_in > 2 ? value_at(graph, node->in[2]) : NULL;

    return !b || (is_constant(b) && b->tensor.dtype == FSN__F32 && b->tensor.ndim == 1 &&
                  b->tensor.dim[0] == n);
}

static bool is_plain_gemm(const struct fsn__node *node)
{
    return fsn__attr_float(&node->attrs, "alpha", 1) == 1 &&
           fsn__attr_float(&node->attrs, "beta", 1) == 1 &&
           fsn__attr_int(&node->attrs, "transA", 0) == 0;
}

int fsn__int8_axis(const struct fsn__node *layer)
{
    if (layer->op == &fsn__op_gemm)
        return fsn__attr_int(&layer->attrs, "transB", 0) ? 0 : 1;
    return layer->op == &fsn__op_conv ? 0 : 1;
}

static bool has_weights(const struct fsn__graph *graph, const struct fsn__node *node)
{
    const struct fsn__value *w = node->n_in > 1 ? value_at(graph, node->in[1]) : NULL;

    if (node->op != &fsn__op_conv && node->op != &fsn__op_mat_mul &&
        (node->op != &fsn__op_gemm || !is_plain_gemm(node)))
        return false;
    return is_real(graph, node->in[0]) && is_constant(w) && w->tensor.dtype == FSN__F32 &&
           (node->op == &fsn__op_conv || w->tensor.ndim == 2) && fsn__numel(&w->tensor) > 0 &&
           is_bias(graph, node, w->tensor.dim[fsn__int8_axis(node)]);
}

/* Moves elements or chooses among them. */
static bool is_pass(const struct fsn__node *node)
{
    static const struct fsn__op *const ops[] = {
        &fsn__op_max_pool, &fsn__op_reshape,        &fsn__op_flatten,        &fsn__op_transpose,
        &fsn__op_squeeze,  &fsn__op_unsqueeze,      &fsn__op_slice,          &fsn__op_gather,
        &fsn__op_tile,     &fsn__op_depth_to_space, &fsn__op_space_to_depth,
    };

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (node->op == ops[i])
            return node->n_out == 1;
    return false;
}

static bool is_average(const struct fsn__node *node)
{
    return node->op == &fsn__op_average_pool || node->op == &fsn__op_global_average_pool;
}

/* Works in integers without weights; every input is one of integers. */
static bool is_integer(const struct fsn__graph *graph, const struct fsn__node *node)
{
    if (node->op != &fsn__op_add && node->op != &fsn__op_concat && !is_average(node))
        return false;
    for (int i = 0; i < node->n_in; i++)
        if (!is_real(graph, node->in[i]))
            return false;
    return true;
}

bool fsn__int8_is_cut(const struct fsn__graph *graph, const int *uses, const struct fsn__node *node)
{
    const struct fsn__value *low = node->n_in > 1 ? value_at(graph, node->in[1]) : NULL;

    if (node->n_in < 1 || node->n_out != 1 || !is_real(graph, node->in[0]) ||
        uses[node->in[0]] != 1)
        return false;
    return node->op == &fsn__op_relu ||
           (node->op == &fsn__op_clip && is_constant(low) && fsn__get_f64(&low->tensor, 0) == 0);
}

/* leads: whether a layer with weights, or an average, comes behind a value. cut: what a
 * value becomes in the activation that alone reads it and that levels make needless, else itself.
 */
struct walk {
    const struct fsn__graph *graph;
    struct fsn__int8_places *places;
    int *uses, *cut;
    bool *leads;
};

static void want(const struct walk *w, int value)
{
    if (is_real(w->graph, value))
        w->places->value[value] = true;
}

static void visit(struct walk *w, int i)
{
    const struct fsn__node *node = &w->graph->nodes[i];
    const struct fsn__int8_places *places = w->places;
    const int out = node->out[0] >= 0 ? w->cut[node->out[0]] : -1;
    const bool needed = out >= 0 && places->value[out], layer = has_weights(w->graph, node);
    bool on = is_average(node);

    for (int j = 0; j < node->n_out; j++)
        on = on || (node->out[j] >= 0 && w->leads[node->out[j]]);
    places->layer[i] = layer && (node->op != &fsn__op_conv || on);
    if (places->layer[i])
        want(w, node->in[0]);
    if (places->layer[i] && node->op == &fsn__op_conv)
        want(w, out);
    for (int j = 0; needed && is_integer(w->graph, node) && j < node->n_in; j++)
        want(w, node->in[j]);
    if (is_pass(node) && places->value[node->out[0]] && is_real(w->graph, node->in[0])) {
        places->value[node->in[0]] = true;
        places->same[node->out[0]] = node->in[0];
    }
    if (fsn__int8_is_cut(w->graph, w->uses, node))
        w->cut[node->in[0]] = node->out[0];
    for (int j = 0; j < node->n_in; j++)
        if (node->in[j] >= 0)
            w->leads[node->in[j]] = w->leads[node->in[j]] || on || layer;
}

enum fsn_status fsn__int8_choose(const struct fsn__graph *graph, const struct fsn__ends *ends,
                                 struct fsn__int8_places *out, struct fsn_error *err)
{
    const size_t values = (size_t)graph->value_count + 1;
    struct walk w = {.graph = graph,
                     .places = out,
                     .uses = fsn__graph_count_uses(graph),
                     .cut = calloc(values, sizeof *w.cut),
                     .leads = calloc(values, sizeof *w.leads)};
    bool *needed = calloc((size_t)graph->node_count + 1, sizeof *needed);
    enum fsn_status status;

    out->value = calloc(values, sizeof *out->value);
    out->same = calloc(values, sizeof *out->same);
    out->layer = calloc((size_t)graph->node_count + 1, sizeof *out->layer);
    status = w.uses && w.cut && w.leads && out->value && out->same && out->layer && needed &&
                     fsn__graph_find_needed(graph, ends, needed) >= 0
                 ? FSN_OK
                 : FSN__NOMEM(err);
    for (int i = 0; status == FSN_OK && i < graph->value_count; i++) {
        w.cut[i] = i;
        out->same[i] = -1;
    }
    for (int i = graph->node_count - 1; status == FSN_OK && i >= 0; i--)
        if (needed[i] && graph->nodes[i].n_in > 0 && graph->nodes[i].n_out > 0)
            visit(&w, i);
    free(needed);
    free(w.uses);
    free(w.cut);
    free(w.leads);
    return status;
}

void fsn__int8_places_clear(struct fsn__int8_places *places)
{
    free(places->value);
    free(places->same);
    free(places->layer);
    *places = (struct fsn__int8_places){0};
}
