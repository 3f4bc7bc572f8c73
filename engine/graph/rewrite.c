/* rewrite.c - changes that keep what the network computes: marking what is trained, folding batch
 * norm into convolutions, dropping what does nothing at inference. */
#include "graph/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is trained ---------------------------------------------------------------------------
 */

static void mark(struct fsn__graph *graph, const struct fsn__node *node, int slot,
                 enum fsn__value_kind kind, bool decay)
{
    struct fsn__value *value;

    if (slot >= node->n_in || node->in[slot] < 0)
        return;
    value = &graph->values[node->in[slot]];
    if (!value->tensor.data || value->tensor.dtype != FSN__F32 || value->kind != FSN__VALUE_CONST)
        return;
    value->kind = kind;
    value->decay = decay;
}

/* Brought to length 1: what multiplies it next is a learned scale, as in SSD. Other factors are
 * constants of the network (x / 255, say). */
static bool is_normalised(const struct fsn__graph *graph, int value)
{
    const int node = graph->values[value].producer;

    return node >= 0 && graph->nodes[node].op == &fsn__op_lp_normalization;
}

void fsn__graph_mark_trainable(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (node->op == &fsn__op_conv || node->op == &fsn__op_gemm) {
            mark(graph, node, 1, FSN__VALUE_PARAM, true);
            mark(graph, node, 2, FSN__VALUE_PARAM, false);
        } else if (node->op == &fsn__op_mat_mul) {
            mark(graph, node, 0, FSN__VALUE_PARAM, true);
            mark(graph, node, 1, FSN__VALUE_PARAM, true);
        } else if (node->op == &fsn__op_batch_normalization) {
            mark(graph, node, 1, FSN__VALUE_PARAM, false);
            mark(graph, node, 2, FSN__VALUE_PARAM, false);
            mark(graph, node, 3, FSN__VALUE_STAT, false);
            mark(graph, node, 4, FSN__VALUE_STAT, false);
        } else if (node->op == &fsn__op_filter_summary) {
            mark(graph, node, 0, FSN__VALUE_PARAM, true);
        } else if (node->op == &fsn__op_add) { /* a bias written as a node of its own */
            for (int j = 0; j < node->n_in; j++)
                if (fsn__numel(&graph->values[node->in[j]].tensor) > 1)
                    mark(graph, node, j, FSN__VALUE_PARAM, false);
        } else if (node->op == &fsn__op_mul) {
            for (int j = 0; j < node->n_in; j++)
                if (is_normalised(graph, node->in[1 - j]))
                    mark(graph, node, j, FSN__VALUE_PARAM, false);
        }
    }
}

/* ---- batch norm into convolutions ---------------------------------------------------------------
 */

static const float *constant_f32(const struct fsn__graph *graph, int value)
{
    const struct fsn__tensor *t = value >= 0 ? &graph->values[value].tensor : NULL;

    return t && t->data && t->dtype == FSN__F32 ? fsn__f32(t) : NULL;
}

/* The pieces of y = gamma (conv(x) - mean) / sqrt(var + eps) + beta. */
struct bn_fold {
    int conv, summary; /* nodes; summary -1 when the weight is a constant */
    int64_t k;
    const float *gamma, *beta, *mean, *var, *bias; /* bias NULL: none */
    float epsilon;
};

static bool match_bn(const struct fsn__graph *graph, int bn, const int *uses, struct bn_fold *m)
{
    const struct fsn__node *node = &graph->nodes[bn], *conv;
    int weight, producer;

    if (node->op != &fsn__op_batch_normalization || node->n_in < 5 || node->n_out != 1)
        return false;
    m->conv = graph->values[node->in[0]].producer;
    if (m->conv < 0 || graph->nodes[m->conv].op != &fsn__op_conv || uses[node->in[0]] != 1)
        return false;
    conv = &graph->nodes[m->conv];
    m->gamma = constant_f32(graph, node->in[1]);
    m->beta = constant_f32(graph, node->in[2]);
    m->mean = constant_f32(graph, node->in[3]);
    m->var = constant_f32(graph, node->in[4]);
    m->epsilon = fsn__attr_float(&node->attrs, "epsilon", 1e-5f);
    m->bias = conv->n_in > 2 ? constant_f32(graph, conv->in[2]) : NULL;
    if (!m->gamma || !m->beta || !m->mean || !m->var ||
        (conv->n_in > 2 && conv->in[2] >= 0 && !m->bias))
        return false;
    weight = conv->in[1];
    m->k = graph->values[weight].tensor.dim[0];
    m->summary = -1;
    producer = graph->values[weight].producer;
    if (uses[weight] != 1) /* one weight for several nodes stays one */
        return false;
    if (constant_f32(graph, weight))
        return true;
    if (producer < 0 || graph->nodes[producer].op != &fsn__op_filter_summary)
        return false;
    m->summary = producer;
    return true;
}

static enum fsn_status fold_one(struct fsn__graph *graph, int bn, const struct bn_fold *m,
                                struct fsn_error *err)
{
    enum fsn_status status;
    int64_t k = m->k;
    struct fsn__tensor bias = {.dtype = FSN__F32, .ndim = 1, .dim = {k}}, factor = bias;
    struct fsn__tensor weight = {.dtype = FSN__F32};
    const char *name = graph->nodes[m->conv].name;
    int index, summary_scale;

    status = fsn__tensor_alloc(&bias, err);
    if (status == FSN_OK)
        status = fsn__tensor_alloc(&factor, err);
    if (status != FSN_OK)
        goto out;
    for (int64_t i = 0; i < k; i++) {
        double a = m->gamma[i] / sqrt((double)m->var[i] + m->epsilon);
        double b = m->bias ? m->bias[i] : 0.0;

        fsn__f32(&factor)[i] = (float)a;
        fsn__f32(&bias)[i] = (float)((b - m->mean[i]) * a + m->beta[i]);
    }
    if (m->summary < 0) {
        const struct fsn__tensor *old = &graph->values[graph->nodes[m->conv].in[1]].tensor;
        int64_t n = fsn__numel_range(old, 1, old->ndim);

        status = fsn__tensor_clone(&weight, old, err);
        if (status != FSN_OK)
            goto out;
        for (int64_t i = 0; i < k; i++)
            for (int64_t j = 0; j < n; j++)
                fsn__f32(&weight)[i * n + j] *= fsn__f32(&factor)[i];
        status = fsn__graph_add_const(graph, graph->values[graph->nodes[m->conv].in[1]].name,
                                      FSN__VALUE_PARAM, &weight, &index, err);
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, m->conv, 1, index, err);
        if (status == FSN_OK)
            graph->values[index].decay = true;
    } else {
        const struct fsn__node *summary = &graph->nodes[m->summary];

        summary_scale = summary->n_in > 1 ? summary->in[1] : -1;
        if (summary_scale >= 0) {
            const struct fsn__tensor *old = &graph->values[summary_scale].tensor;
            bool one = fsn__numel(old) == 1;

            for (int64_t i = 0; i < k; i++)
                fsn__f32(&factor)[i] *= fsn__f32(old)[one ? 0 : i];
        }
        status = fsn__graph_add_const(graph, NULL, FSN__VALUE_CONST, &factor, &index, err);
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, m->summary, 1, index, err);
    }
    if (status == FSN_OK)
        status = fsn__graph_add_const(graph, name, FSN__VALUE_PARAM, &bias, &index, err);
    if (status == FSN_OK)
        status = fsn__graph_set_input(graph, m->conv, 2, index, err);
    if (status == FSN_OK) { /* the convolution now writes what batch norm wrote */
        int y = graph->nodes[bn].out[0];

        fsn__graph_remove_node(graph, bn);
        graph->values[graph->nodes[m->conv].out[0]].producer = -1;
        graph->nodes[m->conv].out[0] = y;
        graph->values[y].producer = m->conv;
    }
out:
    free(bias.data);
    free(factor.data);
    free(weight.data);
    return status;
}

enum fsn_status fsn__graph_fold_bn(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    int *uses = fsn__graph_count_uses(graph);

    if (!uses)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        struct bn_fold match;

        /* Values that folding adds come after those counted, and are never looked up here. */
        if (match_bn(graph, i, uses, &match))
            status = fold_one(graph, i, &match, err);
    }
    free(uses);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}

/* ---- what does nothing
 * --------------------------------------------------------------------------- */

enum fsn_status fsn__graph_drop_identity(struct fsn__graph *graph, struct fsn_error *err)
{
    int *alias = calloc((size_t)graph->value_count + 1, sizeof *alias);

    if (!alias)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->value_count; i++)
        alias[i] = i;
    /* In order: an alias always points at a value that is final already. */
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node *node = &graph->nodes[i];
        bool output = false;

        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0)
                node->in[j] = alias[node->in[j]];
        if (node->op != &fsn__op_identity && node->op != &fsn__op_dropout)
            continue;
        for (int j = 0; j < graph->output_count; j++)
            for (int l = 0; l < node->n_out; l++)
                output |= graph->outputs[j] == node->out[l];
        if (!output) /* an output keeps its node, and with it its name */
            alias[node->out[0]] = node->in[0];
    }
    free(alias);
    return fsn__graph_prune(graph, err);
}
