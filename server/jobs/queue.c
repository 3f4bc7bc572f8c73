/*
 * queue.c - the life of a job; see queue.h.
 *
 *              CLAIM            SUCCEED -> succeeded
 *     queued ---------> running FAIL ----> failed
 *       |  <---------      |
 *       |  RETRY, RELEASE  |
 *       +-----CANCEL-------+-CANCEL -----> cancelled
 *
 * and REQUEUE, which leads from failed and cancelled back to queued.
 *
 * Every claim raises the job's fence, and every write of a worker names the fence of its claim, so
 * a worker that was thought dead and wakes up again changes nothing (Kleppmann, "How to do
 * distributed locking", 2016). The claim itself is one statement of the store (srv_jobs_claim).
 */
#include "jobs/queue.h"

#include "base/counters.h"
#include "http/problem.h"
#include "log.h"

#include <stdio.h>

static const struct {
    enum srv_job_status from;
    enum srv_job_event event;
    enum srv_job_status to;
} transitions[] = {
    {SRV_JOB_QUEUED, SRV_JOB_EVENT_CLAIM, SRV_JOB_RUNNING},
    {SRV_JOB_QUEUED, SRV_JOB_EVENT_CANCEL, SRV_JOB_CANCELLED},
    {SRV_JOB_RUNNING, SRV_JOB_EVENT_SUCCEED, SRV_JOB_SUCCEEDED},
    {SRV_JOB_RUNNING, SRV_JOB_EVENT_FAIL, SRV_JOB_FAILED},
    {SRV_JOB_RUNNING, SRV_JOB_EVENT_RETRY, SRV_JOB_QUEUED},
    {SRV_JOB_RUNNING, SRV_JOB_EVENT_RELEASE, SRV_JOB_QUEUED},
    {SRV_JOB_RUNNING, SRV_JOB_EVENT_CANCEL, SRV_JOB_CANCELLED},
    {SRV_JOB_FAILED, SRV_JOB_EVENT_REQUEUE, SRV_JOB_QUEUED},
    {SRV_JOB_CANCELLED, SRV_JOB_EVENT_REQUEUE, SRV_JOB_QUEUED},
};

const char *srv_job_event_name(enum srv_job_event event)
{
    static const char *const names[] = {
#define SRV__NAME(code, name) name,
        SRV_JOB_EVENT_LIST(SRV__NAME)
#undef SRV__NAME
    };

    return names[event];
}

bool srv_queue_next(enum srv_job_status from, enum srv_job_event event, enum srv_job_status *to)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++) {
        if (transitions[i].from == from && transitions[i].event == event) {
            *to = transitions[i].to;
            return true;
        }
    }
    return false;
}

enum fsn_status srv_queue_apply(struct srv_db *db, const struct srv_job *job,
                                enum srv_job_event event, const char *error_type,
                                const char *error_detail, bool *moved, struct fsn_error *err)
{
    struct srv_job_move move = {
        .id = job->id,
        .fence = job->fence,
        .from = job->status,
        .attempts_back = event == SRV_JOB_EVENT_RELEASE   ? 1
                         : event == SRV_JOB_EVENT_REQUEUE ? job->attempts
                                                          : 0,
        .run_ms = job->run_ms,
        .error_type = error_type,
        .error_detail = error_detail,
    };
    enum fsn_status status;

    *moved = false;
    if (!srv_queue_next(job->status, event, &move.to))
        return FSN_OK;
    status = srv_jobs_move(db, &move, moved, err);
    if (status != FSN_OK || !*moved)
        return status;
    srv_count(SRV_COUNT_JOB_EVENTS, &(struct srv_labels){{srv_job_event_name(event)}, 0}, 1);
    SRV_LOG(SRV_LOG_INFO, "job moved", SRV_TEXT("job", job->id),
            SRV_TEXT("by", srv_job_event_name(event)), SRV_TEXT("to", srv_job_status_name(move.to)),
            SRV_INT("fence", job->fence));
    return status;
}

enum srv_job_event srv_queue_loss(const struct srv_job *job, int64_t max_attempts)
{
    if (job->cancel_requested)
        return SRV_JOB_EVENT_CANCEL;
    return job->attempts >= max_attempts ? SRV_JOB_EVENT_FAIL : SRV_JOB_EVENT_RETRY;
}

enum fsn_status srv_queue_recover(struct srv_db *db, int64_t now_ms, int64_t max_attempts,
                                  int *count, struct fsn_error *err)
{
    *count = 0;
    for (;;) {
        struct srv_job job = {0};
        enum srv_job_event event;
        enum fsn_status status;
        bool found, moved = false;
        char detail[128];

        status = srv_jobs_next_expired(db, now_ms, &job, &found, err);
        if (status != FSN_OK || !found)
            return status;
        event = srv_queue_loss(&job, max_attempts);
        snprintf(detail, sizeof detail,
                 "the job was started %lld times and lost its worker each time",
                 (long long)job.attempts);
        status = srv_queue_apply(
            db, &job, event,
            event == SRV_JOB_EVENT_FAIL ? srv_problem_type(SRV_PROBLEM_RETRY_LIMIT) : NULL,
            event == SRV_JOB_EVENT_FAIL ? detail : NULL, &moved, err);
        srv_job_clear(&job);
        if (status != FSN_OK)
            return status;
        *count += moved;
    }
}

enum fsn_status srv_queue_cancel(struct srv_db *db, const char *id, enum srv_cancel *outcome,
                                 struct fsn_error *err)
{
    /* Between the look and the write a worker may claim, release or end the job; then look again.
     * Every turn of this loop means that someone else got on. */
    for (;;) {
        struct srv_job job = {0};
        bool found, done = true;
        enum fsn_status status = srv_jobs_get(db, id, &job, &found, err);
        enum srv_cancel result = SRV_CANCEL_TOO_LATE;

        if (status != FSN_OK)
            return status;
        if (!found) {
            result = SRV_CANCEL_UNKNOWN;
        } else if (job.status == SRV_JOB_QUEUED) {
            status = srv_queue_apply(db, &job, SRV_JOB_EVENT_CANCEL, NULL, NULL, &done, err);
            result = SRV_CANCEL_DONE;
        } else if (job.status == SRV_JOB_RUNNING) {
            status = srv_jobs_request_cancel(db, id, &done, err);
            result = SRV_CANCEL_ASKED;
        }
        srv_job_clear(&job);
        if (status != FSN_OK)
            return status;
        if (done) {
            *outcome = result;
            return FSN_OK;
        }
    }
}

/* Within a transaction. */
static enum fsn_status requeue(struct srv_db *db, const char *id, int64_t max_queued,
                               struct srv_requeue *out, struct fsn_error *err)
{
    struct srv_job job = {0};
    bool moved = false;
    enum fsn_status status = srv_jobs_get(db, id, &job, &out->found, err);

    out->was = out->found ? job.status : SRV_JOB_STATUS_COUNT;
    if (status == FSN_OK && out->found)
        status = srv_jobs_check_room(db, &job, NULL, max_queued, &out->room, err);
    if (status == FSN_OK && out->found && out->room == SRV_JOB_INSERTED)
        status = srv_queue_apply(db, &job, SRV_JOB_EVENT_REQUEUE, NULL, NULL, &moved, err);
    if (status == FSN_OK && moved)
        status = srv_jobs_renew(db, id, err);
    out->queued = moved;
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_queue_requeue(struct srv_db *db, const char *id, int64_t max_queued,
                                  struct srv_requeue *out, struct fsn_error *err)
{
    struct srv_requeue result = {0};
    enum fsn_status status = srv_db_begin(db, err);

    if (status != FSN_OK)
        return status;
    status = srv_db_end(db, requeue(db, id, max_queued, &result, err), err);
    if (status == FSN_OK)
        *out = result;
    return status;
}
