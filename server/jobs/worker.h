/* worker.h - the threads that take jobs from the queue, and what others may tell them. */
#ifndef SRV_JOBS_WORKER_H
#define SRV_JOBS_WORKER_H

#include "jobs/runner.h"

struct srv_workers;

/* Instead of a number from 0 to 19: what nothing else on the machine wants. */
enum { SRV_WORKER_NICE_IDLE = 20 };

/* Starts `threads` workers. *runner is copied, what it points to is borrowed until the stop. nice:
 * what is added to the priority number of these threads and of those that their jobs start, so that
 * a request need not wait long for a job's time slice; SRV_WORKER_NICE_IDLE: not at all. Errors:
 * NOMEM. */
FSN_NODISCARD enum fsn_status srv_workers_start(const struct srv_runner *runner,
                                                struct srv_db_pool *dbs, int threads, int nice,
                                                struct srv_workers **out, struct fsn_error *err);

/* There may be something in the queue. Any thread. */
void srv_workers_wake(struct srv_workers *workers);

/* Stops the job at its next step, if a worker has it. The row's cancel_requested is what counts;
 * this makes it quick. Any thread. */
void srv_workers_cancel(struct srv_workers *workers, const char *job_id);

/* The timer's work: extends the leases of the jobs that run here (a long step reports nothing),
 * then queues again what no one works on any more, then clears up after jobs that have ended. */
void srv_workers_tend(struct srv_workers *workers);

/* Interrupts running jobs (they go back to the queue), joins the threads. NULL is fine. */
void srv_workers_stop(struct srv_workers *workers);

#endif
