/* runner.h - one claimed job from its row through the engine to its rows. */
#ifndef SRV_JOBS_RUNNER_H
#define SRV_JOBS_RUNNER_H

#include "http/stream.h"
#include "jobs/hooks.h"
#include "jobs/queue.h"
#include "store/blobs.h"

#include <stdatomic.h>

struct srv_runner {
    struct srv_blobs *blobs;
    struct srv_streams *streams; /* touched by the id of a job that changes */
    struct srv_hooks *hooks;     /* woken when its status changes */
    const char *work_dir;        /* DIR/work */
    int64_t lease_ms, max_attempts;
};

/* What others tell the thread that runs a job. */
struct srv_run_signals {
    atomic_bool cancel; /* a client asked */
    atomic_bool stop;   /* the server stops */
};

/* Runs a claimed job to an end: succeeded, failed, cancelled, or queued again. Errors that are the
 * job's end up in its row; what the store refuses is logged, and the lease's end brings the job
 * back. */
void srv_run_job(const struct srv_runner *runner, struct srv_db *db, struct srv_job *job,
                 struct srv_run_signals *signals);

#endif
