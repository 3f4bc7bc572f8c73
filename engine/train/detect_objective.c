/* detect_objective.c - the objective of detectors: objects and their boxes, and what a teacher says
 * of the same default boxes (detect/multibox_loss.h).
 *
 * Images are changed as SSD does (data/augment_boxes.h), unless the spec asks for no augmentation
 * at all; its other augmentations are for classes of whole images. A teacher is asked in every
 * step: what it says of all default boxes of all steps would be too much to keep.
 *
 * Held-back images are judged by the loss without the teacher, summed as if all of them were one
 * batch, so that their figure does not depend on how they are cut into batches. */
#include "data/detection_batch.h"
#include "detect/multibox_loss.h"
#include "train/detector.h"
#include "train/meter.h"
#include "train/objective.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct detect {
    struct fsn__objective base;
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__detector student, teacher;
    struct fsn__multibox *multibox;
    struct fsn__object_batch objects; /* of the batch that is loaded */
    bool distill, augment;
    int64_t batch;
};

static struct detect *of(struct fsn__objective *self)
{
    return (struct detect *)self;
}

static void destroy(struct fsn__objective *self)
{
    struct detect *d = of(self);

    if (!d)
        return;
    fsn__detector_clear(&d->student);
    fsn__detector_clear(&d->teacher);
    fsn__multibox_destroy(d->multibox);
    fsn__object_batch_clear(&d->objects);
    free(d);
}

/* ---- what is made ---------------------------------------------------------------------------- */

/* What would be left undone is refused. */
static enum fsn_status check_spec(const struct fsn_spec *spec, bool distill, struct fsn_error *err)
{
    const char *name = spec->finetune.mixup > 0             ? "mixup"
                       : spec->finetune.label_smoothing > 0 ? "label_smoothing"
                       : spec->finetune.cutout              ? "augment: cutout"
                                                            : NULL;

    if (name)
        return FSN__FAIL(err, FSN_INVALID,
                         "finetune.%s is for classifiers; the data set has boxes, and detectors "
                         "are trained with SSD's own augmentation",
                         name);
    if (distill && spec->finetune.distill.feature > 0)
        return FSN__FAIL(err, FSN_INVALID,
                         "finetune.distill.feature is for classifiers: it must be 0 for a "
                         "detector, got %g",
                         spec->finetune.distill.feature);
    return FSN_OK;
}

static enum fsn_status make_multibox(const struct fsn__detector_head *head,
                                     const struct fsn_spec *spec, int64_t batch,
                                     struct fsn__pool *pool, struct fsn__multibox **out,
                                     struct fsn_error *err)
{
    struct fsn__multibox_options options = fsn__ssd_multibox;

    options.alpha = spec->finetune.distill.alpha;
    options.temperature = spec->finetune.distill.temperature;
    memcpy(options.variance, head->variance, sizeof options.variance);
    return fsn__multibox_create(head->standard, head->boxes, head->classes, batch, &options, pool,
                                out, err);
}

static bool are_equal(const float *a, const float *b, int64_t n)
{
    bool equal = true;

    for (int64_t i = 0; i < n; i++)
        equal = equal && a[i] == b[i];
    return equal;
}

/* Their offsets are compared, which are relative to default boxes. */
static enum fsn_status check_pair(const struct fsn__detector *teacher,
                                  const struct fsn__detector *student, struct fsn_error *err)
{
    const struct fsn__detector_head *a = &teacher->head, *b = &student->head;

    if (a->boxes != b->boxes || a->classes != b->classes || teacher->batch != student->batch)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: says %d classes of %lld default boxes in %lld images, the "
                         "student %d of %lld in %lld",
                         a->classes, (long long)a->boxes, (long long)teacher->batch, b->classes,
                         (long long)b->boxes, (long long)student->batch);
    if (teacher->image_bytes != student->image_bytes)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: takes %zu bytes of images a batch, the student %zu; both must "
                         "take images of one size",
                         teacher->image_bytes, student->image_bytes);
    if (!are_equal(a->standard, b->standard, 4 * a->boxes) ||
        !are_equal(a->variance, b->variance, 4))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: its default boxes are not the student's: what both say of them "
                         "cannot be compared");
    return FSN_OK;
}

static enum fsn_status make_networks(struct detect *d, const struct fsn__exec_options *options,
                                     struct fsn_error *err)
{
    const struct fsn__train_job *job = d->job;
    struct fsn__exec_options inference = *options;
    enum fsn_status status = fsn__detector_create(job->student, "training", job->data, job->spec,
                                                  options, &d->student, err);

    inference.training = false;
    if (status == FSN_OK && d->distill) {
        status = fsn__detector_create(job->teacher, "teacher", job->data, job->spec, &inference,
                                      &d->teacher, err);
        if (status == FSN_OK)
            status = check_pair(&d->teacher, &d->student, err);
    }
    return status;
}

static enum fsn_status create(const struct fsn__train_job *job,
                              const struct fsn__exec_options *options, int64_t steps,
                              struct fsn__objective **out, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    struct detect *d = calloc(1, sizeof *d);
    enum fsn_status status;

    (void)steps;
    if (!d)
        return FSN__NOMEM(err);
    d->job = job;
    d->transform = fsn__view_plain(job->data, spec);
    d->distill = job->teacher && spec->finetune.distill.alpha > 0;
    d->augment = spec->finetune.crop_padding > 0 || spec->finetune.flip;
    d->batch = options->batch;
    status = check_spec(spec, d->distill, err);
    if (status == FSN_OK)
        status = make_networks(d, options, err);
    if (status == FSN_OK)
        status = fsn__view_aim(d->student.graph, &d->transform, err);
    if (status == FSN_OK)
        status = make_multibox(&d->student.head, spec, d->batch, options->pool, &d->multibox, err);
    if (status == FSN_OK)
        status = fsn__object_batch_reserve(&d->objects, job->data, FSN_SPLIT_TRAIN, d->batch,
                                           options->pool, err);
    if (status != FSN_OK) {
        destroy(&d->base);
        return status;
    }
    d->base = (struct fsn__objective){&fsn__detect_objects, d->student.graph, d->student.exec};
    *out = &d->base;
    return FSN_OK;
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* plain changes nothing: no augmentation of SSD's belongs to the loss alone. */
static enum fsn_status load(struct fsn__objective *self, const struct fsn__step *step, bool plain,
                            struct fsn_error *err)
{
    struct detect *d = of(self);

    (void)plain;
    return fsn__load_detection_batch(d->job->data, FSN_SPLIT_TRAIN, step->images, d->batch,
                                     &d->transform, d->augment, (uint64_t)step->epoch, d->job->pool,
                                     d->student.images, &d->objects, err);
}

static enum fsn_status forward(struct fsn__objective *self, const struct fsn__step *step,
                               struct fsn_error *err)
{
    struct detect *d = of(self);
    enum fsn_status status = FSN_OK;

    if (d->distill) {
        memcpy(d->teacher.images, d->student.images, d->student.image_bytes);
        status = fsn__detector_forward(&d->teacher, (uint64_t)step->in_run, err);
    }
    if (status == FSN_OK)
        status = fsn__detector_forward(&d->student, (uint64_t)step->in_run, err);
    return status;
}

static double loss(struct fsn__objective *self, struct fsn__counts *counts)
{
    const struct detect *d = of(self);
    const struct fsn__multibox_batch batch = {
        .images = d->batch,
        .locations = d->student.locations,
        .confidences = d->student.confidences,
        .teacher_locations = d->distill ? d->teacher.locations : NULL,
        .teacher_confidences = d->distill ? d->teacher.confidences : NULL,
        .objects = d->objects.objects,
        .first_object = d->objects.first,
    };
    const struct fsn__multibox_terms terms =
        fsn__multibox_loss(d->multibox, &batch, d->student.dlocations, d->student.dconfidences);

    counts->matched += terms.matched;
    return terms.loss;
}

static void fill_row(const struct fsn__objective *self, const struct fsn__counts *counts,
                     int64_t images, struct fsn_epoch *row)
{
    (void)self;
    row->train_top1 = row->teacher_top1 = NAN;
    row->matched = (double)counts->matched / (double)images;
}

/* ---- held-back images ------------------------------------------------------------------------ */

struct judgement {
    const struct fsn__train_job *job;
    struct fsn__detector network;
    struct fsn__transform transform;
    struct fsn__multibox *multibox;
    struct fsn__object_batch objects;
    double sum; /* of the losses of matched and hard boxes */
    int64_t matched;
};

static enum fsn_status judge_batch(void *arg, const int64_t *list, int64_t n, struct fsn_error *err)
{
    struct judgement *j = arg;
    struct fsn__multibox_batch batch = {.images = n};
    struct fsn__multibox_terms terms;
    enum fsn_status status =
        fsn__load_detection_batch(j->job->data, FSN_SPLIT_TRAIN, list, n, &j->transform, false, 0,
                                  j->job->pool, j->network.images, &j->objects, err);

    if (status == FSN_OK)
        status = fsn__detector_forward(&j->network, 0, err);
    if (status != FSN_OK)
        return status;
    batch.locations = j->network.locations;
    batch.confidences = j->network.confidences;
    batch.objects = j->objects.objects;
    batch.first_object = j->objects.first;
    terms = fsn__multibox_loss(j->multibox, &batch, NULL, NULL);
    j->sum += terms.loss * (double)terms.matched;
    j->matched += terms.matched;
    return FSN_OK;
}

/* Batches as large as those of training, whose memory is there. */
static enum fsn_status judge(struct fsn__objective *self, const int64_t *list, int64_t images,
                             const struct fsn__meter *how, struct fsn_epoch *row,
                             struct fsn_error *err)
{
    const struct detect *d = of(self);
    const struct fsn__train_job *job = d->job;
    const struct fsn__exec_options options = {
        .batch = images < d->batch ? images : d->batch, .pool = job->pool, .seed = job->spec->seed};
    struct judgement j = {.job = job, .transform = d->transform};
    struct fsn__meter meter = *how;
    enum fsn_status status = fsn__detector_create(job->student, "evaluation", job->data, job->spec,
                                                  &options, &j.network, err);

    if (status == FSN_OK)
        status =
            make_multibox(&j.network.head, job->spec, j.network.batch, job->pool, &j.multibox, err);
    if (status == FSN_OK)
        status = fsn__meter_list(&meter, list, images, j.network.batch, judge_batch, &j, err);
    if (status == FSN_OK)
        row->held_loss = j.matched > 0 ? j.sum / (double)j.matched : 0;
    fsn__multibox_destroy(j.multibox);
    fsn__object_batch_clear(&j.objects);
    fsn__detector_clear(&j.network);
    return status;
}

const struct fsn__objective_kind fsn__detect_objects = {
    .create = create,
    .destroy = destroy,
    .load = load,
    .forward = forward,
    .loss = loss,
    .fill_row = fill_row,
    .judge = judge,
};
