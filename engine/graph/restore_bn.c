/* restore_bn.c - puts batch norm back where an exporter folded it into the convolution.
 *
 * Exporters fold y = gamma (w*x - mean) / sqrt(var + eps) + beta into y = w'*x + b. That is good
 * for inference and bad for training: without normalisation the rates that a compressed network
 * learns at make it diverge. The statistics are lost with the fold, but any that describe y will
 * do, for the function does not depend on them. With m and v the mean and variance of y (calibrated
 * on training images), and s > 0 a scale for each filter,
 *
 *     w = w' / s,  mean = (m - b) / s,  var = v / s^2,
 *     gamma = s sqrt(var + eps),  beta = b + s mean
 *
 * give y = gamma (w*x - mean) / sqrt(var + eps) + beta = w'*x + b again, exactly but for rounding;
 * and fsn__graph_fold_bn makes w', b of it once more when the network is exported.
 *
 * The scale s. Behind batch norm the length of a filter has no meaning for the function, but it has
 * one for training, which moves a short filter faster, and for a Filter Summary, whose filters
 * share their weights: least squares fits the long ones. It is lost with the fold too. All filters
 * get the length sqrt(3), since those of the trained CIFAR-10 ResNet-20 have 1.7 on the average
 * (and lie within 30 % of their layer's); lengths that go with those of the folded filters, or with
 * their square roots, learned slower. A filter shorter than a tenth of its layer's root mean square
 * is a dead one, and stays as short in proportion, so that it takes no part in the fit.
 *
 * Which convolutions. On the way to the logits; not the last ones, which write the logits
 * themselves (no other layer with weights lies behind them); not where a batch norm stands already;
 * not where the map is one pixel (gates of squeeze-and-excitation), since a batch has too few of
 * them; not when the weight is read twice, for then the fold at export would have to copy it. A
 * folded convolution has a bias, and one that is followed by something that normalises later
 * (DenseNet, pre-activation ResNet) has none: that is how "auto" tells them apart.
 */
#include "graph/restore_bn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 512 };
static const float epsilon = 1e-5F;

/* ---- which convolutions ------------------------------------------------------------------------
 */

struct sweep {
    bool *needed; /* per value: the ends depend on it */
    bool *last;   /* per value: no layer with weights lies between it and the ends */
    bool *normed; /* per value: a batch norm reads it */
};

static bool has_weights(const struct fsn__op *op)
{
    return op == &fsn__op_conv || op == &fsn__op_gemm || op == &fsn__op_mat_mul ||
           op == &fsn__op_batch_normalization;
}

/* Nodes stand in order: one sweep backwards. */
static void mark(const struct fsn__graph *graph, const struct fsn__ends *ends, struct sweep *sweep)
{
    fsn__graph_mark_ends(graph, ends, sweep->needed);
    fsn__graph_mark_ends(graph, ends, sweep->last);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &graph->nodes[i];
        bool needed = false, last = false;

        for (int j = 0; j < node->n_out; j++) {
            needed |= node->out[j] >= 0 && sweep->needed[node->out[j]];
            last |= node->out[j] >= 0 && sweep->last[node->out[j]];
        }
        for (int j = 0; j < node->n_in; j++) {
            if (node->in[j] < 0)
                continue;
            sweep->needed[node->in[j]] |= needed;
            sweep->last[node->in[j]] |= last && !has_weights(node->op);
            sweep->normed[node->in[j]] |= node->op == &fsn__op_batch_normalization;
        }
    }
}

static bool is_float_constant(const struct fsn__graph *graph, int value, int ndim)
{
    const struct fsn__tensor *t = &graph->values[value].tensor;

    return t->data && t->dtype == FSN__F32 && t->ndim == ndim;
}

static bool is_bare(const struct fsn__graph *graph, int i, const struct sweep *sweep,
                    const int *uses, enum fsn_restore_bn rule)
{
    const struct fsn__node *node = &graph->nodes[i];
    const struct fsn__tensor *y;
    int bias = node->op == &fsn__op_conv && node->n_in > 2 ? node->in[2] : -1;

    if (node->op != &fsn__op_conv || rule == FSN_RESTORE_BN_NONE)
        return false;
    y = &graph->values[node->out[0]].tensor;
    if (y->ndim != 4 || y->dim[2] * y->dim[3] <= 1)
        return false;
    if (!is_float_constant(graph, node->in[1], 4) || uses[node->in[1]] != 1)
        return false;
    if (bias < 0 ? rule != FSN_RESTORE_BN_ALL : !is_float_constant(graph, bias, 1))
        return false;
    return sweep->needed[node->out[0]] && !sweep->last[node->out[0]] &&
           !sweep->normed[node->out[0]];
}

static enum fsn_status fill(struct fsn__bare_convs *out, struct fsn_error *err)
{
    size_t channels = 0, at = 0;

    for (int i = 0; i < out->count; i++)
        channels += (size_t)out->item[i].channels;
    out->statistics = calloc(2 * channels + 1, sizeof *out->statistics);
    if (!out->statistics)
        return FSN__NOMEM(err);
    for (int i = 0; i < out->count; i++) {
        struct fsn__bare_conv *conv = &out->item[i];

        conv->mean = out->statistics + at;
        conv->var = conv->mean + conv->channels;
        at += 2 * (size_t)conv->channels;
        for (int64_t c = 0; c < conv->channels; c++)
            conv->var[c] = 1;
    }
    return FSN_OK;
}

enum fsn_status fsn__graph_find_bare_convs(const struct fsn__graph *graph,
                                           const struct fsn__ends *ends, enum fsn_restore_bn rule,
                                           struct fsn__bare_convs *out, struct fsn_error *err)
{
    const size_t values = (size_t)graph->value_count;
    int *uses = fsn__graph_count_uses(graph);
    bool *flags = calloc(3 * values + 1, sizeof *flags);
    struct sweep sweep = {flags, flags + values, flags + 2 * values};
    enum fsn_status status = FSN_OK;

    out->item = calloc((size_t)graph->node_count + 1, sizeof *out->item);
    if (!uses || !flags || !out->item) {
        status = FSN__NOMEM(err);
        goto out;
    }
    mark(graph, ends, &sweep);
    for (int i = 0; i < graph->node_count; i++)
        if (is_bare(graph, i, &sweep, uses, rule))
            out->item[out->count++] = (struct fsn__bare_conv){
                .node = i, .channels = graph->values[graph->nodes[i].in[1]].tensor.dim[0]};
    status = fill(out, err);
out:
    free(uses);
    free(flags);
    return status;
}

void fsn__bare_convs_free(struct fsn__bare_convs *bare)
{
    free(bare->item);
    free(bare->statistics);
    *bare = (struct fsn__bare_convs){0};
}

/* ---- putting it back ---------------------------------------------------------------------------
 */

static double length_of(const float *w, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)w[i] * w[i];
    return sqrt(sum);
}

/* Divides each filter by the s of the essay; scale[k] = s. */
static void scale_filters(struct fsn__tensor *weight, double *scale)
{
    const int64_t filters = weight->dim[0], n = fsn__numel_range(weight, 1, weight->ndim);
    double squares = 0, shortest;

    for (int64_t k = 0; k < filters; k++) {
        scale[k] = length_of(fsn__f32(weight) + k * n, n);
        squares += scale[k] * scale[k];
    }
    shortest = 0.1 * sqrt(squares / (double)filters);
    for (int64_t k = 0; k < filters; k++) {
        float *w = fsn__f32(weight) + k * n;

        scale[k] = fmax(scale[k], shortest) / sqrt(3.0);
        if (!(scale[k] > 0) || !isfinite(scale[k])) /* a layer of zeros */
            scale[k] = 1;
        for (int64_t i = 0; i < n; i++)
            w[i] = (float)(w[i] / scale[k]);
    }
}

enum { SCALE, SHIFT, MEAN, VARIANCE, PARTS };

/* Fills part[PARTS][channels] by the formulas of the essay. */
static void fill_parts(const struct fsn__bare_conv *conv, const double *scale, const float *bias,
                       float *part)
{
    const int64_t n = conv->channels;

    for (int64_t k = 0; k < n; k++) {
        const double s = scale[k], b = bias ? bias[k] : 0;
        const float mean = (float)((conv->mean[k] - b) / s);
        const float var = (float)(conv->var[k] / (s * s));

        part[SCALE * n + k] = (float)(s * sqrt((double)var + (double)epsilon));
        part[SHIFT * n + k] = (float)(b + s * mean);
        part[MEAN * n + k] = mean;
        part[VARIANCE * n + k] = var;
    }
}

/* The node behind conv: it writes what the convolution wrote, whose output becomes a new value. */
static enum fsn_status insert(struct fsn__graph *graph, int conv, float *part, int64_t channels,
                              struct fsn_error *err)
{
    static const char *const suffix[PARTS] = {"scale", "shift", "mean", "var"};
    struct fsn__attr item = {.name = "epsilon", .type = FSN__ATTR_FLOAT, .f = epsilon};
    const struct fsn__attrs attrs = {.count = 1, .item = &item};
    const char *name = graph->nodes[conv].name;
    const int y = graph->nodes[conv].out[0];
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {channels}};
    char wish[NAME_SIZE];
    enum fsn_status status;
    int in[PARTS + 1];

    snprintf(wish, sizeof wish, "%s.raw", name);
    status = fsn__graph_add_value(graph, wish, FSN__VALUE_COMPUTED, &graph->values[y].tensor,
                                  &in[0], err);
    for (int i = 0; i < PARTS && status == FSN_OK; i++) {
        snprintf(wish, sizeof wish, "%s.bn.%s", name, suffix[i]);
        t.data = part + i * channels;
        status = fsn__graph_add_const(graph, wish, FSN__VALUE_CONST, &t, &in[i + 1], err);
    }
    if (status != FSN_OK)
        return status;
    graph->nodes[conv].out[0] = in[0];
    graph->values[in[0]].producer = conv;
    graph->nodes[conv].n_in = 2; /* batch norm's shift is the bias now */
    snprintf(wish, sizeof wish, "%s.bn", name);
    return fsn__graph_add_node(graph, &fsn__op_batch_normalization, wish, &attrs, PARTS + 1, in, 1,
                               &y, NULL, err);
}

static enum fsn_status restore_one(struct fsn__graph *graph, const struct fsn__bare_conv *conv,
                                   struct fsn_error *err)
{
    const struct fsn__node *node = &graph->nodes[conv->node];
    const int bias = node->n_in > 2 ? node->in[2] : -1;
    const size_t n = (size_t)conv->channels;
    double *scale = calloc(n + 1, sizeof *scale);
    float *part = calloc(PARTS * n + 1, sizeof *part);
    enum fsn_status status;

    if (!scale || !part) {
        status = FSN__NOMEM(err);
        goto out;
    }
    scale_filters(&graph->values[node->in[1]].tensor, scale);
    fill_parts(conv, scale, bias >= 0 ? fsn__f32(&graph->values[bias].tensor) : NULL, part);
    status = insert(graph, conv->node, part, conv->channels, err);
out:
    free(scale);
    free(part);
    return status;
}

enum fsn_status fsn__graph_restore_bn(struct fsn__graph *graph, const struct fsn__bare_convs *bare,
                                      struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < bare->count && status == FSN_OK; i++)
        status = restore_one(graph, &bare->item[i], err);
    if (status == FSN_OK)
        status = fsn__graph_sort(graph, err);
    if (status == FSN_OK)
        status = fsn__graph_prune(graph, err);
    if (status == FSN_OK)
        fsn__graph_mark_trainable(graph);
    return status;
}
