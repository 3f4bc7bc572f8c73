/* test_op_pool.c - MaxPool, AveragePool, LpPool, GlobalAveragePool and its like: PyTorch's values,
 * the corners of the specification by hand, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"
#include "../golden/window_table.h"

#include <math.h>

#define N FSN_BATCH

enum { MOST = 512, ROWS = sizeof pool_rows / sizeof pool_rows[0] };

static struct fsn__tensor shaped(const struct table_shape *shape, float *data)
{
    struct fsn__tensor t = {.data = data};

    fsn__shape_set(&t, FSN__F32, shape->ndim, shape->dim);
    assert_true(fsn__numel(&t) <= MOST);
    return t;
}

/* The attributes of a row; attrs has room for six. */
static struct fsn__attrs row_attrs(const struct pool_row *row, int64_t *pads,
                                   struct fsn__attr *attrs)
{
    const size_t axes = (size_t)row->x.ndim - 2;

    for (size_t i = 0; i < axes; i++)
        pads[i] = pads[i + axes] = row->padding[i];
    attrs[0] = (struct fsn__attr){
        .name = "kernel_shape", .type = FSN__ATTR_INTS, .count = axes, .ints = row->kernel};
    attrs[1] = (struct fsn__attr){
        .name = "strides", .type = FSN__ATTR_INTS, .count = axes, .ints = row->strides};
    attrs[2] =
        (struct fsn__attr){.name = "pads", .type = FSN__ATTR_INTS, .count = 2 * axes, .ints = pads};
    attrs[3] = (struct fsn__attr){
        .name = "dilations", .type = FSN__ATTR_INTS, .count = axes, .ints = row->dilations};
    attrs[4] = ATTR_I("ceil_mode", row->ceil);
    return (struct fsn__attrs){.count = 5, .item = attrs};
}

static void maxima_and_their_places_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct pool_row *row = &pool_rows[i];
        float x[MOST], y[MOST];
        struct fsn__tensor in = shaped(&row->x, x), want = shaped(&row->y, y);
        const int64_t plane = fsn__numel_range(&in, 2, in.ndim);
        const int64_t outputs = fsn__numel_range(&want, 2, want.ndim);
        int64_t pads[6];
        struct fsn__attr attrs[6];
        struct op_call call = {"MaxPool", IN(in), .attrs = row_attrs(row, pads, attrs)};
        struct op_run run = {.n_out = 2, .threads = 2};

        print_message("           %s\n", row->name);
        for (int j = 0; j < fsn__numel(&in); j++)
            x[j] = (float)((37 * j + 5) % 101);
        for (int j = 0; j < fsn__numel(&want); j++)
            y[j] = (float)row->maximum[j];
        op_expect(&call, want);
        op_run(&run, &call);
        for (int j = 0; j < fsn__numel(&want); j++)
            assert_int_equal(fsn__i64(&run.out[1])[j], j / outputs * plane + row->largest[j]);
        op_run_free(&run);
    }
}

static void averages_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct pool_row *row = &pool_rows[i];
        float x[MOST], y[MOST];
        struct fsn__tensor in = shaped(&row->x, x), want = shaped(&row->y, y);
        int64_t pads[6];
        struct fsn__attr attrs[6];
        struct op_call call = {"AveragePool", IN(in), .attrs = row_attrs(row, pads, attrs)};

        if (!row->has_average)
            continue;
        print_message("           %s\n", row->name);
        call.attrs.count = 6;
        for (int include = 0; include < 2; include++) {
            const int *values = include ? row->average_with_padding : row->average;

            attrs[5] = ATTR_I("count_include_pad", include);
            for (int j = 0; j < fsn__numel(&in); j++)
                x[j] = (float)((7 * j + 3) % 11 - 5);
            for (int j = 0; j < fsn__numel(&want); j++)
                y[j] = (float)values[j] / 5040;
            op_expect(&call, want);
        }
    }
}

/* Average pooling with dilation is not in PyTorch. x = 1..6, taps two apart, one element of
 * padding: outputs read (0,2), (1,3), (2,4), (3,5), (4,6), (5,-). */
static void dilated_averages_count_their_taps(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 6), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"AveragePool", IN(x),
                                ATTRS(ATTR_INTS("kernel_shape", 2), ATTR_INTS("dilations", 2),
                                      ATTR_INTS("pads", 1, 1))},
              F32((1, 1, 6), 2, 2, 3, 4, 5, 5));
    op_expect(&(struct op_call){"AveragePool", IN(x),
                                ATTRS(ATTR_INTS("kernel_shape", 2), ATTR_INTS("dilations", 2),
                                      ATTR_INTS("pads", 1, 1), ATTR_I("count_include_pad", 1))},
              F32((1, 1, 6), 1, 2, 3, 4, 5, 2.5f));
}

/* 5 elements, windows of 2 every 3: floor gives 2 outputs, ceil would start a third at 6. */
static void ceil_mode_leaves_out_a_window_that_starts_behind_the_input(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 5), 1, 2, 3, 4, 5);

    (void)state;
    op_expect(&(struct op_call){"MaxPool", IN(x),
                                ATTRS(ATTR_INTS("kernel_shape", 1), ATTR_INTS("strides", 3),
                                      ATTR_I("ceil_mode", 1), ATTR_INTS("pads", 0, 1))},
              F32((1, 1, 2), 1, 4));
    op_expect(&(struct op_call){"MaxPool", IN(x),
                                ATTRS(ATTR_INTS("kernel_shape", 2), ATTR_INTS("strides", 2),
                                      ATTR_I("ceil_mode", 1))},
              F32((1, 1, 3), 2, 4, 5));
}

static void indices_may_count_column_by_column(void **state)
{
    struct op_run run = {.n_out = 2};

    (void)state;
    op_run(&run,
           &(struct op_call){"MaxPool", IN(F32((1, 2, 2, 3), 1, 2, 9, 4, 5, 6, 1, 8, 3, 4, 5, 6)),
                             ATTRS(ATTR_INTS("kernel_shape", 2, 3), ATTR_I("storage_order", 1))});
    assert_int_equal(run.out[1].dtype, FSN__I64);
    assert_int_equal(fsn__i64(&run.out[1])[0], 4);     /* row 0, column 2 of 2 rows */
    assert_int_equal(fsn__i64(&run.out[1])[1], 6 + 2); /* row 0, column 1 of channel 1 */
    op_run_free(&run);
}

static void the_first_of_equal_maxima_counts(void **state)
{
    struct op_run run = {.n_out = 2};

    (void)state;
    op_run(&run, &(struct op_call){"MaxPool", IN(F32((1, 1, 4), 3, 7, 7, 7)),
                                   ATTRS(ATTR_INTS("kernel_shape", 4))});
    assert_int_equal(fsn__i64(&run.out[1])[0], 1);
    op_run_free(&run);
}

static void not_a_number_wins_over_every_maximum(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"MaxPool", IN(F32((1, 1, 6), 1, NAN, INFINITY, NAN, 2, -INFINITY)),
                                ATTRS(ATTR_INTS("kernel_shape", 3), ATTR_INTS("strides", 1))},
              F32((1, 1, 4), NAN, NAN, NAN, NAN));
    op_expect(&(struct op_call){"MaxPool", IN(F32((1, 1, 2), -INFINITY, -INFINITY)),
                                ATTRS(ATTR_INTS("kernel_shape", 2))},
              F32((1, 1, 1), -INFINITY));
}

/* Taps at -1 and 3 of an input of 2 elements. */
static void a_window_in_the_padding_gives_the_lowest_value_or_zero(void **state)
{
    const struct op_call call = {
        "MaxPool", IN(F32((1, 1, 2), 5, 6)),
        ATTRS(ATTR_INTS("kernel_shape", 2), ATTR_INTS("dilations", 4), ATTR_INTS("pads", 1, 2))};
    struct op_call average = call;
    struct op_run run = {.n_out = 2};

    (void)state;
    op_expect(&call, F32((1, 1, 1), -INFINITY));
    op_run(&run, &call);
    assert_int_equal(fsn__i64(&run.out[1])[0], -1);
    op_run_free(&run);
    average.op = "AveragePool";
    op_expect(&average, F32((1, 1, 1), 0));
}

static void maxima_of_other_types(void **state)
{
    const struct fsn__attr kernel = ATTR_INTS("kernel_shape", 2);

    (void)state;
    op_expect(&(struct op_call){"MaxPool", IN(F64((1, 1, 3), -1, -0.5, -3)), ATTRS(kernel)},
              F64((1, 1, 2), -0.5, -0.5));
    op_expect(&(struct op_call){"MaxPool", IN(I8((1, 1, 3), -128, -128, -7)), ATTRS(kernel)},
              I8((1, 1, 2), -128, -7));
    op_expect(&(struct op_call){"MaxPool", IN(U8((1, 1, 3), 0, 200, 100)), ATTRS(kernel)},
              U8((1, 1, 2), 200, 200));
}

static void global_average_takes_every_spatial_axis(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"GlobalAveragePool", IN(F32((2, 2, 2, 2), 1, 2, 3, 6, 0, 0, 0, 1,
                                                            -1, -2, -3, -4, 5, 5, 5, 5))},
              F32((2, 2, 1, 1), 3, 0.25f, -2.5f, 5));
    op_expect(&(struct op_call){"GlobalAveragePool", IN(F32((1, 1, 3), 1, 2, 6))},
              F32((1, 1, 1), 3));
    op_expect(&(struct op_call){"GlobalAveragePool", IN(SHAPE(F32, (N, 7, 4, 3, 2)))},
              SHAPE(F32, (N, 7, 1, 1, 1)));
}

static void what_cannot_be_pooled_is_refused(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 8, 8));
    const struct fsn__attr kernel = ATTR_INTS("kernel_shape", 2, 2);

    (void)state;
    op_refuse(&(struct op_call){"MaxPool", IN(x)}, FSN_INVALID,
              "MaxPool 'node': the attribute kernel_shape is missing");
    op_refuse(&(struct op_call){"AveragePool", IN(x), ATTRS(ATTR_INTS("kernel_shape", 2))},
              FSN_SHAPE, "kernel_shape has 1 values, expected 2");
    op_refuse(&(struct op_call){"MaxPool", IN(x), ATTRS(ATTR_INTS("kernel_shape", 9, 2))},
              FSN_SHAPE,
              "its window spans 9 elements of spatial axis 0, which with padding has only 8");
    op_refuse(&(struct op_call){"MaxPool", IN(SHAPE(I32, (N, 3, 8, 8))), ATTRS(kernel)},
              FSN_UNSUPPORTED, "its input is int32, which it does not take");
    op_refuse(&(struct op_call){"AveragePool", IN(SHAPE(F64, (N, 3, 8, 8))), ATTRS(kernel)},
              FSN_UNSUPPORTED, "its input is float64, only float32 is supported");
    op_refuse(&(struct op_call){"MaxPool", IN(SHAPE(F32, (N, 3))), ATTRS(kernel)}, FSN_SHAPE,
              "its input has shape [N,3], expected batch, channels and 1 to 3 spatial dimensions");
    op_refuse(&(struct op_call){"GlobalAveragePool", IN(SHAPE(F32, (N, 3)))}, FSN_SHAPE,
              "its input has shape [N,3], expected batch, channels and spatial dimensions");
    op_refuse(&(struct op_call){"GlobalAveragePool", IN(SHAPE(F32, (N, 3, 0)))}, FSN_SHAPE,
              "its input of shape [N,3,0] has empty channels");
}

/* A window far larger than the input, which SAME allows: only taps within the input are visited. */
static void a_huge_window_costs_no_more_than_the_input(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"AveragePool", IN(F32((1, 1, 2, 2), 1, 2, 3, 6)),
                                ATTRS(ATTR_INTS("kernel_shape", 0x7fffffff, 0x7fffffff),
                                      ATTR_S("auto_pad", "SAME_UPPER"))},
              F32((1, 1, 2, 2), 3, 3, 3, 3));
}

static void the_global_maximum_is_each_channel_s_largest_element(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"GlobalMaxPool",
                                IN(F32((1, 3, 2, 2), 1, 5, -3, 2, -4, -1, -2, -3, 0, NAN, 9, 1))},
              F32((1, 3, 1, 1), 5, -1, NAN));
    op_expect(&(struct op_call){"GlobalMaxPool", IN(SHAPE(F32, (N, 3, 4, 5, 6)))},
              SHAPE(F32, (N, 3, 1, 1, 1)));
    op_refuse(
        &(struct op_call){"GlobalMaxPool", IN(SHAPE(F32, (N, 3)))}, FSN_SHAPE,
        "GlobalMaxPool 'node': its input has shape [N,3], expected batch, channels and spatial");
    op_refuse(&(struct op_call){"GlobalMaxPool", IN(SHAPE(F32, (N, 3, 0)))}, FSN_SHAPE,
              "its input of shape [N,3,0] has empty channels");
}

/* 3-4-5 triangles; the corner of a ceil_mode window holds what lies within the input alone. */
static void lp_pooling_takes_the_length_of_what_a_window_holds(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 3, 3), 3, -4, 0, 0, 0, 2, -6, 8, 1);
    const struct fsn__attr kernel = ATTR_INTS("kernel_shape", 2, 2);
    const struct fsn__attr strides = ATTR_INTS("strides", 2, 2);

    (void)state;
    op_expect(&(struct op_call){"LpPool", IN(x), ATTRS(kernel)},
              F32((1, 1, 2, 2), 5, 4.472135955f, 10, 8.306623863f));
    op_expect(&(struct op_call){"LpPool", IN(x),
                                ATTRS(kernel, strides, ATTR_I("ceil_mode", 1), ATTR_I("p", 1))},
              F32((1, 1, 2, 2), 7, 2, 14, 1));
    op_expect(&(struct op_call){"LpPool", IN(x),
                                ATTRS(kernel, ATTR_INTS("dilations", 2, 2), ATTR_I("p", 3))},
              F32((1, 1, 1, 1), 6.248799770f)); /* cube root of 27 + 0 + 216 + 1 */
    op_expect(&(struct op_call){"LpPool", IN(F32((1, 1, 3), 3, 4, 12)),
                                ATTRS(ATTR_INTS("kernel_shape", 2), ATTR_INTS("strides", 2),
                                      ATTR_S("auto_pad", "SAME_LOWER"))},
              F32((1, 1, 2), 3, 12.64911064f)); /* the odd pad in front: (3), (4, 12) */
    op_expect(&(struct op_call){"GlobalLpPool", IN(F32((1, 2, 2, 2), 1, -1, 1, -1, 0, 0, 0, -7))},
              F32((1, 2, 1, 1), 2, 7));
    op_expect(&(struct op_call){"GlobalLpPool", IN(SHAPE(F32, (N, 3, 4, 5, 6)))},
              SHAPE(F32, (N, 3, 1, 1, 1)));
    op_refuse(&(struct op_call){"LpPool", IN(x), ATTRS(kernel, ATTR_I("p", 0))}, FSN_INVALID,
              "LpPool 'node': p is 0, expected at least 1");
    op_refuse(&(struct op_call){"GlobalLpPool", IN(SHAPE(F32, (N, 3)))}, FSN_SHAPE,
              "GlobalLpPool 'node': its input has shape [N,3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_global_maximum_is_each_channel_s_largest_element),
        cmocka_unit_test(maxima_and_their_places_are_those_of_pytorch),
        cmocka_unit_test(averages_are_those_of_pytorch),
        cmocka_unit_test(dilated_averages_count_their_taps),
        cmocka_unit_test(ceil_mode_leaves_out_a_window_that_starts_behind_the_input),
        cmocka_unit_test(indices_may_count_column_by_column),
        cmocka_unit_test(the_first_of_equal_maxima_counts),
        cmocka_unit_test(not_a_number_wins_over_every_maximum),
        cmocka_unit_test(a_window_in_the_padding_gives_the_lowest_value_or_zero),
        cmocka_unit_test(maxima_of_other_types),
        cmocka_unit_test(global_average_takes_every_spatial_axis),
        cmocka_unit_test(what_cannot_be_pooled_is_refused),
        cmocka_unit_test(a_huge_window_costs_no_more_than_the_input),
        cmocka_unit_test(lp_pooling_takes_the_length_of_what_a_window_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
