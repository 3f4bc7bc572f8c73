/* test_kernel_winograd.c - the Winograd convolution of every instruction set against the reference
 * in double precision: all passes, all hooks, odd shapes, one to three threads. */
#include "conv_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Largest error over the rms of the output: F(4x4, 3x3) in f32 has 5e-6 at 16 channels and 1.5e-5
 * at 256 (winograd.h); a direct sum a tenth of that. */
#define TOLERANCE 2e-5
#define TOLERANCE_MANY 6e-5 /* from 400 channels on */

/* Hooks that between them have each on and off beside each other one. */
static const unsigned some_hooks[] = {
    0,
    CONV_LOAD_AFFINE | CONV_LOAD_RELU | CONV_SUMS | CONV_GRAD_LOAD,
    CONV_LOAD_RELU | CONV_BIAS | CONV_RESIDUAL | CONV_STORE_RELU | CONV_ACCUMULATE,
    CONV_LOAD_AFFINE | CONV_BIAS | CONV_STORE_RELU | CONV_SUMS | CONV_GRAD_LOAD | CONV_ACCUMULATE,
};
enum { SOME_HOOKS = sizeof some_hooks / sizeof *some_hooks };

/* What a residual block's gradient goes through (kernels.h, "scale" and "joined"). */
static const unsigned residual_hooks[] = {
    CONV_GRAD_LOAD | CONV_GRAD_SCALE,
    CONV_GRAD_LOAD | CONV_GRAD_SCALE | CONV_LOAD_AFFINE | CONV_LOAD_RELU,
    CONV_JOINED,
    CONV_JOINED | CONV_ACCUMULATE,
    CONV_JOINED | CONV_ACCUMULATE | CONV_GRAD_LOAD | CONV_GRAD_SCALE,
};

static void check(const struct fsn__conv_shape *shape, unsigned hooks, double tolerance)
{
    struct conv_case *test = conv_case_create(shape, hooks);

    assert_true(fsn__winograd_takes(shape));
    for (int level = 0; fsn__isa_name(level); level++)
        for (int threads = 1; threads <= 3 && fsn__kernels_at(FSN__WINOGRAD, level); threads++)
            conv_case_check(test, fsn__kernels_at(FSN__WINOGRAD, level), threads, tolerance);
    conv_case_destroy(test);
}

static struct fsn__conv_shape square(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w,
                                     int64_t pad)
{
    return conv_case_shape(n, c, h, w, k, 3, 3, 1, pad, 1, 1);
}

static void check_some(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w, int64_t pad)
{
    const struct fsn__conv_shape shape = square(n, c, k, h, w, pad);

    for (int i = 0; i < SOME_HOOKS; i++)
        check(&shape, some_hooks[i], TOLERANCE);
}

static void maps_of_every_small_size_agree_with_the_reference(void **state)
{
    static const int64_t sides[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17};

    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        check_some(2, 3, 5, sides[i], sides[9 - i], 1);
        if (sides[i] >= 3 && sides[9 - i] >= 3)
            check_some(1, 5, 3, sides[i], sides[9 - i], 0);
    }
}

static void any_numbers_of_channels_and_filters_agree_with_the_reference(void **state)
{
    static const int64_t channels[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 64, 80, 113};
    size_t count = sizeof channels / sizeof *channels;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        check_some(1, channels[i], channels[count - 1 - i], 5, 6, 1);
        check_some(3, channels[i], channels[i], 4, 3, 1);
    }
}

/* Many filters go another way (winograd.h, "large U"); a flat map has many tiles and few pixels. */
static void many_channels_and_filters_agree_with_the_reference(void **state)
{
    static const int64_t shapes[][6] = {{2, 176, 180, 6, 5, 1},
                                        {1, 400, 80, 4, 4, 1},
                                        {1, 72, 410, 3, 9, 0},
                                        {1, 2048, 17, 1, 100, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t *s = shapes[i];
        const struct fsn__conv_shape shape = square(s[0], s[1], s[2], s[3], s[4], s[5]);

        check(&shape, some_hooks[i % 2], TOLERANCE_MANY);
    }
}

static void several_blocks_of_tiles_follow_each_other(void **state)
{
    (void)state;
    check_some(3, 16, 16, 33, 31, 1);
    check_some(2, 33, 20, 31, 33, 1);
}

static void padding_may_differ_from_side_to_side(void **state)
{
    static const int64_t pads[][4] = {{0, 1, 1, 0}, {1, 0, 0, 1}, {2, 0, 2, 2}, {0, 2, 1, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof pads / sizeof *pads; i++) {
        struct fsn__conv_shape shape = square(2, 17, 18, 6, 9, 1);

        shape.pad_top = pads[i][0];
        shape.pad_left = pads[i][1];
        shape.p = shape.h + pads[i][0] + pads[i][2] - 2;
        shape.q = shape.w + pads[i][1] + pads[i][3] - 2;
        check(&shape, some_hooks[i], TOLERANCE);
    }
}

static void every_combination_of_hooks_agrees_with_the_reference(void **state)
{
    const struct fsn__conv_shape shape = square(1, 5, 18, 6, 5, 1);

    (void)state;
    for (unsigned hooks = 0; hooks < CONV_HOOKS; hooks++)
        check(&shape, hooks, TOLERANCE);
}

static struct fsn__conv_shape strided(int64_t n, int64_t c, int64_t k, int64_t h, int64_t w)
{
    struct fsn__conv_shape shape = conv_case_shape(n, c, h, w, k, 3, 3, 2, 1, 1, 1);

    shape.p = (h + 1) / 2;
    shape.q = (w + 1) / 2;
    return shape;
}

static void strided_maps_of_every_small_size_agree_with_the_reference(void **state)
{
    static const int64_t sides[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33};
    const size_t count = sizeof sides / sizeof *sides;

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (int hooks = 0; hooks < SOME_HOOKS; hooks++) {
            const struct fsn__conv_shape shape = strided(2, 16, 32, sides[i], sides[count - 1 - i]);

            check(&shape, some_hooks[hooks], TOLERANCE);
        }
}

/* Few and many filters (winograd.h, "large U"), numbers of blocks that strips of four do not
 * divide, several blocks of tiles. */
static void strided_channels_and_filters_agree_with_the_reference(void **state)
{
    static const int64_t shapes[][5] = {{3, 48, 16, 9, 8},   {1, 16, 80, 34, 33},
                                        {5, 32, 48, 17, 16}, {2, 176, 112, 6, 5},
                                        {1, 400, 80, 4, 4},  {1, 64, 432, 3, 9}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int hooks = 0; hooks < SOME_HOOKS; hooks++) {
            const int64_t *s = shapes[i];
            const struct fsn__conv_shape shape = strided(s[0], s[1], s[2], s[3], s[4]);

            check(&shape, some_hooks[hooks], TOLERANCE);
        }
}

static void every_combination_of_hooks_agrees_with_the_reference_with_stride_2(void **state)
{
    const struct fsn__conv_shape shape = strided(1, 16, 16, 11, 10);

    (void)state;
    for (unsigned hooks = 0; hooks < CONV_HOOKS; hooks++)
        check(&shape, hooks, TOLERANCE);
}

static void residual_blocks_agree_with_the_reference(void **state)
{
    const struct fsn__conv_shape shapes[] = {square(2, 16, 16, 9, 11, 1), square(1, 5, 33, 6, 5, 1),
                                             square(1, 176, 180, 6, 5, 1),
                                             strided(2, 16, 48, 11, 10)};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t j = 0; j < sizeof residual_hooks / sizeof *residual_hooks; j++)
            check(&shapes[i], residual_hooks[j], TOLERANCE_MANY);
}

static void other_convolutions_are_not_taken(void **state)
{
    const struct fsn__conv_shape good = square(1, 4, 4, 8, 8, 1);
    struct fsn__conv_shape shape;

    (void)state;
    assert_true(fsn__winograd_takes(&good));
    shape = conv_case_shape(1, 4, 8, 8, 4, 3, 3, 2, 1, 1, 1);
    assert_false(fsn__winograd_takes(&shape));
    shape = conv_case_shape(1, 4, 8, 8, 4, 5, 5, 1, 2, 1, 1);
    assert_false(fsn__winograd_takes(&shape));
    shape = conv_case_shape(1, 4, 8, 8, 4, 3, 3, 1, 3, 1, 1);
    assert_false(fsn__winograd_takes(&shape));
    shape = conv_case_shape(1, 4, 8, 8, 4, 3, 3, 1, 1, 1, 2);
    assert_false(fsn__winograd_takes(&shape));
    shape = conv_case_shape(1, 4, 8, 8, 4, 3, 3, 1, 2, 2, 1);
    assert_false(fsn__winograd_takes(&shape));
    shape = strided(1, 16, 20, 8, 8); /* half a block */
    assert_false(fsn__winograd_takes(&shape));
    shape = strided(1, 16, 16, 8, 8);
    assert_true(fsn__winograd_takes(&shape));
    shape.pad_top = shape.pad_left = 0;
    assert_false(fsn__winograd_takes(&shape));
    shape = good;
    shape.q = 11; /* padding of 4 on the right */
    assert_false(fsn__winograd_takes(&shape));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_every_small_size_agree_with_the_reference),
        cmocka_unit_test(any_numbers_of_channels_and_filters_agree_with_the_reference),
        cmocka_unit_test(many_channels_and_filters_agree_with_the_reference),
        cmocka_unit_test(several_blocks_of_tiles_follow_each_other),
        cmocka_unit_test(padding_may_differ_from_side_to_side),
        cmocka_unit_test(every_combination_of_hooks_agrees_with_the_reference),
        cmocka_unit_test(strided_maps_of_every_small_size_agree_with_the_reference),
        cmocka_unit_test(strided_channels_and_filters_agree_with_the_reference),
        cmocka_unit_test(every_combination_of_hooks_agrees_with_the_reference_with_stride_2),
        cmocka_unit_test(residual_blocks_agree_with_the_reference),
        cmocka_unit_test(other_convolutions_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
