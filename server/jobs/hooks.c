/*
 * hooks.c - see hooks.h.
 *
 * An attempt is written down before it is made, with a time at which the delivery is due again;
 * what becomes of it is noted after. So a crash in between costs a wait and perhaps a repetition,
 * which the receiver knows by webhook-id, and never a loss.
 */
#include "jobs/hooks.h"

#include "base/clock.h"
#include "base/counters.h"
#include "jobs/courier.h"
#include "log.h"
#include "store/webhooks.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    FIRST_DELAY_MS = 1000,
    LONGEST_DELAY_MS = 12 * 3600 * 1000,
    LOOK_MS = 2000, /* for what nobody woke us for */
    LEASE_MS = SRV_COURIER_TIMEOUT_MS + 15000,
    STATUS_GONE = 410,
    STATUS_TOO_MANY = 429,
    STATUS_UNAVAILABLE = 503,
};

struct srv_hooks {
    struct srv_hooks_options options;
    struct srv_courier *courier;
    uv_thread_t thread;
    atomic_bool stopping;
    struct srv_db *db;                                /* of the thread; NULL: none at hand */
    struct srv_delivery *under_way[SRV_COURIER_ROOM]; /* of the thread; NULL: free */
};

int64_t srv_hooks_delay_ms(int64_t attempt, int64_t retry_after_s)
{
    int64_t delay_ms = FIRST_DELAY_MS;

    for (int64_t i = 1; i < attempt && delay_ms < LONGEST_DELAY_MS; i++)
        delay_ms *= 4;
    if (retry_after_s > LONGEST_DELAY_MS / 1000)
        return LONGEST_DELAY_MS;
    if (delay_ms < 1000 * retry_after_s)
        delay_ms = 1000 * retry_after_s;
    return delay_ms < LONGEST_DELAY_MS ? delay_ms : LONGEST_DELAY_MS;
}

static void log_trouble(const char *what, const struct fsn_error *err)
{
    SRV_LOG(SRV_LOG_ERROR, what, SRV_TEXT("detail", err->text));
}

/* ---- how an attempt went --------------------------------------------------------------------- */

/* As the counter has them; a text's address tells it. */
enum outcome { DELIVERED, RETRY, FAILED, GONE, OUTCOME_COUNT };
static const char *const outcome_names[] = {"delivered", "retry", "failed", "gone"};

static void count(enum outcome outcome, int add)
{
    srv_count(SRV_COUNT_WEBHOOKS, &(struct srv_labels){{outcome_names[outcome]}, 0}, add);
}

/* What follows is put into *delivery. */
static enum outcome judge(const struct srv_hooks *hooks, struct srv_delivery *delivery,
                          const struct srv_courier_answer *got)
{
    const int answer = got->http_status;
    const bool waits = answer == STATUS_TOO_MANY || answer == STATUS_UNAVAILABLE;

    if (answer >= 200 && answer < 300) {
        delivery->status = SRV_DELIVERY_DELIVERED;
        return DELIVERED;
    }
    if (answer == STATUS_GONE || delivery->attempts >= hooks->options.attempts) {
        delivery->status = SRV_DELIVERY_FAILED;
        return answer == STATUS_GONE ? GONE : FAILED;
    }
    delivery->status = SRV_DELIVERY_PENDING;
    delivery->next_attempt_at_ms =
        srv_now_ms() + srv_hooks_delay_ms(delivery->attempts, waits ? got->retry_after_s : 0);
    return RETRY;
}

static char *reason(const struct srv_courier_answer *got)
{
    const int http_status = got->http_status;
    const char *why = got->why;
    char text[160];

    if (http_status >= 200 && http_status < 300)
        return NULL;
    if (http_status == STATUS_GONE)
        why = "the receiver answered 410 Gone: it is told nothing more of this job";
    else if (http_status >= 300 && http_status < 400)
        why = "the receiver redirects, which is not followed";
    else if (http_status > 0)
        why = "the receiver did not answer with a status of 200 to 299";
    snprintf(text, sizeof text, "%s", why);
    return strdup(text);
}

/* Notes the end of an attempt; the delivery is let go. */
static void conclude(struct srv_hooks *hooks, struct srv_delivery *delivery,
                     const struct srv_courier_answer *got)
{
    struct fsn_error err = {0};
    enum outcome outcome;
    enum fsn_status status;

    free(delivery->error);
    delivery->error = reason(got);
    delivery->response_status = got->http_status;
    outcome = judge(hooks, delivery, got);
    count(outcome, 1);
    SRV_LOG(delivery->error ? SRV_LOG_WARN : SRV_LOG_INFO, "webhook sent",
            SRV_TEXT("job", delivery->job_id), SRV_TEXT("told", delivery->event),
            SRV_TEXT("outcome", outcome_names[outcome]), SRV_INT("attempt", delivery->attempts),
            SRV_INT("status", got->http_status));
    status = srv_deliveries_note(hooks->db, delivery, &err);
    if (status == FSN_OK && got->http_status == STATUS_GONE)
        status = srv_webhooks_end(hooks->db, delivery->job_id, delivery->error, &err);
    if (status != FSN_OK) /* its lease runs out, and it is sent again */
        log_trouble("webhook's outcome not stored", &err);
    srv_delivery_clear(delivery);
    free(delivery);
}

static void on_end(void *letter, const struct srv_courier_answer *answer, void *user)
{
    struct srv_hooks *hooks = user;
    struct srv_delivery *delivery = letter;

    for (size_t i = 0; i < SRV_COURIER_ROOM; i++)
        if (hooks->under_way[i] == delivery)
            hooks->under_way[i] = NULL;
    conclude(hooks, delivery, answer);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* All later attempts send what the first did. */
static enum fsn_status make_body(struct srv_hooks *hooks, struct srv_delivery *delivery,
                                 struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status = srv_jobs_get(hooks->db, delivery->job_id, &job, &found, err);

    if (status == FSN_OK && !found)
        status = SRV_FAIL(err, FSN_CANCELLED, "the job was deleted");
    if (status == FSN_OK) {
        delivery->body = hooks->options.body(&job, delivery->event, delivery->happened_at_ms);
        status = delivery->body
                     ? srv_deliveries_set_body(hooks->db, delivery->id, delivery->body, err)
                     : SRV_NOMEM(err);
    }
    srv_job_clear(&job);
    return status;
}

static enum fsn_status post(struct srv_hooks *hooks, struct srv_delivery *delivery,
                            const struct srv_webhook *webhook, struct fsn_error *err)
{
    const int64_t now_s = srv_now_ms() / 1000;
    char id[64], time[64], signature[128], value[SRV_WEBHOOK_SIGNATURE_SIZE];
    const char *const headers[] = {id, time, signature, NULL};
    enum fsn_status status =
        srv_webhook_sign(webhook->secret, delivery->id, now_s, delivery->body, value, err);

    if (status != FSN_OK)
        return status;
    snprintf(id, sizeof id, "webhook-id: %s", delivery->id);
    snprintf(time, sizeof time, "webhook-timestamp: %" PRId64, now_s);
    snprintf(signature, sizeof signature, "webhook-signature: %s", value);
    return srv_courier_send(
        hooks->courier, &(struct srv_letter){webhook->url, delivery->body, headers}, delivery, err);
}

/* Begins an attempt; after a failure of ours the lease's end brings it back. Takes over delivery.
 */
static void begin(struct srv_hooks *hooks, struct srv_delivery *delivery)
{
    struct srv_webhook *webhook = NULL;
    struct fsn_error err = {0};
    enum fsn_status status = srv_webhooks_get(hooks->db, delivery->job_id, &webhook, &err);
    size_t place = 0;

    if (webhook) {
        status = delivery->body ? FSN_OK : make_body(hooks, delivery, &err);
        if (status == FSN_OK)
            status = post(hooks, delivery, webhook, &err);
    } else if (status == FSN_OK) {
        status = FSN_CANCELLED; /* the job has just been deleted */
    }
    srv_webhook_free(webhook);
    if (status != FSN_OK) {
        if (status != FSN_CANCELLED)
            log_trouble("webhook not sent", &err);
        srv_delivery_clear(delivery);
        free(delivery);
        return;
    }
    while (hooks->under_way[place])
        place++;
    hooks->under_way[place] = delivery;
}

/* Begins what is due, as far as there is room; *wait_ms until the next look. */
static enum fsn_status begin_due(struct srv_hooks *hooks, int *wait_ms, struct fsn_error *err)
{
    int64_t due_ms = 0, pending = 0;
    enum fsn_status status = srv_deliveries_next(hooks->db, &due_ms, &pending, err);
    bool found = status == FSN_OK && pending > 0 && due_ms <= srv_now_ms();

    *wait_ms = LOOK_MS;
    while (status == FSN_OK && found && srv_courier_room(hooks->courier) > 0) {
        struct srv_delivery *delivery = calloc(1, sizeof *delivery);
        const int64_t now_ms = srv_now_ms();

        if (!delivery)
            return SRV_NOMEM(err);
        status = srv_deliveries_take(hooks->db, now_ms, now_ms + LEASE_MS, delivery, &found, err);
        if (status == FSN_OK && found)
            begin(hooks, delivery);
        else
            free(delivery);
    }
    if (status == FSN_OK && pending > 0 && !found && due_ms > srv_now_ms() &&
        due_ms - srv_now_ms() < LOOK_MS)
        *wait_ms = (int)(due_ms - srv_now_ms()) + 1;
    return status;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void give_back(struct srv_hooks *hooks)
{
    for (size_t i = 0; i < SRV_COURIER_ROOM; i++) {
        struct srv_delivery *delivery = hooks->under_way[i];
        struct fsn_error err = {0};

        if (!delivery)
            continue;
        if (srv_deliveries_give_back(hooks->db, delivery->id, srv_now_ms(), &err) != FSN_OK)
            log_trouble("webhook not given back", &err);
        srv_delivery_clear(delivery);
        free(delivery);
    }
}

static void work(void *user)
{
    struct srv_hooks *hooks = user;

    while (!atomic_load(&hooks->stopping)) {
        struct fsn_error err = {0};
        int wait_ms = LOOK_MS;

        if (begin_due(hooks, &wait_ms, &err) != FSN_OK)
            log_trouble("webhooks cannot be read", &err);
        srv_courier_turn(hooks->courier, wait_ms, on_end, hooks);
    }
    give_back(hooks);
}

static void hooks_free(struct srv_hooks *hooks)
{
    srv_courier_destroy(hooks->courier);
    srv_db_release(hooks->options.dbs, hooks->db);
    free(hooks);
}

enum fsn_status srv_hooks_start(const struct srv_hooks_options *options, struct srv_hooks **out,
                                struct fsn_error *err)
{
    struct srv_hooks *hooks = calloc(1, sizeof *hooks);
    enum fsn_status status;

    if (!hooks)
        return SRV_NOMEM(err);
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        count((enum outcome)outcome, 0); /* there from the start: a first failure is a rise */
    hooks->options = *options;
    status = srv_db_acquire(options->dbs, &hooks->db, err);
    if (status == FSN_OK)
        status = srv_courier_create(options->allow_private, &hooks->courier, err);
    if (status == FSN_OK && uv_thread_create(&hooks->thread, work, hooks) != 0)
        status = SRV_FAIL(err, FSN_NOMEM, "cannot start the thread of webhooks");
    if (status == FSN_OK)
        *out = hooks;
    else
        hooks_free(hooks);
    return status;
}

void srv_hooks_wake(struct srv_hooks *hooks)
{
    if (hooks)
        srv_courier_wake(hooks->courier);
}

void srv_hooks_stop(struct srv_hooks *hooks)
{
    if (!hooks)
        return;
    atomic_store(&hooks->stopping, true);
    srv_courier_wake(hooks->courier);
    uv_thread_join(&hooks->thread);
    hooks_free(hooks);
}
