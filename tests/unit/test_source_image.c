/* test_source_image.c - photographs on their way to the network: size, crop, augmentation, cache.
 */
#include "data/source_image.h"
#include "data/resize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"

enum { PHOTOS = 12, WIDTH = 30, HEIGHT = 20, SIDE = 8 };

struct photos {
    uint8_t pixels[PHOTOS][WIDTH * HEIGHT * 3];
    struct made_bytes png[PHOTOS];
    struct made_entry entries[PHOTOS];
    char names[PHOTOS][32];
};

/* PNGs, which lose nothing: names train/a/00.png .. train/b/11.png, the last two test/... */
static int set_up(void **state)
{
    struct photos *photos = calloc(1, sizeof *photos);

    assert_non_null(photos);
    for (int i = 0; i < PHOTOS; i++) {
        for (int p = 0; p < WIDTH * HEIGHT * 3; p++)
            photos->pixels[i][p] = (uint8_t)(1 + (p * (7 + i) + p / 90 * 11) % 255);
        photos->png[i] = make_png(photos->pixels[i], WIDTH, HEIGHT, MADE_RGB, 8, 0);
        snprintf(photos->names[i], sizeof photos->names[i], "%s/%s/%02d.png",
                 i < PHOTOS - 2 ? "train" : "test", i < PHOTOS / 2 ? "a" : "b", i);
        photos->entries[i] = (struct made_entry){
            .name = photos->names[i], .bytes = photos->png[i].data, .size = photos->png[i].size};
    }
    *state = photos;
    return 0;
}

static int tear_down(void **state)
{
    struct photos *photos = *state;

    for (int i = 0; i < PHOTOS; i++)
        free(photos->png[i].data);
    free(photos);
    return 0;
}

static struct fsn_dataset *open_photos(const struct photos *photos, size_t max_cache)
{
    const struct fsn_data_limits limits = {.max_cache = max_cache};
    struct made_bytes made = make_archive(MADE_ZIP, photos->entries, PHOTOS);
    struct fsn_dataset *dataset = NULL;

    assert_int_equal(fsn__dataset_open_memory(made.data, made.size, NULL, &limits, &dataset, NULL),
                     FSN_OK);
    free(made.data);
    return dataset;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void images_are_resized_to_the_sizes_of_torchvision(void **state)
{
    /* torchvision.transforms.Resize(resize): (resize, int(resize * long / short)). */
    static const struct {
        int side, resize, width, height, out_width, out_height;
    } cases[] = {
        {224, 256, 500, 375, 341, 256}, {224, 256, 375, 500, 256, 341},
        {224, 0, 500, 375, 341, 256},                                 /* 224 / 0.875 is 256 */
        {224, 232, 640, 427, 347, 232}, {299, 0, 333, 333, 342, 342}, /* 341.7 */
        {32, 0, 100, 33, 96, 32},       {111, 0, 10, 20, 111, 222},
        {112, 0, 10, 20, 128, 256},     {8, 9, 1, 20, 9, 180},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fsn__transform transform = {
            .preprocess.resize = cases[i].resize, .height = cases[i].side, .width = cases[i].side};
        int width = 0, height = 0;

        fsn__resized_size(&transform, cases[i].width, cases[i].height, &width, &height);
        if (width != cases[i].out_width || height != cases[i].out_height)
            fail_msg("case %zu: %d x %d", i, width, height);
        transform.preprocess.crop = FSN_CROP_NONE;
        fsn__resized_size(&transform, cases[i].width, cases[i].height, &width, &height);
        assert_true(width == cases[i].side && height == cases[i].side);
    }
}

static void an_input_that_is_no_square_is_covered(void **state)
{
    const struct fsn__transform wide = {.height = 32, .width = 64};
    int width, height;

    (void)state;
    fsn__resized_size(&wide, 100, 100, &width, &height);
    assert_true(width == 64 && height == 64);
    fsn__resized_size(&wide, 300, 100, &width, &height);
    assert_true(width == 96 && height == 32);
}

/* ---- what the network sees ------------------------------------------------------------------- */

/* Photo i resized to width x height, seen from (left, top) as SIDE x SIDE; x: [3][SIDE][SIDE]. */
static bool shows(const struct photos *photos, int i, int width, int height, int left, int top,
                  bool flip, const float *x)
{
    struct fsn__image whole = {WIDTH, HEIGHT, 3, NULL}, resized;
    bool same = true;

    whole.pixels = (uint8_t *)(uintptr_t)photos->pixels[i];
    assert_int_equal(fsn__image_resize(&whole, width, height, &resized, NULL), FSN_OK);
    for (int c = 0; c < 3; c++)
        for (int row = 0; row < SIDE; row++)
            for (int col = 0; col < SIDE; col++) {
                const int from = left + (flip ? SIDE - 1 - col : col), line = top + row;
                const bool inside = from >= 0 && from < width && line >= 0 && line < height;
                const int want = inside ? resized.pixels[(line * width + from) * 3 + c] : 0;

                same = same && lrintf(x[(c * SIDE + row) * SIDE + col] * 255) == want;
            }
    free(resized.pixels);
    return same;
}

static void without_augmentation_it_is_the_centre(void **state)
{
    const struct photos *photos = *state;
    struct fsn__transform transform = {
        .channels = 3, .height = SIDE, .width = SIDE, .preprocess.resize = 11, .crop_padding = 4};
    struct fsn_dataset *dataset = open_photos(photos, 0);
    const int64_t index[] = {3, 0};
    float x[2 * 3 * SIDE * SIDE];
    int32_t labels[2];

    /* 30 x 20 becomes 16 x 11; (16 - 8) / 2 = 4, (11 - 8) / 2 = 1.5, which Python rounds to 2. */
    assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform, false, 0, NULL,
                                     x, labels, NULL),
                     FSN_OK);
    assert_true(shows(photos, 3, 16, 11, 4, 2, false, x));
    assert_true(shows(photos, 0, 16, 11, 4, 2, false, x + 3 * SIDE * SIDE));
    /* Another way of preparing is not served from the images kept. */
    transform.preprocess.crop = FSN_CROP_NONE;
    assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform, false, 0, NULL,
                                     x, labels, NULL),
                     FSN_OK);
    assert_true(shows(photos, 3, SIDE, SIDE, 0, 0, false, x));
    assert_int_equal(labels[0], 0);
    fsn_dataset_destroy(dataset);
}

static void with_it_every_window_occurs(void **state)
{
    const struct photos *photos = *state;
    const struct fsn__transform transform = {
        .channels = 3, .height = SIDE, .width = SIDE, .crop_padding = 1, .flip = true, .seed = 9};
    struct fsn_dataset *dataset = open_photos(photos, 0);
    bool seen[3][7][2] = {{{false}}};
    int kinds = 0;

    /* 30 x 20 becomes 12 x 8: left -1 .. 5, top -1 .. 1. */
    for (uint64_t epoch = 0; epoch < 400; epoch++) {
        const int64_t index = 5;
        float x[3 * SIDE * SIDE];
        int32_t label;
        int found = 0;

        assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, &index, 1, &transform, true,
                                         epoch, NULL, x, &label, NULL),
                         FSN_OK);
        for (int top = -1; top <= 1; top++)
            for (int left = -1; left <= 5; left++)
                for (int flip = 0; flip < 2; flip++)
                    if (shows(photos, 5, 12, 8, left, top, flip, x)) {
                        seen[top + 1][left + 1][flip] = true;
                        found++;
                    }
        assert_int_equal(found, 1);
    }
    for (int i = 0; i < 3 * 7 * 2; i++)
        kinds += (&seen[0][0][0])[i];
    assert_int_equal(kinds, 3 * 7 * 2);
    fsn_dataset_destroy(dataset);
}

static void a_network_of_grey_images_gets_grey_ones(void **state)
{
    const struct photos *photos = *state;
    const struct fsn__transform transform = {.channels = 1, .height = HEIGHT, .width = WIDTH};
    struct fsn_dataset *dataset = open_photos(photos, 0);
    static float x[WIDTH * HEIGHT];
    const int64_t index = 0;
    int32_t label;

    assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, &index, 1, &transform, false, 0,
                                     NULL, x, &label, NULL),
                     FSN_OK);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const uint8_t *p = &photos->pixels[0][3 * i];

        assert_float_equal(x[i] * 255.0f, 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2], 0.51f);
    }
    fsn_dataset_destroy(dataset);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static void results_depend_on_neither_cache_nor_threads(void **state)
{
    enum { N = PHOTOS - 2 };
    const struct fsn__transform transform = {
        .channels = 3, .height = SIDE, .width = SIDE, .crop_padding = 2, .flip = true, .seed = 4};
    static const size_t sizes[] = {1, 12 * 8 * 3, 1000, 0};
    static float first[N * 3 * SIDE * SIDE], x[N * 3 * SIDE * SIDE];
    int64_t index[N];
    int32_t labels[N];

    for (int i = 0; i < N; i++)
        index[i] = N - 1 - i;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct fsn_dataset *dataset = open_photos(*state, sizes[s]);
        struct fsn__pool *pool = NULL;

        assert_int_equal(fsn__pool_create((int)s + 1, &pool, NULL), FSN_OK);
        for (int pass = 0; pass < 2; pass++) {
            assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, index, N, &transform, true,
                                             7, pool, x, labels, NULL),
                             FSN_OK);
            if (s == 0 && pass == 0)
                memcpy(first, x, sizeof x);
            assert_memory_equal(first, x, sizeof x);
        }
        /* Images of 12 x 8 x 3 bytes: none, one, three, all. */
        assert_int_equal(fsn__pixel_cache_bytes(dataset->cache),
                         ((const size_t[]){0, 1, 3, N})[s] * 12 * 8 * 3);
        fsn__pool_destroy(pool);
        fsn_dataset_destroy(dataset);
    }
}

static void test_images_are_not_kept(void **state)
{
    const struct fsn__transform transform = {.channels = 3, .height = SIDE, .width = SIDE};
    struct fsn_dataset *dataset = open_photos(*state, 0);
    const int64_t index[] = {0, 1};
    float x[2 * 3 * SIDE * SIDE];
    int32_t labels[2];

    assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TEST, index, 2, &transform, false, 0, NULL,
                                     x, labels, NULL),
                     FSN_OK);
    assert_int_equal(fsn__pixel_cache_bytes(dataset->cache), 0);
    assert_int_equal(labels[0], 1);
    fsn_dataset_destroy(dataset);
}

int main(void)
{
#define PHOTO_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_resized_to_the_sizes_of_torchvision),
        cmocka_unit_test(an_input_that_is_no_square_is_covered),
        PHOTO_TEST(without_augmentation_it_is_the_centre),
        PHOTO_TEST(with_it_every_window_occurs),
        PHOTO_TEST(a_network_of_grey_images_gets_grey_ones),
        PHOTO_TEST(results_depend_on_neither_cache_nor_threads),
        PHOTO_TEST(test_images_are_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
