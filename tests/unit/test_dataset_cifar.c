/* test_dataset_cifar.c - reading the binary CIFAR-10 layout, and opening data sets in general. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "dataset_maker.h"
#include "shared_data.h"
#include "temp_dir.h"

static void records_become_images_in_file_order(void **state)
{
    struct made_cifar made;
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct fsn_error err;
    int64_t image = 0;

    (void)state;
    make_cifar(&made);
    dataset = open_entries(made.entries, MADE_CIFAR_FILES, FSN_OK, &err);
    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "cifar10");
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.height, 32);
    assert_int_equal(info.width, 32);
    assert_int_equal(info.classes, 10);
    assert_int_equal(info.images[FSN_SPLIT_TRAIN], 1 + 2 + 3 + 4 + 5);
    assert_int_equal(info.images[FSN_SPLIT_TEST], 6);
    for (int f = 0; f < 5; f++) {
        for (int r = 0; r <= f; r++, image++) {
            const uint8_t *pixels = dataset->split[FSN_SPLIT_TRAIN].pixels + image * 3072;

            assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].labels[image], f + r);
            for (int c = 0; c < 3; c++) {
                assert_int_equal(pixels[c * 1024], 10 * f + r + 80 * c);
                assert_int_equal(pixels[c * 1024 + 1023], 10 * f + r + 80 * c);
            }
        }
    }
    /* Labels of the test file: 5 6 7 8 9 0. Class 2 in train: files 1 and 2. */
    assert_int_equal(info.per_class[FSN_SPLIT_TEST][0], 1);
    assert_int_equal(info.per_class[FSN_SPLIT_TEST][4], 0);
    assert_int_equal(info.per_class[FSN_SPLIT_TEST][5], 1);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][2], 2);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][9], 0);
    assert_string_equal(info.class_names[0], "c0");
    assert_string_equal(info.class_names[9], "c9");
    fsn_dataset_destroy(dataset);
}

static void every_packing_and_a_folder_give_the_same_set(void **state)
{
    struct made_cifar made;
    struct temp_dir dir;

    (void)state;
    make_cifar(&made);
    temp_dir_create(&dir);
    assert_int_equal(mkdir(temp_dir_path(&dir, "folder"), 0755), 0);
    assert_int_equal(mkdir(temp_dir_path(&dir, "folder/cifar"), 0755), 0);
    for (int f = 0; f < MADE_CIFAR_FILES; f++) {
        char name[64];

        snprintf(name, sizeof name, "folder/%s", made.entries[f].name);
        temp_dir_write(&dir, name, made.entries[f].bytes, made.entries[f].size);
    }
    for (int packing = 0; packing <= MADE_PACKINGS; packing++) {
        const char *name = packing < MADE_PACKINGS ? "archive" : "folder";
        struct fsn_dataset *dataset;
        struct fsn_error err = {0};

        if (packing < MADE_PACKINGS) {
            struct made_bytes bytes = make_archive(packing, made.entries, MADE_CIFAR_FILES);

            temp_dir_write(&dir, name, bytes.data, bytes.size);
            free(bytes.data);
        }
        assert_int_equal(fsn_dataset_open(temp_dir_path(&dir, name), NULL, NULL, &dataset, &err),
                         FSN_OK);
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 15);
        assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 6);
        assert_memory_equal(dataset->split[FSN_SPLIT_TEST].pixels + 5 * 3072,
                            made.bytes[5] + 5 * MADE_CIFAR_RECORD + 1, 3072);
        fsn_dataset_destroy(dataset);
    }
    temp_dir_remove(&dir);
}

static void class_names_are_optional(void **state)
{
    struct made_cifar made;
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct fsn_error err;

    (void)state;
    make_cifar(&made);
    dataset = open_entries(made.entries, MADE_CIFAR_FILES - 1, FSN_OK, &err);
    fsn_dataset_info(dataset, &info);
    assert_null(info.class_names);
    fsn_dataset_destroy(dataset);
}

static void class_names_must_be_ten_printable_lines(void **state)
{
    struct made_cifar made;

    (void)state;
    make_cifar(&made);
    made.entries[6].size = 27; /* "c0\n" .. "c8\n" */
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "cifar/batches.meta.txt: 9 class names, expected 10");
    make_cifar(&made);
    memcpy(made.bytes[6] + 31, "c10", 3);
    made.entries[6].size = 34;
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "11 class names, expected 10");
    make_cifar(&made);
    made.bytes[6][4] = '\0';
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "class 1: a byte of value 0");
    made.bytes[6][4] = '\x1b';
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "batches.meta.txt: the class name 'c\\x1b' has a control character");
}

static void class_names_may_end_in_carriage_returns(void **state)
{
    static const char names[] = "a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh\r\ni\r\nj";
    struct made_cifar made;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    make_cifar(&made);
    made.entries[6].bytes = names;
    made.entries[6].size = sizeof names - 1;
    dataset = open_entries(made.entries, MADE_CIFAR_FILES, FSN_OK, &err);
    assert_string_equal(dataset->class_names[0], "a");
    assert_string_equal(dataset->class_names[9], "j");
    fsn_dataset_destroy(dataset);
}

static void a_label_out_of_range_is_named_with_file_and_record(void **state)
{
    struct made_cifar made;

    (void)state;
    make_cifar(&made);
    made.bytes[5][3 * MADE_CIFAR_RECORD] = 200;
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "cifar/test_batch.bin: record 3 has label 200, expected 0..9");
    make_cifar(&made);
    made.bytes[2][0] = 10;
    assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT,
                           "cifar/data_batch_3.bin: record 0 has label 10, expected 0..9");
}

static void a_file_that_is_no_whole_number_of_records_is_refused(void **state)
{
    const size_t wrong[] = {0, 1, MADE_CIFAR_RECORD - 1, MADE_CIFAR_RECORD + 1};
    struct made_cifar made;

    (void)state;
    make_cifar(&made);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];

        made.entries[1].size = wrong[i];
        snprintf(text, sizeof text,
                 "cifar/data_batch_2.bin: %zu bytes, expected one or more records of 3073 bytes",
                 wrong[i]);
        assert_entries_refused(made.entries, MADE_CIFAR_FILES, FSN_FORMAT, text);
    }
}

static void missing_files_are_named_with_their_split(void **state)
{
    struct made_cifar made;

    (void)state;
    make_cifar(&made);
    assert_entries_refused(made.entries, 5, FSN_FORMAT,
                           "cifar10 data set is incomplete: missing test_batch.bin (test split)");
    assert_entries_refused(made.entries + 5, 1, FSN_FORMAT,
                           "missing data_batch_1.bin (train split), data_batch_2.bin (train "
                           "split), data_batch_3.bin (train split), data_batch_4.bin (train "
                           "split), data_batch_5.bin (train split)");
}

static void a_file_that_comes_twice_is_refused_with_both_names(void **state)
{
    struct made_entry entries[MADE_CIFAR_FILES + 1];
    struct made_cifar made;

    (void)state;
    make_cifar(&made);
    memcpy(entries, made.entries, sizeof made.entries);
    entries[MADE_CIFAR_FILES] = made.entries[5];
    entries[MADE_CIFAR_FILES].name = "copy/test_batch.bin";
    assert_entries_refused(entries, MADE_CIFAR_FILES + 1, FSN_FORMAT,
                           "test_batch.bin appears twice: as 'cifar/test_batch.bin' and as "
                           "'copy/test_batch.bin'");
    entries[MADE_CIFAR_FILES].name = "cifar/test_batch.bin";
    assert_entries_refused(entries, MADE_CIFAR_FILES + 1, FSN_FORMAT, "appears twice");
}

static void other_files_are_passed_over(void **state)
{
    struct made_entry entries[MADE_CIFAR_FILES + 2];
    struct made_cifar made;
    struct fsn_error err;

    (void)state;
    make_cifar(&made);
    entries[0] = (struct made_entry){.name = "cifar", .kind = MADE_FOLDER};
    entries[1] = (struct made_entry){.name = "cifar/readme.html", .bytes = "<p>", .size = 3};
    memcpy(entries + 2, made.entries, sizeof made.entries);
    fsn_dataset_destroy(open_entries(entries, MADE_CIFAR_FILES + 2, FSN_OK, &err));
}

static void what_is_no_data_set_is_refused_with_what_is_expected(void **state)
{
    const struct made_entry entries[] = {{.name = "a.txt", .bytes = "x", .size = 1},
                                         {.name = "b.txt", .bytes = "x", .size = 1}};
    struct made_cifar made;

    (void)state;
    assert_entries_refused(entries, 2, FSN_FORMAT, "(files: 2, first 'a.txt')");
    assert_entries_refused(entries, 2, FSN_FORMAT, "CIFAR-10 binary (data_batch_1.bin");
    assert_entries_refused(entries, 2, FSN_FORMAT, "IDX (train-images*");
    assert_entries_refused(entries, 0, FSN_FORMAT, "holds no files");
    make_cifar(&made); /* the class names alone are no data set either */
    assert_entries_refused(&made.entries[6], 1, FSN_FORMAT,
                           "(files: 1, first 'cifar/batches.meta.txt')");
}

static void bytes_that_are_no_archive_are_refused(void **state)
{
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};
    unsigned char garbage[5000];

    (void)state;
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (unsigned char)(i * 2654435761u >> 13);
    assert_int_equal(fsn__dataset_open_memory(garbage, sizeof garbage, NULL, NULL, &dataset, &err),
                     FSN_FORMAT);
    assert_non_null(strstr(err.text, "expected a tar"));
    assert_null(dataset);
}

static void the_format_can_be_forced(void **state)
{
    struct made_entry entries[MADE_CIFAR_FILES + MADE_IDX_FILES];
    static const char *const names[] = {"cifar10", "idx"};
    struct made_cifar cifar;
    struct made_idx idx;
    struct made_bytes both;

    (void)state;
    make_cifar(&cifar);
    make_idx(&idx);
    memcpy(entries, cifar.entries, sizeof cifar.entries);
    memcpy(entries + MADE_CIFAR_FILES, idx.entries, sizeof idx.entries);
    assert_entries_refused(entries, MADE_CIFAR_FILES + MADE_IDX_FILES, FSN_FORMAT,
                           "holds both 'cifar10' and 'idx' data");
    both = make_archive(MADE_TAR, entries, MADE_CIFAR_FILES + MADE_IDX_FILES);
    for (int i = 0; i < 2; i++) {
        struct fsn_dataset *dataset;
        struct fsn_error err = {0};

        assert_int_equal(
            fsn__dataset_open_memory(both.data, both.size, names[i], NULL, &dataset, &err), FSN_OK);
        assert_string_equal(dataset->format, names[i]);
        fsn_dataset_destroy(dataset);
    }
    free(both.data);
}

static void a_format_that_is_not_there_or_not_known_is_refused(void **state)
{
    struct made_idx idx;
    struct made_bytes made;
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0}, unknown = {0};

    (void)state;
    make_idx(&idx);
    made = make_archive(MADE_TAR, idx.entries, MADE_IDX_FILES);
    assert_int_equal(
        fsn__dataset_open_memory(made.data, made.size, "cifar10", NULL, &dataset, &err),
        FSN_FORMAT);
    assert_non_null(strstr(err.text, "CIFAR-10 binary"));
    assert_null(strstr(err.text, "IDX ("));
    assert_int_equal(
        fsn__dataset_open_memory(made.data, made.size, "png", NULL, &dataset, &unknown),
        FSN_INVALID);
    assert_string_equal(unknown.text, "data format 'png' is not known, expected one of cifar10, "
                                      "cifar100, idx, npz, voc, coco, masks, imagefolder, images");
    assert_null(dataset);
    free(made.data);
}

static void limits_reach_the_archive(void **state)
{
    const struct fsn_data_limits limits = {.max_bytes = 10000};
    struct made_cifar made;
    struct made_bytes bytes;
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};

    (void)state;
    make_cifar(&made);
    bytes = make_archive(MADE_TAR_GZ, made.entries, MADE_CIFAR_FILES);
    assert_int_equal(
        fsn__dataset_open_memory(bytes.data, bytes.size, NULL, &limits, &dataset, &err), FSN_LIMIT);
    assert_non_null(strstr(err.text, "10000 bytes"));
    assert_null(dataset);
    free(bytes.data);
}

static void the_summary_tells_shape_splits_and_counts(void **state)
{
    struct made_cifar made;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    const char *format, *last_name;
    int channels, height, width, classes, train, test, test_five;
    json_t *root;
    char *text;

    (void)state;
    make_cifar(&made);
    dataset = open_entries(made.entries, MADE_CIFAR_FILES, FSN_OK, &err);
    assert_int_equal(fsn_dataset_summary_json(dataset, &text, &err), FSN_OK);
    root = json_loads(text, 0, NULL);
    assert_int_equal(json_unpack(root, "{s:s, s:{s:i, s:i, s:i}, s:i, s:{s:{s:i}, s:{s:i}}}",
                                 "format", &format, "image", "channels", &channels, "height",
                                 &height, "width", &width, "classes", &classes, "splits", "train",
                                 "images", &train, "test", "images", &test),
                     0);
    assert_string_equal(format, "cifar10");
    assert_true(channels == 3 && height == 32 && width == 32 && classes == 10);
    assert_true(train == 15 && test == 6);
    last_name = json_string_value(json_array_get(json_object_get(root, "class_names"), 9));
    assert_string_equal(last_name, "c9");
    test_five = (int)json_integer_value(json_array_get(
        json_object_get(json_object_get(json_object_get(root, "splits"), "test"), "per_class"), 5));
    assert_int_equal(test_five, 1);
    json_decref(root);
    free(text);
    fsn_dataset_destroy(dataset);
}

static void the_official_archive_has_a_thousand_test_images_a_class(void **state)
{
    /* From the data set's own description: label counts of all five train files together. */
    const char *path = shared_data("data/cifar10/cifar-10-binary.tar.xz");
    static const char *const names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                        "dog",      "frog",       "horse", "ship", "truck"};
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_dataset_open(path, NULL, NULL, &dataset, &err), FSN_OK);
    fsn_dataset_info(dataset, &info);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][i], 5000);
        assert_int_equal(info.per_class[FSN_SPLIT_TEST][i], 1000);
        assert_string_equal(info.class_names[i], names[i]);
    }
    fsn_dataset_destroy(dataset);
}

/* ---- CIFAR-100 ------------------------------------------------------------------------------- */

static void the_fine_label_of_cifar100_is_the_class(void **state)
{
    static unsigned char train[2 * 3074], test[3074];
    struct made_entry entries[] = {
        {.name = "cifar-100-binary/train.bin", .bytes = train, .size = sizeof train},
        {.name = "cifar-100-binary/test.bin", .bytes = test, .size = sizeof test},
        {.name = "cifar-100-binary/fine_label_names.txt", .bytes = "apple\n", .size = 6},
    };
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    memset(train, 7, sizeof train);
    train[0] = 19; /* coarse */
    train[1] = 99;
    train[2] = 200;
    dataset = open_entries(entries, 2, FSN_OK, &err);
    assert_string_equal(dataset->format, "cifar100");
    assert_int_equal(dataset->classes, 100);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 2);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].labels[0], 99);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].labels[1], 7);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].pixels[0], 200);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].pixels[3072], 7);
    fsn_dataset_destroy(dataset);

    assert_entries_refused(entries, 3, FSN_FORMAT, "1 class names, expected 100");
    train[1] = 100;
    assert_entries_refused(entries, 2, FSN_FORMAT,
                           "train.bin: record 0 has label 100, expected 0..99");
    train[1] = 99;
    entries[1].size--;
    assert_entries_refused(entries, 2, FSN_FORMAT,
                           "test.bin: 3073 bytes, expected one or more records of 3074 bytes");
    assert_entries_refused(entries, 1, FSN_FORMAT, "missing test.bin (test split)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fine_label_of_cifar100_is_the_class),
        cmocka_unit_test(records_become_images_in_file_order),
        cmocka_unit_test(every_packing_and_a_folder_give_the_same_set),
        cmocka_unit_test(class_names_are_optional),
        cmocka_unit_test(class_names_must_be_ten_printable_lines),
        cmocka_unit_test(class_names_may_end_in_carriage_returns),
        cmocka_unit_test(a_label_out_of_range_is_named_with_file_and_record),
        cmocka_unit_test(a_file_that_is_no_whole_number_of_records_is_refused),
        cmocka_unit_test(missing_files_are_named_with_their_split),
        cmocka_unit_test(a_file_that_comes_twice_is_refused_with_both_names),
        cmocka_unit_test(other_files_are_passed_over),
        cmocka_unit_test(what_is_no_data_set_is_refused_with_what_is_expected),
        cmocka_unit_test(bytes_that_are_no_archive_are_refused),
        cmocka_unit_test(the_format_can_be_forced),
        cmocka_unit_test(a_format_that_is_not_there_or_not_known_is_refused),
        cmocka_unit_test(limits_reach_the_archive),
        cmocka_unit_test(the_summary_tells_shape_splits_and_counts),
        cmocka_unit_test(the_official_archive_has_a_thousand_test_images_a_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
