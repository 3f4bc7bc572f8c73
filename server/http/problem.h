/* problem.h - every way a request or a job can fail, as RFC 9457 problem types. */
#ifndef SRV_HTTP_PROBLEM_H
#define SRV_HTTP_PROBLEM_H

#include "base/error.h"

#include <jansson.h>

/* X(code, HTTP status, name in the type URI, title). api/problems.md describes each. */
#define SRV_PROBLEM_LIST(X)                                                                    \
    X(MALFORMED_JSON, 400, "malformed-json", "The body is not well-formed JSON")               \
    X(BAD_QUERY, 400, "bad-query", "A query parameter is unknown or has a wrong value")        \
    X(BAD_HEADER, 400, "bad-header", "A header field has a wrong value")                       \
    X(UNEXPECTED_BODY, 400, "unexpected-body", "The operation takes no body")                  \
    X(DIGEST, 400, "digest-mismatch", "The body is not what its digest says")                  \
    X(UNAUTHORIZED, 401, "unauthorized", "A token is needed, or another one")                  \
    X(FORBIDDEN, 403, "forbidden", "The token's role does not allow this")                     \
    X(FOREIGN_ORIGIN, 403, "foreign-origin", "A web page of another site may be asking")       \
    X(NOT_FOUND, 404, "not-found", "There is no such resource")                                \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource does not take this method") \
    X(IN_USE, 409, "in-use", "A queued or running job needs the resource")                     \
    X(JOB_STATE, 409, "job-state", "The job's status does not allow this")                     \
    X(CANCELLED, 409, "cancelled", "The work was cancelled")                                   \
    X(KEY_REUSED, 409, "idempotency-key-reused", "The key belongs to another request")         \
    X(EXPIRED, 410, "expired", "The files have been removed because of their age")             \
    X(UPLOAD_OFFSET, 409, "upload-offset", "The part does not begin where the upload ends")    \
    X(TUS_VERSION, 412, "tus-version", "The server does not speak this version of tus")        \
    X(PRECONDITION, 412, "precondition-failed", "The resource is not what If-Match names")     \
    X(BODY_TOO_LARGE, 413, "body-too-large", "The body is larger than the server accepts")     \
    X(MEDIA_TYPE, 415, "media-type", "The body is not of the type that is needed")             \
    X(RANGE, 416, "range-not-satisfiable", "The range lies outside the content")               \
    X(INVALID_SPEC, 422, "invalid-spec", "The job cannot work as specified")                   \
    X(INVALID, 422, "invalid-argument", "A value is outside its range")                        \
    X(MALFORMED, 422, "malformed", "The content is not what its format demands")               \
    X(UNSUPPORTED, 422, "unsupported", "The content is valid, but cannot be taken")            \
    X(SHAPE, 422, "shape-mismatch", "Tensor shapes or types do not fit together")              \
    X(LIMIT, 422, "limit-exceeded", "The content is larger than a limit")                      \
    X(MISMATCH, 422, "data-mismatch", "The data set does not fit the model")                   \
    X(BUDGET, 422, "impossible-budget", "The compression asked for cannot be reached")         \
    X(DIVERGED, 422, "diverged", "Training produced a value that is not finite")               \
    X(UPLOAD_LOCKED, 423, "upload-locked", "Another request writes to the upload")             \
    X(RUN_TIME, 422, "run-time-exceeded", "The job ran longer than it may")                    \
    X(QUOTA, 429, "quota-exceeded", "The token has as much as it may have")                    \
    X(RATE, 429, "rate-limited", "The token asks too often")                                   \
    X(QUEUE_FULL, 429, "queue-full", "The queue is full")                                      \
    X(CHECKSUM, 460, "checksum-mismatch", "The part is not what its checksum says")            \
    X(INTERNAL, 500, "internal", "The server failed")                                          \
    X(IO, 500, "io", "The server could not read or write")                                     \
    X(RETRY_LIMIT, 500, "retry-limit", "The job was started too often without success")        \
    X(NOMEM, 503, "out-of-memory", "The server is short of memory")                            \
    X(UNAVAILABLE, 503, "unavailable", "The server does not take requests now")                \
    X(FULL, 507, "insufficient-storage", "The server's disk is full")

enum srv_problem {
#define SRV__ENUM(code, http, name, title) SRV_PROBLEM_##code,
    SRV_PROBLEM_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_PROBLEM_COUNT
};

unsigned srv_problem_http_status(enum srv_problem problem);
const char *srv_problem_type(enum srv_problem problem); /* "urn:fsnet:problem:not-found" */

/* The problem that tells of an engine or store failure; FSN_OK is none and gives INTERNAL. */
enum srv_problem srv_problem_of_status(enum fsn_status status);

/* {"type", "title", "status", "detail", "errors"?}; new, NULL when out of memory. faults may be
 * NULL. Text that is not UTF-8 is shown with '?' in place of the bytes that are not ASCII. */
json_t *srv_problem_json(enum srv_problem problem, const char *detail,
                         const struct fsn_faults *faults);

#endif
