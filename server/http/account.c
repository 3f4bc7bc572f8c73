/* account.c - see account.h. */
#include "http/account.h"

#include "base/clock.h"
#include "base/counters.h"
#include "log.h"

#include <string.h>

static void count_problem(const char *type, int add)
{
    srv_count(SRV_COUNT_PROBLEMS, &(struct srv_labels){{strrchr(type, ':') + 1}, 0}, add);
}

/* The method as the route has it: a client cannot make up labels. */
static void count_request(const struct srv_request *request)
{
    const struct srv_route *route = request->match.route;
    const char *method = route ? route->method : "", *pattern = route ? route->pattern : "";

    srv_count(SRV_COUNT_REQUESTS, &(struct srv_labels){{method, pattern}, request->status}, 1);
    if (request->problem)
        count_problem(request->problem, 1);
    srv_count(SRV_COUNT_RECEIVED, NULL, (double)request->body.size_bytes);
    if (request->answered_ticks_ms > 0)
        srv_count_request_seconds(
            method, pattern,
            1e-3 * (double)(request->answered_ticks_ms - request->started_ticks_ms));
}

void srv_account_start(void)
{
    count_problem(srv_problem_type(SRV_PROBLEM_RATE), 0);
    count_problem(srv_problem_type(SRV_PROBLEM_QUOTA), 0);
}

void srv_account(const struct srv_request *request, bool complete)
{
    count_request(request);
    SRV_LOG(SRV_LOG_INFO, "request", SRV_TEXT("method", request->method),
            SRV_TEXT("path", request->path), SRV_TEXT("request", request->id),
            SRV_INT("status", request->status),
            SRV_TEXT("token", *request->caller.token_id ? request->caller.token_id : "-"),
            SRV_TEXT("client", request->client),
            SRV_INT("received_bytes", request->body.size_bytes),
            SRV_INT("ms", srv_ticks_ms() - request->started_ticks_ms),
            SRV_TEXT("end", complete ? "complete" : "broken"));
}
