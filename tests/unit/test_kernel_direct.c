/* test_kernel_direct.c - the direct convolution of every instruction set against the reference in
 * double precision: all passes, all hooks, odd shapes, one to three threads. */
#include "conv_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOLERANCE 4e-6

/* Hooks that between them have each on and off beside each other one. */
static const unsigned some_hooks[] = {
    0,
    CONV_LOAD_AFFINE | CONV_LOAD_RELU | CONV_SUMS | CONV_GRAD_LOAD,
    CONV_LOAD_RELU | CONV_BIAS | CONV_RESIDUAL | CONV_STORE_RELU | CONV_ACCUMULATE,
    CONV_LOAD_AFFINE | CONV_BIAS | CONV_STORE_RELU | CONV_SUMS | CONV_GRAD_LOAD | CONV_ACCUMULATE,
};
enum { SOME_HOOKS = sizeof some_hooks / sizeof *some_hooks };

static void check(const struct fsn__conv_shape *shape, unsigned hooks)
{
    struct conv_case *test = conv_case_create(shape, hooks);

    assert_true(fsn__direct_takes(shape));
    for (int level = 0; fsn__isa_name(level); level++)
        for (int threads = 1; threads <= 3 && fsn__kernels_at(FSN__DIRECT, level); threads++)
            conv_case_check(test, fsn__kernels_at(FSN__DIRECT, level), threads, TOLERANCE);
    conv_case_destroy(test);
}

static void check_some(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                       int64_t stride, int64_t pad, int64_t dilation, int64_t groups)
{
    const struct fsn__conv_shape shape =
        conv_case_shape(n, c, h, w, k, r, s, stride, pad, dilation, groups);

    for (int i = 0; i < SOME_HOOKS; i++)
        check(&shape, some_hooks[i]);
}

static void pointwise_filters_of_stride_one_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1);
    check_some(2, 16, 4, 4, 16, 1, 1, 1, 0, 1, 1);
    check_some(3, 31, 7, 5, 33, 1, 1, 1, 0, 1, 1);
    check_some(1, 80, 3, 17, 96, 1, 1, 1, 0, 1, 1);
    check_some(1, 8, 2, 301, 15, 1, 1, 1, 0, 1, 1);
}

static void pointwise_filters_of_stride_two_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(2, 16, 8, 8, 32, 1, 1, 2, 0, 1, 1);
    check_some(3, 33, 7, 5, 17, 1, 1, 2, 0, 1, 1);
    check_some(1, 5, 1, 1, 3, 1, 1, 2, 0, 1, 1);
    check_some(1, 2, 2, 1, 7, 1, 1, 3, 0, 1, 1);
}

static void filters_3x3_of_stride_two_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(2, 16, 8, 8, 32, 3, 3, 2, 1, 1, 1);
    check_some(1, 17, 9, 8, 64, 3, 3, 2, 1, 1, 1);
    check_some(3, 5, 5, 33, 31, 3, 3, 2, 1, 1, 1);
    check_some(1, 48, 7, 7, 72, 3, 3, 2, 0, 1, 1);
    check_some(1, 16, 1, 2, 16, 3, 3, 2, 1, 1, 1);
}

static void any_filter_stride_and_dilation_agrees_with_the_reference(void **state)
{
    (void)state;
    check_some(1, 7, 8, 9, 16, 3, 3, 1, 1, 1, 1);
    check_some(1, 16, 9, 7, 20, 3, 3, 1, 2, 2, 1);
    check_some(2, 6, 12, 11, 4, 3, 3, 3, 1, 2, 1);
    check_some(1, 5, 6, 6, 16, 5, 5, 1, 2, 1, 1);
    check_some(1, 18, 8, 15, 8, 1, 5, 2, 0, 1, 1);
    check_some(1, 8, 9, 3, 18, 7, 1, 4, 0, 1, 1);
    check_some(1, 9, 6, 5, 8, 2, 2, 2, 0, 1, 1);
    check_some(1, 6, 4, 4, 5, 4, 4, 4, 0, 1, 1);
}

static void few_input_channels_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(2, 3, 8, 8, 16, 3, 3, 1, 1, 1, 1);
    check_some(1, 1, 9, 7, 33, 5, 5, 1, 2, 1, 1);
    check_some(1, 3, 17, 15, 20, 7, 7, 2, 3, 1, 1);
    check_some(1, 4, 5, 8, 16, 3, 3, 2, 1, 2, 1);
    check_some(3, 2, 4, 4, 8, 2, 5, 1, 1, 1, 1);
    check_some(1, 3, 4, 4, 8, 1, 1, 1, 0, 1, 1);
}

/* As Inception's 1x7 filters: the columns become channels, and one row of them is left. */
static void few_input_channels_under_one_row_agree_with_the_reference(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(2, 4, 8, 8, 8, 1, 7, 1, 0, 1, 1);

    (void)state;
    shape.pad_left = 3;
    shape.q = shape.w;
    for (int i = 0; i < SOME_HOOKS; i++)
        check(&shape, some_hooks[i]);
}

static void groups_of_whole_blocks_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(2, 32, 5, 6, 32, 3, 3, 1, 1, 1, 2);
    check_some(1, 64, 4, 4, 32, 1, 1, 1, 0, 1, 2);
    check_some(1, 48, 7, 7, 96, 3, 3, 2, 1, 1, 3);
}

static void depthwise_filters_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(2, 16, 5, 6, 16, 3, 3, 1, 1, 1, 16);
    check_some(1, 33, 8, 7, 33, 3, 3, 2, 1, 1, 33);
    check_some(3, 7, 9, 9, 7, 5, 5, 1, 2, 1, 7);
    check_some(1, 2, 3, 40, 2, 3, 3, 1, 2, 2, 2);
}

static void every_combination_of_hooks_agrees_with_the_reference(void **state)
{
    const struct fsn__conv_shape shape = conv_case_shape(1, 5, 3, 4, 18, 3, 3, 2, 1, 1, 1);

    (void)state;
    for (unsigned hooks = 0; hooks < CONV_HOOKS; hooks++)
        check(&shape, hooks);
}

/* Of a residual block's end (kernels.h, "scale"). */
static void scaled_gradients_agree_with_the_reference(void **state)
{
    const unsigned scaled = CONV_GRAD_LOAD | CONV_GRAD_SCALE;
    const struct fsn__conv_shape shapes[] = {conv_case_shape(2, 33, 5, 7, 18, 1, 1, 1, 0, 1, 1),
                                             conv_case_shape(1, 17, 9, 8, 32, 3, 3, 2, 1, 1, 1),
                                             conv_case_shape(1, 32, 6, 7, 32, 3, 3, 1, 1, 1, 32)};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(&shapes[i], scaled);
        check(&shapes[i], scaled | CONV_LOAD_AFFINE | CONV_LOAD_RELU | CONV_ACCUMULATE);
    }
}

static void paddings_of_the_sides_may_differ(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(1, 17, 6, 7, 16, 3, 3, 2, 0, 1, 1);

    (void)state;
    shape.pad_top = 1; /* top 1, bottom 0; left 0, right 2 */
    shape.p = (6 + 1 - 3) / 2 + 1;
    shape.q = (7 + 2 - 3) / 2 + 1;
    check(&shape, some_hooks[1]);
    check(&shape, some_hooks[2]);
}

static void maps_larger_than_a_band_agree_with_the_reference(void **state)
{
    (void)state;
    check_some(1, 40, 40, 41, 3, 3, 3, 2, 1, 1, 1);
    check_some(1, 200, 17, 16, 2, 1, 1, 1, 0, 1, 1);
}

static void shapes_that_do_not_fit_the_blocks_are_left_to_others(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(1, 24, 8, 8, 24, 3, 3, 1, 1, 1, 3);

    (void)state;
    assert_false(fsn__direct_takes(&shape)); /* groups of 8 channels */
    shape = conv_case_shape(1, 16, 8, 8, 32, 3, 3, 1, 1, 1, 16);
    assert_false(fsn__direct_takes(&shape)); /* two filters a channel */
    shape = conv_case_shape(1, 4, 32, 32, 4, 12, 12, 1, 0, 1, 1);
    assert_false(fsn__direct_takes(&shape)); /* more than 128 taps */
    shape = conv_case_shape(1, 4, 32, 32, 4, 3, 3, 5, 0, 1, 1);
    assert_false(fsn__direct_takes(&shape)); /* stride 5 */
    shape = conv_case_shape(1, 4, 32, 32, 4, 3, 3, 1, 3, 1, 1);
    assert_false(fsn__direct_takes(&shape)); /* a border of nothing but padding */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointwise_filters_of_stride_one_agree_with_the_reference),
        cmocka_unit_test(pointwise_filters_of_stride_two_agree_with_the_reference),
        cmocka_unit_test(filters_3x3_of_stride_two_agree_with_the_reference),
        cmocka_unit_test(any_filter_stride_and_dilation_agrees_with_the_reference),
        cmocka_unit_test(few_input_channels_agree_with_the_reference),
        cmocka_unit_test(few_input_channels_under_one_row_agree_with_the_reference),
        cmocka_unit_test(groups_of_whole_blocks_agree_with_the_reference),
        cmocka_unit_test(depthwise_filters_agree_with_the_reference),
        cmocka_unit_test(every_combination_of_hooks_agrees_with_the_reference),
        cmocka_unit_test(scaled_gradients_agree_with_the_reference),
        cmocka_unit_test(paddings_of_the_sides_may_differ),
        cmocka_unit_test(maps_larger_than_a_band_agree_with_the_reference),
        cmocka_unit_test(shapes_that_do_not_fit_the_blocks_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
