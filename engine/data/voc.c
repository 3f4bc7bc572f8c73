/*
 * voc.c - detection sets in the form of Pascal VOC:
 *
 *     JPEGImages/NAME.jpg    Annotations/NAME.xml    ImageSets/Main/{train,val,test}.txt
 *
 * perhaps in more folders. A list has an image's NAME on each line; what is in `test`, or else in
 * `val`, is the test split, and with both, val is left aside, as are images in no list. Without
 * lists all annotated images are train images, of which a tenth is split off.
 *
 * Everything is read and checked: that listed images and their annotations are there, and that
 * boxes lie in the image (0 <= xmin <= xmax <= width, and so the other way; VOC counts from 1,
 * others from 0). A box without an area is no reason to refuse a set, and is counted. Training
 * needs more than that; until then a job on such a set is refused.
 */
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/split.h"
#include "data/voc_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 1000 };
enum list { LIST_TRAIN, LIST_VAL, LIST_TEST, LISTS };
static const char *const list_files[LISTS] = {"train.txt", "val.txt", "test.txt"};

/* One image or annotation under its NAME. */
struct named {
    char *name;
    struct fsn__voc_annotation annotation; /* of an annotation */
    int64_t file;                          /* place in the store, of an image */
    bool listed;                           /* of an image: it is in a split */
};

struct table {
    struct named *item; /* sorted before it is searched */
    size_t count, capacity;
};

struct voc {
    struct fsn__image_store *store;
    struct table images, annotations;
    char *list[LISTS]; /* text, or NULL */
    struct table classes;
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

/* A new item; NULL when out of memory. */
static struct named *add(struct table *table, const char *name, size_t length)
{
    struct named *item;

    if (table->count == table->capacity) {
        const size_t capacity = table->capacity ? 2 * table->capacity : 64;

        item = reallocarray(table->item, capacity, sizeof *item);
        if (!item)
            return NULL;
        table->item = item;
        table->capacity = capacity;
    }
    item = &table->item[table->count];
    *item = (struct named){.name = strndup(name, length)};
    if (!item->name)
        return NULL;
    table->count++;
    return item;
}

/* The same under a file's name, without folders and suffix. */
static struct named *add_file(struct table *table, const char *path)
{
    const char *base = fsn__base_name(path), *suffix = strrchr(base, '.');

    return add(table, base, suffix ? (size_t)(suffix - base) : strlen(base));
}

static void clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->item[i].name);
        fsn__voc_clear(&table->item[i].annotation);
    }
    free(table->item);
}

static enum fsn_status take_file(struct voc *voc, const char *name, unsigned char *bytes,
                                 size_t size, struct fsn_error *err)
{
    const int list = list_of(name);
    struct named *item;
    char shown[256];

    fsn__name_printable(shown, sizeof shown, name);
    if (list >= 0) {
        free(voc->list[list]);
        voc->list[list] = strndup((const char *)bytes, size);
        return voc->list[list] ? FSN_OK : FSN__NOMEM(err);
    }
    if (is_xml(name)) {
        item = add_file(&voc->annotations, name);
        return item ? fsn__voc_parse(bytes, size, shown, &item->annotation, err) : FSN__NOMEM(err);
    }
    item = add_file(&voc->images, name);
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

static void free_state(void *state)
{
    struct voc *voc = state;

    if (!voc)
        return;
    fsn__image_store_destroy(voc->store);
    clear(&voc->images);
    clear(&voc->annotations);
    clear(&voc->classes);
    for (int i = 0; i < LISTS; i++)
        free(voc->list[i]);
    free(voc);
}

/* ---- finding --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static enum fsn_status sort(struct table *table, const char *what, struct fsn_error *err)
{
    qsort(table->item, table->count, sizeof *table->item, by_name);
    for (size_t i = 1; i < table->count; i++)
        if (strcmp(table->item[i - 1].name, table->item[i].name) == 0)
            return FSN__FAIL(err, FSN_FORMAT, "the voc data set has two %s of the name '%.100s'",
                             what, table->item[i].name);
    return FSN_OK;
}

static struct named *find(const struct table *table, const char *name)
{
    const struct named key = {.name = (char *)(uintptr_t)name};

    return table->count > 0 ? bsearch(&key, table->item, table->count, sizeof *table->item, by_name)
                            : NULL;
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
                                   struct named **out, struct fsn_error *err)
{
    struct named *image = find(&voc->images, name);

    if (!image || !find(&voc->annotations, name))
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
        struct named *image = NULL;

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
        if (find(&voc->annotations, voc->images.item[i].name))
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
    struct table *classes = &voc->classes;
    size_t kept = 0;

    for (size_t i = 0; i < voc->annotations.count; i++) {
        const struct fsn__voc_annotation *annotation = &voc->annotations.item[i].annotation;

        for (int o = 0; o < annotation->count; o++) {
            if (find(classes, annotation->objects[o].name))
                continue;
            if (classes->count == MAX_CLASSES)
                return FSN__FAIL(err, FSN_LIMIT, "the voc data set has more than %d classes",
                                 MAX_CLASSES);
            if (!add(classes, annotation->objects[o].name, strlen(annotation->objects[o].name)))
                return FSN__NOMEM(err);
            qsort(classes->item, classes->count, sizeof *classes->item, by_name);
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

static enum fsn_status count_object(const struct voc *voc, const struct fsn__voc_object *object,
                                    const struct fsn__stored_image *image,
                                    struct fsn_object_counts *counts, int64_t *per_class,
                                    struct fsn_error *err)
{
    char shown[256];

    fsn__name_printable(shown, sizeof shown, image->name);
    if (!(object->x0 >= 0 && object->x0 <= object->x1 && object->x1 <= image->info.width &&
          object->y0 >= 0 && object->y0 <= object->y1 && object->y1 <= image->info.height))
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: box of a '%.60s', x %g to %g and y %g to %g, is not in the image of "
                         "%d x %d",
                         shown, object->name, object->x0, object->x1, object->y0, object->y1,
                         image->info.width, image->info.height);
    counts->count++;
    counts->difficult += object->difficult;
    counts->empty += object->x0 == object->x1 || object->y0 == object->y1;
    per_class[find(&voc->classes, object->name) - voc->classes.item]++;
    return FSN_OK;
}

static enum fsn_status count_split(const struct voc *voc, struct fsn_dataset *dataset,
                                   enum fsn_split split, struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];
    enum fsn_status status = FSN_OK;

    images->per_class = calloc((size_t)dataset->classes, sizeof *images->per_class);
    if (!images->per_class)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < images->count; i++) {
        const struct fsn__stored_image *image = &dataset->store->images[images->file[i]];
        const char *base = fsn__base_name(image->name);
        char *name = strndup(base, (size_t)(strrchr(base, '.') - base));
        const struct named *annotation = name ? find(&voc->annotations, name) : NULL;

        free(name);
        if (!annotation)
            return FSN__NOMEM(err); /* it was there when the split was filled */
        for (int o = 0; o < annotation->annotation.count && status == FSN_OK; o++)
            status = count_object(voc, &annotation->annotation.objects[o], image,
                                  &dataset->objects[split], images->per_class, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
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
    status = sort(&voc->images, "images", err);
    if (status == FSN_OK)
        status = sort(&voc->annotations, "annotations", err);
    if (status == FSN_OK)
        status = collect_classes(voc, dataset, err);
    if (status == FSN_OK)
        status = fill_splits(voc, dataset, err);
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = count_split(voc, dataset, (enum fsn_split)s, err);
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
    .free_state = free_state,
};
