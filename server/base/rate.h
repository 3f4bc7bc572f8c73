/* rate.h - how often someone may come: a minute's worth at once, then at an even pace. */
#ifndef SRV_BASE_RATE_H
#define SRV_BASE_RATE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SRV_RATE_MOST 1000000 /* a minute */

struct srv_rates;

struct srv_rate {
    bool allowed;
    int64_t remaining; /* requests that would still be let through now */
    int64_t retry_s;   /* of one that is not: whole seconds until the next is */
};

/* Errors: NOMEM. */
FSN_NODISCARD enum fsn_status srv_rates_create(struct srv_rates **out, struct fsn_error *err);
void srv_rates_destroy(struct srv_rates *rates); /* NULL is fine */
/* One request of `id` (at most 31 bytes), of which per_minute are allowed, from 1 to SRV_RATE_MOST;
 * what lies outside counts as the nearer of these. Without memory to
 * remember it in it is let through. Any thread. */
struct srv_rate srv_rates_take(struct srv_rates *rates, const char *id, int64_t per_minute,
                               int64_t now_ms);

#endif
