/* test_op_reduce.c - reductions, CumSum, ArgMax and ArgMin, LogSoftmax and Hardmax: values by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>
#include <stdlib.h>

#define N FSN_BATCH
#define KEEP_NONE ATTRS(ATTR_I("keepdims", 0))

/* ---- reductions ------------------------------------------------------------------------------ */

static const struct {
    const char *op;
    float row[2];     /* of {3, -4} and {0, 2} */
    float nothing;    /* of no elements */
    int64_t whole[2]; /* of the integers {3, -4} and {1, 2} */
} rows[] = {
    {"ReduceSum", {-1, 2}, 0, {-1, 3}},
    {"ReduceMean", {-0.5f, 1}, NAN, {0, 1}},
    {"ReduceL1", {7, 2}, 0, {7, 3}},
    {"ReduceL2", {5, 2}, 0, {5, 2}},
    {"ReduceSumSquare", {25, 4}, 0, {25, 5}},
    {"ReduceProd", {-12, 0}, 1, {-12, 2}},
    {"ReduceMax", {3, 2}, -INFINITY, {3, 2}},
    {"ReduceMin", {-4, 0}, INFINITY, {-4, 1}},
    {"ReduceLogSum", {NAN, 0.693147181f}, -INFINITY, {0, 1}},
    {"ReduceLogSumExp", {3.000911466f, 2.126928011f}, -INFINITY, {3, 2}},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void each_reduction_of_a_row(void **state)
{
    const struct fsn__tensor x = F32((2, 2), 3, -4, 0, 2), axis = I64((1), 1);
    const struct fsn__tensor transposed = F32((2, 2), 3, 0, -4, 2), first = I64((1), -2);

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const float *y = rows[i].row;

        op_expect(&(struct op_call){rows[i].op, IN(x, axis)}, F32((2, 1), y[0], y[1]));
        op_expect(&(struct op_call){rows[i].op, IN(transposed, first), KEEP_NONE},
                  F32((2), y[0], y[1]));
        op_expect(&(struct op_call){rows[i].op, IN(F64((2, 2), 3, -4, 0, 2), axis)},
                  SHAPE(F64, (2, 1)));
    }
}

static void each_reduction_of_integers(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const int64_t *y = rows[i].whole;

        if (i != 8) /* the sum of the first row has no logarithm */
            op_expect(
                &(struct op_call){rows[i].op, IN(I64((2, 2), 3, -4, 1, 2), I64((1), 1)), KEEP_NONE},
                I64((2), y[0], y[1]));
        op_expect(&(struct op_call){rows[i].op, IN(I32((1, 2), 1, 2), I64((1), 1)), KEEP_NONE},
                  I32((1), (int32_t)y[1]));
        op_expect(&(struct op_call){rows[i].op, IN(U8((1, 2), 1, 2), I64((1), 1)), KEEP_NONE},
                  U8((1), (uint8_t)y[1]));
    }
}

static void a_reduction_of_no_elements(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++)
        op_expect(&(struct op_call){rows[i].op, IN(EMPTY(F32, (2, 0)), I64((1), 1))},
                  F32((2, 1), rows[i].nothing, rows[i].nothing));
    op_expect(&(struct op_call){"ReduceMax", IN(EMPTY(I8, (0))), KEEP_NONE},
              SCALAR(I8, int8_t, -128));
    op_expect(&(struct op_call){"ReduceMin", IN(EMPTY(I64, (0))), KEEP_NONE},
              SCALAR(I64, int64_t, INT64_MAX));
    op_expect(&(struct op_call){"ReduceMin", IN(EMPTY(U16, (0))), KEEP_NONE},
              SCALAR(U16, uint16_t, UINT16_MAX));
    op_expect(&(struct op_call){"ReduceMin", IN(EMPTY(BOOL, (0))), KEEP_NONE},
              SCALAR(BOOL, uint8_t, 1));
    op_expect(&(struct op_call){"ReduceSum", IN(EMPTY(F32, (0, 3)), I64((1), 1))},
              EMPTY(F32, (0, 1)));
}

static void all_axes_are_reduced_or_none(void **state)
{
    const struct fsn__tensor x = F32((2, 1, 2), 1, -2, 3, 4), none = EMPTY(I64, (0));

    (void)state;
    op_expect(&(struct op_call){"ReduceSum", IN(x)}, F32((1, 1, 1), 6));
    op_expect(&(struct op_call){"ReduceSum", IN(x, none), KEEP_NONE}, SCALAR(F32, float, 6));
    op_expect(&(struct op_call){"ReduceMean", IN(SCALAR(F32, float, 7))}, SCALAR(F32, float, 7));
    op_expect(&(struct op_call){"ReduceSum", IN(x, none), ATTRS(ATTR_I("noop_with_empty_axes", 1))},
              x);
    op_expect(&(struct op_call){"ReduceSumSquare", IN(x), ATTRS(ATTR_I("noop_with_empty_axes", 1))},
              F32((2, 1, 2), 1, 4, 9, 16));
    op_expect(&(struct op_call){"ReduceL2", IN(x), ATTRS(ATTR_I("noop_with_empty_axes", 1))},
              F32((2, 1, 2), 1, 2, 3, 4));
    op_expect(&(struct op_call){"ReduceMax", IN(x, I64((2), -1, 0)), KEEP_NONE}, F32((1), 4));
}

static void extremes_of_truth_values_and_of_not_a_number(void **state)
{
    const struct fsn__tensor x = BOOL((2, 2), 1, 0, 0, 0), axis = I64((1), 1);

    (void)state;
    op_expect(&(struct op_call){"ReduceMax", IN(x, axis), KEEP_NONE}, BOOL((2), 1, 0));
    op_expect(&(struct op_call){"ReduceMin", IN(x, axis), KEEP_NONE}, BOOL((2), 0, 0));
    op_expect(&(struct op_call){"ReduceMax", IN(F32((3), 1, NAN, 5))}, F32((1), NAN));
    op_expect(&(struct op_call){"ReduceMin", IN(F32((3), NAN, 1, 5))}, F32((1), NAN));
    op_expect(&(struct op_call){"ReduceMax", IN(U64((2), UINT64_MAX, 1))}, U64((1), UINT64_MAX));
}

static void exponentials_do_not_overflow(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"ReduceLogSumExp", IN(F32((2), 1000, 1000))},
              F32((1), 1000.693147f));
    op_expect(&(struct op_call){"ReduceLogSumExp", IN(F32((2), -INFINITY, -INFINITY))},
              F32((1), -INFINITY));
    op_expect(&(struct op_call){"ReduceLogSumExp", IN(F32((2), INFINITY, 0))}, F32((1), INFINITY));
}

static void integers_wrap_around(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"ReduceSum", IN(I32((2), INT32_MAX, 1))}, I32((1), INT32_MIN));
    op_expect(&(struct op_call){"ReduceSum", IN(U8((2), 200, 100))}, U8((1), 44));
}

/* Large enough that the threads share it; sums of a million small floats stay exact in double. */
static void large_tensors_are_shared_by_the_threads(void **state)
{
    enum { A = 7, B = 300, C = 401 };
    float *x = malloc(sizeof *x * A * B * C), *rows_sum = calloc(A * B, sizeof *rows_sum);
    float *middle = calloc(A * C, sizeof *middle);
    struct fsn__tensor in = SHAPE(F32, (A, B, C)), last = SHAPE(F32, (A, B)),
                       mid = SHAPE(F32, (A, C));

    (void)state;
    assert_true(x && rows_sum && middle);
    for (int i = 0; i < A * B * C; i++) {
        x[i] = (float)(i % 13 - 5);
        rows_sum[i / C] += x[i];
        middle[i / (B * C) * C + i % C] += x[i];
    }
    in.data = x;
    last.data = rows_sum;
    mid.data = middle;
    op_expect(&(struct op_call){"ReduceSum", IN(in, I64((1), 2)), KEEP_NONE}, last);
    op_expect(&(struct op_call){"ReduceSum", IN(in, I64((1), 1)), KEEP_NONE}, mid);
    free(x);
    free(rows_sum);
    free(middle);
}

static void reductions_refuse_the_batch_and_wrong_axes(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 4, 4));

    (void)state;
    op_expect(&(struct op_call){"ReduceMean", IN(x, I64((2), 2, 3))}, SHAPE(F32, (N, 3, 1, 1)));
    op_expect(&(struct op_call){"ReduceMean", IN(x, I64((2), -1, -2)), KEEP_NONE},
              SHAPE(F32, (N, 3)));
    op_refuse(&(struct op_call){"ReduceMean", IN(x)}, FSN_UNSUPPORTED,
              "ReduceMean 'node': would lose the batch axis, which is not supported");
    op_refuse(&(struct op_call){"ReduceSum", IN(x, I64((1), 4))}, FSN_SHAPE,
              "ReduceSum 'node': axis 4 is outside a tensor of 4 dimensions");
    op_refuse(&(struct op_call){"ReduceSum", IN(x, I64((2), 1, -3))}, FSN_SHAPE,
              "axis 1 is named twice");
    op_refuse(&(struct op_call){"ReduceSum", IN(x, SHAPE(I64, (1)))}, FSN_UNSUPPORTED,
              "its axes input must be constant");
    op_refuse(&(struct op_call){"ReduceSum", IN(BOOL((1), 1))}, FSN_UNSUPPORTED,
              "its input is bool, which it does not take");
    op_refuse(&(struct op_call){"ReduceProd", IN(I64((2), N, 3))}, FSN_UNSUPPORTED,
              "computes with the batch size, which is not fixed");
}

/* ---- ArgMax, ArgMin -------------------------------------------------------------------------- */

static void places_of_extremes(void **state)
{
    const struct fsn__tensor x = F32((2, 3), 2, 7, 7, 1, 0, 0);

    (void)state;
    op_expect(&(struct op_call){"ArgMax", IN(x)}, I64((1, 3), 0, 0, 0));
    op_expect(&(struct op_call){"ArgMax", IN(x), ATTRS(ATTR_I("axis", -1), ATTR_I("keepdims", 0))},
              I64((2), 1, 0));
    op_expect(&(struct op_call){"ArgMax", IN(x),
                                ATTRS(ATTR_I("axis", 1), ATTR_I("select_last_index", 1))},
              I64((2, 1), 2, 0));
    op_expect(&(struct op_call){"ArgMin", IN(x), ATTRS(ATTR_I("axis", 1))}, I64((2, 1), 0, 1));
    op_expect(&(struct op_call){"ArgMin", IN(x),
                                ATTRS(ATTR_I("axis", 1), ATTR_I("select_last_index", 1))},
              I64((2, 1), 0, 2));
    op_expect(&(struct op_call){"ArgMax", IN(U64((2), 3, UINT64_MAX))}, I64((1), 1));
    op_expect(&(struct op_call){"ArgMin", IN(I8((3), 3, -128, 4))}, I64((1), 1));
    op_expect(&(struct op_call){"ArgMax", IN(F32((4), 1, NAN, 9, NAN))}, I64((1), 1));
    op_expect(&(struct op_call){"ArgMin", IN(F32((4), 1, NAN, -9, NAN))}, I64((1), 1));
    op_expect(&(struct op_call){"ArgMax", IN(SHAPE(F32, (N, 10))), ATTRS(ATTR_I("axis", 1))},
              SHAPE(I64, (N, 1)));
    op_refuse(&(struct op_call){"ArgMax", IN(SHAPE(F32, (N, 10)))}, FSN_UNSUPPORTED,
              "ArgMax 'node': would lose the batch axis, which is not supported");
    op_refuse(&(struct op_call){"ArgMin", IN(EMPTY(F32, (2, 0))), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "ArgMin 'node': its input [2,0] has no elements along axis 1");
    op_refuse(&(struct op_call){"ArgMax", IN(SCALAR(F32, float, 1))}, FSN_SHAPE,
              "axis 0 is outside a tensor of 0 dimensions");
}

/* ---- the other two of Softmax's family ------------------------------------------------------- */

static void logarithms_of_shares(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"LogSoftmax", IN(F32((1, 3), 1, 2, 3))},
              F32((1, 3), -2.407605964f, -1.407605964f, -0.407605964f));
    op_expect(&(struct op_call){"LogSoftmax", IN(F32((3, 1), 1001, 1002, 1003)),
                                ATTRS(ATTR_I("axis", 0))},
              F32((3, 1), -2.407605964f, -1.407605964f, -0.407605964f));
    op_expect(&(struct op_call){"LogSoftmax", IN(F32((1, 2, 2), 5, 5, 5, 5)),
                                ATTRS(ATTR_I("flatten", 1))},
              F32((1, 2, 2), -1.386294361f, -1.386294361f, -1.386294361f, -1.386294361f));
}

static void one_at_the_first_largest_element(void **state)
{
    const struct fsn__tensor x = F32((2, 3), 2, 7, 7, -1, -2, -3);

    (void)state;
    op_expect(&(struct op_call){"Hardmax", IN(x)}, F32((2, 3), 0, 1, 0, 1, 0, 0));
    op_expect(&(struct op_call){"Hardmax", IN(x), ATTRS(ATTR_I("axis", 0))},
              F32((2, 3), 1, 1, 1, 0, 0, 0));
    op_expect(&(struct op_call){"Hardmax", IN(x), ATTRS(ATTR_I("axis", 0), ATTR_I("flatten", 1))},
              F32((2, 3), 0, 1, 0, 0, 0, 0));
    op_expect(&(struct op_call){"Hardmax", IN(F32((2), -INFINITY, -INFINITY))}, F32((2), 1, 0));
    op_expect(&(struct op_call){"Hardmax", IN(EMPTY(F32, (2, 0)))}, EMPTY(F32, (2, 0)));
}

/* The examples of the specification, and integers that wrap around. */
static void cumulative_sums_include_the_element_or_not_from_either_end(void **state)
{
    const struct fsn__tensor x = F32((1, 3), 1, 2, 3), axis = SCALAR(I64, int64_t, 1);

    (void)state;
    op_expect(&(struct op_call){"CumSum", IN(x, axis)}, F32((1, 3), 1, 3, 6));
    op_expect(&(struct op_call){"CumSum", IN(x, axis), ATTRS(ATTR_I("exclusive", 1))},
              F32((1, 3), 0, 1, 3));
    op_expect(&(struct op_call){"CumSum", IN(x, axis), ATTRS(ATTR_I("reverse", 1))},
              F32((1, 3), 6, 5, 3));
    op_expect(&(struct op_call){"CumSum", IN(x, axis),
                                ATTRS(ATTR_I("exclusive", 1), ATTR_I("reverse", 1))},
              F32((1, 3), 5, 3, 0));
    op_expect(&(struct op_call){"CumSum", IN(I8((3, 2), 100, 1, 100, 2, 100, 3), I32((1), -2))},
              I8((3, 2), 100, 1, -56, 3, 44, 6));
    op_expect(&(struct op_call){"CumSum", IN(SHAPE(F32, (N, 3)), axis)}, SHAPE(F32, (N, 3)));
    op_refuse(&(struct op_call){"CumSum", IN(SHAPE(F32, (N, 3)), I32((1), 0))}, FSN_UNSUPPORTED,
              "CumSum 'node': sums along the batch axis");
    op_refuse(&(struct op_call){"CumSum", IN(x, I64((1), 2))}, FSN_SHAPE, "axis 2");
    op_refuse(&(struct op_call){"CumSum", IN(x, I64((2), 0, 1))}, FSN_SHAPE,
              "its axis is int64 [2], expected one int32 or int64");
    op_refuse(&(struct op_call){"CumSum", IN(x, SHAPE(I64, (1)))}, FSN_UNSUPPORTED,
              "its axis input must be constant");
    op_refuse(&(struct op_call){"CumSum", IN(BOOL((1, 2), 0, 1), axis)}, FSN_UNSUPPORTED,
              "its input is bool, which it does not take");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cumulative_sums_include_the_element_or_not_from_either_end),
        cmocka_unit_test(each_reduction_of_a_row),
        cmocka_unit_test(each_reduction_of_integers),
        cmocka_unit_test(a_reduction_of_no_elements),
        cmocka_unit_test(all_axes_are_reduced_or_none),
        cmocka_unit_test(extremes_of_truth_values_and_of_not_a_number),
        cmocka_unit_test(exponentials_do_not_overflow),
        cmocka_unit_test(integers_wrap_around),
        cmocka_unit_test(large_tensors_are_shared_by_the_threads),
        cmocka_unit_test(reductions_refuse_the_batch_and_wrong_axes),
        cmocka_unit_test(places_of_extremes),
        cmocka_unit_test(logarithms_of_shares),
        cmocka_unit_test(one_at_the_first_largest_element),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
