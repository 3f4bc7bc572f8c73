/* sweep.h - removes the work folders of jobs that have ended without their worker. */
#ifndef SRV_JOBS_SWEEP_H
#define SRV_JOBS_SWEEP_H

#include "store/jobs.h"

/* A worker clears up after the jobs it ends. Others end without one: cancelled while they waited
 * for another attempt, or given up after the last. Their folders in work_dir go here, as does
 * anything there that no job has; folders of queued and running jobs stay. */
FSN_NODISCARD enum fsn_status srv_sweep_work(struct srv_db *db, const char *work_dir,
                                             struct fsn_error *err);

/* Removes the folder of this job, if the job is at its end or gone. One that has been queued again
 * meanwhile keeps it, though a worker has it already. */
FSN_NODISCARD enum fsn_status srv_sweep_job(struct srv_db *db, const char *work_dir, const char *id,
                                            struct fsn_error *err);

#endif
