/*
 * surplus.c - see surplus.h.
 *
 * libmicrohttpd takes a reply before the body or behind it, and none between (MHD_queue_response).
 * It writes nothing there either: so what is to be said is written past it, the same that would
 * have been queued, with the end of the connection. What announces its length is refused by that
 * before the body; this is for who sends chunks.
 */
#include "http/surplus.h"

#include "base/clock.h"

#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

void srv_reply_too_large(struct srv_request *request)
{
    srv_reply_problem(request, SRV_PROBLEM_BODY_TOO_LARGE,
                      "the body may have at most %" PRId64 " bytes", request->body.limit_bytes);
}

void srv_reply_body_failure(struct srv_request *request)
{
    const struct srv_body *body = &request->body;
    struct fsn_error err = {0};

    if (body->status == FSN_LIMIT) {
        srv_reply_too_large(request);
        return;
    }
    (void)SRV_FAIL(&err, body->status, "the body could not be stored: %s",
                   body->cause ? strerror(body->cause) : fsn_status_text(body->status));
    srv_reply_error(request, &err);
}

void srv_reply_unexpected_body(struct srv_request *request, int64_t bytes)
{
    srv_reply_problem(request, SRV_PROBLEM_UNEXPECTED_BODY,
                      "%s %s takes no body, got one of %" PRId64 " bytes", request->method,
                      request->match.route->pattern, bytes);
}

static enum MHD_Result write_header(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    fprintf(user, "%s: %s\r\n", name, value);
    return MHD_YES;
}

/* The reply as it goes over the connection; free(). NULL when out of memory. */
static char *write_reply(struct srv_request *request, size_t *size)
{
    const char *text = request->json ? request->json : "";
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, size);
    bool whole;

    if (!out)
        return NULL;
    fprintf(out, "HTTP/1.1 %u %s\r\n", request->status, MHD_get_reason_phrase_for(request->status));
    MHD_get_response_headers(request->response, write_header, out);
    fprintf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(text), text);
    whole = !ferror(out);
    if (fclose(out) == 0 && whole)
        return bytes;
    free(bytes);
    return NULL;
}

/* Little enough for a socket to which nothing was written yet. */
static bool send_all(struct MHD_Connection *connection, const char *bytes, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (info && info->tls_session)
        return gnutls_record_send(info->tls_session, bytes, size) == (ssize_t)size;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info &&
           send(info->connect_fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

static bool answer_now(struct srv_request *request)
{
    size_t size = 0;
    char *bytes;
    bool sent;

    if (!request->response && request->body.kind == SRV_BODY_NONE)
        srv_reply_unexpected_body(request, request->body.size_bytes);
    else if (!request->response)
        srv_reply_body_failure(request);
    if (!request->response)
        return false;
    request->state = SRV_REQUEST_CUT_SHORT;
    request->answered_ticks_ms = srv_ticks_ms();
    srv_reply_common_headers(request);
    bytes = write_reply(request, &size);
    sent = bytes && send_all(request->connection, bytes, size);
    free(bytes);
    return sent;
}

bool srv_surplus_goes_on(struct srv_request *request)
{
    const int64_t surplus = request->body.size_bytes - request->body.limit_bytes;

    if (surplus <= SRV_SURPLUS_BYTES)
        return true;
    if (request->state == SRV_REQUEST_CUT_SHORT)
        return surplus <= 2 * SRV_SURPLUS_BYTES;
    return answer_now(request);
}
