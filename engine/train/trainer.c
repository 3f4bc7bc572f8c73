/* trainer.c - the training loop.
 *
 * One step: the objective (objective.h) loads a batch, runs teacher and student on it, and says the
 * loss and its gradients by the student's outputs; student backward; perhaps the gradients clipped;
 * SGD; perhaps the average of the weights. An epoch takes the training images in a new order and
 * drops what does not fill a batch. Everything random comes from streams named by (seed, purpose,
 * epoch or step, index), so a run taken up from the checkpoint of any epoch goes on as if it had
 * never stopped.
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
#include "train/holdout.h"
#include "train/meter.h"
#include "train/objective.h"
#include "train/parameters.h"
#include "train/run_key.h"
#include "train/snapshot.h"
#include "train/statistics.h"

#include <math.h>
#include <stdlib.h>

struct trainer {
    const struct fsn__train_job *job;
    struct fsn__objective *objective;
    struct fsn__parameters parameters;
    struct fsn__parts parts;           /* of the training images */
    struct fsn__snapshot average;      /* of the weights along the run, when asked for */
    struct fsn__statistics statistics; /* of batch norm, to be measured at the end */
    struct fsn__snapshot best;         /* state of the best epoch, when images are held back */
    int epochs;
    int64_t batch, steps; /* images a step, steps an epoch */
    uint64_t key;
    struct fsn__curve curve; /* rows: [epochs] */
    struct fsn__meter meter;
};

/* What an epoch adds up; it becomes a row of the curve. */
struct epoch {
    int index; /* 0-based */
    double start_seconds, loss;
    struct fsn__counts counts;
    struct fsn_epoch row;
};

static enum fsn_status check_job(const struct fsn__train_job *job, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;

    if (spec->finetune.epochs < 0 || spec->finetune.batch_size < 1)
        return FSN__FAIL(err, FSN_INVALID,
                         "finetune: epochs must be at least 0 and batch_size at least 1, got %d "
                         "and %d",
                         spec->finetune.epochs, spec->finetune.batch_size);
    return FSN_OK;
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
    t->epochs = spec->finetune.epochs;
    t->batch = spec->finetune.batch_size < images ? spec->finetune.batch_size : images;
    t->steps = images / t->batch;
    t->meter = (struct fsn__meter){.progress = job->progress,
                                   .user = job->user,
                                   .stage = FSN_STAGE_FINETUNE,
                                   .from = job->fraction_from,
                                   .to = job->fraction_to};
    t->curve.rows = calloc((size_t)t->epochs + 1, sizeof *t->curve.rows);
    if (!t->curve.rows)
        return FSN__NOMEM(err);
    status = fsn__objective_create(job, t->batch, t->epochs * t->steps, &t->objective, err);
    if (status == FSN_OK)
        status =
            fsn__parameters_collect(t->objective->graph, t->objective->exec, &t->parameters, err);
    if (status == FSN_OK)
        status = make_snapshots(t, err);
    if (status == FSN_OK && spec->finetune.recalibrate_bn > 0)
        status = fsn__statistics_create(t->objective->graph, &t->statistics, err);
    return status;
}

static void clear(struct trainer *t)
{
    fsn__objective_destroy(t->objective);
    fsn__parameters_clear(&t->parameters);
    fsn__snapshot_clear(&t->average);
    fsn__snapshot_clear(&t->best);
    fsn__statistics_clear(&t->statistics);
    fsn__parts_clear(&t->parts);
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

/* Step `step` of the epoch whose order the parts are in. */
static struct fsn__step step_at(const struct trainer *t, int epoch, int64_t step)
{
    return (struct fsn__step){t->parts.order + step * t->batch, epoch, step,
                              epoch * t->steps + step};
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

static enum fsn_status train_step(struct trainer *t, struct epoch *epoch, int64_t in_epoch,
                                  double *loss, struct fsn_error *err)
{
    const struct fsn_spec *spec = t->job->spec;
    const struct fsn__objective_kind *kind = t->objective->kind;
    const struct fsn__step step = step_at(t, epoch->index, in_epoch);
    enum fsn_status status = kind->load(t->objective, &step, false, err);

    if (status != FSN_OK)
        return status;
    if (t->job->share)
        *t->job->share = (float)fsn__sharing(spec, step.in_run, t->epochs * t->steps);
    fix_locations(t, step.in_run);
    if (t->job->before_step)
        status = t->job->before_step(step.in_run, t->steps, t->job->before_step_arg, err);
    if (status == FSN_OK)
        status = kind->forward(t->objective, &step, err);
    if (status != FSN_OK)
        return status;
    *loss = kind->loss(t->objective, &epoch->counts);
    if (!isfinite(*loss))
        return diverged(t, epoch->index, in_epoch, "the loss", err);
    status = fsn__exec_backward(t->objective->exec, err);
    if (status != FSN_OK)
        return status;
    epoch->row.lr = fsn__learning_rate(spec, step.in_run, t->epochs * t->steps);
    update(t, epoch->row.lr, step.in_run);
    epoch->loss += *loss;
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

static void add_row(struct trainer *t, struct epoch *epoch)
{
    const int64_t images = t->steps * t->batch;
    struct fsn_epoch *row = &epoch->row;

    row->epoch = epoch->index + 1;
    row->train_loss = epoch->loss / (double)t->steps;
    t->objective->kind->fill_row(t->objective, &epoch->counts, images, row);
    row->seconds = fsn__seconds() - epoch->start_seconds;
    row->images_per_second = fsn__per_second(images, row->seconds);
    t->curve.rows[epoch->index] = *row;
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

    epoch->row.held_top1 = epoch->row.held_loss = NAN;
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
    status = t->objective->kind->judge(t->objective, t->parts.held, t->parts.held_count, &meter,
                                       &epoch->row, err);
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

    fsn__parts_shuffle(&t->parts, t->job->spec->seed, index);
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

    if (t->statistics.count == 0)
        return FSN_OK;
    if (t->job->share)
        *t->job->share = 1;
    fsn__parts_shuffle(&t->parts, t->job->spec->seed, last);
    fsn__exec_set_bf16(t->objective->exec, false); /* as the network is measured, and run */
    for (int pass = 0; pass < t->job->spec->finetune.recalibrate_bn; pass++) {
        struct fsn_progress now = {.epoch = t->curve.count,
                                   .epochs = t->epochs,
                                   .step = t->steps,
                                   .steps = t->steps,
                                   .loss = NAN};
        const struct fsn__step step = step_at(t, last, pass % t->steps);
        enum fsn_status status = t->objective->kind->load(t->objective, &step, true, err);

        fsn__statistics_before(&t->statistics);
        if (status == FSN_OK)
            status =
                fsn__exec_forward(t->objective->exec, (uint64_t)(t->epochs * t->steps + pass), err);
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
