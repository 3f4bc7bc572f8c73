/*
 * voc.c - detection sets in the form of Pascal VOC:
 *
 *     JPEGImages/NAME.jpg    Annotations/NAME.xml    ImageSets/Main/{train,val,trainval,test}.txt
 *
 * perhaps in more folders, and of several years. A list has an image's NAME on each line; which is
 * which split split_lists.h says. Images in none are left aside. With a test list alone nothing is
 * to be trained on. Without a test list a tenth of the train images is split off, and without any
 * list all annotated images are train images.
 *
 * VOC counts pixels from 1 and its boxes hold their last ones: they reach from xmin - 1 to xmax of
 * 0 .. width. Many tools count from 0 and write the edges; one side of a box below 1 anywhere tells
 * such a set, and its boxes reach from xmin to xmax. A box with xmin = xmax is taken for what it is
 * with these, one without an area. Bad boxes are left out and named (objects.h); that a listed
 * image or its annotation is missing is an error.
 */
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/objects.h"
#include "data/split.h"
#include "data/split_lists.h"
#include "data/voc_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 1000 };
static const char lists_folder[] = "Main";

struct voc {
    struct fsn__image_store *store;
    struct fsn__voc_table images, annotations;
    struct fsn__split_lists lists;
    struct fsn__voc_table classes;
};

/* ---- collecting ------------------------------------------------------------------------------ */

static bool is_xml(const char *name)
{
    const char *suffix = strrchr(name, '.');

    return suffix && strcasecmp(suffix, ".xml") == 0;
}

static bool wants(const struct fsn__data_format *format, const char *name)
{
    (void)format;
    if (fsn__base_name(name)[0] == '.')
        return false;
    return (fsn__name_lies_in(name, "JPEGImages") && fsn__name_is_image(name)) ||
           (fsn__name_lies_in(name, "Annotations") && is_xml(name)) ||
           fsn__split_list_of(name, lists_folder) >= 0;
}

static enum fsn_status take_file(struct voc *voc, const char *name, unsigned char *bytes,
                                 size_t size, struct fsn_error *err)
{
    struct fsn__voc_named *item;
    char shown[256];

    fsn__name_printable(shown, sizeof shown, name);
    if (fsn__split_list_of(name, lists_folder) >= 0)
        return fsn__split_lists_take(&voc->lists, name, lists_folder, bytes, size, err);
    if (is_xml(name)) {
        item = fsn__voc_table_add_file(&voc->annotations, name);
        return item ? fsn__voc_parse(bytes, size, shown, &item->annotation, err) : FSN__NOMEM(err);
    }
    item = fsn__voc_table_add_file(&voc->images, name);
    if (!item)
        return FSN__NOMEM(err);
    item->file = voc->store->count;
    return fsn__image_store_add(voc->store, name, bytes, size, err);
}

static enum fsn_status take(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct voc *voc = *state;

    (void)format;
    if (!voc) {
        *state = voc = calloc(1, sizeof *voc);
        if (voc)
            voc->store = fsn__image_store_create();
    }
    if (!voc || !voc->store)
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = take_file(voc, name, bytes, size, err);
    free(bytes);
    return status;
}

static bool is_there(const struct fsn__data_format *format, const void *state)
{
    const struct voc *voc = state;

    (void)format;
    return voc && voc->images.count > 0 && voc->annotations.count > 0;
}

static struct fsn__image_store *images_of(void *state)
{
    return ((struct voc *)state)->store;
}

static void free_state(void *state)
{
    struct voc *voc = state;

    if (!voc)
        return;
    fsn__image_store_destroy(voc->store);
    fsn__voc_table_clear(&voc->images);
    fsn__voc_table_clear(&voc->annotations);
    fsn__voc_table_clear(&voc->classes);
    fsn__split_lists_clear(&voc->lists);
    free(voc);
}

/* ---- splits ---------------------------------------------------------------------------------- */

/* What fills the splits by lists. */
struct filling {
    const struct voc *voc;
    struct fsn_dataset *dataset;
};

static int64_t find_listed(void *user, const char *name, const char **fault)
{
    const struct voc *voc = ((const struct filling *)user)->voc;
    const struct fsn__voc_named *image = fsn__voc_table_find(&voc->images, name);

    *fault = image ? "has no annotation" : "has no image";
    return image && fsn__voc_table_find(&voc->annotations, name) ? image->file : -1;
}

static void add_listed(void *user, enum fsn_split split, int64_t file)
{
    struct fsn__images *images = &((const struct filling *)user)->dataset->split[split];

    images->file[images->count++] = file;
}

static enum fsn_status fill_from_lists(struct voc *voc, struct fsn_dataset *dataset,
                                       struct fsn_error *err)
{
    struct filling filling = {voc, dataset};
    const struct fsn__listed_images images = {&filling, dataset->store->count, find_listed,
                                              add_listed};
    enum fsn_status status = FSN_OK;

    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++) {
        /* No image is listed twice, so there is room for all. */
        status = fsn__images_alloc_files(dataset, (enum fsn_split)s, images.count, err);
        dataset->split[s].count = 0;
    }
    return status == FSN_OK ? fsn__split_lists_fill(&voc->lists, &images, err) : status;
}

static enum fsn_status fill_without_lists(const struct voc *voc, struct fsn_dataset *dataset,
                                          struct fsn_error *err)
{
    enum fsn_status status =
        fsn__images_alloc_files(dataset, FSN_SPLIT_TRAIN, (int64_t)voc->images.count, err);
    struct fsn__images *images = &dataset->split[FSN_SPLIT_TRAIN];

    images->count = 0;
    for (size_t i = 0; i < voc->images.count && status == FSN_OK; i++)
        if (fsn__voc_table_find(&voc->annotations, voc->images.item[i].name))
            images->file[images->count++] = voc->images.item[i].file;
    return status;
}

static enum fsn_status fill_splits(struct voc *voc, struct fsn_dataset *dataset,
                                   struct fsn_error *err)
{
    enum fsn_status status = fsn__split_lists_any(&voc->lists)
                                 ? fill_from_lists(voc, dataset, err)
                                 : fill_without_lists(voc, dataset, err);

    if (status == FSN_OK && dataset->split[FSN_SPLIT_TEST].count == 0)
        status = fsn__split_off_test(dataset, err);
    return status;
}

/* ---- classes and objects --------------------------------------------------------------------- */

/* Names of all objects, sorted, each once. */
static enum fsn_status collect_classes(struct voc *voc, struct fsn_dataset *dataset,
                                       struct fsn_error *err)
{
    struct fsn__voc_table *classes = &voc->classes;
    enum fsn_status status;
    size_t kept = 0;

    for (size_t i = 0; i < voc->annotations.count; i++) {
        const struct fsn__voc_annotation *annotation = &voc->annotations.item[i].annotation;

        for (int o = 0; o < annotation->count; o++) {
            if (fsn__voc_table_find(classes, annotation->objects[o].name))
                continue;
            if (classes->count == MAX_CLASSES)
                return FSN__FAIL(err, FSN_LIMIT, "the voc data set has more than %d classes",
                                 MAX_CLASSES);
            if (!fsn__voc_table_add(classes, annotation->objects[o].name,
                                    strlen(annotation->objects[o].name)))
                return FSN__NOMEM(err);
            status = fsn__voc_table_sort(classes, "classes", err);
            if (status != FSN_OK)
                return status;
        }
    }
    if (classes->count == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the voc data set has no object in any annotation");
    dataset->classes = (int)classes->count;
    dataset->class_names = calloc(classes->count, sizeof *dataset->class_names);
    if (!dataset->class_names)
        return FSN__NOMEM(err);
    for (; kept < classes->count; kept++) {
        dataset->class_names[kept] = strdup(classes->item[kept].name);
        if (!dataset->class_names[kept])
            return FSN__NOMEM(err);
    }
    return FSN_OK;
}

/* Whether the set counts pixels from 0: where VOC counts there is no side in 0 .. 1. */
static bool counts_from_0(const struct voc *voc)
{
    for (size_t i = 0; i < voc->annotations.count; i++) {
        const struct fsn__voc_annotation *annotation = &voc->annotations.item[i].annotation;

        for (int o = 0; o < annotation->count; o++) {
            const struct fsn__voc_object *object = &annotation->objects[o];

            if ((object->x0 >= 0 && object->x0 < 1) || (object->y0 >= 0 && object->y0 < 1))
                return true;
        }
    }
    return false;
}

/* The object with its box on the edges of pixels; a box without an area stays one. */
static struct fsn__found_object convert(const struct voc *voc, const struct fsn__voc_object *object,
                                        bool from_0)
{
    const double shift_x = from_0 || object->x0 == object->x1 ? 0 : 1;
    const double shift_y = from_0 || object->y0 == object->y1 ? 0 : 1;

    return (struct fsn__found_object){
        .x0 = object->x0 - shift_x,
        .y0 = object->y0 - shift_y,
        .x1 = object->x1,
        .y1 = object->y1,
        .given = {object->x0, object->y0, object->x1, object->y1},
        .class_name = object->name,
        .label = (int32_t)(fsn__voc_table_find(&voc->classes, object->name) - voc->classes.item),
        .difficult = object->difficult,
    };
}

static enum fsn_status fill_objects(const struct voc *voc, struct fsn_dataset *dataset,
                                    enum fsn_split split, bool from_0, struct fsn_error *err)
{
    const struct fsn__images *images = &dataset->split[split];
    struct fsn__object_list list;
    enum fsn_status status = fsn__objects_begin(&list, dataset, split, err);

    for (int64_t i = 0; i < images->count && status == FSN_OK; i++) {
        const char *base = fsn__base_name(dataset->store->images[images->file[i]].name);
        char *name = strndup(base, (size_t)(strrchr(base, '.') - base));
        const struct fsn__voc_named *found =
            name ? fsn__voc_table_find(&voc->annotations, name) : NULL;

        free(name);
        if (!found)
            return FSN__NOMEM(err); /* it was there when the split was filled */
        for (int o = 0; o < found->annotation.count && status == FSN_OK; o++) {
            const struct fsn__found_object object =
                convert(voc, &found->annotation.objects[o], from_0);

            status = fsn__objects_add(&list, i, &object, err);
        }
    }
    if (status == FSN_OK)
        fsn__objects_end(&list);
    return status;
}

static enum fsn_status assemble(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    struct voc *voc = *state;
    enum fsn_status status;
    bool from_0;

    (void)format;
    fsn__dataset_adopt(dataset, voc->store);
    voc->store = NULL;
    dataset->detection = true;
    status = fsn__voc_table_sort(&voc->images, "images", err);
    if (status == FSN_OK)
        status = fsn__voc_table_sort(&voc->annotations, "annotations", err);
    if (status == FSN_OK)
        status = collect_classes(voc, dataset, err);
    if (status == FSN_OK)
        status = fill_splits(voc, dataset, err);
    from_0 = counts_from_0(voc);
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = fill_objects(voc, dataset, (enum fsn_split)s, from_0, err);
    if (status == FSN_OK)
        status = fsn__objects_check(dataset, err);
    dataset->unused_images = (int64_t)voc->images.count - dataset->split[FSN_SPLIT_TRAIN].count -
                             dataset->split[FSN_SPLIT_TEST].count;
    return status;
}

const struct fsn__data_format fsn__format_voc = {
    .name = "voc",
    .expects = "Pascal VOC (JPEGImages, Annotations, ImageSets/Main)",
    .wants = wants,
    .take = take,
    .is_there = is_there,
    .assemble = assemble,
    .images_of = images_of,
    .free_state = free_state,
};
