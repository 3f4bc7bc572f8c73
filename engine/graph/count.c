/* count.c - parameters and multiply-adds. */
#include "graph/graph.h"
#include "ops/integer.h"

int64_t fsn__graph_parameters(const struct fsn__graph *graph)
{
    int64_t total = 0;

    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];

        if (value->kind == FSN__VALUE_PARAM || value->kind == FSN__VALUE_STAT)
            total += fsn__numel(&value->tensor);
    }
    /* PyTorch's state dict holds one counter more for each batch norm (num_batches_tracked). */
    for (int i = 0; i < graph->node_count; i++)
        total += graph->nodes[i].op == &fsn__op_batch_normalization;
    return total;
}

/* Elements of one image's share of a tensor. */
static int64_t per_image(const struct fsn__tensor *t)
{
    if (t->ndim > 0 && t->dim[0] == FSN_BATCH)
        return fsn__numel_range(t, 1, t->ndim);
    return fsn__numel(t);
}

int fsn__graph_weight_input(const struct fsn__node *node)
{
    const struct fsn__op *op = node->op;

    if (op == &fsn__op_conv || op == &fsn__op_conv_transpose || op == &fsn__op_gemm ||
        op == &fsn__op_mat_mul || op == &fsn__op_conv_integer || op == &fsn__op_mat_mul_integer)
        return 1;
    if (op == &fsn__op_qlinear_conv || op == &fsn__op_qlinear_mat_mul)
        return FSN__QL_B;
    return -1;
}

int64_t fsn__graph_node_macs(const struct fsn__graph *graph, int index)
{
    const struct fsn__node *node = &graph->nodes[index];
    const int weight = fsn__graph_weight_input(node);
    const struct fsn__tensor *a, *b;
    int64_t outputs;

    if (weight < 0)
        return 0;
    a = &graph->values[node->in[0]].tensor;
    b = &graph->values[node->in[weight]].tensor;
    if (fsn__graph_is_late(graph, index))
        return 0; /* as many as are found in an image */
    outputs = per_image(&graph->values[node->out[0]].tensor);
    if (node->op == &fsn__op_conv_transpose) /* each input is spread over its filters' taps */
        return per_image(a) * fsn__numel_range(b, 1, b->ndim);
    if (node->op == &fsn__op_gemm)
        return outputs * b->dim[fsn__attr_int(&node->attrs, "transB", 0) ? 1 : 0];
    if (node->op == &fsn__op_mat_mul || node->op == &fsn__op_mat_mul_integer ||
        node->op == &fsn__op_qlinear_mat_mul)
        return outputs * (a->ndim > 0 ? a->dim[a->ndim - 1] : 1);
    /* each output of a convolution sums one filter: C/groups * R * S products */
    return outputs * fsn__numel_range(b, 1, b->ndim);
}

int64_t fsn__graph_macs(const struct fsn__graph *graph)
{
    int64_t total = 0;

    for (int i = 0; i < graph->node_count; i++)
        total += fsn__graph_node_macs(graph, i);
    return total;
}
