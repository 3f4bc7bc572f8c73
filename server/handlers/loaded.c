/* loaded.c - see loaded.h. Blobs never change, so a digest names what was made of one. */
#include "handlers/loaded.h"

#include "handlers/predict_settings.h"

#include <stdlib.h>
#include <string.h>

static void free_model(void *thing)
{
    struct srv_loaded_model *loaded = thing;

    fsn_predictor_destroy(loaded->predictor);
    fsn_model_destroy(loaded->model);
    free(loaded->key);
    free(loaded);
}

static void free_dataset(void *thing)
{
    fsn_dataset_destroy(thing);
}

/* In the request's arena, or NULL. */
static const char *key_of(struct srv_call *call, const char *sha256, const char *variant)
{
    return srv_arena_printf(&call->request->arena, "%s/%s", sha256, variant ? variant : "");
}

/* By the blob and what of the spec makes another predictor; in the request's arena, or NULL. */
static const char *key_of_model(struct srv_call *call, const char *sha256,
                                const struct fsn_spec *spec)
{
    static const char *const of_detection[] = {"locations", "confidences", "default_boxes"};
    json_t *detection = srv_settings_json(spec, "detection");
    json_t *variant = json_pack("[s?]", spec->output);
    const char *key;
    char *text;

    for (size_t i = 0; i < sizeof of_detection / sizeof *of_detection; i++)
        json_array_append(variant, json_object_get(detection, of_detection[i]));
    text = detection ? json_dumps(variant, JSON_COMPACT) : NULL;
    key = text ? key_of(call, sha256, text) : NULL;
    free(text);
    json_decref(variant);
    json_decref(detection);
    return key;
}

enum fsn_status srv_take_model(struct srv_call *call, const char *sha256,
                               const struct fsn_spec *spec, struct srv_loaded_model **out,
                               struct fsn_error *err)
{
    const char *key = key_of_model(call, sha256, spec);
    struct srv_loaded_model *made = key ? srv_cache_take(call->service->loaded, key) : NULL;
    char path[SRV_PATH_SIZE];
    enum fsn_status status;

    if (made) {
        *out = made;
        return FSN_OK;
    }
    made = key ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return SRV_NOMEM(err);
    made->key = strdup(key);
    status = made->key ? srv_blobs_path(call->service->blobs, sha256, path, err) : SRV_NOMEM(err);
    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, &made->model, err);
    if (status == FSN_OK)
        status = fsn_predictor_create(made->model, spec, &made->predictor, err);
    if (status == FSN_OK)
        *out = made;
    else
        free_model(made);
    return status;
}

void srv_give_model(struct srv_call *call, struct srv_loaded_model *loaded)
{
    struct fsn_predictor_info info;

    if (!loaded)
        return;
    fsn_predictor_info(loaded->predictor, &info);
    srv_cache_give(call->service->loaded, loaded->key, loaded, (int64_t)info.memory_bytes,
                   free_model);
}

enum fsn_status srv_take_dataset(struct srv_call *call, const struct srv_upload *upload,
                                 struct fsn_dataset **out, struct fsn_error *err)
{
    const struct fsn_data_limits limits = {.max_cache = 1}; /* no image is looked at twice */
    const char *key = key_of(call, upload->sha256, upload->format);
    struct fsn_dataset *made = key ? srv_cache_take(call->service->loaded, key) : NULL;
    char path[SRV_PATH_SIZE];
    enum fsn_status status;

    if (made) {
        *out = made;
        return FSN_OK;
    }
    status = key ? srv_blobs_path(call->service->blobs, upload->sha256, path, err) : SRV_NOMEM(err);
    if (status == FSN_OK)
        status = fsn_dataset_open(path, upload->format, &limits, out, err);
    return status;
}

/* Pixels lie in memory; photographs in a file as large as they are, which counts as much. */
static int64_t bytes_of(const struct fsn_dataset *dataset, const struct srv_upload *upload)
{
    struct fsn_dataset_info info;
    int64_t images = 0;

    fsn_dataset_info(dataset, &info);
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        images += info.images[s];
    return info.height > 0 ? images * info.channels * info.height * info.width : upload->size_bytes;
}

void srv_give_dataset(struct srv_call *call, const struct srv_upload *upload,
                      struct fsn_dataset *dataset)
{
    const char *key = key_of(call, upload->sha256, upload->format);

    if (!dataset)
        return;
    if (key)
        srv_cache_give(call->service->loaded, key, dataset, bytes_of(dataset, upload),
                       free_dataset);
    else
        fsn_dataset_destroy(dataset);
}
