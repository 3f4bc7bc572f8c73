/*
 * layer_effects.c - one layer compressed, the rest untouched: how far do the outputs move?
 *
 * That is measured rather than derived: at the ratios people ask for, a fit misses the weights by
 * half of their norm and more, far outside of what a quadratic model of the loss describes. The
 * same images, unaugmented, are taken for all layers; they and the baseline's outputs are kept.
 */
#include "compress/layer_effects.h"

#include "fs/fs.h"
#include "train/classifier.h"
#include "train/meter.h"
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
    int64_t batch, batches, image, classes; /* image: floats */
    float *images;                          /* [batches * batch][image] */
    int32_t *labels;
    float *logits; /* of the baseline, [batches * batch][classes] */
    int64_t right; /* of the baseline */
};

static bool is_compressed(const struct fsn_plan_layer *layer)
{
    return layer->layout != FSN_LAYOUT_DENSE;
}

static int64_t at_most(int64_t value, double limit)
{
    return limit < (double)value ? (int64_t)limit : value;
}

/* How many images of which size fit the limits. */
static void choose_sizes(struct probe *p, const struct fsn__graph *view)
{
    const struct fsn__tensor *input = &view->values[view->inputs[0]].tensor;
    const double macs = (double)fsn__graph_macs(p->job->student);
    int64_t images = FSN__EFFECT_IMAGES, layers = 0;

    for (size_t i = 0; i < p->plan->layer_count; i++)
        layers += is_compressed(&p->plan->layers[i]);
    p->image = fsn__numel_range(input, 1, input->ndim);
    images = at_most(images, MACS / fmax(1, macs * (double)layers));
    images = at_most(images, (double)IMAGE_FLOATS / (double)p->image);
    images = at_most(images, (double)p->job->data->split[FSN_SPLIT_TRAIN].count);
    p->batch = fsn__view_batch(input, images < MAX_BATCH ? images : MAX_BATCH, BATCH_FLOATS);
    p->batches = images / p->batch > 0 ? images / p->batch : 1;
}

/* The images, in the order of the first epoch; a small split is gone round again. */
static enum fsn_status load_images(struct probe *p, const struct fsn__graph *view,
                                   struct fsn_error *err)
{
    const int64_t train = p->job->data->split[FSN_SPLIT_TRAIN].count, n = p->batches * p->batch;
    struct fsn__transform transform = {.preprocess = p->job->spec->preprocess,
                                       .seed = p->job->spec->seed};
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

/* One network over all images. Its logits are kept (compare NULL), or compared with those that
 * were: *divergence is the mean, *right its hits. */
static enum fsn_status run(const struct probe *p, struct fsn__classifier *network, float *keep,
                           double *divergence, int64_t *right, struct fsn_error *err)
{
    const int64_t floats = p->batch * p->classes;
    enum fsn_status status = FSN_OK;

    *divergence = 0;
    *right = 0;
    for (int64_t b = 0; b < p->batches && status == FSN_OK; b++) {
        const float *baseline = keep ? NULL : p->logits + b * floats;
        int64_t hits;

        memcpy(network->images, p->images + b * p->batch * p->image,
               (size_t)(p->batch * p->image) * sizeof *p->images);
        status = fsn__classifier_forward(network, (uint64_t)b, err);
        if (status != FSN_OK)
            break;
        if (keep)
            memcpy(keep + b * floats, network->logits, (size_t)floats * sizeof *keep);
        *divergence += fsn__distill_loss(network->logits, baseline, p->labels + b * p->batch,
                                         p->batch, p->classes, 1, 1, NULL, &hits);
        *right += hits;
    }
    *divergence /= (double)p->batches;
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

/* Ready to run by the statistics of each batch. *graph, which the classifier reads, is the caller's
 * to destroy. */
static enum fsn_status open_student(const struct probe *p, int64_t row, struct fsn__graph **graph,
                                    struct fsn__classifier *network, struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = p->batch, .training = true, .pool = p->job->pool, .seed = p->job->spec->seed};
    enum fsn_status status = make_student(p, row, graph, err);

    return status == FSN_OK ? fsn__classifier_create(*graph, "student", p->job->data,
                                                     p->job->spec->output, &options, network, err)
                            : status;
}

static enum fsn_status prepare(struct probe *p, struct fsn_error *err)
{
    struct fsn__exec_options options = {.pool = p->job->pool};
    struct fsn__classifier teacher = {0};
    struct fsn__graph *view = NULL, *copy = NULL;
    struct fsn__head head = {0};
    double unused;
    enum fsn_status status = fsn__graph_find_head(p->job->teacher, p->job->spec->output,
                                                  p->job->data->classes, &head, err);

    if (status == FSN_OK)
        status = fsn__view_create(p->job->teacher, "baseline", p->job->data, &head.logits, 1, &view,
                                  err);
    if (status != FSN_OK)
        return status;
    p->classes = head.classes;
    choose_sizes(p, view);
    p->images = calloc((size_t)(p->batches * p->batch * p->image), sizeof *p->images);
    p->labels = calloc((size_t)(p->batches * p->batch), sizeof *p->labels);
    p->logits = calloc((size_t)(p->batches * p->batch * p->classes), sizeof *p->logits);
    options.batch = p->batch;
    status = p->images && p->labels && p->logits ? load_images(p, view, err) : FSN__NOMEM(err);
    if (status == FSN_OK && p->like_with_like)
        status = open_student(p, NO_ROW, &copy, &teacher, err);
    else if (status == FSN_OK)
        status = fsn__classifier_create(p->job->teacher, "baseline", p->job->data,
                                        p->job->spec->output, &options, &teacher, err);
    if (status == FSN_OK)
        status = run(p, &teacher, p->logits, &unused, &p->right, err);
    fsn__classifier_clear(&teacher);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(view);
    return status;
}

static enum fsn_status measure_layer(const struct probe *p, size_t row,
                                     struct fsn__layer_effect *effect, struct fsn_error *err)
{
    struct fsn__classifier network = {0};
    struct fsn__graph *student = NULL;
    double divergence = 0;
    int64_t right = 0;
    enum fsn_status status = open_student(p, (int64_t)row, &student, &network, err);

    if (status == FSN_OK)
        status = run(p, &network, NULL, &divergence, &right, err);
    if (status == FSN_OK && isfinite(divergence)) {
        effect->divergence = fmax(divergence, 0); /* rounding: it cannot be negative */
        effect->top1_drop = 100.0 * (double)(p->right - right) / (double)(p->batches * p->batch);
    }
    fsn__classifier_clear(&network);
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
    enum fsn_status status = effects ? prepare(&p, err) : FSN__NOMEM(err);

    fsn__meter_start(&meter, 0);
    for (size_t i = 0; i < plan->layer_count && status == FSN_OK; i++) {
        const struct fsn_progress now = {.step = (int64_t)i + 1,
                                         .steps = (int64_t)plan->layer_count,
                                         .epochs = job->spec->finetune.epochs,
                                         .loss = NAN};

        effects[i] = (struct fsn__layer_effect){NAN, NAN};
        if (is_compressed(&plan->layers[i]))
            status = measure_layer(&p, i, &effects[i], err);
        if (status == FSN_OK && !fsn__meter_tell(&meter, 0, now))
            status = FSN__FAIL(err, FSN_CANCELLED, "cancelled while measuring what layers matter");
    }
    free(p.images);
    free(p.labels);
    free(p.logits);
    if (status != FSN_OK) {
        free(effects);
        return status;
    }
    *out = effects;
    *baseline_top1 = 100.0 * (double)p.right / (double)(p.batches * p.batch);
    return FSN_OK;
}
