/* offload.h - a few threads for requests that take long: checking an upload, planning a job. The
 * threads of the HTTP library stay free for connections meanwhile. */
#ifndef SRV_HTTP_OFFLOAD_H
#define SRV_HTTP_OFFLOAD_H

#include "base/error.h"

struct srv_offload;
typedef void srv_offload_fn(void *argument);

FSN_NODISCARD enum fsn_status srv_offload_create(int threads, struct srv_offload **out,
                                                 struct fsn_error *err);
/* Queues run(argument). Errors: LIMIT when the pool is stopping, NOMEM; then run is not called. */
FSN_NODISCARD enum fsn_status srv_offload_submit(struct srv_offload *offload, srv_offload_fn *run,
                                                 void *argument);
/* Refuses what comes from now on, finishes what was queued, ends the threads. */
void srv_offload_stop(struct srv_offload *offload);
void srv_offload_destroy(struct srv_offload *offload); /* after srv_offload_stop; NULL is fine */

#endif
