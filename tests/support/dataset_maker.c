/* dataset_maker.c - see dataset_maker.h. */
#include "dataset_maker.h"
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void make_cifar(struct made_cifar *made)
{
    static const char *const names[MADE_CIFAR_FILES] = {
        "cifar/data_batch_1.bin", "cifar/data_batch_2.bin", "cifar/data_batch_3.bin",
        "cifar/data_batch_4.bin", "cifar/data_batch_5.bin", "cifar/test_batch.bin",
        "cifar/batches.meta.txt",
    };
    static const char class_names[] = "c0\nc1\nc2\nc3\nc4\nc5\nc6\nc7\nc8\nc9\n\n";

    memset(made, 0, sizeof *made);
    for (int f = 0; f < 6; f++) {
        for (int r = 0; r <= f; r++) {
            unsigned char *record = made->bytes[f] + r * MADE_CIFAR_RECORD;

            record[0] = (unsigned char)((f + r) % 10);
            for (int c = 0; c < 3; c++)
                memset(record + 1 + c * 1024, 10 * f + r + 80 * c, 1024);
        }
        made->entries[f].size = (size_t)(f + 1) * MADE_CIFAR_RECORD;
    }
    memcpy(made->bytes[6], class_names, sizeof class_names - 1);
    made->entries[6].size = sizeof class_names - 1;
    for (int f = 0; f < MADE_CIFAR_FILES; f++) {
        made->entries[f].name = names[f];
        made->entries[f].bytes = made->bytes[f];
    }
}

size_t put_idx_header(unsigned char *out, unsigned char type, int dim_count, const uint32_t *dims)
{
    out[0] = out[1] = 0;
    out[2] = type;
    out[3] = (unsigned char)dim_count;
    for (int i = 0; i < dim_count; i++)
        for (int b = 0; b < 4; b++)
            out[4 + 4 * i + b] = (unsigned char)(dims[i] >> (24 - 8 * b));
    return 4 + 4 * (size_t)dim_count;
}

void make_idx(struct made_idx *made)
{
    static const char *const names[MADE_IDX_FILES] = {
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte"};
    static const unsigned char train_labels[] = {0, 1, 2, 1, 0}, test_labels[] = {2, 2};
    const uint32_t train_dims[] = {5, 2, 3}, test_dims[] = {2, 2, 3};
    size_t at[MADE_IDX_FILES];

    memset(made, 0, sizeof *made);
    at[0] = put_idx_header(made->bytes[0], 8, 3, train_dims);
    at[1] = put_idx_header(made->bytes[1], 8, 1, train_dims);
    at[2] = put_idx_header(made->bytes[2], 8, 3, test_dims);
    at[3] = put_idx_header(made->bytes[3], 8, 1, test_dims);
    for (int i = 0; i < 30; i++)
        made->bytes[0][at[0]++] = (unsigned char)i;
    for (int i = 0; i < 12; i++)
        made->bytes[2][at[2]++] = (unsigned char)(100 + i);
    memcpy(made->bytes[1] + at[1], train_labels, sizeof train_labels);
    memcpy(made->bytes[3] + at[3], test_labels, sizeof test_labels);
    at[1] += sizeof train_labels;
    at[3] += sizeof test_labels;
    for (int f = 0; f < MADE_IDX_FILES; f++)
        made->entries[f] =
            (struct made_entry){.name = names[f], .bytes = made->bytes[f], .size = at[f]};
}

struct fsn_dataset *open_entries(const struct made_entry *entries, size_t count,
                                 enum fsn_status want, struct fsn_error *err)
{
    struct made_bytes made = make_archive(MADE_TAR, entries, count);
    struct fsn_dataset *dataset = NULL;
    enum fsn_status status;

    memset(err, 0, sizeof *err);
    status = fsn__dataset_open_memory(made.data, made.size, NULL, NULL, &dataset, err);
    free(made.data);
    if (status != want)
        fail_msg("status %s, expected %s: %s", fsn_status_name(status), fsn_status_name(want),
                 err->text);
    return dataset;
}

void assert_entries_refused(const struct made_entry *entries, size_t count, enum fsn_status want,
                            const char *part)
{
    struct fsn_error err;

    assert_null(open_entries(entries, count, want, &err));
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}
