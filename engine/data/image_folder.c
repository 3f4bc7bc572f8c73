/*
 * image_folder.c - photographs in a folder for each class, as torchvision's ImageFolder has them:
 *
 *     train/CLASS/NAME.jpg    val/CLASS/NAME.jpg    test/CLASS/NAME.jpg     also .jpeg and .png
 *
 * What is named like an image of another kind (.bmp, .webp) is refused by name unless it is JPEG or
 * PNG all the same: left out, it would quietly make another set than the one that was sent.
 *
 * all of it perhaps in one more folder. A set without split folders, CLASS/NAME.jpg alone, is all
 * train images. Classes are the folders of the train images, numbered by name in byte order, as
 * Python sorts them; within a class images are ordered by name too, so nothing depends on the order
 * in an archive. Folders inside a class belong to it.
 *
 * The test split is `test`, or else `val` (also "valid", "validation"); when there are both, val is
 * left aside. What lies in no class folder (the unlabelled test images of some sets) is left aside
 * too; unused_images counts both. Without test images a tenth of the train images is split off.
 *
 * Images in no two folders that can be classes are a set without classes (images.c), unless the
 * format is named.
 */
#include "data/class_names.h"
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/image_roles.h"
#include "data/split.h"

#include <stdlib.h>
#include <string.h>

/* Where the images of one set lie. */
struct layout {
    bool has_splits;
    int skipped; /* folders before that of the split or, without splits, of the class */
};

/* An image with a class. */
struct item {
    int64_t file; /* place in the store */
    enum fsn__image_role role;
    const char *class; /* borrowed from the name, not NUL-terminated */
    size_t class_length;
    const char *rest; /* the name after the class */
    int32_t label;
};

struct items {
    struct item *item;
    int64_t count;
    int64_t per_role[FSN__IMAGE_ROLES];
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool wants(const struct fsn__data_format *format, const char *name)
{
    const char *at = name;

    (void)format;
    return fsn__name_is_image(name) && !fsn__name_is_litter(name) && fsn__folder_at(&at) > 0;
}

static enum fsn_status take(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    (void)format;
    if (!*state)
        *state = fsn__image_store_create();
    if (!*state)
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = fsn__image_store_add(*state, name, bytes, size, err);
    free(bytes);
    return status;
}

static bool is_there(const struct fsn__data_format *format, const void *state)
{
    (void)format;
    return state != NULL;
}

static void free_state(void *state)
{
    fsn__image_store_destroy(state);
}

static struct fsn__image_store *images_of(void *state)
{
    return state;
}

/* ---- layout ---------------------------------------------------------------------------------- */

/* Whether all images lie in one folder that has folders. */
static bool has_one_top(const struct fsn__image_store *store)
{
    const char *top = store->images[0].name;
    const size_t top_length = fsn__folder_at(&top);

    for (int64_t i = 0; i < store->count; i++) {
        const char *at = store->images[i].name;
        const size_t length = fsn__folder_at(&at);

        if (length != top_length || strncmp(at, top, length) != 0)
            return false;
        at += length;
        if (fsn__folder_at(&at) == 0)
            return false;
    }
    return true;
}

static struct layout find_layout(const struct fsn__image_store *store)
{
    const int splits = fsn__find_splits(store);

    if (splits >= 0)
        return (struct layout){true, splits};
    return (struct layout){false, has_one_top(store)};
}

/* Splits the name of an image; false when it is in no class of a split. */
static bool find_item(const struct layout *layout, const char *name, struct item *item)
{
    const char *at = name;

    if (!fsn__skip_folders(&at, layout->skipped))
        return false;
    item->role = FSN__IMAGE_TRAIN;
    if (layout->has_splits) {
        size_t length = fsn__folder_at(&at);

        item->role = fsn__image_role(at, length);
        if (item->role == FSN__IMAGE_NO_ROLE)
            return false;
        at += length;
    }
    item->class_length = fsn__folder_at(&at);
    item->class = at;
    item->rest = at + item->class_length;
    return item->class_length > 0;
}

static enum fsn_status collect(const struct fsn__image_store *store, struct items *items,
                               struct fsn_error *err)
{
    const struct layout layout = find_layout(store);

    items->item = calloc((size_t)store->count + 1, sizeof *items->item);
    if (!items->item)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < store->count; i++) {
        struct item item = {.file = i};

        if (find_item(&layout, store->images[i].name, &item)) {
            items->item[items->count++] = item;
            items->per_role[item.role]++;
        }
    }
    if (items->per_role[FSN__IMAGE_TRAIN] == 0)
        return FSN__FAIL(err, FSN_FORMAT,
                         "the imagefolder data set has no train images: no file lies in "
                         "train/<class>/");
    return FSN_OK;
}

/* ---- classes --------------------------------------------------------------------------------- */

static int compare_classes(const struct item *a, const struct item *b)
{
    const size_t shared = a->class_length < b->class_length ? a->class_length : b->class_length;
    const int order = memcmp(a->class, b->class, shared);

    return order ? order
                 : (a->class_length > b->class_length) - (a->class_length < b->class_length);
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int order;

    if (a->role != b->role)
        return a->role < b->role ? -1 : 1;
    order = compare_classes(a, b);
    return order ? order : strcmp(a->rest, b->rest);
}

/* Whether images lie in two folders or more that can be classes, of any split. */
static bool has_classes(const void *state)
{
    const struct fsn__image_store *store = state;
    const struct layout layout = find_layout(store);
    struct item first = {.class = NULL}, item = {.class = NULL};

    for (int64_t i = 0; i < store->count; i++) {
        if (!find_item(&layout, store->images[i].name, &item))
            continue;
        if (first.class && compare_classes(&first, &item) != 0)
            return true;
        first = item;
    }
    return false;
}

/* Sorts the items, numbers the classes of the train images, which come first, and names them. */
static enum fsn_status number_classes(struct items *items, struct fsn_dataset *dataset,
                                      struct fsn_error *err)
{
    const int64_t train = items->per_role[FSN__IMAGE_TRAIN];
    enum fsn_status status = FSN_OK;
    char shown[256];
    int classes = 0;

    qsort(items->item, (size_t)items->count, sizeof *items->item, compare_items);
    for (int64_t i = 0; i < train; i++) {
        if (i > 0 && compare_classes(&items->item[i - 1], &items->item[i]) != 0)
            classes++;
        items->item[i].label = classes;
    }
    dataset->classes = classes + 1;
    fsn__name_printable(shown, sizeof shown, dataset->store->images[items->item[0].file].name);
    if (dataset->classes < 2)
        return FSN__FAIL(
            err, FSN_FORMAT,
            "the imagefolder data set has one class, that of '%s'; expected a folder for "
            "each of two or more",
            shown);
    dataset->class_names = calloc((size_t)dataset->classes, sizeof *dataset->class_names);
    if (!dataset->class_names)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < train; i++) {
        char **name = &dataset->class_names[items->item[i].label];

        if (!*name)
            *name = strndup(items->item[i].class, items->item[i].class_length);
        if (!*name)
            return FSN__NOMEM(err);
    }
    for (int c = 0; c < dataset->classes && status == FSN_OK; c++)
        status = fsn__class_name_check(dataset->class_names[c], "a folder", err);
    return status;
}

/* The label of a class that train images may have; -1 for none. */
static int32_t find_class(const struct fsn_dataset *dataset, const struct item *item)
{
    int32_t low = 0, high = dataset->classes - 1;

    while (low <= high) {
        const int32_t middle = (low + high) / 2;
        const char *name = dataset->class_names[middle];
        const struct item probe = {.class = name, .class_length = strlen(name)};
        const int order = compare_classes(item, &probe);

        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

static enum fsn_status label_test(const struct items *items, int64_t begin, int64_t count,
                                  const struct fsn_dataset *dataset, struct fsn_error *err)
{
    for (int64_t i = begin; i < begin + count; i++) {
        struct item *item = &items->item[i];
        char shown[256];

        item->label = find_class(dataset, item);
        if (item->label >= 0)
            continue;
        fsn__name_printable(shown, sizeof shown, dataset->store->images[item->file].name);
        return FSN__FAIL(err, FSN_FORMAT, "entry '%s' is of a class that no train image has",
                         shown);
    }
    return FSN_OK;
}

/* ---- the data set ---------------------------------------------------------------------------- */

static enum fsn_status fill_split(const struct items *items, int64_t begin, int64_t count,
                                  struct fsn_dataset *dataset, enum fsn_split split,
                                  struct fsn_error *err)
{
    enum fsn_status status = fsn__images_alloc_files(dataset, split, count, err);

    for (int64_t i = 0; status == FSN_OK && i < count; i++) {
        dataset->split[split].file[i] = items->item[begin + i].file;
        dataset->split[split].labels[i] = items->item[begin + i].label;
    }
    return status;
}

static enum fsn_status assemble(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    struct fsn__image_store *store = *state;
    struct items items = {0};
    enum fsn_status status = collect(store, &items, err);
    int64_t test = 0, begin = 0;

    (void)format;
    fsn__dataset_adopt(dataset, store);
    *state = NULL;
    if (status == FSN_OK)
        status = number_classes(&items, dataset, err);
    if (status == FSN_OK) {
        const enum fsn__image_role role =
            items.per_role[FSN__IMAGE_TEST] > 0 ? FSN__IMAGE_TEST : FSN__IMAGE_VAL;

        test = items.per_role[role];
        begin = items.per_role[FSN__IMAGE_TRAIN] +
                (role == FSN__IMAGE_TEST ? items.per_role[FSN__IMAGE_VAL] : 0);
        dataset->unused_images = store->count - items.per_role[FSN__IMAGE_TRAIN] - test;
        status = label_test(&items, begin, test, dataset, err);
    }
    if (status == FSN_OK)
        status =
            fill_split(&items, 0, items.per_role[FSN__IMAGE_TRAIN], dataset, FSN_SPLIT_TRAIN, err);
    if (status == FSN_OK)
        status = test > 0 ? fill_split(&items, begin, test, dataset, FSN_SPLIT_TEST, err)
                          : fsn__split_off_test(dataset, err);
    free(items.item);
    return status;
}

const struct fsn__data_format fsn__format_image_folder = {
    .name = "imagefolder",
    .expects = "a folder for each class (train/<class>/*.jpg or *.png, and val or test)",
    .fallback = true,
    .otherwise = &fsn__format_images,
    .is_likely = has_classes,
    .wants = wants,
    .take = take,
    .is_there = is_there,
    .assemble = assemble,
    .images_of = images_of,
    .free_state = free_state,
};
