/* test_augment.c - cutout and mixup: what they leave of the images, and that draws are fair. */
#include "data/dataset.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- cutout -------------------------------------------------------------------------------- */

enum { IMAGES = 40, CHANNELS = 2, HEIGHT = 4, WIDTH = 5, PLANE = HEIGHT * WIDTH };

static uint8_t white[IMAGES * CHANNELS * PLANE];
static int32_t zeros[IMAGES];

static struct fsn_dataset white_images(void)
{
    struct fsn_dataset data = {
        .channels = CHANNELS, .height = HEIGHT, .width = WIDTH, .classes = 1};

    memset(white, 255, sizeof white);
    data.split[FSN_SPLIT_TRAIN] =
        (struct fsn__images){.count = IMAGES, .pixels = white, .labels = zeros};
    return data;
}

static void load(const struct fsn__transform *transform, bool augment, uint64_t epoch, float *x)
{
    const struct fsn_dataset data = white_images();
    int64_t index[IMAGES];
    int32_t labels[IMAGES];

    for (int i = 0; i < IMAGES; i++)
        index[i] = i;
    assert_int_equal(fsn__load_batch(&data, FSN_SPLIT_TRAIN, index, IMAGES, transform, augment,
                                     epoch, NULL, x, labels, NULL),
                     FSN_OK);
}

/* Whether the plane is 1 but for a square of this side around (row, column), clipped. */
static bool is_cut_at(const float *plane, int side, int row, int column)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const bool in = y >= row - side / 2 && y < row - side / 2 + side &&
                            x >= column - side / 2 && x < column - side / 2 + side;

            if (plane[y * WIDTH + x] != (in ? 0 : 1))
                return false;
        }
    return true;
}

/* Squares at different centres may look alike once clipped: any of them will do. */
static void check_cuts(struct fsn__transform transform, int side)
{
    static float x[IMAGES * CHANNELS * PLANE];
    bool seen[PLANE] = {false};

    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        load(&transform, true, epoch, x);
        for (int i = 0; i < IMAGES; i++) {
            const float *image = x + i * CHANNELS * PLANE;
            int found = 0;

            for (int at = 0; at < PLANE; at++)
                if (is_cut_at(image, side, at / WIDTH, at % WIDTH)) {
                    seen[at] = true;
                    found++;
                }
            assert_true(found > 0);
            assert_memory_equal(image, image + PLANE, PLANE * sizeof *image);
        }
    }
    for (int at = 0; at < PLANE; at++)
        assert_true(seen[at]);
}

static void cutout_blanks_one_square_around_any_place(void **state)
{
    (void)state;
    check_cuts((struct fsn__transform){.cutout = true, .cutout_size = 3, .seed = 3}, 3);
    check_cuts((struct fsn__transform){.cutout = true, .cutout_size = 1, .seed = 4}, 1);
    check_cuts((struct fsn__transform){.cutout = true, .seed = 5}, 2); /* half of 4 */
}

static void without_augment_nothing_is_cut(void **state)
{
    const struct fsn__transform transform = {.cutout = true, .cutout_size = 3};
    static float x[IMAGES * CHANNELS * PLANE];

    (void)state;
    load(&transform, false, 0, x);
    for (int i = 0; i < IMAGES * CHANNELS * PLANE; i++)
        assert_true(x[i] == 1);
}

/* What is blank is the mean colour, not the black of padding. */
static void a_cut_is_zero_after_normalisation(void **state)
{
    const struct fsn__transform transform = {
        .cutout = true,
        .cutout_size = 2,
        .seed = 6,
        .preprocess = {.channels = 2, .mean = {0.5f, 0.25f}, .std = {0.25f, 0.25f}}};
    static float x[IMAGES * CHANNELS * PLANE];
    int blank = 0;

    (void)state;
    load(&transform, true, 0, x);
    for (int i = 0; i < IMAGES * CHANNELS * PLANE; i++) {
        const float rest = i / PLANE % CHANNELS == 0 ? 2 : 3;

        blank += x[i] == 0;
        assert_true(x[i] == 0 || x[i] == rest);
    }
    assert_in_range(blank, IMAGES * CHANNELS, IMAGES * CHANNELS * 4);
}

/* ---- mixup --------------------------------------------------------------------------------- */

static void images_are_mixed_with_their_mirror_in_the_batch(void **state)
{
    float x[10] = {1, 2, 3, 4, 9, 11, 11, 16, 16, 32};
    const float expected[10] = {12.25f,
                                24.5f,
                                0.25f * 3 + 0.75f * 11,
                                0.25f * 4 + 0.75f * 16,
                                9,
                                11,
                                0.25f * 11 + 0.75f * 3,
                                0.25f * 16 + 0.75f * 4,
                                0.25f * 16 + 0.75f * 1,
                                0.25f * 32 + 0.75f * 2};

    (void)state;
    fsn__mix_batch(x, 5, 2, 0.25, NULL);
    for (int i = 0; i < 10; i++)
        assert_true(x[i] == expected[i]);
}

static void mixing_does_not_depend_on_slices(void **state)
{
    static float one[23 * 7], many[23 * 7];

    (void)state;
    for (int i = 0; i < 23 * 7; i++)
        one[i] = many[i] = sinf((float)i);
    fsn__mix_batch(one, 23, 7, 0.3, NULL);
    for (int slices = 2; slices < 14; slices += 5) {
        struct fsn__pool *pool;
        float copy[23 * 7];

        memcpy(copy, many, sizeof copy);
        assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
        fsn__mix_batch(copy, 23, 7, 0.3, pool);
        fsn__pool_destroy(pool);
        assert_memory_equal(copy, one, sizeof one);
    }
}

/* Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)). Means of 20000 draws lie within five of their
 * standard errors, at most 0.5 / sqrt(20000) = 0.0035 and 0.25 / sqrt(20000) = 0.0018. */
static void shares_are_distributed_as_beta(void **state)
{
    static const double alphas[] = {0.05, 0.2, 0.5, 1};

    (void)state;
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        double sum = 0, square = 0;

        for (uint64_t step = 0; step < 20000; step++) {
            const double mix = fsn__draw_mix(alphas[a], 1, a, step);

            assert_true(mix >= 0 && mix <= 1);
            sum += mix;
            square += (mix - 0.5) * (mix - 0.5);
        }
        assert_true(fabs(sum / 20000 - 0.5) < 5 * 0.0035);
        assert_true(fabs(square / 20000 - 1 / (4 * (2 * alphas[a] + 1))) < 5 * 0.0018);
    }
}

static void a_share_is_named_by_seed_epoch_and_step(void **state)
{
    (void)state;
    assert_true(fsn__draw_mix(0.5, 1, 2, 3) == fsn__draw_mix(0.5, 1, 2, 3));
    assert_true(fsn__draw_mix(0.5, 1, 2, 3) != fsn__draw_mix(0.5, 1, 2, 4));
    assert_true(fsn__draw_mix(0.5, 1, 2, 3) != fsn__draw_mix(0.5, 1, 3, 3));
    assert_true(fsn__draw_mix(0.5, 1, 2, 3) != fsn__draw_mix(0.5, 2, 2, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutout_blanks_one_square_around_any_place),
        cmocka_unit_test(without_augment_nothing_is_cut),
        cmocka_unit_test(a_cut_is_zero_after_normalisation),
        cmocka_unit_test(images_are_mixed_with_their_mirror_in_the_batch),
        cmocka_unit_test(mixing_does_not_depend_on_slices),
        cmocka_unit_test(shares_are_distributed_as_beta),
        cmocka_unit_test(a_share_is_named_by_seed_epoch_and_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
