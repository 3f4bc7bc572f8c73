/* test_dataset_npz.c - NumPy arrays. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"

enum { FILES = 4, ROOM = 4096 };

struct npz {
    unsigned char bytes[FILES][ROOM];
    struct made_entry entries[FILES];
};

/* File f: the header with this dictionary, padded as NumPy does, and the data. */
static void put(struct npz *npz, int f, const char *descr, const char *order, const char *shape,
                const void *data, size_t size)
{
    static const char *const names[FILES] = {"x_train.npy", "y_train.npy", "x_test.npy",
                                             "y_test.npy"};
    unsigned char *bytes = npz->bytes[f];
    char header[128];
    int length =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }",
                 descr, order, shape);

    assert_in_range(length, 1, 117);
    memset(header + length, ' ', sizeof header - (size_t)length);
    header[117] = '\n';
    memcpy(bytes, "\x93NUMPY\x01\x00\x76\x00", 10); /* 118 bytes of header: 128 in all */
    memcpy(bytes + 10, header, 118);
    memcpy(bytes + 128, data, size);
    npz->entries[f] = (struct made_entry){.name = names[f], .bytes = bytes, .size = 128 + size};
}

/* Train: 3 grey images of 2 x 2, bytes 0..11, labels 0 1 2; test: one, bytes 20.., label 1. */
static void make_npz(struct npz *npz)
{
    static const unsigned char pixels[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                               labels[] = {0, 1, 2};
    static const unsigned char test[] = {20, 21, 22, 23}, test_label[] = {1};

    put(npz, 0, "|u1", "False", "3, 2, 2", pixels, sizeof pixels);
    put(npz, 1, "|u1", "False", "3,", labels, sizeof labels);
    put(npz, 2, "|u1", "False", "1, 2, 2", test, sizeof test);
    put(npz, 3, "|u1", "False", "1,", test_label, sizeof test_label);
}

static void assert_refused(const struct npz *npz, size_t count, enum fsn_status want,
                           const char *part)
{
    assert_entries_refused(npz->entries, count, want, part);
}

static void four_arrays_are_two_splits(void **state)
{
    struct npz npz;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    make_npz(&npz);
    dataset = open_entries(npz.entries, FILES, FSN_OK, &err);
    assert_string_equal(dataset->format, "npz");
    assert_true(dataset->channels == 1 && dataset->height == 2 && dataset->width == 2);
    assert_int_equal(dataset->classes, 3);
    for (int i = 0; i < 12; i++)
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].pixels[i], i);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].pixels[3], 23);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].labels[0], 1);
    assert_false(dataset->split_made);
    fsn_dataset_destroy(dataset);
}

static void channels_may_be_first_or_last(void **state)
{
    static const unsigned char labels[] = {0, 1};
    unsigned char pixels[2 * 2 * 4 * 3];
    struct npz npz;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)i;
    make_npz(&npz);
    put(&npz, 1, "|u1", "False", "2,", labels, 2);
    put(&npz, 3, "|u1", "False", "2, 1", labels, 2);
    put(&npz, 0, "|u1", "False", "2, 2, 2, 3", pixels, 24);
    put(&npz, 2, "|u1", "False", "2, 3, 2, 2", pixels, 24);
    dataset = open_entries(npz.entries, FILES, FSN_OK, &err);
    assert_true(dataset->channels == 3 && dataset->height == 2 && dataset->width == 2);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 4; p++) {
            assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].pixels[12 + 4 * c + p],
                             12 + 3 * p + c);
            assert_int_equal(dataset->split[FSN_SPLIT_TEST].pixels[12 + 4 * c + p], 12 + 4 * c + p);
        }
    fsn_dataset_destroy(dataset);
    put(&npz, 0, "|u1", "False", "2, 3, 1, 4", pixels, 24);
    assert_refused(&npz, FILES, FSN_UNSUPPORTED, "none or two could be the channels");
}

static void floats_of_0_to_1_and_of_0_to_255_become_bytes(void **state)
{
    static const float unit[] = {0, 1, 0.5f, 0.1f, 0, 0, 0, 0, 0, 0, 0, 0};
    static const double byte[] = {0, 255, 127.4, 127.6, 0, 0, 0, 0, 0, 0, 0, 0};
    static const int64_t labels[] = {2, 0, 1};
    struct npz npz;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    make_npz(&npz);
    put(&npz, 0, "<f4", "False", "3, 2, 2", unit, sizeof unit);
    put(&npz, 1, "<i8", "False", "3,", labels, sizeof labels);
    put(&npz, 2, "<f4", "False", "1, 2, 2", unit, 16);
    dataset = open_entries(npz.entries, FILES, FSN_OK, &err);
    assert_memory_equal(dataset->split[FSN_SPLIT_TRAIN].pixels, ((uint8_t[]){0, 255, 128, 26}), 4);
    assert_memory_equal(dataset->split[FSN_SPLIT_TRAIN].labels, ((int32_t[]){2, 0, 1}), 12);
    fsn_dataset_destroy(dataset);

    put(&npz, 2, "<f8", "False", "1, 2, 2", byte, 32);
    assert_refused(&npz, FILES, FSN_FORMAT, "x_test.npy: values above 1, the train split has 0..1");
    put(&npz, 0, "<f8", "False", "3, 2, 2", byte, sizeof byte);
    dataset = open_entries(npz.entries, FILES, FSN_OK, &err);
    assert_memory_equal(dataset->split[FSN_SPLIT_TRAIN].pixels, ((uint8_t[]){0, 255, 127, 128}), 4);
    fsn_dataset_destroy(dataset);
}

static void without_test_arrays_a_part_is_split_off(void **state)
{
    unsigned char pixels[40], labels[40];
    struct npz npz;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    for (int i = 0; i < 40; i++) {
        pixels[i] = (unsigned char)i;
        labels[i] = (unsigned char)(i % 2);
    }
    put(&npz, 0, "|u1", "False", "40, 1, 1", pixels, 40);
    put(&npz, 1, "|u1", "False", "40,", labels, 40);
    dataset = open_entries(npz.entries, 2, FSN_OK, &err);
    assert_true(dataset->split_made);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 36);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[1], 2);
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) /* each image with its own label, in order */
        for (int64_t i = 0; i < dataset->split[s].count; i++) {
            assert_int_equal(dataset->split[s].labels[i], dataset->split[s].pixels[i] % 2);
            assert_true(i == 0 || dataset->split[s].pixels[i - 1] < dataset->split[s].pixels[i]);
        }
    fsn_dataset_destroy(dataset);
    make_npz(&npz);
    assert_refused(&npz, 3, FSN_FORMAT, "the npz data set has x_test.npy without y_test.npy");
    assert_refused(&npz, 1, FSN_FORMAT, "missing y_train.npy (train split)");
}

static void headers_that_cannot_be_taken_are_refused(void **state)
{
    static const unsigned char zeros[256];
    static const struct {
        int file;
        const char *descr, *order, *shape;
        size_t size;
        enum fsn_status status;
        const char *part;
    } cases[] = {
        {0, ">f4", "False", "3, 2, 2", 48, FSN_UNSUPPORTED, "byte order '>'"},
        {0, "<f4", "True", "3, 2, 2", 48, FSN_UNSUPPORTED, "in Fortran order"},
        {0, "<f2", "False", "3, 2, 2", 24, FSN_UNSUPPORTED, "elements of type f2"},
        {0, "|b1", "False", "3, 2, 2", 12, FSN_UNSUPPORTED, "elements of type b1"},
        {0, "|u1", "False", "3, 2, 3", 12, FSN_FORMAT, "12 bytes of data, its shape says 18"},
        {0, "|u1", "False", "12,", 12, FSN_FORMAT, "1 dims, expected 3 or 4"},
        {0, "|u1", "False", "0, 2, 2", 0, FSN_FORMAT, "dim 0 is 0"},
        {0, "|u1", "False", "-1, 2, 2", 12, FSN_FORMAT, "its shape is no list of numbers"},
        {0, "|u1", "False", "1, 1, 1, 1, 1", 1, FSN_FORMAT, "more than 4 dims"},
        {0, "<u8", "False", "4294967295, 4294967295, 2", 12, FSN_FORMAT, "dim 2 is 2"},
        {1, "<f4", "False", "3,", 12, FSN_UNSUPPORTED, "expected a whole number for each image"},
        {1, "|u1", "False", "3, 10", 30, FSN_UNSUPPORTED, "numpy.argmax"},
        {1, "|u1", "False", "2,", 2, FSN_FORMAT, "x_train.npy has 3 images, y_train.npy has 2"},
        {2, "|u1", "False", "1, 2, 3", 6, FSN_FORMAT, "x_test.npy: images of 1 x 2 x 3"},
    };
    struct npz npz;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_npz(&npz);
        put(&npz, cases[i].file, cases[i].descr, cases[i].order, cases[i].shape, zeros,
            cases[i].size);
        assert_refused(&npz, FILES, cases[i].status, cases[i].part);
    }
}

static void values_out_of_range_are_refused(void **state)
{
    static const float centred[12] = {-1.5f, 2}, infinite[12] = {__builtin_inff()};
    static const int16_t labels[3] = {0, -1, 1};
    struct npz npz;

    (void)state;
    make_npz(&npz);
    put(&npz, 0, "<f4", "False", "3, 2, 2", centred, sizeof centred);
    assert_refused(&npz, FILES, FSN_UNSUPPORTED, "x_train.npy: values from -1.5 to 2, expected");
    put(&npz, 0, "<f4", "False", "3, 2, 2", infinite, sizeof infinite);
    assert_refused(&npz, FILES, FSN_FORMAT, "element 0 is not a finite number");
    make_npz(&npz);
    put(&npz, 1, "<i2", "False", "3,", labels, sizeof labels);
    assert_refused(&npz, FILES, FSN_FORMAT, "y_train.npy: label 1 is -1");
}

static void a_file_cut_anywhere_or_of_another_kind_is_refused(void **state)
{
    struct npz npz;

    (void)state;
    for (size_t cut = 0; cut < 140; cut++) {
        make_npz(&npz);
        npz.entries[0].size = cut;
        assert_refused(&npz, FILES, FSN_FORMAT, "x_train.npy");
    }
    make_npz(&npz);
    npz.bytes[0][6] = 4;
    assert_refused(&npz, FILES, FSN_UNSUPPORTED, ".npy version 4.0, expected 1 to 3");
    npz.bytes[0][6] = 2; /* whose length has four bytes: these are of the header */
    assert_refused(&npz, FILES, FSN_FORMAT, "x_train.npy: a header of");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_arrays_are_two_splits),
        cmocka_unit_test(channels_may_be_first_or_last),
        cmocka_unit_test(floats_of_0_to_1_and_of_0_to_255_become_bytes),
        cmocka_unit_test(without_test_arrays_a_part_is_split_off),
        cmocka_unit_test(headers_that_cannot_be_taken_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(a_file_cut_anywhere_or_of_another_kind_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
