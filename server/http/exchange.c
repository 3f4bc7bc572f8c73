/*
 * exchange.c - the life of a request between libmicrohttpd (MHD) and the handlers.
 *
 * MHD calls srv_on_request several times for one request, always on the thread of its connection:
 *
 *   first call      headers are there: find the route, see who calls (handlers/access.c), check
 *                   query and Content-Length. A refusal goes out now if the client waits for it,
 *                   else when a body that is not long has been read. A short GET has all that it
 *                   needs, and its handler runs now, with the same view of the store.
 *   body calls      *upload_size != 0: take the bytes. No reply may be queued in these calls
 *                   (http/surplus.c).
 *   last call       *upload_size == 0: run the handler, queue the reply. A route that may take long
 *                   is handed to a helper thread and the connection suspended; after the resume MHD
 *                   calls once more, and the reply that the helper left is queued.
 *
 * srv_on_completed comes once for every request, however it ended, and frees it. So a broken upload
 * leaves nothing: its temporary file goes with the request.
 *
 * MHD demands that every suspended connection is resumed before it is stopped: srv_http_stop first
 * has the helpers finish what they run, and answers what waits for them by 503.
 */
#include "http/exchange.h"

#include "base/clock.h"
#include "http/account.h"
#include "http/client.h"
#include "http/integrity.h"
#include "http/surplus.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* How long a connection may be silent before its first request: programs that connect have one to
 * send, and what connects and says nothing would take the place of those that have. */
#define FIRST_REQUEST_S 10u

/* ---- the first call ------------------------------------------------------------------------ */

static int64_t body_limit(const struct srv_http *http, enum srv_body_kind kind)
{
    return kind == SRV_BODY_JSON    ? http->options.max_json_bytes
           : kind == SRV_BODY_FILE  ? http->options.max_upload_bytes
           : kind == SRV_BODY_IMAGE ? SRV_MAX_IMAGE_BYTES
                                    : SRV_SURPLUS_BYTES;
}

/* By Content-Length; 0: nothing, or one that does not say how long it is. */
static int64_t announced_bytes(const struct srv_request *request)
{
    const char *length = srv_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length ? strtoll(length, NULL, 10) : 0;
}

/* Leaves a reply when the request is refused by its headers alone. */
static enum fsn_status check_headers(struct srv_request *request, struct fsn_error *err)
{
    const struct srv_http *http = request->http;
    const int64_t bytes = announced_bytes(request);
    enum srv_body_kind kind;
    enum fsn_status status;

    status = srv_route_find(http->options.routes, request->method, request->path, &request->arena,
                            &request->match, err);
    if (status != FSN_OK)
        return status;
    if (!request->match.route) {
        if (*request->match.allow == '\0') {
            srv_reply_problem(request, SRV_PROBLEM_NOT_FOUND, "no resource at %s", request->path);
            return FSN_OK;
        }
        srv_reply_problem(request, SRV_PROBLEM_METHOD_NOT_ALLOWED, "%s does not take %s, only %s",
                          request->path, request->method, request->match.allow);
        srv_reply_header(request, MHD_HTTP_HEADER_ALLOW, request->match.allow);
        return FSN_OK;
    }
    status = http->options.enter(request, true, http->options.context, err);
    if (status == FSN_OK)
        status = http->options.admit(request, http->options.context, err);
    if (status != FSN_OK || request->response)
        return status;
    if (!srv_request_check_query(request))
        return FSN_OK;
    kind = request->match.route->body;
    request->body.limit_bytes = body_limit(http, kind);
    if (kind == SRV_BODY_APPEND)
        status = http->options.open_body(request, http->options.context, err);
    request->body.closer = http->closer;
    if (status != FSN_OK || request->response)
        return status;
    if (kind == SRV_BODY_NONE && bytes > 0) {
        srv_reply_unexpected_body(request, bytes);
        return FSN_OK;
    }
    if (bytes > request->body.limit_bytes) {
        srv_body_discard(&request->body); /* nothing of it is appended */
        srv_reply_too_large(request);
        return FSN_OK;
    }
    if (request->body.kind == SRV_BODY_APPEND)
        srv_senders_add(&request->http->senders, request);
    if (kind == SRV_BODY_APPEND)
        return FSN_OK;
    status = srv_body_begin(&request->body, kind, body_limit(http, kind),
                            http->options.temporary_dir, http->hasher, err);
    request->body.closer = http->closer;
    request->body.wants_512 = srv_integrity_needs_512(request);
    return status;
}

static enum MHD_Result queue_reply(struct srv_request *request)
{
    request->answered_ticks_ms = srv_ticks_ms();
    srv_reply_common_headers(request);
    return MHD_queue_response(request->connection, request->status, request->response);
}

/* Whether a refusal goes out before the body is read: to who waits for 100 Continue or would send
 * very much. Anyone else listens when all is sent, would find the connection reset and the answer
 * lost; so what they send is read and dropped. */
static bool refuses_at_once(struct srv_request *request)
{
    return srv_request_header(request, MHD_HTTP_HEADER_EXPECT) != NULL ||
           announced_bytes(request) > SRV_SURPLUS_BYTES;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static bool reads(const struct srv_request *request)
{
    return strcmp(request->match.route->method, MHD_HTTP_METHOD_GET) == 0;
}

static void run_handler(struct srv_request *request)
{
    const struct srv_http_options *options = &request->http->options;
    struct fsn_error err = {0};
    enum fsn_status status = FSN_OK;

    if (!request->lent)
        status = options->enter(request, reads(request), options->context, &err);
    if (status == FSN_OK)
        status = options->call(request, options->context, &err);
    options->leave(request, options->context);
    if (status != FSN_OK && err.status == FSN_OK)
        (void)SRV_FAIL(&err, status, "%s", fsn_status_text(status));
    if (status != FSN_OK)
        srv_reply_error(request, &err);
    else if (!request->response)
        srv_reply_problem(request, SRV_PROBLEM_NOMEM, "no reply could be built");
}

/* The threads that are to run the handler, when it may take long; NULL: it runs where it is. */
static struct srv_offload *pool_of(const struct srv_request *request)
{
    const enum srv_runs runs = request->match.route->runs;

    if (runs == SRV_RUNS_ON_PREDICTOR)
        return request->http->predictors;
    if (runs == SRV_RUNS_ON_HELPER)
        return request->http->helpers;
    /* A SHA-512 that is wanted of a file may be of one as large as an upload. */
    return srv_integrity_wants_512(request, SRV_WANT_REPR_DIGEST) ||
                   srv_integrity_wants_512(request, SRV_WANT_CONTENT_DIGEST)
               ? request->http->helpers
               : NULL;
}

/* Whether nothing more comes that the handler would need, nor takes it long. */
static bool runs_at_once(const struct srv_request *request)
{
    return reads(request) && !pool_of(request) &&
           !srv_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH) &&
           !srv_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static enum MHD_Result begin(struct srv_request *request)
{
    const struct srv_http_options *options = &request->http->options;
    struct fsn_error err = {0};

    if (check_headers(request, &err) != FSN_OK)
        srv_reply_error(request, &err);
    else if (!request->response && runs_at_once(request))
        run_handler(request);
    options->leave(request, options->context);
    if (!request->response)
        return MHD_YES;
    request->state = SRV_REQUEST_ANSWERED;
    /* Else the reply is queued in the last call, and the connection stays open. */
    return refuses_at_once(request) ? queue_reply(request) : MHD_YES;
}

/* ---- the last call ------------------------------------------------------------------------- */

static void resume_answered(struct srv_request *request)
{
    request->state = SRV_REQUEST_ANSWERED;
    MHD_resume_connection(request->connection);
}

static void run_on_helper(void *user)
{
    run_handler(user);
    resume_answered(user);
}

/* Instead of run_on_helper, when the server stops. */
static void refuse_to_run(void *user)
{
    srv_reply_problem(user, SRV_PROBLEM_UNAVAILABLE, "the server is stopping");
    resume_answered(user);
}

/* How many requests of this caller may wait for the pool: those of one token never take all
 * connections. What has been sent with them counts for more in other pools: uploads. */
static int most_waiting(const struct srv_request *request)
{
    const bool bounded =
        *request->caller.token_id && request->match.route->runs == SRV_RUNS_ON_PREDICTOR;

    return bounded ? request->http->options.max_connections / 2 : INT_MAX;
}

static void reply_too_many_wait(struct srv_request *request)
{
    srv_reply_problem(request, SRV_PROBLEM_QUOTA,
                      "%d predictions of the token wait, and no more may, so that connections are "
                      "left for other requests (--max-connections); wait for their answers",
                      most_waiting(request));
    srv_reply_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

/* Suspends the connection until the handler has run there. */
static void hand_to(struct srv_request *request, struct srv_offload *pool)
{
    enum fsn_status status;

    request->state = SRV_REQUEST_WORKING;
    MHD_suspend_connection(request->connection);
    status = srv_offload_submit_of(pool, srv_client_name(request), most_waiting(request),
                                   run_on_helper, refuse_to_run, request);
    if (status == FSN_LIMIT) {
        reply_too_many_wait(request);
        resume_answered(request);
    } else if (status != FSN_OK) {
        refuse_to_run(request);
    }
}

static void finish_body(struct srv_request *request)
{
    if (request->body.kind == SRV_BODY_APPEND)
        srv_senders_remove(&request->http->senders, request);
    srv_body_end(&request->body);
    if (request->body.kind == SRV_BODY_APPEND) /* its handler knows what a failure means */
        return;
    if (request->body.status != FSN_OK)
        srv_reply_body_failure(request);
    else if (request->body.kind == SRV_BODY_NONE && request->body.size_bytes > 0)
        srv_reply_unexpected_body(request, request->body.size_bytes);
    else
        (void)srv_check_integrity(request);
}

static enum MHD_Result answer(struct srv_request *request)
{
    if (request->state == SRV_REQUEST_RECEIVING) {
        struct srv_offload *pool;

        finish_body(request);
        pool = request->response ? NULL : pool_of(request);
        if (pool) {
            hand_to(request, pool);
            return MHD_YES;
        }
        if (!request->response)
            run_handler(request);
        request->state = SRV_REQUEST_ANSWERED;
    }
    /* Between suspend and resume MHD does not call; this guards against a spurious call. */
    if (request->state != SRV_REQUEST_ANSWERED)
        return MHD_YES;
    return queue_reply(request);
}

/* ---- MHD's callbacks ----------------------------------------------------------------------- */

static void may_be_silent(struct MHD_Connection *connection, unsigned seconds)
{
    (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

void srv_on_connection(void *user, struct MHD_Connection *connection, void **state,
                       enum MHD_ConnectionNotificationCode what)
{
    const struct srv_http *http = user;

    (void)state;
    if (what == MHD_CONNECTION_NOTIFY_STARTED &&
        http->options.connection_timeout_s > (int)FIRST_REQUEST_S)
        may_be_silent(connection, FIRST_REQUEST_S);
}

static void count_active(struct srv_http *http, int change)
{
    uv_mutex_lock(&http->mutex);
    http->active += change;
    if (http->active == 0)
        uv_cond_broadcast(&http->idle);
    uv_mutex_unlock(&http->mutex);
}

static struct srv_request *new_request(struct srv_http *http, struct MHD_Connection *connection,
                                       const char *method, const char *path)
{
    struct srv_request *request = calloc(1, sizeof *request);

    if (!request)
        return NULL;
    request->http = http;
    request->connection = connection;
    request->body.fd = -1;
    srv_client_find(request, &http->options.trusted_proxies);
    request->started_ticks_ms = srv_ticks_ms();
    request->method = srv_arena_strdup(&request->arena, method);
    request->path = srv_arena_strdup(&request->arena, path);
    if (request->method && request->path && srv_request_identify(request))
        return request;
    srv_arena_free(&request->arena);
    free(request);
    return NULL;
}

enum MHD_Result srv_on_request(void *user, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_size, void **state)
{
    struct srv_http *http = user;
    struct srv_request *request = *state;

    (void)version;
    if (!request) {
        request = new_request(http, connection, method, url);
        if (!request)
            return MHD_NO;
        *state = request;
        may_be_silent(connection, (unsigned)http->options.connection_timeout_s);
        count_active(http, 1);
        return begin(request);
    }
    if (*upload_size == 0 && request->state == SRV_REQUEST_CUT_SHORT)
        return MHD_NO; /* it has its answer, and knows that the connection ends */
    if (*upload_size == 0)
        return answer(request);
    srv_body_add(&request->body, upload_data, *upload_size);
    *upload_size = 0;
    return srv_surplus_goes_on(request) ? MHD_YES : MHD_NO;
}

void srv_on_completed(void *user, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    struct srv_http *http = user;
    struct srv_request *request = *state;

    (void)connection;
    if (!request)
        return;
    srv_account(request, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (request->body.kind == SRV_BODY_APPEND)
        srv_senders_remove(&http->senders, request);
    srv_body_abandon(&request->body);
    if (request->response)
        MHD_destroy_response(request->response);
    srv_arena_free(&request->arena);
    free(request);
    *state = NULL;
    count_active(http, -1);
}
