/* test_op_select.c - GatherElements, GatherND, TopK, NonMaxSuppression, OneHot, EyeLike: the
 * specification's examples, ties, negative and wrong indices. */
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

/* ---- NonMaxSuppression ---------------------------------------------------------------------- */

/* Six boxes on a line of unit squares, as in the specification's examples: 0, 1, 2 lie nearly on
 * each other, so do 3 and 4; 5 is apart. Their scores: 3 best, then 0, 1, 5. */
#define BOXES                                                                                  \
    F32((1, 6, 4), 0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, -0.1f, 1, 0.9f, 0, 10, 1, 11, 0, 10.1f, 1, \
        11.1f, 0, 100, 1, 101)
#define SCORES F32((1, 1, 6), 0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f)
#define MOST(n) I64((1), n)

static void expect_boxes(const struct op_call *call, int rows, const int64_t *want)
{
    struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 2, .dim = {rows, 3}};

    t.data = (void *)(uintptr_t)want; /* only read */
    op_expect(call, t);
}

static void suppression_keeps_the_best_of_boxes_that_overlap(void **state)
{
    (void)state;
    expect_boxes(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES, MOST(3), F32((1), 0.5f))},
                 3, (int64_t[]){0, 0, 3, 0, 0, 0, 0, 0, 5});
    expect_boxes(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES, MOST(2), F32((1), 0.5f))},
                 2, (int64_t[]){0, 0, 3, 0, 0, 0});
    expect_boxes(&(struct op_call){"NonMaxSuppression",
                                   IN(BOXES, SCORES, MOST(3), F32((1), 0.5f), F32((1), 0.4f))},
                 2, (int64_t[]){0, 0, 3, 0, 0, 0});
    /* nothing overlaps by more than 1: all in the order of their scores */
    expect_boxes(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES, MOST(9), F32((1), 1))}, 6,
                 (int64_t[]){0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 4, 0, 0, 5});
}

static void suppression_of_no_boxes_is_empty(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES)}, EMPTY(I64, (0, 3)));
    op_expect(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES, MOST(-1))},
              EMPTY(I64, (0, 3)));
    op_expect(&(struct op_call){"NonMaxSuppression",
                                IN(EMPTY(F32, (1, 0, 4)), EMPTY(F32, (1, 2, 0)), MOST(3))},
              EMPTY(I64, (0, 3)));
}

/* Corners in any order, and the same boxes as centre and size (x, y, w, h). Of equal scores the
 * lower box comes first. */
static void suppression_reads_boxes_in_both_forms(void **state)
{
    const struct fsn__tensor scores = F32((1, 2, 3), 0.5f, 0.5f, 0.5f, 0.1f, 0.2f, 0.3f);
    const int64_t want[] = {0, 0, 0, 0, 0, 2, 0, 1, 2, 0, 1, 1};

    (void)state;
    expect_boxes(&(struct op_call){"NonMaxSuppression",
                                   IN(F32((1, 3, 4), 1, 2, 0, 0, 0, 2, 1, 0.5f, 4, 4, 5, 5), scores,
                                      MOST(3), F32((1), 0.5f))},
                 4, want);
    expect_boxes(
        &(struct op_call){"NonMaxSuppression",
                          IN(F32((1, 3, 4), 1, 0.5f, 2, 1, 1.25f, 0.5f, 1.5f, 1, 4.5f, 4.5f, 1, 1),
                             scores, MOST(3), F32((1), 0.5f)),
                          ATTRS(ATTR_I("center_point_box", 1))},
        4, want);
}

static void suppression_counts_each_image_and_class_alone(void **state)
{
    const struct fsn__tensor boxes = F32((2, 2, 4), 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6);
    const struct fsn__tensor scores = F32((2, 2, 2), 1, 2, 2, 1, 1, 2, 2, 1);

    (void)state;
    expect_boxes(&(struct op_call){"NonMaxSuppression", IN(boxes, scores, MOST(2))}, 6,
                 (int64_t[]){0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1});
}

static void suppression_names_what_it_cannot_do(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"NonMaxSuppression", IN(SHAPE(F32, (1, 6, 4)), SCORES)},
              FSN_UNSUPPORTED, "how many boxes it chooses is in the data");
    op_refuse(&(struct op_call){"NonMaxSuppression", IN(BOXES, SHAPE(F32, (1, 1, 5)))}, FSN_SHAPE,
              "boxes [1,6,4] and scores [1,1,5], expected [N,S,4] and [N,C,S]");
    op_refuse(&(struct op_call){"NonMaxSuppression", IN(BOXES, SCORES, F32((1), 3))}, FSN_SHAPE,
              "its max_output_boxes_per_class is float32 [1], expected one int64");
}

/* ---- OneHot, EyeLike ------------------------------------------------------------------------ */

static void one_hot_marks_the_place_of_each_index(void **state)
{
    const struct fsn__tensor index = I64((4), 0, 7, -1, -8), depth = SCALAR(I64, int64_t, 3);
    const struct fsn__tensor values = F32((2), 2, 5);

    (void)state;
    op_expect(&(struct op_call){"OneHot", IN(index, depth, values)},
              F32((4, 3), 5, 2, 2, 2, 2, 2, 2, 2, 5, 2, 2, 2));
    op_expect(&(struct op_call){"OneHot", IN(index, F32((1), 3), U8((2), 0, 1)),
                                ATTRS(ATTR_I("axis", 0))},
              U8((3, 4), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0));
    op_expect(&(struct op_call){"OneHot", IN(F32((2, 2), 1, 0, 0, 1), I32((1), 2), I16((2), 0, 9)),
                                ATTRS(ATTR_I("axis", 1))},
              I16((2, 2, 2), 0, 9, 9, 0, 9, 0, 0, 9));
    op_expect(&(struct op_call){"OneHot", IN(SHAPE(I64, (N)), depth, values)}, SHAPE(F32, (N, 3)));
}

static void one_hot_names_what_does_not_fit(void **state)
{
    const struct fsn__tensor index = I64((1), 0), values = F32((2), 0, 1);

    (void)state;
    op_refuse(&(struct op_call){"OneHot", IN(index, I64((1), 0), values)}, FSN_INVALID,
              "OneHot 'node': its depth is 0, expected 1 to");
    op_refuse(&(struct op_call){"OneHot", IN(index, F32((1), NAN), values)}, FSN_INVALID,
              "its depth is");
    op_refuse(&(struct op_call){"OneHot", IN(index, I64((2), 1, 2), values)}, FSN_SHAPE,
              "its depth has shape [2], expected one number");
    op_refuse(&(struct op_call){"OneHot", IN(index, SHAPE(I64, (1)), values)}, FSN_UNSUPPORTED,
              "its depth input must be constant");
    op_refuse(&(struct op_call){"OneHot", IN(index, I64((1), 3), F32((3), 0, 1, 2))}, FSN_SHAPE,
              "its values have shape [3], expected [2]");
    op_refuse(&(struct op_call){"OneHot", IN(index, I64((1), 3), values), ATTRS(ATTR_I("axis", 2))},
              FSN_SHAPE, "axis 2");
}

static void eye_like_has_ones_on_a_diagonal(void **state)
{
    const struct fsn__tensor x = I32((2, 3), 9, 9, 9, 9, 9, 9);

    (void)state;
    op_expect(&(struct op_call){"EyeLike", IN(x)}, I32((2, 3), 1, 0, 0, 0, 1, 0));
    op_expect(&(struct op_call){"EyeLike", IN(x), ATTRS(ATTR_I("k", 2), ATTR_I("dtype", 1))},
              F32((2, 3), 0, 0, 1, 0, 0, 0));
    op_expect(&(struct op_call){"EyeLike", IN(x), ATTRS(ATTR_I("k", -1), ATTR_I("dtype", 11))},
              F64((2, 3), 0, 0, 0, 1, 0, 0));
    op_expect(&(struct op_call){"EyeLike", IN(x), ATTRS(ATTR_I("k", INT64_MIN))},
              I32((2, 3), 0, 0, 0, 0, 0, 0));
    op_expect(&(struct op_call){"EyeLike", IN(x), ATTRS(ATTR_I("k", INT64_MAX))},
              I32((2, 3), 0, 0, 0, 0, 0, 0));
    op_refuse(&(struct op_call){"EyeLike", IN(I32((2), 1, 2))}, FSN_SHAPE,
              "EyeLike 'node': its input has shape [2], expected a matrix");
    op_refuse(&(struct op_call){"EyeLike", IN(SHAPE(F32, (N, 2)))}, FSN_UNSUPPORTED,
              "makes a constant of the batch size");
    op_refuse(&(struct op_call){"EyeLike", IN(x), ATTRS(ATTR_I("dtype", 8))}, FSN_UNSUPPORTED,
              "dtype = 8 is not an element type of the engine");
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
        cmocka_unit_test(suppression_keeps_the_best_of_boxes_that_overlap),
        cmocka_unit_test(suppression_of_no_boxes_is_empty),
        cmocka_unit_test(suppression_reads_boxes_in_both_forms),
        cmocka_unit_test(suppression_counts_each_image_and_class_alone),
        cmocka_unit_test(suppression_names_what_it_cannot_do),
        cmocka_unit_test(one_hot_marks_the_place_of_each_index),
        cmocka_unit_test(one_hot_names_what_does_not_fit),
        cmocka_unit_test(eye_like_has_ones_on_a_diagonal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
