/* job_fields.c - see job_fields.h; and PATCH /v1/jobs/{id}, which changes them. */
#include "handlers/job_fields.h"

#include "handlers/faults.h"
#include "handlers/job_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 200, MAX_LABEL_KEY = 63, MAX_LABEL_VALUE = 200, MAX_PRIORITY = 100 };
enum { MAX_RUN_SECONDS = 366 * 24 * 3600 };

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void check_text(const json_t *value, const char *pointer, int most,
                       struct fsn_faults *faults)
{
    if (!json_is_string(value))
        srv_fault_got(faults, pointer, value, "must be a string");
    else if (json_string_length(value) > (size_t)most)
        srv_fault(faults, pointer, "must have at most %d bytes, got %zu", most,
                  json_string_length(value));
    else if (!is_printable(json_string_value(value)))
        srv_fault_got(faults, pointer, value, "must have no control characters");
}

/* Such that neither a pointer (RFC 6901) nor a query needs to escape it. */
static bool is_label_key(const char *key)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t length = strlen(key);

    return length > 0 && length <= MAX_LABEL_KEY && strspn(key, allowed) == length;
}

static void check_labels(json_t *labels, bool change, struct fsn_faults *faults)
{
    const char *key;
    json_t *value;

    if (!json_is_object(labels)) {
        srv_fault_got(faults, "/labels", labels, "must be an object of strings");
        return;
    }
    if (!change && json_object_size(labels) > SRV_JOB_MAX_LABELS)
        srv_fault(faults, "/labels", "must have at most %d labels, got %zu", SRV_JOB_MAX_LABELS,
                  json_object_size(labels));
    json_object_foreach(labels, key, value)
    {
        char pointer[sizeof "/labels/" + MAX_LABEL_KEY];

        if (!is_label_key(key)) {
            srv_fault(faults, "/labels",
                      "a label's key has 1 to %d letters, digits, '.', '_' or '-', got '%.64s'",
                      MAX_LABEL_KEY, key);
            continue;
        }
        snprintf(pointer, sizeof pointer, "/labels/%s", key);
        if (!change || !json_is_null(value))
            check_text(value, pointer, MAX_LABEL_VALUE, faults);
    }
}

static void check_priority(const json_t *value, struct fsn_faults *faults)
{
    const json_int_t priority = json_integer_value(value);

    if (!json_is_integer(value) || priority < -MAX_PRIORITY || priority > MAX_PRIORITY)
        srv_fault_got(faults, "/priority", value, "must be a whole number from %d to %d",
                      -MAX_PRIORITY, MAX_PRIORITY);
}

static void check_run_seconds(const json_t *value, struct fsn_faults *faults)
{
    const json_int_t seconds = json_integer_value(value);

    if (!json_is_integer(value) || seconds < 1 || seconds > MAX_RUN_SECONDS)
        srv_fault_got(faults, "/max_run_seconds", value, "must be a whole number from 1 to %d",
                      MAX_RUN_SECONDS);
}

/* A key is named by its pointer (RFC 6901), as the faults of an order name theirs. */
static void check_keys(json_t *root, struct fsn_faults *faults)
{
    const char *key;
    json_t *value;

    json_object_foreach(root, key, value)
    {
        const bool known = strcmp(key, "name") == 0 || strcmp(key, "labels") == 0 ||
                           strcmp(key, "priority") == 0 || strcmp(key, "keep") == 0 ||
                           strcmp(key, "max_run_seconds") == 0;
        char pointer[sizeof faults->item->pointer];

        if (known)
            continue;
        srv_fault_pointer(pointer, sizeof pointer, "", key);
        srv_fault(faults, pointer,
                  "'%.64s' cannot be changed; name, labels, priority, keep and max_run_seconds can",
                  key);
    }
}

void srv_job_fields_check(const json_t *root, bool change, struct fsn_faults *faults)
{
    const json_t *name = json_object_get(root, "name");
    json_t *labels = json_object_get(root, "labels");
    const json_t *priority = json_object_get(root, "priority");
    const json_t *keep = json_object_get(root, "keep");
    const json_t *most = json_object_get(root, "max_run_seconds");

    if (name)
        check_text(name, "/name", MAX_NAME, faults);
    if (labels)
        check_labels(labels, change, faults);
    if (priority)
        check_priority(priority, faults);
    if (keep && !change)
        srv_fault(faults, "/keep", "is no part of an order; PATCH /v1/jobs/{id} sets it");
    else if (keep && !json_is_boolean(keep))
        srv_fault_got(faults, "/keep", keep, "must be true or false");
    if (most && (!change || !json_is_null(most)))
        check_run_seconds(most, faults);
}

/* ---- PATCH ----------------------------------------------------------------------------------- */

/* Nothing was changed: there is no such job, or there would be too many labels. */
static enum fsn_status reply_unchanged(struct srv_call *call, const char *id, struct fsn_error *err)
{
    struct fsn_faults faults = {0};
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status = srv_jobs_get(call->db, id, &job, &found, err);

    srv_job_clear(&job);
    if (status != FSN_OK)
        return status;
    if (!found)
        return srv_reply_unknown(call, "job");
    srv_fault(&faults, "/labels", "the job would have more than %d labels", SRV_JOB_MAX_LABELS);
    srv_reply_faults(call->request, SRV_PROBLEM_INVALID_SPEC, faults.item[0].text, &faults);
    return FSN_OK;
}

static enum fsn_status change(struct srv_call *call, json_t *root, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    const json_t *labels = json_object_get(root, "labels");
    const json_t *priority = json_object_get(root, "priority");
    const int64_t number = json_integer_value(priority);
    const bool keeps = json_is_true(json_object_get(root, "keep"));
    const json_t *most = json_object_get(root, "max_run_seconds");
    const int64_t seconds = json_integer_value(most); /* of null, 0: none */
    char *text = labels ? json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    struct srv_if_match match = {.request = call->request};
    const struct srv_job_condition condition = {srv_job_if_match, &match};
    const struct srv_job_change changes = {.condition = &condition,
                                           .name = json_string_value(json_object_get(root, "name")),
                                           .labels = text,
                                           .priority = priority ? &number : NULL,
                                           .keep = json_object_get(root, "keep") ? &keeps : NULL,
                                           .max_run_seconds = most ? &seconds : NULL};
    struct srv_job job = {0};
    bool changed = false;
    enum fsn_status status = labels && !text ? SRV_NOMEM(err) : FSN_OK;

    if (status == FSN_OK)
        status = srv_jobs_change(call->db, id, &changes, &job, &changed, err);
    free(text);
    if (status == FSN_OK && match.failed)
        return FSN_OK; /* it has been answered */
    if (status == FSN_OK && !changed)
        return reply_unchanged(call, id, err);
    if (status == FSN_OK) {
        srv_reply_job(call->request, MHD_HTTP_OK, &job);
        srv_streams_touch(call->service->streams, id);
    }
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_patch_job(struct srv_call *call, struct fsn_error *err)
{
    const struct srv_body *body = &call->request->body;
    enum fsn_status status = FSN_OK;
    struct fsn_faults faults = {0};
    json_error_t where;
    json_t *root = json_loadb(body->bytes ? body->bytes : "", (size_t)body->size_bytes,
                              JSON_REJECT_DUPLICATES, &where);

    if (!root) {
        srv_reply_problem(call->request, SRV_PROBLEM_MALFORMED_JSON,
                          "not valid JSON: line %d, column %d: %s", where.line, where.column,
                          where.text);
        return FSN_OK;
    }
    if (!json_is_object(root)) {
        srv_fault_got(&faults, "", root,
                      "must be an object with name, labels, priority, keep or max_run_seconds");
    } else {
        check_keys(root, &faults);
        srv_job_fields_check(root, true, &faults);
    }
    if (faults.count > 0)
        srv_reply_refused(call, &faults);
    else
        status = change(call, root, err);
    json_decref(root);
    return status;
}
