/*
 * dataset.c - opens a data set: which files of an archive or folder belong to which format, whether
 * all have come, and what the outcome looks like from outside.
 *
 * Formats are rows of one table (data_format.h). While the archive is walked every file that a
 * format wants is kept by it; what is there afterwards says which format it is.
 */
#include "data/dataset.h"
#include "core/mem.h"
#include "data/archive.h"
#include "data/class_names.h"
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file goes to the first format that wants it. */
static const struct fsn__data_format *const formats[] = {
    &fsn__format_cifar10, &fsn__format_cifar100,     &fsn__format_idx,
    &fsn__format_npz,     &fsn__format_voc,          &fsn__format_coco,
    &fsn__format_masks,   &fsn__format_image_folder, &fsn__format_images};

enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

static const size_t default_cache = (size_t)512 << 20;

const char *const *fsn_dataset_formats(void)
{
    static const char *const names[] = {"cifar10", "cifar100", "idx",         "npz",    "voc",
                                        "coco",    "masks",    "imagefolder", "images", NULL};

    return names;
}

/* What the walk has found so far. */
struct collection {
    int only; /* format that was asked for, or -1 */
    void *state[FORMAT_COUNT];
    size_t files; /* of any kind, and the name of the first */
    char first_name[128];
    struct fsn__part names; /* of classes, for a format that takes them: the last such file */
    int names_files;
};

static bool is_meant(const struct collection *found, int format)
{
    return found->only < 0 || found->only == format;
}

static bool takes_in(const struct fsn__data_format *format, const struct fsn__data_format *other)
{
    return format->images[0] == other || format->images[1] == other;
}

/* Whether its files are kept: it is meant, or takes in the images of what is. */
static bool is_sought(const struct collection *found, int format)
{
    return is_meant(found, format) || takes_in(formats[found->only], formats[format]);
}

/* ---- collecting ---------------------------------------------------------------------------- */

/* The format that wants a file, or -1. */
static int find_format(const struct collection *found, const char *name)
{
    for (int f = 0; f < FORMAT_COUNT; f++)
        if (is_sought(found, f) && formats[f]->wants(formats[f], name))
            return f;
    return -1;
}

/* Whether the file lists classes, for a format that is meant. */
static bool is_names(const struct collection *found, const char *name)
{
    if (!fsn__class_names_file(name))
        return false;
    for (int f = 0; f < FORMAT_COUNT; f++)
        if (is_meant(found, f) && formats[f]->declare)
            return true;
    return false;
}

/* Takes in a file of class names; that there are two is a fault of those sets alone that need it.
 */
static void take_names(struct collection *found, const char *name, unsigned char *bytes,
                       size_t size)
{
    struct fsn__part *names = &found->names;

    free(names->bytes);
    found->names_files++;
    names->bytes = bytes;
    names->size = size;
    fsn__name_printable(names->name, sizeof names->name, name);
}

static bool wants(const char *name, void *user)
{
    struct collection *found = user;

    if (found->files++ == 0)
        fsn__name_printable(found->first_name, sizeof found->first_name, name);
    return is_names(found, name) || find_format(found, name) >= 0;
}

static enum fsn_status take(const char *name, unsigned char *bytes, size_t size, void *user,
                            struct fsn_error *err)
{
    struct collection *found = user;
    const int f = find_format(found, name);

    if (is_names(found, name)) {
        take_names(found, name, bytes, size);
        return FSN_OK;
    }
    return formats[f]->take(formats[f], &found->state[f], name, bytes, size, err);
}

static void collection_free(struct collection *found)
{
    for (int f = 0; f < FORMAT_COUNT; f++)
        formats[f]->free_state(found->state[f]);
    free(found->names.bytes);
}

/* ---- recognising --------------------------------------------------------------------------- */

static enum fsn_status not_recognised(const struct collection *found, struct fsn_error *err)
{
    char expected[640] = "";
    size_t length = 0;

    for (int f = 0; f < FORMAT_COUNT; f++)
        if (is_meant(found, f) && length < sizeof expected)
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                       length > 0 ? " or " : "", formats[f]->expects);
    if (found->files == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the archive holds no files; expected %s", expected);
    return FSN__FAIL(err, FSN_FORMAT,
                     "no data set recognised (files: %zu, first '%s'); expected a tar (plain, gz, "
                     "xz, bz2), a zip or a folder with %s",
                     found->files, found->first_name, expected);
}

static int place_of(const struct fsn__data_format *format)
{
    int f = 0;

    while (formats[f] != format)
        f++;
    return f;
}

static bool is_there(const struct collection *found, int format)
{
    const struct fsn__data_format *row = formats[format];

    if (row->is_there(row, found->state[format]))
        return true;
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (takes_in(row, formats[i]) && found->state[i] &&
            (row->images_suffice ||
             (row->recognises && row->recognises(formats[i]->images_of(found->state[i])))))
            return true;
    return false;
}

/* Whether another one is there that it yields to. */
static bool yields(const struct collection *found, int format)
{
    const struct fsn__data_format *other = formats[format]->yields_to;

    return found->only < 0 && other && is_there(found, place_of(other));
}

static enum fsn_status recognise(const struct collection *found, int *format, struct fsn_error *err)
{
    *format = -1;
    for (int f = 0; f < FORMAT_COUNT; f++) {
        if (!is_meant(found, f) || !is_there(found, f) || yields(found, f) ||
            (*format >= 0 && formats[f]->fallback))
            continue;
        if (*format >= 0)
            return FSN__FAIL(err, FSN_FORMAT,
                             "the archive holds both '%s' and '%s' data: name the format that is "
                             "meant",
                             formats[*format]->name, formats[f]->name);
        *format = f;
    }
    if (*format < 0)
        return not_recognised(found, err);
    if (found->only < 0 && formats[*format]->otherwise &&
        !formats[*format]->is_likely(found->state[*format]))
        *format = place_of(formats[*format]->otherwise);
    return FSN_OK;
}

/* ---- the data set -------------------------------------------------------------------------- */

enum fsn_status fsn__images_alloc(struct fsn_dataset *dataset, enum fsn_split split, int64_t count,
                                  struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];
    size_t image, bytes;

    if (!fsn__mul_size((size_t)dataset->channels, (size_t)dataset->height, &image) ||
        !fsn__mul_size(image, (size_t)dataset->width, &image) ||
        !fsn__mul_size(image, (size_t)count, &bytes))
        return FSN__NOMEM(err);
    images->pixels = malloc(bytes);
    images->labels = calloc((size_t)count, sizeof *images->labels);
    if (!images->pixels || !images->labels)
        return FSN__NOMEM(err);
    images->count = count;
    return FSN_OK;
}

enum fsn_status fsn__images_alloc_files(struct fsn_dataset *dataset, enum fsn_split split,
                                        int64_t count, struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];

    images->file = calloc((size_t)count, sizeof *images->file);
    images->labels = calloc((size_t)count, sizeof *images->labels);
    if (!images->file || !images->labels)
        return FSN__NOMEM(err);
    images->count = count;
    return FSN_OK;
}

static void widen(struct fsn_range *range, int value)
{
    if (range->max == 0 || value < range->min)
        range->min = value;
    if (value > range->max)
        range->max = value;
}

void fsn__dataset_widen(struct fsn_dataset *dataset, const struct fsn__image_info *info)
{
    widen(&dataset->height_range, info->height);
    widen(&dataset->width_range, info->width);
    if (info->channels > dataset->channels)
        dataset->channels = info->channels;
}

void fsn__dataset_adopt(struct fsn_dataset *dataset, struct fsn__image_store *store)
{
    dataset->store = store;
    dataset->channels = 1;
    for (int64_t i = 0; i < store->count; i++)
        fsn__dataset_widen(dataset, &store->images[i].info);
}

static enum fsn_status count_classes(struct fsn_dataset *dataset, struct fsn_error *err)
{
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        struct fsn__images *images = &dataset->split[s];

        if (images->per_class)
            continue;
        images->per_class = calloc((size_t)dataset->classes + 1, sizeof *images->per_class);
        if (!images->per_class)
            return FSN__NOMEM(err);
        for (int64_t i = 0; dataset->classes > 0 && i < images->count; i++)
            images->per_class[images->labels[i]]++;
    }
    return FSN_OK;
}

/* What all formats have in common, after one has filled the data set. */
static enum fsn_status complete(struct fsn_dataset *dataset, const struct fsn_data_limits *limits,
                                struct fsn_error *err)
{
    enum fsn_status status = count_classes(dataset, err);

    if (status != FSN_OK)
        return status;
    if (!dataset->store) {
        dataset->height_range = (struct fsn_range){dataset->height, dataset->height};
        dataset->width_range = (struct fsn_range){dataset->width, dataset->width};
        return FSN_OK;
    }
    dataset->cache = fsn__pixel_cache_create(
        dataset->store->count, limits && limits->max_cache ? limits->max_cache : default_cache);
    return dataset->cache ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status assemble(struct collection *found, const struct fsn_data_limits *limits,
                                struct fsn_dataset **out, struct fsn_error *err)
{
    struct fsn_dataset *dataset = NULL;
    enum fsn_status status;
    int f;

    status = recognise(found, &f, err);
    if (status != FSN_OK)
        return status;
    dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return FSN__NOMEM(err);
    dataset->format = formats[f]->name;
    for (int i = 0; status == FSN_OK && i < FORMAT_COUNT; i++)
        if (takes_in(formats[f], formats[i]) && found->state[i])
            status =
                formats[f]->join(&found->state[f], formats[i]->images_of(found->state[i]), err);
    if (status == FSN_OK && formats[f]->declare && found->names_files > 1)
        status = FSN__FAIL(err, FSN_FORMAT,
                           "%s is one of %d files of class names, expected one names.txt or "
                           "labels.txt",
                           found->names.name, found->names_files);
    if (status == FSN_OK && formats[f]->declare && found->names_files == 1)
        formats[f]->declare(found->state[f], &found->names);
    if (status == FSN_OK)
        status = formats[f]->assemble(formats[f], &found->state[f], dataset, err);
    if (status == FSN_OK)
        status = complete(dataset, limits, err);
    if (status != FSN_OK) {
        fsn_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return FSN_OK;
}

static enum fsn_status choose_format(const char *format, struct collection *found,
                                     struct fsn_error *err)
{
    char names[256] = "";
    size_t length = 0;

    memset(found, 0, sizeof *found);
    found->only = -1;
    for (int f = 0; format && f < FORMAT_COUNT; f++) {
        if (strcmp(format, formats[f]->name) == 0)
            found->only = f;
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", f > 0 ? ", " : "",
                                   formats[f]->name);
    }
    if (format && found->only < 0)
        return FSN__FAIL(err, FSN_INVALID, "data format '%s' is not known, expected one of %s",
                         format, names);
    return FSN_OK;
}

enum fsn_status fsn_dataset_open(const char *path, const char *format,
                                 const struct fsn_data_limits *limits, struct fsn_dataset **out,
                                 struct fsn_error *err)
{
    struct collection found;
    const struct fsn__entry_sink sink = {wants, take, &found};
    enum fsn_status status = choose_format(format, &found, err);

    if (status == FSN_OK)
        status = fsn__archive_walk(path, limits, &sink, err);
    if (status == FSN_OK)
        status = assemble(&found, limits, out, err);
    collection_free(&found);
    return status;
}

enum fsn_status fsn__dataset_open_memory(const void *bytes, size_t size, const char *format,
                                         const struct fsn_data_limits *limits,
                                         struct fsn_dataset **out, struct fsn_error *err)
{
    struct collection found;
    const struct fsn__entry_sink sink = {wants, take, &found};
    enum fsn_status status = choose_format(format, &found, err);

    if (status == FSN_OK)
        status = fsn__archive_walk_memory(bytes, size, "data", limits, &sink, err);
    if (status == FSN_OK)
        status = assemble(&found, limits, out, err);
    collection_free(&found);
    return status;
}

void fsn_dataset_destroy(struct fsn_dataset *dataset)
{
    if (!dataset)
        return;
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        free(dataset->split[s].pixels);
        free(dataset->split[s].file);
        free(dataset->split[s].mask);
        free(dataset->split[s].labels);
        free(dataset->split[s].per_class);
    }
    fsn__objects_clear(dataset);
    free(dataset->first_pixel_file);
    for (int i = 0; dataset->class_names && i < dataset->classes; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    fsn__pixel_cache_destroy(dataset->cache);
    fsn__image_store_destroy(dataset->store);
    free(dataset);
}

void fsn_dataset_info(const struct fsn_dataset *dataset, struct fsn_dataset_info *out)
{
    memset(out, 0, sizeof *out);
    out->format = dataset->format;
    out->channels = dataset->channels;
    out->height = dataset->height;
    out->width = dataset->width;
    out->height_range = dataset->height_range;
    out->width_range = dataset->width_range;
    out->split_made = dataset->split_made;
    out->unused_images = dataset->unused_images;
    out->detection = dataset->detection;
    memcpy(out->objects, dataset->objects, sizeof out->objects);
    out->bad_boxes = dataset->bad_boxes;
    out->first_pixel = dataset->first_pixel;
    out->first_pixel_file = dataset->first_pixel_file;
    out->segmentation = dataset->segmentation;
    memcpy(out->pixels, dataset->pixels, sizeof out->pixels);
    out->classes = dataset->classes;
    out->class_names = (const char *const *)dataset->class_names;
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        out->images[s] = dataset->split[s].count;
        out->per_class[s] = dataset->split[s].per_class;
    }
}
