/* test_dataset_images.c - photographs without classes. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"

enum { MAX_FILES = 48, NAME = 40 };

/* Files that all hold the same picture. */
struct files {
    struct made_bytes jpeg;
    struct made_entry entries[MAX_FILES];
    char names[MAX_FILES][NAME];
    size_t count;
};

static int set_up(void **state)
{
    struct files *files = calloc(1, sizeof *files);

    assert_non_null(files);
    files->jpeg = make_jpeg_of(12, 8, 200, 100, 50);
    *state = files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;

    free(files->jpeg.data);
    free(files);
    return 0;
}

static struct made_entry *add(struct files *files, const char *name)
{
    const size_t i = files->count++;

    assert_true(i < MAX_FILES);
    snprintf(files->names[i], NAME, "%s", name);
    files->entries[i] = (struct made_entry){
        .name = files->names[i], .bytes = files->jpeg.data, .size = files->jpeg.size};
    return &files->entries[i];
}

/* names: one after the other, with a space between. */
static void add_all(struct files *files, const char *names)
{
    for (const char *at = names; *at; at += strspn(at, " ")) {
        char name[NAME];
        const int length = (int)strcspn(at, " ");

        snprintf(name, sizeof name, "%.*s", length, at);
        add(files, name);
        at += length;
    }
}

static struct fsn_dataset *open_as(const struct files *files, const char *format,
                                   enum fsn_status want, struct fsn_error *err)
{
    struct made_bytes made = make_archive(MADE_ZIP, files->entries, files->count);
    struct fsn_dataset *dataset = NULL;

    memset(err, 0, sizeof *err);
    assert_int_equal(fsn__dataset_open_memory(made.data, made.size, format, NULL, &dataset, err),
                     want);
    free(made.data);
    return dataset;
}

/* Opens the set, whose splits hold these names, in this order. */
static void assert_splits(const struct files *files, const char *format, const char *train,
                          const char *test, bool split_made, int64_t unused)
{
    const char *const want[FSN_SPLIT_COUNT] = {train, test};
    struct fsn_error err;
    struct fsn_dataset *dataset = open_as(files, format, FSN_OK, &err);
    struct fsn_dataset_info info;

    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "images");
    assert_int_equal(info.classes, 0);
    assert_null(info.class_names);
    assert_false(info.detection);
    assert_int_equal(info.split_made, split_made);
    assert_int_equal(info.unused_images, unused);
    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        char names[MAX_FILES * NAME] = "";

        for (int64_t i = 0; i < info.images[s]; i++) {
            const int64_t file = dataset->split[s].file[i];

            if (i > 0)
                strcat(names, " ");
            strcat(names, dataset->store->images[file].name);
            assert_int_equal(dataset->split[s].labels[i], 0);
        }
        assert_string_equal(names, want[s]);
    }
    assert_int_equal(fsn_dataset_verify(dataset, 2, NULL), FSN_OK);
    fsn_dataset_destroy(dataset);
}

/* ---- what is taken for images without classes --------------------------------------------------
 */

static void images_at_the_top_are_ordered_by_name(void **state)
{
    struct files *files = *state;

    add_all(files, "c.jpg a.jpg b.png notes.txt .hidden.jpg");
    files->entries[2].name = "b.jpeg";
    assert_splits(files, NULL, "a.jpg b.jpeg", "c.jpg", true, 0);
}

static void images_in_one_folder_have_no_classes(void **state)
{
    struct files *files = *state;

    add_all(files, "set/JPEGs/2.jpg set/JPEGs/1.jpg set/JPEGs/more/3.jpg");
    assert_splits(files, NULL, "set/JPEGs/1.jpg set/JPEGs/2.jpg", "set/JPEGs/more/3.jpg", true, 0);
}

static void images_at_the_top_and_in_a_folder_are_one_set(void **state)
{
    struct files *files = *state;

    add_all(files, "b.jpg a/1.jpg c.jpg a/2.jpg");
    assert_splits(files, NULL, "a/1.jpg a/2.jpg b.jpg", "c.jpg", true, 0);
}

static void class_folders_go_before_and_the_name_of_the_format_before_them(void **state)
{
    struct files *files = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    add_all(files, "a/1.jpg a/2.jpg b/1.jpg b/2.jpg top.jpg");
    dataset = open_as(files, NULL, FSN_OK, &err);
    assert_string_equal(dataset->format, "imagefolder");
    assert_int_equal(dataset->classes, 2);
    assert_int_equal(dataset->store->count, 4); /* a picture beside the folders is left out */
    fsn_dataset_destroy(dataset);
    assert_splits(files, "images", "a/1.jpg a/2.jpg b/1.jpg b/2.jpg", "top.jpg", true, 0);
}

static void one_class_is_refused_where_classes_are_asked_for(void **state)
{
    struct files *files = *state;
    struct fsn_error err;

    add_all(files, "train/a/1.jpg train/a/2.jpg");
    assert_null(open_as(files, "imagefolder", FSN_FORMAT, &err));
    assert_non_null(strstr(err.text, "has one class, that of 'train/a/1.jpg'"));
    assert_splits(files, NULL, "train/a/1.jpg", "train/a/2.jpg", true, 0);
}

static void a_picture_beside_another_set_may_be_of_any_kind(void **state)
{
    struct files *files = *state;
    struct made_idx idx;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    make_idx(&idx);
    memcpy(files->entries, idx.entries, sizeof idx.entries);
    files->count = MADE_IDX_FILES;
    *add(files, "logo.bmp") = (struct made_entry){.name = "logo.bmp", .bytes = "BM6", .size = 3};
    dataset = open_as(files, NULL, FSN_OK, &err);
    assert_string_equal(dataset->format, "idx");
    fsn_dataset_destroy(dataset);
}

/* ---- splits ------------------------------------------------------------------------------------
 */

static void every_tenth_image_is_a_test_image(void **state)
{
    struct files *files = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    for (int i = 24; i >= 0; i--) { /* 25 of them, the last one first */
        char name[NAME];

        snprintf(name, sizeof name, "%02d.jpg", i);
        add(files, name);
    }
    dataset = open_as(files, NULL, FSN_OK, &err);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 23);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 2);
    for (int i = 0; i < 2; i++)
        assert_string_equal(dataset->store->images[dataset->split[FSN_SPLIT_TEST].file[i]].name,
                            i == 0 ? "09.jpg" : "19.jpg");
    fsn_dataset_destroy(dataset);
}

static void folders_of_splits_are_heeded(void **state)
{
    struct files *files = *state;

    add_all(files, "s/train/1.jpg s/train/2.jpg s/test/3.jpg s/val/4.jpg s/docs/5.jpg");
    assert_splits(files, NULL, "s/train/1.jpg s/train/2.jpg", "s/test/3.jpg", false, 2);
    files->count = 4;
    files->names[2][2] = 'x'; /* s/xest/ */
    assert_splits(files, NULL, "s/train/1.jpg s/train/2.jpg", "s/val/4.jpg", false, 1);
    files->count = 3;
    assert_splits(files, NULL, "s/train/1.jpg", "s/train/2.jpg", true, 1);
}

static void a_folder_of_test_images_alone_is_divided(void **state)
{
    struct files *files = *state;

    add_all(files, "test/1.jpg test/2.jpg test/3.jpg");
    assert_splits(files, NULL, "test/1.jpg test/2.jpg", "test/3.jpg", true, 0);
}

/* ---- what is refused ---------------------------------------------------------------------------
 */

static void one_image_and_bad_ones_are_refused(void **state)
{
    struct files *files = *state;
    struct fsn_error err;

    add_all(files, "1.jpg");
    assert_null(open_as(files, NULL, FSN_FORMAT, &err));
    assert_non_null(strstr(err.text, "needs two or more"));
    assert_non_null(strstr(err.text, "'1.jpg'"));
    *add(files, "2.bmp") = (struct made_entry){.name = "2.bmp", .bytes = "BM6\x0c", .size = 4};
    assert_null(open_as(files, NULL, FSN_UNSUPPORTED, &err));
    assert_non_null(strstr(err.text, "2.bmp: neither JPEG nor PNG"));
}

static void the_summary_has_no_classes(void **state)
{
    struct files *files = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char *json;

    add_all(files, "1.jpg 2.jpg 3.jpg");
    dataset = open_as(files, NULL, FSN_OK, &err);
    assert_int_equal(fsn_dataset_summary_json(dataset, &json, NULL), FSN_OK);
    assert_non_null(strstr(json, "\"classes\": 0"));
    assert_non_null(strstr(json, "\"per_class\": []"));
    assert_non_null(strstr(json, "\"images\": 2"));
    free(json);
    fsn_dataset_destroy(dataset);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(images_at_the_top_are_ordered_by_name),
        TEST(images_in_one_folder_have_no_classes),
        TEST(images_at_the_top_and_in_a_folder_are_one_set),
        TEST(class_folders_go_before_and_the_name_of_the_format_before_them),
        TEST(one_class_is_refused_where_classes_are_asked_for),
        TEST(a_picture_beside_another_set_may_be_of_any_kind),
        TEST(every_tenth_image_is_a_test_image),
        TEST(folders_of_splits_are_heeded),
        TEST(a_folder_of_test_images_alone_is_divided),
        TEST(one_image_and_bad_ones_are_refused),
        TEST(the_summary_has_no_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
