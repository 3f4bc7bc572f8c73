/* webhooks.c - see webhooks.h; the trigger that fills the outbox is in migrations/0009. */
#include "store/webhooks.h"

#include <stdlib.h>
#include <string.h>

const char *const srv_webhook_events[] = {"job.started", "job.succeeded", "job.failed",
                                          "job.cancelled", NULL};
_Static_assert(sizeof srv_webhook_events / sizeof *srv_webhook_events == SRV_MAX_DELIVERIES + 1,
               "each event is told once");

static const char *const status_names[] = {
#define SRV__NAME(code, name) name,
    SRV_DELIVERY_STATUS_LIST(SRV__NAME)
#undef SRV__NAME
};

/* In the order in which read_row reads them. */
#define COLUMNS                                                          \
    "id, job_id, event, status, attempts, happened_at, last_attempt_at," \
    " next_attempt_at, response_status, error, body"

const char *srv_delivery_status_name(enum srv_delivery_status status)
{
    return status_names[status];
}

void srv_webhook_free(struct srv_webhook *webhook)
{
    if (!webhook)
        return;
    free(webhook->url);
    free(webhook->events);
    free(webhook);
}

void srv_delivery_clear(struct srv_delivery *delivery)
{
    free(delivery->error);
    free(delivery->body);
    *delivery = (struct srv_delivery){0};
}

enum fsn_status srv_webhooks_insert(struct srv_db *db, const char *job_id,
                                    const struct srv_webhook *webhook, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO webhooks (job_id, url, secret, events) VALUES (?, ?, ?, ?)");
    srv_query_text(&q, job_id);
    srv_query_text(&q, webhook->url);
    srv_query_text(&q, webhook->secret);
    srv_query_text(&q, webhook->events);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_webhooks_get(struct srv_db *db, const char *job_id, struct srv_webhook **out,
                                 struct fsn_error *err)
{
    struct srv_webhook *webhook = calloc(1, sizeof *webhook);
    enum fsn_status status;
    struct srv_query q;
    bool found;

    if (!webhook)
        return SRV_NOMEM(err);
    srv_query_begin(&q, db, "SELECT url, secret, events FROM webhooks WHERE job_id = ?");
    srv_query_text(&q, job_id);
    found = srv_query_row(&q);
    if (found) {
        webhook->url = srv_column_dup(&q, 0);
        srv_column_copy(&q, 1, webhook->secret, sizeof webhook->secret);
        webhook->events = srv_column_dup(&q, 2);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK)
        *out = found ? webhook : NULL;
    if (status != FSN_OK || !found)
        srv_webhook_free(webhook);
    return status;
}

static void read_row(struct srv_query *q, struct srv_delivery *out)
{
    const char *name = srv_column_text(q, 3);
    int status = 0;

    *out = (struct srv_delivery){0};
    while (status < SRV_DELIVERY_FAILED && name && strcmp(name, status_names[status]) != 0)
        status++;
    out->status = (enum srv_delivery_status)status;
    srv_column_copy(q, 0, out->id, sizeof out->id);
    srv_column_copy(q, 1, out->job_id, sizeof out->job_id);
    srv_column_copy(q, 2, out->event, sizeof out->event);
    out->attempts = srv_column_int(q, 4);
    out->happened_at_ms = srv_column_int(q, 5);
    out->last_attempt_at_ms = srv_column_int(q, 6);
    out->next_attempt_at_ms = srv_column_int(q, 7);
    out->response_status = srv_column_int(q, 8);
    out->error = srv_column_dup(q, 9);
    out->body = srv_column_dup(q, 10);
}

enum fsn_status srv_deliveries_list(struct srv_db *db, const char *job_id,
                                    struct srv_delivery out[SRV_MAX_DELIVERIES], size_t *count,
                                    struct fsn_error *err)
{
    enum fsn_status status;
    struct srv_query q;
    size_t n = 0;

    srv_query_begin(&q, db, "SELECT " COLUMNS " FROM deliveries WHERE job_id = ? ORDER BY seq");
    srv_query_text(&q, job_id);
    while (n < SRV_MAX_DELIVERIES && srv_query_row(&q))
        read_row(&q, &out[n++]);
    status = srv_query_end(&q, err);
    while (status != FSN_OK && n > 0)
        srv_delivery_clear(&out[--n]);
    *count = n;
    return status;
}

enum fsn_status srv_deliveries_next(struct srv_db *db, int64_t *due_ms, int64_t *pending,
                                    struct fsn_error *err)
{
    struct srv_query q;

    *due_ms = *pending = 0;
    srv_query_begin(&q, db,
                    "SELECT min(next_attempt_at), count(*) FROM deliveries"
                    " WHERE status = 'pending'");
    if (srv_query_row(&q)) {
        *due_ms = srv_column_int(&q, 0);
        *pending = srv_column_int(&q, 1);
    }
    return srv_query_end(&q, err);
}

enum fsn_status srv_deliveries_take(struct srv_db *db, int64_t now_ms, int64_t lease_until_ms,
                                    struct srv_delivery *out, bool *found, struct fsn_error *err)
{
    struct srv_delivery row = {0};
    enum fsn_status status;
    struct srv_query q;
    bool any;

    srv_query_begin(&q, db,
                    "UPDATE deliveries SET attempts = attempts + 1, last_attempt_at = ?1,"
                    " next_attempt_at = ?2 WHERE seq = (SELECT seq FROM deliveries"
                    " WHERE status = 'pending' AND next_attempt_at <= ?1"
                    " ORDER BY next_attempt_at, seq LIMIT 1) RETURNING " COLUMNS);
    srv_query_int(&q, now_ms);
    srv_query_int(&q, lease_until_ms);
    any = srv_query_row(&q);
    if (any)
        read_row(&q, &row);
    status = srv_query_run(&q, NULL, err);
    if (status != FSN_OK) {
        srv_delivery_clear(&row);
        return status;
    }
    *out = row;
    *found = any;
    return FSN_OK;
}

enum fsn_status srv_deliveries_set_body(struct srv_db *db, const char *id, const char *body,
                                        struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "UPDATE deliveries SET body = ? WHERE id = ?");
    srv_query_text(&q, body);
    srv_query_text(&q, id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_deliveries_note(struct srv_db *db, const struct srv_delivery *delivery,
                                    struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE deliveries SET status = ?1,"
                    " next_attempt_at = iif(?1 = 'pending', ?2, NULL),"
                    " response_status = nullif(?3, 0), error = ?4 WHERE id = ?5");
    srv_query_text(&q, status_names[delivery->status]);
    srv_query_int(&q, delivery->next_attempt_at_ms);
    srv_query_int(&q, delivery->response_status);
    srv_query_text(&q, delivery->error);
    srv_query_text(&q, delivery->id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_deliveries_give_back(struct srv_db *db, const char *id, int64_t now_ms,
                                         struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE deliveries SET attempts = attempts - 1, next_attempt_at = ?"
                    " WHERE id = ? AND status = 'pending'");
    srv_query_int(&q, now_ms);
    srv_query_text(&q, id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_webhooks_end(struct srv_db *db, const char *job_id, const char *why,
                                 struct fsn_error *err)
{
    enum fsn_status status = srv_db_begin(db, err);
    struct srv_query q;

    if (status != FSN_OK)
        return status;
    srv_query_begin(&q, db, "UPDATE webhooks SET gone = 1 WHERE job_id = ?");
    srv_query_text(&q, job_id);
    status = srv_query_run(&q, NULL, err);
    if (status == FSN_OK) {
        srv_query_begin(&q, db,
                        "UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, error = ?"
                        " WHERE job_id = ? AND status = 'pending'");
        srv_query_text(&q, why);
        srv_query_text(&q, job_id);
        status = srv_query_run(&q, NULL, err);
    }
    return srv_db_end(db, status, err);
}
