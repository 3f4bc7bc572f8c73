/* offload.h - a few threads for requests that take long: checking an upload, planning a job. The
 * threads of the HTTP library stay free for connections meanwhile. */
#ifndef SRV_HTTP_OFFLOAD_H
#define SRV_HTTP_OFFLOAD_H

#include "base/error.h"

struct srv_offload;
typedef void srv_offload_fn(void *argument);

FSN_NODISCARD enum fsn_status srv_offload_create(int threads, struct srv_offload **out,
                                                 struct fsn_error *err);
/* Queues run(argument); where the pool stops before its turn, drop(argument) comes instead, or,
 * with NULL, run all the same. Errors: CANCELLED when the pool is stopping, NOMEM; then neither is
 * called. */
FSN_NODISCARD enum fsn_status srv_offload_submit(struct srv_offload *offload, srv_offload_fn *run,
                                                 srv_offload_fn *drop, void *argument);
/* The same for one of several callers, who take turns (http/turns.h). Errors: LIMIT, too, when
 * `most` of this caller wait already. */
FSN_NODISCARD enum fsn_status srv_offload_submit_of(struct srv_offload *offload, const char *caller,
                                                    int most, srv_offload_fn *run,
                                                    srv_offload_fn *drop, void *argument);
/* Refuses what comes from now on and drops what is queued. */
void srv_offload_close(struct srv_offload *offload);
/* The same, then waits for what runs and ends the threads. */
void srv_offload_stop(struct srv_offload *offload);
void srv_offload_destroy(struct srv_offload *offload); /* after srv_offload_stop; NULL is fine */

#endif
