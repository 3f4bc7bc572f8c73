/*
 * dataset.c - opens a data set: which files of an archive or folder belong to which format, whether
 * all have come, and what the outcome looks like from outside.
 *
 * Formats are rows of one table (data_format.h). While the archive is walked every file that is a
 * part of a format is kept; what is there afterwards says which format it is.
 */
#include "data/dataset.h"
#include "core/mem.h"
#include "data/archive.h"
#include "data/data_format.h"
#include "data/entry_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fsn__data_format *const formats[] = {&fsn__format_cifar10, &fsn__format_idx};

enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

/* What the walk has found so far. */
struct collection {
    int only; /* format that was asked for, or -1 */
    struct fsn__part parts[FORMAT_COUNT][FSN__MAX_PARTS];
    size_t files; /* of any kind, and the name of the first */
    char first_name[128];
};

static bool is_sought(const struct collection *found, int format)
{
    return found->only < 0 || found->only == format;
}

/* ---- collecting ---------------------------------------------------------------------------- */

/* Which part of which format a file is; false for none. */
static bool find_part(const struct collection *found, const char *name, int *format, int *part)
{
    for (int f = 0; f < FORMAT_COUNT; f++) {
        *format = f;
        *part = is_sought(found, f) ? formats[f]->part_of(fsn__base_name(name)) : -1;
        if (*part >= 0)
            return true;
    }
    return false;
}

static bool wants(const char *name, void *user)
{
    struct collection *found = user;
    int format, part;

    if (found->files++ == 0)
        fsn__name_printable(found->first_name, sizeof found->first_name, name);
    return find_part(found, name, &format, &part);
}

static enum fsn_status take(const char *name, unsigned char *bytes, size_t size, void *user,
                            struct fsn_error *err)
{
    struct collection *found = user;
    enum fsn_status status = FSN_OK;
    struct fsn__part *part;
    char shown[sizeof part->name];
    int format, which;

    fsn__name_printable(shown, sizeof shown, name);
    if (!find_part(found, name, &format, &which)) {
        status = FSN__FAIL(err, FSN_INTERNAL, "'%s' was taken but not wanted", shown);
        goto out;
    }
    part = &found->parts[format][which];
    if (part->name[0]) {
        status = FSN__FAIL(err, FSN_FORMAT, "%s appears twice: as '%s' and as '%s'",
                           formats[format]->parts[which].name, part->name, shown);
        goto out;
    }
    memcpy(part->name, shown, sizeof part->name);
    part->bytes = bytes;
    part->size = size;
    bytes = NULL;
out:
    free(bytes);
    return status;
}

static void collection_free(struct collection *found)
{
    for (int f = 0; f < FORMAT_COUNT; f++)
        for (int i = 0; i < FSN__MAX_PARTS; i++)
            free(found->parts[f][i].bytes);
}

/* ---- recognising --------------------------------------------------------------------------- */

static bool has_required_part(const struct collection *found, int format)
{
    for (int i = 0; i < formats[format]->part_count; i++)
        if (formats[format]->parts[i].required && found->parts[format][i].name[0])
            return true;
    return false;
}

static enum fsn_status not_recognised(const struct collection *found, struct fsn_error *err)
{
    char expected[512] = "";
    size_t length = 0;

    for (int f = 0; f < FORMAT_COUNT; f++)
        if (is_sought(found, f) && length < sizeof expected)
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                       length > 0 ? " or " : "", formats[f]->expects);
    if (found->files == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the archive holds no files; expected %s", expected);
    return FSN__FAIL(err, FSN_FORMAT,
                     "no data set recognised (files: %zu, first '%s'); expected a tar (plain, gz, "
                     "xz, bz2), a zip or a folder with %s",
                     found->files, found->first_name, expected);
}

static enum fsn_status recognise(const struct collection *found, int *format, struct fsn_error *err)
{
    *format = -1;
    for (int f = 0; f < FORMAT_COUNT; f++) {
        if (!has_required_part(found, f))
            continue;
        if (*format >= 0)
            return FSN__FAIL(err, FSN_FORMAT,
                             "the archive holds both '%s' and '%s' data: name the format that is "
                             "meant",
                             formats[*format]->name, formats[f]->name);
        *format = f;
    }
    return *format >= 0 ? FSN_OK : not_recognised(found, err);
}

/* Names every part that has not come, with the split that it takes away. */
static enum fsn_status check_complete(const struct fsn__data_format *format,
                                      const struct fsn__part *parts, struct fsn_error *err)
{
    char missing[512] = "";
    size_t length = 0;

    for (int i = 0; i < format->part_count; i++)
        if (format->parts[i].required && !parts[i].name[0] && length < sizeof missing)
            length += (size_t)snprintf(missing + length, sizeof missing - length, "%s%s (%s split)",
                                       length > 0 ? ", " : "", format->parts[i].name,
                                       format->parts[i].split);
    if (length > 0)
        return FSN__FAIL(err, FSN_FORMAT, "the %s data set is incomplete: missing %s", format->name,
                         missing);
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

static enum fsn_status count_classes(struct fsn_dataset *dataset, struct fsn_error *err)
{
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        struct fsn__images *images = &dataset->split[s];

        images->per_class = calloc((size_t)dataset->classes, sizeof *images->per_class);
        if (!images->per_class)
            return FSN__NOMEM(err);
        for (int64_t i = 0; i < images->count; i++)
            images->per_class[images->labels[i]]++;
    }
    return FSN_OK;
}

static enum fsn_status assemble(struct collection *found, struct fsn_dataset **out,
                                struct fsn_error *err)
{
    struct fsn_dataset *dataset = NULL;
    enum fsn_status status;
    int f;

    status = recognise(found, &f, err);
    if (status == FSN_OK)
        status = check_complete(formats[f], found->parts[f], err);
    if (status != FSN_OK)
        return status;
    dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return FSN__NOMEM(err);
    dataset->format = formats[f]->name;
    status = formats[f]->assemble(found->parts[f], dataset, err);
    if (status == FSN_OK)
        status = count_classes(dataset, err);
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
    memset(found, 0, sizeof *found);
    found->only = -1;
    for (int f = 0; format && f < FORMAT_COUNT; f++)
        if (strcmp(format, formats[f]->name) == 0)
            found->only = f;
    if (format && found->only < 0)
        return FSN__FAIL(err, FSN_INVALID, "data format '%s' is not known, expected %s or %s",
                         format, formats[0]->name, formats[1]->name);
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
        status = assemble(&found, out, err);
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
        status = assemble(&found, out, err);
    collection_free(&found);
    return status;
}

void fsn_dataset_destroy(struct fsn_dataset *dataset)
{
    if (!dataset)
        return;
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        free(dataset->split[s].pixels);
        free(dataset->split[s].labels);
        free(dataset->split[s].per_class);
    }
    for (int i = 0; dataset->class_names && i < dataset->classes; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    free(dataset);
}

void fsn_dataset_info(const struct fsn_dataset *dataset, struct fsn_dataset_info *out)
{
    memset(out, 0, sizeof *out);
    out->format = dataset->format;
    out->channels = dataset->channels;
    out->height = dataset->height;
    out->width = dataset->width;
    out->classes = dataset->classes;
    out->class_names = (const char *const *)dataset->class_names;
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        out->images[s] = dataset->split[s].count;
        out->per_class[s] = dataset->split[s].per_class;
    }
}
