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
 */
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/split.h"

#include <stdlib.h>
#include <string.h>

enum role { TRAIN, VAL, TEST, ROLES, NO_ROLE = -1 };

/* Where the images of one set lie. */
struct layout {
    bool has_splits;
    int skipped; /* folders before that of the split or, without splits, of the class */
};

/* An image with a class. */
struct item {
    int64_t file; /* place in the store */
    enum role role;
    const char *class; /* borrowed from the name, not NUL-terminated */
    size_t class_length;
    const char *rest; /* the name after the class */
    int32_t label;
};

struct items {
    struct item *item;
    int64_t count;
    int64_t per_role[ROLES];
};

/* ---- names ----------------------------------------------------------------------------------- */

/* The next folder of a name: its length, 0 when only the file's own name is left. *at is moved to
 * its begin, past separators and ".". */
static size_t folder_at(const char **at)
{
    for (;;) {
        size_t length = strcspn(*at, "/\\");

        if ((*at)[length] == '\0')
            return 0;
        if (length > 0 && !(length == 1 && **at == '.'))
            return length;
        *at += length + 1;
    }
}

/* Moves past `count` folders; false when there are not so many. */
static bool skip_folders(const char **at, int count)
{
    for (int i = 0; i < count; i++) {
        size_t length = folder_at(at);

        if (length == 0)
            return false;
        *at += length;
    }
    return true;
}

static enum role role_of(const char *folder, size_t length)
{
    static const struct {
        const char *name;
        enum role role;
    } names[] = {
        {"train", TRAIN}, {"val", VAL}, {"valid", VAL}, {"validation", VAL}, {"test", TEST},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && strncmp(folder, names[i].name, length) == 0)
            return names[i].role;
    return NO_ROLE;
}

/* What systems leave behind: hidden files and folders, and the "__MACOSX" of zips. */
static bool is_litter(const char *name)
{
    const char *at = name;
    size_t length;

    while ((length = folder_at(&at)) > 0) {
        if (*at == '.' || (length == 8 && strncmp(at, "__MACOSX", 8) == 0))
            return true;
        at += length;
    }
    return fsn__base_name(name)[0] == '.';
}

static bool wants(const struct fsn__data_format *format, const char *name)
{
    const char *at = name;

    (void)format;
    return fsn__name_is_image(name) && !is_litter(name) && folder_at(&at) > 0;
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

/* ---- layout ---------------------------------------------------------------------------------- */

/* Whether any image lies in train, val or test below `skipped` folders. */
static bool has_split_at(const struct fsn__image_store *store, int skipped)
{
    for (int64_t i = 0; i < store->count; i++) {
        const char *at = store->images[i].name;
        size_t length = skip_folders(&at, skipped) ? folder_at(&at) : 0;

        if (length > 0 && role_of(at, length) != NO_ROLE)
            return true;
    }
    return false;
}

/* Whether all images lie in one folder that has folders. */
static bool has_one_top(const struct fsn__image_store *store)
{
    const char *top = store->images[0].name;
    const size_t top_length = folder_at(&top);

    for (int64_t i = 0; i < store->count; i++) {
        const char *at = store->images[i].name;
        const size_t length = folder_at(&at);

        if (length != top_length || strncmp(at, top, length) != 0)
            return false;
        at += length;
        if (folder_at(&at) == 0)
            return false;
    }
    return true;
}

static struct layout find_layout(const struct fsn__image_store *store)
{
    struct layout layout = {false, 0};

    for (int skipped = 0; skipped < 2; skipped++)
        if (has_split_at(store, skipped))
            return (struct layout){true, skipped};
    layout.skipped = has_one_top(store);
    return layout;
}

/* Splits the name of an image; false when it is in no class of a split. */
static bool find_item(const struct layout *layout, const char *name, struct item *item)
{
    const char *at = name;

    if (!skip_folders(&at, layout->skipped))
        return false;
    item->role = TRAIN;
    if (layout->has_splits) {
        size_t length = folder_at(&at);

        item->role = role_of(at, length);
        if (item->role == NO_ROLE)
            return false;
        at += length;
    }
    item->class_length = folder_at(&at);
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
    if (items->per_role[TRAIN] == 0)
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

/* Sorts the items, numbers the classes of the train images, which come first, and names them. */
static enum fsn_status number_classes(struct items *items, struct fsn_dataset *dataset,
                                      struct fsn_error *err)
{
    const int64_t train = items->per_role[TRAIN];
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
        if (!fsn__name_is_utf8(*name))
            return FSN__FAIL(err, FSN_FORMAT, "the name of class %d is not UTF-8",
                             items->item[i].label);
    }
    return FSN_OK;
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
        const enum role role = items.per_role[TEST] > 0 ? TEST : VAL;

        test = items.per_role[role];
        begin = items.per_role[TRAIN] + (role == TEST ? items.per_role[VAL] : 0);
        dataset->unused_images = store->count - items.per_role[TRAIN] - test;
        status = label_test(&items, begin, test, dataset, err);
    }
    if (status == FSN_OK)
        status = fill_split(&items, 0, items.per_role[TRAIN], dataset, FSN_SPLIT_TRAIN, err);
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
    .wants = wants,
    .take = take,
    .is_there = is_there,
    .assemble = assemble,
    .free_state = free_state,
};
