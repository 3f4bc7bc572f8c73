/*
 * output_errors.c - what of each layer's output compression has changed, on images.
 *
 * Two networks, the baseline and a compressed one, see the same images. Of a convolution that both
 * have, y is what the baseline writes and x what the other one does. A scale and a shift of a whole
 * channel are no loss: the layer behind, or batch norm between, was trained along with them. So the
 * error is what the best scale and shift of each channel leave, as a share of how far y varies:
 *
 *     error^2 = sum_k min_{a,b} |y_k - a x_k - b|^2 / sum_k |y_k - mean y_k|^2
 *             = sum_k S_yy (1 - S_xy^2 / (S_xx S_yy)) / sum_k S_yy
 *
 * over images and places, S the centred sums of channel k. 0: all of the baseline's output is
 * there; 1: nothing of it. It does not matter whether batch norm stands behind the convolution or
 * is folded into it, nor how an exporter has scaled the filters. The input is each network's own,
 * so what layers before have changed is part of the figure.
 */
#include "compress/output_errors.h"

#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Layers that are watched at once, each keeping its output's memory; batches of at most MAX_BATCH
 * images and about BATCH_FLOATS input values; no more than about MACS multiply-adds in all. */
enum { GROUP = 16, MAX_BATCH = 32, BATCH_FLOATS = 1 << 20, SIDES = 2 };
static const double MACS = 5e11;

/* ---- the figure ------------------------------------------------------------------------------ */

void fsn__channel_sums_add(struct fsn__channel_sums *sums, const float *x, const float *y,
                           int64_t n)
{
    sums->n += (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double a = x[i], b = y[i];

        sums->x += a;
        sums->y += b;
        sums->xx += a * a;
        sums->yy += b * b;
        sums->xy += a * b;
    }
}

/* What is left of a sum of squares after its mean; rounding is nothing. */
static double centred(double squares, double sum, double n)
{
    const double rest = squares - sum * sum / n;

    return rest > 1e-12 * squares ? rest : 0;
}

double fsn__output_error(const struct fsn__channel_sums *channels, int64_t count)
{
    double lost = 0, all = 0;

    for (int64_t k = 0; k < count; k++) {
        const struct fsn__channel_sums *s = &channels[k];
        const double xx = centred(s->xx, s->x, s->n), yy = centred(s->yy, s->y, s->n);
        const double xy = s->xy - s->x * s->y / s->n;
        const double kept = xx > 0 ? xy * xy / xx : 0;

        if (!isfinite(s->xx) || !isfinite(s->yy))
            return NAN;
        lost += kept < yy ? yy - kept : 0;
        all += yy;
    }
    return all > 0 ? sqrt(lost / all) : NAN;
}

/* ---- the networks ---------------------------------------------------------------------------- */

enum { NETWORK, REFERENCE };

struct measurement {
    const struct fsn__train_job *job;
    const struct fsn__output_probe *probe;
    struct fsn__meter meter;
    const struct fsn__graph *graph[SIDES];
    int64_t batch, batches;
    int64_t *order; /* [batch * batches] of the test images */
    int32_t *labels;
};

/* Some layers in both networks. */
struct group {
    int count;
    size_t row[GROUP];
    int output[SIDES][GROUP]; /* values */
    struct fsn__graph *view[SIDES];
    struct fsn__exec *exec[SIDES];
    struct fsn__channel_sums *sums[GROUP]; /* [channels] each */
};

/* Whole batches, of images from all over the split; a small split is gone round again. */
static enum fsn_status choose_images(struct measurement *m, struct fsn_error *err)
{
    const struct fsn__tensor *input =
        &m->graph[REFERENCE]->values[m->graph[REFERENCE]->inputs[0]].tensor;
    const int64_t test = m->job->data->split[FSN_SPLIT_TEST].count;
    const double macs = SIDES * (double)fsn__graph_macs(m->graph[REFERENCE]);
    const double most = fmin(FSN__OUTPUT_IMAGES, MACS / fmax(1, macs));
    const int64_t images = (int64_t)fmin(most, (double)test);
    int64_t *all = calloc((size_t)test + 1, sizeof *all);

    m->batch = fsn__view_batch(input, images < MAX_BATCH ? images : MAX_BATCH, BATCH_FLOATS);
    m->batches = images / m->batch > 0 ? images / m->batch : 1;
    m->order = calloc((size_t)(m->batch * m->batches), sizeof *m->order);
    m->labels = calloc((size_t)m->batch, sizeof *m->labels);
    if (!all || !m->order || !m->labels) {
        free(all);
        return FSN__NOMEM(err);
    }
    fsn__shuffle(all, test, m->job->spec->seed, 0);
    for (int64_t i = 0; i < m->batch * m->batches; i++)
        m->order[i] = all[i % test];
    free(all);
    return FSN_OK;
}

static void close_group(struct group *g)
{
    for (int side = 0; side < SIDES; side++) {
        fsn__exec_destroy(g->exec[side]);
        fsn__graph_destroy(g->view[side]);
    }
    for (int i = 0; i < g->count; i++)
        free(g->sums[i]);
    *g = (struct group){0};
}

static enum fsn_status open_group(const struct measurement *m, struct group *g,
                                  struct fsn_error *err)
{
    static const char *const who[SIDES] = {"compressed", "baseline"};
    enum fsn_status status = FSN_OK;

    for (int side = 0; side < SIDES && status == FSN_OK; side++) {
        const struct fsn__exec_options options = {.batch = m->batch,
                                                  .training = m->probe->batch_statistics,
                                                  .pool = m->job->pool,
                                                  .seed = m->job->spec->seed};

        status = fsn__view_create(m->graph[side], who[side], m->job->data, g->output[side],
                                  g->count, &g->view[side], err);
        if (status == FSN_OK)
            status = fsn__exec_create(g->view[side], &options, &g->exec[side], err);
    }
    for (int i = 0; i < g->count && status == FSN_OK; i++) {
        g->sums[i] =
            calloc((size_t)fsn__exec_output(g->exec[REFERENCE], i)->dim[1] + 1, sizeof *g->sums[i]);
        if (!g->sums[i])
            status = FSN__NOMEM(err);
    }
    return status;
}

/* Outputs are [batch][channels][places] of both. */
static void add_batch(struct group *g)
{
    for (int i = 0; i < g->count; i++) {
        const struct fsn__tensor *y = fsn__exec_output(g->exec[REFERENCE], i);
        const float *at = fsn__f32(y), *x = fsn__f32(fsn__exec_output(g->exec[NETWORK], i));
        const int64_t places = fsn__numel_range(y, 2, y->ndim);

        for (int64_t plane = 0; plane < y->dim[0] * y->dim[1]; plane++)
            fsn__channel_sums_add(&g->sums[i][plane % y->dim[1]], x + plane * places,
                                  at + plane * places, places);
    }
}

static enum fsn_status run_group(const struct measurement *m, struct group *g, double done,
                                 struct fsn_error *err)
{
    const struct fsn__train_job *job = m->job;
    struct fsn__transform transform = fsn__view_plain(job->data, job->spec);
    enum fsn_status status = open_group(m, g, err);

    if (status == FSN_OK)
        status = fsn__view_aim(g->view[REFERENCE], &transform, err);
    for (int64_t b = 0; b < m->batches && status == FSN_OK; b++) {
        const struct fsn_progress now = {.epochs = job->spec->finetune.epochs, .loss = NAN};
        const struct fsn__tensor *images = fsn__exec_input(g->exec[REFERENCE], 0);

        status = fsn__load_batch(job->data, FSN_SPLIT_TEST, m->order + b * m->batch, m->batch,
                                 &transform, false, 0, job->pool, fsn__f32(images), m->labels, err);
        if (status != FSN_OK)
            break;
        memcpy(fsn__exec_input(g->exec[NETWORK], 0)->data, images->data, fsn__tensor_bytes(images));
        for (int side = 0; side < SIDES && status == FSN_OK; side++)
            status = fsn__exec_forward(g->exec[side], (uint64_t)b, err);
        if (status == FSN_OK)
            add_batch(g);
        if (status == FSN_OK && !fsn__meter_tell(&m->meter, done, now))
            status = FSN__FAIL(err, FSN_CANCELLED, "cancelled while comparing layers' outputs");
    }
    return status;
}

/* The row's convolution in both networks; false: not there, or of another shape. */
static bool find_outputs(const struct measurement *m, const char *name, struct group *g)
{
    const struct fsn__tensor *shape[SIDES];

    for (int side = 0; side < SIDES; side++) {
        const struct fsn__graph *graph = m->graph[side];
        const int conv = fsn__names_find(&graph->node_names, name);

        if (conv < 0 || graph->nodes[conv].op != &fsn__op_conv)
            return false;
        g->output[side][g->count] = graph->nodes[conv].out[0];
        shape[side] = &graph->values[graph->nodes[conv].out[0]].tensor;
    }
    return fsn__same_shape(shape[NETWORK], shape[REFERENCE]);
}

/* Measures the group, and empties it. */
static enum fsn_status finish_group(const struct measurement *m, struct group *g, double done,
                                    double *error, struct fsn_error *err)
{
    enum fsn_status status = g->count > 0 ? run_group(m, g, done, err) : FSN_OK;

    for (int i = 0; i < g->count && status == FSN_OK; i++)
        error[g->row[i]] =
            fsn__output_error(g->sums[i], fsn__exec_output(g->exec[REFERENCE], i)->dim[1]);
    close_group(g);
    return status;
}

enum fsn_status fsn__measure_outputs(const struct fsn__train_job *job, const struct fsn_plan *plan,
                                     const struct fsn__output_probe *probe, double *error,
                                     struct fsn_error *err)
{
    struct measurement m = {
        .job = job,
        .probe = probe,
        .meter = {job->progress, job->user, probe->stage, probe->fraction, probe->fraction, 0, 0},
        .graph = {probe->network, probe->reference},
    };
    struct group group = {0};
    enum fsn_status status = choose_images(&m, err);

    fsn__meter_start(&m.meter, 0);
    for (size_t i = 0; i < plan->layer_count && status == FSN_OK; i++) {
        error[i] = NAN;
        if (find_outputs(&m, plan->layers[i].name, &group))
            group.row[group.count++] = i;
        if (group.count == GROUP || i + 1 == plan->layer_count)
            status = finish_group(&m, &group, (double)i / (double)plan->layer_count, error, err);
    }
    close_group(&group);
    free(m.order);
    free(m.labels);
    return status;
}
