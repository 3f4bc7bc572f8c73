/* test_op_integer.c - MatMulInteger, QLinearMatMul, ConvInteger and QLinearConv on products worked
 * out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#define N FSN_BATCH
#define ZERO_U8 SCALAR(U8, uint8_t, 0)
#define ZERO_I8 SCALAR(I8, int8_t, 0)
#define ONE SCALAR(F32, float, 1)

/* Less their zero points 10 and -1: [[1 2] [3 4]] and [[1 -1] [2 0]]; the product [[5 -1] [11 -3]].
 */
#define A U8((2, 2), 11, 12, 13, 14)
#define A_ZERO SCALAR(U8, uint8_t, 10)
#define B I8((2, 2), 0, -2, 1, -1)
#define B_ZERO SCALAR(I8, int8_t, -1)

/* ---- matrices ----------------------------------------------------------------------------------
 */

static void integer_product_takes_zero_points_off(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"MatMulInteger", IN(A, B, A_ZERO, B_ZERO)},
              I32((2, 2), 5, -1, 11, -3));
    /* [[11 12] [13 14]] [[0 -2] [1 -1]] */
    op_expect(&(struct op_call){"MatMulInteger", IN(A, B)}, I32((2, 2), 12, -34, 14, -40));
    op_expect(&(struct op_call){"MatMulInteger", IN(A, B, ABSENT, B_ZERO)},
              I32((2, 2), 35, -11, 41, -13));
    op_expect(&(struct op_call){"MatMulInteger", IN(SHAPE(U8, (N, 3)), SHAPE(I8, (3, 5)))},
              SHAPE(I32, (N, 5)));
}

static void zero_points_may_differ_by_row_and_column(void **state)
{
    const struct fsn__tensor rows = U8((2), 10, 12), columns = I8((2), -1, 0);
    const struct fsn__tensor y = I32((2, 2), 5, -4, 5, -4);

    (void)state;
    /* [[1 2] [1 2]] [[1 -2] [2 -1]] */
    op_expect(&(struct op_call){"MatMulInteger", IN(A, B, rows, columns)}, y);
    op_expect(&(struct op_call){"MatMulInteger", IN(A, B, U8((2, 1), 10, 12), I8((1, 2), -1, 0))},
              y);
}

static void a_long_sum_is_exact(void **state)
{
    enum { K = 100003 }; /* past 2^24 in float32, past 2^31 in int32 */
    static uint8_t a[K], b[K];
    const struct fsn__tensor row = {.dtype = FSN__U8, .ndim = 1, .dim = {K}, .data = a};
    const struct fsn__tensor column = {.dtype = FSN__U8, .ndim = 2, .dim = {K, 1}, .data = b};

    (void)state;
    for (int i = 0; i < K; i++)
        a[i] = b[i] = i < 300 ? 255 : 1;
    /* 300 * 255^2 + 99703 = 19607203, an odd number past 2^24 */
    op_expect(&(struct op_call){"MatMulInteger", IN(row, column)}, I32((1), 19607203));
    for (int i = 0; i < K; i++)
        a[i] = b[i] = 255;
    /* 100003 * 65025 = 6502695075 = 2207727779 + 2^32, and that is -2087239517 + 2^32 */
    op_expect(&(struct op_call){"MatMulInteger", IN(row, column)}, I32((1), -2087239517));
}

static void integer_product_broadcasts_leading_axes(void **state)
{
    const struct fsn__tensor a = U8((2, 1, 2), 1, 2, 3, 4), b = U8((2, 1), 10, 1);

    (void)state;
    op_expect(&(struct op_call){"MatMulInteger", IN(a, b)}, I32((2, 1, 1), 12, 34));
    op_expect(&(struct op_call){"MatMulInteger", IN(b, a)},
              I32((2, 2, 2), 10, 20, 1, 2, 30, 40, 3, 4));
    /* a vector has no axis to drop parameters along: y is [2] */
    op_expect(&(struct op_call){"MatMulInteger", IN(A, U8((2), 1, 10), U8((2), 10, 12))},
              I32((2), 21, 21));
}

static void quantised_product_rounds_half_to_even_and_saturates(void **state)
{
    const struct fsn__tensor half = SCALAR(F32, float, 0.5f), low = SCALAR(F32, float, 0.01f);
    const struct fsn__tensor y_zero = U8((1), 3);

    (void)state;
    /* [[5 -1] [11 -3]] / 2 = [[2.5 -0.5] [5.5 -1.5]] */
    op_expect(&(struct op_call){"QLinearMatMul", IN(A, half, A_ZERO, B, ONE, B_ZERO, ONE, y_zero)},
              U8((2, 2), 5, 3, 9, 1));
    op_expect(&(struct op_call){"QLinearMatMul", IN(A, ONE, A_ZERO, B, ONE, B_ZERO, low, y_zero)},
              U8((2, 2), 255, 0, 255, 0));
    op_expect(&(struct op_call){"QLinearMatMul", IN(A, ONE, A_ZERO, B, ONE, B_ZERO, low, ZERO_I8)},
              I8((2, 2), 127, -100, 127, -128));
}

static void scales_may_differ_by_row_and_column(void **state)
{
    const struct fsn__tensor rows = F32((2), 1, 2), columns = F32((2), 1, 10);

    (void)state;
    op_expect(
        &(struct op_call){"QLinearMatMul", IN(A, rows, A_ZERO, B, columns, B_ZERO, ONE, ZERO_I8)},
        I8((2, 2), 5, -10, 22, -60));
    op_expect(&(struct op_call){"QLinearMatMul",
                                IN(A, rows, A_ZERO, U8((2), 1, 1), ONE, ZERO_U8, ONE, ZERO_U8)},
              U8((2), 3, 14));
}

static void product_refuses_what_it_cannot_take(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"MatMulInteger", IN(F32((1, 1), 1), B)}, FSN_UNSUPPORTED,
              "MatMulInteger 'node': its left operand is float32, expected int8 or uint8");
    op_refuse(&(struct op_call){"MatMulInteger", IN(A, I16((2, 1), 1, 1))}, FSN_UNSUPPORTED,
              "its right operand is int16");
    op_refuse(&(struct op_call){"MatMulInteger", IN(A, B, ZERO_I8)}, FSN_SHAPE,
              "its zero point of the left operand is int8, expected uint8");
    op_refuse(&(struct op_call){"MatMulInteger", IN(A, B, U8((3), 1, 1, 1))}, FSN_SHAPE,
              "its zero point of the left operand has shape [3], expected one element or one for "
              "each index of axis 0 of [2,2]");
    op_refuse(&(struct op_call){"MatMulInteger", IN(A, B, U8((1, 2), 1, 1))}, FSN_SHAPE,
              "has shape [1,2]");
    op_refuse(&(struct op_call){"MatMulInteger", IN(A, U8((3, 1), 1, 1, 1))}, FSN_SHAPE,
              "do not fit together");
    op_refuse(&(struct op_call){"QLinearMatMul",
                                IN(A, ONE, A_ZERO, B, ONE, B_ZERO, F32((2), 1, 1), ZERO_U8)},
              FSN_SHAPE, "its y_scale has shape [2], expected one element");
    op_refuse(&(struct op_call){"QLinearMatMul",
                                IN(A, ONE, A_ZERO, B, ONE, B_ZERO, ONE, SCALAR(I32, int32_t, 0))},
              FSN_UNSUPPORTED, "its output would be int32, expected int8 or uint8");
    op_refuse(&(struct op_call){"QLinearMatMul", IN(A, SCALAR(F64, double, 1), A_ZERO, B, ONE,
                                                    B_ZERO, ONE, ZERO_U8)},
              FSN_SHAPE, "its scale of the left operand is float64, expected float32");
}

/* ---- convolutions ------------------------------------------------------------------------------
 */

/* Less its zero point 1: [[1 2 3] [4 5 6] [7 8 9]] */
#define X U8((1, 1, 3, 3), 2, 3, 4, 5, 6, 7, 8, 9, 10)
#define X_ZERO SCALAR(U8, uint8_t, 1)
#define ONES U8((1, 1, 2, 2), 1, 1, 1, 1)

static void integer_convolution_pads_with_the_zero_point(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"ConvInteger", IN(X, ONES, X_ZERO)},
              I32((1, 1, 2, 2), 12, 16, 24, 28));
    op_expect(
        &(struct op_call){"ConvInteger", IN(X, ONES, X_ZERO), ATTRS(ATTR_INTS("pads", 1, 1, 0, 0))},
        I32((1, 1, 3, 3), 1, 3, 5, 5, 12, 16, 11, 24, 28));
    op_expect(
        &(struct op_call){"ConvInteger", IN(X, ONES, X_ZERO), ATTRS(ATTR_INTS("dilations", 2, 2))},
        I32((1, 1, 1, 1), 20));
}

static void filters_may_have_a_zero_point_each(void **state)
{
    /* less 1 and -1: the first filter sums the corners of the diagonal, the second is 2 throughout
     */
    const struct fsn__tensor w = I8((2, 1, 2, 2), 2, 1, 1, 2, 1, 1, 1, 1);

    (void)state;
    op_expect(&(struct op_call){"ConvInteger", IN(X, w, X_ZERO, I8((2), 1, -1))},
              I32((1, 2, 2, 2), 6, 8, 12, 14, 24, 32, 48, 56));
}

static void integer_convolution_goes_by_groups_and_images(void **state)
{
    const struct fsn__tensor x = U8((2, 2, 1, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    const struct fsn__tensor w = I8((2, 1, 1, 1), 10, -1);
    const struct fsn__tensor y = I32((2, 2, 1, 2), 10, 20, -3, -4, 50, 60, -7, -8);

    (void)state;
    op_expect(&(struct op_call){"ConvInteger", IN(x, w), ATTRS(ATTR_I("group", 2))}, y);
    op_expect(
        &(struct op_call){"ConvInteger", IN(SHAPE(U8, (N, 2, 1, 2)), w), ATTRS(ATTR_I("group", 2))},
        SHAPE(I32, (N, 2, 1, 2)));
}

static void quantised_convolution_adds_the_bias_before_it_scales(void **state)
{
    const struct fsn__tensor w = I8((2, 1, 2, 2), 1, 1, 1, 1, 1, 0, 0, 0);
    const struct fsn__tensor scales = F32((2), 0.25f, 1), zeros = I8((2), 0, 0);
    const struct fsn__tensor half = SCALAR(F32, float, 0.5f), y_zero = SCALAR(U8, uint8_t, 5);

    (void)state;
    /* ([12 16 24 28] + 2) * 0.25 = [3.5 4.5 6.5 7.5], ([1 2 4 5] - 4) * 1 = [-3 -2 0 1] */
    op_expect(&(struct op_call){"QLinearConv", IN(X, half, X_ZERO, w, scales, zeros, half, y_zero,
                                                  I32((2), 2, -4))},
              U8((1, 2, 2, 2), 9, 9, 11, 13, 2, 3, 5, 6));
    op_expect(&(struct op_call){"QLinearConv", IN(X, half, X_ZERO, w, scales, zeros, half, y_zero)},
              U8((1, 2, 2, 2), 8, 9, 11, 12, 6, 7, 9, 10));
}

static void convolution_refuses_what_it_cannot_take(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"ConvInteger", IN(X, F32((1, 1, 1, 1), 1))}, FSN_UNSUPPORTED,
              "ConvInteger 'node': its right operand is float32, expected int8 or uint8");
    op_refuse(&(struct op_call){"ConvInteger", IN(X, ONES, U8((3), 1, 1, 1))}, FSN_SHAPE,
              "its zero point of the left operand has shape [3], expected one element");
    op_refuse(&(struct op_call){"ConvInteger", IN(X, ONES, X_ZERO, U8((1, 1, 2), 1, 1))}, FSN_SHAPE,
              "its zero point of the right operand has shape [1,1,2]");
    op_refuse(&(struct op_call){"ConvInteger", IN(X, U8((1, 2, 1, 1), 1, 1))}, FSN_SHAPE,
              "weight has 2 input channels, input has 1");
    op_refuse(&(struct op_call){"ConvInteger", IN(U8((2), 1, 1), U8((2), 1, 1))}, FSN_SHAPE,
              "its input has shape [2]");
    op_refuse(&(struct op_call){"QLinearConv", IN(X, ONE, X_ZERO, ONES, ONE, ZERO_U8, ONE, ZERO_U8,
                                                  I32((2), 1, 1))},
              FSN_SHAPE, "its bias is int32 [2], expected int32 [1]");
    op_refuse(&(struct op_call){"QLinearConv",
                                IN(X, ONE, X_ZERO, ONES, ONE, ZERO_U8, ONE, ZERO_U8, F32((1), 1))},
              FSN_SHAPE, "its bias is float32 [1], expected int32 [1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_product_takes_zero_points_off),
        cmocka_unit_test(zero_points_may_differ_by_row_and_column),
        cmocka_unit_test(a_long_sum_is_exact),
        cmocka_unit_test(integer_product_broadcasts_leading_axes),
        cmocka_unit_test(quantised_product_rounds_half_to_even_and_saturates),
        cmocka_unit_test(scales_may_differ_by_row_and_column),
        cmocka_unit_test(product_refuses_what_it_cannot_take),
        cmocka_unit_test(integer_convolution_pads_with_the_zero_point),
        cmocka_unit_test(filters_may_have_a_zero_point_each),
        cmocka_unit_test(integer_convolution_goes_by_groups_and_images),
        cmocka_unit_test(quantised_convolution_adds_the_bias_before_it_scales),
        cmocka_unit_test(convolution_refuses_what_it_cannot_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
