/* test_op_select.c - GatherElements, GatherND, TopK: the specification's examples, ties, negative
 * and wrong indices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#include <math.h>

#define N FSN_BATCH

/* ---- GatherElements ------------------------------------------------------------------------- */

static void gather_elements_reads_one_element_an_index(void **state)
{
    const struct fsn__tensor x = F32((3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9);

    (void)state;
    op_expect(&(struct op_call){"GatherElements", IN(x, I64((2, 3), 1, 2, 0, 2, 0, 0))},
              F32((2, 3), 4, 8, 3, 7, 2, 3));
    op_expect(&(struct op_call){"GatherElements", IN(x, I32((2, 3), -1, -2, 0, -2, 0, 0))},
              F32((2, 3), 7, 5, 3, 4, 2, 3));
    op_expect(&(struct op_call){"GatherElements",
                                IN(I8((2, 2), 1, 2, 3, 4), I64((2, 3), 0, 0, 1, 1, 0, 1)),
                                ATTRS(ATTR_I("axis", -1))},
              I8((2, 3), 1, 1, 2, 4, 3, 4));
    op_expect(&(struct op_call){"GatherElements", IN(SHAPE(F32, (N, 5)), SHAPE(I64, (N, 2))),
                                ATTRS(ATTR_I("axis", 1))},
              SHAPE(F32, (N, 2)));
}

static void gather_elements_names_what_does_not_fit(void **state)
{
    const struct fsn__tensor x = F32((2, 2), 1, 2, 3, 4);

    (void)state;
    op_refuse(&(struct op_call){"GatherElements", IN(x, I64((1, 2), 0, 2))}, FSN_INVALID,
              "GatherElements 'node': index 2 is outside axis 0 of input [2,2]");
    op_refuse(&(struct op_call){"GatherElements", IN(x, I64((1, 2), -3, 0))}, FSN_INVALID,
              "index -3 is outside axis 0");
    op_refuse(&(struct op_call){"GatherElements", IN(x, I64((1, 3), 0, 0, 0))}, FSN_SHAPE,
              "its indices [1,3] do not fit input [2,2]");
    op_refuse(&(struct op_call){"GatherElements", IN(x, I64((2), 0, 0))}, FSN_SHAPE,
              "its indices [2] do not fit input [2,2]");
    op_refuse(&(struct op_call){"GatherElements", IN(x, F32((1, 1), 0))}, FSN_SHAPE,
              "its indices are float32, expected int64 or int32");
    op_refuse(&(struct op_call){"GatherElements", IN(SHAPE(F32, (N, 2)), SHAPE(I64, (N, 2)))},
              FSN_UNSUPPORTED, "gathers from the batch axis");
    op_refuse(&(struct op_call){"GatherElements", IN(SHAPE(F32, (N, 2)), SHAPE(I64, (1, 2))),
                                ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "its indices [1,2] do not fit input [N,2]");
}

/* ---- GatherND ------------------------------------------------------------------------------- */

/* The five examples of the specification. */
static void gather_nd_reads_elements_or_slices(void **state)
{
    const struct fsn__tensor square = I32((2, 2), 0, 1, 2, 3);
    const struct fsn__tensor cube = I32((2, 2, 2), 0, 1, 2, 3, 4, 5, 6, 7);

    (void)state;
    op_expect(&(struct op_call){"GatherND", IN(square, I64((2, 2), 0, 0, 1, 1))}, I32((2), 0, 3));
    op_expect(&(struct op_call){"GatherND", IN(square, I64((2, 1), 1, 0))},
              I32((2, 2), 2, 3, 0, 1));
    op_expect(&(struct op_call){"GatherND", IN(cube, I64((2, 2), 0, 1, 1, 0))},
              I32((2, 2), 2, 3, 4, 5));
    op_expect(&(struct op_call){"GatherND", IN(cube, I64((2, 1, 2), 0, 1, 1, 0))},
              I32((2, 1, 2), 2, 3, 4, 5));
    op_expect(
        &(struct op_call){"GatherND", IN(cube, I64((2, 1), 1, 0)), ATTRS(ATTR_I("batch_dims", 1))},
        I32((2, 2), 2, 3, 4, 5));
    op_expect(&(struct op_call){"GatherND", IN(square, I64((1, 2), -1, -2))}, I32((1), 2));
}

static void gather_nd_names_what_does_not_fit(void **state)
{
    const struct fsn__tensor x = I32((2, 2), 0, 1, 2, 3);

    (void)state;
    op_refuse(&(struct op_call){"GatherND", IN(x, I64((2, 2), 0, 0, 1, 2))}, FSN_INVALID,
              "GatherND 'node': index 2 is outside axis 1 of input [2,2]");
    op_refuse(&(struct op_call){"GatherND", IN(x, I64((1, 3), 0, 0, 0))}, FSN_SHAPE,
              "each index has 3 parts, input [2,2] has 2 axes for them");
    op_refuse(&(struct op_call){"GatherND", IN(x, SHAPE(I64, (1, 0)))}, FSN_SHAPE,
              "each index has 0 parts");
    op_refuse(&(struct op_call){"GatherND", IN(x, I64((1, 1), 0)), ATTRS(ATTR_I("batch_dims", 1))},
              FSN_SHAPE, "its indices [1,1] do not fit input [2,2]");
    op_refuse(
        &(struct op_call){"GatherND", IN(x, I64((2, 1), 0, 0)), ATTRS(ATTR_I("batch_dims", 2))},
        FSN_SHAPE, "batch_dims is 2 for input [2,2] and indices of shape [2,1]");
    op_refuse(&(struct op_call){"GatherND", IN(SHAPE(F32, (N, 2)), I64((1, 1), 0))},
              FSN_UNSUPPORTED, "gathers from the batch axis");
}

/* ---- TopK ----------------------------------------------------------------------------------- */

static void expect_top(const struct op_call *call, struct fsn__tensor values, const int64_t *places)
{
    struct op_run run = {.n_out = 2, .threads = 2};

    op_expect(call, values);
    op_run(&run, call);
    assert_int_equal(run.out[1].dtype, FSN__I64);
    assert_true(fsn__same_shape(&run.out[1], &values));
    for (int64_t i = 0; i < fsn__numel(&values); i++)
        assert_int_equal(fsn__i64(&run.out[1])[i], places[i]);
    op_run_free(&run);
}

static void top_k_orders_the_largest_or_the_smallest(void **state)
{
    const struct fsn__tensor x = F32((2, 3), 3, 1, 2, 5, 6, 4);

    (void)state;
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 2))}, F32((2, 2), 3, 2, 6, 5),
               (int64_t[]){0, 2, 1, 0});
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 1)),
                                 ATTRS(ATTR_I("largest", 0), ATTR_I("axis", 0))},
               F32((1, 3), 3, 1, 2), (int64_t[]){0, 0, 0});
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 3)),
                                 ATTRS(ATTR_I("largest", 0), ATTR_I("sorted", 0))},
               F32((2, 3), 1, 2, 3, 4, 5, 6), (int64_t[]){1, 2, 0, 2, 0, 1});
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 0))}, EMPTY(F32, (2, 0)), NULL);
}

static void top_k_of_equal_elements_takes_the_lower_place_first(void **state)
{
    const struct fsn__tensor x = I32((5), 2, 7, 7, 2, 7);

    (void)state;
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 4))}, I32((4), 7, 7, 7, 2),
               (int64_t[]){1, 2, 4, 0});
    expect_top(&(struct op_call){"TopK", IN(x, I64((1), 3)), ATTRS(ATTR_I("largest", 0))},
               I32((3), 2, 2, 7), (int64_t[]){0, 3, 1});
}

/* Where a double or an int64 would be too narrow; NaN is the largest, as numpy sorts it. */
static void top_k_compares_in_the_type_of_its_input(void **state)
{
    (void)state;
    expect_top(&(struct op_call){"TopK", IN(U64((3), 1, UINT64_MAX, UINT64_MAX - 1), I64((1), 2))},
               U64((2), UINT64_MAX, UINT64_MAX - 1), (int64_t[]){1, 2});
    expect_top(
        &(struct op_call){"TopK", IN(I64((3), INT64_MAX - 1, INT64_MAX, INT64_MIN), I64((1), 2))},
        I64((2), INT64_MAX, INT64_MAX - 1), (int64_t[]){1, 0});
    expect_top(&(struct op_call){"TopK", IN(I8((3), -1, 1, 0), I64((1), 1))}, I8((1), 1),
               (int64_t[]){1});
    expect_top(&(struct op_call){"TopK", IN(F32((4), 1, NAN, INFINITY, NAN), I64((1), 3))},
               F32((3), NAN, NAN, INFINITY), (int64_t[]){1, 3, 2});
    expect_top(&(struct op_call){"TopK", IN(F64((3), 1, NAN, -INFINITY), I64((1), 3)),
                                 ATTRS(ATTR_I("largest", 0))},
               F64((3), -INFINITY, 1, NAN), (int64_t[]){2, 0, 1});
}

static void top_k_refuses_what_it_cannot_do(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3));

    (void)state;
    op_refuse(&(struct op_call){"TopK", IN(x, I64((1), 4))}, FSN_SHAPE,
              "TopK 'node': K is 4, axis 1 of input [N,3] has fewer elements");
    op_refuse(&(struct op_call){"TopK", IN(x, I64((1), -1))}, FSN_SHAPE, "K is -1");
    op_refuse(&(struct op_call){"TopK", IN(x, I64((1), 1)), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "chooses along the batch axis, which is not supported");
    op_refuse(&(struct op_call){"TopK", IN(x, SHAPE(I64, (1)))}, FSN_UNSUPPORTED,
              "its K input must be constant");
    op_refuse(&(struct op_call){"TopK", IN(x, EMPTY(I64, (0)))}, FSN_SHAPE,
              "its K input has no element");
    op_refuse(&(struct op_call){"TopK", IN(BOOL((1), 1), I64((1), 1))}, FSN_UNSUPPORTED,
              "its input is bool, expected numbers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_elements_reads_one_element_an_index),
        cmocka_unit_test(gather_elements_names_what_does_not_fit),
        cmocka_unit_test(gather_nd_reads_elements_or_slices),
        cmocka_unit_test(gather_nd_names_what_does_not_fit),
        cmocka_unit_test(top_k_orders_the_largest_or_the_smallest),
        cmocka_unit_test(top_k_of_equal_elements_takes_the_lower_place_first),
        cmocka_unit_test(top_k_compares_in_the_type_of_its_input),
        cmocka_unit_test(top_k_refuses_what_it_cannot_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
