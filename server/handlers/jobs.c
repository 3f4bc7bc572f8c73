/* jobs.c - /v1/jobs: order a compression, watch it, cancel it. */
#include "base/clock.h"
#include "handlers/idempotency.h"
#include "handlers/job_json.h"
#include "handlers/job_order.h"
#include "handlers/job_plan.h"
#include "handlers/quota.h"
#include "handlers/webhooks.h"
#include "store/memo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reply_created(struct srv_request *request, const struct srv_job *job)
{
    const char *location = srv_arena_printf(&request->arena, "/v1/jobs/%s", job->id);

    json_t *answer = srv_job_live_json(job);

    if (answer && job->webhook)
        json_object_set_new(answer, SRV_ORDER_WEBHOOK, srv_webhook_json(job->webhook));
    srv_reply_json_with(request, MHD_HTTP_CREATED, answer, SRV_JOB_MEMBERS(job));
    if (location)
        srv_reply_header(request, MHD_HTTP_HEADER_LOCATION, location);
}

/* Answers an order under a key that has been used: the job that it made, as it is now, or that the
 * order was another. *answered false: no job has the key. */
static enum fsn_status answer_again(struct srv_call *call, const struct srv_key *key,
                                    bool *answered, struct fsn_error *err)
{
    bool taken = false, same = false, found = false;
    struct srv_job job = {0};
    char id[SRV_ID_SIZE];
    enum fsn_status status = srv_jobs_find_key(call->db, key, id, &taken, &same, err);

    *answered = false;
    if (status == FSN_OK && taken)
        status = srv_jobs_get(call->db, id, &job, &found, err);
    if (status != FSN_OK || !found) /* or it has just been deleted, and the key with it */
        return status;
    *answered = true;
    if (same) {
        reply_created(call->request, &job);
        srv_key_replayed(call->request);
    } else {
        srv_key_reused(call->request, id);
    }
    srv_job_clear(&job);
    return FSN_OK;
}

enum fsn_status srv_reply_no_room(struct srv_call *call, enum srv_job_insert outcome,
                                  struct fsn_error *err)
{
    struct srv_request *request = call->request;

    switch (outcome) {
    case SRV_JOB_MODEL_GONE:
    case SRV_JOB_DATASET_GONE:
        srv_reply_problem(request, SRV_PROBLEM_INVALID_SPEC, "the job's %s was deleted",
                          outcome == SRV_JOB_MODEL_GONE ? "model" : "data set");
        break;
    case SRV_JOB_QUEUE_FULL:
        srv_reply_problem(request, SRV_PROBLEM_QUEUE_FULL, "%lld jobs wait already",
                          (long long)call->service->max_queued_jobs);
        break;
    case SRV_JOB_QUOTA_JOBS:
        return srv_reply_quota_jobs(request, call->db, err);
    case SRV_JOB_QUOTA_BYTES:
        return srv_reply_quota_bytes(request, call->db, -1, false, err);
    case SRV_JOB_KEY_TAKEN: /* and free again since: the next try will do */
        srv_reply_problem(request, SRV_PROBLEM_UNAVAILABLE, "the order was sent twice at once");
        break;
    case SRV_JOB_INSERTED:
        break;
    }
    return FSN_OK;
}

static enum fsn_status create(struct srv_call *call, const struct srv_key *key, struct srv_job *job,
                              struct fsn_error *err)
{
    bool answered = false;
    enum srv_job_insert outcome = SRV_JOB_INSERTED;
    enum fsn_status status = srv_id_new("job", job->id, err);

    if (status != FSN_OK)
        return status;
    job->status = SRV_JOB_QUEUED;
    job->images_per_second = job->seconds_left = NAN;
    job->created_at_ms = srv_now_ms();
    memcpy(job->owner, call->request->caller.token_id, sizeof job->owner);
    status = srv_jobs_insert(call->db, job, key, call->service->max_queued_jobs, &outcome, err);
    if (status == FSN_OK && outcome == SRV_JOB_KEY_TAKEN)
        status = answer_again(call, key, &answered, err);
    if (status != FSN_OK || answered)
        return status;
    if (outcome != SRV_JOB_INSERTED)
        return srv_reply_no_room(call, outcome, err);
    reply_created(call->request, job);
    srv_workers_wake(call->service->workers);
    return FSN_OK;
}

/* What was asked for: the body, and what it does not tell. */
static void digest_order(const struct srv_body *body, const char *of, char sha256[SRV_SHA256_SIZE])
{
    struct srv_digest digest;

    srv_digest_begin(&digest);
    srv_digest_add(&digest, of, strlen(of));
    srv_digest_add(&digest, body->bytes ? body->bytes : "", (size_t)body->size_bytes);
    srv_digest_end(&digest, sha256);
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

enum fsn_status srv_order_job(struct srv_call *call, const char *of, srv_order_fn *read,
                              struct fsn_error *err)
{
    char order_sha256[SRV_SHA256_SIZE];
    struct fsn_faults faults = {0};
    struct fsn_error cause = {0};
    enum fsn_status status = FSN_OK;
    struct srv_job job = {0};
    struct srv_key key;
    bool answered = false, dry_run;
    const char *text = NULL;
    size_t size = 0;

    if (!dry_run_parse(call, &dry_run) || !srv_key_read(call->request, &key))
        return FSN_OK;
    digest_order(&call->request->body, of, order_sha256);
    key.request_sha256 = order_sha256;
    if (key.key && !dry_run)
        status = answer_again(call, &key, &answered, err);
    if (status == FSN_OK && !answered)
        status = read(call, &text, &size, err);
    if (status != FSN_OK || !text)
        return status;
    status = srv_plan_job(call, text, size, &job, &faults, &cause);
    if (status == FSN_FORMAT) {
        srv_reply_problem(call->request, SRV_PROBLEM_MALFORMED_JSON, "%s", cause.text);
        status = FSN_OK;
    } else if (status != FSN_OK) {
        *err = cause;
    } else if (faults.count > 0) {
        srv_reply_refused(call, &faults);
    } else if (dry_run) {
        reply_planned(call, &job);
    } else {
        status = create(call, &key, &job, err);
    }
    srv_job_clear(&job);
    return status;
}

static enum fsn_status read_body(struct srv_call *call, const char **text, size_t *size,
                                 struct fsn_error *err)
{
    const struct srv_body *body = &call->request->body;

    (void)err;
    *text = body->bytes ? body->bytes : "";
    *size = (size_t)body->size_bytes;
    return FSN_OK;
}

enum fsn_status srv_post_job(struct srv_call *call, struct fsn_error *err)
{
    return srv_order_job(call, "", read_body, err);
}

/* ?label=KEY or ?label=KEY:VALUE; NULL: not asked for. */
static const char *label_of(struct srv_call *call, const char **value)
{
    const char *label = srv_request_query(call->request, "label");
    const char *colon = label ? strchr(label, ':') : NULL;

    *value = colon ? colon + 1 : NULL;
    return colon ? srv_arena_printf(&call->request->arena, "%.*s", (int)(colon - label), label)
                 : label;
}

enum fsn_status srv_list_jobs(struct srv_call *call, struct fsn_error *err)
{
    const char *wanted = srv_request_query(call->request, "status");
    struct srv_job_filter filter = {.status = wanted ? srv_job_status_parse(wanted)
                                                     : SRV_JOB_STATUS_COUNT};
    struct srv_job *rows = NULL;
    enum fsn_status status;
    struct srv_page page;
    size_t count = 0;
    int64_t next = 0;
    json_t *items;

    if (wanted && filter.status == SRV_JOB_STATUS_COUNT) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "status: expected queued, running, succeeded, failed or cancelled, "
                          "got '%s'",
                          wanted);
        return FSN_OK;
    }
    if (srv_request_page(call->request, &page) != FSN_OK)
        return FSN_OK; /* it has been answered */
    filter.owner = srv_caller_scope(&call->request->caller);
    filter.label = label_of(call, &filter.label_value);
    filter.name = srv_request_query(call->request, "name");
    filter.model_id = srv_request_query(call->request, "model_id");
    filter.dataset_id = srv_request_query(call->request, "dataset_id");
    status = srv_jobs_list(call->db, &filter, &page, &rows, &count, &next, err);
    if (status != FSN_OK)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, srv_job_state_json(&rows[i]));
        srv_job_clear(&rows[i]);
    }
    free(rows);
    srv_reply_page(call->request, items, next);
    return FSN_OK;
}

/* Who watches a job asks for it again and again. */
enum fsn_status srv_get_job(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    const struct srv_memo_answer *known;
    struct srv_memo *memo = NULL;
    struct srv_job job = {0};
    struct srv_line line;
    bool found = false;
    enum fsn_status status = srv_db_memo(call->db, &memo, err);

    if (status != FSN_OK)
        return status;
    known = srv_memo_find(memo, id);
    if (known) {
        srv_reply_line(call->request, known->text, known->tag);
        return FSN_OK;
    }
    status = srv_load_job(call, &job, &found, err);
    if (status == FSN_OK && found) {
        if (srv_line_write(call->request, srv_job_live_json(&job), SRV_JOB_MEMBERS(&job), &line)) {
            srv_memo_keep(memo, id, line.tag, line.text);
            srv_reply_line(call->request, line.text, line.tag);
        } else {
            status = SRV_NOMEM(err);
        }
    }
    srv_job_clear(&job);
    return status;
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
        return srv_reply_job_now(call, MHD_HTTP_ACCEPTED, err);
    case SRV_CANCEL_DONE:
        srv_streams_touch(call->service->streams, id);
        srv_hooks_wake(call->service->hooks);
        break;
    }
    return srv_reply_job_now(call, MHD_HTTP_OK, err);
}

enum fsn_status srv_delete_job(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    enum srv_job_status was = SRV_JOB_STATUS_COUNT;
    struct srv_if_match match = {.request = call->request};
    const struct srv_job_condition condition = {srv_job_if_match, &match};
    enum fsn_status status =
        srv_jobs_delete_if(call->service->blobs, call->db, id, &condition, &was, err);

    if (status != FSN_OK || match.failed)
        return status;
    if (was == SRV_JOB_STATUS_COUNT)
        return srv_reply_unknown(call, "job");
    if (!srv_job_has_ended(was)) {
        srv_reply_problem(call->request, SRV_PROBLEM_JOB_STATE,
                          "%s is %s; cancel it before it is deleted", id, srv_job_status_name(was));
        return FSN_OK;
    }
    srv_reply_empty(call->request, MHD_HTTP_NO_CONTENT);
    srv_streams_touch(call->service->streams, id);
    return FSN_OK;
}

enum fsn_status srv_get_job_metrics(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct fsn_epoch *rows = NULL;
    bool found = false;
    size_t count = 0;
    json_t *items;
    enum fsn_status status = srv_find_job(call, &found, err);

    if (status == FSN_OK && found)
        status = srv_metrics_list(call->db, id, &rows, &count, err);
    if (status != FSN_OK || !found)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, srv_epoch_json(&rows[i]));
    free(rows);
    srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{so}", "items", items));
    return FSN_OK;
}
