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
/* ... and whole, with spec and plan. */
json_t *srv_job_json(const struct srv_job *job);
/* Holds, of the call's request (an srv_job_condition for struct srv_if_match), when the job is what
 * If-Match names; else the request is answered. */
struct srv_if_match {
    struct srv_request *request;
    bool failed;
};
bool srv_job_if_match(const struct srv_job *job, void *user);
json_t *srv_epoch_json(const struct fsn_epoch *row);

#endif
