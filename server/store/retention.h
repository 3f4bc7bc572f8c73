/* retention.h - removes what has been there for its time, a few things in each transaction, so that
 * requests and workers come in between. Blobs that nothing names then go as blobs.h has it. */
#ifndef SRV_STORE_RETENTION_H
#define SRV_STORE_RETENTION_H

#include "store/blobs.h"

/* X(code, name in metrics and the log) */
#define SRV_EXPIRY_LIST(X)                                                               \
    X(ARTIFACTS, "artifacts") /* the files of a job; it stays, and so does its report */ \
    X(JOBS, "jobs")           /* a job that has ended, with its curve and its files */   \
    X(UPLOADS, "uploads")     /* a model or data set that no job has used since */

enum srv_expiry {
#define SRV__ENUM(code, name) SRV_EXPIRY_##code,
    SRV_EXPIRY_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_EXPIRY_COUNT
};
const char *srv_expiry_name(enum srv_expiry what);

/* Removes up to this many of what ended, or was used last, before before_ms; *count of them. Jobs
 * with `keep`, and what queued and running jobs need, stay. */
enum { SRV_EXPIRE_AT_ONCE = 16 };
FSN_NODISCARD enum fsn_status srv_retention_expire(struct srv_blobs *blobs, struct srv_db *db,
                                                   enum srv_expiry what, int64_t before_ms,
                                                   int64_t now_ms, int64_t *count,
                                                   struct fsn_error *err);

#endif
