/*
 * images.c - images without classes: JPEG and PNG files in any folders, or in none. Networks are
 * distilled on them, for which no labels are needed.
 *
 * An archive is taken for this where its images lie at the top, or in no two folders that could be
 * classes (image_folder.c); one with class folders, too, where the format is named: then the
 * folders mean nothing.
 *
 * Images are ordered by name. Those in folders train/ and test/ (or else val/), perhaps in one more
 * folder, are these splits, and what lies elsewhere is left aside. Without a train/ all images are
 * divided: every tenth is a test image, of fewer than ten the last.
 */
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/image_roles.h"

#include <stdlib.h>
#include <string.h>

enum { TENTH = 10 };

struct images {
    struct fsn__image_store *store;
    /* The first image that could not be taken. It matters once it is clear that the images are the
     * data set: a picture beside another one's files may be of any kind. */
    struct fsn_error fault;
};

static bool wants(const struct fsn__data_format *format, const char *name)
{
    (void)format;
    return fsn__name_is_image(name) && !fsn__name_is_litter(name);
}

static enum fsn_status make_state(void **state, struct fsn_error *err)
{
    struct images *images = *state;

    if (!images) {
        *state = images = calloc(1, sizeof *images);
        if (images)
            images->store = fsn__image_store_create();
    }
    return images && images->store ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status take(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err)
{
    enum fsn_status status = make_state(state, err);

    (void)format;
    if (status == FSN_OK) {
        struct images *images = *state;
        struct fsn_error fault = {.status = FSN_OK};

        status = fsn__image_store_add(images->store, name, bytes, size, &fault);
        if (status == FSN_NOMEM || status == FSN_IO) {
            if (err && err->status == FSN_OK)
                *err = fault;
        } else {
            if (status != FSN_OK && images->fault.status == FSN_OK)
                images->fault = fault;
            status = FSN_OK;
        }
    }
    free(bytes);
    return status;
}

static bool is_there(const struct fsn__data_format *format, const void *state)
{
    (void)format;
    return state != NULL;
}

/* Those in folders come from image_folder.c. */
static enum fsn_status join(void **state, struct fsn__image_store *others, struct fsn_error *err)
{
    enum fsn_status status = make_state(state, err);

    if (status == FSN_OK)
        status = fsn__image_store_append(((struct images *)*state)->store, others, err);
    return status;
}

static void free_state(void *state)
{
    struct images *images = state;

    if (!images)
        return;
    fsn__image_store_destroy(images->store);
    free(images);
}

/* ---- splits ---------------------------------------------------------------------------------- */

struct item {
    const char *name; /* borrowed from the store */
    int64_t file;
    enum fsn__image_role role;
};

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    const int order = strcmp(a->name, b->name);

    return order ? order : (a->file > b->file) - (a->file < b->file);
}

/* In the order of their names. */
static struct item *list_items(const struct fsn__image_store *store)
{
    struct item *items = calloc((size_t)store->count + 1, sizeof *items);

    for (int64_t i = 0; items && i < store->count; i++)
        items[i] = (struct item){store->images[i].name, i, FSN__IMAGE_NO_ROLE};
    if (items)
        qsort(items, (size_t)store->count, sizeof *items, compare_items);
    return items;
}

/* Whether folders say what is train and what test; the items' roles then. */
static bool divide_by_folders(const struct fsn__image_store *store, struct item *items)
{
    const int skipped = fsn__find_splits(store);
    int64_t per_role[FSN__IMAGE_ROLES] = {0};

    if (skipped < 0)
        return false;
    for (int64_t i = 0; i < store->count; i++) {
        items[i].role = fsn__image_role_below(items[i].name, skipped);
        if (items[i].role != FSN__IMAGE_NO_ROLE)
            per_role[items[i].role]++;
    }
    if (per_role[FSN__IMAGE_TEST] > 0)
        return per_role[FSN__IMAGE_TRAIN] > 0;
    for (int64_t i = 0; i < store->count; i++)
        if (items[i].role == FSN__IMAGE_VAL)
            items[i].role = FSN__IMAGE_TEST;
    return per_role[FSN__IMAGE_TRAIN] > 0 && per_role[FSN__IMAGE_VAL] > 0;
}

/* Every tenth of the train images, or where no folder is train/, of all. */
static void divide_by_tens(const struct fsn__image_store *store, struct item *items)
{
    const int skipped = fsn__find_splits(store);
    int64_t seen = 0, last = -1;
    bool has_train = false, has_test = false;

    for (int64_t i = 0; i < store->count; i++)
        has_train = has_train || fsn__image_role_below(items[i].name, skipped) == FSN__IMAGE_TRAIN;
    for (int64_t i = 0; i < store->count; i++) {
        items[i].role = FSN__IMAGE_NO_ROLE;
        if (has_train && fsn__image_role_below(items[i].name, skipped) != FSN__IMAGE_TRAIN)
            continue;
        items[i].role = ++seen % TENTH == 0 ? FSN__IMAGE_TEST : FSN__IMAGE_TRAIN;
        has_test = has_test || items[i].role == FSN__IMAGE_TEST;
        last = i;
    }
    if (!has_test && last >= 0)
        items[last].role = FSN__IMAGE_TEST;
}

static enum fsn_status fill_split(const struct item *items, int64_t count,
                                  enum fsn__image_role role, struct fsn_dataset *dataset,
                                  enum fsn_split split, struct fsn_error *err)
{
    int64_t images = 0, at = 0;
    enum fsn_status status;
    char shown[128];

    for (int64_t i = 0; i < count; i++)
        images += items[i].role == role;
    fsn__name_printable(shown, sizeof shown, items[0].name);
    if (images == 0)
        return FSN__FAIL(err, FSN_FORMAT,
                         "a data set of images alone needs two or more, one of them to measure by; "
                         "there is one, '%s'",
                         shown);
    status = fsn__images_alloc_files(dataset, split, images, err);
    for (int64_t i = 0; status == FSN_OK && i < count; i++)
        if (items[i].role == role)
            dataset->split[split].file[at++] = items[i].file;
    dataset->unused_images -= images;
    return status;
}

static enum fsn_status assemble(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    struct images *images = *state;
    struct item *items = NULL;
    enum fsn_status status = FSN_OK;

    (void)format;
    if (images->fault.status != FSN_OK) {
        if (err && err->status == FSN_OK)
            *err = images->fault;
        return images->fault.status;
    }
    fsn__dataset_adopt(dataset, images->store);
    images->store = NULL;
    dataset->unused_images = dataset->store->count;
    items = list_items(dataset->store);
    if (!items)
        return FSN__NOMEM(err);
    dataset->split_made = !divide_by_folders(dataset->store, items);
    if (dataset->split_made)
        divide_by_tens(dataset->store, items);
    status =
        fill_split(items, dataset->store->count, FSN__IMAGE_TRAIN, dataset, FSN_SPLIT_TRAIN, err);
    if (status == FSN_OK)
        status =
            fill_split(items, dataset->store->count, FSN__IMAGE_TEST, dataset, FSN_SPLIT_TEST, err);
    free(items);
    return status;
}

const struct fsn__data_format fsn__format_images = {
    .name = "images",
    .expects = "*.jpg or *.png, without classes",
    .fallback = true,
    .images = {&fsn__format_image_folder},
    .join = join,
    .images_suffice = true,
    .wants = wants,
    .take = take,
    .is_there = is_there,
    .assemble = assemble,
    .free_state = free_state,
};
