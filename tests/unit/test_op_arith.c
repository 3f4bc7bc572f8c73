/* test_op_arith.c - Add, Sub, Mul, Div, Mod: values by hand and by ONNX's definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>
#include <stdlib.h>

static void equal_shapes_go_element_by_element(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Add", IN(F32((3), 1, 2, 3), F32((3), 10, 20, 30))},
              F32((3), 11, 22, 33));
    op_expect(&(struct op_call){"Sub", IN(F32((3), 1, 2, 3), F32((3), 10, 20, 30))},
              F32((3), -9, -18, -27));
    op_expect(&(struct op_call){"Mul", IN(F32((3), 1, 2, 3), F32((3), 10, 20, 30))},
              F32((3), 10, 40, 90));
    op_expect(&(struct op_call){"Div", IN(F32((3), 1, 2, 3), F32((3), 4, 5, 8))},
              F32((3), 0.25f, 0.4f, 0.375f));
}

static void a_smaller_input_is_broadcast_over_leading_and_unit_axes(void **state)
{
    struct fsn__tensor x = F32((2, 3), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Add", IN(x, F32((3), 10, 20, 30))},
              F32((2, 3), 11, 22, 33, 14, 25, 36));
    op_expect(&(struct op_call){"Add", IN(F32((2, 1), 10, 20), x)},
              F32((2, 3), 11, 12, 13, 24, 25, 26));
    op_expect(&(struct op_call){"Sub", IN(SCALAR(F32, float, 10), x)},
              F32((2, 3), 9, 8, 7, 6, 5, 4));
    op_expect(&(struct op_call){"Mul", IN(F32((1, 1, 2, 1), 2, 3), x)},
              F32((1, 1, 2, 3), 2, 4, 6, 12, 15, 18));
    op_expect(&(struct op_call){"Sub", IN(F32((3, 1), 1, 2, 3), F32((1, 2), 10, 20))},
              F32((3, 2), -9, -19, -8, -18, -7, -17));
    op_expect(&(struct op_call){"Add", IN(EMPTY(F32, (0, 3)), F32((3), 1, 2, 3))},
              EMPTY(F32, (0, 3)));
}

static void every_numeric_type_computes(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Add", IN(F64((1), 0.1), F64((1), 0.2))}, F64((1), 0.3));
    op_expect(&(struct op_call){"Add", IN(I8((1), 100), I8((1), 27))}, I8((1), 127));
    op_expect(&(struct op_call){"Add", IN(U8((1), 200), U8((1), 55))}, U8((1), 255));
    op_expect(&(struct op_call){"Sub", IN(I16((1), -5), I16((1), 7))}, I16((1), -12));
    op_expect(&(struct op_call){"Mul", IN(U16((1), 255), U16((1), 257))}, U16((1), 65535));
    op_expect(&(struct op_call){"Mul", IN(I32((1), -46341), I32((1), 3))}, I32((1), -139023));
    op_expect(&(struct op_call){"Div", IN(U32((1), 4000000000u), U32((1), 2))},
              U32((1), 2000000000u));
    op_expect(&(struct op_call){"Mul", IN(I64((1), 3037000499), I64((1), -3037000499))},
              I64((1), -INT64_C(9223372030926249001)));
    op_expect(&(struct op_call){"Div", IN(U64((1), UINT64_MAX), U64((1), 3))},
              U64((1), UINT64_MAX / 3));
}

static void integers_wrap_around(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Add", IN(U8((1), 200), U8((1), 100))}, U8((1), 44));
    op_expect(&(struct op_call){"Sub", IN(U8((1), 1), U8((1), 2))}, U8((1), 255));
    op_expect(&(struct op_call){"Add", IN(I32((1), INT32_MAX), I32((1), 1))}, I32((1), INT32_MIN));
    op_expect(&(struct op_call){"Mul", IN(I64((1), INT64_MAX), I64((1), 2))}, I64((1), -2));
    op_expect(&(struct op_call){"Div", IN(I32((1), INT32_MIN), I32((1), -1))}, I32((1), INT32_MIN));
    op_expect(&(struct op_call){"Div", IN(I8((1), -128), I8((1), -1))}, I8((1), -128));
}

static void integer_division_truncates_towards_zero(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Div", IN(I64((4), 7, -7, 7, -7), I64((4), 2, 2, -2, -2))},
              I64((4), 3, -3, -3, 3));
    op_expect(&(struct op_call){"Div", IN(I64((2), 7, -7), I64((1), -1))}, I64((2), -7, 7));
}

/* The example of ONNX's operator page. */
static void mod_takes_the_sign_of_the_divisor(void **state)
{
    (void)state;
    op_expect(
        &(struct op_call){"Mod", IN(I32((6), -4, 7, 5, 4, -7, 8), I32((6), 2, -3, 8, -2, 3, 5))},
        I32((6), 0, -2, 5, 0, 2, 3));
    op_expect(&(struct op_call){"Mod", IN(U8((2), 200, 7), U8((1), 150))}, U8((2), 50, 7));
    op_expect(&(struct op_call){"Mod", IN(I64((1), 9), I64((1), -1))}, I64((1), 0));
}

static void mod_with_fmod_takes_the_sign_of_the_dividend(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Mod",
                                IN(I64((6), -4, 7, 5, 4, -7, 8), I64((6), 2, -3, 8, -2, 3, 5)),
                                ATTRS(ATTR_I("fmod", 1))},
              I64((6), 0, 1, 5, 0, -1, 3));
    op_expect(&(struct op_call){"Mod",
                                IN(F32((3), -4.5f, 7.25f, 5.0f), F32((3), 2.0f, -3.5f, 8.0f)),
                                ATTRS(ATTR_I("fmod", 1))},
              F32((3), -0.5f, 0.25f, 5.0f));
    op_expect(&(struct op_call){"Mod", IN(F64((1), 1), F64((1), 0)), ATTRS(ATTR_I("fmod", 1))},
              F64((1), (double)NAN));
    op_refuse(&(struct op_call){"Mod", IN(F32((1), 1), F32((1), 1))}, FSN_INVALID,
              "Mod 'node': float32 inputs need the attribute fmod = 1");
}

static void a_zero_integer_divisor_is_an_error(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"Div", IN(I64((2), 1, 2), I64((2), 1, 0))}, FSN_INVALID,
              "Div 'node': integer division by zero (divisor element 1)");
    op_refuse(&(struct op_call){"Mod", IN(U8((1), 1), U8((1), 0))}, FSN_INVALID,
              "Mod 'node': integer division by zero (divisor element 0)");
    op_expect(&(struct op_call){"Div", IN(F32((3), 1, -1, 0), F32((1), 0))},
              F32((3), INFINITY, -INFINITY, NAN));
}

static void types_and_shapes_must_fit(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"Add", IN(F32((1), 1), I64((1), 1))}, FSN_SHAPE,
              "Add 'node': inputs are float32 and int64, expected one type for all");
    op_refuse(&(struct op_call){"Mul", IN(BOOL((1), 1), BOOL((1), 1))}, FSN_UNSUPPORTED,
              "Mul 'node': its inputs are bool, which it does not take");
    op_refuse(&(struct op_call){"Sub", IN(SHAPE(F32, (2, 3)), SHAPE(F32, (2, 4)))}, FSN_SHAPE,
              "Sub 'node': shapes [2,3] and [2,4] do not broadcast");
    op_refuse(&(struct op_call){"Add", IN(SHAPE(F32, (INT64_C(1) << 40, 1)),
                                          SHAPE(F32, (1, INT64_C(1) << 40)))},
              FSN_LIMIT, "is too large");
}

static void a_symbolic_batch_passes_in_front_only(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Add", IN(SHAPE(F32, (FSN_BATCH, 3)), SHAPE(F32, (FSN_BATCH, 3)))},
              SHAPE(F32, (FSN_BATCH, 3)));
    op_expect(&(struct op_call){"Add", IN(SHAPE(F32, (3, 1, 1)), SHAPE(F32, (FSN_BATCH, 3, 4, 4)))},
              SHAPE(F32, (FSN_BATCH, 3, 4, 4)));
    op_expect(&(struct op_call){"Mul", IN(SHAPE(F32, (1, 3)), SHAPE(F32, (FSN_BATCH, 1)))},
              SHAPE(F32, (FSN_BATCH, 3)));
    op_refuse(&(struct op_call){"Add", IN(SHAPE(F32, (FSN_BATCH, 3)), SHAPE(F32, (4, 3)))},
              FSN_SHAPE, "shapes [N,3] and [4,3] do not broadcast");
    op_refuse(&(struct op_call){"Add", IN(SHAPE(F32, (FSN_BATCH, 3)), SHAPE(F32, (2, 1, 3)))},
              FSN_UNSUPPORTED, "Add 'node': moves the batch axis, which is not supported");
}

static void computing_with_the_symbolic_batch_size_is_refused(void **state)
{
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Mod"};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        op_refuse(&(struct op_call){ops[i], IN(I64((2), 3, FSN_BATCH), I64((1), 2))},
                  FSN_UNSUPPORTED, "computes with the batch size, which is not fixed");
    op_refuse(&(struct op_call){"Add", IN(I64((1), 2), I64((1), FSN_BATCH))}, FSN_UNSUPPORTED,
              "Add 'node': computes with the batch size, which is not fixed");
}

/* Large enough that the threads share it, at a length that they cannot share evenly. */
static void large_tensors_are_shared_by_the_threads(void **state)
{
    enum { ROWS = 101, COLUMNS = 331, N = ROWS * COLUMNS };
    float *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b), *want = malloc(N * sizeof *want);
    struct op_call call = {"Add", IN(SHAPE(F32, (ROWS, COLUMNS)), SHAPE(F32, (ROWS, COLUMNS)))};
    struct fsn__tensor sum = SHAPE(F32, (ROWS, COLUMNS));

    (void)state;
    assert_true(a && b && want);
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = (float)(2 * i);
        want[i] = (float)(3 * i);
    }
    call.in[0].data = a;
    call.in[1].data = b;
    sum.data = want;
    op_expect(&call, sum);

    call.in[1].dim[0] = 1; /* one row for all */
    for (int i = 0; i < N; i++)
        want[i] = (float)(i + 2 * (i % COLUMNS));
    op_expect(&call, sum);

    call.in[1].dim[0] = ROWS; /* one number a row */
    call.in[1].dim[1] = 1;
    for (int i = 0; i < N; i++)
        want[i] = (float)(i + 2 * (i / COLUMNS));
    op_expect(&call, sum);
    free(a);
    free(b);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_shapes_go_element_by_element),
        cmocka_unit_test(a_smaller_input_is_broadcast_over_leading_and_unit_axes),
        cmocka_unit_test(every_numeric_type_computes),
        cmocka_unit_test(integers_wrap_around),
        cmocka_unit_test(integer_division_truncates_towards_zero),
        cmocka_unit_test(mod_takes_the_sign_of_the_divisor),
        cmocka_unit_test(mod_with_fmod_takes_the_sign_of_the_dividend),
        cmocka_unit_test(a_zero_integer_divisor_is_an_error),
        cmocka_unit_test(types_and_shapes_must_fit),
        cmocka_unit_test(a_symbolic_batch_passes_in_front_only),
        cmocka_unit_test(computing_with_the_symbolic_batch_size_is_refused),
        cmocka_unit_test(large_tensors_are_shared_by_the_threads),
    };

    return cmocka_run_group_tests_name("op_arith", tests, NULL, NULL);
}
