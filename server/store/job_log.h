/* job_log.h - what happened to a job, and when. Triggers write it (migrations/0012_job_log.sql):
 * what changes a job has nothing to do for it. */
#ifndef SRV_STORE_JOB_LOG_H
#define SRV_STORE_JOB_LOG_H

#include "store/db.h"

#define SRV_JOB_LOG_ROWS 1000 /* that are kept of a job, the newest */

struct srv_log_row {
    int64_t number; /* from 1, without a gap but at the beginning */
    int64_t at_ms;
    char event[24], stage[16]; /* "": none */
    int64_t attempt;
    int64_t candidate; /* 0: none */
    char *detail;      /* NULL: none */
};

/* The rows after this number, in order; *out is an array, new, freed by srv_job_log_free. */
FSN_NODISCARD enum fsn_status srv_job_log_list(struct srv_db *db, const char *job_id, int64_t after,
                                               struct srv_log_row **out, size_t *count,
                                               struct fsn_error *err);
void srv_job_log_free(struct srv_log_row *rows, size_t count);

/* One thing that no column of the job tells: a warning of its report. */
FSN_NODISCARD enum fsn_status srv_job_log_warn(struct srv_db *db, const char *job_id,
                                               const char *text, struct fsn_error *err);

#endif
