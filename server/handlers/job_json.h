/* job_json.h - jobs and their curves as clients see them. */
#ifndef SRV_HANDLERS_JOB_JSON_H
#define SRV_HANDLERS_JOB_JSON_H

#include "handlers/api.h"
#include "store/results.h"

/* How long after a job's end its files, and the job, go, as its JSON says when; 0: never. Set
 * before threads start. */
void srv_job_json_expiry(int64_t artifacts_ms, int64_t jobs_ms);

/* All are new, NULL when out of memory. A job as lists have it, ... */
json_t *srv_job_state_json(const struct srv_job *job);
/* ... with where its search is, as events have it, ... */
json_t *srv_job_live_json(const struct srv_job *job);
/* What a job has beside that when it is shown whole, for srv_reply_json_with and srv_if_match. */
#define SRV_JOB_MEMBERS(job) \
    ((const struct srv_member[]){{"spec", (job)->spec}, {"plan", (job)->plan}, {NULL, NULL}})
/* Replies the whole job, as every answer that shows one has it. */
void srv_reply_job(struct srv_request *request, unsigned status, const struct srv_job *job);
/* The same of the job that the path names, as it is now; or 404. */
FSN_NODISCARD enum fsn_status srv_reply_job_now(struct srv_call *call, unsigned http_status,
                                                struct fsn_error *err);
/* The job that the path names; *found false: there is none, and 404 is the answer. Zero-initialise
 * *job; srv_job_clear frees. */
FSN_NODISCARD enum fsn_status srv_load_job(struct srv_call *call, struct srv_job *job, bool *found,
                                           struct fsn_error *err);
/* Whether there is that job; else 404 is the answer. */
FSN_NODISCARD enum fsn_status srv_find_job(struct srv_call *call, bool *found,
                                           struct fsn_error *err);
/* Holds, of the call's request (an srv_job_condition for struct srv_if_match), when the job is what
 * If-Match names; else the request is answered. */
struct srv_if_match {
    struct srv_request *request;
    bool failed;
};
bool srv_job_if_match(const struct srv_job *job, void *user);
json_t *srv_epoch_json(const struct fsn_epoch *row);

#endif
