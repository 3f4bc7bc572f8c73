/* dataset_maker.h - the files of small data sets, with pixels that tests can predict. */
#ifndef TESTS_SUPPORT_DATASET_MAKER_H
#define TESTS_SUPPORT_DATASET_MAKER_H

#include "archive_maker.h"
#include "fsnet.h"

enum { MADE_CIFAR_RECORD = 3073, MADE_CIFAR_FILES = 7, MADE_IDX_FILES = 4 };

/* Files 0..4 data_batch_1..5.bin, 5 test_batch.bin, 6 batches.meta.txt (class names "c0".."c9").
 * File f holds f + 1 records; record r of it has label (f + r) % 10 and every pixel of channel c is
 * 10 * f + r + 80 * c. */
struct made_cifar {
    unsigned char bytes[MADE_CIFAR_FILES][8 * MADE_CIFAR_RECORD];
    struct made_entry entries[MADE_CIFAR_FILES];
};
void make_cifar(struct made_cifar *made);

/* Train images [5, 2, 3] and labels 0 1 2 1 0; t10k images [2, 2, 3] and labels 2 2. Pixel p of
 * image i is 6 i + p, in the test split 100 more. */
struct made_idx {
    unsigned char bytes[MADE_IDX_FILES][64];
    struct made_entry entries[MADE_IDX_FILES];
};
void make_idx(struct made_idx *made);
/* Writes an IDX header; returns its length. */
size_t put_idx_header(unsigned char *out, unsigned char type, int dim_count, const uint32_t *dims);

/* Opens entries packed as a tar; the test fails unless the status is `want`. */
struct fsn_dataset *open_entries(const struct made_entry *entries, size_t count,
                                 enum fsn_status want, struct fsn_error *err);
/* The same, refused with FSN_FORMAT (or `want`) and a message that holds `part`. */
void assert_entries_refused(const struct made_entry *entries, size_t count, enum fsn_status want,
                            const char *part);

#endif
