/* test_draw.c - the data set that the project draws itself. */
#include "core/file.h"
#include "data/dataset.h"
#include "data/draw.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp_dir.h"

/* Draws a set into dir/name; the caller destroys it. */
static struct fsn_dataset *draw(const struct temp_dir *dir, const char *name, int64_t train,
                                int64_t test, uint64_t seed)
{
    const char *path = temp_dir_path(dir, name);
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};

    assert_int_equal(fsn_dataset_draw(path, train, test, seed, &err), FSN_OK);
    assert_int_equal(fsn_dataset_open(path, NULL, NULL, &dataset, &err), FSN_OK);
    return dataset;
}

static void a_drawn_set_opens_as_cifar10_with_balanced_classes(void **state)
{
    static const char *const names[] = {"disc",          "ring",   "square", "frame",
                                        "triangle",      "plus",   "cross",  "horizontal bars",
                                        "vertical bars", "checker"};
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    dataset = draw(&dir, "set.tar.gz", 50, 23, 1);
    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "cifar10");
    assert_int_equal(info.images[FSN_SPLIT_TRAIN], 50);
    assert_int_equal(info.images[FSN_SPLIT_TEST], 23);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(info.class_names[i], names[i]);
        assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][i], 5);
        assert_int_equal(info.per_class[FSN_SPLIT_TEST][i], i < 3 ? 3 : 2);
    }
    fsn_dataset_destroy(dataset);
    assert_int_equal(temp_dir_count(&dir), 1);
    temp_dir_remove(&dir);
}

static void the_same_seed_gives_the_same_bytes_and_another_does_not(void **state)
{
    unsigned char *bytes[3] = {NULL};
    size_t sizes[3];
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    for (int i = 0; i < 3; i++) {
        struct fsn_error err = {0};

        assert_int_equal(fsn_dataset_draw(temp_dir_path(&dir, "set"), 20, 10, i < 2 ? 5 : 6, &err),
                         FSN_OK);
        assert_int_equal(
            fsn__file_read(temp_dir_path(&dir, "set"), SIZE_MAX, &bytes[i], &sizes[i], &err),
            FSN_OK);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    assert_true(sizes[0] != sizes[2] || memcmp(bytes[0], bytes[2], sizes[0]) != 0);
    for (int i = 0; i < 3; i++)
        free(bytes[i]);
    temp_dir_remove(&dir);
}

static void nothing_tells_when_or_by_whom_an_archive_was_written(void **state)
{
    static const unsigned char no_time[4] = {0};
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    unsigned char *bytes;
    struct temp_dir dir;
    struct fsn_error err = {0};
    size_t size;
    int entries = 0;

    (void)state;
    temp_dir_create(&dir);
    assert_int_equal(fsn_dataset_draw(temp_dir_path(&dir, "set"), 10, 10, 1, &err), FSN_OK);
    assert_int_equal(fsn__file_read(temp_dir_path(&dir, "set"), SIZE_MAX, &bytes, &size, &err),
                     FSN_OK);
    assert_memory_equal(bytes + 4, no_time, 4); /* MTIME of RFC 1952 */
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_memory(archive, bytes, size), ARCHIVE_OK);
    for (; archive_read_next_header(archive, &entry) == ARCHIVE_OK; entries++) {
        assert_int_equal(archive_entry_mtime(entry), 0);
        assert_int_equal(archive_entry_uid(entry), 0);
        assert_int_equal(archive_entry_gid(entry), 0);
        assert_int_equal(archive_entry_perm(entry), 0644);
    }
    assert_int_equal(entries, 7);
    archive_read_free(archive);
    free(bytes);
    temp_dir_remove(&dir);
}

static void an_image_does_not_depend_on_how_many_are_drawn(void **state)
{
    struct fsn_dataset *small, *large;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    small = draw(&dir, "small", 13, 10, 9);
    large = draw(&dir, "large", 40, 17, 9);
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        assert_memory_equal(small->split[s].pixels, large->split[s].pixels,
                            (size_t)small->split[s].count * FSN__DRAW_PIXELS);
    assert_memory_not_equal(small->split[FSN_SPLIT_TRAIN].pixels,
                            small->split[FSN_SPLIT_TEST].pixels, FSN__DRAW_PIXELS);
    fsn_dataset_destroy(small);
    fsn_dataset_destroy(large);
    temp_dir_remove(&dir);
}

/* Sum of squared differences between neighbours `step` apart, in all channels. */
static double roughness(const uint8_t *pixels, int rows, int cols, int step)
{
    const int side = FSN__DRAW_SIDE;
    double sum = 0;

    for (int c = 0; c < FSN__DRAW_CHANNELS; c++) {
        for (int i = 0; i < rows * cols; i++) {
            const uint8_t *at = pixels + (c * side + i / cols) * side + i % cols;

            sum += (at[step] - at[0]) * (at[step] - at[0]);
        }
    }
    return sum;
}

static void bars_run_the_way_their_class_says(void **state)
{
    enum { HORIZONTAL = 7, VERTICAL = 8, IMAGES = 200 };
    uint8_t pixels[FSN__DRAW_PIXELS];
    int right = 0;

    (void)state;
    for (int64_t i = 0; i < IMAGES; i++) {
        int label = fsn__draw_image(1, FSN_SPLIT_TRAIN, 10 * (i / 2) + (i % 2 ? 7 : 8), pixels);
        double down = roughness(pixels, 31, 32, 32), across = roughness(pixels, 32, 31, 1);

        assert_int_equal(label, i % 2 ? HORIZONTAL : VERTICAL);
        right += label == HORIZONTAL ? down > across : across > down;
    }
    /* Noise and specks blur a few; a mix-up of the classes would give about none. */
    assert_in_range(right, IMAGES * 9 / 10, IMAGES);
}

static void pictures_of_a_class_differ_and_use_the_range(void **state)
{
    uint8_t first[FSN__DRAW_PIXELS], second[FSN__DRAW_PIXELS];

    (void)state;
    for (int64_t label = 0; label < FSN__DRAW_CLASSES; label++) {
        int low = 255, high = 0;

        assert_int_equal(fsn__draw_image(2, FSN_SPLIT_TEST, label, first), label);
        assert_int_equal(fsn__draw_image(2, FSN_SPLIT_TEST, label + 10, second), label);
        assert_memory_not_equal(first, second, sizeof first);
        for (int i = 0; i < FSN__DRAW_PIXELS; i++) {
            low = first[i] < low ? first[i] : low;
            high = first[i] > high ? first[i] : high;
        }
        assert_true(high - low > 60); /* ink and paper are at least 30 apart in each channel */
    }
}

static void counts_out_of_range_are_refused(void **state)
{
    struct fsn_error few = {0}, many = {0}, negative = {0};
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    assert_int_equal(fsn_dataset_draw(temp_dir_path(&dir, "x"), 9, 10, 1, &few), FSN_INVALID);
    assert_string_equal(few.text, "train images must be 10..1000000, got 9");
    assert_int_equal(fsn_dataset_draw(temp_dir_path(&dir, "x"), 10, 1000001, 1, &many),
                     FSN_INVALID);
    assert_string_equal(many.text, "test images must be 10..1000000, got 1000001");
    assert_int_equal(fsn_dataset_draw(temp_dir_path(&dir, "x"), INT64_MIN, 10, 1, &negative),
                     FSN_INVALID);
    assert_int_equal(temp_dir_count(&dir), 0);
    temp_dir_remove(&dir);
}

static void a_path_that_cannot_be_written_is_an_io_error(void **state)
{
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_dataset_draw("/nonexistent/set.tar.gz", 10, 10, 1, &err), FSN_IO);
    assert_non_null(strstr(err.text, "/nonexistent/set.tar.gz"));
}

static void a_drawn_detection_set_opens_as_voc_with_boxes_in_it(void **state)
{
    unsigned char *bytes[2] = {NULL};
    struct fsn_dataset *dataset;
    struct temp_dir dir;
    size_t sizes[2];
    int64_t last;

    (void)state;
    temp_dir_create(&dir);
    for (int i = 0; i < 2; i++) {
        const char *path = temp_dir_path(&dir, "set.tar.gz");

        assert_int_equal(fsn_dataset_draw_boxes(path, 12, 5, 7, NULL), FSN_OK);
        assert_int_equal(fsn__file_read(path, SIZE_MAX, &bytes[i], &sizes[i], NULL), FSN_OK);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    assert_int_equal(
        fsn_dataset_open(temp_dir_path(&dir, "set.tar.gz"), NULL, NULL, &dataset, NULL), FSN_OK);
    assert_string_equal(dataset->format, "voc");
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 12);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 5);
    assert_int_equal(dataset->bad_boxes.count, 0);
    last = dataset->split[FSN_SPLIT_TRAIN].first_object[12];
    assert_in_range(last, 12, 48);       /* one to four a picture */
    for (int64_t i = 0; i < last; i++) { /* radii are 8 to 22 of 96 pixels */
        const struct fsn__box *box = &dataset->split[FSN_SPLIT_TRAIN].objects[i].box;

        assert_in_range((int)(96 * (box->x1 - box->x0) + 0.5f), 11, 44);
        assert_in_range((int)(96 * (box->y1 - box->y0) + 0.5f), 11, 44);
    }
    fsn_dataset_destroy(dataset);
    for (int i = 0; i < 2; i++)
        free(bytes[i]);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawn_set_opens_as_cifar10_with_balanced_classes),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_does_not),
        cmocka_unit_test(nothing_tells_when_or_by_whom_an_archive_was_written),
        cmocka_unit_test(an_image_does_not_depend_on_how_many_are_drawn),
        cmocka_unit_test(bars_run_the_way_their_class_says),
        cmocka_unit_test(pictures_of_a_class_differ_and_use_the_range),
        cmocka_unit_test(counts_out_of_range_are_refused),
        cmocka_unit_test(a_drawn_detection_set_opens_as_voc_with_boxes_in_it),
        cmocka_unit_test(a_path_that_cannot_be_written_is_an_io_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
