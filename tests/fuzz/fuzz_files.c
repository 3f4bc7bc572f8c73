/* fuzz_files.c - any bytes as the files that a data set is made of: CIFAR's, IDX, NumPy's, VOC's
 * lists and annotations, COCO's annotations, photographs.
 *
 * fuzz_data has the same property for whole archives, whose packing and checksums keep nearly every
 * changed file from its reader. Here an input is a row of files, each
 *
 *     1 byte    its name in the table below
 *     2 bytes   its size, the low one first, in what is left
 *     size      its bytes
 *
 * and they are put into a tar archive on the spot. */
#include "archive_maker.h"
#include "data/dataset.h"
#include "fuzz_main.h"

#include <string.h>

enum { MAX_FILES = 12 };

static const char *const names[] = {
    "c/data_batch_1.bin",
    "c/test_batch.bin",
    "c/batches.meta.txt",
    "c/data_batch_2.bin",
    "train.bin",
    "test.bin",
    "fine_label_names.txt",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "t10k-labels-idx1-ubyte.gz",
    "x_train.npy",
    "y_train.npy",
    "x_test.npy",
    "y_test.npy",
    "V/JPEGImages/1.jpg",
    "V/JPEGImages/2.jpg",
    "V/Annotations/1.xml",
    "V/Annotations/2.xml",
    "V/ImageSets/Main/train.txt",
    "V/ImageSets/Main/val.txt",
    "V/ImageSets/Main/trainval.txt",
    "V/ImageSets/Main/test.txt",
    "train/cat/1.jpg",
    "train/dog/2.png",
    "test/cat/3.png",
    "test/dog/4.jpg",
    "annotations/instances_train.json",
    "annotations/instances_val.json",
};

static size_t read_files(const uint8_t *data, size_t size, struct made_entry *entries)
{
    size_t count = 0;

    while (size >= 3 && count < MAX_FILES) {
        const size_t wanted = data[1] | (size_t)data[2] << 8;
        struct made_entry *entry = &entries[count++];

        entry->name = names[data[0] % (sizeof names / sizeof *names)];
        data += 3;
        size -= 3;
        entry->bytes = data;
        entry->size = wanted < size ? wanted : size;
        data += entry->size;
        size -= entry->size;
    }
    return count;
}

/* Touches everything that a reader of the data set may touch. */
static void check(const struct fsn_dataset *dataset)
{
    const size_t image =
        (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width;
    volatile uint8_t sink = 0;
    struct fsn_error err = {0};
    char *json = NULL;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        const struct fsn__images *images = &dataset->split[s];

        if (images->count < 1)
            abort();
        for (int64_t i = 0; i < images->count; i++)
            if (images->labels[i] < 0 ||
                images->labels[i] >= (dataset->classes > 0 ? dataset->classes : 1))
                abort();
        for (size_t i = 0; images->pixels && i < image * (size_t)images->count; i++)
            sink ^= images->pixels[i];
    }
    (void)sink;
    if (fsn_dataset_summary_json(dataset, &json, &err) != FSN_OK)
        abort();
    free(json);
    if (fsn_dataset_verify(dataset, 1, &err) != FSN_OK && err.text[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fsn_data_limits limits = {
        .max_entries = 64, .max_bytes = 4 << 20, .max_expansion = 1000};
    struct made_entry entries[MAX_FILES] = {{0}};
    struct made_bytes tar = make_archive(MADE_TAR, entries, read_files(data, size, entries));
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};

    if (fsn__dataset_open_memory(tar.data, tar.size, NULL, &limits, &dataset, &err) == FSN_OK)
        check(dataset);
    else if (err.status == FSN_OK || err.text[0] == '\0' || dataset)
        abort();
    fsn_dataset_destroy(dataset);
    free(tar.data);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/files");
