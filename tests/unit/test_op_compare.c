/* test_op_compare.c - comparison, logic and Where: truth tables by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>

#define N FSN_BATCH

static void numbers_are_compared_in_order(void **state)
{
    static const struct {
        const char *op;
        uint8_t y[4];
    } rows[] = {
        {"Equal", {0, 1, 0, 0}},   {"Less", {1, 0, 0, 0}},           {"LessOrEqual", {1, 1, 0, 0}},
        {"Greater", {0, 0, 1, 0}}, {"GreaterOrEqual", {0, 1, 1, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fsn__tensor want = SHAPE(BOOL, (4)), want_integers = SHAPE(BOOL, (3));

        want.data = want_integers.data = (void *)(uintptr_t)rows[i].y;
        op_expect(&(struct op_call){rows[i].op, IN(F32((4), 1, 2, 3, NAN), F32((4), 2, 2, 2, NAN))},
                  want);
        op_expect(&(struct op_call){rows[i].op, IN(F64((4), 1, 2, 3, (double)NAN), F64((1), 2))},
                  want);
        op_expect(&(struct op_call){rows[i].op, IN(I8((3), -128, 2, 127), SCALAR(I8, int8_t, 2))},
                  want_integers);
        op_expect(&(struct op_call){rows[i].op, IN(U64((3), 1, 2, UINT64_MAX), U64((1), 2))},
                  want_integers);
    }
}

static void comparison_broadcasts(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Less", IN(I32((2, 1), 1, 3), I32((3), 1, 2, 4))},
              BOOL((2, 3), 0, 1, 1, 0, 0, 1));
    op_expect(&(struct op_call){"Greater", IN(SHAPE(F32, (N, 3)), SCALAR(F32, float, 0))},
              SHAPE(BOOL, (N, 3)));
    op_refuse(&(struct op_call){"Equal", IN(SHAPE(F32, (2)), SHAPE(F32, (3)))}, FSN_SHAPE,
              "Equal 'node': shapes [2] and [3] do not broadcast");
    op_refuse(&(struct op_call){"Less", IN(BOOL((1), 1), BOOL((1), 0))}, FSN_UNSUPPORTED,
              "Less 'node': its inputs are bool, which it does not take");
}

/* All that is known of the batch is that it is at least 1. */
static void the_batch_size_equals_nothing_below_one(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Equal", IN(I64((3), N, 4, -1), SCALAR(I64, int64_t, -1))},
              BOOL((3), 0, 0, 1));
    op_expect(&(struct op_call){"Equal", IN(I64((2), 0, -3), I64((1), N))}, BOOL((2), 0, 0));
    op_expect(&(struct op_call){"Equal", IN(I64((1), N), I64((1), N))}, BOOL((1), 1));
    op_refuse(&(struct op_call){"Equal", IN(I64((1), N), I64((2), -1, 1))}, FSN_UNSUPPORTED,
              "Equal 'node': compares with the batch size, which is not fixed");
    op_refuse(&(struct op_call){"Less", IN(I64((1), 0), I64((1), N))}, FSN_UNSUPPORTED,
              "Less 'node': computes with the batch size, which is not fixed");
}

static void logic_has_its_truth_tables(void **state)
{
    const struct fsn__tensor a = BOOL((4), 0, 0, 1, 1), b = BOOL((4), 0, 1, 0, 1);

    (void)state;
    op_expect(&(struct op_call){"And", IN(a, b)}, BOOL((4), 0, 0, 0, 1));
    op_expect(&(struct op_call){"Or", IN(a, b)}, BOOL((4), 0, 1, 1, 1));
    op_expect(&(struct op_call){"Xor", IN(a, b)}, BOOL((4), 0, 1, 1, 0));
    op_expect(&(struct op_call){"Equal", IN(a, b)}, BOOL((4), 1, 0, 0, 1));
    op_expect(&(struct op_call){"Not", IN(a)}, BOOL((4), 1, 1, 0, 0));
    op_expect(&(struct op_call){"Or", IN(a, BOOL((2, 1), 0, 1))},
              BOOL((2, 4), 0, 0, 1, 1, 1, 1, 1, 1));
    op_refuse(&(struct op_call){"And", IN(I32((1), 1), I32((1), 1))}, FSN_UNSUPPORTED,
              "And 'node': its inputs are int32, which it does not take");
    op_refuse(&(struct op_call){"Not", IN(F32((1), 1))}, FSN_UNSUPPORTED, "its input is float32");
}

static void where_chooses_element_by_element(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Where", IN(BOOL((2, 2), 1, 0, 1, 1), F32((2, 2), 1, 2, 3, 4),
                                            F32((2, 2), 9, 8, 7, 6))},
              F32((2, 2), 1, 8, 3, 4));
    op_expect(&(struct op_call){"Where", IN(BOOL((2, 1), 1, 0), I64((3), 1, 2, N),
                                            SCALAR(I64, int64_t, -1))},
              I64((2, 3), 1, 2, N, -1, -1, -1));
    op_expect(&(struct op_call){"Where", IN(BOOL((2), 1, 0), U8((1), 7), U8((2), 1, 2))},
              U8((2), 7, 2));
    op_expect(&(struct op_call){"Where", IN(BOOL((2), 1, 0), I16((1), 7), I16((2), 1, 2))},
              I16((2), 7, 2));
    op_refuse(&(struct op_call){"Where", IN(F32((1), 1), F32((1), 1), F32((1), 1))}, FSN_SHAPE,
              "Where 'node': its condition is float32, expected bool");
    op_refuse(&(struct op_call){"Where", IN(BOOL((1), 1), F32((1), 1), I64((1), 1))}, FSN_SHAPE,
              "inputs are float32 and int64, expected one type for all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_compared_in_order),
        cmocka_unit_test(comparison_broadcasts),
        cmocka_unit_test(the_batch_size_equals_nothing_below_one),
        cmocka_unit_test(logic_has_its_truth_tables),
        cmocka_unit_test(where_chooses_element_by_element),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
