/* webhooks.h - whom a job's events are told to (table webhooks), and what is to be told and was
 * (table deliveries). Rows of the second are written by a trigger of the database, in the statement
 * that changes a job's status: nothing that happens to a job goes unsaid, and nothing is said that
 * did not happen. */
#ifndef SRV_STORE_WEBHOOKS_H
#define SRV_STORE_WEBHOOKS_H

#include "base/id.h"
#include "base/webhook_signature.h"
#include "store/db.h"

/* What can be told; ends with NULL. */
extern const char *const srv_webhook_events[];

struct srv_webhook {
    char *url;
    char secret[SRV_WEBHOOK_SECRET_SIZE];
    char *events; /* a JSON array of names */
};
void srv_webhook_free(struct srv_webhook *webhook); /* NULL is fine */

/* Within the transaction that inserts the job. */
FSN_NODISCARD enum fsn_status srv_webhooks_insert(struct srv_db *db, const char *job_id,
                                                  const struct srv_webhook *webhook,
                                                  struct fsn_error *err);
/* *out NULL: the job has none; else new: srv_webhook_free. */
FSN_NODISCARD enum fsn_status srv_webhooks_get(struct srv_db *db, const char *job_id,
                                               struct srv_webhook **out, struct fsn_error *err);

#define SRV_DELIVERY_STATUS_LIST(X) \
    X(PENDING, "pending")           \
    X(DELIVERED, "delivered")       \
    X(FAILED, "failed")

enum srv_delivery_status {
#define SRV__ENUM(code, name) SRV_DELIVERY_##code,
    SRV_DELIVERY_STATUS_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_DELIVERY_STATUS_COUNT
};
const char *srv_delivery_status_name(enum srv_delivery_status status);

struct srv_delivery {
    char id[SRV_ID_SIZE], job_id[SRV_ID_SIZE], event[24];
    enum srv_delivery_status status;
    int64_t attempts, happened_at_ms;
    int64_t last_attempt_at_ms, next_attempt_at_ms; /* 0: none */
    int64_t response_status;                        /* of the last attempt; 0: no answer */
    char *error; /* why the last attempt failed; NULL: it did not */
    char *body;  /* when taken; NULL: not yet made */
};
void srv_delivery_clear(struct srv_delivery *delivery); /* frees the texts */

/* Of a job, in the order in which they happened, at most as many as there are events. *count of
 * them in out, each to be cleared. */
enum { SRV_MAX_DELIVERIES = 4 };
FSN_NODISCARD enum fsn_status srv_deliveries_list(struct srv_db *db, const char *job_id,
                                                  struct srv_delivery out[SRV_MAX_DELIVERIES],
                                                  size_t *count, struct fsn_error *err);

/* When the next attempt is due, and how many deliveries wait; 0, 0: none. */
FSN_NODISCARD enum fsn_status srv_deliveries_next(struct srv_db *db, int64_t *due_ms,
                                                  int64_t *pending, struct fsn_error *err);

/* Takes the delivery that is due longest: one more attempt, written down before it is made. It is
 * due again at lease_until_ms, in case nobody lives to note how it went. */
FSN_NODISCARD enum fsn_status srv_deliveries_take(struct srv_db *db, int64_t now_ms,
                                                  int64_t lease_until_ms, struct srv_delivery *out,
                                                  bool *found, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_deliveries_set_body(struct srv_db *db, const char *id,
                                                      const char *body, struct fsn_error *err);

/* How an attempt went: id, status, next_attempt_at_ms (if it is still pending), response_status and
 * error of *delivery are written. */
FSN_NODISCARD enum fsn_status
srv_deliveries_note(struct srv_db *db, const struct srv_delivery *delivery, struct fsn_error *err);
/* An attempt that was broken off did not happen: it is due at once. */
FSN_NODISCARD enum fsn_status srv_deliveries_give_back(struct srv_db *db, const char *id,
                                                       int64_t now_ms, struct fsn_error *err);
/* The receiver wants nothing more: what is pending for the job has failed, and nothing is added. */
FSN_NODISCARD enum fsn_status srv_webhooks_end(struct srv_db *db, const char *job_id,
                                               const char *why, struct fsn_error *err);

#endif
