/*
 * access.c - see access.h.
 *
 * Five gates, each in one place, so that a new route cannot forget them:
 *
 * - origin: before a body is read, where no token is asked for. Web pages of other sites get
 *   nothing.
 * - token: before a body is read. No token, no answer but 401 (routes that are open apart).
 * - rate: likewise. A token that asks too often waits.
 * - role: likewise. A viewer reads, predicts and plans; figures of the whole service are not for a
 *   user.
 * - owner: before the handler. A path that begins with /v1/KIND/{id} is 404 for a user who did not
 *   make the thing, as if it were not there.
 *
 * Lists and orders name no thing in their path; their handlers ask the store with the caller's
 * scope.
 */
#include "handlers/access.h"

#include "base/clock.h"
#include "base/rate.h"
#include "handlers/form.h"
#include "handlers/idempotency.h"
#include "handlers/quota.h"
#include "http/origin.h"
#include "store/tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHALLENGE "Bearer realm=\"fsnetd\""

/* Whether a token is asked for now. */
static enum fsn_status asks(const struct srv_service *service, struct srv_db *db, bool *out,
                            struct fsn_error *err)
{
    *out = service->auth == SRV_AUTH_TOKENS;
    return service->auth == SRV_AUTH_AUTO ? srv_tokens_any(db, out, err) : FSN_OK;
}

static void refuse(struct srv_request *request, const char *error, const char *why)
{
    const char *challenge =
        error ? srv_arena_printf(&request->arena, CHALLENGE ", error=\"%s\"", error) : CHALLENGE;

    srv_reply_problem(request, SRV_PROBLEM_UNAUTHORIZED, "%s", why);
    srv_reply_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE, challenge ? challenge : CHALLENGE);
}

/* A browser sends no token by itself, but what needs none any page can have it send; see
 * http/origin.h. Where nobody is ever asked, the service may have any name, and what stands before
 * it judges that. */
static void check_origin(const struct srv_service *service, struct srv_request *request)
{
    const char *host = srv_request_header(request, MHD_HTTP_HEADER_HOST), *site, *origin;

    if (service->auth == SRV_AUTH_AUTO && !srv_host_is_loopback(host)) {
        srv_reply_problem(request, SRV_PROBLEM_FOREIGN_ORIGIN,
                          "Host: expected localhost, 127.0.0.1 or [::1], got '%.200s'; by another "
                          "name the service is asked with a token alone, and who runs it makes "
                          "one with 'fsnetd token create'",
                          host);
        return;
    }
    if (strcmp(request->match.route->method, MHD_HTTP_METHOD_GET) == 0)
        return;
    site = srv_request_header(request, "Sec-Fetch-Site");
    origin = srv_request_header(request, MHD_HTTP_HEADER_ORIGIN);
    if (srv_origin_is_foreign(site, origin, host))
        srv_reply_problem(request, SRV_PROBLEM_FOREIGN_ORIGIN,
                          "%s: expected from a page of this service, or not from a browser; got "
                          "%s '%.200s'",
                          request->method, site ? "Sec-Fetch-Site" : "Origin",
                          site ? site : origin);
}

/* Lets the request through, or replies 429, and says how often this token may ask (IETF draft
 * ratelimit-headers: q requests in w seconds, r of them left, the next in t). */
static void check_rate(const struct srv_service *service, struct srv_request *request,
                       const struct srv_token_row *row)
{
    const int64_t own = row->rate_per_minute, most = own > 0 ? own : service->rate_per_minute;
    struct srv_rate rate;
    char seconds[24];

    if (most == 0)
        return;
    rate = srv_rates_take(service->rates, row->token.id, most, srv_ticks_ms());
    request->rate_policy = srv_arena_printf(&request->arena, "\"token\";q=%" PRId64 ";w=60", most);
    request->rate =
        rate.allowed ? srv_arena_printf(&request->arena, "\"token\";r=%" PRId64, rate.remaining)
                     : srv_arena_printf(&request->arena, "\"token\";r=0;t=%" PRId64, rate.retry_s);
    if (!request->rate_policy)
        request->rate = NULL;
    if (rate.allowed)
        return;
    snprintf(seconds, sizeof seconds, "%" PRId64, rate.retry_s);
    srv_reply_problem(request, SRV_PROBLEM_RATE,
                      "the token may make %" PRId64 " requests a minute; ask again in %s s", most,
                      seconds);
    srv_reply_header(request, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
}

/* Fills request->caller from its token, or replies 401. That a token was known once is told only to
 * who has all of it; ids are public, so how long the search for one takes tells nothing. */
static enum fsn_status identify(const struct srv_service *service, struct srv_request *request,
                                struct srv_db *db, struct fsn_error *err)
{
    const char *header = srv_request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    struct srv_token_row row = {0};
    struct srv_token token;
    const char *end;
    bool found = false;
    enum fsn_status status;

    if (!header) {
        refuse(request, NULL,
               "this needs a token: send it as 'Authorization: Bearer fsn_...'; who runs the "
               "service makes one with 'fsnetd token create'");
        return FSN_OK;
    }
    if (!srv_token_parse(header, &token)) {
        refuse(request, "invalid_token",
               "the Authorization header is not 'Bearer' and a token (fsn_..., 93 characters)");
        return FSN_OK;
    }
    status = srv_tokens_find(db, token.id, &row, &found, err);
    if (status != FSN_OK)
        return status;
    if (!found || !srv_token_same(row.token.sha256, token.sha256)) {
        refuse(request, "invalid_token", "the service does not know this token");
        return FSN_OK;
    }
    end = srv_token_void(&row, srv_now_ms());
    if (end) {
        refuse(request, "invalid_token",
               *end == 'r' ? "the token was revoked" : "the token has expired");
        return FSN_OK;
    }
    request->caller.role = row.role;
    memcpy(request->caller.token_id, row.token.id, sizeof request->caller.token_id);
    check_rate(service, request, &row);
    return FSN_OK;
}

/* Whether nothing is stored or changed by it: an order may ask for its plan alone. */
static bool only_asks(const struct srv_request *request)
{
    const struct srv_route *route = request->match.route;
    const char *dry_run =
        route->access == SRV_ACCESS_ORDERS ? srv_request_query(request, "dry_run") : NULL;

    return strcmp(route->method, MHD_HTTP_METHOD_GET) == 0 || route->access == SRV_ACCESS_ASKS ||
           (dry_run && strcmp(dry_run, "true") == 0);
}

static void check_role(struct srv_request *request)
{
    const struct srv_route *route = request->match.route;
    const enum srv_role role = request->caller.role;

    if (role == SRV_ROLE_VIEWER && !only_asks(request))
        srv_reply_problem(request, SRV_PROBLEM_FORBIDDEN,
                          "%s %s changes something, and a viewer's token may only read",
                          route->method, route->pattern);
    else if (route->access == SRV_ACCESS_OVERALL && role == SRV_ROLE_USER)
        srv_reply_problem(request, SRV_PROBLEM_FORBIDDEN,
                          "%s is about the whole service: for tokens of viewers and admins",
                          route->pattern);
    else
        return;
    srv_reply_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                     CHALLENGE ", error=\"insufficient_scope\"");
}

/* An upload that the token's quota has no room for is refused before its bytes are sent. One
 * without a Content-Length is refused after them, by the store, which has the last word anyway; and
 * so is one with an Idempotency-Key, which may be stored already. */
static enum fsn_status check_room(struct srv_request *request, struct srv_db *db,
                                  struct fsn_error *err)
{
    const char *length = srv_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const int64_t wanted = length ? strtoll(length, NULL, 10) : -1;
    struct srv_token_room room;
    enum fsn_status status;

    if (request->match.route->body != SRV_BODY_FILE || srv_request_header(request, SRV_KEY_HEADER))
        return FSN_OK;
    status = srv_tokens_room(db, request->caller.token_id, &room, err);
    if (status == FSN_OK && (room.bytes < 0 || wanted > room.bytes))
        status = srv_reply_quota_bytes(request, db, wanted, false, err);
    return status;
}

enum fsn_status srv_api_admit(struct srv_request *request, void *context, struct fsn_error *err)
{
    const struct srv_service *service = context;
    struct srv_db *db = request->lent;
    enum fsn_status status;
    bool asked = false;

    if (request->match.route->access == SRV_ACCESS_OPEN)
        return FSN_OK;
    status = asks(service, db, &asked, err);
    if (status == FSN_OK && asked)
        status = identify(service, request, db, err);
    else if (status == FSN_OK)
        check_origin(service, request);
    if (status == FSN_OK && !asked)
        request->caller.role = SRV_ROLE_ADMIN;
    if (status == FSN_OK && !request->response)
        check_role(request);
    if (status == FSN_OK && !request->response)
        srv_refuse_form(request);
    if (status == FSN_OK && !request->response)
        status = check_room(request, db, err);
    return status;
}

enum fsn_status srv_check_owner(struct srv_call *call, bool *sees, struct fsn_error *err)
{
    static const struct {
        const char *pattern, *noun;
    } kinds[SRV_OWNED_COUNT] = {
        [SRV_OWNED_MODEL] = {"/v1/models/{id}", "model"},
        [SRV_OWNED_DATASET] = {"/v1/datasets/{id}", "data set"},
        [SRV_OWNED_JOB] = {"/v1/jobs/{id}", "job"},
        [SRV_OWNED_PARTIAL] = {"/v1/uploads/{id}", "upload"},
    };
    const char *scope = srv_caller_scope(&call->request->caller);
    const char *id = srv_request_param(call->request, "id");
    const char *pattern = call->request->match.route->pattern;
    enum fsn_status status;
    int kind = 0;

    *sees = !scope || !id;
    if (*sees)
        return FSN_OK;
    while (kind < SRV_OWNED_COUNT &&
           strncmp(pattern, kinds[kind].pattern, strlen(kinds[kind].pattern)) != 0)
        kind++;
    if (kind == SRV_OWNED_COUNT) /* a route that was added without an owner is nobody's */
        return srv_reply_unknown(call, "resource");
    status = srv_tokens_own(call->db, scope, (enum srv_owned)kind, id, sees, err);
    return status == FSN_OK && !*sees ? srv_reply_unknown(call, kinds[kind].noun) : status;
}

enum fsn_status srv_access_holds(const struct srv_service *service, struct srv_db *db,
                                 const struct srv_caller *caller, bool *holds,
                                 struct fsn_error *err)
{
    struct srv_token_row row = {0};
    bool asked = false, found = false;
    enum fsn_status status = asks(service, db, &asked, err);

    if (status == FSN_OK && asked)
        status = srv_tokens_find(db, caller->token_id, &row, &found, err);
    if (status == FSN_OK)
        *holds = !asked || (found && !srv_token_void(&row, srv_now_ms()));
    return status;
}
