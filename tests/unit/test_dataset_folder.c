/* test_dataset_folder.c - photographs in a folder for each class. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"
#include "temp_dir.h"

enum { MAX_PHOTOS = 64 };

/* Entries that all hold one of two small pictures: a JPEG of 12 x 8 or a PNG of 6 x 9. */
struct photos {
    struct made_bytes jpeg, png;
    struct made_entry entries[MAX_PHOTOS];
    char names[MAX_PHOTOS][80];
    size_t count;
};

static int set_up(void **state)
{
    struct photos *photos = calloc(1, sizeof *photos);

    assert_non_null(photos);
    photos->jpeg = make_jpeg_of(12, 8, 200, 100, 50);
    photos->png = make_png_of(6, 9, 20, 40, 60);
    *state = photos;
    return 0;
}

static int tear_down(void **state)
{
    struct photos *photos = *state;

    free(photos->jpeg.data);
    free(photos->png.data);
    free(photos);
    return 0;
}

static void add(struct photos *photos, const char *name)
{
    const struct made_bytes *made = strstr(name, ".png") ? &photos->png : &photos->jpeg;
    const size_t i = photos->count++;

    assert_true(i < MAX_PHOTOS);
    snprintf(photos->names[i], sizeof photos->names[i], "%s", name);
    photos->entries[i] =
        (struct made_entry){.name = photos->names[i], .bytes = made->data, .size = made->size};
}

static void add_all(struct photos *photos, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(photos, names[i]);
}
#define ADD(photos, ...)                                \
    add_all(photos, (const char *const[]){__VA_ARGS__}, \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static struct fsn_dataset *open_photos(const struct photos *photos)
{
    struct fsn_error err;

    return open_entries(photos->entries, photos->count, FSN_OK, &err);
}

static void assert_refused(const struct photos *photos, enum fsn_status want, const char *part)
{
    assert_entries_refused(photos->entries, photos->count, want, part);
}

/* Names of a split's files, in their order. */
static void assert_files(const struct fsn_dataset *dataset, enum fsn_split split,
                         const char *const *names, const int32_t *labels, int64_t count)
{
    const struct fsn__images *images = &dataset->split[split];

    assert_int_equal(images->count, count);
    for (int64_t i = 0; i < count; i++) {
        assert_string_equal(dataset->store->images[images->file[i]].name, names[i]);
        assert_int_equal(images->labels[i], labels[i]);
    }
}

/* ---- what is there --------------------------------------------------------------------------- */

static void classes_and_images_are_sorted_by_name(void **state)
{
    static const char *const train[] = {"train/Zebra/1.jpg", "train/ant/10.jpg", "train/ant/2.JPEG",
                                        "train/ant-eater/x.png"};
    static const char *const test[] = {"test/ant/1.jpg", "test/ant-eater/1.jpg"};
    struct photos *photos = *state;
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;

    ADD(photos, "test/ant-eater/1.jpg", "train/ant-eater/x.png", "train/ant/2.JPEG",
        "train/Zebra/1.jpg", "test/ant/1.jpg", "train/ant/10.jpg", "train/notes.txt");
    dataset = open_photos(photos);
    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "imagefolder");
    assert_int_equal(info.classes, 3);
    assert_string_equal(info.class_names[0], "Zebra"); /* as Python sorts: capitals first */
    assert_string_equal(info.class_names[1], "ant");   /* a folder, not a path: before ant-eater */
    assert_string_equal(info.class_names[2], "ant-eater");
    assert_files(dataset, FSN_SPLIT_TRAIN, train, (const int32_t[]){0, 1, 1, 2}, 4);
    assert_files(dataset, FSN_SPLIT_TEST, test, (const int32_t[]){1, 2}, 2);
    assert_true(info.channels == 3 && info.height == 0 && info.width == 0);
    assert_true(info.width_range.min == 6 && info.width_range.max == 12);
    assert_true(info.height_range.min == 8 && info.height_range.max == 9);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][1], 2);
    assert_false(info.split_made);
    assert_int_equal(info.unused_images, 0);
    assert_int_equal(fsn_dataset_verify(dataset, 2, NULL), FSN_OK);
    fsn_dataset_destroy(dataset);
}

static void archives_of_every_kind_and_folders_give_the_same(void **state)
{
    static const char *const train[] = {"set/train/a/1.jpg", "set/train/b/1.png"};
    static const char *const test[] = {"set/val/b/2.jpg"};
    struct photos *photos = *state;

    ADD(photos, "set/train/a/1.jpg", "set/train/b/1.png", "set/val/b/2.jpg");
    for (int packing = 0; packing < MADE_PACKINGS; packing++) {
        struct made_bytes made =
            make_archive((enum made_packing)packing, photos->entries, photos->count);
        struct fsn_dataset *dataset = NULL;

        assert_int_equal(fsn__dataset_open_memory(made.data, made.size, NULL, NULL, &dataset, NULL),
                         FSN_OK);
        assert_files(dataset, FSN_SPLIT_TRAIN, train, (const int32_t[]){0, 1}, 2);
        assert_files(dataset, FSN_SPLIT_TEST, test, (const int32_t[]){1}, 1);
        fsn_dataset_destroy(dataset);
        free(made.data);
    }
}

static void a_leading_dot_and_folders_in_a_class_do_not_matter(void **state)
{
    static const char *const train[] = {"./train/a/deep/er/1.jpg", "./train/b/1.jpg"};
    struct photos *photos = *state;
    struct fsn_dataset *dataset;

    ADD(photos, "./train/a/deep/er/1.jpg", "./train/b/1.jpg", "./test/a/1.jpg");
    dataset = open_photos(photos);
    assert_files(dataset, FSN_SPLIT_TRAIN, train, (const int32_t[]){0, 1}, 2);
    fsn_dataset_destroy(dataset);
}

static void val_is_left_aside_where_there_is_test(void **state)
{
    static const char *const test[] = {"test/b/1.jpg"};
    struct photos *photos = *state;
    struct fsn_dataset *dataset;

    /* An unlabelled test image, one outside, litter: the litter is not even looked at. */
    ADD(photos, "train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "test/b/1.jpg", "test/9.jpg",
        "docs/figure.png");
    add(photos, "__MACOSX/train/a/1.jpg");
    add(photos, "train/a/._1.jpg");
    photos->entries[6].size = photos->entries[7].size = 3;
    dataset = open_photos(photos);
    assert_files(dataset, FSN_SPLIT_TEST, test, (const int32_t[]){1}, 1);
    assert_int_equal(dataset->unused_images, 3);
    fsn_dataset_destroy(dataset);
}

/* ---- a split of our own ---------------------------------------------------------------------- */

static void a_tenth_of_each_class_is_split_off(void **state)
{
    struct photos *photos = *state;
    struct fsn_dataset *dataset, *again;
    char name[80];

    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "top/a/%02d.jpg", i);
        add(photos, name);
    }
    ADD(photos, "top/b/1.jpg", "top/b/2.jpg", "top/c/1.jpg");
    dataset = open_photos(photos);
    assert_true(dataset->split_made);
    /* 25 give (25 + 5) / 10, two give one, one gives none. */
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[0], 3);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[1], 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[2], 0);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[0], 22);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[1], 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[2], 1);

    /* Turned round in the archive, it is the same split; and no image is in both. */
    for (size_t i = 0; i < photos->count / 2; i++) {
        struct made_entry swap = photos->entries[i];

        photos->entries[i] = photos->entries[photos->count - 1 - i];
        photos->entries[photos->count - 1 - i] = swap;
    }
    again = open_photos(photos);
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        for (int64_t i = 0; i < dataset->split[s].count; i++)
            assert_string_equal(dataset->store->images[dataset->split[s].file[i]].name,
                                again->store->images[again->split[s].file[i]].name);
    for (int64_t i = 0; i < dataset->split[FSN_SPLIT_TEST].count; i++)
        for (int64_t j = 0; j < dataset->split[FSN_SPLIT_TRAIN].count; j++)
            assert_int_not_equal(dataset->split[FSN_SPLIT_TEST].file[i],
                                 dataset->split[FSN_SPLIT_TRAIN].file[j]);
    fsn_dataset_destroy(dataset);
    fsn_dataset_destroy(again);
}

static void single_images_cannot_be_split(void **state)
{
    struct photos *photos = *state;

    ADD(photos, "a/1.jpg", "b/1.jpg");
    assert_refused(photos, FSN_FORMAT, "none can be split off: no class has two images");
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void what_does_not_fit_together_is_refused(void **state)
{
    struct photos *photos = *state;

    ADD(photos, "train/a/1.jpg", "train/b/1.jpg", "test/c/1.jpg");
    assert_refused(photos, FSN_FORMAT,
                   "entry 'test/c/1.jpg' is of a class that no train image has");
    photos->count = 0;
    ADD(photos, "val/a/1.jpg", "val/b/2.jpg");
    assert_refused(photos, FSN_FORMAT, "no train images: no file lies in train/<class>/");
    photos->count = 0;
    ADD(photos, "train/\xff\xfe/1.jpg", "train/b/1.jpg");
    assert_refused(photos, FSN_FORMAT, "the class name '\\xff\\xfe' is not UTF-8");
    photos->count = 0;
    ADD(photos, "train/a\xe2\x80\xae/1.jpg", "train/b/1.jpg");
    assert_refused(photos, FSN_FORMAT,
                   "'a\\xe2\\x80\\xae' has a character that turns the direction of text");
}

static void a_bad_file_is_refused_with_its_name(void **state)
{
    struct photos *photos = *state;
    static uint8_t pixels[64 * 64 * 3];
    struct made_bytes large;
    struct fsn_dataset *dataset;
    struct fsn_error err = {0};

    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i * 13);
    large = make_jpeg(pixels, 64, 64, 3);
    ADD(photos, "train/a/1.jpg", "train/b/bad.jpg", "test/a/1.jpg");
    photos->entries[1].bytes = "GIF89a";
    photos->entries[1].size = 6;
    assert_refused(photos, FSN_UNSUPPORTED, "train/b/bad.jpg: neither JPEG nor PNG");
    photos->entries[1].size = 0;
    assert_refused(photos, FSN_FORMAT, "train/b/bad.jpg: 0 bytes are no image");

    ADD(photos, "train/b/2.BMP");
    photos->entries[3].bytes = "BM6\x0c";
    photos->entries[3].size = 4;
    photos->entries[1].bytes = photos->entries[0].bytes;
    photos->entries[1].size = photos->entries[0].size;
    assert_refused(photos, FSN_UNSUPPORTED, "train/b/2.BMP: neither JPEG nor PNG");
    photos->count = 3;

    /* What the header does not tell, verify does; and so does a batch. */
    photos->entries[1].bytes = large.data;
    photos->entries[1].size = large.size / 2;
    dataset = open_photos(photos);
    assert_int_equal(fsn_dataset_verify(dataset, 3, &err), FSN_FORMAT);
    assert_non_null(strstr(err.text, "train/b/bad.jpg: damaged JPEG"));
    {
        const struct fsn__transform transform = {.channels = 3, .height = 4, .width = 4};
        const int64_t index[] = {0, 1};
        float x[2 * 3 * 4 * 4];
        int32_t labels[2];

        memset(&err, 0, sizeof err);
        assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform, false, 0,
                                         NULL, x, labels, &err),
                         FSN_FORMAT);
        assert_non_null(strstr(err.text, "train/b/bad.jpg: damaged JPEG"));
    }
    fsn_dataset_destroy(dataset);
    free(large.data);
}

static void a_data_set_of_another_format_goes_before(void **state)
{
    struct photos *photos = *state;
    struct fsn_dataset *dataset;
    struct made_idx idx;

    make_idx(&idx);
    memcpy(photos->entries, idx.entries, sizeof idx.entries);
    photos->count = MADE_IDX_FILES;
    ADD(photos, "pictures/logo.png");
    dataset = open_photos(photos);
    assert_string_equal(dataset->format, "idx");
    fsn_dataset_destroy(dataset);
}

static void the_temporary_file_can_be_elsewhere_and_leaves_nothing(void **state)
{
    struct photos *photos = *state;
    struct fsn_dataset *dataset;
    struct temp_dir dir;

    temp_dir_create(&dir);
    ADD(photos, "train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg");
    setenv("TMPDIR", dir.path, 1);
    dataset = open_photos(photos);
    assert_int_equal(temp_dir_count(&dir), 0);
    fsn_dataset_destroy(dataset);
    setenv("TMPDIR", "/nonexistent", 1);
    assert_refused(photos, FSN_IO, "cannot make a temporary file in /nonexistent (TMPDIR)");
    unsetenv("TMPDIR");
    temp_dir_remove(&dir);
}

int main(void)
{
#define PHOTO_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PHOTO_TEST(classes_and_images_are_sorted_by_name),
        PHOTO_TEST(archives_of_every_kind_and_folders_give_the_same),
        PHOTO_TEST(a_leading_dot_and_folders_in_a_class_do_not_matter),
        PHOTO_TEST(val_is_left_aside_where_there_is_test),
        PHOTO_TEST(a_tenth_of_each_class_is_split_off),
        PHOTO_TEST(single_images_cannot_be_split),
        PHOTO_TEST(what_does_not_fit_together_is_refused),
        PHOTO_TEST(a_bad_file_is_refused_with_its_name),
        PHOTO_TEST(a_data_set_of_another_format_goes_before),
        PHOTO_TEST(the_temporary_file_can_be_elsewhere_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
