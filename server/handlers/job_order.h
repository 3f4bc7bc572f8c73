/* job_order.h - what all ways to queue a job have in common. */
#ifndef SRV_HANDLERS_JOB_ORDER_H
#define SRV_HANDLERS_JOB_ORDER_H

#include "handlers/api.h"

/* Gives the text of an order, which lives as long as the request; *text stays NULL when the call
 * has been answered instead. */
typedef enum fsn_status srv_order_fn(struct srv_call *call, const char **text, size_t *size,
                                     struct fsn_error *err);

/* Checks, plans and queues the order that `read` gives, and answers, as POST /v1/jobs has it:
 * dry_run, Idempotency-Key, every refusal. of: what the body alone does not tell of the order, so
 * that under one key only the same is the same. */
FSN_NODISCARD enum fsn_status srv_order_job(struct srv_call *call, const char *of,
                                            srv_order_fn *read, struct fsn_error *err);

/* Answers why a job that is in order was not queued. */
FSN_NODISCARD enum fsn_status srv_reply_no_room(struct srv_call *call, enum srv_job_insert outcome,
                                                struct fsn_error *err);

#endif
