/* trainer.c - the training loop.
 *
 * One step: load and augment a batch; teacher forward (inference) and student forward on the same
 * images; loss and its gradient by the student's logits; student backward; SGD. An epoch takes the
 * training images in a new order and drops what does not fill a batch. Everything random comes from
 * streams named by (seed, purpose, epoch or step, index), so a run taken up from the checkpoint of
 * any epoch goes on as if it had never stopped. Batches are loaded between steps, not ahead on a
 * thread of their own: all slices of the pool load one together, in 0.2 % of ResNet-20's step
 * (perf, CIFAR-10, two threads).
 *
 * After the last epoch the batch-norm statistics are settled: some forward passes with the weights
 * as they now are (Wu, Johnson, "Rethinking 'Batch' in BatchNorm", arXiv 2105.07576). The running
 * means of a short run still remember the start, which for a freshly fitted Filter Summary are
 * those of other weights: two epochs of seven steps end at 24 % without this and at 92 % with it;
 * past some fifty steps it makes no odds.
 *
 * All memory is had before the first step; a step allocates nothing.
 */
#include "train/classifier.h"
#include "train/meter.h"
#include "train/parameters.h"
#include "train/run_key.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Running statistics keep 0.9 of themselves in a pass, commonly: 0.9^50 = 0.005. */
enum { SETTLE_PASSES = 50 };

struct trainer {
    const struct fsn__train_job *job;
    struct fsn__transform transform;
    struct fsn__classifier student, teacher;
    struct fsn__parameters parameters;
    bool distill;
    int epochs;
    int64_t batch, steps; /* images a step, steps an epoch */
    int64_t *order;       /* [images] */
    int32_t *labels;      /* [batch] */
    uint64_t key;
    struct fsn__curve curve; /* rows: [epochs] */
    struct fsn__meter meter;
};

/* What an epoch adds up; it becomes a row of the curve. */
struct epoch {
    int index; /* 0-based */
    double start_seconds, loss, lr;
    int64_t correct;
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

    status = fsn__classifier_create(job->student, "training", job->data, job->spec->output,
                                    &options, &t->student, err);
    if (status != FSN_OK || !t->distill)
        return status;
    options.training = false;
    status = fsn__classifier_create(job->teacher, "teacher", job->data, job->spec->output, &options,
                                    &t->teacher, err);
    if (status != FSN_OK)
        return status;
    if (t->teacher.classes != t->student.classes || t->teacher.batch != t->batch)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: gives %lld x %lld logits, the student %lld x %lld",
                         (long long)t->teacher.batch, (long long)t->teacher.classes,
                         (long long)t->batch, (long long)t->student.classes);
    return FSN_OK;
}

static enum fsn_status prepare(struct trainer *t, const struct fsn__train_job *job,
                               struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    int64_t images = job->data->split[FSN_SPLIT_TRAIN].count;
    enum fsn_status status;

    t->job = job;
    t->transform = (struct fsn__transform){.preprocess = spec->preprocess,
                                           .crop_padding = spec->finetune.crop_padding,
                                           .flip = spec->finetune.flip,
                                           .seed = spec->seed};
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
    t->curve.rows = calloc((size_t)t->epochs + 1, sizeof *t->curve.rows);
    if (!t->order || !t->labels || !t->curve.rows)
        return FSN__NOMEM(err);
    status = make_networks(t, err);
    if (status == FSN_OK)
        status = fsn__view_aim(t->student.graph, &t->transform, err);
    if (status == FSN_OK)
        status = fsn__parameters_collect(t->student.graph, t->student.exec, &t->parameters, err);
    return status;
}

static void clear(struct trainer *t)
{
    fsn__classifier_clear(&t->student);
    fsn__classifier_clear(&t->teacher);
    fsn__parameters_clear(&t->parameters);
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
    fsn__shuffle(t->order, t->job->data->split[FSN_SPLIT_TRAIN].count, t->job->spec->seed,
                 (uint64_t)epoch);
}

/* Loads batch `step` of the epoch's order into both networks. */
static enum fsn_status load(struct trainer *t, int epoch, int64_t step, struct fsn_error *err)
{
    enum fsn_status status = fsn__load_batch(
        t->job->data, FSN_SPLIT_TRAIN, t->order + step * t->batch, t->batch, &t->transform, true,
        (uint64_t)epoch, t->job->pool, t->student.images, t->labels, err);

    if (status == FSN_OK && t->distill)
        memcpy(t->teacher.images, t->student.images, t->student.image_bytes);
    return status;
}

static enum fsn_status train_step(struct trainer *t, struct epoch *epoch, int64_t step,
                                  double *loss, struct fsn_error *err)
{
    const struct fsn_spec *spec = t->job->spec;
    int64_t done = epoch->index * t->steps + step, correct;
    enum fsn_status status = load(t, epoch->index, step, err);

    if (status == FSN_OK && t->job->before_step)
        status = t->job->before_step(done, t->steps, t->job->before_step_arg, err);
    if (status == FSN_OK && t->distill)
        status = fsn__classifier_forward(&t->teacher, (uint64_t)done, err);
    if (status == FSN_OK)
        status = fsn__classifier_forward(&t->student, (uint64_t)done, err);
    if (status != FSN_OK)
        return status;
    *loss = fsn__distill_loss(t->student.logits, t->distill ? t->teacher.logits : NULL, t->labels,
                              t->batch, t->student.classes, spec->finetune.distill.alpha,
                              spec->finetune.distill.temperature, t->student.dlogits, &correct);
    if (!isfinite(*loss))
        return diverged(t, epoch->index, step, "the loss", err);
    status = fsn__exec_backward(t->student.exec, err);
    if (status != FSN_OK)
        return status;
    epoch->lr = fsn__learning_rate(spec, done, t->epochs * t->steps);
    fsn__parameters_step(&t->parameters, spec, epoch->lr, t->job->pool);
    epoch->loss += *loss;
    epoch->correct += correct;
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

static struct fsn_epoch make_row(const struct trainer *t, const struct epoch *epoch)
{
    double seconds = fsn__seconds() - epoch->start_seconds;
    int64_t images = t->steps * t->batch;

    return (struct fsn_epoch){.epoch = epoch->index + 1,
                              .lr = epoch->lr,
                              .train_loss = epoch->loss / (double)t->steps,
                              .train_top1 = 100.0 * (double)epoch->correct / (double)images,
                              .seconds = seconds,
                              .images_per_second = fsn__per_second(images, seconds)};
}

/* The last step's report carries the epoch's row. It goes out before the checkpoint is written: a
 * crash between the two repeats an epoch and its row, and never loses one. */
static enum fsn_status end_epoch(struct trainer *t, const struct epoch *epoch, double last_loss,
                                 struct fsn_error *err)
{
    const char *bad = fsn__parameters_find_bad(&t->parameters);
    struct fsn_epoch *row = &t->curve.rows[epoch->index];
    enum fsn_status status = FSN_OK;
    bool go_on;

    if (bad)
        return diverged(t, epoch->index, t->steps - 1, bad, err);
    *row = make_row(t, epoch);
    t->curve.count = epoch->index + 1;
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

static bool has_statistics(const struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].kind == FSN__VALUE_STAT)
            return true;
    return false;
}

/* From the state after the last epoch alone, so that a run taken up there does the same. */
static enum fsn_status settle_statistics(struct trainer *t, struct fsn_error *err)
{
    const double start = fsn__seconds();

    if (t->epochs == 0 || !has_statistics(t->student.graph))
        return FSN_OK;
    shuffle(t, t->epochs - 1);
    for (int pass = 0; pass < SETTLE_PASSES; pass++) {
        struct fsn_progress now = {.epoch = t->epochs,
                                   .epochs = t->epochs,
                                   .step = t->steps,
                                   .steps = t->steps,
                                   .loss = NAN};
        enum fsn_status status = load(t, t->epochs - 1, pass % t->steps, err);

        if (status == FSN_OK)
            status =
                fsn__classifier_forward(&t->student, (uint64_t)(t->epochs * t->steps + pass), err);
        if (status != FSN_OK)
            return status;
        now.images_per_second = fsn__per_second((pass + 1) * t->batch, fsn__seconds() - start);
        if (!fsn__meter_tell(&t->meter, 1, now))
            return FSN__FAIL(err, FSN_CANCELLED, "cancelled while batch-norm statistics settle");
    }
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
    for (int epoch = t.curve.count; status == FSN_OK && epoch < t.epochs; epoch++)
        status = train_epoch(&t, epoch, err);
    if (status == FSN_OK)
        status = settle_statistics(&t, err);
    if (status == FSN_OK) {
        *curve = t.curve;
        t.curve.rows = NULL;
    }
    clear(&t);
    return status;
}
