/* search.c - the smallest file that loses no more accuracy than it may.
 *
 * A candidate is an ordinary job with a budget in bytes, from the same inputs: planned, fitted,
 * trained, exported, read back and measured. choose_size.c says which sizes are tried.
 *
 * What a candidate is judged by. Not by training images, held back or not: the baseline was made
 * from them and knows them by heart (99 % there says nothing of 92 % on others), so that a drop
 * from it would mean nothing. Half of the test images, the same for every job (holdout.h), judge
 * the candidates; who is chosen among several by an image is flattered by it. So the other half,
 * which no decision has looked at, states at the end what was lost: the report's search.unseen.
 *
 * What is kept. Each candidate has a folder candidate-K beside the checkpoint (or, without one, in
 * the job's own folder until the end); of those that are done the best one's stays. search.json
 * lists what was measured. The next step depends on this list alone, so a search that was
 * interrupted goes on as if it had not been: but for the clock. Whether there is time for one more
 * candidate is asked before it begins, of the seconds that those before it took, and then it is
 * made to its end.
 */
#include "compress/search.h"

#include "compress/budget.h"
#include "compress/job.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/folder.h"
#include "train/digest.h"
#include "train/holdout.h"
#include "train/run_key.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct search {
    struct fsn__job *job;
    const struct fsn_spec *spec;    /* that of the order */
    struct fsn_spec candidate_spec; /* its shallow copy with the candidate's budget */
    struct fsn__report report;      /* with what is known before there is a candidate */
    struct fsn__size_range range;
    struct fsn__halves halves;
    const char *work; /* where the folders and the list are */
    char list[FSN__PATH_BYTES];
    uint64_t key;
    struct fsn__search_state state;
    const char *ended; /* why there are no more candidates */
    /* The candidate in hand. */
    struct fsn_search shown;
    double begun_seconds;
    int first_epoch; /* the first that was trained in this run of the program; 0: none yet */
};

/* ---- progress ---------------------------------------------------------------------------------
 */

/* Time for candidates to come, if they are all made, but not past the search's end. */
static double seconds_of_others(const struct search *s, double left)
{
    const double here = fsn__seconds() - s->begun_seconds + left;
    const int others = s->shown.candidates - s->shown.candidate;
    double spent = here;

    for (int i = 0; i < s->state.count; i++)
        spent += s->state.done[i].seconds;
    return fmin(others * spent / s->shown.candidate,
                fmax(0, s->spec->budget.search_seconds - spent));
}

/* Stands between a candidate and the order's callback: a part of the job, one of several. */
static bool relay(const struct fsn_progress *progress, void *user)
{
    struct search *s = user;
    const struct fsn_job *order = s->job->order;
    struct fsn_progress now = *progress;
    struct fsn_epoch row;

    now.search = &s->shown;
    now.fraction = (s->shown.candidate - 1 + progress->fraction) / s->shown.candidates;
    if (progress->seconds_left >= 0)
        now.seconds_left += seconds_of_others(s, progress->seconds_left);
    if (progress->epoch_row) {
        row = *progress->epoch_row;
        row.candidate = s->shown.candidate;
        now.epoch_row = &row;
        if (s->first_epoch == 0)
            s->first_epoch = row.epoch;
    }
    return !order->progress || order->progress(&now, order->user);
}

/* ---- one candidate ----------------------------------------------------------------------------
 */

/* Also that of epochs that an earlier run of the program has trained. */
static double seconds_taken(const struct search *s)
{
    const struct fsn__curve *curve = &s->job->curve;
    double seconds = fsn__seconds() - s->begun_seconds;

    for (int i = 0; i < curve->count; i++)
        if (s->first_epoch == 0 || curve->rows[i].epoch < s->first_epoch)
            seconds += curve->rows[i].seconds;
    return seconds;
}

static enum fsn_status path_of(const struct search *s, int candidate, const char *end,
                               char path[FSN__PATH_BYTES], struct fsn_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "candidate-%d%s", candidate + 1, end);
    return fsn__join_path(path, s->work, name, err);
}

static struct fsn_candidate judge(const struct search *s)
{
    const struct fsn__job *job = s->job;
    const struct fsn__report_side *side = &job->report.compressed;
    const struct fsn__comparison got = fsn__compare_right(
        job->right, job->small_right, s->halves.selection, s->halves.selection_count);

    return (struct fsn_candidate){
        .budget_bytes = s->shown.budget_bytes,
        .size_bytes = side->size_bytes,
        .parameters = side->parameters,
        .effective_parameters = side->effective_parameters,
        .ratio = (double)job->report.baseline.size_bytes / (double)side->size_bytes,
        .bits = s->spec->quantize.bits,
        .top1 = got.after,
        .drop = got.drop,
        .drop_error = got.drop_error,
        .holds = got.drop <= s->spec->budget.max_accuracy_drop,
        .seconds = seconds_taken(s),
    };
}

/* Lists the candidate that is done, and clears away what is needed no more. */
static enum fsn_status keep(struct search *s, const struct fsn_candidate *candidate,
                            struct fsn_error *err)
{
    const int last = s->state.count, before = fsn__search_best(s->state.done, last);
    char path[FSN__PATH_BYTES];
    enum fsn_status status;
    int best;

    s->state.done[s->state.count++] = *candidate;
    best = fsn__search_best(s->state.done, s->state.count);
    status = fsn__search_write(s->list, s->key, &s->state, err);
    if (status == FSN_OK)
        status = path_of(s, last, ".checkpoint", path, err);
    if (status == FSN_OK)
        unlink(path); /* none, where nothing was trained */
    if (status == FSN_OK && best != last)
        status = path_of(s, last, "", path, err);
    else if (status == FSN_OK && before >= 0)
        status = path_of(s, before, "", path, err);
    else
        return status;
    return status == FSN_OK ? fsn__folder_remove(path, err) : status;
}

static enum fsn_status make_candidate(struct search *s, int64_t budget_bytes, struct fsn_error *err)
{
    struct fsn__job *job = s->job;
    char folder[FSN__PATH_BYTES], checkpoint[FSN__PATH_BYTES];
    struct fsn_candidate candidate;
    struct fsn_error cause = {0};
    enum fsn_status status = path_of(s, s->state.count, "", folder, err);

    s->shown.candidate = s->state.count + 1;
    s->shown.budget_bytes = budget_bytes;
    s->shown.count = s->state.count;
    s->begun_seconds = fsn__seconds();
    s->first_epoch = 0;
    s->candidate_spec.budget.size_bytes = (int)budget_bytes;
    if (status == FSN_OK)
        status = path_of(s, s->state.count, ".checkpoint", checkpoint, err);
    if (status == FSN_OK)
        status = fsn__folder_remove(folder, err);
    if (status == FSN_OK)
        status = fsn__make_folders(folder, err);
    if (status != FSN_OK)
        return status;
    job->out_dir = folder;
    job->checkpoint_path = job->order->checkpoint_dir ? checkpoint : NULL;
    job->report = s->report;
    status = fsn__make_file(job, &cause);
    candidate = status == FSN_OK ? judge(s)
                                 : (struct fsn_candidate){.budget_bytes = budget_bytes,
                                                          .bits = s->spec->quantize.bits,
                                                          .top1 = NAN,
                                                          .drop = NAN,
                                                          .drop_error = NAN,
                                                          .ratio = NAN,
                                                          .seconds = seconds_taken(s)};
    fsn__clear_file(job);
    /* One that cannot be trained is too small, and ends the search no more than another would. */
    if (status == FSN_OK || status == FSN_DIVERGED)
        return keep(s, &candidate, err);
    return FSN__FAIL(err, status, "%s", cause.text);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* How far sizes go, and that of the spec's ratio, where the search begins. */
static enum fsn_status find_range(struct search *s, struct fsn_error *err)
{
    const struct fsn__job *job = s->job;
    const struct fsn__prepared *prepared = &job->prepared;
    struct fsn__size_range *range = &s->range;
    struct fsn_plan *plan = NULL;
    enum fsn_status status =
        fsn__plan_prepared(job->baseline, prepared, s->spec, NULL, &plan, NULL, err);

    if (status == FSN_OK)
        status = fsn__plan_bounds(prepared->graph, fsn__prepared_logits(prepared), s->spec,
                                  &range->least, &range->most, err);
    if (status == FSN_OK && range->most > INT_MAX)
        status = FSN__FAIL(err, FSN_LIMIT, "a file of %lld bytes is too large for a search",
                           (long long)range->most);
    if (status == FSN_OK)
        range->start = plan->expected_bytes < range->most ? plan->expected_bytes : range->most;
    fsn_plan_destroy(plan);
    return status;
}

/* Of all that determines the candidates. Time and number of them do not: with more of either, a
 * search goes on where it ended. */
static enum fsn_status find_key(struct search *s, struct fsn_error *err)
{
    const struct fsn__train_job train = fsn__training(s->job, s->job->prepared.graph);
    struct fsn_spec spec = *s->spec;
    char *text = NULL;
    enum fsn_status status;

    spec.threads = fsn__pool_slices(s->job->pool);
    spec.budget.search_seconds = spec.budget.search_candidates = 1;
    status = fsn_spec_to_json(&spec, &text, err);
    if (status == FSN_OK)
        s->key = fsn__digest(fsn__run_key(&train), text, strlen(text));
    free(text);
    return status;
}

/* A list whose best file is gone is none. */
static enum fsn_status take_up(struct search *s, struct fsn_error *err)
{
    char folder[FSN__PATH_BYTES], path[FSN__PATH_BYTES];
    enum fsn_status status = fsn__search_read(s->list, s->key, &s->state, err);
    const int best = fsn__search_best(s->state.done, s->state.count);

    if (status != FSN_OK || best < 0)
        return status;
    status = path_of(s, best, "", folder, err);
    if (status == FSN_OK)
        status = fsn__join_path(path, folder, "report.json", err);
    if (status == FSN_OK && access(path, F_OK) != 0)
        s->state.count = 0;
    return status;
}

static enum fsn_status open_search(struct search *s, struct fsn_error *err)
{
    struct fsn__job *job = s->job;
    enum fsn_status status = fsn__halves_create(job->data, &s->halves, err);

    s->report = job->report;
    s->candidate_spec = *s->spec;
    s->candidate_spec.budget.max_accuracy_drop = 0;
    s->work = job->order->checkpoint_dir ? job->order->checkpoint_dir : job->order->out_dir;
    s->shown.candidates = s->spec->budget.search_candidates;
    s->shown.done = s->state.done;
    job->spec = &s->candidate_spec;
    job->progress = relay;
    job->user = s;
    job->small_right =
        calloc((size_t)job->data->split[FSN_SPLIT_TEST].count, sizeof *job->small_right);
    if (status == FSN_OK && !job->small_right)
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = fsn__join_path(s->list, s->work, "search.json", err);
    if (status == FSN_OK)
        status = find_key(s, err);
    if (status == FSN_OK)
        status = find_range(s, err);
    if (status == FSN_OK && job->order->checkpoint_dir)
        status = take_up(s, err);
    return status;
}

static enum fsn_status run_search(struct search *s, struct fsn_error *err)
{
    const struct fsn__search_state *state = &s->state;
    enum fsn_status status = FSN_OK;
    int64_t budget_bytes;

    while (status == FSN_OK && !s->ended) {
        if (!fsn__search_next(state->done, state->count, &s->range,
                              s->spec->budget.max_accuracy_drop, &budget_bytes))
            s->ended = "found";
        else if (state->count >= s->spec->budget.search_candidates)
            s->ended = "candidates";
        else if (!fsn__search_has_time(state->done, state->count, s->spec->budget.search_seconds))
            s->ended = "time";
        else
            status = make_candidate(s, budget_bytes, err);
    }
    return status;
}

/* The winner, read back from where the user takes it, on the images that are still unseen. */
static enum fsn_status measure_unseen(struct search *s, struct fsn__comparison *out,
                                      struct fsn_error *err)
{
    struct fsn__job *job = s->job;
    const struct fsn__halves *halves = &s->halves;
    const struct fsn__meter meter = {relay, s, FSN_STAGE_VERIFY, 1, 1, 0, 0};
    char path[FSN__PATH_BYTES];
    struct fsn_model *model = NULL;
    struct fsn_eval eval;
    bool *right = calloc((size_t)halves->unseen_count, sizeof *right);
    enum fsn_status status = right ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = fsn__join_path(path, job->order->out_dir, "model.onnx", err);
    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, &model, err);
    if (status == FSN_OK)
        status = fsn__evaluate_images(model->graph, job->data, FSN_SPLIT_TEST, halves->unseen,
                                      halves->unseen_count, s->spec, job->pool, &meter, right,
                                      &eval, err);
    for (int64_t i = 0; status == FSN_OK && i < halves->unseen_count; i++)
        job->small_right[halves->unseen[i]] = right[i];
    if (status == FSN_OK)
        *out =
            fsn__compare_right(job->right, job->small_right, halves->unseen, halves->unseen_count);
    fsn_model_destroy(model);
    free(right);
    return status;
}

/* Completes the report that the winner has left: the whole search, the spec as it was ordered. */
static enum fsn_status write_report(struct search *s, int best, struct fsn_error *err)
{
    const struct fsn_candidate *winner = &s->state.done[best];
    const double most = s->spec->budget.max_accuracy_drop;
    struct fsn__job *job = s->job;
    struct fsn__comparison unseen;
    char path[FSN__PATH_BYTES], *text = NULL;
    json_t *root = NULL;
    enum fsn_status status = measure_unseen(s, &unseen, err);

    if (status == FSN_OK)
        status = fsn__join_path(path, job->order->out_dir, "report.json", err);
    if (status == FSN_OK)
        status = fsn_spec_to_json(s->spec, &text, err);
    if (status != FSN_OK)
        return status;
    root = json_load_file(path, 0, NULL);
    json_object_set_new(root, "spec", json_loads(text, 0, NULL));
    json_object_set_new(root, "wall_seconds", fsn__json_real(fsn__seconds() - job->start_seconds));
    json_object_set_new(
        root, "search",
        json_pack(
            "{s:o, s:i, s:b, s:s, s:I, s:I, s:o, s:{s:I, s:o}, s:{s:I, s:o, s:o, s:o, s:o, s:b}}",
            "max_accuracy_drop", fsn__json_real(most), "chosen", best, "holds", winner->holds,
            "ended", s->ended, "least_bytes", (json_int_t)s->range.least, "most_bytes",
            (json_int_t)s->range.most, "candidates",
            fsn__candidates_json(s->state.done, s->state.count), "selection", "images",
            (json_int_t)s->halves.selection_count, "baseline_top1",
            fsn__json_real(winner->top1 + winner->drop), "unseen", "images",
            (json_int_t)s->halves.unseen_count, "baseline_top1", fsn__json_real(unseen.before),
            "top1", fsn__json_real(unseen.after), "drop", fsn__json_real(unseen.drop), "drop_error",
            fsn__json_real(unseen.drop_error), "holds", unseen.drop <= most));
    free(text);
    text = NULL;
    fsn__judge_search(&job->report, winner->drop, unseen.drop, most);
    for (int i = s->report.warning_count; i < job->report.warning_count; i++)
        json_array_append_new(json_object_get(root, "warnings"),
                              json_string(job->report.warnings[i]));
    if (!json_object_get(root, "search") || !json_object_get(root, "spec")) {
        json_decref(root);
        return FSN__NOMEM(err);
    }
    status = fsn__json_text(root, &text, err);
    if (status == FSN_OK)
        status = fsn__file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

/* The best candidate's files become the job's. */
static enum fsn_status deliver(struct search *s, struct fsn_error *err)
{
    const int best = fsn__search_best(s->state.done, s->state.count);
    char folder[FSN__PATH_BYTES];
    enum fsn_status status;

    if (best < 0)
        return FSN__FAIL(err, FSN_DIVERGED,
                         "training diverged with each of %d sizes; try a lower finetune.lr than %g",
                         s->state.count, s->spec->finetune.lr);
    s->shown.count = s->state.count;
    s->shown.candidate = s->shown.candidates = s->state.count;
    s->job->report = s->report;
    status = path_of(s, best, "", folder, err);
    if (status == FSN_OK)
        status = fsn__folder_copy(folder, s->job->order->out_dir, err);
    return status == FSN_OK ? write_report(s, best, err) : status;
}

/* Without a checkpoint nothing stays but the result. */
static void clear_work(const struct search *s)
{
    char path[FSN__PATH_BYTES];

    for (int i = 0; i <= s->state.count; i++)
        if (path_of(s, i, "", path, NULL) == FSN_OK && fsn__folder_remove(path, NULL) != FSN_OK)
            continue; /* it is in the job's own folder, to be seen */
    unlink(s->list);
}

enum fsn_status fsn__search(struct fsn__job *job, struct fsn_error *err)
{
    struct search *s = calloc(1, sizeof *s);
    enum fsn_status status;

    if (!s)
        return FSN__NOMEM(err);
    s->job = job;
    s->spec = job->spec;
    status = open_search(s, err);
    if (status == FSN_OK)
        status = run_search(s, err);
    if (status == FSN_OK)
        status = deliver(s, err);
    if (!job->order->checkpoint_dir)
        clear_work(s);
    fsn__halves_clear(&s->halves);
    free(job->small_right);
    job->small_right = NULL;
    job->spec = s->spec;
    free(s);
    return status;
}
