/* jobs_row.h - how a row of table jobs is read, for the files that hold its statements. */
#ifndef SRV_STORE_JOBS_ROW_H
#define SRV_STORE_JOBS_ROW_H

#include "store/jobs.h"

/* In the order in which a row is read. */
#define SRV_JOB_COLUMNS                                                                      \
    "seq, id, name, model_id, dataset_id, status, fence, attempts, cancel_requested, stage," \
    " progress, epoch, epochs, images_per_second, seconds_left, error_type, error_detail,"   \
    " created_at, started_at, finished_at, priority, labels, owner, keep,"                   \
    " artifacts_expired_at, max_run_seconds, run_ms"
#define SRV_JOB_ALL_COLUMNS SRV_JOB_COLUMNS ", spec, plan, search"

/* Ends a query of SRV_JOB_ALL_COLUMNS that gives one job at most. */
FSN_NODISCARD enum fsn_status srv_jobs_take_one(struct srv_query *q, struct srv_job *out,
                                                bool *found, struct fsn_error *err);

#endif
