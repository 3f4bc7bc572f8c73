/* job_again.c - /v1/jobs/{id}/retry and /duplicate: another go at a job, and another job like it.
 */
#include "handlers/job_json.h"
#include "handlers/job_order.h"
#include "handlers/merge_patch.h"

#include <stdlib.h>
#include <string.h>

enum fsn_status srv_retry_job(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_requeue outcome = {0};
    enum fsn_status status =
        srv_queue_requeue(call->db, id, call->service->max_queued_jobs, &outcome, err);

    if (status != FSN_OK)
        return status;
    if (!outcome.found)
        return srv_reply_unknown(call, "job");
    if (outcome.was != SRV_JOB_FAILED && outcome.was != SRV_JOB_CANCELLED) {
        srv_reply_problem(call->request, SRV_PROBLEM_JOB_STATE,
                          "%s is %s; what has failed or was cancelled can be tried again", id,
                          srv_job_status_name(outcome.was));
        return FSN_OK;
    }
    if (!outcome.queued)
        return srv_reply_no_room(call, outcome.room, err);
    srv_streams_touch(call->service->streams, id);
    srv_workers_wake(call->service->workers);
    return srv_reply_job_now(call, MHD_HTTP_OK, err);
}

/* ---- duplicate ----------------------------------------------------------------------------- */

/* The order that would make this job: its spec, and what has been said of it since. */
static json_t *order_of(const struct srv_job *job)
{
    json_t *order = srv_stored_json(job->spec);

    json_object_set_new(order, "name", json_string(job->name));
    json_object_set_new(order, "labels", srv_stored_json(job->labels));
    json_object_set_new(order, "priority", json_integer(job->priority));
    if (job->max_run_seconds > 0)
        json_object_set_new(order, "max_run_seconds", json_integer(job->max_run_seconds));
    else
        json_object_del(order, "max_run_seconds");
    return order;
}

/* What the body asks for on top; without one, nothing. NULL: it is not JSON, which is answered. */
static json_t *read_patch(struct srv_call *call)
{
    const struct srv_body *body = &call->request->body;
    json_error_t where;
    json_t *patch;

    if (body->size_bytes == 0)
        return json_object();
    patch = json_loadb(body->bytes, (size_t)body->size_bytes,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!patch)
        srv_reply_problem(call->request, SRV_PROBLEM_MALFORMED_JSON,
                          "not valid JSON: line %d, column %d: %s", where.line, where.column,
                          where.text);
    return patch;
}

static enum fsn_status merge(struct srv_call *call, const struct srv_job *job, const char **text,
                             size_t *size, struct fsn_error *err)
{
    json_t *patch = read_patch(call);
    json_t *order = patch ? srv_merge_patch(order_of(job), patch) : NULL;
    char *merged = order ? json_dumps(order, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    /* A patch that is no object takes the order's place, and is refused as such an order is. */
    if (merged) {
        *text = srv_arena_printf(&call->request->arena, "%s", merged);
        *size = strlen(merged);
    }
    free(merged);
    json_decref(order);
    json_decref(patch);
    return patch && !*text ? SRV_NOMEM(err) : FSN_OK;
}

static enum fsn_status read_duplicate(struct srv_call *call, const char **text, size_t *size,
                                      struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status =
        srv_jobs_get(call->db, srv_request_param(call->request, "id"), &job, &found, err);

    if (status == FSN_OK && !found)
        status = srv_reply_unknown(call, "job");
    else if (status == FSN_OK)
        status = merge(call, &job, text, size, err);
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_duplicate_job(struct srv_call *call, struct fsn_error *err)
{
    return srv_order_job(call, srv_request_param(call->request, "id"), read_duplicate, err);
}
