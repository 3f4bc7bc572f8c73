/* api.h - the table of routes, and what every handler gets. */
#ifndef SRV_HANDLERS_API_H
#define SRV_HANDLERS_API_H

#include "base/cache.h"
#include "http/http.h"
#include "http/stream.h"
#include "jobs/worker.h"

#include <stdatomic.h>

/* What the handlers work on; made by main, lives longer than the HTTP server. */
struct srv_service {
    struct srv_db_pool *dbs;
    struct srv_blobs *blobs;
    struct srv_workers *workers;
    struct srv_streams *streams;
    struct srv_hooks *hooks;
    struct srv_rates *rates;
    struct srv_cache *loaded; /* handlers/loaded.h */
    const char *temporary_dir;
    const char *partial_dir; /* of uploads in parts */
    int64_t rate_per_minute; /* of a token; 0: any number */
    int64_t max_queued_jobs, max_upload_bytes, upload_expiry_ms;
    enum srv_auth auth; /* AUTO, on loopback alone: tokens are asked for once there is one */
    bool webhook_allow_private;
    int job_threads;      /* for a job whose spec names none */
    atomic_bool stopping; /* not ready any more */
};

struct srv_call {
    struct srv_service *service;
    struct srv_request *request;
    struct srv_db *db; /* lent until the call's end */
};

extern const struct srv_route srv_api_routes[]; /* ends with a NULL method */

/* The srv_http_enter_fn and srv_http_leave_fn of this API, which lend a struct srv_db, and its
 * srv_http_call_fn; context is the struct srv_service. */
FSN_NODISCARD enum fsn_status srv_api_enter(struct srv_request *request, bool reads, void *context,
                                            struct fsn_error *err);
void srv_api_leave(struct srv_request *request, void *context);
FSN_NODISCARD enum fsn_status srv_api_call(struct srv_request *request, void *context,
                                           struct fsn_error *err);

/* Handlers. Each leaves a reply and returns FSN_OK, or returns the status of what failed. */
srv_handler_fn srv_get_index, srv_get_reference, srv_get_web_file, srv_get_health, srv_get_ready,
    srv_get_metrics;
srv_handler_fn srv_post_model, srv_list_models, srv_get_model, srv_get_model_content,
    srv_delete_model;
srv_handler_fn srv_post_dataset, srv_list_datasets, srv_get_dataset, srv_delete_dataset;
srv_handler_fn srv_post_job, srv_list_jobs, srv_get_job, srv_patch_job, srv_delete_job,
    srv_cancel_job, srv_retry_job, srv_duplicate_job;
srv_handler_fn srv_get_job_metrics, srv_get_job_events, srv_get_job_log, srv_list_candidates,
    srv_get_candidate, srv_get_job_deliveries;
srv_handler_fn srv_list_artifacts, srv_get_artifact, srv_get_report;
srv_handler_fn srv_get_tus, srv_post_partial, srv_list_partials, srv_get_partial, srv_patch_partial,
    srv_delete_partial;
srv_handler_fn srv_predict_model, srv_predict_artifact;

/* ---- shared by handlers -------------------------------------------------------------------- */

/* 404 naming the kind ("model") and the id of the path. */
enum fsn_status srv_reply_unknown(struct srv_call *call, const char *kind);
/* 422: the detail is the first fault; "errors" lists all. */
void srv_reply_refused(struct srv_call *call, const struct fsn_faults *faults);
json_t *srv_time_json(int64_t time_ms);       /* RFC 3339, null for 0 */
json_t *srv_owner_json(const char *token_id); /* null for "" */
json_t *srv_real_json(double number);         /* null when not finite */
/* JSON text that was stored; null when it is NULL or damaged. */
json_t *srv_stored_json(const char *text);

#endif
