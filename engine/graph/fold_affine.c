/* fold_affine.c - Mul and Add behind a convolution, which were once batch norm, into it.
 *
 *     (w*x + b) m + a = (w m)*x + (b m + a)
 *
 * per output channel, m and a constants of shape [C,1,1], [1,C,1,1] or of one element; Div is Mul
 * by 1 / m, Sub is Add of -a, and a - (w*x + b) is a Mul by -1 and an Add. One pass in topological
 * order takes any chain of them: after a step the convolution writes what the folded node wrote.
 */
#include "graph/fold_affine.h"

#include <stdlib.h>

struct affine {
    int conv;
    int constant;  /* value */
    bool reversed; /* constant - y, not y - constant */
};

/* One element, or one for each of `channels`, which are axis 1 of ndim. */
static bool is_per_channel(const struct fsn__tensor *t, int ndim, int64_t channels)
{
    int axis = t->ndim - (ndim - 1); /* of the channels */
    int64_t n;

    if (!t->data || t->dtype != FSN__F32)
        return false;
    n = fsn__numel(t);
    if (n == 1)
        return t->ndim <= ndim;
    return axis >= 0 && axis <= 1 && n == channels && t->dim[axis] == channels;
}

static bool match(const struct fsn__graph *graph, int i, const int *uses, struct affine *out)
{
    const struct fsn__node *node = &graph->nodes[i], *conv;
    const struct fsn__op *op = node->op;
    const struct fsn__tensor *weight, *y;
    int side;

    if ((op != &fsn__op_mul && op != &fsn__op_div && op != &fsn__op_add && op != &fsn__op_sub) ||
        node->n_in != 2)
        return false;
    side = graph->values[node->in[0]].tensor.data ? 1 : 0; /* of y */
    out->conv = graph->values[node->in[side]].producer;
    out->constant = node->in[1 - side];
    out->reversed = side == 1;
    if (out->conv < 0 || graph->nodes[out->conv].op != &fsn__op_conv || uses[node->in[side]] != 1 ||
        (op == &fsn__op_div && out->reversed))
        return false;
    conv = &graph->nodes[out->conv];
    weight = &graph->values[conv->in[1]].tensor;
    y = &graph->values[node->in[side]].tensor;
    if (!weight->data || weight->dtype != FSN__F32 || uses[conv->in[1]] != 1)
        return false;
    if (conv->n_in > 2 && conv->in[2] >= 0 && !graph->values[conv->in[2]].tensor.data)
        return false;
    return is_per_channel(&graph->values[out->constant].tensor, y->ndim, weight->dim[0]);
}

/* m and a of channel k. */
static void coefficients(const struct fsn__op *op, bool reversed, float c, float *m, float *a)
{
    *m = 1;
    *a = 0;
    if (op == &fsn__op_mul)
        *m = c;
    else if (op == &fsn__op_div)
        *m = 1 / c;
    else if (op == &fsn__op_add)
        *a = c;
    else {
        *m = reversed ? -1.0F : 1.0F;
        *a = reversed ? c : -c;
    }
}

/* The weight is the convolution's alone and changes in place; the bias may be shared and does not.
 */
static enum fsn_status fold(struct fsn__graph *graph, int i, const struct affine *affine,
                            struct fsn_error *err)
{
    const struct fsn__node *conv = &graph->nodes[affine->conv];
    const struct fsn__tensor *weight = &graph->values[conv->in[1]].tensor;
    const struct fsn__tensor *constant = &graph->values[affine->constant].tensor;
    const int old = conv->n_in > 2 ? conv->in[2] : -1;
    const int64_t filters = weight->dim[0], n = fsn__numel_range(weight, 1, weight->ndim);
    const bool one = fsn__numel(constant) == 1;
    struct fsn__tensor bias = {.dtype = FSN__F32, .ndim = 1, .dim = {filters}};
    enum fsn_status status = fsn__tensor_alloc(&bias, err);
    int value, y;

    if (status != FSN_OK)
        return status;
    for (int64_t k = 0; k < filters; k++) {
        float m, a, b = old >= 0 ? fsn__f32(&graph->values[old].tensor)[k] : 0;

        coefficients(graph->nodes[i].op, affine->reversed, fsn__f32(constant)[one ? 0 : k], &m, &a);
        for (int64_t j = 0; j < n && m != 1; j++)
            fsn__f32(weight)[k * n + j] *= m;
        fsn__f32(&bias)[k] = b * m + a;
    }
    status = fsn__graph_add_const(graph, old >= 0 ? graph->values[old].name : conv->name,
                                  FSN__VALUE_PARAM, &bias, &value, err);
    free(bias.data);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, affine->conv, 2, value, err);
    if (status != FSN_OK)
        return status;
    y = graph->nodes[i].out[0];
    fsn__graph_remove_node(graph, i);
    graph->values[graph->nodes[affine->conv].out[0]].producer = -1;
    graph->nodes[affine->conv].out[0] = y;
    graph->values[y].producer = affine->conv;
    return FSN_OK;
}

enum fsn_status fsn__graph_fold_affine(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    int *uses = fsn__graph_count_uses(graph);

    if (!uses)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        struct affine affine;

        /* Values that folding adds come after those counted, and are never looked up here. */
        if (match(graph, i, uses, &affine))
            status = fold(graph, i, &affine, err);
    }
    free(uses);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
