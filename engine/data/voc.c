/*
 * voc.c - detection sets in the form of Pascal VOC:
 *
 *     JPEGImages/NAME.jpg    Annotations/NAME.xml    ImageSets/Main/{train,val,test}.txt
 *
 * perhaps in more folders. A list has an image's NAME on each line; what is in `test`, or else in
 * `val`, is the test split, and with both, val is left aside, as are images in no list. Without
 * lists all annotated images are train images, of which a tenth is split off.
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
#include "data/voc_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 1000 };
enum list { LIST_TRAIN, LIST_VAL, LIST_TEST, LISTS };
static const char *const list_files[LISTS] = {"train.txt", "val.txt", "test.txt"};

struct voc {
    struct fsn__image_store *store;
    struct fsn__voc_table images, annotations;
    char *list[LISTS]; /* text, or NULL */
    struct fsn__voc_table classes;
};

/* ---- collecting ------------------------------------------------------------------------------ */

/* Whether the last folder of the name is this one. */
static bool is_in(const char *name, const char *folder)
{
    const char *base = fsn__base_name(name);
    const size_t length = strlen(folder);

    return (size_t)(base - name) >= length + 1 && strncmp(base - length - 1, folder, length) == 0 &&
           ((size_t)(base - name) == length + 1 || strchr("/\\", base[-(ptrdiff_t)length - 2]));
}

static bool is_xml(const char *name)
{
    const char *suffix = strrchr(name, '.');

    return suffix && strcasecmp(suffix, ".xml") == 0;
}

static int list_of(const char *name)
{
    for (int i = 0; i < LISTS; i++)
        if (is_in(name, "Main") && strcmp(fsn__base_name(name), list_files[i]) == 0)
            return i;
    return -1;
}

static bool wants(const struct fsn__data_format *format, const char *name)
{
    (void)format;
    if (fsn__base_name(name)[0] == '.')
        return false;
    return (is_in(name, "JPEGImages") && fsn__name_is_image(name)) ||
           (is_in(name, "Annotations") && is_xml(name)) || list_of(name) >= 0;
}

static enum fsn_status take_file(struct voc *voc, const char *name, unsigned char *bytes,
                                 size_t size, struct fsn_error *err)
{
    const int list = list_of(name);
    struct fsn__voc_named *item;
    char shown[256];

    fsn__name_printable(shown, sizeof shown, name);
    if (list >= 0) {
        free(voc->list[list]);
        voc->list[list] = strndup((const char *)bytes, size);
        return voc->list[list] ? FSN_OK : FSN__NOMEM(err);
    }
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
    for (int i = 0; i < LISTS; i++)
        free(voc->list[i]);
    free(voc);
}

/* ---- splits ---------------------------------------------------------------------------------- */

/* The next name of a list, cut out of its text; NULL at the end. *at moves on. */
static const char *next_name(char **at)
{
    static const char space[] = " \t\r\n";
    char *name = *at + strspn(*at, space), *end = name + strcspn(name, space);

    *at = *end ? end + 1 : end;
    *end = '\0';
    return *name ? name : NULL;
}

/* The image of a listed name, which is now listed. */
static enum fsn_status find_listed(const struct voc *voc, enum list list, const char *name,
                                   struct fsn__voc_named **out, struct fsn_error *err)
{
    struct fsn__voc_named *image = fsn__voc_table_find(&voc->images, name);

    if (!image || !fsn__voc_table_find(&voc->annotations, name))
        return FSN__FAIL(err, FSN_FORMAT, "%s lists '%.100s', which has no %s", list_files[list],
                         name, image ? "annotation" : "image");
    if (image->listed)
        return FSN__FAIL(err, FSN_FORMAT, "%s lists '%.100s', which has been listed before",
                         list_files[list], name);
    image->listed = true;
    *out = image;
    return FSN_OK;
}

static enum fsn_status fill_from_list(struct voc *voc, enum list list, struct fsn_dataset *dataset,
                                      enum fsn_split split, struct fsn_error *err)
{
    enum fsn_status status =
        fsn__images_alloc_files(dataset, split, (int64_t)voc->images.count, err);
    struct fsn__images *images = &dataset->split[split];
    char *at = voc->list[list];
    const char *name;

    if (status != FSN_OK)
        return status;
    images->count = 0; /* no image is listed twice, so there is room for all */
    while (status == FSN_OK && (name = next_name(&at))) {
        struct fsn__voc_named *image = NULL;

        status = find_listed(voc, list, name, &image, err);
        if (status == FSN_OK)
            images->file[images->count++] = image->file;
    }
    if (status == FSN_OK && images->count == 0)
        status = FSN__FAIL(err, FSN_FORMAT, "%s lists no image", list_files[list]);
    return status;
}

static enum fsn_status fill_without_lists(const struct voc *voc, struct fsn_dataset *dataset,
                                          struct fsn_error *err)
{
    enum fsn_status status =
        fsn__images_alloc_files(dataset, FSN_SPLIT_TRAIN, (int64_t)voc->images.count, err);
    struct fsn__images *images = &dataset->split[FSN_SPLIT_TRAIN];

    if (status != FSN_OK)
        return status;
    images->count = 0;
    for (size_t i = 0; i < voc->images.count; i++)
        if (fsn__voc_table_find(&voc->annotations, voc->images.item[i].name))
            images->file[images->count++] = voc->images.item[i].file;
    return fsn__split_off_test(dataset, err);
}

static enum fsn_status fill_splits(struct voc *voc, struct fsn_dataset *dataset,
                                   struct fsn_error *err)
{
    const enum list test = voc->list[LIST_TEST] ? LIST_TEST : LIST_VAL;
    enum fsn_status status;

    if (!voc->list[LIST_TRAIN])
        return fill_without_lists(voc, dataset, err);
    status = fill_from_list(voc, LIST_TRAIN, dataset, FSN_SPLIT_TRAIN, err);
    if (status != FSN_OK)
        return status;
    return voc->list[test] ? fill_from_list(voc, test, dataset, FSN_SPLIT_TEST, err)
                           : fsn__split_off_test(dataset, err);
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
