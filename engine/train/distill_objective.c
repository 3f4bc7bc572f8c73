/* distill_objective.c - the objective of any network: its outputs follow the teacher's, which is
 * asked in every step about the same augmented images. Labels, if there are any, are not looked at.
 *
 *     loss = sum_i w_i D_i(s, t) / spread_i / sum_i w_i
 *
 * with D and the spread of output_loss.h. The spread of an output is measured once, with the
 * teacher, on the first training images as they are; so the loss begins at about 1 where the
 * student knows nothing yet, whatever the outputs mean and whatever their scale, and its rate of
 * learning need not be found anew for each network. What a network says the same of in all these
 * images is compared as it is (spread 1).
 *
 * Held-back images are judged by the same loss, of the outputs as they are without augmentation. */
#include "train/follow.h"
#include "train/objective.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPREAD_IMAGES = 256 };

struct distill {
    struct fsn__objective base;
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__followed student, teacher;
    double factor[FSN_MAX_DISTILL_OUTPUTS]; /* w_i / spread_i / sum w */
    double *scratch;                        /* [batch] */
    int32_t *labels;                        /* [batch], not looked at */
    int64_t batch;
};

static struct distill *of(struct fsn__objective *self)
{
    return (struct distill *)self;
}

static void destroy(struct fsn__objective *self)
{
    struct distill *d = of(self);

    if (!d)
        return;
    fsn__followed_clear(&d->student);
    fsn__followed_clear(&d->teacher);
    free(d->scratch);
    free(d->labels);
    free(d);
}

/* ---- what is made ---------------------------------------------------------------------------- */

static enum fsn_status make_networks(struct distill *d, const struct fsn__exec_options *options,
                                     struct fsn_error *err)
{
    const struct fsn__train_job *job = d->job;
    struct fsn__exec_options inference = *options;
    enum fsn_status status = fsn__followed_create(job->student, "training", job->data, job->spec,
                                                  options, false, &d->student, err);

    inference.training = false;
    if (status == FSN_OK)
        status = fsn__followed_create(job->teacher, "teacher", job->data, job->spec, &inference,
                                      false, &d->teacher, err);
    return status == FSN_OK ? fsn__followed_check_pair(&d->teacher, &d->student, err) : status;
}

static enum fsn_status weigh_outputs(struct distill *d, struct fsn_error *err)
{
    const struct fsn__train_job *job = d->job;
    const struct fsn__followed_list *outputs = &d->student.outputs;
    const int64_t train = job->data->split[FSN_SPLIT_TRAIN].count;
    const struct fsn__meter silent = {.progress = NULL};
    const struct fsn__follow teacher = {
        .teacher = job->teacher,
        .data = job->data,
        .split = FSN_SPLIT_TRAIN,
        .images = train < SPREAD_IMAGES ? train : SPREAD_IMAGES,
        .spec = job->spec,
        .pool = job->pool,
        .meter = &silent,
    };
    struct fsn__following said;
    enum fsn_status status = fsn__follow_measure(&teacher, &said, err);
    double sum = 0;

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < outputs->count; i++)
        sum += outputs->item[i].weight;
    for (int i = 0; i < outputs->count; i++)
        d->factor[i] = outputs->item[i].weight / sum / (said.spread[i] > 0 ? said.spread[i] : 1);
    fsn__following_clear(&said);
    return FSN_OK;
}

/* Without a teacher there is nothing to follow. */
static enum fsn_status check_job(const struct fsn__train_job *job, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    const char *name = spec->finetune.mixup > 0             ? "mixup"
                       : spec->finetune.label_smoothing > 0 ? "label_smoothing"
                       : spec->finetune.distill.feature > 0 ? "distill.feature"
                                                            : NULL;

    if (!job->teacher)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "training: the data set (%s) is used without labels, so outputs can only "
                         "follow those of a teacher, and there is none: compress the network, or "
                         "train it on labelled images",
                         job->data->format);
    if (name)
        return FSN__FAIL(err, FSN_INVALID, "finetune.%s must be 0 where outputs are distilled",
                         name);
    return FSN_OK;
}

static enum fsn_status create(const struct fsn__train_job *job,
                              const struct fsn__exec_options *options, int64_t steps,
                              struct fsn__objective **out, struct fsn_error *err)
{
    enum fsn_status status = check_job(job, err);
    struct distill *d;

    (void)steps;
    if (status != FSN_OK)
        return status;
    d = calloc(1, sizeof *d);
    if (!d)
        return FSN__NOMEM(err);
    d->job = job;
    d->transform = fsn__view_transform(job->data, job->spec);
    d->batch = options->batch;
    d->scratch = calloc((size_t)d->batch, sizeof *d->scratch);
    d->labels = calloc((size_t)d->batch, sizeof *d->labels);
    status = d->scratch && d->labels ? make_networks(d, options, err) : FSN__NOMEM(err);
    if (status == FSN_OK)
        status = fsn__view_aim(d->student.graph, &d->transform, err);
    if (status == FSN_OK)
        status = weigh_outputs(d, err);
    if (status != FSN_OK) {
        destroy(&d->base);
        return status;
    }
    d->base = (struct fsn__objective){&fsn__distill_outputs, d->student.graph, d->student.exec};
    *out = &d->base;
    return FSN_OK;
}

/* ---- a step ---------------------------------------------------------------------------------- */

static enum fsn_status load(struct fsn__objective *self, const struct fsn__step *step, bool plain,
                            struct fsn_error *err)
{
    struct distill *d = of(self);
    struct fsn__transform transform = d->transform;

    transform.cutout = transform.cutout && !plain;
    return fsn__load_batch(d->job->data, FSN_SPLIT_TRAIN, step->images, d->batch, &transform, true,
                           (uint64_t)step->epoch, d->job->pool, d->student.images, d->labels, err);
}

static enum fsn_status forward(struct fsn__objective *self, const struct fsn__step *step,
                               struct fsn_error *err)
{
    struct distill *d = of(self);
    enum fsn_status status;

    memcpy(d->teacher.images, d->student.images, d->student.image_bytes);
    status = fsn__followed_forward(&d->teacher, (uint64_t)step->in_run, err);
    return status == FSN_OK ? fsn__followed_forward(&d->student, (uint64_t)step->in_run, err)
                            : status;
}

static double loss(struct fsn__objective *self, struct fsn__counts *counts)
{
    struct distill *d = of(self);
    double sum = 0;

    (void)counts;
    for (int i = 0; i < d->student.outputs.count; i++)
        sum += d->factor[i] * fsn__output_loss(&d->student.measure[i], d->student.output[i],
                                               d->teacher.output[i], d->batch, d->factor[i],
                                               d->student.doutput[i], d->scratch, d->job->pool);
    return sum;
}

static void fill_row(const struct fsn__objective *self, const struct fsn__counts *counts,
                     int64_t images, struct fsn_epoch *row)
{
    (void)self;
    (void)counts;
    (void)images;
    row->train_top1 = row->teacher_top1 = row->matched = NAN;
}

static enum fsn_status judge(struct fsn__objective *self, const int64_t *list, int64_t images,
                             const struct fsn__meter *meter, struct fsn_epoch *row,
                             struct fsn_error *err)
{
    const struct distill *d = of(self);
    const struct fsn__follow follow = {
        .teacher = d->job->teacher,
        .student = d->job->student,
        .data = d->job->data,
        .split = FSN_SPLIT_TRAIN,
        .list = list,
        .images = images,
        .spec = d->job->spec,
        .pool = d->job->pool,
        .meter = meter,
    };
    struct fsn__following said;
    enum fsn_status status = fsn__follow_measure(&follow, &said, err);

    if (status != FSN_OK)
        return status;
    row->held_loss = 0;
    for (int i = 0; i < said.count; i++)
        row->held_loss += d->factor[i] * said.distance[i];
    fsn__following_clear(&said);
    return FSN_OK;
}

const struct fsn__objective_kind fsn__distill_outputs = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .forward = forward,
    .loss = loss,
    .fill_row = fill_row,
    .judge = judge,
};
