/* dataset_json.c - what a person is shown of a data set. */
#include "data/dataset.h"

#include <string.h>

#include <jansson.h>

static const char *const split_names[FSN_SPLIT_COUNT] = {
    [FSN_SPLIT_TRAIN] = "train",
    [FSN_SPLIT_TEST] = "test",
};

/* {"images": n, "per_class": [..], "objects": null or counts, "pixels": null or counts}; new, or
 * NULL when out of memory. */
static json_t *split_json(const struct fsn_dataset *dataset, enum fsn_split split)
{
    const struct fsn__images *images = &dataset->split[split];
    const struct fsn_object_counts *objects = &dataset->objects[split];
    const struct fsn_pixel_counts *pixels = &dataset->pixels[split];
    const int classes = dataset->classes;
    json_t *per_class = json_array();
    int failed = !per_class;

    for (int i = 0; i < classes && !failed; i++)
        failed = json_array_append_new(per_class, json_integer(images->per_class[i]));
    if (failed) {
        json_decref(per_class);
        return NULL;
    }
    return json_pack(
        "{s:I, s:o, s:o, s:o}", "images", (json_int_t)images->count, "per_class", per_class,
        "objects",
        dataset->detection
            ? json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)objects->count, "difficult",
                        (json_int_t)objects->difficult, "truncated", (json_int_t)objects->truncated,
                        "empty", (json_int_t)objects->empty)
            : json_null(),
        "pixels",
        dataset->segmentation ? json_pack("{s:I, s:I}", "labelled", (json_int_t)pixels->labelled,
                                          "void", (json_int_t)pixels->none)
                              : json_null());
}

/* Height and width are null where images have any size. */
static json_t *image_json(const struct fsn_dataset *dataset)
{
    const bool sized = dataset->height > 0;

    return json_pack("{s:i, s:o, s:o, s:[i,i], s:[i,i]}", "channels", dataset->channels, "height",
                     sized ? json_integer(dataset->height) : json_null(), "width",
                     sized ? json_integer(dataset->width) : json_null(), "height_range",
                     dataset->height_range.min, dataset->height_range.max, "width_range",
                     dataset->width_range.min, dataset->width_range.max);
}

/* {"count": n, "listed": [the first ones]}; null where images have no boxes. */
static json_t *bad_boxes_json(const struct fsn_dataset *dataset)
{
    const struct fsn_bad_boxes *bad = &dataset->bad_boxes;
    json_t *listed;

    if (!dataset->detection)
        return json_null();
    listed = json_array();
    for (int64_t i = 0; listed && i < bad->count && i < FSN_MAX_BAD_BOXES; i++) {
        const struct fsn_bad_box *box = &bad->listed[i];

        if (json_array_append_new(listed,
                                  json_pack("{s:s, s:s, s:[f,f,f,f], s:s}", "image", box->image,
                                            "class", box->class_name, "box", box->given[0],
                                            box->given[1], box->given[2], box->given[3], "fault",
                                            fsn_box_fault_name(box->fault))) != 0) {
            json_decref(listed);
            return NULL;
        }
    }
    return json_pack("{s:I, s:o}", "count", (json_int_t)bad->count, "listed", listed);
}

/* {"number": 0 or 1, "annotation": what says 0, or null}; null where boxes are not Pascal VOC's. */
static json_t *first_pixel_json(const struct fsn_dataset *dataset)
{
    if (strcmp(dataset->format, "voc") != 0)
        return json_null();
    return json_pack("{s:i, s:s?}", "number", dataset->first_pixel, "annotation",
                     dataset->first_pixel_file);
}

static json_t *class_names_json(const struct fsn_dataset *dataset)
{
    json_t *names;

    if (!dataset->class_names)
        return json_null();
    names = json_array();
    for (int i = 0; names && i < dataset->classes; i++) {
        if (json_array_append_new(names, json_string(dataset->class_names[i])) != 0) {
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

enum fsn_status fsn_dataset_summary_json(const struct fsn_dataset *dataset, char **json,
                                         struct fsn_error *err)
{
    json_t *splits = json_object(), *root = NULL;
    int failed = !splits;
    char *text = NULL;

    for (int s = 0; s < FSN_SPLIT_COUNT && !failed; s++)
        failed =
            json_object_set_new(splits, split_names[s], split_json(dataset, (enum fsn_split)s));
    if (!failed)
        root = json_pack("{s:s, s:o, s:i, s:o, s:O, s:b, s:I, s:o, s:o}", "format", dataset->format,
                         "image", image_json(dataset), "classes", dataset->classes, "class_names",
                         class_names_json(dataset), "splits", splits, "split_made",
                         dataset->split_made, "unused_images", (json_int_t)dataset->unused_images,
                         "bad_boxes", bad_boxes_json(dataset), "first_pixel",
                         first_pixel_json(dataset));
    if (root)
        text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    json_decref(splits);
    if (!text)
        return FSN__NOMEM(err);
    *json = text;
    return FSN_OK;
}
