/* webhooks.c - see webhooks.h; and GET /v1/jobs/{id}/deliveries, the log of what was sent. */
#include "handlers/webhooks.h"

#include "base/clock.h"
#include "handlers/faults.h"
#include "handlers/job_json.h"
#include "jobs/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- of an order ----------------------------------------------------------------------------- */

static bool is_event(const char *name)
{
    for (const char *const *event = srv_webhook_events; name && *event; event++)
        if (strcmp(*event, name) == 0)
            return true;
    return false;
}

static void check_events(const json_t *events, struct fsn_faults *faults)
{
    const size_t count = json_array_size(events);

    if (!json_is_array(events)) {
        srv_fault_got(faults, "/webhook/events", events, "must be an array of 1 to %d events",
                      SRV_MAX_DELIVERIES);
        return;
    }
    if (count == 0 || count > SRV_MAX_DELIVERIES) {
        srv_fault(faults, "/webhook/events", "must be an array of 1 to %d events, got %zu",
                  SRV_MAX_DELIVERIES, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *event = json_array_get(events, i);
        char pointer[48];

        snprintf(pointer, sizeof pointer, "/webhook/events/%zu", i);
        if (!is_event(json_string_value(event)))
            srv_fault_got(faults, pointer, event,
                          "must be job.started, job.succeeded, job.failed or job.cancelled");
    }
}

static void check_url(const json_t *url, bool allow_private, struct fsn_faults *faults)
{
    const char *why;

    if (!url) {
        srv_fault(faults, "/webhook/url", "is required: an http or https URL");
        return;
    }
    why = json_is_string(url) ? srv_courier_refuses(json_string_value(url), allow_private)
                              : "must be a string: an http or https URL";
    if (why)
        srv_fault_got(faults, "/webhook/url", url, "%s", why);
}

void srv_webhook_check(const json_t *order, bool allow_private, struct fsn_faults *faults)
{
    json_t *webhook = json_object_get(order, SRV_ORDER_WEBHOOK), *value;
    const char *key;

    if (!webhook)
        return;
    if (!json_is_object(webhook)) {
        srv_fault_got(faults, "/webhook", webhook,
                      "must be an object with url, and perhaps secret and events");
        return;
    }
    check_url(json_object_get(webhook, "url"), allow_private, faults);
    json_object_foreach(webhook, key, value)
    {
        if (strcmp(key, "events") == 0)
            check_events(value, faults);
        else if (strcmp(key, "secret") == 0) {
            if (!json_is_string(value) || !srv_webhook_secret_valid(json_string_value(value)))
                srv_fault(faults, "/webhook/secret",
                          "must be whsec_ and the base64 of %d to %d bytes; what came is not "
                          "repeated here",
                          SRV_WEBHOOK_KEY_LEAST, SRV_WEBHOOK_KEY_MOST);
        } else if (strcmp(key, "url") != 0) {
            char pointer[sizeof faults->item->pointer];

            srv_fault_pointer(pointer, sizeof pointer, "/webhook", key);
            srv_fault(faults, pointer, "is unknown; url, secret and events are known");
        }
    }
}

static json_t *all_events(void)
{
    json_t *events = json_array();

    for (const char *const *event = srv_webhook_events; *event; event++)
        json_array_append_new(events, json_string(*event));
    return events;
}

enum fsn_status srv_webhook_read(const json_t *order, struct srv_webhook **out,
                                 struct fsn_error *err)
{
    const json_t *asked = json_object_get(order, SRV_ORDER_WEBHOOK);
    const char *url = json_string_value(json_object_get(asked, "url"));
    const char *secret = json_string_value(json_object_get(asked, "secret"));
    json_t *events = json_object_get(asked, "events");
    struct srv_webhook *webhook = NULL;
    enum fsn_status status = FSN_OK;

    *out = NULL;
    if (!url)
        return FSN_OK;
    events = events ? json_incref(events) : all_events();
    webhook = calloc(1, sizeof *webhook);
    if (webhook) {
        webhook->url = strdup(url);
        webhook->events = json_dumps(events, JSON_COMPACT);
    }
    json_decref(events);
    if (!webhook || !webhook->url || !webhook->events)
        status = SRV_NOMEM(err);
    else if (secret)
        snprintf(webhook->secret, sizeof webhook->secret, "%s", secret);
    else
        status = srv_webhook_secret_new(webhook->secret, err);
    if (status == FSN_OK)
        *out = webhook;
    else
        srv_webhook_free(webhook);
    return status;
}

json_t *srv_webhook_json(const struct srv_webhook *webhook)
{
    return json_pack("{ss so ss}", "url", webhook->url, "events", srv_stored_json(webhook->events),
                     "secret", webhook->secret);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

char *srv_webhook_body(const struct srv_job *job, const char *event, int64_t happened_ms)
{
    json_t *body = json_pack("{ss so so}", "type", event, "timestamp", srv_time_json(happened_ms),
                             "data", srv_job_live_json(job));
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(body);
    return text;
}

/* ---- the log --------------------------------------------------------------------------------- */

static json_t *delivery_json(const struct srv_delivery *delivery)
{
    return json_pack(
        "{ss ss ss sI so so so so so}", "id", delivery->id, "event", delivery->event, "status",
        srv_delivery_status_name(delivery->status), "attempts", (json_int_t)delivery->attempts,
        "happened_at", srv_time_json(delivery->happened_at_ms), "last_attempt_at",
        srv_time_json(delivery->last_attempt_at_ms), "next_attempt_at",
        srv_time_json(delivery->next_attempt_at_ms), "response_status",
        delivery->response_status ? json_integer(delivery->response_status) : json_null(), "error",
        delivery->error ? json_string(delivery->error) : json_null());
}

enum fsn_status srv_get_job_deliveries(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_delivery rows[SRV_MAX_DELIVERIES] = {0};
    struct srv_webhook *webhook = NULL;
    bool found = false;
    size_t count = 0;
    json_t *items;
    enum fsn_status status = srv_find_job(call, &found, err);

    if (status != FSN_OK || !found)
        return status;
    status = srv_webhooks_get(call->db, id, &webhook, err);
    if (status == FSN_OK)
        status = srv_deliveries_list(call->db, id, rows, &count, err);
    if (status == FSN_OK) {
        items = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(items, delivery_json(&rows[i]));
            srv_delivery_clear(&rows[i]);
        }
        srv_reply_json(call->request, MHD_HTTP_OK,
                       json_pack("{so so so}", "url",
                                 webhook ? json_string(webhook->url) : json_null(), "events",
                                 webhook ? srv_stored_json(webhook->events) : json_array(), "items",
                                 items));
    }
    srv_webhook_free(webhook);
    return status;
}
