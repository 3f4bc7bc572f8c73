/* segment_objective.c - the objective of networks that tell the class of every pixel: the masks,
 * without a teacher (pixel_scores.h). With one, a network's outputs follow the teacher's, whatever
 * they mean (distill_objective.c).
 *
 * Images are padded and cropped, mirrored and blanked as those of classifiers are; what is seen of
 * a mask goes with its image, and a padded pixel is of no class. Held-back images are judged by the
 * same loss, over all of their pixels together. */
#include "train/pixel_scores.h"
#include "train/objective.h"
#include "train/segmenter.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

struct segment {
    struct fsn__objective base;
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__segmenter student;
    int64_t batch;
    uint8_t *masks; /* [batch][H][W] */
    double *sums;   /* [batch] */
};

static struct segment *of(struct fsn__objective *self)
{
    return (struct segment *)self;
}

static void destroy(struct fsn__objective *self)
{
    struct segment *s = of(self);

    if (!s)
        return;
    fsn__segmenter_clear(&s->student);
    free(s->masks);
    free(s->sums);
    free(s);
}

static enum fsn_status check_spec(const struct fsn_spec *spec, struct fsn_error *err)
{
    const char *name = spec->finetune.mixup > 0             ? "mixup"
                       : spec->finetune.label_smoothing > 0 ? "label_smoothing"
                                                            : NULL;

    if (name)
        return FSN__FAIL(err, FSN_INVALID,
                         "finetune.%s is for classifiers: it must be 0 where masks are learned",
                         name);
    return FSN_OK;
}

/* Makes the network, aims at its images, and makes memory for the masks of a batch. */
static enum fsn_status open_segmenter(struct fsn__graph *graph, const char *who,
                                      const struct fsn__train_job *job,
                                      const struct fsn__exec_options *options,
                                      struct fsn__transform *transform,
                                      struct fsn__segmenter *network, uint8_t **masks,
                                      double **sums, struct fsn_error *err)
{
    enum fsn_status status =
        fsn__segmenter_create(graph, who, job->data, job->spec, options, false, network, err);

    if (status == FSN_OK)
        status = fsn__view_aim(network->graph, transform, err);
    if (status != FSN_OK)
        return status;
    *masks = calloc((size_t)network->batch, (size_t)(transform->height * transform->width));
    *sums = calloc((size_t)network->batch, sizeof **sums);
    return *masks && *sums ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status create(const struct fsn__train_job *job,
                              const struct fsn__exec_options *options, int64_t steps,
                              struct fsn__objective **out, struct fsn_error *err)
{
    struct segment *s = calloc(1, sizeof *s);
    enum fsn_status status = s ? check_spec(job->spec, err) : FSN__NOMEM(err);

    (void)steps;
    if (status == FSN_OK) {
        s->job = job;
        s->transform = fsn__view_transform(job->data, job->spec);
        s->batch = options->batch;
        status = open_segmenter(job->student, "training", job, options, &s->transform, &s->student,
                                &s->masks, &s->sums, err);
    }
    if (status != FSN_OK) {
        destroy((struct fsn__objective *)s);
        return status;
    }
    s->base = (struct fsn__objective){&fsn__segment_pixels, s->student.graph, s->student.exec};
    *out = &s->base;
    return FSN_OK;
}

/* ---- a step ---------------------------------------------------------------------------------- */

static enum fsn_status load(struct fsn__objective *self, const struct fsn__step *step, bool plain,
                            struct fsn_error *err)
{
    struct segment *s = of(self);
    struct fsn__transform transform = s->transform;

    transform.cutout = transform.cutout && !plain;
    return fsn__load_mask_batch(s->job->data, FSN_SPLIT_TRAIN, step->images, s->batch, &transform,
                                true, (uint64_t)step->epoch, s->job->pool, s->student.images,
                                s->masks, err);
}

static enum fsn_status forward(struct fsn__objective *self, const struct fsn__step *step,
                               struct fsn_error *err)
{
    return fsn__segmenter_forward(&of(self)->student, (uint64_t)step->in_run, err);
}

static struct fsn__pixel_shape shape_of(const struct fsn__segmenter *network,
                                        const struct fsn__transform *transform)
{
    return (struct fsn__pixel_shape){network->classes, network->height, network->width,
                                     transform->height, transform->width};
}

static double loss(struct fsn__objective *self, struct fsn__counts *counts)
{
    struct segment *s = of(self);
    const struct fsn__pixel_shape shape = shape_of(&s->student, &s->transform);

    (void)counts;
    return fsn__pixel_loss(&shape, s->student.scores, s->masks, s->batch, s->student.dscores, NULL,
                           s->sums, s->job->pool);
}

static void fill_row(const struct fsn__objective *self, const struct fsn__counts *counts,
                     int64_t images, struct fsn_epoch *row)
{
    (void)self;
    (void)counts;
    (void)images;
    row->train_top1 = row->teacher_top1 = row->matched = NAN;
}

/* ---- held-back images ------------------------------------------------------------------------ */

struct judgement {
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__segmenter network;
    uint8_t *masks;
    double *sums;
    double sum; /* of the losses of all pixels */
    int64_t pixels;
};

static enum fsn_status judge_batch(void *arg, const int64_t *list, int64_t n, struct fsn_error *err)
{
    struct judgement *j = arg;
    const struct fsn__pixel_shape shape = shape_of(&j->network, &j->transform);
    enum fsn_status status =
        fsn__load_mask_batch(j->job->data, FSN_SPLIT_TRAIN, list, n, &j->transform, false, 0,
                             j->job->pool, j->network.images, j->masks, err);
    int64_t pixels;
    double mean;

    if (status == FSN_OK)
        status = fsn__segmenter_forward(&j->network, 0, err);
    if (status != FSN_OK)
        return status;
    mean = fsn__pixel_loss(&shape, j->network.scores, j->masks, n, NULL, &pixels, j->sums,
                           j->job->pool);
    j->sum += mean * (double)pixels;
    j->pixels += pixels;
    return FSN_OK;
}

/* Batches as large as those of training, whose memory is there. */
static enum fsn_status judge(struct fsn__objective *self, const int64_t *list, int64_t images,
                             const struct fsn__meter *how, struct fsn_epoch *row,
                             struct fsn_error *err)
{
    const struct segment *s = of(self);
    const struct fsn__train_job *job = s->job;
    const struct fsn__exec_options options = {
        .batch = images < s->batch ? images : s->batch, .pool = job->pool, .seed = job->spec->seed};
    struct judgement j = {.job = job, .transform = s->transform};
    struct fsn__meter meter = *how;
    enum fsn_status status = open_segmenter(job->student, "evaluation", job, &options, &j.transform,
                                            &j.network, &j.masks, &j.sums, err);

    if (status == FSN_OK)
        status = fsn__meter_list(&meter, list, images, j.network.batch, judge_batch, &j, err);
    if (status == FSN_OK)
        row->held_loss = j.pixels > 0 ? j.sum / (double)j.pixels : 0;
    fsn__segmenter_clear(&j.network);
    free(j.masks);
    free(j.sums);
    return status;
}

const struct fsn__objective_kind fsn__segment_pixels = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .forward = forward,
    .loss = loss,
    .fill_row = fill_row,
    .judge = judge,
};
