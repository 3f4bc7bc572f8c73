/*
 * cifar.c - the binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning Multiple Layers of
 * Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html).
 *
 * CIFAR-10: files data_batch_1.bin .. data_batch_5.bin (train) and test_batch.bin, each a run of
 * records
 *
 *     label: 1 byte, 0..9 | pixels: 3 planes (red, green, blue) of 32 x 32 bytes, row by row
 *
 * and batches.meta.txt with the ten class names, one a line. CIFAR-100: train.bin and test.bin,
 * whose records begin with the coarse label, 0..19, which is not used, and the fine one, 0..99,
 * which is; names in fine_label_names.txt. Files may hold any number of records, so that small sets
 * of the same form can be made.
 */
#include "data/class_names.h"
#include "data/parts.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, SIDE = 32, PIXELS = CHANNELS * SIDE * SIDE };

/* Parts: the train files, the test file, the names. */
struct variant {
    int label_bytes; /* the last one is the class */
    int classes, train_parts;
};
static const struct variant cifar10 = {1, 10, 5}, cifar100 = {2, 100, 1};

static const struct fsn__part_kind kinds10[] = {
    {"data_batch_1.bin", "train", true}, {"data_batch_2.bin", "train", true},
    {"data_batch_3.bin", "train", true}, {"data_batch_4.bin", "train", true},
    {"data_batch_5.bin", "train", true}, {"test_batch.bin", "test", true},
    {"batches.meta.txt", NULL, false},
};
static const struct fsn__part_kind kinds100[] = {
    {"train.bin", "train", true},
    {"test.bin", "test", true},
    {"fine_label_names.txt", NULL, false},
};
enum { COUNT10 = sizeof kinds10 / sizeof *kinds10, COUNT100 = sizeof kinds100 / sizeof *kinds100 };

static int find_part(const struct fsn__part_kind *kinds, int count, const char *base_name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(base_name, kinds[i].name) == 0)
            return i;
    return -1;
}

static int part_of10(const char *base_name)
{
    return find_part(kinds10, COUNT10, base_name);
}

static int part_of100(const char *base_name)
{
    return find_part(kinds100, COUNT100, base_name);
}

static size_t record_of(const struct variant *variant)
{
    return (size_t)variant->label_bytes + PIXELS;
}

static enum fsn_status check_size(const struct variant *variant, const struct fsn__part *part,
                                  struct fsn_error *err)
{
    const size_t record = record_of(variant);

    if (part->size == 0 || part->size % record != 0)
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: %zu bytes, expected one or more records of %zu bytes", part->name,
                         part->size, record);
    return FSN_OK;
}

/* Copies the records of one file to image `first` of the split and on, and frees the file. */
static enum fsn_status copy_records(const struct variant *variant, struct fsn__part *part,
                                    struct fsn__images *images, int64_t first,
                                    struct fsn_error *err)
{
    const size_t size = record_of(variant), count = part->size / size;

    for (size_t i = 0; i < count; i++) {
        const unsigned char *pixels = part->bytes + i * size + variant->label_bytes;
        const int label = pixels[-1];

        if (label >= variant->classes)
            return FSN__FAIL(err, FSN_FORMAT, "%s: record %zu has label %d, expected 0..%d",
                             part->name, i, label, variant->classes - 1);
        images->labels[first + (int64_t)i] = label;
        memcpy(images->pixels + ((size_t)first + i) * PIXELS, pixels, PIXELS);
    }
    free(part->bytes);
    part->bytes = NULL;
    return FSN_OK;
}

static enum fsn_status read_split(const struct variant *variant, struct fsn__part *parts,
                                  int part_count, struct fsn_dataset *dataset, enum fsn_split split,
                                  struct fsn_error *err)
{
    const size_t record = record_of(variant);
    enum fsn_status status;
    int64_t count = 0, done = 0;

    for (int i = 0; i < part_count; i++) {
        status = check_size(variant, &parts[i], err);
        if (status != FSN_OK)
            return status;
        count += (int64_t)(parts[i].size / record);
    }
    status = fsn__images_alloc(dataset, split, count, err);
    for (int i = 0; status == FSN_OK && i < part_count; i++) {
        status = copy_records(variant, &parts[i], &dataset->split[split], done, err);
        done += (int64_t)(parts[i].size / record);
    }
    return status;
}

static enum fsn_status read_all(const struct variant *variant, struct fsn__part *parts,
                                struct fsn_dataset *dataset, struct fsn_error *err)
{
    const struct fsn__part *names = &parts[variant->train_parts + 1];
    enum fsn_status status;

    dataset->channels = CHANNELS;
    dataset->height = dataset->width = SIDE;
    dataset->classes = variant->classes;
    status = read_split(variant, parts, variant->train_parts, dataset, FSN_SPLIT_TRAIN, err);
    if (status == FSN_OK)
        status = read_split(variant, parts + variant->train_parts, 1, dataset, FSN_SPLIT_TEST, err);
    if (status == FSN_OK && names->name[0])
        status = fsn__class_names_read(names, variant->classes, dataset, err);
    return status;
}

static enum fsn_status assemble10(struct fsn__part *parts, struct fsn_dataset *dataset,
                                  struct fsn_error *err)
{
    return read_all(&cifar10, parts, dataset, err);
}

static enum fsn_status assemble100(struct fsn__part *parts, struct fsn_dataset *dataset,
                                   struct fsn_error *err)
{
    return read_all(&cifar100, parts, dataset, err);
}

static const struct fsn__part_table table10 = {COUNT10, kinds10, part_of10, assemble10};
static const struct fsn__part_table table100 = {COUNT100, kinds100, part_of100, assemble100};

const struct fsn__data_format fsn__format_cifar10 = {
    .name = "cifar10",
    .expects = "CIFAR-10 binary (data_batch_1.bin .. data_batch_5.bin, test_batch.bin)",
    FSN__FORMAT_OF_PARTS(&table10),
};

const struct fsn__data_format fsn__format_cifar100 = {
    .name = "cifar100",
    .expects = "CIFAR-100 binary (train.bin, test.bin)",
    FSN__FORMAT_OF_PARTS(&table100),
};
