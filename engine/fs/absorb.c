/*
 * absorb.c - factors of filters into the batch norm behind them.
 *
 * With z' = z / s, mean' = mean / s and var' = var / s^2
 *
 *     gamma' (z' - mean') / sqrt(var' + eps) = gamma (z - mean) / sqrt(var + eps)
 *     where gamma' = gamma s sqrt(var' + eps) / sqrt(var + eps),
 *
 * which for eps = 0 is gamma times the sign of s. The compressed file has a factor for each filter
 * anyway, since batch norm is folded into it: absorbed factors cost nothing.
 */
#include "fs/absorb.h"

#include <math.h>

static float *own_constant(const struct fsn__graph *graph, int value, const int *uses, int64_t n)
{
    const struct fsn__tensor *t = value >= 0 ? &graph->values[value].tensor : NULL;

    if (!t || !t->data || t->dtype != FSN__F32 || fsn__numel(t) != n || uses[value] != 1 ||
        graph->values[value].borrowed)
        return NULL;
    return fsn__f32(t);
}

static int only_reader(const struct fsn__graph *graph, int value, const int *uses)
{
    if (uses[value] != 1)
        return -1;
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].n_in; j++)
            if (graph->nodes[i].in[j] == value)
                return i;
    return -1; /* it is an output of the graph */
}

bool fsn__find_absorber(const struct fsn__graph *graph, int conv, const int *uses,
                        struct fsn__absorber *out)
{
    const struct fsn__node *node = &graph->nodes[conv], *bn;
    const int reader = only_reader(graph, node->out[0], uses);
    int64_t k;

    if (reader < 0 || graph->nodes[reader].op != &fsn__op_batch_normalization ||
        uses[node->in[1]] != 1 || (node->n_in > 2 && node->in[2] >= 0))
        return false;
    bn = &graph->nodes[reader];
    if (bn->n_in < 5 || bn->in[0] != node->out[0] || !graph->values[bn->in[2]].tensor.data)
        return false;
    k = graph->values[node->in[1]].tensor.dim[0];
    *out = (struct fsn__absorber){
        .node = reader,
        .channels = k,
        .gamma = own_constant(graph, bn->in[1], uses, k),
        .mean = own_constant(graph, bn->in[3], uses, k),
        .var = own_constant(graph, bn->in[4], uses, k),
        .beta = fsn__f32(&graph->values[bn->in[2]].tensor),
        .epsilon = fsn__attr_float(&bn->attrs, "epsilon", 1e-5F),
    };
    return out->gamma && out->mean && out->var;
}

float fsn__absorber_factor(const struct fsn__absorber *bn, int64_t k)
{
    return fabsf(bn->gamma[k]) / sqrtf(bn->var[k] + bn->epsilon);
}

void fsn__absorb(const struct fsn__absorber *bn, const float *scale)
{
    for (int64_t k = 0; k < bn->channels; k++) {
        const double s = scale[k], var = bn->var[k] / (s * s);

        bn->gamma[k] *= (float)(s * sqrt((var + bn->epsilon) / ((double)bn->var[k] + bn->epsilon)));
        bn->mean[k] = (float)(bn->mean[k] / s);
        bn->var[k] = (float)var;
    }
}
