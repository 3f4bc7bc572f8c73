/* request.h - one HTTP request: what came, and the reply as handlers build it. */
#ifndef SRV_HTTP_REQUEST_H
#define SRV_HTTP_REQUEST_H

#include "base/caller.h"
#include "base/page.h"
#include "base/proxies.h"
#include "http/body.h"
#include "http/problem.h"
#include "http/router.h"

#include <microhttpd.h>

struct srv_http;

#define SRV_REQUEST_ID_HEADER "X-Request-Id"
#define SRV_REQUEST_ID_SIZE 65

struct srv_request {
    struct srv_http *http;             /* borrowed */
    struct MHD_Connection *connection; /* borrowed */
    struct srv_arena arena;            /* lives as long as the request */
    const char *method, *path;
    char id[SRV_REQUEST_ID_SIZE]; /* X-Request-Id, the client's or made here */
    void *lent;                   /* by srv_http_options.enter; NULL: nothing now */
    struct srv_match match;
    const char *rate_policy, *rate; /* RateLimit fields of the answer; NULL: none */
    char client[SRV_ADDRESS_SIZE];  /* see http/client.h */
    struct srv_caller caller;       /* once the request is admitted */
    struct srv_body body;
    struct srv_request *next_sender;             /* of srv_senders */
    int64_t started_ticks_ms, answered_ticks_ms; /* 0: not yet */
    unsigned status;                             /* of the reply */
    const char *problem;                         /* its type, static; NULL: it is none */
    struct MHD_Response *response;               /* NULL: no reply yet; owned */
    const char *json;                            /* its text, if it is one in JSON; else NULL */
    const char *allow;                           /* for 405, else NULL */
    enum {
        SRV_REQUEST_RECEIVING,
        SRV_REQUEST_WORKING,
        SRV_REQUEST_ANSWERED,
        SRV_REQUEST_CUT_SHORT, /* see http/surplus.h */
    } state;
};

/* Sets the id: that of X-Request-Id, if it is 1 to 64 letters, digits, '.', '_' and '-', else a
 * random one. The answer and the log have it. false: the system gives no randomness. */
bool srv_request_identify(struct srv_request *request);

/* NULL when the route has no such parameter. Borrowed from the request. */
const char *srv_request_param(const struct srv_request *request, const char *name);
/* NULL when it was not given. Borrowed from the request. */
const char *srv_request_query(const struct srv_request *request, const char *name);
/* NULL when it was not sent. Borrowed from the request. */
const char *srv_request_header(const struct srv_request *request, const char *name);

/* Whether every parameter after '?' is one of the route's and comes once, and its value is short,
 * UTF-8 and free of control bytes; false: the request has been answered. */
bool srv_request_check_query(struct srv_request *request);

/* Parses ?limit=, 1..1000, default 100, ?cursor=, as srv_reply_page gave it, and ?sort=, created_at
 * or -created_at, the default. Errors: INVALID, for which the request has been answered. */
FSN_NODISCARD enum fsn_status srv_request_page(struct srv_request *request, struct srv_page *out);

/* ---- replies: each sets the reply, over an earlier one ------------------------------------- */

/* Takes over value; NULL (out of memory while it was built) replies 503. */
void srv_reply_json(struct srv_request *request, unsigned status, json_t *value);
/* The same, of an object of at least one member, and behind its own members these, whose values are
 * JSON already, or NULL for null: what is stored as text need not be read to be sent. A name of
 * NULL ends them. */
struct srv_member {
    const char *name, *text;
};
void srv_reply_json_with(struct srv_request *request, unsigned status, json_t *value,
                         const struct srv_member *members);
/* What a GET answers, its text in the request's memory, and the tag (quoted) that names this text.
 */
#define SRV_TAG_SIZE (SRV_SHA256_SIZE + 2)
struct srv_line {
    const char *text;
    char tag[SRV_TAG_SIZE];
};
/* value (taken over) and members (or NULL) as above. false: out of memory. */
bool srv_line_write(struct srv_request *request, json_t *value, const struct srv_member *members,
                    struct srv_line *out);
/* 200 with a copy of the text, or 304 when the client has it. */
void srv_reply_line(struct srv_request *request, const char *text, const char *tag);
/* Whether the resource is what If-Match names (RFC 9110, 13.1.1), if it was sent; else answers 412.
 * current (taken over) and members (or NULL): what a GET of it would answer. */
bool srv_if_match(struct srv_request *request, json_t *current, const struct srv_member *members);
/* A list: items (taken over) and next_cursor; next 0: null, the list ends here. */
void srv_reply_page(struct srv_request *request, json_t *items, int64_t next);
void srv_reply_text(struct srv_request *request, unsigned status, const char *content_type,
                    const char *text);
void srv_reply_empty(struct srv_request *request, unsigned status);
void srv_reply_problem(struct srv_request *request, enum srv_problem problem, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
void srv_reply_faults(struct srv_request *request, enum srv_problem problem, const char *detail,
                      const struct fsn_faults *faults);
/* The problem of a failed call. Details of the server's own failures go to the log, not out. */
void srv_reply_error(struct srv_request *request, const struct fsn_error *err);
/* A stored file, whole or the range that was asked for, with ETag, or 304 when the client has it.
 */
struct srv_file {
    const char *path, *sha256, *content_type, *name;
    int64_t size_bytes;
};
FSN_NODISCARD enum fsn_status srv_reply_file(struct srv_request *request,
                                             const struct srv_file *file, struct fsn_error *err);
/* Any other reply; the response is taken over. */
void srv_reply_response(struct srv_request *request, unsigned status,
                        struct MHD_Response *response);
/* A file that is part of the program, whole, with ETag, or 304 when the client has it. */
struct srv_embedded {
    const char *name, *content_type, *sha256;
    const char *bytes;
    size_t size_bytes;
};
void srv_reply_embedded(struct srv_request *request, const struct srv_embedded *file);
/* The headers that every answer has: the request's id, and how often its sender may ask. */
void srv_reply_common_headers(struct srv_request *request);
/* Adds a header to the reply. */
void srv_reply_header(struct srv_request *request, const char *name, const char *value);

#endif
