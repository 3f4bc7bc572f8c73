/*
 * job_plan.c - see job_plan.h.
 *
 * A job that cannot work is to be refused now, with every reason, and not after an hour in the
 * queue. Three judges add to one list of faults: the spec's own rules (fsn_spec_from_json), the ids
 * (here), and model and data together (fsn_plan_create, fsn_data_fits). The last can only speak
 * when the first two had no objection to what it needs.
 *
 * How many shares the work is cut into, the spec's `threads`, is part of the result's identity
 * (sums are added share by share), so it is fixed here, in the stored spec: a job resumed on
 * another day computes the same bytes. How many cores then work on them is the engine's matter.
 */
#include "handlers/job_plan.h"

#include "handlers/dataset_info.h"
#include "handlers/faults.h"
#include "handlers/job_fields.h"
#include "handlers/webhooks.h"
#include "store/uploads.h"

#include <stdlib.h>
#include <string.h>

struct order {
    struct srv_call *call;
    json_t *root; /* the body */
    struct fsn_spec spec;
    bool spec_ok; /* spec is valid, and to be cleared */
    struct srv_upload model, dataset;
    bool has_model, has_dataset;
    struct fsn_faults *faults;
};

/* ---- the ids ------------------------------------------------------------------------------- */

static enum fsn_status find_upload(struct order *order, const char *key, enum srv_upload_kind kind,
                                   struct srv_upload *out, bool *found, struct fsn_error *err)
{
    const char *noun = kind == SRV_UPLOAD_MODEL ? "model" : "data set";
    const json_t *id = json_object_get(order->root, key);
    char pointer[32] = "/";
    enum fsn_status status;

    strncat(pointer, key, sizeof pointer - 2);
    *found = false;
    if (!json_is_string(id)) {
        if (id)
            srv_fault_got(order->faults, pointer, id, "must be a string, the id of a %s", noun);
        else
            srv_fault(order->faults, pointer, "is required: the id of a %s", noun);
        return FSN_OK;
    }
    status = srv_uploads_get(order->call->db, kind, json_string_value(id), out, found, err);
    if (status == FSN_OK && *found)
        *found = srv_caller_sees(&order->call->request->caller, out->owner);
    if (status == FSN_OK && !*found)
        srv_fault(order->faults, pointer, "no %s has the id '%.64s'", noun, json_string_value(id));
    return status;
}

/* ---- model and data ------------------------------------------------------------------------ */

static enum fsn_status check_data(struct order *order, const struct fsn_model *model,
                                  struct fsn_error *err)
{
    struct fsn_dataset_info info;
    int64_t *storage = NULL;
    enum fsn_status status = srv_dataset_info_read(order->dataset.info, &info, &storage, err);

    if (status == FSN_OK)
        fsn_data_fits(model, &info, &order->spec, order->faults);
    free(storage);
    return status;
}

/* *json is new, and NULL when there were faults. */
static enum fsn_status plan(struct order *order, char **json, struct fsn_error *err)
{
    size_t before = order->faults->count;
    struct fsn_model *model = NULL;
    struct fsn_error cause = {0};
    struct fsn_plan *result = NULL;
    char path[SRV_PATH_SIZE];
    enum fsn_status status;

    status = srv_blobs_path(order->call->service->blobs, order->model.sha256, path, err);
    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, &model, err);
    if (status != FSN_OK)
        return status;
    status = fsn_plan_create(model, &order->spec, &result, order->faults, &cause);
    if (status == FSN_OK) {
        status = fsn_plan_json(result, json, err);
    } else if (srv_problem_http_status(srv_problem_of_status(status)) < 500) {
        if (order->faults->count == before) /* every refusal is in the list */
            srv_fault(order->faults, "", "%s", cause.text);
        status = FSN_OK;
    } else {
        *err = cause;
    }
    if (status == FSN_OK && order->has_dataset)
        status = check_data(order, model, err);
    fsn_plan_destroy(result);
    fsn_model_destroy(model);
    return status;
}

/* ---- the row ------------------------------------------------------------------------------- */

/* The spec with every default written out, and our own keys. New, NULL when out of memory. */
static enum fsn_status canonical_spec(struct order *order, char **out, struct fsn_error *err)
{
    char *engine_text = NULL, *text = NULL;
    json_t *spec = NULL, *whole = json_object();
    enum fsn_status status;

    for (const char *const *key = srv_order_keys; *key; key++)
        if (strcmp(*key, SRV_ORDER_WEBHOOK) != 0 && json_object_get(order->root, *key))
            json_object_set(whole, *key, json_object_get(order->root, *key));
    status = fsn_spec_to_json(&order->spec, &engine_text, err);
    if (status == FSN_OK) {
        spec = json_loads(engine_text, 0, NULL);
        if (whole && spec && json_object_update(whole, spec) == 0)
            text = json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(17));
        status = text ? FSN_OK : SRV_NOMEM(err);
    }
    if (status == FSN_OK)
        *out = text;
    json_decref(spec);
    json_decref(whole);
    free(engine_text);
    return status;
}

static enum fsn_status fill_job(struct order *order, char *plan_json, struct srv_job *job,
                                struct fsn_error *err)
{
    const char *name = json_string_value(json_object_get(order->root, "name"));
    const json_t *labels = json_object_get(order->root, "labels");
    struct srv_job result = {
        .epochs = order->spec.finetune.epochs,
        .priority = json_integer_value(json_object_get(order->root, "priority")),
        .max_run_seconds = json_integer_value(json_object_get(order->root, "max_run_seconds"))};
    enum fsn_status status;

    if (order->spec.threads == 0)
        order->spec.threads = order->call->service->job_threads;
    memcpy(result.model_id, order->model.id, sizeof result.model_id);
    memcpy(result.dataset_id, order->dataset.id, sizeof result.dataset_id);
    status = canonical_spec(order, &result.spec, err);
    if (status == FSN_OK) {
        result.name = strdup(name ? name : "");
        result.labels = labels ? json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
        result.plan = strdup(plan_json);
        if (!result.name || !result.labels || !result.plan)
            status = SRV_NOMEM(err);
    }
    if (status == FSN_OK)
        status = srv_webhook_read(order->root, &result.webhook, err);
    if (status == FSN_OK)
        *job = result;
    else
        srv_job_clear(&result);
    return status;
}

static enum fsn_status check_order(struct order *order, struct srv_job *job, struct fsn_error *err)
{
    char *plan_json = NULL;
    enum fsn_status status;

    srv_job_fields_check(order->root, false, order->faults);
    srv_webhook_check(order->root, order->call->service->webhook_allow_private, order->faults);
    status =
        find_upload(order, "model_id", SRV_UPLOAD_MODEL, &order->model, &order->has_model, err);
    if (status == FSN_OK)
        status = find_upload(order, "dataset_id", SRV_UPLOAD_DATASET, &order->dataset,
                             &order->has_dataset, err);
    if (status == FSN_OK && order->spec_ok && order->has_model)
        status = plan(order, &plan_json, err);
    if (status == FSN_OK && order->faults->count == 0)
        status = fill_job(order, plan_json, job, err);
    free(plan_json);
    return status;
}

enum fsn_status srv_plan_job(struct srv_call *call, const char *body, size_t size,
                             struct srv_job *job, struct fsn_faults *faults, struct fsn_error *err)
{
    struct order order = {.call = call, .faults = faults};
    struct fsn_error cause = {0};
    enum fsn_status status =
        fsn_spec_from_json(body, size, srv_order_keys, &order.spec, faults, &cause);

    order.spec_ok = status == FSN_OK;
    if (status != FSN_OK && status != FSN_INVALID) {
        *err = cause;
        return status;
    }
    status = FSN_OK;
    order.root = json_loadb(body, size, JSON_DECODE_ANY, NULL);
    /* What is not an object has one fault, and the engine has told it. */
    if (json_is_object(order.root))
        status = check_order(&order, job, err);
    if (order.spec_ok)
        fsn_spec_clear(&order.spec);
    srv_upload_clear(&order.model);
    srv_upload_clear(&order.dataset);
    json_decref(order.root);
    return status;
}
