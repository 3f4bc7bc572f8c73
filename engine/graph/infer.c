/* infer.c - shapes of computed values, and running at import what is constant. */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

static struct fsn__tensor *slot(struct fsn__graph *graph, int value)
{
    return value >= 0 ? &graph->values[value].tensor : NULL;
}

/* Inputs and outputs that an operator cannot do without. */
static enum fsn_status check_present(const struct fsn__node *node, struct fsn_error *err)
{
    for (int j = 0; j < node->op->min_in; j++)
        if (node->in[j] < 0)
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': input %d is missing", node->op->name,
                             node->name, j);
    for (int j = 0; j < node->op->min_out; j++)
        if (node->out[j] < 0)
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': output %d is missing", node->op->name,
                             node->name, j);
    return FSN_OK;
}

/* Lets `call` (the operator's infer or forward) see node i's tensors. */
static enum fsn_status call_op(struct fsn__graph *graph, int i, bool forward, struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[i];
    struct fsn__tensor *in[FSN__MAX_IO], *out[FSN__MAX_IO];
    struct fsn__op_ctx ctx = {
        .op = node->op,
        .name = node->name,
        .attrs = &node->attrs,
        .n_in = node->n_in,
        .n_out = node->n_out,
        .in = in,
        .out = out,
        .index = (uint64_t)i,
    };
    size_t work_size = 0, saved_size = 0;
    enum fsn_status status = check_present(node, err);

    if (status != FSN_OK)
        return status;
    for (int j = 0; j < node->n_in; j++)
        in[j] = slot(graph, node->in[j]);
    for (int j = 0; j < node->n_out; j++)
        out[j] = slot(graph, node->out[j]);
    if (!forward)
        return node->op->infer(&ctx, err);
    if (node->op->sizes)
        node->op->sizes(&ctx, &work_size, &saved_size);
    /* As the executor does: an operator that asked for no memory gets no pointer. */
    if (work_size > 0)
        ctx.work = fsn__aligned_calloc(work_size, 1);
    if (saved_size > 0)
        ctx.saved = fsn__aligned_calloc(saved_size, 1);
    if ((work_size > 0 && !ctx.work) || (saved_size > 0 && !ctx.saved))
        status = FSN__NOMEM(err);
    else
        status = node->op->forward(&ctx, err);
    free(ctx.work);
    free(ctx.saved);
    return status;
}

/* Far beyond any memory, and small enough that operators may multiply dims and bytes unchecked. */
static const int64_t max_elements = INT64_C(1) << 40;

static enum fsn_status check_sizes(const struct fsn__graph *graph, int i, struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[i];

    for (int j = 0; j < node->n_out; j++) {
        const struct fsn__tensor *out =
            node->out[j] >= 0 ? &graph->values[node->out[j]].tensor : NULL;
        int64_t n = out ? fsn__numel_bound(out) : 0;

        if (n < 0 || n > max_elements)
            return FSN__FAIL(err, FSN_LIMIT, "%s '%s': its output would have shape %s",
                             node->op->name, node->name, FSN__SHAPE(out));
    }
    return FSN_OK;
}

enum fsn_status fsn__graph_infer_node(struct fsn__graph *graph, int node, struct fsn_error *err)
{
    const struct fsn__node *at = &graph->nodes[node];
    const bool late = fsn__graph_is_late(graph, node);
    enum fsn_status status;

    for (int j = 0; j < at->n_out; j++)
        if (at->out[j] >= 0)
            graph->values[at->out[j]].late = late;
    status = late ? check_present(at, err) : call_op(graph, node, false, err);
    return status == FSN_OK ? check_sizes(graph, node, err) : status;
}

enum fsn_status fsn__graph_infer(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < graph->node_count && status == FSN_OK; i++)
        status = fsn__graph_infer_node(graph, i, err);
    return status;
}

/* Constant: every present input has data. Shape and Size read no data at all; the number of
 * elements is known where the batch is. */
static bool is_constant(const struct fsn__graph *graph, const struct fsn__node *node)
{
    if (node->op == &fsn__op_shape)
        return true;
    if (node->op == &fsn__op_size)
        return fsn__numel(&graph->values[node->in[0]].tensor) >= 0;
    if (node->op == &fsn__op_filter_summary)
        return false; /* it stands for its layer's compression; the executor runs it */
    for (int j = 0; j < node->n_in; j++)
        if (node->in[j] >= 0 && !graph->values[node->in[j]].tensor.data)
            return false;
    return true;
}

static bool is_symbolic(const struct fsn__tensor *t)
{
    for (int i = 0; i < t->ndim; i++)
        if (t->dim[i] == FSN_BATCH)
            return true;
    return false;
}

static enum fsn_status alloc_outputs(struct fsn__graph *graph, const struct fsn__node *node,
                                     size_t max_bytes, size_t *bytes, struct fsn_error *err)
{
    for (int j = 0; j < node->n_out; j++) {
        struct fsn__value *value;
        enum fsn_status status;
        int64_t n;
        size_t size;

        if (node->out[j] < 0)
            continue;
        value = &graph->values[node->out[j]];
        n = fsn__numel(&value->tensor);
        if (n < 0 || !fsn__mul_size((size_t)n, fsn__dtype_bytes(value->tensor.dtype), &size) ||
            !fsn__add_size(*bytes, size, &size) || size > max_bytes)
            return FSN__FAIL(err, FSN_LIMIT,
                             "%s '%s': the constant %s it makes takes the model past %zu bytes",
                             node->op->name, node->name, FSN__SHAPE(&value->tensor), max_bytes);
        *bytes = size;
        status = fsn__tensor_alloc(&value->tensor, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

/* Reshape of a batch to [B, ...], where B is the batch that the file was exported with: to [0,
 * ...], "as many as come in". At that batch it is the same, and at every other what it was for one
 * image: the axis stays in front, or inference refuses the rest of the target. */
static enum fsn_status open_target(struct fsn__graph *graph, int i, struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[i];
    const struct fsn__tensor *x, *target;
    struct fsn__tensor open = {0};
    enum fsn_status status;
    int value;

    if (graph->baked_batch == 0 || node->op != &fsn__op_reshape || node->n_in < 2 ||
        node->in[0] < 0 || node->in[1] < 0 || fsn__attr_int(&node->attrs, "allowzero", 0) != 0)
        return FSN_OK;
    x = &graph->values[node->in[0]].tensor;
    target = &graph->values[node->in[1]].tensor;
    if (!is_symbolic(x) || !target->data || target->dtype != FSN__I64 || fsn__numel(target) < 1 ||
        fsn__i64(target)[0] != graph->baked_batch)
        return FSN_OK;
    status = fsn__tensor_clone(&open, target, err);
    if (status != FSN_OK)
        return status;
    fsn__i64(&open)[0] = 0;
    status = fsn__graph_add_const(graph, graph->values[node->in[1]].name, FSN__VALUE_CONST, &open,
                                  &value, err);
    free(open.data);
    return status == FSN_OK ? fsn__graph_set_input(graph, i, 1, value, err) : status;
}

enum fsn_status fsn__graph_fold(struct fsn__graph *graph, size_t max_bytes, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_prune(graph, err);
    size_t bytes = 0;

    for (int i = 0; i < graph->value_count; i++)
        bytes += graph->values[i].tensor.data ? fsn__tensor_bytes(&graph->values[i].tensor) : 0;
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        bool symbolic = false;

        status = open_target(graph, i, err);
        if (status == FSN_OK)
            status = fsn__graph_infer_node(graph, i, err);
        if (status != FSN_OK || fsn__graph_is_late(graph, i) || !is_constant(graph, node))
            continue;
        for (int j = 0; j < node->n_out; j++)
            symbolic |= node->out[j] >= 0 && is_symbolic(&graph->values[node->out[j]].tensor);
        if (symbolic)
            continue; /* its size depends on the batch: left for the executor */
        status = alloc_outputs(graph, node, max_bytes, &bytes, err);
        if (status == FSN_OK)
            status = call_op(graph, i, true, err);
        if (status != FSN_OK)
            break;
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0)
                graph->values[node->out[j]].kind = FSN__VALUE_CONST;
        fsn__graph_remove_node(graph, i);
    }
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
