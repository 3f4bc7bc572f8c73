/* api.c - every route of the service (api/openapi.yaml describes them), and small shared helpers.
 */
#include "handlers/api.h"

#include "base/clock.h"
#include "handlers/access.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct srv_route srv_api_routes[] = {
    {"GET", "/", srv_get_index, .access = SRV_ACCESS_OPEN},
    {"GET", "/healthz", srv_get_health, .access = SRV_ACCESS_OPEN},
    {"GET", "/readyz", srv_get_ready, .access = SRV_ACCESS_OPEN},
    {"GET", "/metrics", srv_get_metrics, .access = SRV_ACCESS_OVERALL},
    {"GET", "/web/{name}", srv_get_web_file, .access = SRV_ACCESS_OPEN},
    {"GET", "/reference", srv_get_reference, .access = SRV_ACCESS_OPEN},
    {"GET", "/openapi.yaml", srv_get_web_file, .access = SRV_ACCESS_OPEN},
    {"GET", "/problems.md", srv_get_web_file, .access = SRV_ACCESS_OPEN},
    {"GET", "/job-spec.schema.json", srv_get_web_file, .access = SRV_ACCESS_OPEN},

    {"POST", "/v1/models", srv_post_model, SRV_BODY_FILE, .runs = SRV_RUNS_ON_HELPER,
     .query = {"name"}},
    {"GET", "/v1/models", srv_list_models, .query = {"name", "sha256", "sort", "limit", "cursor"}},
    {"GET", "/v1/models/{id}", srv_get_model, .body = SRV_BODY_NONE},
    {"DELETE", "/v1/models/{id}", srv_delete_model, .body = SRV_BODY_NONE},
    {"GET", "/v1/models/{id}/content", srv_get_model_content, .body = SRV_BODY_NONE},
    {"POST", "/v1/models/{id}/predict", srv_predict_model, SRV_BODY_IMAGE,
     .runs = SRV_RUNS_ON_PREDICTOR,
     .query = {"k", "mean", "std", "scale", "resize", "crop", "output", "locations", "confidences",
               "default_boxes", "score", "iou", "candidates", "keep", "dataset_id", "split",
               "index"},
     .access = SRV_ACCESS_ASKS},

    {"POST", "/v1/datasets", srv_post_dataset, SRV_BODY_FILE, .runs = SRV_RUNS_ON_HELPER,
     .query = {"name", "format"}},
    {"GET", "/v1/datasets", srv_list_datasets,
     .query = {"name", "format", "sha256", "sort", "limit", "cursor"}},
    {"GET", "/v1/datasets/{id}", srv_get_dataset, .body = SRV_BODY_NONE},
    {"DELETE", "/v1/datasets/{id}", srv_delete_dataset, .body = SRV_BODY_NONE},

    {"OPTIONS", "/v1/uploads", srv_get_tus, .access = SRV_ACCESS_OPEN},
    {"POST", "/v1/uploads", srv_post_partial, SRV_BODY_APPEND, .runs = SRV_RUNS_ON_HELPER},
    {"GET", "/v1/uploads", srv_list_partials, .query = {"sort", "limit", "cursor"}},
    {"GET", "/v1/uploads/{id}", srv_get_partial, .body = SRV_BODY_NONE},
    {"PATCH", "/v1/uploads/{id}", srv_patch_partial, SRV_BODY_APPEND, .runs = SRV_RUNS_ON_HELPER},
    {"DELETE", "/v1/uploads/{id}", srv_delete_partial, .body = SRV_BODY_NONE},

    {"POST", "/v1/jobs", srv_post_job, SRV_BODY_JSON, .runs = SRV_RUNS_ON_HELPER,
     .query = {"dry_run"}, .access = SRV_ACCESS_ORDERS},
    {"GET", "/v1/jobs", srv_list_jobs,
     .query = {"status", "label", "name", "model_id", "dataset_id", "sort", "limit", "cursor"}},
    {"GET", "/v1/jobs/{id}", srv_get_job, .body = SRV_BODY_NONE},
    {"PATCH", "/v1/jobs/{id}", srv_patch_job, .body = SRV_BODY_JSON},
    {"DELETE", "/v1/jobs/{id}", srv_delete_job, .body = SRV_BODY_NONE},
    {"POST", "/v1/jobs/{id}/cancel", srv_cancel_job, .body = SRV_BODY_NONE},
    {"POST", "/v1/jobs/{id}/retry", srv_retry_job, .body = SRV_BODY_NONE},
    {"POST", "/v1/jobs/{id}/duplicate", srv_duplicate_job, SRV_BODY_JSON,
     .runs = SRV_RUNS_ON_HELPER, .query = {"dry_run"}, .access = SRV_ACCESS_ORDERS},
    {"GET", "/v1/jobs/{id}/metrics", srv_get_job_metrics, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/events", srv_get_job_events, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/log", srv_get_job_log, .body = SRV_BODY_NONE, .query = {"after"}},
    {"GET", "/v1/jobs/{id}/candidates", srv_list_candidates, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/candidates/{number}", srv_get_candidate, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/deliveries", srv_get_job_deliveries, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/report", srv_get_report, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/artifacts", srv_list_artifacts, .body = SRV_BODY_NONE},
    {"GET", "/v1/jobs/{id}/artifacts/{name}", srv_get_artifact, .body = SRV_BODY_NONE},
    {"POST", "/v1/jobs/{id}/artifacts/{name}/predict", srv_predict_artifact, SRV_BODY_IMAGE,
     .runs = SRV_RUNS_ON_PREDICTOR,
     .query = {"k", "mean", "std", "scale", "resize", "crop", "output", "locations", "confidences",
               "default_boxes", "score", "iou", "candidates", "keep", "dataset_id", "split",
               "index"},
     .access = SRV_ACCESS_ASKS},
    {.method = NULL},
};

enum fsn_status srv_api_enter(struct srv_request *request, bool reads, void *context,
                              struct fsn_error *err)
{
    const struct srv_service *service = context;
    struct srv_db *db = NULL;
    enum fsn_status status = srv_db_acquire(service->dbs, &db, err);

    request->lent = db;
    return status == FSN_OK && reads ? srv_db_begin_read(db, err) : status;
}

void srv_api_leave(struct srv_request *request, void *context)
{
    const struct srv_service *service = context;

    if (!request->lent)
        return;
    srv_db_end_read(request->lent);
    srv_db_release(service->dbs, request->lent);
    request->lent = NULL;
}

enum fsn_status srv_api_call(struct srv_request *request, void *context, struct fsn_error *err)
{
    struct srv_call call = {.service = context, .request = request, .db = request->lent};
    bool sees = false;
    enum fsn_status status = srv_check_owner(&call, &sees, err);

    return status == FSN_OK && sees ? request->match.route->handler(&call, err) : status;
}

enum fsn_status srv_reply_unknown(struct srv_call *call, const char *kind)
{
    srv_reply_problem(call->request, SRV_PROBLEM_NOT_FOUND, "no %s has the id '%s'", kind,
                      srv_request_param(call->request, "id"));
    return FSN_OK;
}

void srv_reply_refused(struct srv_call *call, const struct fsn_faults *faults)
{
    const struct fsn_fault *first = &faults->item[0];
    char detail[640], more[48] = "";

    if (faults->count > 1)
        snprintf(more, sizeof more, " (and %zu more)", faults->count - 1);
    snprintf(detail, sizeof detail, "%s%s%s%s", first->pointer, *first->pointer ? ": " : "",
             first->text, more);
    srv_reply_faults(call->request, SRV_PROBLEM_INVALID_SPEC, detail, faults);
}

json_t *srv_time_json(int64_t time_ms)
{
    char text[SRV_TIME_SIZE];

    if (time_ms == 0)
        return json_null();
    srv_time_text(time_ms, text);
    return json_string(text);
}

json_t *srv_owner_json(const char *token_id)
{
    return *token_id ? json_string(token_id) : json_null();
}

json_t *srv_real_json(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *srv_stored_json(const char *text)
{
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    return value ? value : json_null();
}
