/* classify.c - the objective of classifiers: labels, perhaps smoothed and mixed, the teacher's
 * logits, and its feature maps where they are compared (features.h).
 *
 * Batches are loaded between steps, not ahead on a thread of their own: all slices of the pool load
 * one together, in 0.2 % of ResNet-20's step (perf, CIFAR-10, two threads). */
#include "train/features.h"
#include "train/objective.h"
#include "train/teacher.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

struct classify {
    struct fsn__objective base;
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__classifier student;
    struct fsn__teacher teacher;
    struct fsn__stage_ends features; /* none unless asked for */
    double *scratch;                 /* [3][batch] */
    bool distill;
    int64_t batch;
    int32_t *labels; /* [batch] */
    double kept;     /* how much of itself an image of the batch keeps */
};

static struct classify *of(struct fsn__objective *self)
{
    return (struct classify *)self;
}

static void destroy(struct fsn__objective *self)
{
    struct classify *c = of(self);

    if (!c)
        return;
    fsn__classifier_clear(&c->student);
    fsn__teacher_clear(&c->teacher);
    free(c->scratch);
    free(c->labels);
    free(c);
}

static enum fsn_status make_networks(struct classify *c, const struct fsn__exec_options *options,
                                     int64_t steps, struct fsn_error *err)
{
    const struct fsn__train_job *job = c->job;
    enum fsn_status status;

    if (c->distill && job->spec->finetune.distill.feature > 0) {
        status = fsn__stage_ends_find(job->student, job->teacher, &c->features, err);
        if (status != FSN_OK)
            return status;
    }
    status =
        fsn__classifier_create_with(job->student, "training", job->data, job->spec->output, options,
                                    c->features.student, c->features.count, &c->student, err);
    if (status != FSN_OK || !c->distill)
        return status;
    return fsn__teacher_create(job, options, &c->student, c->features.teacher, c->features.count,
                               steps, &c->teacher, err);
}

static enum fsn_status create(const struct fsn__train_job *job,
                              const struct fsn__exec_options *options, int64_t steps,
                              struct fsn__objective **out, struct fsn_error *err)
{
    enum fsn_status status = fsn__check_classes(job->data, "training", err);
    struct classify *c;

    if (status != FSN_OK)
        return status;
    c = calloc(1, sizeof *c);
    if (!c)
        return FSN__NOMEM(err);
    c->job = job;
    c->transform = fsn__view_transform(job->data, job->spec);
    c->distill = job->teacher && job->spec->finetune.distill.alpha > 0;
    c->batch = options->batch;
    c->kept = 1;
    c->labels = calloc((size_t)c->batch, sizeof *c->labels);
    c->scratch = calloc(3 * (size_t)c->batch, sizeof *c->scratch);
    status = c->labels && c->scratch ? make_networks(c, options, steps, err) : FSN__NOMEM(err);
    if (status == FSN_OK)
        status = fsn__view_aim(c->student.graph, &c->transform, err);
    if (status != FSN_OK) {
        destroy(&c->base);
        return status;
    }
    c->base = (struct fsn__objective){&fsn__classify, c->student.graph, c->student.exec};
    *out = &c->base;
    return FSN_OK;
}

/* Returns how much of itself an image keeps. */
static double mix(struct classify *c, const struct fsn__step *step)
{
    const double alpha = c->job->spec->finetune.mixup;
    double kept;

    if (alpha == 0)
        return 1;
    kept =
        fsn__draw_mix(alpha, c->job->spec->seed, (uint64_t)step->epoch, (uint64_t)step->in_epoch);
    fsn__mix_batch(c->student.images, c->batch,
                   (int64_t)(c->student.image_bytes / sizeof(float)) / c->batch, kept,
                   c->job->pool);
    return kept;
}

static enum fsn_status load(struct fsn__objective *self, const struct fsn__step *step, bool plain,
                            struct fsn_error *err)
{
    struct classify *c = of(self);
    struct fsn__transform transform = c->transform;
    enum fsn_status status;

    transform.cutout = transform.cutout && !plain;
    status =
        fsn__load_batch(c->job->data, FSN_SPLIT_TRAIN, step->images, c->batch, &transform, true,
                        (uint64_t)step->epoch, c->job->pool, c->student.images, c->labels, err);
    if (status == FSN_OK)
        c->kept = plain ? 1 : mix(c, step);
    return status;
}

static enum fsn_status forward(struct fsn__objective *self, const struct fsn__step *step,
                               struct fsn_error *err)
{
    struct classify *c = of(self);
    enum fsn_status status = FSN_OK;

    if (c->distill)
        status = fsn__teacher_ask(&c->teacher, &c->student, step->in_run, err);
    if (status == FSN_OK)
        status = fsn__classifier_forward(&c->student, (uint64_t)step->in_run, err);
    return status;
}

static double loss(struct fsn__objective *self, struct fsn__counts *counts)
{
    struct classify *c = of(self);
    const struct fsn_spec *spec = c->job->spec;
    const struct fsn__targets targets = {c->labels, c->kept, spec->finetune.label_smoothing};
    struct fsn__hits hits;
    double sum = fsn__train_loss(c->student.logits, c->distill ? c->teacher.logits : NULL, &targets,
                                 c->batch, c->student.classes, spec->finetune.distill.alpha,
                                 spec->finetune.distill.temperature, c->student.dlogits, &hits);

    if (c->features.count > 0)
        sum += fsn__features_compare(&c->features, &c->student, &c->teacher.net,
                                     spec->finetune.distill.feature, c->scratch, c->job->pool);
    counts->hits.student += hits.student;
    counts->hits.teacher += hits.teacher;
    return sum;
}

static void fill_row(const struct fsn__objective *self, const struct fsn__counts *counts,
                     int64_t images, struct fsn_epoch *row)
{
    const struct classify *c = (const struct classify *)self;

    row->train_top1 = 100.0 * (double)counts->hits.student / (double)images;
    row->teacher_top1 = c->distill ? 100.0 * (double)counts->hits.teacher / (double)images : NAN;
    row->matched = NAN;
}

static enum fsn_status judge(struct fsn__objective *self, const int64_t *list, int64_t images,
                             const struct fsn__meter *meter, struct fsn_epoch *row,
                             struct fsn_error *err)
{
    const struct fsn__train_job *job = of(self)->job;
    struct fsn_eval held;
    const enum fsn_status status =
        fsn__evaluate_images(job->student, job->data, FSN_SPLIT_TRAIN, list, images, job->spec,
                             job->pool, meter, NULL, &held, err);

    if (status == FSN_OK) {
        row->held_top1 = held.top1;
        row->held_loss = held.loss;
    }
    return status;
}

const struct fsn__objective_kind fsn__classify = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .forward = forward,
    .loss = loss,
    .fill_row = fill_row,
    .judge = judge,
};
