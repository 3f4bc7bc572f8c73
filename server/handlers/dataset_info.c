/* dataset_info.c - see dataset_info.h. */
#include "handlers/dataset_info.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CLASSES 65536

static json_t *counts_json(const int64_t *counts, int classes)
{
    json_t *array = json_array();

    for (int i = 0; i < classes; i++)
        json_array_append_new(array, json_integer((json_int_t)counts[i]));
    return array;
}

char *srv_dataset_info_write(const struct fsn_dataset_info *info)
{
    json_t *value = json_pack(
        "{ss sb sb si si si si so so s[II]}", "format", info->format, "detection", info->detection,
        "segmentation", info->segmentation, "channels", info->channels, "height", info->height,
        "width", info->width, "classes", info->classes, "train",
        counts_json(info->per_class[FSN_SPLIT_TRAIN], info->classes), "test",
        counts_json(info->per_class[FSN_SPLIT_TEST], info->classes), "images",
        (json_int_t)info->images[FSN_SPLIT_TRAIN], (json_int_t)info->images[FSN_SPLIT_TEST]);
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

    json_decref(value);
    return text;
}

static const char *static_format(const char *name)
{
    const char *const *known = fsn_dataset_formats();

    for (size_t i = 0; known[i]; i++)
        if (strcmp(name, known[i]) == 0)
            return known[i];
    return "unknown";
}

/* Reads one split's counts; false when the array has another length. */
static bool read_counts(const json_t *array, int classes, int64_t *counts, int64_t *images)
{
    if (json_array_size(array) != (size_t)classes)
        return false;
    *images = 0;
    for (int i = 0; i < classes; i++) {
        counts[i] = (int64_t)json_integer_value(json_array_get(array, (size_t)i));
        *images += counts[i];
    }
    return true;
}

enum fsn_status srv_dataset_info_read(const char *text, struct fsn_dataset_info *out,
                                      int64_t **storage, struct fsn_error *err)
{
    struct fsn_dataset_info info = {0};
    json_t *value = json_loads(text, 0, NULL), *train = NULL, *test = NULL;
    json_int_t images[FSN_SPLIT_COUNT] = {-1, -1};
    enum fsn_status status = FSN_OK;
    int64_t *counts = NULL;
    const char *format = "";
    int detection = 0, segmentation = 0;

    /* Descriptions of before there were sets with boxes or masks do not say that they have none;
     * where classes are of images, their counts say how many images there are. */
    if (json_unpack(value, "{ss s?b s?b si si si si so so s?[II]}", "format", &format, "detection",
                    &detection, "segmentation", &segmentation, "channels", &info.channels, "height",
                    &info.height, "width", &info.width, "classes", &info.classes, "train", &train,
                    "test", &test, "images", &images[FSN_SPLIT_TRAIN],
                    &images[FSN_SPLIT_TEST]) != 0 ||
        info.classes < 0 || info.classes > MAX_CLASSES) {
        status = SRV_FAIL(err, FSN_INTERNAL, "stored description of a data set is damaged");
        goto out;
    }
    counts = calloc(2 * (size_t)info.classes + 1, sizeof *counts);
    if (!counts) {
        status = SRV_NOMEM(err);
        goto out;
    }
    info.format = static_format(format);
    info.detection = detection;
    info.segmentation = segmentation;
    info.per_class[FSN_SPLIT_TRAIN] = counts;
    info.per_class[FSN_SPLIT_TEST] = counts + info.classes;
    if (!read_counts(train, info.classes, counts, &info.images[FSN_SPLIT_TRAIN]) ||
        !read_counts(test, info.classes, counts + info.classes, &info.images[FSN_SPLIT_TEST])) {
        status = SRV_FAIL(err, FSN_INTERNAL, "stored counts of a data set are damaged");
        goto out;
    }
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        if (images[s] >= 0)
            info.images[s] = images[s];
    *out = info;
    *storage = counts;
    counts = NULL;
out:
    free(counts);
    json_decref(value);
    return status;
}
