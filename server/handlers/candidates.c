/* candidates.c - GET /v1/jobs/{id}/candidates and /candidates/{number}: the files of a search or a
 * sweep, each as it stands: what it is to be, what it is, and where it can be had.
 *
 * The job's row has what is done and which file is in hand (fsn_search_json); a sweep's spec says
 * what is to come; its files are artifacts once the job has succeeded. */
#include "base/number.h"
#include "handlers/api.h"
#include "store/results.h"

#include <stdio.h>
#include <string.h>

struct view {
    const struct srv_job *job;
    json_t *spec, *search; /* null: nothing yet */
    int best;              /* index of the best that is done; -1: none */
    size_t artifact_count;
    struct srv_artifact artifacts[SRV_MAX_ARTIFACTS];
};

/* The values of a sweep, of one kind; an empty array, or NULL, where the job makes no such sweep.
 */
static json_t *sweep_of(const struct view *view, const char *what)
{
    return json_object_get(json_object_get(view->spec, "sweep"), what);
}

static int in_hand(const struct view *view)
{
    return (int)json_integer_value(json_object_get(view->search, "candidate"));
}

static const char *state_of(const struct view *view, int number, const json_t *done)
{
    if (done)
        return json_is_null(json_object_get(done, "drop")) ? "diverged" : "done";
    if (srv_job_has_ended(view->job->status))
        return "not-made";
    return number == in_hand(view) && view->job->status == SRV_JOB_RUNNING ? "running" : "waiting";
}

/* Of a sweep every file is kept, of a search the chosen one as model.onnx. */
static json_t *artifact_of(const struct view *view, int number, bool chosen)
{
    char name[32];

    snprintf(name, sizeof name, "candidate-%d.onnx", number);
    for (int pass = 0; pass < 2; pass++) {
        const char *wanted = pass == 0 ? name : "model.onnx";

        for (size_t i = 0; i < view->artifact_count && (pass == 0 || chosen); i++) {
            const struct srv_artifact *a = &view->artifacts[i];

            if (strcmp(a->name, wanted) == 0)
                return json_pack("{ss ss sI ss+++}", "name", a->name, "sha256", a->sha256,
                                 "size_bytes", (json_int_t)a->size_bytes, "href", "/v1/jobs/",
                                 view->job->id, "/artifacts/", a->name);
        }
    }
    return json_null();
}

static json_t *null_unless(json_t *value)
{
    return value ? json_incref(value) : json_null();
}

/* What was asked for; of a search the bytes that it has chosen. */
static void put_budget(const struct view *view, json_t *row, int number, const json_t *done)
{
    const size_t i = (size_t)number - 1;
    json_t *bytes = json_object_get(done ? done : view->search, "budget_bytes");

    if (!done && number != in_hand(view))
        bytes = json_array_get(sweep_of(view, "size_bytes"), i);
    if (json_integer_value(bytes) == 0)
        bytes = NULL;
    json_object_set_new(row, "budget_bytes", null_unless(bytes));
    json_object_set_new(row, "budget_ratio",
                        null_unless(json_array_get(sweep_of(view, "ratio"), i)));
    json_object_set_new(row, "budget_bits", null_unless(json_array_get(sweep_of(view, "bits"), i)));
}

static void put_links(const struct view *view, json_t *row, int number)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%d", number);
    json_object_set_new(row, "links",
                        json_pack("{ss+++ ss+}", "self", "/v1/jobs/", view->job->id, "/candidates/",
                                  digits, "parent", "/v1/jobs/", view->job->id));
}

static json_t *row_json(const struct view *view, int number, const json_t *done)
{
    static const char *const figures[] = {"size_bytes", "parameters", "effective_parameters",
                                          "ratio",      "bits",       "top1",
                                          "map50",      "miou",       "agreement",
                                          "drop",       "drop_error", "holds",
                                          "pareto",     "seconds"};
    const bool chosen = done && number == view->best + 1;
    const char *state = state_of(view, number, done);
    json_t *row =
        json_pack("{si ss so sb}", "number", number, "status", state, "stage",
                  strcmp(state, "running") == 0 && *view->job->stage ? json_string(view->job->stage)
                                                                     : json_null(),
                  "best", chosen);

    if (!row)
        return NULL;
    put_budget(view, row, number, done);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(row, figures[i], null_unless(json_object_get(done, figures[i])));
    json_object_set_new(row, "artifact", artifact_of(view, number, chosen));
    put_links(view, row, number);
    return row;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int swept_count(const struct view *view)
{
    static const char *const lists[] = {"size_bytes", "ratio", "bits"};
    int count = 0;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        count = larger(count, (int)json_array_size(sweep_of(view, lists[i])));
    return count;
}

/* Files that there are or that one knows of: all of a sweep, of a search up to the one in hand. */
static int count_of(const struct view *view)
{
    const int made = (int)json_array_size(json_object_get(view->search, "done"));

    return larger(swept_count(view), larger(made, in_hand(view)));
}

static json_t *file_json(const struct view *view, int number)
{
    const json_t *done = json_object_get(view->search, "done");

    return row_json(view, number, json_array_get(done, (size_t)number - 1));
}

static json_t *view_json(const struct view *view)
{
    const bool swept = swept_count(view) > 0;
    const int count = count_of(view);
    json_t *drop = json_object_get(json_object_get(view->spec, "budget"), "max_accuracy_drop");
    const bool searches = json_number_value(drop) > 0;
    json_t *items = json_array();

    for (int i = 1; i <= count; i++)
        json_array_append_new(items, file_json(view, i));
    return json_pack("{so so so so}", "kind",
                     swept      ? json_string("sweep")
                     : searches ? json_string("search")
                                : json_null(),
                     "max_accuracy_drop", searches ? json_incref(drop) : json_null(), "most",
                     null_unless(json_object_get(view->search, "candidates")), "items", items);
}

/* The answer, when there is such a job. */
typedef void reply_fn(struct srv_call *call, const struct view *view);

static enum fsn_status with_view(struct srv_call *call, reply_fn *reply, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_job job = {0};
    struct view view = {.job = &job};
    const json_t *best;
    bool found = false;
    enum fsn_status status = srv_jobs_get(call->db, id, &job, &found, err);

    if (status == FSN_OK && found)
        status = srv_artifacts_list(call->db, id, view.artifacts, &view.artifact_count, err);
    if (status == FSN_OK && found) {
        view.spec = srv_stored_json(job.spec);
        view.search = srv_stored_json(job.search);
        best = json_object_get(view.search, "best");
        view.best = json_is_integer(best) ? (int)json_integer_value(best) : -1;
        reply(call, &view);
        json_decref(view.spec);
        json_decref(view.search);
    } else if (status == FSN_OK) {
        status = srv_reply_unknown(call, "job");
    }
    srv_job_clear(&job);
    return status;
}

static void reply_list(struct srv_call *call, const struct view *view)
{
    srv_reply_json(call->request, MHD_HTTP_OK, view_json(view));
}

enum fsn_status srv_list_candidates(struct srv_call *call, struct fsn_error *err)
{
    return with_view(call, reply_list, err);
}

static void reply_one(struct srv_call *call, const struct view *view)
{
    const char *text = srv_request_param(call->request, "number");
    const int count = count_of(view);
    int64_t number;

    if (srv_number_parse(text, false, 1, count, &number))
        srv_reply_json(call->request, MHD_HTTP_OK, file_json(view, (int)number));
    else if (count > 0)
        srv_reply_problem(call->request, SRV_PROBLEM_NOT_FOUND,
                          "%s has no file '%s': it has 1 to %d", view->job->id, text, count);
    else
        srv_reply_problem(call->request, SRV_PROBLEM_NOT_FOUND,
                          "%s has no file '%s': it has none of a search or a sweep", view->job->id,
                          text);
}

enum fsn_status srv_get_candidate(struct srv_call *call, struct fsn_error *err)
{
    return with_view(call, reply_one, err);
}
