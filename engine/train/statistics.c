/* statistics.c - the exact statistics of several batches.
 *
 * Source: Wu, Johnson, "Rethinking 'Batch' in BatchNorm" (arXiv 2105.07576), section 3, PreciseBN:
 * running averages mix the activations of many different weights; with the weights fixed, the mean
 * and variance over k batches of one size are
 *
 *     mean = avg mu_i,    var = avg var_i + avg (mu_i - mean)^2
 *
 * mu_i and var_i of a batch are had from an ordinary forward pass in training mode: it sets
 * running = m running + (1 - m) batch, so with running = 0 before it, batch = running / (1 - m).
 * Statistics that several nodes write (shared layers) get 1 - m1 m2... there. A batch norm with
 * m = 1 keeps its statistics in training and here. All sums in double.
 */
#include "train/statistics.h"

#include <stdlib.h>
#include <string.h>

struct fsn__norm {
    float *mean, *var; /* the graph's */
    int64_t channels;
    double keep;            /* product of the momenta of the nodes that write them */
    double *first;          /* [channels] mean of the first batch: what sums are taken about */
    double *shift, *shift2; /* [channels] sums of mu_i - first and of its square */
    double *within;         /* [channels] sums of var_i */
};

static bool is_batch_norm(const struct fsn__graph *graph, const struct fsn__node *node)
{
    return strcmp(node->op->name, "BatchNormalization") == 0 && node->n_in == 5 &&
           graph->values[node->in[3]].kind == FSN__VALUE_STAT &&
           graph->values[node->in[4]].kind == FSN__VALUE_STAT;
}

static struct fsn__norm *find(struct fsn__statistics *statistics, const float *mean)
{
    for (int i = 0; i < statistics->count; i++)
        if (statistics->item[i].mean == mean)
            return &statistics->item[i];
    return NULL;
}

static void add(struct fsn__statistics *statistics, const struct fsn__graph *graph,
                const struct fsn__node *node)
{
    const struct fsn__tensor *mean = &graph->values[node->in[3]].tensor;
    struct fsn__norm *norm = find(statistics, fsn__f32(mean));

    if (!norm) {
        norm = &statistics->item[statistics->count++];
        *norm = (struct fsn__norm){.mean = fsn__f32(mean),
                                   .var = fsn__f32(&graph->values[node->in[4]].tensor),
                                   .channels = fsn__numel(mean),
                                   .keep = 1};
    }
    norm->keep *= (double)fsn__attr_float(&node->attrs, "momentum", 0.9F);
}

enum fsn_status fsn__statistics_create(struct fsn__graph *graph, struct fsn__statistics *out,
                                       struct fsn_error *err)
{
    size_t channels = 0;
    double *at;

    out->item = calloc((size_t)graph->node_count + 1, sizeof *out->item);
    if (!out->item)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->node_count; i++)
        if (is_batch_norm(graph, &graph->nodes[i]))
            add(out, graph, &graph->nodes[i]);
    for (int i = 0; i < out->count; i++)
        channels += (size_t)out->item[i].channels;
    out->sums = at = calloc(4 * channels + 1, sizeof *out->sums);
    if (!out->sums)
        return FSN__NOMEM(err);
    for (int i = 0; i < out->count; i++) {
        struct fsn__norm *norm = &out->item[i];

        norm->first = at;
        norm->shift = at += norm->channels;
        norm->shift2 = at += norm->channels;
        norm->within = at += norm->channels;
        at += norm->channels;
    }
    return FSN_OK;
}

void fsn__statistics_clear(struct fsn__statistics *statistics)
{
    free(statistics->item);
    free(statistics->sums);
    *statistics = (struct fsn__statistics){0};
}

void fsn__statistics_before(struct fsn__statistics *statistics)
{
    for (int i = 0; i < statistics->count; i++) {
        const struct fsn__norm *norm = &statistics->item[i];

        if (norm->keep >= 1)
            continue;
        memset(norm->mean, 0, (size_t)norm->channels * sizeof *norm->mean);
        memset(norm->var, 0, (size_t)norm->channels * sizeof *norm->var);
    }
}

void fsn__statistics_after(struct fsn__statistics *statistics)
{
    for (int i = 0; i < statistics->count; i++) {
        const struct fsn__norm *norm = &statistics->item[i];

        for (int64_t c = 0; norm->keep < 1 && c < norm->channels; c++) {
            const double mean = norm->mean[c] / (1 - norm->keep);
            double shift;

            if (statistics->passes == 0)
                norm->first[c] = mean;
            shift = mean - norm->first[c];
            norm->shift[c] += shift;
            norm->shift2[c] += shift * shift;
            norm->within[c] += norm->var[c] / (1 - norm->keep);
        }
    }
    statistics->passes++;
}

void fsn__statistics_finish(struct fsn__statistics *statistics)
{
    const double passes = statistics->passes;

    for (int i = 0; i < statistics->count && statistics->passes > 0; i++) {
        const struct fsn__norm *norm = &statistics->item[i];

        for (int64_t c = 0; norm->keep < 1 && c < norm->channels; c++) {
            const double shift = norm->shift[c] / passes;

            norm->mean[c] = (float)(norm->first[c] + shift);
            norm->var[c] =
                (float)(norm->within[c] / passes + (norm->shift2[c] / passes - shift * shift));
        }
    }
}
