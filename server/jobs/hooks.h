/* hooks.h - tells the receivers of jobs' events (webhooks) what has happened: a thread that empties
 * the outbox of store/webhooks.h. Each event is sent at least once, and by the same bytes and id
 * each time. */
#ifndef SRV_JOBS_HOOKS_H
#define SRV_JOBS_HOOKS_H

#include "store/jobs.h"

/* The text that is sent, new (free()); NULL: no memory. */
typedef char *srv_hooks_body_fn(const struct srv_job *job, const char *event, int64_t happened_ms);

struct srv_hooks_options {
    struct srv_db_pool *dbs; /* borrowed until the stop */
    srv_hooks_body_fn *body;
    bool allow_private; /* see courier.h */
    int64_t attempts;   /* of each delivery, at most */
};

struct srv_hooks;

/* Errors: NOMEM. *out new: srv_hooks_stop. */
FSN_NODISCARD enum fsn_status srv_hooks_start(const struct srv_hooks_options *options,
                                              struct srv_hooks **out, struct fsn_error *err);
/* There may be something to tell; what is not woken for is found within seconds. Any thread; NULL
 * is fine. */
void srv_hooks_wake(struct srv_hooks *hooks);
/* At once: attempts under way are broken off and made again by the next start. NULL is fine. */
void srv_hooks_stop(struct srv_hooks *hooks);

/* From the end of a failed attempt, the first is 1, to the next: a second, then four times as long
 * each time, and no sooner than the receiver wants (0: it does not say); at most twelve hours. */
int64_t srv_hooks_delay_ms(int64_t attempt, int64_t retry_after_s);

#endif
