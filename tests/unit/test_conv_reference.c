/* test_conv_reference.c - the reference that the kernels are held against, on a case worked out by
 * hand: one image of 3 x 3, one channel, one filter of 2 x 2.
 *
 *         | 1 2 3 |       | 1  2 |
 *     z = | 4 5 6 |   w = | 0 -1 |
 *         | 7 8 9 |
 */
#include "conv_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct fsn__conv_shape shape = {.n = 1,
                                             .c = 1,
                                             .k = 1,
                                             .h = 3,
                                             .w = 3,
                                             .p = 2,
                                             .q = 2,
                                             .r = 2,
                                             .s = 2,
                                             .stride_y = 1,
                                             .stride_x = 1,
                                             .dilation_y = 1,
                                             .dilation_x = 1,
                                             .groups = 1};
static const float z[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[] = {1, 2, 0, -1};

static void assert_equal(const double *actual, const double *expected, int count)
{
    for (int i = 0; i < count; i++)
        if (actual[i] != expected[i])
            fail_msg("element %d is %g, expected %g", i, actual[i], expected[i]);
}

static void forward_is_the_sum_of_products(void **state)
{
    double out[4], sum, sum_sq;

    (void)state;
    conv_reference_forward(CONV_PLAIN, &shape, z, NULL, w, out, NULL, &sum, &sum_sq);
    assert_equal(out, (const double[]){0, 2, 6, 8}, 4);
    assert_equal(&sum, &(const double){16}, 1);
    assert_equal(&sum_sq, &(const double){104}, 1);
}

static void hooks_apply_around_the_convolution(void **state)
{
    const float a = 2, b = -7, bias = 1, residual[] = {1, -20, 0, 0};
    const struct fsn__load load = {&a, &b, true}; /* x = 0 0 0 / 1 3 5 / 7 9 11 */
    const struct fsn__store store = {.bias = &bias, .residual = residual, .relu = true};
    double out[4];

    (void)state;
    conv_reference_forward(CONV_PLAIN, &shape, z, &load, w, out, &store, NULL, NULL);
    /* -3 -5 / -2 2, plus bias and residual: -1 -24 / -1 3. */
    assert_equal(out, (const double[]){0, 0, 0, 3}, 4);
}

static void padding_is_zero_after_the_load(void **state)
{
    struct fsn__conv_shape padded = shape;
    const float a = 1, b = 100;
    const struct fsn__load load = {&a, &b, false};
    double out[9];

    (void)state;
    padded.pad_top = padded.pad_left = 1;
    padded.p = padded.q = 3;
    conv_reference_forward(CONV_PLAIN, &padded, z, &load, w, out, NULL, NULL, NULL);
    assert_equal(out, (const double[]){-101, -102, -103}, 3);
    assert_equal(out + 3, (const double[]){202 - 104}, 1);
}

static void backward_data_gives_each_input_what_it_took_part_in(void **state)
{
    const float dz[] = {1, 2, 3, 4}, a = 2, b = -7;
    const struct fsn__load load = {&a, &b, true};
    const struct fsn__grad_store store = {.load = &load, .z = z, .accumulate = true};
    double dx[9], da = 0, db = 0;

    (void)state;
    conv_reference_backward_data(CONV_PLAIN, &shape, dz, NULL, w, dx, NULL, NULL, NULL);
    assert_equal(dx, (const double[]){1, 4, 4, 3, 9, 6, 0, -3, -4}, 9);
    /* Relu passes where 2 z - 7 > 0: z >= 4; the slope is 2; on top of what is there. */
    conv_reference_backward_data(CONV_PLAIN, &shape, dz, NULL, w, dx, &store, &da, &db);
    assert_equal(dx, (const double[]){1, 4, 4, 9, 27, 18, 0, -9, -12}, 9);
    assert_equal(&da, &(const double){3 * 4 + 9 * 5 + 6 * 6 - 3 * 8 - 4 * 9}, 1);
    assert_equal(&db, &(const double){3 + 9 + 6 - 3 - 4}, 1);
}

static void backward_weights_correlates_input_and_gradient(void **state)
{
    const float dz[] = {1, 0, -1, 2}, out[] = {1, 1, 2, 0}, ds1 = 3, ds2 = 0.5F;
    const struct fsn__grad_load grad = {out, &ds1, &ds2}; /* dz + 3 + z: 5 4 / 4 5 */
    double dw[4] = {100, 0, 0, 0};

    (void)state;
    conv_reference_backward_weights(CONV_PLAIN, &shape, z, NULL, dz, NULL, dw);
    assert_equal(dw, (const double[]){107, 9, 13, 15}, 4);
    conv_reference_backward_weights(CONV_PLAIN, &shape, z, NULL, dz, &grad, dw);
    assert_equal(dw, (const double[]){107 + 54, 9 + 72, 13 + 108, 15 + 126}, 4);
}

static void the_blocked_layout_puts_sixteen_channels_side_by_side(void **state)
{
    (void)state;
    assert_int_equal(conv_map_size(CONV_PLAIN, 2, 17, 3, 4), 2 * 17 * 3 * 4);
    assert_int_equal(conv_map_size(CONV_BLOCKED, 2, 17, 3, 4), 2 * 32 * 3 * 4);
    assert_int_equal(conv_map_at(CONV_BLOCKED, 17, 3, 4, 0, 5, 1, 2), (1 * 4 + 2) * 16 + 5);
    assert_int_equal(conv_map_at(CONV_BLOCKED, 17, 3, 4, 1, 16, 0, 0), 3 * 12 * 16);
    assert_int_equal(conv_map_at(CONV_PLAIN, 17, 3, 4, 1, 16, 0, 1), (17 + 16) * 12 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_sum_of_products),
        cmocka_unit_test(hooks_apply_around_the_convolution),
        cmocka_unit_test(padding_is_zero_after_the_load),
        cmocka_unit_test(backward_data_gives_each_input_what_it_took_part_in),
        cmocka_unit_test(backward_weights_correlates_input_and_gradient),
        cmocka_unit_test(the_blocked_layout_puts_sixteen_channels_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
