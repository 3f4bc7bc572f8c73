/*
 * cifar.c - the binary version of CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from
 * Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html).
 *
 * Files data_batch_1.bin .. data_batch_5.bin (train) and test_batch.bin, each a run of records
 *
 *     label: 1 byte, 0..9 | pixels: 3 planes (red, green, blue) of 32 x 32 bytes, row by row
 *
 * and batches.meta.txt with the ten class names, one a line. Files may hold any number of records,
 * so that small sets of the same form can be made.
 */
#include "data/parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS = 3,
    SIDE = 32,
    PIXELS = CHANNELS * SIDE * SIDE,
    RECORD = 1 + PIXELS,
    CLASSES = 10,
    TRAIN_PARTS = 5,
    TEST_PART = TRAIN_PARTS,
    NAMES_PART,
    PART_COUNT
};

static const struct fsn__part_kind kinds[PART_COUNT] = {
    {"data_batch_1.bin", "train", true}, {"data_batch_2.bin", "train", true},
    {"data_batch_3.bin", "train", true}, {"data_batch_4.bin", "train", true},
    {"data_batch_5.bin", "train", true}, {"test_batch.bin", "test", true},
    {"batches.meta.txt", NULL, false},
};

static int part_of(const char *base_name)
{
    for (int i = 0; i < PART_COUNT; i++)
        if (strcmp(base_name, kinds[i].name) == 0)
            return i;
    return -1;
}

static enum fsn_status check_size(const struct fsn__part *part, struct fsn_error *err)
{
    if (part->size == 0 || part->size % RECORD != 0)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes, expected one or more records of %d bytes",
                         part->name, part->size, RECORD);
    return FSN_OK;
}

/* Copies the records of one file to image `first` of the split and on, and frees the file. */
static enum fsn_status copy_records(struct fsn__part *part, struct fsn__images *images,
                                    int64_t first, struct fsn_error *err)
{
    size_t count = part->size / RECORD;

    for (size_t i = 0; i < count; i++) {
        const unsigned char *record = part->bytes + i * RECORD;

        if (record[0] >= CLASSES)
            return FSN__FAIL(err, FSN_FORMAT, "%s: record %zu has label %d, expected 0..%d",
                             part->name, i, record[0], CLASSES - 1);
        images->labels[first + (int64_t)i] = record[0];
        memcpy(images->pixels + ((size_t)first + i) * PIXELS, record + 1, PIXELS);
    }
    free(part->bytes);
    part->bytes = NULL;
    return FSN_OK;
}

static enum fsn_status read_split(struct fsn__part *parts, int part_count,
                                  struct fsn_dataset *dataset, enum fsn_split split,
                                  struct fsn_error *err)
{
    enum fsn_status status;
    int64_t count = 0, done = 0;

    for (int i = 0; i < part_count; i++) {
        status = check_size(&parts[i], err);
        if (status != FSN_OK)
            return status;
        count += (int64_t)(parts[i].size / RECORD);
    }
    status = fsn__images_alloc(dataset, split, count, err);
    for (int i = 0; status == FSN_OK && i < part_count; i++) {
        status = copy_records(&parts[i], &dataset->split[split], done, err);
        done += (int64_t)(parts[i].size / RECORD);
    }
    return status;
}

static enum fsn_status assemble(struct fsn__part *parts, struct fsn_dataset *dataset,
                                struct fsn_error *err)
{
    enum fsn_status status;

    dataset->channels = CHANNELS;
    dataset->height = dataset->width = SIDE;
    dataset->classes = CLASSES;
    status = read_split(parts, TRAIN_PARTS, dataset, FSN_SPLIT_TRAIN, err);
    if (status == FSN_OK)
        status = read_split(parts + TEST_PART, 1, dataset, FSN_SPLIT_TEST, err);
    if (status == FSN_OK && parts[NAMES_PART].name[0])
        status = fsn__parts_read_names(&parts[NAMES_PART], CLASSES, dataset, err);
    return status;
}

static const struct fsn__part_table parts_table = {PART_COUNT, kinds, part_of, assemble};

const struct fsn__data_format fsn__format_cifar10 = {
    .name = "cifar10",
    .expects = "CIFAR-10 binary (data_batch_1.bin .. data_batch_5.bin, test_batch.bin)",
    FSN__FORMAT_OF_PARTS(&parts_table),
};
