/* deliver.c - the end of a job of several files: the chosen one becomes the job's.
 *
 * Its folder holds what an ordinary job leaves. The files are copied into the job's own folder, the
 * model is read back from there and measured on the test images that no decision has looked at
 * (candidates.c), and the report gets what an ordinary one has not: the candidates, how one was
 * chosen, and the spec as it was ordered.
 */
#include "compress/candidates.h"
#include "core/clock.h"
#include "core/file.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The winner, read back from where the user takes it, on the images that are still unseen. */
static enum fsn_status measure_unseen(struct fsn__candidates *c, struct fsn__comparison *out,
                                      struct fsn_error *err)
{
    const struct fsn__job *job = c->job;
    const int64_t *unseen = c->halves.unseen, count = c->halves.unseen_count;
    char path[FSN__PATH_BYTES];
    struct fsn_model *model = NULL;
    enum fsn_status status = fsn__join_path(path, job->order->out_dir, "model.onnx", err);

    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, &model, err);
    if (status == FSN_OK)
        status = fsn__candidates_see(c, model, unseen, count, err);
    if (status == FSN_OK)
        status = fsn__candidates_compare(c, model, unseen, count, out, err);
    fsn_model_destroy(model);
    return status;
}

/* Sizes of the range are 0 where none was searched. */
static json_t *bytes_or_null(int64_t bytes)
{
    return bytes > 0 ? json_integer(bytes) : json_null();
}

static json_t *search_json(const struct fsn__candidates *c, int best,
                           const struct fsn__comparison *unseen)
{
    const struct fsn_candidate *winner = &c->state.done[best];
    const double most = c->spec->budget.max_accuracy_drop;
    const enum fsn__task figures = c->report.figures;
    json_t *judged = json_pack("{s:I}", "images", (json_int_t)c->halves.selection_count);
    json_t *told = json_pack(
        "{s:I, s:o, s:o, s:o}", "images", (json_int_t)c->halves.unseen_count, "drop",
        fsn__json_real(unseen->drop), "drop_error", fsn__json_real(unseen->drop_error), "holds",
        most > 0 && !isnan(unseen->drop) ? json_boolean(unseen->drop <= most) : json_null());

    if (!fsn__figure_put(judged, figures, true, fsn__candidate_figure(winner) + winner->drop) ||
        !fsn__figure_put(told, figures, true, unseen->before) ||
        !fsn__figure_put(told, figures, false, unseen->after)) {
        json_decref(judged);
        json_decref(told);
        return NULL;
    }
    return json_pack(
        "{s:o, s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "max_accuracy_drop",
        most > 0 ? json_real(most) : json_null(), "chosen", best, "holds",
        most > 0 ? json_boolean(winner->holds) : json_null(), "ended", c->ended, "least_bytes",
        bytes_or_null(c->range.least), "most_bytes", bytes_or_null(c->range.most), "candidates",
        fsn__candidates_json(c->state.done, c->state.count), "selection", judged, "unseen", told);
}

/* Completes the report that the winner has left. */
static enum fsn_status complete(struct fsn__candidates *c, int best, json_t *root,
                                struct fsn_error *err)
{
    struct fsn__report *report = &c->job->report;
    struct fsn__comparison unseen;
    json_t *warnings = json_object_get(root, "warnings");
    char *spec = NULL;
    enum fsn_status status = measure_unseen(c, &unseen, err);
    bool done;

    if (status == FSN_OK)
        status = fsn_spec_to_json(c->spec, &spec, err);
    if (status != FSN_OK)
        return status;
    *report = c->report;
    if (c->spec->budget.max_accuracy_drop > 0)
        fsn__judge_search(report, c->state.done[best].drop, unseen.drop,
                          c->spec->budget.max_accuracy_drop);
    done = json_object_set_new(root, "spec", json_loads(spec, 0, NULL)) == 0 &&
           json_object_set_new(root, "wall_seconds",
                               fsn__json_real(fsn__seconds() - c->job->start_seconds)) == 0 &&
           json_object_set_new(root, "search", search_json(c, best, &unseen)) == 0;
    for (int i = c->report.warning_count; i < report->warning_count; i++)
        done &= json_array_append_new(warnings, json_string(report->warnings[i])) == 0;
    free(spec);
    return done ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status write_report(struct fsn__candidates *c, int best, struct fsn_error *err)
{
    const char *folder = c->job->order->out_dir;
    char path[FSN__PATH_BYTES];
    json_error_t at;
    json_t *root = NULL;
    enum fsn_status status = fsn__join_path(path, folder, "report.json", err);

    if (status != FSN_OK)
        return status;
    root = json_load_file(path, 0, &at);
    if (!root)
        return FSN__FAIL(err, FSN_IO, "%s: %s", path, at.text);
    status = complete(c, best, root, err);
    if (status != FSN_OK) {
        json_decref(root);
        return status;
    }
    return fsn__report_write(root, folder, err);
}

/* Every candidate's model, by the name of its folder. */
static enum fsn_status copy_models(const struct fsn__candidates *c, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < c->state.count && status == FSN_OK; i++) {
        char from[FSN__PATH_BYTES], to[FSN__PATH_BYTES], name[64];

        if (c->state.done[i].size_bytes == 0)
            continue; /* its training diverged */
        snprintf(name, sizeof name, "candidate-%d.onnx", i + 1);
        status = fsn__candidates_path(c, i, "/model.onnx", from, err);
        if (status == FSN_OK)
            status = fsn__join_path(to, c->job->order->out_dir, name, err);
        if (status == FSN_OK)
            status = fsn__file_copy(from, to, err);
    }
    return status;
}

enum fsn_status fsn__candidates_deliver(struct fsn__candidates *c, struct fsn_error *err)
{
    const int best = fsn__search_best(c->state.done, c->state.count);
    char folder[FSN__PATH_BYTES];
    enum fsn_status status;

    if (best < 0)
        return FSN__FAIL(err, FSN_DIVERGED,
                         "training diverged with each of %d sizes; try a lower finetune.lr than %g",
                         c->state.count, c->spec->finetune.lr);
    c->shown.count = c->shown.candidate = c->shown.candidates = c->state.count;
    status = fsn__candidates_path(c, best, "", folder, err);
    if (status == FSN_OK)
        status = fsn__folder_copy(folder, c->job->order->out_dir, err);
    if (status == FSN_OK && c->all)
        status = copy_models(c, err);
    if (status == FSN_OK)
        status = write_report(c, best, err);
    if (status == FSN_OK)
        unlink(c->logits);
    return status;
}
