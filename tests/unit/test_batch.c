/* test_batch.c - shuffling, normalising, cropping and mirroring. */
#include "core/rng.h"
#include "data/dataset.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A set of 3 x 8 x 10 images whose pixels tell image, channel and place, and are never 0. */
enum { CHANNELS = 3, HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, IMAGE = CHANNELS * PLANE };
enum { IMAGES = 40 };

struct fixture {
    struct fsn_dataset dataset;
    uint8_t pixels[IMAGES * IMAGE];
    int32_t labels[IMAGES];
    int64_t all[IMAGES]; /* 0, 1, 2, ... */
};

static void fixture_fill(struct fixture *fixture)
{
    struct fsn__images *train = &fixture->dataset.split[FSN_SPLIT_TRAIN];

    memset(fixture, 0, sizeof *fixture);
    for (int i = 0; i < IMAGES * IMAGE; i++)
        fixture->pixels[i] = (uint8_t)(1 + (i / PLANE * 83 + i % PLANE) % 255);
    for (int i = 0; i < IMAGES; i++) {
        fixture->labels[i] = i % 7;
        fixture->all[i] = i;
    }
    fixture->dataset.channels = CHANNELS;
    fixture->dataset.height = HEIGHT;
    fixture->dataset.width = WIDTH;
    fixture->dataset.classes = 7;
    train->count = IMAGES;
    train->pixels = fixture->pixels;
    train->labels = fixture->labels;
}

static void load(const struct fixture *fixture, const int64_t *index, int64_t n,
                 const struct fsn__transform *transform, bool augment, uint64_t epoch, float *x)
{
    int32_t labels[IMAGES];

    assert_int_equal(fsn__load_batch(&fixture->dataset, FSN_SPLIT_TRAIN, index, n, transform,
                                     augment, epoch, NULL, x, labels, NULL),
                     FSN_OK);
}

static int pixel_of(float x)
{
    return (int)lrintf(x * 255.0f);
}

/* ---- normalising ----------------------------------------------------------------------------- */

static void pixels_are_normalised_per_channel(void **state)
{
    /* (p / 255 - mean) / std worked out by hand; the first row are ImageNet's well-known ends. */
    static const struct {
        float mean, std;
        double at_0, at_128, at_255;
    } channels[CHANNELS] = {
        {0.485f, 0.229f, -2.1179039, 0.0740645, 2.2489083},
        {0.456f, 0.224f, -2.0357143, 0.2051821, 2.4285714},
        {0.5f, 0.25f, -2.0, 0.0078431, 2.0},
    };
    static const uint8_t values[] = {0, 128, 255};
    struct fsn__transform transform = {.preprocess.channels = CHANNELS};
    uint8_t pixels[CHANNELS * 3];
    int32_t stored_label = 4, label = -1;
    struct fsn_dataset dataset = {.channels = CHANNELS, .height = 1, .width = 3, .classes = 5};
    float x[CHANNELS * 3];
    const int64_t index = 0;

    (void)state;
    for (int c = 0; c < CHANNELS; c++) {
        transform.preprocess.mean[c] = channels[c].mean;
        transform.preprocess.std[c] = channels[c].std;
        memcpy(pixels + c * 3, values, 3);
    }
    dataset.split[FSN_SPLIT_TEST] =
        (struct fsn__images){.count = 1, .pixels = pixels, .labels = &stored_label};
    assert_int_equal(fsn__load_batch(&dataset, FSN_SPLIT_TEST, &index, 1, &transform, false, 0,
                                     NULL, x, &label, NULL),
                     FSN_OK);
    assert_int_equal(label, 4);
    for (int c = 0; c < CHANNELS; c++) {
        assert_float_equal(x[c * 3], channels[c].at_0, 1e-6);
        assert_float_equal(x[c * 3 + 1], channels[c].at_128, 1e-6);
        assert_float_equal(x[c * 3 + 2], channels[c].at_255, 1e-6);
    }
}

static void without_preprocessing_pixels_become_0_to_1(void **state)
{
    const struct fsn__transform transform = {0};
    struct fixture fixture;
    float x[IMAGE];
    const int64_t index = 3;

    (void)state;
    fixture_fill(&fixture);
    load(&fixture, &index, 1, &transform, false, 0, x);
    for (int i = 0; i < IMAGE; i++)
        assert_true(x[i] == (float)fixture.pixels[3 * IMAGE + i] / 255.0f);
}

static void images_and_labels_follow_the_index(void **state)
{
    const struct fsn__transform transform = {0};
    const int64_t index[] = {39, 0, 17, 17};
    struct fixture fixture;
    float x[4 * IMAGE];
    int32_t labels[4];

    (void)state;
    fixture_fill(&fixture);
    assert_int_equal(fsn__load_batch(&fixture.dataset, FSN_SPLIT_TRAIN, index, 4, &transform, false,
                                     0, NULL, x, labels, NULL),
                     FSN_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(labels[i], index[i] % 7);
        assert_int_equal(pixel_of(x[i * IMAGE + 5]), fixture.pixels[index[i] * IMAGE + 5]);
    }
}

/* ---- augmentation ---------------------------------------------------------------------------- */

static void without_augment_crop_and_flip_are_ignored(void **state)
{
    const struct fsn__transform plain = {0}, busy = {.crop_padding = 4, .flip = true, .seed = 1};
    struct fixture fixture;
    static float x[IMAGES * IMAGE], y[IMAGES * IMAGE];

    (void)state;
    fixture_fill(&fixture);
    load(&fixture, fixture.all, IMAGES, &plain, true, 5, x);
    load(&fixture, fixture.all, IMAGES, &busy, false, 5, y);
    assert_memory_equal(x, y, sizeof x);
    load(&fixture, fixture.all, IMAGES, &busy, true, 5, y);
    assert_memory_not_equal(x, y, sizeof x);
}

/* What the image looks like moved by (dy, dx) and perhaps mirrored, pixel by pixel. */
static int expected_pixel(const uint8_t *image, int c, int row, int col, int dy, int dx, bool flip)
{
    int from_row = row + dy, from_col = (flip ? WIDTH - 1 - col : col) + dx;

    if (from_row < 0 || from_row >= HEIGHT || from_col < 0 || from_col >= WIDTH)
        return 0;
    return image[c * PLANE + from_row * WIDTH + from_col];
}

/* Whether x, normalised with mean and std 0.5, is that; so padding must be -1. */
static bool shows(const float *x, const uint8_t *image, int dy, int dx, bool flip)
{
    for (int i = 0; i < IMAGE; i++)
        if (pixel_of(0.5f * x[i] + 0.5f) !=
            expected_pixel(image, i / PLANE, i % PLANE / WIDTH, i % WIDTH, dy, dx, flip))
            return false;
    return true;
}

static void every_crop_and_flip_is_a_moved_image_and_all_occur_alike(void **state)
{
    enum { PADDING = 2, SIDE = 2 * PADDING + 1, EPOCHS = 50 };
    const struct fsn__transform transform = {
        .preprocess = {.channels = 3, .mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}},
        .crop_padding = PADDING,
        .flip = true,
        .seed = 7};
    int seen[SIDE][SIDE] = {{0}}, flipped = 0;
    struct fixture fixture;
    static float x[IMAGES * IMAGE];

    (void)state;
    fixture_fill(&fixture);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        load(&fixture, fixture.all, IMAGES, &transform, true, epoch, x);
        for (int i = 0; i < IMAGES; i++) {
            const uint8_t *image = fixture.pixels + i * IMAGE;
            int matches = 0;

            for (int view = 0; view < SIDE * SIDE * 2; view++) {
                int dy = view / 2 / SIDE - PADDING, dx = view / 2 % SIDE - PADDING;

                if (!shows(x + i * IMAGE, image, dy, dx, view % 2 == 1))
                    continue;
                matches++;
                seen[dy + PADDING][dx + PADDING]++;
                flipped += view % 2;
            }
            assert_int_equal(matches, 1);
        }
    }
    /* 2000 draws over 25 offsets: 80 each, standard deviation 8.8; flips 1000, 22. */
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_in_range(seen[i / SIDE][i % SIDE], 45, 115);
    assert_in_range(flipped, 900, 1100);
}

static void padding_is_pixel_zero_normalised(void **state)
{
    const struct fsn__transform transform = {
        .preprocess = {.channels = 3, .mean = {0.5f, 0.25f, 0.75f}, .std = {0.5f, 0.5f, 0.25f}},
        .crop_padding = 20,
        .seed = 3};
    static const float padding[CHANNELS] = {-1.0f, -0.5f, -3.0f};
    struct fixture fixture;
    static float x[IMAGES * IMAGE];
    int outside = 0;

    (void)state;
    fixture_fill(&fixture);
    load(&fixture, fixture.all, IMAGES, &transform, true, 0, x);
    /* Padding far beyond the image: many views show nothing of it. */
    for (int i = 0; i < IMAGES; i++) {
        bool empty = true;

        for (int k = 0; k < IMAGE; k++)
            empty = empty && x[i * IMAGE + k] == padding[k / PLANE];
        outside += empty;
    }
    assert_in_range(outside, 1, IMAGES - 1);
}

static void augmentation_depends_on_image_epoch_and_seed_alone(void **state)
{
    const int64_t other_order[] = {31, 8, 2};
    struct fsn__transform transform = {.crop_padding = 3, .flip = true, .seed = 11};
    struct fixture fixture;
    static float all[IMAGES * IMAGE], again[IMAGES * IMAGE];
    float some[3 * IMAGE];

    (void)state;
    fixture_fill(&fixture);
    load(&fixture, fixture.all, IMAGES, &transform, true, 4, all);
    load(&fixture, other_order, 3, &transform, true, 4, some);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(some + i * IMAGE, all + other_order[i] * IMAGE, IMAGE * sizeof *all);
    load(&fixture, fixture.all, IMAGES, &transform, true, 5, again);
    assert_memory_not_equal(all, again, sizeof all);
    transform.seed = 12;
    load(&fixture, fixture.all, IMAGES, &transform, true, 4, again);
    assert_memory_not_equal(all, again, sizeof all);
}

static void the_result_does_not_depend_on_the_thread_count(void **state)
{
    const struct fsn__transform transform = {.crop_padding = 2, .flip = true, .seed = 5};
    static const int counts[] = {1, 2, 3, 7};
    struct fixture fixture;
    static float one[IMAGES * IMAGE], many[IMAGES * IMAGE];
    int32_t labels[IMAGES];

    (void)state;
    fixture_fill(&fixture);
    load(&fixture, fixture.all, IMAGES, &transform, true, 9, one);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct fsn__pool *pool;
        struct fsn_error err = {0};

        memset(many, 0, sizeof many);
        memset(labels, 0xff, sizeof labels);
        assert_int_equal(fsn__pool_create(counts[i], &pool, &err), FSN_OK);
        assert_int_equal(fsn__load_batch(&fixture.dataset, FSN_SPLIT_TRAIN, fixture.all, IMAGES,
                                         &transform, true, 9, pool, many, labels, NULL),
                         FSN_OK);
        assert_memory_equal(one, many, sizeof one);
        assert_memory_equal(labels, fixture.labels, sizeof labels);
        fsn__pool_destroy(pool);
    }
}

/* ---- shuffling ------------------------------------------------------------------------------- */

static void a_shuffle_is_a_permutation_named_by_seed_and_epoch(void **state)
{
    enum { COUNT = 1000 };
    int64_t order[COUNT], again[COUNT];
    bool seen[COUNT] = {false};

    (void)state;
    fsn__shuffle(order, COUNT, 1, 2);
    for (int i = 0; i < COUNT; i++) {
        assert_in_range(order[i], 0, COUNT - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
    fsn__shuffle(again, COUNT, 1, 2);
    assert_memory_equal(order, again, sizeof order);
    fsn__shuffle(again, COUNT, 1, 3);
    assert_memory_not_equal(order, again, sizeof order);
    fsn__shuffle(again, COUNT, 2, 2);
    assert_memory_not_equal(order, again, sizeof order);
}

static void all_orders_of_three_occur_alike(void **state)
{
    int seen[27] = {0}, orders = 0;

    (void)state;
    for (uint64_t epoch = 0; epoch < 6000; epoch++) {
        int64_t order[3];

        fsn__shuffle(order, 3, 0, epoch);
        seen[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    for (int i = 0; i < 27; i++) {
        if (seen[i] == 0)
            continue;
        orders++;
        assert_in_range(seen[i], 850, 1150); /* 1000 each, standard deviation 29 */
    }
    assert_int_equal(orders, 6);
}

static void shuffling_one_or_none_is_fine(void **state)
{
    int64_t order[1] = {-1};

    (void)state;
    fsn__shuffle(order, 0, 1, 1);
    assert_int_equal(order[0], -1);
    fsn__shuffle(order, 1, 1, 1);
    assert_int_equal(order[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_normalised_per_channel),
        cmocka_unit_test(without_preprocessing_pixels_become_0_to_1),
        cmocka_unit_test(images_and_labels_follow_the_index),
        cmocka_unit_test(without_augment_crop_and_flip_are_ignored),
        cmocka_unit_test(every_crop_and_flip_is_a_moved_image_and_all_occur_alike),
        cmocka_unit_test(padding_is_pixel_zero_normalised),
        cmocka_unit_test(augmentation_depends_on_image_epoch_and_seed_alone),
        cmocka_unit_test(the_result_does_not_depend_on_the_thread_count),
        cmocka_unit_test(a_shuffle_is_a_permutation_named_by_seed_and_epoch),
        cmocka_unit_test(all_orders_of_three_occur_alike),
        cmocka_unit_test(shuffling_one_or_none_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
