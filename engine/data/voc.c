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
 * 0 .. width. Many tools count from 0 and write the edges; one side of a box below 1 in a split
 * tells such a set, and its boxes reach from xmin to xmax; which box says so is kept. A box with
 * xmin = xmax is taken for what it is with these, one without an area. Bad boxes are left out and
 * named (objects.h); that a listed image or its annotation is missing is an error.
 */
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/objects.h"
#include "data/split.h"
#include "data/split_lists.h"
#include "data/voc_classes.h"

#include <stdlib.h>
#include <string.h>

static const char lists_folder[] = "Main";

struct voc {
    struct fsn__image_store *store;
    struct fsn__voc_table images, annotations;
    struct fsn__split_lists lists;
    struct fsn__part names; /* of classes, where the archive lists them */
    struct fsn__voc_table classes;
    const struct fsn__voc_named **of_image; /* [images of the store]: the annotation, or NULL */
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

    if (fsn__split_list_of(name, lists_folder) >= 0)
        return fsn__split_lists_take(&voc->lists, name, lists_folder, bytes, size, err);
    if (is_xml(name)) {
        item = fsn__voc_table_add_file(&voc->annotations, name);
        return item ? fsn__voc_parse(bytes, size, item->path, &item->annotation, err)
                    : FSN__NOMEM(err);
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

static void declare(void *state, struct fsn__part *names)
{
    struct voc *voc = state;

    voc->names = *names;
    names->bytes = NULL;
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
    free(voc->names.bytes);
    free(voc->of_image);
    free(voc);
}

/* ---- splits ---------------------------------------------------------------------------------- */

/* Finds the annotation of every image; both tables are sorted. */
static enum fsn_status pair(struct voc *voc, const struct fsn_dataset *dataset,
                            struct fsn_error *err)
{
    voc->of_image = calloc((size_t)dataset->store->count + 1, sizeof *voc->of_image);
    if (!voc->of_image)
        return FSN__NOMEM(err);
    for (size_t i = 0; i < voc->images.count; i++)
        voc->of_image[voc->images.item[i].file] =
            fsn__voc_table_find(&voc->annotations, voc->images.item[i].name);
    return FSN_OK;
}

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
    return image && voc->of_image[image->file] ? image->file : -1;
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
        if (voc->of_image[voc->images.item[i].file])
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

/* ---- objects --------------------------------------------------------------------------------- */

/* Whether a box counts pixels from 0: where VOC counts there is no side in 0 .. 1. */
static bool counts_from_0(const struct fsn__voc_annotation *annotation)
{
    for (int o = 0; o < annotation->count; o++) {
        const struct fsn__voc_object *object = &annotation->objects[o];

        if ((object->x0 >= 0 && object->x0 < 1) || (object->y0 >= 0 && object->y0 < 1))
            return true;
    }
    return false;
}

/* What number the first pixel has, by the images that are in a split, and which annotation says
 * that it is 0. */
static enum fsn_status find_first_pixel(const struct voc *voc, struct fsn_dataset *dataset,
                                        struct fsn_error *err)
{
    dataset->first_pixel = 1;
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        const struct fsn__images *images = &dataset->split[s];

        for (int64_t i = 0; i < images->count; i++) {
            const struct fsn__voc_named *named = voc->of_image[images->file[i]];

            if (!counts_from_0(&named->annotation))
                continue;
            dataset->first_pixel = 0;
            dataset->first_pixel_file = strdup(named->path);
            return dataset->first_pixel_file ? FSN_OK : FSN__NOMEM(err);
        }
    }
    return FSN_OK;
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
        .label = fsn__voc_table_find(&voc->classes, object->name)->label,
        .difficult = object->difficult,
        .truncated = object->truncated,
    };
}

static enum fsn_status fill_objects(const struct voc *voc, struct fsn_dataset *dataset,
                                    enum fsn_split split, struct fsn_error *err)
{
    const struct fsn__images *images = &dataset->split[split];
    struct fsn__object_list list;
    enum fsn_status status = fsn__objects_begin(&list, dataset, split, err);

    for (int64_t i = 0; i < images->count && status == FSN_OK; i++) {
        const struct fsn__voc_named *named = voc->of_image[images->file[i]];
        const struct fsn__voc_annotation *annotation = &named->annotation;

        status = fsn__objects_check_size(&dataset->store->images[images->file[i]], named->path,
                                         annotation->width, annotation->height, err);
        for (int o = 0; o < annotation->count && status == FSN_OK; o++) {
            const struct fsn__found_object object =
                convert(voc, &annotation->objects[o], dataset->first_pixel == 0);

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

    (void)format;
    fsn__dataset_adopt(dataset, voc->store);
    voc->store = NULL;
    dataset->detection = true;
    status = fsn__voc_table_sort(&voc->images, "images", err);
    if (status == FSN_OK)
        status = fsn__voc_table_sort(&voc->annotations, "annotations", err);
    if (status == FSN_OK)
        status = pair(voc, dataset, err);
    if (status == FSN_OK)
        status = fill_splits(voc, dataset, err);
    if (status == FSN_OK)
        status = fsn__voc_classes(voc->of_image, &voc->names, dataset, &voc->classes, err);
    if (status == FSN_OK)
        status = find_first_pixel(voc, dataset, err);
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = fill_objects(voc, dataset, (enum fsn_split)s, err);
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
    .declare = declare,
    .free_state = free_state,
};
