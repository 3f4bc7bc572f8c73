/* candidates.c - several files from the same inputs: made one by one, judged, kept.
 *
 * A candidate is an ordinary job with one budget: planned, fitted, trained, exported, read back and
 * measured; its file is byte for byte that of a job which asks for it alone.
 *
 * What a candidate is judged by. Not by training images, held back or not: the baseline was made
 * from them and knows them by heart (99 % there says nothing of 92 % on others), so a drop from
 * that would mean nothing. Half of the test images, the same for every job (holdout.h), judge the
 * candidates; and what is chosen among several by some images is flattered by these. So the other
 * half, which no decision has looked at, states at the end what was lost (deliver.c).
 *
 * What is kept. Each candidate has a folder candidate-K beside the checkpoint (or, without one, in
 * the job's own folder until the end); where one file is the result, only the best one's stays.
 * search.json lists what was measured. What is done next depends on this list alone, so a job that
 * was interrupted goes on as if it had not been. What the teacher says of the training images is
 * the same for every candidate and lies in teacher.logits until the job is done.
 */
#include "compress/candidates.h"

#include "core/clock.h"
#include "core/file.h"
#include "train/digest.h"
#include "train/run_key.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Time for candidates to come, if they are all made; a search ends in its time. */
static double seconds_of_others(const struct fsn__candidates *c, double left)
{
    const double here = fsn__seconds() - c->begun_seconds + left;
    const int others = c->shown.candidates - c->shown.candidate;
    double spent = here, most;

    for (int i = 0; i < c->state.count; i++)
        spent += c->state.done[i].seconds;
    most = others * spent / c->shown.candidate;
    return c->all ? most : fmin(most, fmax(0, c->spec->budget.search_seconds - spent));
}

bool fsn__candidates_relay(const struct fsn_progress *progress, void *user)
{
    struct fsn__candidates *c = user;
    const struct fsn_job *order = c->job->order;
    struct fsn_progress now = *progress;
    struct fsn_epoch row;

    now.search = &c->shown;
    now.fraction = (c->shown.candidate - 1 + progress->fraction) / c->shown.candidates;
    if (progress->seconds_left >= 0)
        now.seconds_left += seconds_of_others(c, progress->seconds_left);
    if (progress->epoch_row) {
        row = *progress->epoch_row;
        row.candidate = c->shown.candidate;
        now.epoch_row = &row;
        if (c->first_epoch == 0)
            c->first_epoch = row.epoch;
    }
    return !order->progress || order->progress(&now, order->user);
}

/* Also that of epochs that an earlier run of the program has trained. */
static double seconds_taken(const struct fsn__candidates *c)
{
    const struct fsn__curve *curve = &c->job->curve;
    double seconds = fsn__seconds() - c->begun_seconds;

    for (int i = 0; i < curve->count; i++)
        if (c->first_epoch == 0 || curve->rows[i].epoch < c->first_epoch)
            seconds += curve->rows[i].seconds;
    return seconds;
}

enum fsn_status fsn__candidates_path(const struct fsn__candidates *c, int candidate,
                                     const char *end, char path[FSN__PATH_BYTES],
                                     struct fsn_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "candidate-%d%s", candidate + 1, end);
    return fsn__join_path(path, c->work, name, err);
}

static struct fsn_candidate describe(const struct fsn__candidates *c,
                                     const struct fsn__comparison *got)
{
    const struct fsn__job *job = c->job;
    const struct fsn__report_side *side = &job->report.compressed;
    const double most = c->spec->budget.max_accuracy_drop;
    struct fsn_candidate candidate = {
        .budget_bytes = c->shown.budget_bytes,
        .size_bytes = side->size_bytes,
        .parameters = side->parameters,
        .effective_parameters = side->effective_parameters,
        .ratio = (double)job->report.baseline.size_bytes / (double)side->size_bytes,
        .bits = c->candidate_spec.quantize.bits,
        .drop = got->drop,
        .drop_error = got->drop_error,
        .holds = most > 0 && got->drop <= most,
        .seconds = seconds_taken(c),
    };

    fsn__candidate_set(&candidate, job->report.figures, got->after);
    return candidate;
}

/* Its training diverged. */
static struct fsn_candidate describe_none(const struct fsn__candidates *c)
{
    struct fsn_candidate candidate = {.budget_bytes = c->shown.budget_bytes,
                                      .bits = c->candidate_spec.quantize.bits,
                                      .drop = NAN,
                                      .drop_error = NAN,
                                      .ratio = NAN,
                                      .seconds = seconds_taken(c)};

    fsn__candidate_set(&candidate, c->report.figures, NAN);
    return candidate;
}

/* Lists the candidate that is done, and clears away what is needed no more. */
static enum fsn_status keep(struct fsn__candidates *c, const struct fsn_candidate *candidate,
                            struct fsn_error *err)
{
    const int last = c->state.count, before = fsn__search_best(c->state.done, last);
    char path[FSN__PATH_BYTES];
    enum fsn_status status;
    int loser;

    c->state.done[c->state.count++] = *candidate;
    loser = fsn__search_best(c->state.done, c->state.count) == last ? before : last;
    status = fsn__search_write(c->list, c->key, &c->state, err);
    if (status == FSN_OK)
        status = fsn__candidates_path(c, last, ".checkpoint", path, err);
    if (status != FSN_OK)
        return status;
    unlink(path); /* none, where nothing was trained */
    if (c->all || loser < 0)
        return FSN_OK;
    status = fsn__candidates_path(c, loser, "", path, err);
    return status == FSN_OK ? fsn__folder_remove(path, err) : status;
}

enum fsn_status fsn__candidates_make(struct fsn__candidates *c, struct fsn_error *err)
{
    struct fsn__job *job = c->job;
    char folder[FSN__PATH_BYTES], checkpoint[FSN__PATH_BYTES];
    struct fsn_candidate candidate;
    struct fsn__comparison got;
    struct fsn_error cause = {0};
    enum fsn_status status = fsn__candidates_path(c, c->state.count, "", folder, err);

    c->shown.candidate = c->state.count + 1;
    c->shown.budget_bytes = c->candidate_spec.budget.size_bytes;
    c->shown.count = c->state.count;
    c->begun_seconds = fsn__seconds();
    c->first_epoch = 0;
    if (status == FSN_OK)
        status = fsn__candidates_path(c, c->state.count, ".checkpoint", checkpoint, err);
    if (status == FSN_OK)
        status = fsn__folder_remove(folder, err);
    if (status == FSN_OK)
        status = fsn__make_folders(folder, err);
    if (status != FSN_OK)
        return status;
    job->out_dir = folder;
    job->checkpoint_path = job->order->checkpoint_dir ? checkpoint : NULL;
    job->report = c->report;
    status = fsn__make_file(job, &cause);
    if (status == FSN_OK)
        status = fsn__candidates_compare(c, job->small, c->halves.selection,
                                         c->halves.selection_count, &got, &cause);
    candidate = status == FSN_OK ? describe(c, &got) : describe_none(c);
    fsn__clear_file(job);
    job->out_dir = job->checkpoint_path = NULL;
    /* One that cannot be trained is too small, and no reason to lose the others. */
    if (status == FSN_OK || status == FSN_DIVERGED)
        return keep(c, &candidate, err);
    return FSN__FAIL(err, status, "%s", cause.text);
}

/* Of all that determines the candidates. Time and number of them do not: with more of either, a
 * search goes on where it ended. */
static enum fsn_status find_key(struct fsn__candidates *c, struct fsn_error *err)
{
    const struct fsn__train_job train = fsn__training(c->job, c->job->prepared.graph);
    struct fsn_spec spec = *c->spec;
    char *text = NULL;
    enum fsn_status status;

    spec.threads = fsn__pool_slices(c->job->pool);
    spec.budget.search_seconds = spec.budget.search_candidates = 1;
    status = fsn_spec_to_json(&spec, &text, err);
    if (status == FSN_OK)
        c->key = fsn__digest(fsn__run_key(&train), text, strlen(text));
    free(text);
    return status;
}

/* A list whose files are gone is none. */
static enum fsn_status take_up(struct fsn__candidates *c, struct fsn_error *err)
{
    enum fsn_status status = fsn__search_read(c->list, c->key, &c->state, err);
    const int best = fsn__search_best(c->state.done, c->state.count);
    bool whole = true;

    for (int i = 0; i < c->state.count && status == FSN_OK; i++) {
        char path[FSN__PATH_BYTES];

        if (isnan(c->state.done[i].drop) || (!c->all && i != best))
            continue;
        status = fsn__candidates_path(c, i, "/report.json", path, err);
        whole &= status == FSN_OK && access(path, F_OK) == 0;
    }
    if (!whole)
        c->state.count = 0;
    return status;
}

enum fsn_status fsn__candidates_open(struct fsn__candidates *c, struct fsn__job *job, int most,
                                     struct fsn_error *err)
{
    enum fsn_status status;

    c->job = job;
    c->spec = job->spec;
    c->report = job->report;
    c->candidate_spec = *c->spec;
    c->candidate_spec.budget.max_accuracy_drop = 0;
    memset(&c->candidate_spec.sweep, 0, sizeof c->candidate_spec.sweep);
    c->work = job->order->checkpoint_dir ? job->order->checkpoint_dir : job->order->out_dir;
    c->shown = (struct fsn_search){.candidates = most,
                                   .max_accuracy_drop = c->spec->budget.max_accuracy_drop,
                                   .done = c->state.done};
    job->spec = &c->candidate_spec;
    job->progress = fsn__candidates_relay;
    job->user = c;
    c->baseline_miou = NAN;
    status =
        fsn__halves_create(job->data, c->report.figures == FSN__TASK_CLASSIFY, &c->halves, err);
    if (status == FSN_OK && c->report.figures == FSN__TASK_DISTILL &&
        (c->halves.selection_count < 2 || c->halves.unseen_count < 2))
        status = FSN__FAIL(err, FSN_MISMATCH,
                           "the files of a search or a sweep are judged by how outputs differ from "
                           "image to image, in two halves of the test images: there are %lld, and "
                           "each half needs two",
                           (long long)(c->halves.selection_count + c->halves.unseen_count));
    if (status == FSN_OK)
        status = fsn__join_path(c->list, c->work, "search.json", err);
    if (status == FSN_OK)
        status = fsn__join_path(c->logits, c->work, "teacher.logits", err);
    if (status == FSN_OK)
        status = find_key(c, err);
    job->logits_path = c->logits;
    job->logits_key = c->key;
    if (status == FSN_OK && job->order->checkpoint_dir)
        status = take_up(c, err);
    return status;
}

/* Without a checkpoint nothing stays but the result. */
static void clear_work(const struct fsn__candidates *c)
{
    char path[FSN__PATH_BYTES];

    for (int i = 0; i <= c->state.count; i++)
        if (fsn__candidates_path(c, i, "", path, NULL) == FSN_OK &&
            fsn__folder_remove(path, NULL) != FSN_OK)
            continue; /* it is in the job's own folder, to be seen */
    unlink(c->list);
    unlink(c->logits);
}

void fsn__candidates_close(struct fsn__candidates *c)
{
    struct fsn__job *job = c->job;

    if (!job->order->checkpoint_dir && *c->list)
        clear_work(c);
    fsn__halves_clear(&c->halves);
    job->progress = job->order->progress;
    job->user = job->order->user;
    job->logits_path = NULL;
    job->spec = c->spec;
}
