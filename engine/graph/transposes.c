/* transposes.c - pushes Transposes towards the outputs and cancels them in pairs.
 *
 * TensorFlow keeps channels last. Its exporters write Conv in ONNX's order between a Transpose to
 * [N,C,H,W] and one back, and what lies between two layers (activation, sum, concatenation,
 * padding) is done in the order [N,H,W,C]. Once such an operator takes its operands from before the
 * Transpose, and the Transpose comes after it, it meets the one in front of the next layer, and
 * both are gone.
 *
 * p is a Transpose's `perm`: output axis i is input axis p[i]. Two in a row, first p then q, are
 * one with perm p[q[i]]. A constant c that is broadcast against a transposed operand becomes c',
 * whose axis p[i] is c's axis i. One pass in topological order suffices, since a Transpose only
 * ever moves towards later nodes.
 */
#include "graph/transposes.h"

#include <stdlib.h>
#include <string.h>

struct perm {
    int ndim;
    int64_t axis[FSN_MAX_DIMS];
};

/* The Transpose that makes the value; false: something else does. */
static bool read_perm(const struct fsn__graph *graph, int node, struct perm *perm)
{
    const struct fsn__node *transpose = node >= 0 ? &graph->nodes[node] : NULL;
    const int64_t *given;
    size_t count;

    if (!transpose || transpose->op != &fsn__op_transpose || transpose->n_in == 0 ||
        fsn__graph_is_late(graph, node))
        return false;
    perm->ndim = graph->values[transpose->in[0]].tensor.ndim;
    given = fsn__attr_ints(&transpose->attrs, "perm", &count);
    for (int i = 0; i < perm->ndim; i++)
        perm->axis[i] = given ? given[i] : perm->ndim - 1 - i;
    return true;
}

static bool is_identity(const struct perm *perm)
{
    for (int i = 0; i < perm->ndim; i++)
        if (perm->axis[i] != i)
            return false;
    return true;
}

static bool is_output(const struct fsn__graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

/* y = Transpose(x), where y is a value that nothing makes at the moment. */
static enum fsn_status add_transpose(struct fsn__graph *graph, const struct perm *perm, int x,
                                     int y, struct fsn_error *err)
{
    struct fsn__attr item = {
        .name = "perm", .type = FSN__ATTR_INTS, .count = (size_t)perm->ndim, .ints = perm->axis};
    const struct fsn__attrs attrs = {.count = 1, .item = &item};

    return fsn__graph_add_node(graph, &fsn__op_transpose, NULL, &attrs, 1, &x, 1, &y, NULL, err);
}

/* ---- two in a row ------------------------------------------------------------------------------
 */

static enum fsn_status merge(struct fsn__graph *graph, int second, struct fsn_error *err)
{
    const int middle = graph->nodes[second].in[0], y = graph->nodes[second].out[0];
    const int first = graph->values[middle].producer;
    struct perm p, q, both;
    int x;

    if (!read_perm(graph, first, &p) || !read_perm(graph, second, &q))
        return FSN_OK;
    x = graph->nodes[first].in[0];
    both.ndim = q.ndim;
    for (int i = 0; i < q.ndim; i++)
        both.axis[i] = p.axis[q.axis[i]];
    if (is_identity(&both) && !is_output(graph, y)) {
        fsn__graph_remove_node(graph, second);
        fsn__graph_redirect(graph, y, x);
        return FSN_OK;
    }
    fsn__graph_remove_node(graph, second);
    return add_transpose(graph, &both, x, y, err);
}

/* ---- past an operator --------------------------------------------------------------------------
 */

/* Whether each element of the output depends on the same element of the operands alone. */
static bool is_elementwise(const struct fsn__op *op)
{
    static const char *const names[] = {
        "Relu", "LeakyRelu", "PRelu",       "Elu",       "Selu", "Sigmoid", "Tanh", "Softplus",
        "Mish", "Gelu",      "HardSigmoid", "HardSwish", "Clip", "Erf",     "Sin",  "Cos",
        "Exp",  "Log",       "Sqrt",        "Abs",       "Neg",  "Add",     "Sub",  "Mul",
        "Div",  "Pow",       "Identity",    "Cast",      "Max",  "Min",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!*op->domain && strcmp(op->name, names[i]) == 0)
            return true;
    return false;
}

/* Operand j can be had in the order from before the Transpose: it is transposed by the same p, or a
 * constant. *perm is set by the first transposed operand. */
static bool operand_fits(const struct fsn__graph *graph, int value, struct perm *perm)
{
    struct perm own;

    if (value < 0)
        return true;
    if (graph->values[value].tensor.data)
        return true; /* judged once perm is known */
    if (!read_perm(graph, graph->values[value].producer, &own))
        return false;
    if (perm->ndim == 0)
        *perm = own;
    return own.ndim == perm->ndim && memcmp(own.axis, perm->axis, (size_t)own.ndim * 8) == 0;
}

static bool can_push(const struct fsn__graph *graph, int i, struct perm *perm)
{
    const struct fsn__node *node = &graph->nodes[i];
    const bool concat = node->op == &fsn__op_concat;

    perm->ndim = 0;
    if (node->n_in == 0 || node->n_out != 1 || is_output(graph, node->out[0]) ||
        (!concat && !is_elementwise(node->op)))
        return false;
    for (int j = 0; j < node->n_in; j++)
        if (!operand_fits(graph, node->in[j], perm))
            return false;
    if (perm->ndim == 0 || graph->values[node->out[0]].tensor.ndim != perm->ndim)
        return false;
    for (int j = 0; j < node->n_in; j++) {
        const struct fsn__tensor *t = node->in[j] < 0 ? NULL : &graph->values[node->in[j]].tensor;

        /* Concat does not broadcast; bytes are moved here for one element type alone. */
        if (t && t->data && (concat || (fsn__numel(t) > 1 && t->dtype != FSN__F32)))
            return false;
    }
    return true;
}

/* The constant c' of the essay; one number stays as it is. */
static enum fsn_status turn_constant(struct fsn__graph *graph, int value, const struct perm *perm,
                                     int *out, struct fsn_error *err)
{
    const struct fsn__value *c = &graph->values[value];
    const int shift = perm->ndim - c->tensor.ndim;
    struct fsn__tensor turned = {.dtype = FSN__F32, .ndim = perm->ndim};
    int64_t stride[FSN_MAX_DIMS] = {0}, place[FSN_MAX_DIMS] = {0}, step = 1, n;
    enum fsn_status status;

    *out = value;
    if (fsn__numel(&c->tensor) <= 1)
        return FSN_OK;
    for (int i = perm->ndim - 1; i >= 0; i--) { /* axis i of c is axis perm[i] of c' */
        int64_t dim = i < shift ? 1 : c->tensor.dim[i - shift];

        turned.dim[perm->axis[i]] = dim;
        stride[perm->axis[i]] = step;
        step *= dim;
    }
    status = fsn__tensor_alloc(&turned, err);
    if (status != FSN_OK)
        return status;
    n = fsn__numel(&turned);
    for (int64_t e = 0; e < n; e++) {
        int64_t from = 0;

        for (int i = 0; i < turned.ndim; i++)
            from += place[i] * stride[i];
        fsn__f32(&turned)[e] = fsn__f32(&c->tensor)[from];
        for (int i = turned.ndim - 1; i >= 0 && ++place[i] == turned.dim[i]; i--)
            place[i] = 0;
    }
    status = fsn__graph_add_const(graph, c->name, c->kind, &turned, out, err);
    if (status == FSN_OK)
        graph->values[*out].decay = graph->values[value].decay;
    free(turned.data);
    return status;
}

static void turn_axis(struct fsn__node *concat, const struct perm *perm)
{
    for (size_t i = 0; i < concat->attrs.count; i++) {
        struct fsn__attr *attr = &concat->attrs.item[i];

        if (strcmp(attr->name, "axis") == 0)
            attr->i = perm->axis[attr->i < 0 ? attr->i + perm->ndim : attr->i];
    }
}

static enum fsn_status push(struct fsn__graph *graph, int i, const struct perm *perm,
                            struct fsn_error *err)
{
    const int y = graph->nodes[i].out[0];
    enum fsn_status status = FSN_OK;
    int before;

    for (int j = 0; j < graph->nodes[i].n_in && status == FSN_OK; j++) {
        int value = graph->nodes[i].in[j];

        if (value < 0)
            continue;
        if (graph->values[value].tensor.data)
            status = turn_constant(graph, value, perm, &value, err);
        else
            value = graph->nodes[graph->values[value].producer].in[0];
        graph->nodes[i].in[j] = value;
    }
    if (graph->nodes[i].op == &fsn__op_concat)
        turn_axis(&graph->nodes[i], perm);
    if (status == FSN_OK)
        status = fsn__graph_add_value(graph, graph->values[y].name, FSN__VALUE_COMPUTED, NULL,
                                      &before, err);
    if (status != FSN_OK)
        return status;
    graph->nodes[i].out[0] = before;
    graph->values[before].producer = i;
    status = fsn__graph_infer_node(graph, i, err);
    return status == FSN_OK ? add_transpose(graph, perm, before, y, err) : status;
}

static enum fsn_status sweep(struct fsn__graph *graph, bool pushing, struct fsn_error *err)
{
    const int count = graph->node_count;
    enum fsn_status status = FSN_OK;
    bool changed = false;

    for (int i = 0; i < count && status == FSN_OK; i++) {
        struct perm perm;

        if (graph->nodes[i].op == &fsn__op_transpose && graph->nodes[i].n_in > 0) {
            status = merge(graph, i, err);
            changed = true;
        } else if (pushing && can_push(graph, i, &perm)) {
            status = push(graph, i, &perm, err);
            changed = true;
        }
    }
    if (!changed || status != FSN_OK)
        return status;
    status = fsn__graph_sort(graph, err);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}

enum fsn_status fsn__graph_merge_transposes(struct fsn__graph *graph, struct fsn_error *err)
{
    return sweep(graph, false, err);
}

enum fsn_status fsn__graph_push_transposes(struct fsn__graph *graph, struct fsn_error *err)
{
    return sweep(graph, true, err);
}
