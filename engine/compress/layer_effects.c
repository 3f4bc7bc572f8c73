/*
 * layer_effects.c - one layer compressed, the rest untouched: how far do the outputs move?
 *
 * That is measured rather than derived: at the ratios people ask for, a fit misses the weights by
 * half of their norm and more, far outside of what a quadratic model of the loss describes. The
 * same images, unaugmented, are taken for all layers; they and the baseline's outputs are kept.
 */
#include "compress/layer_effects.h"

#include "fs/fs.h"
#include "train/meter.h"
#include "train/network.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Batches of at most MAX_BATCH images and about BATCH_FLOATS values; all images together no more
 * than IMAGE_FLOATS; all forward passes together no more than about MACS multiply-adds. */
enum { MAX_BATCH = 64, BATCH_FLOATS = 1 << 21, IMAGE_FLOATS = 1 << 24 };
static const double MACS = 4e12;

struct probe {
    const struct fsn__train_job *job;
    const struct fsn_plan *plan;
    bool like_with_like;
    int64_t batch, batches, image; /* image: floats */
    float *images;                 /* [batches * batch][image] */
    int32_t *labels;
    float *output[FSN__NETWORK_OUTPUTS]; /* of the baseline: [batches * batch] of so many floats */
    int64_t right;                       /* of the baseline; negative: there is no telling */
};

static bool is_compressed(const struct fsn_plan_layer *layer)
{
    return layer->layout != FSN_LAYOUT_DENSE;
}

static int64_t at_most(int64_t value, double limit)
{
    return limit < (double)value ? (int64_t)limit : value;
}

/* How many images of which size fit the limits, those of all outputs that are kept too. */
static enum fsn_status choose_sizes(struct probe *p, struct fsn_error *err)
{
    const struct fsn__exec_options one = {.batch = 1, .pool = p->job->pool};
    const double macs = (double)fsn__graph_macs(p->job->student);
    struct fsn__network network = {0};
    int64_t images = FSN__EFFECT_IMAGES, layers = 0, floats;
    enum fsn_status status = fsn__network_create(p->job->teacher, "baseline", p->job->data,
                                                 p->job->spec, &one, &network, err);

    if (status != FSN_OK)
        return status;
    for (size_t i = 0; i < p->plan->layer_count; i++)
        layers += is_compressed(&p->plan->layers[i]);
    p->image = (int64_t)(network.image_bytes / sizeof(float)) / network.batch;
    floats = p->image;
    for (int i = 0; i < network.count; i++)
        floats = network.floats[i] > floats ? network.floats[i] : floats;
    images = at_most(images, MACS / fmax(1, macs * (double)layers));
    images = at_most(images, (double)IMAGE_FLOATS / (double)floats);
    images = at_most(images, (double)p->job->data->split[FSN_SPLIT_TRAIN].count);
    p->batch = fsn__view_batch(&network.graph->values[network.graph->inputs[0]].tensor,
                               images < MAX_BATCH ? images : MAX_BATCH, BATCH_FLOATS);
    p->batches = images / p->batch > 0 ? images / p->batch : 1;
    fsn__network_clear(&network);
    return FSN_OK;
}

/* The images, in the order of the first epoch; a small split is gone round again. */
static enum fsn_status load_images(struct probe *p, const struct fsn__graph *view,
                                   struct fsn_error *err)
{
    const int64_t train = p->job->data->split[FSN_SPLIT_TRAIN].count, n = p->batches * p->batch;
    struct fsn__transform transform = fsn__view_plain(p->job->data, p->job->spec);
    int64_t *order = calloc((size_t)train + 1, sizeof *order);
    int64_t *index = calloc((size_t)n + 1, sizeof *index);
    enum fsn_status status = order && index ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = fsn__view_aim(view, &transform, err);
    if (status == FSN_OK) {
        fsn__shuffle(order, train, p->job->spec->seed, 0);
        for (int64_t i = 0; i < n; i++)
            index[i] = order[i % train];
        status = fsn__load_batch(p->job->data, FSN_SPLIT_TRAIN, index, n, &transform, false, 0,
                                 p->job->pool, p->images, p->labels, err);
    }
    free(order);
    free(index);
    return status;
}

/* One network over all images. Its outputs are kept (divergence NULL), or compared with those that
 * were: *divergence is the mean. *right: its hits. */
static enum fsn_status run(const struct probe *p, struct fsn__network *network, double *divergence,
                           int64_t *right, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    double sum = 0;

    *right = 0;
    for (int64_t b = 0; b < p->batches && status == FSN_OK; b++) {
        float *kept[FSN__NETWORK_OUTPUTS];

        memcpy(network->images, p->images + b * p->batch * p->image,
               (size_t)(p->batch * p->image) * sizeof *p->images);
        status = fsn__network_forward(network, (uint64_t)b, err);
        if (status != FSN_OK)
            break;
        for (int i = 0; i < network->count; i++) {
            const int64_t floats = p->batch * network->floats[i];

            kept[i] = p->output[i] + b * floats;
            if (!divergence)
                memcpy(kept[i], network->output[i], (size_t)floats * sizeof *kept[i]);
        }
        if (divergence)
            sum += fsn__network_divergence(network, (const float *const *)kept);
        *right += fsn__network_hits(network, p->labels + b * p->batch);
    }
    if (divergence)
        *divergence = sum / (double)p->batches;
    return status;
}

enum { NO_ROW = -1 };

/* The row's weights alone, and with them all other rows that read the same; of no row (NO_ROW), the
 * network as it is. */
static enum fsn_status make_student(const struct probe *p, int64_t row, struct fsn__graph **out,
                                    struct fsn_error *err)
{
    const struct fsn__graph *graph = p->job->student;
    struct fsn__fs_options options = {.spacing = p->job->spec->filter_summary.spacing,
                                      .start = FSN_START_LEAST_SQUARES};
    const int weight = row == NO_ROW ? -1 : fsn__fs_row_weight(graph, &p->plan->layers[row]);
    struct fsn_plan one;
    enum fsn_status status = fsn__fs_plan_part(graph, p->plan, weight, true, &one, err);

    if (status != FSN_OK)
        return status;
    status = fsn__fs_convert(graph, &one, &options, out, err);
    if (status == FSN_OK)
        status = fsn__graph_drop_identity(*out, err);
    free(one.layers);
    return status;
}

/* Ready to run by the statistics of each batch. *graph, which the network reads, is the caller's
 * to destroy. */
static enum fsn_status open_student(const struct probe *p, int64_t row, struct fsn__graph **graph,
                                    struct fsn__network *network, struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = p->batch, .training = true, .pool = p->job->pool, .seed = p->job->spec->seed};
    enum fsn_status status = make_student(p, row, graph, err);

    return status == FSN_OK ? fsn__network_create(*graph, "student", p->job->data, p->job->spec,
                                                  &options, network, err)
                            : status;
}

/* What is measured against, ready to run. *copy, which it may read, is the caller's to destroy. */
static enum fsn_status open_reference(const struct probe *p, struct fsn__graph **copy,
                                      struct fsn__network *network, struct fsn_error *err)
{
    const struct fsn__exec_options options = {.batch = p->batch, .pool = p->job->pool};

    if (p->like_with_like)
        return open_student(p, NO_ROW, copy, network, err);
    return fsn__network_create(p->job->teacher, "baseline", p->job->data, p->job->spec, &options,
                               network, err);
}

static enum fsn_status prepare(struct probe *p, struct fsn_error *err)
{
    const size_t images = (size_t)(p->batches * p->batch);
    struct fsn__network teacher = {0};
    struct fsn__graph *copy = NULL;
    enum fsn_status status = open_reference(p, &copy, &teacher, err);

    p->images = calloc(images * (size_t)p->image, sizeof *p->images);
    p->labels = calloc(images, sizeof *p->labels);
    for (int i = 0; i < teacher.count; i++) {
        p->output[i] = calloc(images * (size_t)teacher.floats[i], sizeof *p->output[i]);
        if (!p->output[i] && status == FSN_OK)
            status = FSN__NOMEM(err);
    }
    if (status == FSN_OK && (!p->images || !p->labels))
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = load_images(p, teacher.graph, err);
    if (status == FSN_OK)
        status = run(p, &teacher, NULL, &p->right, err);
    fsn__network_clear(&teacher);
    fsn__graph_destroy(copy);
    return status;
}

static enum fsn_status measure_layer(const struct probe *p, size_t row,
                                     struct fsn__layer_effect *effect, struct fsn_error *err)
{
    struct fsn__network network = {0};
    struct fsn__graph *student = NULL;
    double divergence = 0;
    int64_t right = 0;
    enum fsn_status status = open_student(p, (int64_t)row, &student, &network, err);

    if (status == FSN_OK)
        status = run(p, &network, &divergence, &right, err);
    if (status == FSN_OK && isfinite(divergence)) {
        effect->divergence = fmax(divergence, 0); /* rounding: it cannot be negative */
        if (right >= 0)
            effect->top1_drop =
                100.0 * (double)(p->right - right) / (double)(p->batches * p->batch);
    }
    fsn__network_clear(&network);
    fsn__graph_destroy(student);
    return status;
}

enum fsn_status fsn__measure_layers(const struct fsn__train_job *job, const struct fsn_plan *plan,
                                    bool like_with_like, struct fsn__layer_effect **out,
                                    double *baseline_top1, struct fsn_error *err)
{
    struct probe p = {.job = job, .plan = plan, .like_with_like = like_with_like};
    struct fsn__meter meter = {
        job->progress, job->user, FSN_STAGE_PLAN, job->fraction_from, job->fraction_from, 0, 0};
    struct fsn__layer_effect *effects = calloc(plan->layer_count + 1, sizeof *effects);
    enum fsn_status status = effects ? choose_sizes(&p, err) : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = prepare(&p, err);
    fsn__meter_start(&meter, 0);
    for (size_t i = 0; i < plan->layer_count && status == FSN_OK; i++) {
        const struct fsn_progress now = {.step = (int64_t)i + 1,
                                         .steps = (int64_t)plan->layer_count,
                                         .epochs = job->spec->finetune.epochs,
                                         .loss = NAN};

        effects[i] = (struct fsn__layer_effect){NAN, NAN, plan->layers[i].ratio};
        if (is_compressed(&plan->layers[i]))
            status = measure_layer(&p, i, &effects[i], err);
        if (status == FSN_OK && !fsn__meter_tell(&meter, 0, now))
            status = FSN__FAIL(err, FSN_CANCELLED, "cancelled while measuring what layers matter");
    }
    free(p.images);
    free(p.labels);
    for (int i = 0; i < FSN__NETWORK_OUTPUTS; i++)
        free(p.output[i]);
    if (status != FSN_OK) {
        free(effects);
        return status;
    }
    *out = effects;
    *baseline_top1 = p.right < 0 ? NAN : 100.0 * (double)p.right / (double)(p.batches * p.batch);
    return FSN_OK;
}
