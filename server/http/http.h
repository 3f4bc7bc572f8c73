/* http.h - the HTTP server: libmicrohttpd, an epoll loop on a few threads, every reply a problem
 * document when it is not what was asked for. */
#ifndef SRV_HTTP_HTTP_H
#define SRV_HTTP_HTTP_H

#include "http/stream.h"

/* Runs the handler of request->match.route and leaves the reply; a status other than FSN_OK is
 * replied as the problem of err. Called on any thread. */
typedef enum fsn_status srv_http_call_fn(struct srv_request *request, void *context,
                                         struct fsn_error *err);

/* Lends what both admit and call work with (request->lent), until leave; reads: what is asked for
 * in between changes nothing. */
typedef enum fsn_status srv_http_enter_fn(struct srv_request *request, bool reads, void *context,
                                          struct fsn_error *err);
typedef void srv_http_leave_fn(struct srv_request *request, void *context);

struct srv_http_options {
    const char *listen;             /* "HOST:PORT" */
    const char *tls_cert, *tls_key; /* files in PEM; "": HTTP without TLS */
    const char *temporary_dir;      /* for bodies on their way in */
    const char *loopback_only;      /* why another address is refused; NULL: it is not */
    const struct srv_route *routes;
    srv_http_enter_fn *enter;
    srv_http_leave_fn *leave; /* always after enter, and may come without it */
    srv_http_call_fn *admit;  /* first, when there are headers alone: a reply refuses the request */
    srv_http_call_fn *open_body; /* of SRV_BODY_APPEND: srv_body_append, or a reply */
    srv_http_call_fn *call;
    void *context;                    /* of all five */
    struct srv_streams *streams;      /* ended when the server stops */
    int threads, helpers, predictors; /* the last two: see enum srv_runs */
    int max_connections, connection_timeout_s;
    int64_t max_upload_bytes, max_json_bytes;
    struct srv_proxies trusted_proxies; /* whose word is taken for who asks them */
};

struct srv_http;

/* Starts serving. *options is copied, what it points to is borrowed until the stop. Errors:
 * INVALID (the address, loopback_only, a certificate or key), IO (it cannot
 * be bound, a file cannot be read), NOMEM. */
FSN_NODISCARD enum fsn_status srv_http_start(const struct srv_http_options *options,
                                             struct srv_http **out, struct fsn_error *err);
int srv_http_port(const struct srv_http *http);
/* The thread that hashes bodies, for srv_body_append. */
struct srv_offload *srv_http_hasher(const struct srv_http *http);
/* Cuts off the request that appends to `target` (srv_body_append), so that it lets go soon; one
 * that has all of its body goes on. Any thread. */
void srv_http_cut_off(struct srv_http *http, const char *target);
/* Takes no new connections, lets requests under way end (handlers that run; all else for some
 * seconds at most), stops. Who waits for a helper is answered by 503. */
void srv_http_stop(struct srv_http *http); /* NULL is fine */

#endif
