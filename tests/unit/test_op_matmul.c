/* test_op_matmul.c - Gemm and MatMul on products worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#define N FSN_BATCH

/* A B = [[9 12 15 18] [19 26 33 40] [29 40 51 62]] */
#define A F32((3, 2), 1, 2, 3, 4, 5, 6)
#define A_T F32((2, 3), 1, 3, 5, 2, 4, 6)
#define B F32((2, 4), 1, 2, 3, 4, 4, 5, 6, 7)
#define B_T F32((4, 2), 1, 4, 2, 5, 3, 6, 4, 7)
#define AB F32((3, 4), 9, 12, 15, 18, 19, 26, 33, 40, 29, 40, 51, 62)

/* ---- Gemm --------------------------------------------------------------------------------------
 */

static void gemm_transposes_either_side(void **state)
{
    const struct fsn__attr ta = ATTR_I("transA", 1), tb = ATTR_I("transB", 1);

    (void)state;
    op_expect(&(struct op_call){"Gemm", IN(A, B)}, AB);
    op_expect(&(struct op_call){"Gemm", IN(A_T, B), ATTRS(ta)}, AB);
    op_expect(&(struct op_call){"Gemm", IN(A, B_T), ATTRS(tb)}, AB);
    op_expect(&(struct op_call){"Gemm", IN(A_T, B_T), ATTRS(ta, tb)}, AB);
}

static void gemm_scales_product_and_bias(void **state)
{
    const struct fsn__tensor c = F32((4), 100, 200, 300, 400);

    (void)state;
    op_expect(
        &(struct op_call){"Gemm", IN(A, B, c), ATTRS(ATTR_F("alpha", 2), ATTR_F("beta", -0.5f))},
        F32((3, 4), -32, -76, -120, -164, -12, -48, -84, -120, 8, -20, -48, -76));
    op_expect(&(struct op_call){"Gemm", IN(A, B, c), ATTRS(ATTR_F("beta", 0))}, AB);
    op_expect(&(struct op_call){"Gemm", IN(A, B, ABSENT)}, AB);
}

static void gemm_broadcasts_the_bias(void **state)
{
    const struct fsn__tensor more = F32((3, 4), 19, 22, 25, 28, 29, 36, 43, 50, 39, 50, 61, 72);

    (void)state;
    op_expect(&(struct op_call){"Gemm", IN(A, B, SCALAR(F32, float, 10))}, more);
    op_expect(&(struct op_call){"Gemm", IN(A, B, F32((1), 10))}, more);
    op_expect(&(struct op_call){"Gemm", IN(A, B, F32((3, 1), 1, 2, 3))},
              F32((3, 4), 10, 13, 16, 19, 21, 28, 35, 42, 32, 43, 54, 65));
    op_expect(&(struct op_call){"Gemm", IN(A, B, AB)},
              F32((3, 4), 18, 24, 30, 36, 38, 52, 66, 80, 58, 80, 102, 124));
}

/* A row of ones picks the column sums; 70 x 300 is more than one tile either way. */
static void gemm_of_several_tiles_is_one_product(void **state)
{
    enum { M = 70, K = 3, COLUMNS = 300 };
    static float a[M * K], b[K * COLUMNS], y[M * COLUMNS];
    const struct fsn__tensor ta = {.ndim = 2, .dim = {M, K}, .data = a};
    const struct fsn__tensor tb = {.ndim = 2, .dim = {K, COLUMNS}, .data = b};
    const struct fsn__tensor ty = {.ndim = 2, .dim = {M, COLUMNS}, .data = y};

    (void)state;
    for (int i = 0; i < M; i++)
        for (int k = 0; k < K; k++)
            a[i * K + k] = (float)(i + k);
    for (int k = 0; k < K; k++)
        for (int j = 0; j < COLUMNS; j++)
            b[k * COLUMNS + j] = (float)(j - k);
    /* sum over k of (i + k)(j - k) = 3 i j + 3 j - 3 i - 5 */
    for (int i = 0; i < M; i++)
        for (int j = 0; j < COLUMNS; j++)
            y[i * COLUMNS + j] = (float)(3 * i * j + 3 * j - 3 * i - 5);
    op_expect(&(struct op_call){"Gemm", IN(ta, tb)}, ty);
    op_expect(&(struct op_call){"MatMul", IN(ta, tb)}, ty);
}

static void gemm_keeps_a_symbolic_batch_in_front(void **state)
{
    const struct fsn__attr ta = ATTR_I("transA", 1), tb = ATTR_I("transB", 1);
    const struct fsn__tensor x = SHAPE(F32, (N, 64)), w = SHAPE(F32, (10, 64));

    (void)state;
    op_expect(&(struct op_call){"Gemm", IN(x, w, SHAPE(F32, (10))), ATTRS(tb)},
              SHAPE(F32, (N, 10)));
    op_refuse(&(struct op_call){"Gemm", IN(x, SHAPE(F32, (N, 5))), ATTRS(ta)}, FSN_UNSUPPORTED,
              "Gemm 'node': would lose the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Gemm", IN(w, x), ATTRS(tb)}, FSN_UNSUPPORTED,
              "moves the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Gemm", IN(x, w, SHAPE(F32, (7, 10))), ATTRS(tb)}, FSN_SHAPE,
              "bias has shape [7,10], which does not broadcast to the output's [N,10]");
}

static void gemm_refuses_what_does_not_fit(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"Gemm", IN(A, B_T)}, FSN_SHAPE,
              "Gemm 'node': A of shape [3,2] and B of shape [4,2] do not fit together");
    op_refuse(&(struct op_call){"Gemm", IN(A, B), ATTRS(ATTR_I("transA", 1))}, FSN_SHAPE,
              "A of shape [3,2] (transposed) and B of shape [2,4] do not fit together");
    op_refuse(&(struct op_call){"Gemm", IN(SHAPE(F32, (1, 3, 2)), B)}, FSN_SHAPE,
              "expected two matrices, got shapes [1,3,2] and [2,4]");
    op_refuse(&(struct op_call){"Gemm", IN(A, B, SHAPE(F32, (3)))}, FSN_SHAPE,
              "bias has shape [3], which does not broadcast to the output's [3,4]");
    op_refuse(&(struct op_call){"Gemm", IN(A, B, SHAPE(F32, (1, 3, 4)))}, FSN_SHAPE,
              "bias has shape [1,3,4]");
    op_refuse(&(struct op_call){"Gemm", IN(A, SHAPE(F64, (2, 4)))}, FSN_UNSUPPORTED,
              "its input B is float64, only float32 is supported");
    op_refuse(&(struct op_call){"Gemm", IN(SHAPE(F32, (INT64_C(1) << 31, 2)), B)}, FSN_LIMIT,
              "are too large");
}

/* ---- MatMul ------------------------------------------------------------------------------------
 */

static void matmul_takes_vectors_as_row_and_column(void **state)
{
    const struct fsn__tensor v = F32((2), 1, 10);

    (void)state;
    op_expect(&(struct op_call){"MatMul", IN(A, B)}, AB);
    op_expect(&(struct op_call){"MatMul", IN(v, v)}, SCALAR(F32, float, 101));
    op_expect(&(struct op_call){"MatMul", IN(v, B)}, F32((4), 41, 52, 63, 74));
    op_expect(&(struct op_call){"MatMul", IN(A, v)}, F32((3), 21, 43, 65));
    op_expect(&(struct op_call){"MatMul", IN(F32((2, 1, 2), 1, 2, 3, 4), v)}, F32((2, 1), 21, 43));
}

static void matmul_broadcasts_the_leading_axes(void **state)
{
    const struct fsn__tensor rows = F32((2, 1, 1, 2), 1, 0, 0, 1);
    const struct fsn__tensor squares = F32((3, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);

    (void)state; /* (1 0) takes the first row of each square, (0 1) the second */
    op_expect(&(struct op_call){"MatMul", IN(rows, squares)},
              F32((2, 3, 1, 2), 1, 2, 5, 6, 9, 10, 3, 4, 7, 8, 11, 12));
    op_expect(&(struct op_call){"MatMul", IN(F32((2), 1, 10), squares)},
              F32((3, 2), 31, 42, 75, 86, 119, 130));
    op_expect(&(struct op_call){"MatMul", IN(F32((1, 1, 2), 1, 10), F32((2, 2), 1, 2, 3, 4))},
              F32((1, 1, 2), 31, 42));
}

/* More digits than float32 or float64 have; what does not fit wraps, as numpy's does. */
static void matmul_of_integers_is_exact(void **state)
{
    const int64_t large = INT64_C(1) << 55;

    (void)state;
    op_expect(&(struct op_call){"MatMul", IN(I64((2, 2), large, 1, -2, 3), I64((2), 3, 1))},
              I64((2), 3 * large + 1, -3));
    op_expect(&(struct op_call){"MatMul", IN(I32((2, 1, 2), 16777217, 2, 65536, 1),
                                             I32((2, 2), 1, 65536, 0, -5))},
              I32((2, 1, 2), 16777217, 65536 - 10, 65536, -5));
    op_expect(&(struct op_call){"MatMul", IN(U32((1, 1), 3000000000), U32((1, 1), 2))},
              U32((1, 1), 1705032704));
    op_expect(&(struct op_call){"MatMul", IN(U64((1), UINT64_MAX), U64((1), 1))},
              SCALAR(U64, uint64_t, UINT64_MAX));
    op_expect(&(struct op_call){"MatMul", IN(EMPTY(I64, (2, 0)), EMPTY(I64, (0, 1)))},
              I64((2, 1), 0, 0));
}

static void matmul_over_nothing_is_zero(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"MatMul", IN(EMPTY(F32, (2, 0)), EMPTY(F32, (0, 3)))},
              F32((2, 3), 0, 0, 0, 0, 0, 0));
    op_expect(&(struct op_call){"MatMul", IN(EMPTY(F32, (0, 2)), B)}, EMPTY(F32, (0, 4)));
}

static void matmul_keeps_a_symbolic_batch_in_front(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"MatMul", IN(SHAPE(F32, (N, 64)), SHAPE(F32, (64, 10)))},
              SHAPE(F32, (N, 10)));
    op_expect(&(struct op_call){"MatMul", IN(SHAPE(F32, (N, 3, 64)), SHAPE(F32, (N, 64, 10)))},
              SHAPE(F32, (N, 3, 10)));
    op_refuse(&(struct op_call){"MatMul", IN(SHAPE(F32, (N, 64)), SHAPE(F32, (5, 64, 10)))},
              FSN_UNSUPPORTED, "MatMul 'node': moves the batch axis, which is not supported");
    op_refuse(&(struct op_call){"MatMul", IN(SHAPE(F32, (N)), SHAPE(F32, (N)))}, FSN_UNSUPPORTED,
              "would lose the batch axis");
}

static void matmul_refuses_what_does_not_fit(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"MatMul", IN(A, A)}, FSN_SHAPE,
              "MatMul 'node': A of shape [3,2] and B of shape [3,2] do not fit together");
    op_refuse(&(struct op_call){"MatMul", IN(SHAPE(F32, (2, 3, 2)), SHAPE(F32, (3, 2, 4)))},
              FSN_SHAPE, "A of shape [2,3,2] and B of shape [3,2,4] do not fit together");
    op_refuse(&(struct op_call){"MatMul", IN(SCALAR(F32, float, 2), A)}, FSN_SHAPE,
              "it does not take scalars: shapes [] and [3,2]");
    op_refuse(&(struct op_call){"MatMul", IN(SHAPE(I16, (3, 2)), B)}, FSN_UNSUPPORTED,
              "its input A is int16, only float32 is supported");
    op_refuse(&(struct op_call){"MatMul", IN(SHAPE(I32, (3, 2)), B)}, FSN_SHAPE,
              "inputs are int32 and float32, expected one type for all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_transposes_either_side),
        cmocka_unit_test(gemm_scales_product_and_bias),
        cmocka_unit_test(gemm_broadcasts_the_bias),
        cmocka_unit_test(gemm_of_several_tiles_is_one_product),
        cmocka_unit_test(gemm_keeps_a_symbolic_batch_in_front),
        cmocka_unit_test(gemm_refuses_what_does_not_fit),
        cmocka_unit_test(matmul_takes_vectors_as_row_and_column),
        cmocka_unit_test(matmul_broadcasts_the_leading_axes),
        cmocka_unit_test(matmul_of_integers_is_exact),
        cmocka_unit_test(matmul_over_nothing_is_zero),
        cmocka_unit_test(matmul_keeps_a_symbolic_batch_in_front),
        cmocka_unit_test(matmul_refuses_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
