/* jobs.c - /v1/jobs: order a compression, watch it, cancel it. */
#include "base/clock.h"
#include "handlers/job_plan.h"
#include "store/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* null until the job has been refused or has failed; the last reason while it is tried again. */
static json_t *error_json(const struct srv_job *job)
{
    if (!job->error_type)
        return json_null();
    return json_pack("{ss ss}", "type", job->error_type, "detail",
                     job->error_detail ? job->error_detail : "");
}

/* spec and plan are left out of lists. */
static json_t *job_json(const struct srv_job *job)
{
    json_t *value = json_pack(
        "{ss ss ss ss ss so so sI sI so so so sI so so so}", "id", job->id, "name", job->name,
        "model_id", job->model_id, "dataset_id", job->dataset_id, "status",
        srv_job_status_name(job->status), "stage",
        *job->stage ? json_string(job->stage) : json_null(), "progress",
        srv_real_json(job->progress), "epoch", (json_int_t)job->epoch, "epochs",
        (json_int_t)job->epochs, "images_per_second", srv_real_json(job->images_per_second),
        "seconds_left", srv_real_json(job->seconds_left), "error", error_json(job), "attempts",
        (json_int_t)job->attempts, "created_at", srv_time_json(job->created_at_ms), "started_at",
        srv_time_json(job->started_at_ms), "finished_at", srv_time_json(job->finished_at_ms));

    if (value && job->spec)
        json_object_set_new(value, "spec", srv_stored_json(job->spec));
    if (value && job->plan)
        json_object_set_new(value, "plan", srv_stored_json(job->plan));
    return value;
}

static enum fsn_status reply_inserted(struct srv_call *call, const struct srv_job *job,
                                      enum srv_job_insert outcome)
{
    struct srv_request *request = call->request;
    const char *location;

    switch (outcome) {
    case SRV_JOB_MODEL_GONE:
    case SRV_JOB_DATASET_GONE:
        srv_reply_problem(request, SRV_PROBLEM_INVALID_SPEC,
                          "the %s was deleted while the job was planned",
                          outcome == SRV_JOB_MODEL_GONE ? "model" : "data set");
        break;
    case SRV_JOB_QUEUE_FULL:
        srv_reply_problem(request, SRV_PROBLEM_QUEUE_FULL, "%lld jobs wait already",
                          (long long)call->service->max_queued_jobs);
        break;
    case SRV_JOB_INSERTED:
        srv_reply_json(request, MHD_HTTP_CREATED, job_json(job));
        location = srv_arena_printf(&request->arena, "/v1/jobs/%s", job->id);
        if (location)
            srv_reply_header(request, MHD_HTTP_HEADER_LOCATION, location);
        srv_workers_wake(call->service->workers);
        break;
    }
    return FSN_OK;
}

static enum fsn_status create(struct srv_call *call, struct srv_job *job, struct fsn_error *err)
{
    enum srv_job_insert outcome = SRV_JOB_INSERTED;
    enum fsn_status status = srv_id_new("job", job->id, err);

    if (status != FSN_OK)
        return status;
    job->status = SRV_JOB_QUEUED;
    job->images_per_second = job->seconds_left = NAN;
    job->created_at_ms = srv_now_ms();
    status = srv_jobs_insert(call->db, job, call->service->max_queued_jobs, &outcome, err);
    return status == FSN_OK ? reply_inserted(call, job, outcome) : status;
}

/* The detail is the first fault; "errors" lists all. */
static void reply_refused(struct srv_call *call, const struct fsn_faults *faults)
{
    const struct fsn_fault *first = &faults->item[0];
    char detail[640], more[48] = "";

    if (faults->count > 1)
        snprintf(more, sizeof more, " (and %zu more)", faults->count - 1);
    snprintf(detail, sizeof detail, "%s%s%s%s", first->pointer, *first->pointer ? ": " : "",
             first->text, more);
    srv_reply_faults(call->request, SRV_PROBLEM_INVALID_SPEC, detail, faults);
}

/* ?dry_run=: false when it has another value than true or false, which has been answered. */
static bool dry_run_parse(struct srv_call *call, bool *out)
{
    const char *value = srv_request_query(call->request, "dry_run");

    *out = value && strcmp(value, "true") == 0;
    if (!value || *out || strcmp(value, "false") == 0)
        return true;
    srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                      "dry_run: expected true or false, got '%s'", value);
    return false;
}

/* What the job would be: the order with every default, and the plan. Nothing is stored. */
static void reply_planned(struct srv_call *call, const struct srv_job *job)
{
    srv_reply_json(call->request, MHD_HTTP_OK,
                   json_pack("{so so}", "spec", srv_stored_json(job->spec), "plan",
                             srv_stored_json(job->plan)));
}

enum fsn_status srv_post_job(struct srv_call *call, struct fsn_error *err)
{
    const struct srv_body *body = &call->request->body;
    struct fsn_faults faults = {0};
    struct fsn_error cause = {0};
    struct srv_job job = {0};
    enum fsn_status status;
    bool dry_run;

    if (!dry_run_parse(call, &dry_run))
        return FSN_OK;
    status = srv_plan_job(call->service, call->db, body->bytes ? body->bytes : "",
                          (size_t)body->size_bytes, &job, &faults, &cause);
    if (status == FSN_FORMAT) {
        srv_reply_problem(call->request, SRV_PROBLEM_MALFORMED_JSON, "%s", cause.text);
        status = FSN_OK;
    } else if (status != FSN_OK) {
        *err = cause;
    } else if (faults.count > 0) {
        reply_refused(call, &faults);
    } else if (dry_run) {
        reply_planned(call, &job);
    } else {
        status = create(call, &job, err);
    }
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_list_jobs(struct srv_call *call, struct fsn_error *err)
{
    const char *wanted = srv_request_query(call->request, "status");
    enum srv_job_status filter = wanted ? srv_job_status_parse(wanted) : SRV_JOB_STATUS_COUNT;
    struct srv_job *rows = NULL;
    enum fsn_status status;
    size_t count = 0;
    int64_t limit;
    json_t *items;

    if (wanted && filter == SRV_JOB_STATUS_COUNT) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "status: expected queued, running, succeeded, failed or cancelled, "
                          "got '%s'",
                          wanted);
        return FSN_OK;
    }
    if (srv_request_limit(call->request, &limit) != FSN_OK)
        return FSN_OK; /* it has been answered */
    status = srv_jobs_list(call->db, filter, limit, &rows, &count, err);
    if (status != FSN_OK)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, job_json(&rows[i]));
        srv_job_clear(&rows[i]);
    }
    free(rows);
    srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{so}", "items", items));
    return FSN_OK;
}

static enum fsn_status reply_job(struct srv_call *call, unsigned http_status, struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status =
        srv_jobs_get(call->db, srv_request_param(call->request, "id"), &job, &found, err);

    if (status == FSN_OK && !found)
        status = srv_reply_unknown(call, "job");
    else if (status == FSN_OK)
        srv_reply_json(call->request, http_status, job_json(&job));
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_get_job(struct srv_call *call, struct fsn_error *err)
{
    return reply_job(call, MHD_HTTP_OK, err);
}

enum fsn_status srv_cancel_job(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    enum srv_cancel outcome = SRV_CANCEL_UNKNOWN;
    enum fsn_status status = srv_queue_cancel(call->db, id, &outcome, err);

    if (status != FSN_OK)
        return status;
    switch (outcome) {
    case SRV_CANCEL_UNKNOWN:
        return srv_reply_unknown(call, "job");
    case SRV_CANCEL_TOO_LATE:
        srv_reply_problem(call->request, SRV_PROBLEM_JOB_STATE, "%s is at its end already", id);
        return FSN_OK;
    case SRV_CANCEL_ASKED:
        srv_workers_cancel(call->service->workers, id);
        return reply_job(call, MHD_HTTP_ACCEPTED, err);
    case SRV_CANCEL_DONE:
        break;
    }
    return reply_job(call, MHD_HTTP_OK, err);
}

static json_t *epoch_json(const struct fsn_epoch *row)
{
    return json_pack(
        "{si so so so so so so so so}", "epoch", row->epoch, "lr", srv_real_json(row->lr),
        "train_loss", srv_real_json(row->train_loss), "train_top1", srv_real_json(row->train_top1),
        "seconds", srv_real_json(row->seconds), "images_per_second",
        srv_real_json(row->images_per_second), "teacher_top1", srv_real_json(row->teacher_top1),
        "held_top1", srv_real_json(row->held_top1), "held_loss", srv_real_json(row->held_loss));
}

enum fsn_status srv_get_job_metrics(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct fsn_epoch *rows = NULL;
    struct srv_job job = {0};
    bool found = false;
    size_t count = 0;
    json_t *items;
    enum fsn_status status = srv_jobs_get(call->db, id, &job, &found, err);

    srv_job_clear(&job);
    if (status == FSN_OK && !found)
        return srv_reply_unknown(call, "job");
    if (status == FSN_OK)
        status = srv_metrics_list(call->db, id, &rows, &count, err);
    if (status != FSN_OK)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, epoch_json(&rows[i]));
    free(rows);
    srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{so}", "items", items));
    return FSN_OK;
}
