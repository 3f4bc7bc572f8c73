/*
 * coco.c - detection sets in the form of COCO: images in folders, and JSON beside them,
 *
 *     annotations/instances_train2017.json, instances_val2017.json       or one annotations.json
 *
 *     train/_annotations.coco.json, valid/..., test/...                  beside the images, as of
 *                                                                        Roboflow
 *
 * `instances_train*` are the train images, `instances_test*` or else `instances_val*` the test
 * images; with both, val is left aside. An `annotations.json`, or instances of another name, are
 * train images too; without test images a tenth is split off. Images are found by their file_name:
 * it is the end of a name in the archive, and where several end so, the one in the folder that is
 * called like the split (train2017/1.jpg for instances_train2017.json).
 *
 * Classes are the categories of all files in the order of their ids. A crowd (iscrowd) is
 * difficult. Images themselves are taken in by the reader of image folders, which may not know yet,
 * as an archive is read but once, what set they are of.
 */
#include "data/coco_categories.h"
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/image_index.h"
#include "data/image_roles.h"
#include "data/objects.h"
#include "data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARTS = 16 };
enum role { ROLE_TRAIN, ROLE_VAL, ROLE_TEST };

static const char prefix[] = "instances_";
static const char beside[] = "_annotations.coco.json"; /* in the folder of its images */

/* One file of annotations. */
struct part {
    char *name;
    enum role role;
    char folder[64]; /* "train2017" */
    struct fsn__coco content;
};

/* An annotation and the image that it is of. */
struct placed {
    int64_t file, order; /* order: over all files of annotations */
    const struct fsn__coco_box *box;
};

struct coco {
    struct part parts[MAX_PARTS];
    int part_count;
    struct fsn__image_store *store;
    struct fsn__image_index index; /* of what has been the store */
    bool *listed;                  /* [images] */
    struct placed *placed;         /* in the order of files */
    int64_t placed_count;
    struct fsn__coco_category *classes; /* borrowed names */
    int64_t class_count;
};

/* ---- collecting ------------------------------------------------------------------------------ */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool wants(const struct fsn__data_format *format, const char *name)
{
    const char *base = fsn__base_name(name), *suffix = strrchr(base, '.');

    (void)format;
    return suffix && strcmp(suffix, ".json") == 0 &&
           (begins(base, prefix) || strcmp(base, "annotations.json") == 0 ||
            strcmp(base, beside) == 0);
}

/* The folder that a file lies in, not NUL-terminated; "" where it lies in none. */
static const char *last_folder(const char *name, size_t *length)
{
    const char *at = name, *last = "";
    size_t next;

    for (*length = 0; (next = fsn__folder_at(&at)) > 0; at += next) {
        last = at;
        *length = next;
    }
    return last;
}

static enum fsn_status take_part(struct coco *coco, const char *name, const void *bytes,
                                 size_t size, struct fsn_error *err)
{
    const char *base = fsn__base_name(name), *kind = "";
    struct part *part = &coco->parts[coco->part_count];
    size_t length = 0;
    char shown[256];

    fsn__name_printable(shown, sizeof shown, name);
    if (coco->part_count == MAX_PARTS)
        return FSN__FAIL(err, FSN_LIMIT, "%s: more than %d files of annotations", shown, MAX_PARTS);
    part->name = strdup(shown);
    if (!part->name)
        return FSN__NOMEM(err);
    coco->part_count++;
    if (begins(base, prefix))
        kind = base + sizeof prefix - 1;
    if (strcmp(base, beside) == 0)
        kind = last_folder(name, &length);
    else
        length = strcspn(kind, ".");
    part->role = begins(kind, "val") ? ROLE_VAL : begins(kind, "test") ? ROLE_TEST : ROLE_TRAIN;
    snprintf(part->folder, sizeof part->folder, "%.*s", (int)length, kind);
    return fsn__coco_parse(bytes, size, shown, &part->content, err);
}

static enum fsn_status take(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err)
{
    enum fsn_status status;

    (void)format;
    if (!*state)
        *state = calloc(1, sizeof(struct coco));
    status = *state ? take_part(*state, name, bytes, size, err) : FSN__NOMEM(err);
    free(bytes);
    return status;
}

static bool is_there(const struct fsn__data_format *format, const void *state)
{
    (void)format;
    return state != NULL;
}

static enum fsn_status join(void **state, struct fsn__image_store *images, struct fsn_error *err)
{
    struct coco *coco = *state;

    coco->store = fsn__image_store_create();
    return coco->store ? fsn__image_store_append(coco->store, images, err) : FSN__NOMEM(err);
}

static void free_state(void *state)
{
    struct coco *coco = state;

    if (!coco)
        return;
    for (int p = 0; p < coco->part_count; p++) {
        free(coco->parts[p].name);
        fsn__coco_clear(&coco->parts[p].content);
    }
    fsn__image_store_destroy(coco->store);
    fsn__image_index_clear(&coco->index);
    free(coco->listed);
    free(coco->placed);
    free(coco->classes);
    free(coco);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static enum fsn_status find_image(struct coco *coco, const struct part *part,
                                  struct fsn__coco_image *image, struct fsn_error *err)
{
    char shown[128];

    image->file = fsn__image_index_find(&coco->index, image->file_name, part->folder);
    fsn__name_printable(shown, sizeof shown, image->file_name);
    if (image->file < 0)
        return FSN__FAIL(err, FSN_FORMAT, "%s lists '%s', %s", part->name, shown,
                         image->file == -1 ? "which is no image in a folder of the archive"
                                           : "and several images have this name");
    if (coco->listed[image->file])
        return FSN__FAIL(err, FSN_FORMAT, "%s lists '%s', which has been listed before", part->name,
                         shown);
    coco->listed[image->file] = true;
    return FSN_OK;
}

static int by_image_id(const void *a, const void *b)
{
    const struct fsn__coco_image *one = a, *other = b;

    return (one->id > other->id) - (one->id < other->id);
}

/* Finds what every annotation of the part is of; its images are sorted by id. */
static enum fsn_status place_boxes(struct coco *coco, const struct part *part,
                                   struct fsn_error *err)
{
    const struct fsn__coco *content = &part->content;

    for (int64_t b = 0; b < content->box_count; b++) {
        const struct fsn__coco_image key = {.id = content->boxes[b].image_id};
        const struct fsn__coco_image *image =
            bsearch(&key, content->images, (size_t)content->image_count, sizeof key, by_image_id);

        if (!image)
            return FSN__FAIL(err, FSN_FORMAT,
                             "%s: annotations[%lld] is of image %lld, which is "
                             "not listed",
                             part->name, (long long)b, (long long)key.id);
        coco->placed[coco->placed_count] =
            (struct placed){image->file, coco->placed_count, &content->boxes[b]};
        coco->placed_count++;
    }
    return FSN_OK;
}

/* Appends the images of a part to a split that has room for them, in the order of their ids. */
static enum fsn_status add_part(struct coco *coco, struct part *part, struct fsn_dataset *dataset,
                                enum fsn_split split, struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];
    struct fsn__coco *content = &part->content;
    enum fsn_status status = FSN_OK;

    qsort(content->images, (size_t)content->image_count, sizeof *content->images, by_image_id);
    for (int64_t i = 0; i < content->image_count && status == FSN_OK; i++) {
        if (i > 0 && content->images[i].id == content->images[i - 1].id)
            return FSN__FAIL(err, FSN_FORMAT, "%s: two images have the id %lld", part->name,
                             (long long)content->images[i].id);
        status = find_image(coco, part, &content->images[i], err);
        if (status == FSN_OK)
            status = fsn__objects_check_size(&dataset->store->images[content->images[i].file],
                                             part->name, content->images[i].width,
                                             content->images[i].height, err);
        if (status == FSN_OK)
            images->file[images->count++] = content->images[i].file;
    }
    return status == FSN_OK ? place_boxes(coco, part, err) : status;
}

static bool has_role(const struct coco *coco, enum role role)
{
    for (int p = 0; p < coco->part_count; p++)
        if (coco->parts[p].role == role && coco->parts[p].content.image_count > 0)
            return true;
    return false;
}

static enum fsn_status fill_split(struct coco *coco, enum role role, struct fsn_dataset *dataset,
                                  enum fsn_split split, struct fsn_error *err)
{
    enum fsn_status status = fsn__images_alloc_files(dataset, split, dataset->store->count, err);

    dataset->split[split].count = 0; /* no image is listed twice, so there is room for all */
    for (int p = 0; p < coco->part_count && status == FSN_OK; p++)
        if (coco->parts[p].role == role)
            status = add_part(coco, &coco->parts[p], dataset, split, err);
    return status;
}

static enum fsn_status fill_splits(struct coco *coco, struct fsn_dataset *dataset,
                                   struct fsn_error *err)
{
    const enum role test = has_role(coco, ROLE_TEST) ? ROLE_TEST : ROLE_VAL;
    enum fsn_status status;
    size_t boxes = 0;

    for (int p = 0; p < coco->part_count; p++)
        boxes += (size_t)coco->parts[p].content.box_count;
    coco->placed = calloc(boxes + 1, sizeof *coco->placed);
    if (!coco->placed)
        return FSN__NOMEM(err);
    if (!has_role(coco, ROLE_TRAIN))
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: there are no train images beside these (expected "
                         "instances_train*.json or annotations.json)",
                         coco->parts[0].name);
    status = fill_split(coco, ROLE_TRAIN, dataset, FSN_SPLIT_TRAIN, err);
    if (status != FSN_OK)
        return status;
    return has_role(coco, test) ? fill_split(coco, test, dataset, FSN_SPLIT_TEST, err)
                                : fsn__split_off_test(dataset, err);
}

/* ---- classes and objects --------------------------------------------------------------------- */

/* Roboflow writes a category 0 without boxes, for the others to be of, which may even have the name
 * of the only one of them. Whether that is what 0 is here. */
static bool zero_is_heading(const struct coco *coco)
{
    const char *name = NULL;
    bool above_another = false;

    for (int p = 0; p < coco->part_count; p++) {
        const struct fsn__coco *content = &coco->parts[p].content;

        for (int64_t b = 0; b < content->box_count; b++)
            if (content->boxes[b].category_id == 0)
                return false;
        for (int64_t c = 0; c < content->category_count && !name; c++)
            if (content->categories[c].id == 0)
                name = content->categories[c].name;
    }
    for (int p = 0; p < coco->part_count && name; p++)
        for (int64_t c = 0; c < coco->parts[p].content.category_count; c++) {
            const struct fsn__coco_category *one = &coco->parts[p].content.categories[c];

            above_another |= one->id != 0 && one->above && strcmp(one->above, name) == 0;
        }
    return above_another;
}

/* Categories of all parts, each id once. */
static enum fsn_status collect_classes(struct coco *coco, struct fsn_dataset *dataset,
                                       struct fsn_error *err)
{
    const bool heading = zero_is_heading(coco);
    struct fsn__coco_category *all;
    int64_t count = 0, kept = 0;
    enum fsn_status status;

    for (int p = 0; p < coco->part_count; p++)
        count += coco->parts[p].content.category_count;
    coco->classes = all = calloc((size_t)count + 1, sizeof *all);
    if (!all)
        return FSN__NOMEM(err);
    for (int p = 0; p < coco->part_count; p++)
        for (int64_t c = 0; c < coco->parts[p].content.category_count; c++)
            if (!heading || coco->parts[p].content.categories[c].id != 0)
                all[kept++] = coco->parts[p].content.categories[c];
    status = fsn__coco_categories_merge(all, &kept, err);
    if (status != FSN_OK)
        return status;
    coco->class_count = kept;
    dataset->classes = (int)kept;
    dataset->class_names = calloc((size_t)kept, sizeof *dataset->class_names);
    for (int64_t c = 0; dataset->class_names && c < kept; c++) {
        dataset->class_names[c] = strdup(all[c].name);
        if (!dataset->class_names[c])
            return FSN__NOMEM(err);
    }
    return dataset->class_names ? FSN_OK : FSN__NOMEM(err);
}

static int by_file(const void *a, const void *b)
{
    const struct placed *one = a, *other = b;

    return one->file != other->file ? (one->file > other->file) - (one->file < other->file)
                                    : (one->order > other->order) - (one->order < other->order);
}

static enum fsn_status add_object(const struct coco *coco, struct fsn__object_list *list, int64_t i,
                                  const struct fsn__coco_box *box, struct fsn_error *err)
{
    const struct fsn__coco_category *class =
        fsn__coco_category_find(coco->classes, coco->class_count, box->category_id);
    struct fsn__found_object found = {
        .x0 = box->x,
        .y0 = box->y,
        .x1 = box->x + box->w,
        .y1 = box->y + box->h,
        .given = {box->x, box->y, box->w, box->h},
        .label = class ? (int32_t)(class - coco->classes) : -1,
        .difficult = box->crowd,
    };
    char unknown[48];

    snprintf(unknown, sizeof unknown, "category %lld", (long long)box->category_id);
    found.class_name = class ? class->name : unknown;
    return fsn__objects_add(list, i, &found, err);
}

static enum fsn_status fill_objects(const struct coco *coco, struct fsn_dataset *dataset,
                                    enum fsn_split split, struct fsn_error *err)
{
    const struct fsn__images *images = &dataset->split[split];
    struct fsn__object_list list;
    enum fsn_status status = fsn__objects_begin(&list, dataset, split, err);

    for (int64_t i = 0; i < images->count && status == FSN_OK; i++) {
        int64_t low = 0, high = coco->placed_count;

        while (low < high) { /* the first annotation of the image */
            const int64_t middle = low + (high - low) / 2;

            if (coco->placed[middle].file < images->file[i])
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < coco->placed_count && coco->placed[low].file == images->file[i] &&
               status == FSN_OK;
             low++)
            status = add_object(coco, &list, i, coco->placed[low].box, err);
    }
    if (status == FSN_OK)
        fsn__objects_end(&list);
    return status;
}

static enum fsn_status assemble(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    struct coco *coco = *state;
    enum fsn_status status;

    (void)format;
    if (!coco->store)
        return FSN__FAIL(err, FSN_FORMAT, "%s: the archive has no images in folders beside it",
                         coco->parts[0].name);
    fsn__dataset_adopt(dataset, coco->store);
    coco->store = NULL;
    dataset->detection = true;
    coco->listed = calloc((size_t)dataset->store->count + 1, sizeof *coco->listed);
    status =
        coco->listed ? fsn__image_index_make(&coco->index, dataset->store, err) : FSN__NOMEM(err);
    if (status == FSN_OK)
        status = collect_classes(coco, dataset, err);
    if (status == FSN_OK)
        status = fill_splits(coco, dataset, err);
    if (status == FSN_OK)
        qsort(coco->placed, (size_t)coco->placed_count, sizeof *coco->placed, by_file);
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = fill_objects(coco, dataset, (enum fsn_split)s, err);
    if (status == FSN_OK)
        status = fsn__objects_check(dataset, err);
    dataset->unused_images = dataset->store->count - dataset->split[FSN_SPLIT_TRAIN].count -
                             dataset->split[FSN_SPLIT_TEST].count;
    return status;
}

const struct fsn__data_format fsn__format_coco = {
    .name = "coco",
    .expects = "COCO (annotations/instances_train*.json, annotations.json or "
               "_annotations.coco.json beside images)",
    .images = {&fsn__format_image_folder},
    .wants = wants,
    .take = take,
    .is_there = is_there,
    .join = join,
    .assemble = assemble,
    .free_state = free_state,
};
