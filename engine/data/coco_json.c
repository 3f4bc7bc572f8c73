/*
 * coco_json.c - annotations in the JSON of COCO (Lin et al., "Microsoft COCO: Common Objects in
 * Context", ECCV 2014; cocodataset.org, "Data format"), of which this is read:
 *
 *     {"images":      [{"id": 7, "file_name": "a.jpg", "width": 640, "height": 480}, ..],
 *      "categories":  [{"id": 3, "name": "car"}, ..],
 *      "annotations": [{"image_id": 7, "category_id": 3, "bbox": [x, y, w, h], "iscrowd": 0}, ..]}
 *
 * An annotation is let go of when its numbers are taken, with its polygons, so the file itself is
 * what takes the most memory.
 */
#include "data/coco_json.h"
#include "data/class_names.h"
#include "data/json_arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 48 }; /* of a value in a message */

/* What is being filled, with the room that its arrays have. */
struct filling {
    struct fsn__coco *out;
    size_t categories, images, boxes;
};

/* Room for one more after `count` items, zeroed; NULL when out of memory. */
static void *next_item(void **items, int64_t count, size_t *room, size_t item_size)
{
    if ((size_t)count == *room) {
        const size_t more = *room ? 2 * *room : 64;
        void *longer = reallocarray(*items, more, item_size);

        if (!longer)
            return NULL;
        *items = longer;
        *room = more;
    }
    return memset((char *)*items + (size_t)count * item_size, 0, item_size);
}

static enum fsn_status take_integer(const struct fsn__json_place *place, const json_t *item,
                                    const char *key, int64_t *out, struct fsn_error *err)
{
    const json_t *value = json_object_get(item, key);
    char shown[SHOWN];

    if (!json_is_integer(value))
        return FSN__JSON_FAIL(err, FSN_FORMAT, place, "%s is no integer but %s", key,
                              fsn__json_shown(value, shown, sizeof shown));
    *out = json_integer_value(value);
    return FSN_OK;
}

static enum fsn_status take_text(const struct fsn__json_place *place, const json_t *item,
                                 const char *key, char **out, struct fsn_error *err)
{
    const json_t *value = json_object_get(item, key);
    const char *text = json_string_value(value);
    char shown[SHOWN];

    if (!text || !*text)
        return FSN__JSON_FAIL(err, FSN_FORMAT, place, "%s is no text but %s", key,
                              fsn__json_shown(value, shown, sizeof shown));
    *out = strdup(text);
    return *out ? FSN_OK : FSN__NOMEM(err);
}

/* A side of an image, which may not be there. */
static enum fsn_status take_side(const struct fsn__json_place *place, const json_t *item,
                                 const char *key, double *out, struct fsn_error *err)
{
    const json_t *value = json_object_get(item, key);
    char shown[SHOWN];

    if (value && !json_is_null(value) && !(json_is_number(value) && json_number_value(value) >= 0))
        return FSN__JSON_FAIL(err, FSN_FORMAT, place, "%s is no number of pixels but %s", key,
                              fsn__json_shown(value, shown, sizeof shown));
    *out = json_number_value(value);
    return FSN_OK;
}

/* 0, 1, false or true; or it is not there. */
static enum fsn_status take_crowd(const struct fsn__json_place *place, const json_t *item,
                                  bool *out, struct fsn_error *err)
{
    const json_t *value = json_object_get(item, "iscrowd");
    const bool number = json_is_integer(value) &&
                        (json_integer_value(value) == 0 || json_integer_value(value) == 1);
    char shown[SHOWN];

    if (value && !json_is_null(value) && !json_is_boolean(value) && !number)
        return FSN__JSON_FAIL(err, FSN_FORMAT, place, "iscrowd is neither 0 nor 1 but %s",
                              fsn__json_shown(value, shown, sizeof shown));
    *out = json_is_true(value) || json_integer_value(value) == 1;
    return FSN_OK;
}

static enum fsn_status take_category(const struct fsn__json_place *place, const json_t *item,
                                     void *user, struct fsn_error *err)
{
    struct filling *filling = user;
    struct fsn__coco *out = filling->out;
    struct fsn__coco_category *category = next_item((void **)&out->categories, out->category_count,
                                                    &filling->categories, sizeof *out->categories);
    char where[320];
    enum fsn_status status;

    if (!category)
        return FSN__NOMEM(err);
    out->category_count++;
    status = take_integer(place, item, "id", &category->id, err);
    if (status == FSN_OK)
        status = take_text(place, item, "name", &category->name, err);
    if (status == FSN_OK && json_string_length(json_object_get(item, "supercategory")) > 0)
        status = take_text(place, item, "supercategory", &category->above, err);
    if (status != FSN_OK)
        return status;
    snprintf(where, sizeof where, "%s: %s[%zu]", place->what, place->array, place->index);
    return fsn__class_name_check(category->name, where, err);
}

static enum fsn_status take_image(const struct fsn__json_place *place, const json_t *item,
                                  void *user, struct fsn_error *err)
{
    struct filling *filling = user;
    struct fsn__coco *out = filling->out;
    struct fsn__coco_image *image =
        next_item((void **)&out->images, out->image_count, &filling->images, sizeof *out->images);
    enum fsn_status status;

    if (!image)
        return FSN__NOMEM(err);
    out->image_count++;
    image->file = -1;
    status = take_integer(place, item, "id", &image->id, err);
    if (status == FSN_OK)
        status = take_side(place, item, "width", &image->width, err);
    if (status == FSN_OK)
        status = take_side(place, item, "height", &image->height, err);
    return status == FSN_OK ? take_text(place, item, "file_name", &image->file_name, err) : status;
}

static enum fsn_status take_sides(const struct fsn__json_place *place, const json_t *item,
                                  struct fsn__coco_box *box, struct fsn_error *err)
{
    double *const sides[] = {&box->x, &box->y, &box->w, &box->h};
    const json_t *bbox = json_object_get(item, "bbox");
    bool good = json_array_size(bbox) == 4;
    char shown[SHOWN];

    for (size_t i = 0; i < 4 && good; i++) {
        good = json_is_number(json_array_get(bbox, i));
        *sides[i] = json_number_value(json_array_get(bbox, i));
    }
    if (!good)
        return FSN__JSON_FAIL(err, FSN_FORMAT, place,
                              "bbox is not [x, y, width, height], four numbers, but %s",
                              fsn__json_shown(bbox, shown, sizeof shown));
    return FSN_OK;
}

static enum fsn_status take_box(const struct fsn__json_place *place, const json_t *item, void *user,
                                struct fsn_error *err)
{
    struct filling *filling = user;
    struct fsn__coco *out = filling->out;
    struct fsn__coco_box *box =
        next_item((void **)&out->boxes, out->box_count, &filling->boxes, sizeof *out->boxes);
    enum fsn_status status;

    if (!box)
        return FSN__NOMEM(err);
    out->box_count++;
    status = take_integer(place, item, "image_id", &box->image_id, err);
    if (status == FSN_OK)
        status = take_integer(place, item, "category_id", &box->category_id, err);
    if (status == FSN_OK)
        status = take_sides(place, item, box, err);
    return status == FSN_OK ? take_crowd(place, item, &box->crowd, err) : status;
}

enum fsn_status fsn__coco_parse(const void *bytes, size_t size, const char *what,
                                struct fsn__coco *out, struct fsn_error *err)
{
    static const struct fsn__json_array arrays[] = {
        {"categories", take_category}, {"images", take_image}, {"annotations", take_box}};
    struct filling filling = {.out = out};

    if (size > FSN__COCO_MAX_BYTES)
        return FSN__FAIL(err, FSN_LIMIT, "%s: %zu bytes of annotations, at most %d are taken", what,
                         size, FSN__COCO_MAX_BYTES);
    return fsn__json_arrays_read(bytes, size, what, arrays, sizeof arrays / sizeof *arrays,
                                 &filling, err);
}

void fsn__coco_clear(struct fsn__coco *coco)
{
    for (int64_t i = 0; i < coco->category_count; i++) {
        free(coco->categories[i].name);
        free(coco->categories[i].above);
    }
    for (int64_t i = 0; i < coco->image_count; i++)
        free(coco->images[i].file_name);
    free(coco->categories);
    free(coco->images);
    free(coco->boxes);
    *coco = (struct fsn__coco){0};
}
