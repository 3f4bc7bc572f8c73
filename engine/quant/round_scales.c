/*
 * round_scales.c - scales of filters in half the bytes.
 *
 * A compressed layer has a scale for each filter, which batch norm was folded into; at few bits
 * they are a fair part of the file. float16 has 11 significant bits from 2^-14 on, steps of 2^-24
 * below, and ends at 65504.
 */
#include "quant/quant.h"

#include <math.h>
#include <stdlib.h>

static double rounded(double x)
{
    int exponent;
    double step;

    (void)frexp(x, &exponent); /* |x| in [2^(e-1), 2^e) */
    step = ldexp(1, exponent - 11 > -24 ? exponent - 11 : -24);
    return rint(x / step) * step;
}

/* False, with some of the values rounded, where one would change too much. */
static bool round_all(float *x, int64_t n)
{
    double largest = 0;

    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)x[i]));
    for (int64_t i = 0; i < n; i++) {
        const double half = rounded(x[i]);

        if (!(fabs(half) <= 65504) || !(fabs(half - x[i]) <= ldexp(largest, -11)))
            return false;
        x[i] = (float)half;
    }
    return true;
}

static enum fsn_status round_node(struct fsn__graph *graph, int i, struct fsn_error *err)
{
    const int old = graph->nodes[i].in[1];
    struct fsn__tensor scale = {0};
    enum fsn_status status = fsn__tensor_clone(&scale, &graph->values[old].tensor, err);
    int value;

    if (status == FSN_OK && round_all(fsn__f32(&scale), fsn__numel(&scale))) {
        status = fsn__graph_add_const(graph, graph->values[old].name, FSN__VALUE_CONST, &scale,
                                      &value, err);
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, i, 1, value, err);
    }
    free(scale.data);
    return status;
}

enum fsn_status fsn__round_scales(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const struct fsn__tensor *scale;

        if (node->op != &fsn__op_filter_summary || node->n_in < 2 || node->in[1] < 0 ||
            graph->values[node->in[0]].tensor.dtype != FSN__U8)
            continue;
        scale = &graph->values[node->in[1]].tensor;
        if (scale->data && scale->dtype == FSN__F32 && fsn__numel(scale) > 1)
            status = round_node(graph, i, err);
    }
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
