/*
 * round_half.c - what no Filter Summary holds, in half the bytes.
 *
 * Scales of filters, biases and the weights of layers that stay as they are: at few bits they are a
 * fair part of the file. float16 has 11 significant bits from 2^-14 on, steps of 2^-24 below, and
 * ends at 65504.
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

/* The inputs of a node that may be rounded, as bits: numbers that training arrived at. */
static unsigned roundable(const struct fsn__graph *graph, const struct fsn__node *node)
{
    if (node->op == &fsn__op_filter_summary)
        return graph->values[node->in[0]].tensor.dtype == FSN__U8 ? 1U << 1 : 0;
    if (node->op == &fsn__op_conv || node->op == &fsn__op_conv_transpose ||
        node->op == &fsn__op_gemm || node->op == &fsn__op_mat_mul)
        return 1U << 1 | 1U << 2;
    return 0;
}

/* round[value]: every node that reads it may have it rounded, and there is one. */
static void find_values(const struct fsn__graph *graph, bool *round)
{
    for (int pass = 0; pass < 2; pass++) /* who may; then who must not */
        for (int i = 0; i < graph->node_count; i++) {
            const struct fsn__node *node = &graph->nodes[i];
            const unsigned may = roundable(graph, node);

            for (int j = 0; j < node->n_in; j++)
                if (node->in[j] >= 0 && (j < 3 && may >> j & 1) == (pass == 0))
                    round[node->in[j]] = pass == 0;
        }
    for (int i = 0; i < graph->output_count; i++)
        round[graph->outputs[i]] = false;
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__tensor *t = &graph->values[i].tensor;

        round[i] = round[i] && t->data && t->dtype == FSN__F32 && fsn__numel(t) > 1;
    }
}

/* *out: the constant that takes the value's place; the value itself where it cannot be rounded. */
static enum fsn_status round_value(struct fsn__graph *graph, int value, int *out,
                                   struct fsn_error *err)
{
    struct fsn__tensor copy = {0};
    enum fsn_status status = fsn__tensor_clone(&copy, &graph->values[value].tensor, err);

    *out = value;
    if (status == FSN_OK && round_all(fsn__f32(&copy), fsn__numel(&copy)))
        status = fsn__graph_add_const(graph, graph->values[value].name, FSN__VALUE_CONST, &copy,
                                      out, err);
    free(copy.data);
    return status;
}

enum fsn_status fsn__round_to_half(struct fsn__graph *graph, struct fsn_error *err)
{
    const int values = graph->value_count;
    bool *round = calloc((size_t)values + 1, sizeof *round);
    int *instead = calloc((size_t)values + 1, sizeof *instead);
    enum fsn_status status = round && instead ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        find_values(graph, round);
    for (int i = 0; i < values && status == FSN_OK; i++)
        if (round[i])
            status = round_value(graph, i, &instead[i], err);
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++)
        for (int j = 0; j < graph->nodes[i].n_in && status == FSN_OK; j++) {
            const int value = graph->nodes[i].in[j];

            if (value >= 0 && value < values && round[value] && instead[value] != value)
                status = fsn__graph_set_input(graph, i, j, instead[value], err);
        }
    free(round);
    free(instead);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
