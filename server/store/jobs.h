/* jobs.h - rows of table jobs. What may follow what is the business of jobs/queue.c; here are the
 * statements. Every write to a running job names the fence it was claimed with and reports whether
 * the claim still held: false means that another claim (or an end) has come since. */
#ifndef SRV_STORE_JOBS_H
#define SRV_STORE_JOBS_H

#include "base/id.h"
#include "base/page.h"
#include "base/token.h"
#include "store/blobs.h"
#include "store/key.h"
#include "store/webhooks.h"

#define SRV_JOB_STATUS_LIST(X) \
    X(QUEUED, "queued")        \
    X(RUNNING, "running")      \
    X(SUCCEEDED, "succeeded")  \
    X(FAILED, "failed")        \
    X(CANCELLED, "cancelled")

enum srv_job_status {
#define SRV__ENUM(code, name) SRV_JOB_##code,
    SRV_JOB_STATUS_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_JOB_STATUS_COUNT
};
const char *srv_job_status_name(enum srv_job_status status);
/* SRV_JOB_STATUS_COUNT when there is no such status. */
enum srv_job_status srv_job_status_parse(const char *name);

bool srv_job_has_ended(enum srv_job_status status);

struct srv_job {
    int64_t seq; /* place in the queue and in lists */
    char id[SRV_ID_SIZE], model_id[SRV_ID_SIZE], dataset_id[SRV_ID_SIZE];
    char *name;
    char *labels;            /* a JSON object of texts; NULL for an insert: none */
    int64_t priority;        /* the greater is claimed first */
    char *spec, *plan;       /* JSON; NULL in lists */
    int64_t max_run_seconds; /* it fails when its running time passes that; 0: whenever */
    int64_t run_ms;          /* its running time, attempts before this one included */
    char *search;            /* likewise: where the search for a size is; NULL too: there is none */
    int candidate; /* of that, written for the log: the file in hand from 1, and those done */
    int candidates_done;
    enum srv_job_status status;
    int64_t fence;
    int64_t attempts;
    bool cancel_requested;
    char stage[16]; /* "" before the first */
    double progress;
    int64_t epoch, epochs;
    double images_per_second, seconds_left;               /* NaN: unknown */
    char *error_type, *error_detail;                      /* NULL: none */
    int64_t created_at_ms, started_at_ms, finished_at_ms; /* 0: not yet */
    char owner[SRV_TOKEN_ID_SIZE];                        /* who ordered it; "": no token */
    bool keep;                                            /* it does not expire */
    int64_t artifacts_expired_at_ms;                      /* 0: they have not */
    struct srv_webhook *webhook;                          /* for an insert, owned; NULL: none */
};
void srv_job_clear(struct srv_job *job); /* frees the texts */

/* What an order has beside the engine's spec; ends with NULL. */
extern const char *const srv_order_keys[];

/* Why a job was not inserted. */
enum srv_job_insert {
    SRV_JOB_INSERTED,
    SRV_JOB_MODEL_GONE,
    SRV_JOB_DATASET_GONE,
    SRV_JOB_QUEUE_FULL,
    SRV_JOB_QUOTA_JOBS,  /* its owner's, of jobs that wait */
    SRV_JOB_QUOTA_BYTES, /* likewise: stored bytes leave no room for what the job would make */
    SRV_JOB_KEY_TAKEN    /* another job has the idempotency key */
};
/* Whether the job may be queued: its inputs are there, and places. key NULL: it has none. Within
 * the transaction that queues it. */
FSN_NODISCARD enum fsn_status srv_jobs_check_room(struct srv_db *db, const struct srv_job *job,
                                                  const struct srv_key *key, int64_t max_queued,
                                                  enum srv_job_insert *outcome,
                                                  struct fsn_error *err);
/* Takes id, name, labels, priority, max_run_seconds, model_id, dataset_id, spec, plan, epochs,
 * created_at_ms, owner and webhook of job. */
FSN_NODISCARD enum fsn_status srv_jobs_insert(struct srv_db *db, const struct srv_job *job,
                                              const struct srv_key *key, int64_t max_queued,
                                              enum srv_job_insert *outcome, struct fsn_error *err);
/* The job that was ordered under the key. *found false: none. *same: the order was the same. */
FSN_NODISCARD enum fsn_status srv_jobs_find_key(struct srv_db *db, const struct srv_key *key,
                                                char id[SRV_ID_SIZE], bool *found, bool *same,
                                                struct fsn_error *err);

FSN_NODISCARD enum fsn_status srv_jobs_get(struct srv_db *db, const char *id, struct srv_job *out,
                                           bool *found, struct fsn_error *err);

struct srv_job_filter {
    enum srv_job_status status;      /* SRV_JOB_STATUS_COUNT: any */
    const char *label, *label_value; /* NULL: whatever; label with value NULL: that it has */
    const char *owner;               /* NULL: whoever */
    const char *name, *model_id, *dataset_id; /* NULL: whatever */
};
/* In the page's order, without spec and plan. *out: an array, new, of *count; clear every row and
 * free the array. *next: the place that the next page comes before or after, 0 when there is none.
 */
FSN_NODISCARD enum fsn_status srv_jobs_list(struct srv_db *db, const struct srv_job_filter *filter,
                                            const struct srv_page *page, struct srv_job **out,
                                            size_t *count, int64_t *next, struct fsn_error *err);

/* Takes the oldest queued job of the highest priority whose owner has not as many running as its
 * quota allows: running, attempts + 1, fence + 1, all in one
 * statement. */
FSN_NODISCARD enum fsn_status srv_jobs_claim(struct srv_db *db, int64_t now_ms,
                                             int64_t lease_until_ms, struct srv_job *out,
                                             bool *found, struct fsn_error *err);

FSN_NODISCARD enum fsn_status srv_jobs_extend_lease(struct srv_db *db, const char *id,
                                                    int64_t fence, int64_t lease_until_ms,
                                                    bool *held, struct fsn_error *err);

/* Stage, progress, epochs, speed, time left, search, running time of job; the lease too. *cancel: a
 * client has asked for its end. Reads job->max_run_seconds, which may have been changed. */
FSN_NODISCARD enum fsn_status srv_jobs_set_progress(struct srv_db *db, struct srv_job *job,
                                                    int64_t lease_until_ms, bool *held,
                                                    bool *cancel, struct fsn_error *err);

/* Moves a job from one status to another, if it still has that status and this fence. The fields
 * that go with a status (lease, end, error) are set by the statement. attempts_back is taken off
 * the attempts. error_type and error_detail may be NULL. */
struct srv_job_move {
    const char *id;
    int64_t fence;
    enum srv_job_status from, to;
    int64_t attempts_back;
    int64_t run_ms; /* the running time until now; less than the stored one changes nothing */
    const char *error_type, *error_detail;
};
FSN_NODISCARD enum fsn_status srv_jobs_move(struct srv_db *db, const struct srv_job_move *move,
                                            bool *moved, struct fsn_error *err);

/* Nothing has been done for this queued job: no time, no progress, no wish to cancel it. */
FSN_NODISCARD enum fsn_status srv_jobs_renew(struct srv_db *db, const char *id,
                                             struct fsn_error *err);

/* Asks a running job to stop; *running false: it was not running. */
FSN_NODISCARD enum fsn_status srv_jobs_request_cancel(struct srv_db *db, const char *id,
                                                      bool *running, struct fsn_error *err);

/* Asked within the transaction of a change, of the job as it is then: false forbids the change. */
struct srv_job_condition {
    bool (*holds)(const struct srv_job *job, void *user);
    void *user;
};

/* What a client says of a job may change at any time; NULL: it stays. labels: a JSON object that is
 * merged into the job's (RFC 7396). *changed false, and nothing done: there is no such job, or it
 * would have more than SRV_JOB_MAX_LABELS, or the condition does not hold. */
enum { SRV_JOB_MAX_LABELS = 16 };
struct srv_job_change {
    const char *name, *labels;
    const int64_t *priority, *max_run_seconds; /* of the latter, 0: none */
    const bool *keep;
    const struct srv_job_condition *condition; /* NULL: none */
};
FSN_NODISCARD enum fsn_status srv_jobs_change(struct srv_db *db, const char *id,
                                              const struct srv_job_change *change,
                                              struct srv_job *out, bool *changed,
                                              struct fsn_error *err);

/* Deletes a job that is at its end, with its curve and its files. *status: what it had
 * (SRV_JOB_STATUS_COUNT: no such job); one that is queued or running stays. */
FSN_NODISCARD enum fsn_status srv_jobs_delete(struct srv_blobs *blobs, struct srv_db *db,
                                              const char *id, enum srv_job_status *status,
                                              struct fsn_error *err);

/* The same if the condition, which may be NULL, holds of one that is at its end. */
FSN_NODISCARD enum fsn_status srv_jobs_delete_if(struct srv_blobs *blobs, struct srv_db *db,
                                                 const char *id,
                                                 const struct srv_job_condition *condition,
                                                 enum srv_job_status *status,
                                                 struct fsn_error *err);

/* The running job whose lease ended longest ago, if any ended before now_ms. */
FSN_NODISCARD enum fsn_status srv_jobs_next_expired(struct srv_db *db, int64_t now_ms,
                                                    struct srv_job *out, bool *found,
                                                    struct fsn_error *err);

#endif
