/*
 * coco_json.c - annotations in the JSON of COCO (Lin et al., "Microsoft COCO: Common Objects in
 * Context", ECCV 2014; cocodataset.org, "Data format"), of which this is read:
 *
 *     {"images":      [{"id": 7, "file_name": "a.jpg"}, ..],
 *      "categories":  [{"id": 3, "name": "car"}, ..],
 *      "annotations": [{"image_id": 7, "category_id": 3, "bbox": [x, y, w, h], "iscrowd": 0}, ..]}
 */
#include "data/coco_json.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* What is being read, for messages. */
struct place {
    const char *what, *array;
    size_t index;
};

static enum fsn_status refuse(const struct place *place, const char *reason, struct fsn_error *err)
{
    return FSN__FAIL(err, FSN_FORMAT, "%s: %s[%zu]: %s", place->what, place->array, place->index,
                     reason);
}

static enum fsn_status take_integer(const struct place *place, const json_t *item, const char *key,
                                    int64_t *out, struct fsn_error *err)
{
    const json_t *value = json_object_get(item, key);
    char reason[64];

    if (!json_is_integer(value)) {
        snprintf(reason, sizeof reason, "%s is no integer", key);
        return refuse(place, reason, err);
    }
    *out = json_integer_value(value);
    return FSN_OK;
}

static enum fsn_status take_text(const struct place *place, const json_t *item, const char *key,
                                 char **out, struct fsn_error *err)
{
    const char *text = json_string_value(json_object_get(item, key));
    char reason[64];

    if (!text || !*text) {
        snprintf(reason, sizeof reason, "%s is no text, or an empty one", key);
        return refuse(place, reason, err);
    }
    *out = strdup(text);
    return *out ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status take_category(const struct place *place, const json_t *item,
                                     struct fsn__coco *out, struct fsn_error *err)
{
    struct fsn__coco_category *category = &out->categories[out->category_count++];
    enum fsn_status status = take_integer(place, item, "id", &category->id, err);

    return status == FSN_OK ? take_text(place, item, "name", &category->name, err) : status;
}

static enum fsn_status take_image(const struct place *place, const json_t *item,
                                  struct fsn__coco *out, struct fsn_error *err)
{
    struct fsn__coco_image *image = &out->images[out->image_count++];
    enum fsn_status status = take_integer(place, item, "id", &image->id, err);

    image->file = -1;
    return status == FSN_OK ? take_text(place, item, "file_name", &image->file_name, err) : status;
}

static enum fsn_status take_box(const struct place *place, const json_t *item,
                                struct fsn__coco *out, struct fsn_error *err)
{
    struct fsn__coco_box *box = &out->boxes[out->box_count++];
    double *const sides[] = {&box->x, &box->y, &box->w, &box->h};
    const json_t *bbox = json_object_get(item, "bbox"), *crowd = json_object_get(item, "iscrowd");
    enum fsn_status status = take_integer(place, item, "image_id", &box->image_id, err);

    if (status == FSN_OK)
        status = take_integer(place, item, "category_id", &box->category_id, err);
    if (status != FSN_OK)
        return status;
    if (json_array_size(bbox) != 4)
        return refuse(place, "bbox is not [x, y, width, height]", err);
    for (size_t i = 0; i < 4; i++) {
        if (!json_is_number(json_array_get(bbox, i)))
            return refuse(place, "bbox is not [x, y, width, height]", err);
        *sides[i] = json_number_value(json_array_get(bbox, i));
    }
    box->crowd = json_is_true(crowd) || json_integer_value(crowd) != 0;
    return FSN_OK;
}

/* Room for the array of this name, which has to be there; then each of it. */
static enum fsn_status take_array(const json_t *root, const char *what, const char *name,
                                  size_t item_size, void **items,
                                  enum fsn_status (*take)(const struct place *, const json_t *,
                                                          struct fsn__coco *, struct fsn_error *),
                                  struct fsn__coco *out, struct fsn_error *err)
{
    const json_t *array = json_object_get(root, name);
    struct place place = {what, name, 0};
    enum fsn_status status = FSN_OK;

    if (!json_is_array(array))
        return FSN__FAIL(err, FSN_FORMAT, "%s: there is no array '%s'", what, name);
    *items = calloc(json_array_size(array) + 1, item_size);
    if (!*items)
        return FSN__NOMEM(err);
    for (; place.index < json_array_size(array) && status == FSN_OK; place.index++)
        status = take(&place, json_array_get(array, place.index), out, err);
    return status;
}

enum fsn_status fsn__coco_parse(const void *bytes, size_t size, const char *what,
                                struct fsn__coco *out, struct fsn_error *err)
{
    enum fsn_status status;
    json_error_t error;
    json_t *root;

    if (size > FSN__COCO_MAX_BYTES)
        return FSN__FAIL(err, FSN_LIMIT, "%s: %zu bytes of annotations, at most %d are taken", what,
                         size, FSN__COCO_MAX_BYTES);
    root = json_loadb(bytes, size, 0, &error);
    if (!root)
        return json_error_code(&error) == json_error_out_of_memory
                   ? FSN__NOMEM(err)
                   : FSN__FAIL(err, FSN_FORMAT, "%s: line %d: %s", what, error.line, error.text);
    status = take_array(root, what, "categories", sizeof *out->categories,
                        (void **)&out->categories, take_category, out, err);
    if (status == FSN_OK)
        status = take_array(root, what, "images", sizeof *out->images, (void **)&out->images,
                            take_image, out, err);
    if (status == FSN_OK)
        status = take_array(root, what, "annotations", sizeof *out->boxes, (void **)&out->boxes,
                            take_box, out, err);
    json_decref(root);
    return status;
}

void fsn__coco_clear(struct fsn__coco *coco)
{
    for (int64_t i = 0; i < coco->category_count; i++)
        free(coco->categories[i].name);
    for (int64_t i = 0; i < coco->image_count; i++)
        free(coco->images[i].file_name);
    free(coco->categories);
    free(coco->images);
    free(coco->boxes);
    *coco = (struct fsn__coco){0};
}
