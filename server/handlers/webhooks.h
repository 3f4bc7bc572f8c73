/* webhooks.h - the webhook of an order, and what receivers are sent. */
#ifndef SRV_HANDLERS_WEBHOOKS_H
#define SRV_HANDLERS_WEBHOOKS_H

#include "handlers/api.h"
#include "store/webhooks.h"

/* The order's key; it is no part of the stored spec, which everybody who sees the job may read. */
#define SRV_ORDER_WEBHOOK "webhook"

/* Adds every fault of an order's webhook to faults. */
void srv_webhook_check(const json_t *order, bool allow_private, struct fsn_faults *faults);
/* The webhook of an order without faults: all events where it names none, a new secret where it has
 * none. *out new: srv_webhook_free; NULL: it has no webhook. */
FSN_NODISCARD enum fsn_status srv_webhook_read(const json_t *order, struct srv_webhook **out,
                                               struct fsn_error *err);
/* As the answer to the order shows it, this once with its secret; new. */
json_t *srv_webhook_json(const struct srv_webhook *webhook);
/* What is sent, an srv_hooks_body_fn. */
char *srv_webhook_body(const struct srv_job *job, const char *event, int64_t happened_ms);

#endif
