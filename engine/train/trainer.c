/* trainer.c - the training loop.
 *
 * One step: load, augment and perhaps mix a batch; the teacher's logits and student forward
 * on the same images; loss and its gradient by the student's logits, and by its feature maps where
 * they are compared; student backward; perhaps the gradients clipped; SGD; perhaps the average of
 * the weights. An epoch takes the training images in a new order and drops what does not fill a
 * batch. Everything random comes from streams named by (seed, purpose, epoch or step, index), so a
 * run taken up from the checkpoint of any epoch goes on as if it had never stopped. Batches are
 * loaded between steps, not ahead on a thread of their own: all slices of the pool load one
 * together, in 0.2 % of ResNet-20's step (perf, CIFAR-10, two threads).
 *
 * The result is the last epoch, or the best one on images that are held back (holdout.h); of the
 * weights, or of their average (snapshot.h). The test images have no part in it. Then batch norm's
 * statistics are measured anew, on augmented but neither mixed nor cut images (statistics.h). The
 * running means of a short run still remember the start, which for a freshly fitted Filter Summary
 * are those of other weights: two epochs of seven steps end at 24 % without this and at 92 % with
 * it.
 *
 * All memory is had before the first step; a step allocates nothing.
 */
#include "train/features.h"
#include "train/holdout.h"
#include "train/meter.h"
#include "train/parameters.h"
#include "train/run_key.h"
#include "train/snapshot.h"
#include "train/statistics.h"
#include "train/teacher.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trainer {
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__classifier student;
    struct fsn__teacher teacher;
    struct fsn__parameters parameters;
    struct fsn__parts parts;           /* of the training images */
    struct fsn__snapshot average;      /* of the weights along the run, when asked for */
    struct fsn__statistics statistics; /* of batch norm, to be measured at the end */
    struct fsn__snapshot best;         /* state of the best epoch, when images are held back */
    struct fsn__stage_ends features;   /* none unless asked for */
    double *scratch;                   /* [3][batch] */
    bool distill;
    int epochs;
    int64_t batch, steps; /* images a step, steps an epoch */
    int64_t *order;       /* [train images]: first places in parts.train, then images */
    int32_t *labels;      /* [batch] */
    uint64_t key;
    struct fsn__curve curve; /* rows: [epochs] */
    struct fsn__meter meter;
};

/* What an epoch adds up; it becomes a row of the curve. */
struct epoch {
    int index; /* 0-based */
    double start_seconds, loss, lr;
    struct fsn__hits hits;
    struct fsn_eval held; /* NaN without images that are held back */
};

static enum fsn_status check_job(const struct fsn__train_job *job, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;

    if (spec->finetune.epochs < 0 || spec->finetune.batch_size < 1)
        return FSN__FAIL(
            err, FSN_INVALID,
            "finetune: epochs must be at least 0 and batch_size at least 1, got %d and "
            "%d",
            spec->finetune.epochs, spec->finetune.batch_size);
    if (job->data->split[FSN_SPLIT_TRAIN].count < 1)
        return FSN__FAIL(err, FSN_MISMATCH, "the data set has no images in its train split");
    return FSN_OK;
}

static enum fsn_status make_networks(struct trainer *t, struct fsn_error *err)
{
    const struct fsn__train_job *job = t->job;
    struct fsn__exec_options options = {
        .batch = t->batch, .training = true, .pool = job->pool, .seed = job->spec->seed};
    enum fsn_status status;

    if (t->distill && job->spec->finetune.distill.feature > 0) {
        status = fsn__stage_ends_find(job->student, job->teacher, &t->features, err);
        if (status != FSN_OK)
            return status;
    }
    status = fsn__classifier_create_with(job->student, "training", job->data, job->spec->output,
                                         &options, t->features.student, t->features.count,
                                         &t->student, err);
    if (status != FSN_OK || !t->distill)
        return status;
    return fsn__teacher_create(job, &options, &t->student, t->features.teacher, t->features.count,
                               t->epochs * t->steps, &t->teacher, err);
}

/* What is kept beside the weights is state of the run: it goes into the checkpoint. */
static enum fsn_status make_snapshots(struct trainer *t, struct fsn_error *err)
{
    struct fsn__parameters *p = &t->parameters;
    enum fsn_status status = FSN_OK;

    if (t->job->spec->finetune.ema > 0) {
        status = fsn__snapshot_create(p->spans, p->state_count, &t->average, err);
        fsn__parameters_append(p, t->average.own);
    }
    if (status == FSN_OK && t->parts.held_count > 0) {
        status = fsn__snapshot_create(p->spans, p->state_count, &t->best, err);
        fsn__parameters_append(p, t->best.own);
    }
    return status;
}

static enum fsn_status prepare(struct trainer *t, const struct fsn__train_job *job,
                               struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    int64_t images;
    enum fsn_status status =
        fsn__parts_create(job->data, spec->finetune.holdout, spec->seed, &t->parts, err);

    if (status != FSN_OK)
        return status;
    images = t->parts.train_count;
    t->curve.held_images = t->parts.held_count;
    t->job = job;
    t->transform = fsn__view_transform(spec);
    t->distill = job->teacher && spec->finetune.distill.alpha > 0;
    t->epochs = spec->finetune.epochs;
    t->batch = spec->finetune.batch_size < images ? spec->finetune.batch_size : images;
    t->steps = images / t->batch;
    t->meter = (struct fsn__meter){.progress = job->progress,
                                   .user = job->user,
                                   .stage = FSN_STAGE_FINETUNE,
                                   .from = job->fraction_from,
                                   .to = job->fraction_to};
    t->order = calloc((size_t)images, sizeof *t->order);
    t->labels = calloc((size_t)t->batch, sizeof *t->labels);
    t->scratch = calloc(3 * (size_t)t->batch, sizeof *t->scratch);
    t->curve.rows = calloc((size_t)t->epochs + 1, sizeof *t->curve.rows);
    if (!t->order || !t->labels || !t->scratch || !t->curve.rows)
        return FSN__NOMEM(err);
    status = make_networks(t, err);
    if (status == FSN_OK)
        status = fsn__view_aim(t->student.graph, &t->transform, err);
    if (status == FSN_OK)
        status = fsn__parameters_collect(t->student.graph, t->student.exec, &t->parameters, err);
    if (status == FSN_OK)
        status = make_snapshots(t, err);
    if (status == FSN_OK && spec->finetune.recalibrate_bn > 0)
        status = fsn__statistics_create(t->student.graph, &t->statistics, err);
    return status;
}

static void clear(struct trainer *t)
{
    fsn__classifier_clear(&t->student);
    fsn__teacher_clear(&t->teacher);
    fsn__parameters_clear(&t->parameters);
    fsn__snapshot_clear(&t->average);
    fsn__snapshot_clear(&t->best);
    fsn__statistics_clear(&t->statistics);
    fsn__parts_clear(&t->parts);
    free(t->scratch);
    free(t->order);
    free(t->labels);
    free(t->curve.rows);
}

static enum fsn_status diverged(const struct trainer *t, int epoch, int64_t step, const char *what,
                                struct fsn_error *err)
{
    return FSN__FAIL(err, FSN_DIVERGED,
                     "training diverged in epoch %d, step %lld: %s is not a finite number; try a "
                     "lower finetune.lr than %g",
                     epoch + 1, (long long)(step + 1), what, t->job->spec->finetune.lr);
}

static void shuffle(struct trainer *t, int epoch)
{
    fsn__shuffle(t->order, t->parts.train_count, t->job->spec->seed, (uint64_t)epoch);
    for (int64_t i = 0; i < t->parts.train_count; i++)
        t->order[i] = t->parts.train[t->order[i]];
}

/* Loads batch `step` of the epoch's order into the student. */
static enum fsn_status load(struct trainer *t, int epoch, int64_t step,
                            const struct fsn__transform *transform, struct fsn_error *err)
{
    return fsn__load_batch(t->job->data, FSN_SPLIT_TRAIN, t->order + step * t->batch, t->batch,
                           transform, true, (uint64_t)epoch, t->job->pool, t->student.images,
                           t->labels, err);
}

/* Returns how much of itself an image keeps. */
static double mix(struct trainer *t, int epoch, int64_t step)
{
    const double alpha = t->job->spec->finetune.mixup;
    double kept;

    if (alpha == 0)
        return 1;
    kept = fsn__draw_mix(alpha, t->job->spec->seed, (uint64_t)epoch, (uint64_t)step);
    fsn__mix_batch(t->student.images, t->batch,
                   (int64_t)(t->student.image_bytes / sizeof(float)) / t->batch, kept,
                   t->job->pool);
    return kept;
}

static void update(struct trainer *t, double lr, int64_t done)
{
    const struct fsn_spec *spec = t->job->spec;

    if (spec->finetune.clip_norm > 0)
        fsn__parameters_clip(&t->parameters, spec->finetune.clip_norm, t->job->pool);
    fsn__parameters_step(&t->parameters, spec, lr, t->job->pool);
    if (t->average.own.data)
        fsn__snapshot_blend(&t->average, fsn__average_keep(spec->finetune.ema, done), t->job->pool);
}

/* From their step on, learned locations are whole and stay. An average of both sides of it would
 * belong to neither, and begins anew. */
static void fix_locations(struct trainer *t, int64_t done)
{
    const int64_t first = fsn__rounding_step(t->job->spec, t->epochs * t->steps);

    t->parameters.locations_fixed = t->parameters.has_locations && done >= first;
    if (!t->parameters.has_locations || done != first)
        return;
    fsn__parameters_round_locations(&t->parameters);
    if (t->average.own.data)
        fsn__snapshot_take(&t->average);
}

static enum fsn_status train_step(struct trainer *t, struct epoch *epoch, int64_t step,
                                  double *loss, struct fsn_error *err)
{
    const struct fsn_spec *spec = t->job->spec;
    struct fsn__targets targets = {t->labels, 1, spec->finetune.label_smoothing};
    int64_t done = epoch->index * t->steps + step;
    struct fsn__hits hits;
    enum fsn_status status = load(t, epoch->index, step, &t->transform, err);

    if (status != FSN_OK)
        return status;
    if (t->job->share)
        *t->job->share = (float)fsn__sharing(spec, done, t->epochs * t->steps);
    fix_locations(t, done);
    if (t->job->before_step)
        status = t->job->before_step(done, t->steps, t->job->before_step_arg, err);
    if (status != FSN_OK)
        return status;
    targets.mix = mix(t, epoch->index, step);
    if (t->distill)
        status = fsn__teacher_ask(&t->teacher, &t->student, done, err);
    if (status == FSN_OK)
        status = fsn__classifier_forward(&t->student, (uint64_t)done, err);
    if (status != FSN_OK)
        return status;
    *loss = fsn__train_loss(t->student.logits, t->distill ? t->teacher.logits : NULL, &targets,
                            t->batch, t->student.classes, spec->finetune.distill.alpha,
                            spec->finetune.distill.temperature, t->student.dlogits, &hits);
    if (t->features.count > 0)
        *loss += fsn__features_compare(&t->features, &t->student, &t->teacher.net,
                                       spec->finetune.distill.feature, t->scratch, t->job->pool);
    if (!isfinite(*loss))
        return diverged(t, epoch->index, step, "the loss", err);
    status = fsn__exec_backward(t->student.exec, err);
    if (status != FSN_OK)
        return status;
    epoch->lr = fsn__learning_rate(spec, done, t->epochs * t->steps);
    update(t, epoch->lr, done);
    epoch->loss += *loss;
    epoch->hits.student += hits.student;
    epoch->hits.teacher += hits.teacher;
    return FSN_OK;
}

static bool tell(const struct trainer *t, const struct epoch *epoch, int64_t steps_done,
                 double loss, const struct fsn_epoch *row)
{
    double all = (double)t->epochs * (double)t->steps;
    struct fsn_progress now = {
        .epoch = epoch->index + 1,
        .epochs = t->epochs,
        .step = steps_done,
        .steps = t->steps,
        .loss = loss,
        .images_per_second =
            fsn__per_second(steps_done * t->batch, fsn__seconds() - epoch->start_seconds),
        .epoch_row = row,
    };

    return fsn__meter_tell(&t->meter, (double)(epoch->index * t->steps + steps_done) / all, now);
}

static void add_row(struct trainer *t, const struct epoch *epoch)
{
    const double seconds = fsn__seconds() - epoch->start_seconds;
    const int64_t images = t->steps * t->batch;

    t->curve.rows[epoch->index] = (struct fsn_epoch){
        .epoch = epoch->index + 1,
        .lr = epoch->lr,
        .train_loss = epoch->loss / (double)t->steps,
        .train_top1 = 100.0 * (double)epoch->hits.student / (double)images,
        .teacher_top1 = t->distill ? 100.0 * (double)epoch->hits.teacher / (double)images : NAN,
        .held_top1 = epoch->held.top1,
        .held_loss = epoch->held.loss,
        .seconds = seconds,
        .images_per_second = fsn__per_second(images, seconds),
    };
    t->curve.count = epoch->index + 1;
}

/* Progress of the evaluation of held-back images, as part of the epoch. */
static bool tell_held(const struct fsn_progress *progress, void *user)
{
    const struct trainer *t = user;
    struct fsn_progress now = *progress;

    now.epoch = t->curve.count + 1;
    now.epochs = t->epochs;
    return t->job->progress(&now, t->job->user);
}

/* How good the weights, or their average, are now; the best so far are kept. */
static enum fsn_status judge_epoch(struct trainer *t, struct epoch *epoch, struct fsn_error *err)
{
    const double at = (double)(epoch->index + 1) / t->epochs;
    struct fsn__meter meter = t->meter;
    enum fsn_status status;

    epoch->held = (struct fsn_eval){.top1 = NAN, .loss = NAN};
    /* while filters are the baseline's in part, or not yet quantised, this is not the network that
     * comes out */
    if (!t->best.own.data || (t->job->share && *t->job->share < 1) || at <= t->job->judge_after) {
        add_row(t, epoch);
        return FSN_OK;
    }
    meter.from = meter.to = t->meter.from + (t->meter.to - t->meter.from) * at;
    meter.progress = t->job->progress ? tell_held : NULL;
    meter.user = t;
    if (t->average.own.data)
        fsn__snapshot_swap(&t->average);
    status = fsn__evaluate_images(t->job->student, t->job->data, FSN_SPLIT_TRAIN, t->parts.held,
                                  t->parts.held_count, t->job->spec, t->job->pool, &meter, NULL,
                                  &epoch->held, err);
    if (status == FSN_OK)
        add_row(t, epoch);
    if (status == FSN_OK && fsn__best_epoch(&t->curve) == epoch->index)
        fsn__snapshot_take(&t->best);
    if (t->average.own.data)
        fsn__snapshot_swap(&t->average);
    return status;
}

/* The last step's report carries the epoch's row. It goes out before the checkpoint is written: a
 * crash between the two repeats an epoch and its row, and never loses one. */
static enum fsn_status end_epoch(struct trainer *t, struct epoch *epoch, double last_loss,
                                 struct fsn_error *err)
{
    const char *bad = fsn__parameters_find_bad(&t->parameters);
    struct fsn_epoch *row = &t->curve.rows[epoch->index];
    enum fsn_status status;
    bool go_on;

    if (bad)
        return diverged(t, epoch->index, t->steps - 1, bad, err);
    status = judge_epoch(t, epoch, err);
    if (status != FSN_OK)
        return status;
    go_on = tell(t, epoch, t->steps, last_loss, row);
    if (t->job->checkpoint_path)
        status = fsn__checkpoint_write(t->job->checkpoint_path, t->key, &t->curve,
                                       t->parameters.spans, t->parameters.span_count, err);
    if (status == FSN_OK && !go_on)
        status = FSN__FAIL(err, FSN_CANCELLED, "cancelled after epoch %d of %d", epoch->index + 1,
                           t->epochs);
    return status;
}

static enum fsn_status train_epoch(struct trainer *t, int index, struct fsn_error *err)
{
    struct epoch epoch = {.index = index, .start_seconds = fsn__seconds()};
    double loss = NAN;

    shuffle(t, index);
    for (int64_t step = 0; step < t->steps; step++) {
        enum fsn_status status = train_step(t, &epoch, step, &loss, err);

        if (status != FSN_OK)
            return status;
        if (step + 1 < t->steps && !tell(t, &epoch, step + 1, loss, NULL))
            return FSN__FAIL(err, FSN_CANCELLED, "cancelled in epoch %d of %d, step %lld of %lld",
                             index + 1, t->epochs, (long long)(step + 1), (long long)t->steps);
    }
    return end_epoch(t, &epoch, loss, err);
}

/* The state that is the result; from what the checkpoint holds alone, so that a run taken up there
 * does the same. */
static void choose_result(struct trainer *t)
{
    if (t->curve.count == 0)
        return;
    if (t->best.own.data)
        fsn__snapshot_restore(&t->best);
    else if (t->average.own.data)
        fsn__snapshot_restore(&t->average);
}

static enum fsn_status recalibrate(struct trainer *t, struct fsn_error *err)
{
    const double start = fsn__seconds();
    const int last = t->epochs > 0 ? t->epochs - 1 : 0;
    struct fsn__transform whole = t->transform;

    if (t->statistics.count == 0)
        return FSN_OK;
    if (t->job->share)
        *t->job->share = 1;
    whole.cutout = false;
    shuffle(t, last);
    for (int pass = 0; pass < t->job->spec->finetune.recalibrate_bn; pass++) {
        struct fsn_progress now = {.epoch = t->curve.count,
                                   .epochs = t->epochs,
                                   .step = t->steps,
                                   .steps = t->steps,
                                   .loss = NAN};
        enum fsn_status status = load(t, last, pass % t->steps, &whole, err);

        fsn__statistics_before(&t->statistics);
        if (status == FSN_OK)
            status =
                fsn__classifier_forward(&t->student, (uint64_t)(t->epochs * t->steps + pass), err);
        if (status != FSN_OK)
            return status;
        fsn__statistics_after(&t->statistics);
        now.images_per_second = fsn__per_second((pass + 1) * t->batch, fsn__seconds() - start);
        if (!fsn__meter_tell(&t->meter, 1, now))
            return FSN__FAIL(err, FSN_CANCELLED,
                             "cancelled while batch-norm statistics are measured");
    }
    fsn__statistics_finish(&t->statistics);
    return FSN_OK;
}

static enum fsn_status take_up_checkpoint(struct trainer *t, struct fsn_error *err)
{
    bool taken;

    if (!t->job->checkpoint_path)
        return FSN_OK;
    t->key = fsn__run_key(t->job);
    return fsn__checkpoint_read(t->job->checkpoint_path, t->key, &t->curve, t->epochs,
                                t->parameters.spans, t->parameters.span_count, &taken, err);
}

enum fsn_status fsn__train_run(const struct fsn__train_job *job, struct fsn__curve *curve,
                               struct fsn_error *err)
{
    struct trainer t = {0};
    enum fsn_status status = check_job(job, err);

    if (status == FSN_OK)
        status = prepare(&t, job, err);
    if (status == FSN_OK)
        status = take_up_checkpoint(&t, err);
    if (status == FSN_OK)
        fsn__meter_start(&t.meter, t.epochs > 0 ? (double)t.curve.count / t.epochs : 1);
    while (status == FSN_OK && t.curve.count < t.epochs &&
           !fsn__patience_is_over(&t.curve, job->spec->finetune.patience))
        status = train_epoch(&t, t.curve.count, err);
    if (status == FSN_OK) {
        choose_result(&t);
        status = recalibrate(&t, err);
    }
    if (status == FSN_OK) {
        *curve = t.curve;
        t.curve.rows = NULL;
    }
    clear(&t);
    return status;
}
