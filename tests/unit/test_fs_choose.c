/* test_fs_choose.c - the geometry a budget leads to: the reference's grids, and any odd shape. */
#include "fs/choose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_grid(int64_t k, int64_t c, double ratio, int64_t g_y, int64_t g_x, int64_t g_c)
{
    struct fsn__fs_geometry g = fsn__fs_choose_3d(k, c, 3, 3, ratio);

    if (g.grid[0] != g_c || g.grid[1] != g_y || g.grid[2] != g_x)
        fail_msg("%d x %d at %g: grid %d*%d*%d, expected %d*%d*%d", (int)k, (int)c, ratio,
                 (int)g.grid[1], (int)g.grid[2], (int)g.grid[0], (int)g_y, (int)g_x, (int)g_c);
    assert_int_equal(g.stride[0], c / g_c);
    assert_int_equal(g.stride[1], 2);
    assert_int_equal(g.stride[2], 2);
}

static void the_grids_of_the_reference_come_out_for_ratios_from_13_to_18(void **state)
{
    (void)state;
    for (double ratio = 13; ratio <= 18; ratio += 0.25) {
        assert_grid(64, 3, ratio, 8, 8, 1);
        for (int64_t c = 64; c <= 512; c *= 2) {
            assert_grid(64, c, ratio, 4, 4, 4);
            assert_grid(128, c, ratio, 8, 4, 4);
            assert_grid(256, c, ratio, 8, 8, 4);
            assert_grid(512, c, ratio, 8, 8, 8);
        }
    }
}

static void narrow_networks_get_two_layers_at_ratio_4(void **state)
{
    (void)state;
    for (double ratio = 4; ratio <= 4.5; ratio += 0.25) {
        assert_grid(16, 3, ratio, 4, 4, 1);
        assert_grid(16, 16, ratio, 4, 2, 2);
        assert_grid(32, 16, ratio, 4, 4, 2);
        assert_grid(64, 64, ratio, 8, 4, 2);
    }
}

static void a_deep_grid_comes_only_when_a_balanced_one_misses_by_more_than_two(void **state)
{
    (void)state;
    assert_grid(64, 64, 18, 4, 4, 4);   /* 9 reached: exactly half */
    assert_grid(64, 64, 18.5, 4, 2, 8); /* 18 */
}

static void a_prime_number_of_filters_gets_a_padded_grid(void **state)
{
    struct fsn__fs_geometry g = fsn__fs_choose_3d(13, 8, 3, 3, 2.25);

    (void)state;
    assert_int_equal(g.grid[0], 1);
    assert_int_equal(g.grid[1], 7);
    assert_int_equal(g.grid[2], 2);
}

static void one_by_one_filters_share_channels_alone(void **state)
{
    struct fsn__fs_geometry g = fsn__fs_choose_3d(128, 64, 1, 1, 8);

    (void)state;
    assert_int_equal(g.grid[0], 128);
    assert_int_equal(g.grid[1], 1);
    assert_int_equal(g.grid[2], 1);
    assert_int_equal(g.stride[0], 8);
    assert_int_equal(fsn__fs_size(&g), 1024);
    g = fsn__fs_choose_3d(16, 5, 1, 1, 9); /* floor(5 / 9) is 0: one channel a filter */
    assert_int_equal(fsn__fs_size(&g), 16);
}

/* A large filter has a choice of strides in the plane: 49 / 16, 49 / 9, 49 / 4 at g_c = 1. */
static void a_large_filter_takes_the_stride_nearest_to_the_ratio(void **state)
{
    struct fsn__fs_geometry g = fsn__fs_choose_3d(64, 3, 7, 7, 5);

    (void)state;
    assert_int_equal(g.stride[1], 3);
    assert_int_equal(g.stride[2], 3);
    g = fsn__fs_choose_3d(64, 3, 7, 7, 12);
    assert_int_equal(g.stride[1], 2);
}

static void strides_of_one_are_the_last_resort(void **state)
{
    struct fsn__fs_geometry g = fsn__fs_choose_3d(64, 3, 3, 3, 18);

    (void)state;
    assert_int_equal(g.stride[1], 2); /* 2.25 reached: an eighth, not less */
    g = fsn__fs_choose_3d(64, 3, 3, 3, 27);
    assert_int_equal(g.stride[1], 1);
    assert_int_equal(g.stride[2], 1);
}

static void every_shape_gets_a_valid_geometry(void **state)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 7, 13, 16, 22, 64, 97};
    static const int64_t kernels[][2] = {{1, 1}, {1, 2}, {2, 2}, {3, 3}, {1, 7},
                                         {7, 1}, {5, 5}, {7, 7}, {3, 1}, {1, 100000}};
    static const double ratios[] = {1.01, 2, 4, 17, 1000, 1e9};
    enum { SIZES = 10, KERNELS = 10, RATIOS = 6 };

    (void)state;
    for (int i = 0; i < SIZES * SIZES * KERNELS * RATIOS; i++) {
        const int64_t k = sizes[i % SIZES], c = sizes[i / SIZES % SIZES];
        const int64_t *kernel = kernels[i / SIZES / SIZES % KERNELS];
        const double ratio = ratios[i / SIZES / SIZES / KERNELS];
        struct fsn__fs_geometry g = fsn__fs_choose_3d(k, c, kernel[0], kernel[1], ratio);
        struct fsn__fs_geometry line =
            fsn__fs_choose_1d(k, c, kernel[0], kernel[1], ratio, FSN_SPACING_EVEN);

        assert_true(g.grid[0] * g.grid[1] * g.grid[2] >= k);
        for (int axis = 0; axis < 3; axis++) {
            assert_true(g.grid[axis] >= 1 && g.stride[axis] >= 1);
            assert_int_equal(g.fs_dim[axis], g.grid[axis] * g.stride[axis]);
        }
        assert_true(line.fs_dim[0] >= 1);
        assert_true((double)line.fs_dim[0] <= (double)(k * c * kernel[0] * kernel[1]));
    }
}

static void the_length_of_a_segment_line_is_the_floor_of_its_share(void **state)
{
    struct fsn__fs_geometry g = fsn__fs_choose_1d(16, 3, 3, 3, 4, FSN_SPACING_REFERENCE);

    (void)state;
    assert_int_equal(fsn__fs_size(&g), 108);
    assert_int_equal(g.spacing, FSN_SPACING_REFERENCE);
    g = fsn__fs_choose_1d(16, 3, 3, 3, 1.3, FSN_SPACING_EVEN);
    assert_int_equal(fsn__fs_size(&g), 332); /* 432 / 1.3 = 332.3 */
    g = fsn__fs_choose_1d(16, 3, 3, 3, 1e6, FSN_SPACING_EVEN);
    assert_int_equal(fsn__fs_size(&g), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grids_of_the_reference_come_out_for_ratios_from_13_to_18),
        cmocka_unit_test(narrow_networks_get_two_layers_at_ratio_4),
        cmocka_unit_test(a_deep_grid_comes_only_when_a_balanced_one_misses_by_more_than_two),
        cmocka_unit_test(a_prime_number_of_filters_gets_a_padded_grid),
        cmocka_unit_test(one_by_one_filters_share_channels_alone),
        cmocka_unit_test(a_large_filter_takes_the_stride_nearest_to_the_ratio),
        cmocka_unit_test(strides_of_one_are_the_last_resort),
        cmocka_unit_test(every_shape_gets_a_valid_geometry),
        cmocka_unit_test(the_length_of_a_segment_line_is_the_floor_of_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
