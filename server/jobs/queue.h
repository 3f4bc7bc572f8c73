/* queue.h - what may happen to a job: its statuses and events as one table, and the operations on
 * the stored queue that follow it. */
#ifndef SRV_JOBS_QUEUE_H
#define SRV_JOBS_QUEUE_H

#include "store/jobs.h"

/* X(code, name for the log) */
#define SRV_JOB_EVENT_LIST(X)                                                            \
    X(CLAIM, "claim")     /* a worker takes it */                                        \
    X(SUCCEED, "succeed") /* its artifacts are stored */                                 \
    X(FAIL, "fail")       /* the engine refused, or it was tried too often */            \
    X(RETRY, "retry")     /* its worker is gone, or failed for a reason that may pass */ \
    X(RELEASE, "release") /* the server stops; the attempt does not count */             \
    X(CANCEL, "cancel")   /* a client asked */                                           \
    X(REQUEUE, "requeue") /* a client asked for another go at what has ended */

enum srv_job_event {
#define SRV__ENUM(code, name) SRV_JOB_EVENT_##code,
    SRV_JOB_EVENT_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_JOB_EVENT_COUNT
};
const char *srv_job_event_name(enum srv_job_event event);

/* Where the event leads from a status; false when it cannot happen there (*to untouched). */
bool srv_queue_next(enum srv_job_status from, enum srv_job_event event, enum srv_job_status *to);

/* Applies an event to a job as it was read: *moved false when it has changed since (status or
 * fence), or when the table forbids it. The error fields may be NULL. */
FSN_NODISCARD enum fsn_status srv_queue_apply(struct srv_db *db, const struct srv_job *job,
                                              enum srv_job_event event, const char *error_type,
                                              const char *error_detail, bool *moved,
                                              struct fsn_error *err);

/* The event that follows when a running job lost its worker: CANCEL if it was to stop anyway, FAIL
 * after max_attempts, else RETRY. */
enum srv_job_event srv_queue_loss(const struct srv_job *job, int64_t max_attempts);

/* Queues again (or ends) every running job whose lease ended before now_ms; *count of them. At the
 * start now_ms is INT64_MAX: nobody works for this data folder but the server that starts. */
FSN_NODISCARD enum fsn_status srv_queue_recover(struct srv_db *db, int64_t now_ms,
                                                int64_t max_attempts, int *count,
                                                struct fsn_error *err);

/* Cancels a job: a queued one at once, a running one by asking its worker. */
enum srv_cancel { SRV_CANCEL_UNKNOWN, SRV_CANCEL_DONE, SRV_CANCEL_ASKED, SRV_CANCEL_TOO_LATE };
FSN_NODISCARD enum fsn_status srv_queue_cancel(struct srv_db *db, const char *id,
                                               enum srv_cancel *outcome, struct fsn_error *err);

/* Queues a failed or cancelled job again, as if it had never run: attempts, running time, error,
 * progress begin anew. What its folder in DIR/work still has is gone on with. */
struct srv_requeue {
    bool found, queued;
    enum srv_job_status was;  /* when found */
    enum srv_job_insert room; /* why it was not queued, when its status would have allowed it */
};
FSN_NODISCARD enum fsn_status srv_queue_requeue(struct srv_db *db, const char *id,
                                                int64_t max_queued, struct srv_requeue *out,
                                                struct fsn_error *err);

#endif
