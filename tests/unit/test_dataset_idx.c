/* test_dataset_idx.c - reading MNIST-style IDX files. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "shared_data.h"
#include "temp_dir.h"

static void assert_made_idx(const struct fsn_dataset *dataset)
{
    static const int32_t train_labels[] = {0, 1, 2, 1, 0};
    const struct fsn__images *train = &dataset->split[FSN_SPLIT_TRAIN];
    const struct fsn__images *test = &dataset->split[FSN_SPLIT_TEST];

    assert_string_equal(dataset->format, "idx");
    assert_int_equal(dataset->channels, 1);
    assert_int_equal(dataset->height, 2);
    assert_int_equal(dataset->width, 3);
    assert_int_equal(dataset->classes, 3);
    assert_null(dataset->class_names);
    assert_int_equal(train->count, 5);
    assert_int_equal(test->count, 2);
    for (int i = 0; i < 30; i++)
        assert_int_equal(train->pixels[i], i);
    for (int i = 0; i < 12; i++)
        assert_int_equal(test->pixels[i], 100 + i);
    assert_memory_equal(train->labels, train_labels, sizeof train_labels);
    assert_true(train->per_class[0] == 2 && train->per_class[1] == 2 && train->per_class[2] == 1);
    assert_true(test->per_class[0] == 0 && test->per_class[2] == 2);
}

static void four_files_become_two_splits(void **state)
{
    struct made_idx made;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    make_idx(&made);
    dataset = open_entries(made.entries, MADE_IDX_FILES, FSN_OK, &err);
    assert_made_idx(dataset);
    fsn_dataset_destroy(dataset);
}

static void a_folder_and_an_archive_of_gz_files_work_alike(void **state)
{
    struct made_entry entries[MADE_IDX_FILES];
    struct made_bytes packed[MADE_IDX_FILES];
    char names[MADE_IDX_FILES][64];
    struct fsn_dataset *dataset;
    struct fsn_error err = {0};
    struct made_idx made;
    struct temp_dir dir;

    (void)state;
    make_idx(&made);
    temp_dir_create(&dir);
    for (int i = 0; i < MADE_IDX_FILES; i++) {
        snprintf(names[i], sizeof names[i], "%s.gz", made.entries[i].name);
        packed[i] = make_packed(MADE_TAR_GZ, made.entries[i].bytes, made.entries[i].size);
        entries[i] =
            (struct made_entry){.name = names[i], .bytes = packed[i].data, .size = packed[i].size};
        temp_dir_write(&dir, names[i], packed[i].data, packed[i].size);
    }
    assert_int_equal(fsn_dataset_open(dir.path, NULL, NULL, &dataset, &err), FSN_OK);
    assert_made_idx(dataset);
    fsn_dataset_destroy(dataset);
    dataset = open_entries(entries, MADE_IDX_FILES, FSN_OK, &err);
    assert_made_idx(dataset);
    fsn_dataset_destroy(dataset);
    for (int i = 0; i < MADE_IDX_FILES; i++)
        free(packed[i].data);
    temp_dir_remove(&dir);
}

static void a_fourth_dim_is_read_as_channels(void **state)
{
    const uint32_t train_dims[] = {5, 2, 1, 3}, test_dims[] = {2, 2, 1, 3};
    struct made_idx made;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    size_t header;

    (void)state;
    make_idx(&made);
    header = put_idx_header(made.bytes[0], 8, 4, train_dims);
    made.entries[0].size = header + 30;
    header = put_idx_header(made.bytes[2], 8, 4, test_dims);
    made.entries[2].size = header + 12;
    dataset = open_entries(made.entries, MADE_IDX_FILES, FSN_OK, &err);
    assert_int_equal(dataset->channels, 2);
    assert_int_equal(dataset->height, 1);
    assert_int_equal(dataset->width, 3);
    fsn_dataset_destroy(dataset);
}

static void the_test_split_may_be_called_test(void **state)
{
    struct made_idx made;
    struct fsn_error err;

    (void)state;
    make_idx(&made);
    made.entries[2].name = "kind/test-images.idx3";
    made.entries[3].name = "kind/test-labels.idx1";
    fsn_dataset_destroy(open_entries(made.entries, MADE_IDX_FILES, FSN_OK, &err));
}

static void a_missing_split_is_named(void **state)
{
    struct made_idx made;

    (void)state;
    make_idx(&made);
    assert_entries_refused(made.entries, 2, FSN_FORMAT,
                           "idx data set is incomplete: missing t10k-images (test split), "
                           "t10k-labels (test split)");
    assert_entries_refused(made.entries + 2, 2, FSN_FORMAT,
                           "missing train-images (train split), train-labels (train split)");
    assert_entries_refused(made.entries, 3, FSN_FORMAT, "missing t10k-labels (test split)");
}

static void two_files_for_one_part_are_refused(void **state)
{
    struct made_entry entries[MADE_IDX_FILES + 1];
    struct made_idx made;

    (void)state;
    make_idx(&made);
    memcpy(entries, made.entries, sizeof made.entries);
    entries[MADE_IDX_FILES] = made.entries[2];
    entries[MADE_IDX_FILES].name = "test-images.idx";
    assert_entries_refused(entries, MADE_IDX_FILES + 1, FSN_FORMAT, "appears twice");
}

/* One byte of one file changed: refused with this message. */
static void assert_byte_refused(int file, size_t at, unsigned char value, enum fsn_status want,
                                const char *part)
{
    struct made_idx made;

    make_idx(&made);
    made.bytes[file][at] = value;
    assert_entries_refused(made.entries, MADE_IDX_FILES, want, part);
}

static void a_wrong_magic_is_refused_with_what_came(void **state)
{
    (void)state;
    assert_byte_refused(0, 0, 0x50, FSN_FORMAT,
                        "train-images-idx3-ubyte: not an IDX file: begins with bytes 50 00");
    assert_byte_refused(1, 2, 0x0d, FSN_UNSUPPORTED,
                        "train-labels-idx1-ubyte: element type 0x0d, only 0x08");
    assert_byte_refused(0, 3, 2, FSN_FORMAT, "train-images-idx3-ubyte: 2 dims, expected 3 or 4");
    assert_byte_refused(0, 3, 5, FSN_FORMAT, "train-images-idx3-ubyte: 5 dims, expected 3 or 4");
    assert_byte_refused(3, 3, 2, FSN_FORMAT, "t10k-labels-idx1-ubyte: 2 dims, expected 1");
}

static void dims_that_do_not_fit_the_bytes_are_refused(void **state)
{
    const uint32_t huge[] = {0xffffffffu, 65535, 65535, 65535};
    struct made_idx made;

    (void)state;
    assert_byte_refused(0, 15, 4, FSN_FORMAT, "30 bytes of data, its dims say 40");
    assert_byte_refused(0, 11, 0, FSN_FORMAT, "dim 1 is 0, expected 1..65535");
    assert_byte_refused(0, 9, 1, FSN_FORMAT, "dim 1 is 65538, expected 1..65535");
    make_idx(&made);
    put_idx_header(made.bytes[0], 8, 4, huge);
    /* 2^32 * 2^48 does not fit 64 bits. */
    assert_entries_refused(made.entries, MADE_IDX_FILES, FSN_FORMAT, "product of its dims");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    struct made_idx made;

    (void)state;
    for (int file = 0; file < MADE_IDX_FILES; file++) {
        size_t whole;

        make_idx(&made);
        whole = made.entries[file].size;
        for (size_t cut = 0; cut < whole; cut++) {
            made.entries[file].size = cut;
            assert_entries_refused(made.entries, MADE_IDX_FILES, FSN_FORMAT,
                                   made.entries[file].name);
        }
    }
}

static void counts_and_shapes_must_agree(void **state)
{
    const uint32_t turned[] = {2, 3, 2}, four[] = {4};
    struct made_idx made;

    (void)state;
    make_idx(&made);
    put_idx_header(made.bytes[1], 8, 1, four);
    made.entries[1].size--;
    assert_entries_refused(made.entries, MADE_IDX_FILES, FSN_FORMAT,
                           "train-images-idx3-ubyte has 5 images, train-labels-idx1-ubyte has 4 "
                           "labels");
    make_idx(&made);
    put_idx_header(made.bytes[2], 8, 3, turned);
    assert_entries_refused(made.entries, MADE_IDX_FILES, FSN_FORMAT,
                           "t10k-images-idx3-ubyte: images of 1 x 3 x 2 (channels x height x "
                           "width), the train split has 1 x 2 x 3");
}

static void classes_are_the_largest_label_of_both_splits_plus_one(void **state)
{
    struct made_idx made;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    make_idx(&made);
    made.bytes[3][9] = 255; /* the second test label */
    dataset = open_entries(made.entries, MADE_IDX_FILES, FSN_OK, &err);
    assert_int_equal(dataset->classes, 256);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[255], 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[255], 0);
    fsn_dataset_destroy(dataset);
    make_idx(&made);
    memset(made.bytes[1] + 8, 0, 5);
    memset(made.bytes[3] + 8, 0, 2);
    dataset = open_entries(made.entries, MADE_IDX_FILES, FSN_OK, &err);
    assert_int_equal(dataset->classes, 2); /* never fewer */
    fsn_dataset_destroy(dataset);
}

static void fashion_mnist_has_its_published_counts(void **state)
{
    const char *path = shared_data("data/fashion-mnist");
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_dataset_open(path, NULL, NULL, &dataset, &err), FSN_OK);
    fsn_dataset_info(dataset, &info);
    assert_true(info.channels == 1 && info.height == 28 && info.width == 28);
    assert_int_equal(info.classes, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][i], 6000);
        assert_int_equal(info.per_class[FSN_SPLIT_TEST][i], 1000);
    }
    fsn_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_files_become_two_splits),
        cmocka_unit_test(a_folder_and_an_archive_of_gz_files_work_alike),
        cmocka_unit_test(a_fourth_dim_is_read_as_channels),
        cmocka_unit_test(the_test_split_may_be_called_test),
        cmocka_unit_test(a_missing_split_is_named),
        cmocka_unit_test(two_files_for_one_part_are_refused),
        cmocka_unit_test(a_wrong_magic_is_refused_with_what_came),
        cmocka_unit_test(dims_that_do_not_fit_the_bytes_are_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(counts_and_shapes_must_agree),
        cmocka_unit_test(classes_are_the_largest_label_of_both_splits_plus_one),
        cmocka_unit_test(fashion_mnist_has_its_published_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
