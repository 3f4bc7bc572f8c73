/*
 * masks.c - images with a class for every pixel, in PNG files of the images' sizes:
 *
 *     images/NAME.jpg      masks/NAME.png              .jpeg, .png too; perhaps a names.txt
 *     JPEGImages/NAME.jpg  SegmentationClass/NAME.png  ImageSets/Segmentation/train.txt ...
 *
 * the second as Pascal VOC has it; both perhaps in more folders. A pixel's class is its value: the
 * index of a palette, or a level of grey, from 0 on; 255 (FSN_MASK_VOID) is of no class. There are
 * as many classes as names.txt (or labels.txt) has lines, else as the largest value says.
 *
 * Folders train/ and test/ (or else val/), above or below images/, are these splits; with test/,
 * val/ is left aside, as is what lies in none of them. VOC's lists say it instead where they are
 * (split_lists.h). Without test images a tenth is split off.
 *
 * An archive with the whole of VOC is a detection set unless this format is named.
 */
#include "data/class_names.h"
#include "data/data_format.h"
#include "data/entry_name.h"
#include "data/mask.h"
#include "data/mask_pairs.h"
#include "data/split.h"
#include "data/split_lists.h"

#include <stdlib.h>
#include <string.h>

static const char lists_folder[] = "Segmentation";

struct masks {
    struct fsn__image_store *store;
    struct fsn__part names;
    struct fsn__split_lists lists;
    struct fsn__mask_pairs pairs;
};

/* ---- collecting ------------------------------------------------------------------------------ */

static bool wants(const struct fsn__data_format *format, const char *name)
{
    (void)format;
    return fsn__split_list_of(name, lists_folder) >= 0;
}

static enum fsn_status make_state(void **state, struct fsn_error *err)
{
    struct masks *masks = *state;

    if (!masks) {
        *state = masks = calloc(1, sizeof *masks);
        if (masks)
            masks->store = fsn__image_store_create();
    }
    return masks && masks->store ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status take(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err)
{
    enum fsn_status status = make_state(state, err);

    (void)format;
    if (status == FSN_OK)
        status = fsn__split_lists_take(&((struct masks *)*state)->lists, name, lists_folder, bytes,
                                       size, err);
    free(bytes);
    return status;
}

static void declare(void *state, struct fsn__part *names)
{
    struct masks *masks = state;

    masks->names = *names;
    names->bytes = NULL;
}

/* Its images are in other formats' states. */
static bool is_there(const struct fsn__data_format *format, const void *state)
{
    (void)format;
    (void)state;
    return false;
}

static enum fsn_status join(void **state, struct fsn__image_store *images, struct fsn_error *err)
{
    enum fsn_status status = make_state(state, err);

    if (status == FSN_OK)
        status = fsn__image_store_append(((struct masks *)*state)->store, images, err);
    return status;
}

static void free_state(void *state)
{
    struct masks *masks = state;

    if (!masks)
        return;
    fsn__image_store_destroy(masks->store);
    fsn__mask_pairs_clear(&masks->pairs);
    fsn__split_lists_clear(&masks->lists);
    free(masks->names.bytes);
    free(masks);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static enum fsn_status alloc_split(struct fsn_dataset *dataset, enum fsn_split split, int64_t most,
                                   struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];
    enum fsn_status status = fsn__images_alloc_files(dataset, split, most, err);

    if (status != FSN_OK)
        return status;
    images->count = 0;
    images->mask = calloc((size_t)most + 1, sizeof *images->mask);
    return images->mask ? FSN_OK : FSN__NOMEM(err);
}

static void add_pair(struct fsn_dataset *dataset, enum fsn_split split,
                     const struct fsn__mask_pair *pair)
{
    struct fsn__images *images = &dataset->split[split];

    images->file[images->count] = pair->image;
    images->mask[images->count++] = pair->mask;
}

/* What fills the splits by lists. */
struct filling {
    struct masks *masks;
    struct fsn_dataset *dataset;
};

static int64_t find_listed(void *user, const char *name, const char **fault)
{
    const struct fsn__mask_pairs *pairs = &((const struct filling *)user)->masks->pairs;
    const struct fsn__mask_pair *pair = fsn__mask_pairs_find(pairs, name);

    *fault = "is not one image with a mask";
    return pair ? pair - pairs->pair : -1;
}

static void add_listed(void *user, enum fsn_split split, int64_t i)
{
    const struct filling *filling = user;

    add_pair(filling->dataset, split, &filling->masks->pairs.pair[i]);
}

static void fill_by_folders(const struct fsn__mask_pairs *pairs, struct fsn_dataset *dataset)
{
    int64_t per_role[FSN__IMAGE_ROLES] = {0};
    enum fsn__image_role test;

    for (int64_t i = 0; i < pairs->count; i++)
        if (pairs->pair[i].role != FSN__IMAGE_NO_ROLE)
            per_role[pairs->pair[i].role]++;
    test = per_role[FSN__IMAGE_TEST] > 0 ? FSN__IMAGE_TEST : FSN__IMAGE_VAL;
    for (int64_t i = 0; i < pairs->count; i++) {
        const struct fsn__mask_pair *pair = &pairs->pair[i];

        if (per_role[FSN__IMAGE_TRAIN] == 0 || pair->role == FSN__IMAGE_TRAIN)
            add_pair(dataset, FSN_SPLIT_TRAIN, pair);
        else if (pair->role == test)
            add_pair(dataset, FSN_SPLIT_TEST, pair);
    }
}

static enum fsn_status fill_splits(struct masks *masks, struct fsn_dataset *dataset,
                                   struct fsn_error *err)
{
    struct filling filling = {masks, dataset};
    const struct fsn__listed_images images = {&filling, masks->pairs.count, find_listed,
                                              add_listed};
    enum fsn_status status = alloc_split(dataset, FSN_SPLIT_TRAIN, images.count + 1, err);

    if (status == FSN_OK)
        status = alloc_split(dataset, FSN_SPLIT_TEST, images.count + 1, err);
    if (status != FSN_OK)
        return status;
    if (fsn__split_lists_any(&masks->lists))
        status = fsn__split_lists_fill(&masks->lists, &images, err);
    else
        fill_by_folders(&masks->pairs, dataset);
    if (status == FSN_OK && dataset->split[FSN_SPLIT_TRAIN].count == 0 &&
        dataset->split[FSN_SPLIT_TEST].count == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the masks data set has no image with a mask");
    if (status == FSN_OK && dataset->split[FSN_SPLIT_TEST].count == 0)
        status = fsn__split_off_test(dataset, err);
    return status;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* Counts the pixels of both splits, and the classes where nobody has named them. */
static enum fsn_status count_pixels(struct fsn_dataset *dataset, const char *declared,
                                    struct fsn_error *err)
{
    const struct fsn__images *train = &dataset->split[FSN_SPLIT_TRAIN];
    const struct fsn__images *test = &dataset->split[FSN_SPLIT_TEST];
    const int64_t n = train->count + test->count;
    struct fsn__mask_counts counts[FSN_SPLIT_COUNT] = {{{0}}};
    int64_t *files = calloc((size_t)n, sizeof *files);
    int *group = calloc((size_t)n, sizeof *group);
    enum fsn_status status = files && group ? FSN_OK : FSN__NOMEM(err);

    for (int64_t i = 0; status == FSN_OK && i < n; i++) {
        group[i] = i < train->count ? FSN_SPLIT_TRAIN : FSN_SPLIT_TEST;
        files[i] = i < train->count ? train->mask[i] : test->mask[i - train->count];
    }
    if (status == FSN_OK)
        status =
            fsn__mask_count(dataset->store, files, group, n,
                            declared ? dataset->classes : FSN_MASK_VOID, declared, counts, err);
    if (!declared)
        for (int v = 0; v < FSN_MASK_VOID; v++)
            if (counts[FSN_SPLIT_TRAIN].pixels[v] + counts[FSN_SPLIT_TEST].pixels[v] > 0)
                dataset->classes = v + 1;
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++) {
        struct fsn__images *images = &dataset->split[s];

        images->per_class = calloc((size_t)dataset->classes + 1, sizeof *images->per_class);
        if (!images->per_class)
            status = FSN__NOMEM(err);
        for (int v = 0; status == FSN_OK && v < dataset->classes; v++) {
            images->per_class[v] = counts[s].pixels[v];
            dataset->pixels[s].labelled += counts[s].pixels[v];
        }
        dataset->pixels[s].none = counts[s].pixels[FSN_MASK_VOID];
    }
    free(files);
    free(group);
    return status;
}

static enum fsn_status find_classes(const struct masks *masks, struct fsn_dataset *dataset,
                                    struct fsn_error *err)
{
    const struct fsn__part *names = &masks->names;
    enum fsn_status status = FSN_OK;

    dataset->classes = names->name[0] ? fsn__class_names_count(names) : 0;
    if (names->name[0] && (dataset->classes < 2 || dataset->classes > FSN_MASK_VOID))
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: names of %d classes, expected a line for each of 2 "
                         "to %d",
                         names->name, dataset->classes, FSN_MASK_VOID);
    if (names->name[0])
        status = fsn__class_names_read(names, dataset->classes, dataset, err);
    if (status == FSN_OK)
        status = count_pixels(dataset, names->name[0] ? names->name : NULL, err);
    if (status == FSN_OK && dataset->classes < 2)
        status = FSN__FAIL(err, FSN_FORMAT,
                           "the masks have %d class beside %d, which is of none: expected pixels "
                           "of 0, 1 and on, so 0 and 1 for two classes",
                           dataset->classes, FSN_MASK_VOID);
    return status;
}

/* ---- the data set ---------------------------------------------------------------------------- */

static enum fsn_status assemble(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    struct masks *masks = *state;
    struct fsn__mask_pairs *pairs = &masks->pairs;
    enum fsn_status status = fsn__mask_pairs_make(masks->store, pairs, err);

    (void)format;
    dataset->store = masks->store;
    masks->store = NULL;
    dataset->segmentation = true;
    dataset->channels = 1;
    for (int64_t i = 0; i < pairs->count; i++)
        fsn__dataset_widen(dataset, &dataset->store->images[pairs->pair[i].image].info);
    if (status == FSN_OK)
        status = fill_splits(masks, dataset, err);
    if (status == FSN_OK)
        status = find_classes(masks, dataset, err);
    if (status == FSN_OK)
        dataset->unused_images = pairs->count + pairs->without_mask -
                                 dataset->split[FSN_SPLIT_TRAIN].count -
                                 dataset->split[FSN_SPLIT_TEST].count;
    return status;
}

const struct fsn__data_format fsn__format_masks = {
    .name = "masks",
    .expects = "images/ and masks/ (or JPEGImages and SegmentationClass), a PNG of classes each",
    .images = {&fsn__format_image_folder, &fsn__format_voc},
    .recognises = fsn__mask_pairs_likely,
    .yields_to = &fsn__format_voc,
    .wants = wants,
    .take = take,
    .join = join,
    .is_there = is_there,
    .declare = declare,
    .assemble = assemble,
    .free_state = free_state,
};
