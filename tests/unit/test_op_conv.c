/* test_op_conv.c - Conv: PyTorch's values for every kind of window, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"
#include "../golden/window_table.h"

#define N FSN_BATCH

enum { MOST = 512 };

/* A tensor of the row's shape over `data`, filled by (a i + b) mod m - c. */
static struct fsn__tensor filled(const struct table_shape *shape, float *data, int a, int b, int m,
                                 int c)
{
    struct fsn__tensor t = {.data = data};

    fsn__shape_set(&t, FSN__F32, shape->ndim, shape->dim);
    assert_true(fsn__numel(&t) <= MOST);
    for (int i = 0; i < fsn__numel(&t); i++)
        data[i] = (float)((a * i + b) % m - c);
    return t;
}

static struct fsn__attr ints(const char *name, size_t count, const int64_t *values)
{
    return (struct fsn__attr){.name = name, .type = FSN__ATTR_INTS, .count = count, .ints = values};
}

static void values_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conv_rows / sizeof conv_rows[0]; i++) {
        const struct conv_row *row = &conv_rows[i];
        const size_t axes = (size_t)row->x.ndim - 2;
        float x[MOST], w[MOST], b[16], y[MOST];
        struct fsn__tensor want = filled(&row->y, y, 0, 0, 1, 0);
        struct fsn__tensor bias = {.ndim = 1, .dim = {row->w.dim[0]}, .data = b};
        struct fsn__attr attrs[] = {
            ints("strides", axes, row->strides), ints("pads", 2 * axes, row->pads),
            ints("dilations", axes, row->dilations), ATTR_I("group", row->groups),
            ints("kernel_shape", axes, row->w.dim + 2)};

        print_message("           %s\n", row->name);
        for (int j = 0; j < row->w.dim[0]; j++)
            b[j] = (float)(j - 1);
        for (int j = 0; j < fsn__numel(&want); j++)
            y[j] = (float)row->values[j];
        op_expect(&(struct op_call){"Conv",
                                    IN(filled(&row->x, x, 7, 3, 11, 5),
                                       filled(&row->w, w, 5, 2, 7, 3), row->bias ? bias : ABSENT),
                                    .attrs = {.count = 5, .item = attrs}},
                  want);
    }
}

/* One channel 1 2 3 4 5, filter 1 10: SAME needs one element of padding, after (UPPER: 2 reads
 * x[1], x[2]) or before (LOWER). */
static void automatic_padding_puts_the_odd_element_after_or_before(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 5), 1, 2, 3, 4, 5), w = F32((1, 1, 2), 1, 10);

    (void)state;
    op_expect(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_S("auto_pad", "SAME_UPPER"))},
              F32((1, 1, 5), 21, 32, 43, 54, 5));
    op_expect(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_S("auto_pad", "SAME_LOWER"))},
              F32((1, 1, 5), 10, 21, 32, 43, 54));
    op_expect(&(struct op_call){"Conv", IN(x, w),
                                ATTRS(ATTR_S("auto_pad", "VALID"), ATTR_INTS("pads", 3, 3))},
              F32((1, 1, 4), 21, 32, 43, 54));
    op_expect(&(struct op_call){"Conv", IN(x, w),
                                ATTRS(ATTR_S("auto_pad", "SAME_UPPER"), ATTR_INTS("strides", 3))},
              F32((1, 1, 2), 21, 54));
}

static void the_batch_may_be_symbolic_or_empty(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Conv", IN(SHAPE(F32, (N, 3, 32, 30)), SHAPE(F32, (8, 3, 3, 3))),
                                ATTRS(ATTR_INTS("strides", 2, 2))},
              SHAPE(F32, (N, 8, 15, 14)));
    op_expect(&(struct op_call){"Conv", IN(EMPTY(F32, (0, 1, 3, 3)), F32((1, 1, 1, 2), 1, 1))},
              EMPTY(F32, (0, 1, 3, 2)));
}

static void weights_that_do_not_fit_are_refused(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 4, 8, 8));

    (void)state;
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 3, 3, 3)))}, FSN_SHAPE,
              "Conv 'node': weight has 3 input channels, input has 4");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 3))), ATTRS(ATTR_I("group", 2))},
              FSN_SHAPE, "weight has 4 input channels in each of 2 groups, input has 4");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 3))), ATTRS(ATTR_I("group", 3))},
              FSN_SHAPE, "group is 3, which does not divide 4 channels and 8 filters");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 3))), ATTRS(ATTR_I("group", 0))},
              FSN_SHAPE, "group is 0");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3)))}, FSN_SHAPE,
              "weight has shape [8,4,3], input [N,4,8,8]");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (0, 4, 3, 3)))}, FSN_SHAPE,
              "weight has no filters or channels: shape [0,4,3,3]");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 3)), SHAPE(F32, (7)))},
              FSN_SHAPE, "bias has shape [7], weight has 8 filters");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 3))),
                                ATTRS(ATTR_INTS("kernel_shape", 3, 5))},
              FSN_SHAPE, "kernel_shape contradicts the weight's shape [8,4,3,3]");
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F64, (8, 4, 3, 3)))}, FSN_UNSUPPORTED,
              "its weight is float64, only float32 is supported");
}

static void windows_that_do_not_fit_are_refused(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 4, 8, 8)), w = SHAPE(F32, (8, 4, 3, 3));

    (void)state;
    op_refuse(&(struct op_call){"Conv", IN(x, SHAPE(F32, (8, 4, 3, 11))),
                                ATTRS(ATTR_INTS("pads", 0, 1, 0, 1))},
              FSN_SHAPE,
              "its window spans 11 elements of spatial axis 1, which with padding has only 10");
    op_refuse(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_INTS("strides", 1, 1, 1))}, FSN_SHAPE,
              "strides has 3 values, expected 2");
    op_refuse(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_INTS("strides", 1, 0))}, FSN_INVALID,
              "strides[1] is 0, outside 1..2147483647");
    op_refuse(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_INTS("dilations", INT64_MAX, 1))},
              FSN_INVALID, "dilations[0] is 9223372036854775807");
    op_refuse(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_INTS("pads", -1, 0, 0, 0))},
              FSN_INVALID, "pads[0] is -1");
    op_refuse(&(struct op_call){"Conv", IN(x, w), ATTRS(ATTR_S("auto_pad", "SAME"))}, FSN_INVALID,
              "auto_pad is 'SAME', which ONNX does not define");
    op_refuse(&(struct op_call){"Conv", IN(SHAPE(F32, (N, 4)), SHAPE(F32, (8, 4)))}, FSN_SHAPE,
              "its input has shape [N,4], expected batch, channels and 1 to 3 spatial dimensions");
    op_refuse(&(struct op_call){"Conv",
                                IN(SHAPE(F32, (N, 4, 2, 2, 2, 2)), SHAPE(F32, (8, 4, 1, 1, 1, 1)))},
              FSN_UNSUPPORTED, "1 to 3 spatial dimensions");
    op_refuse(&(struct op_call){"Conv", IN(SHAPE(F32, (N, 4, 0, 2)), w)}, FSN_SHAPE,
              "spatial axis 0 has 0 elements and 3 taps");
}

static void sizes_beyond_memory_are_refused(void **state)
{
    const int64_t huge = 0x7fffffff;

    (void)state;
    op_refuse(&(struct op_call){"Conv", IN(SHAPE(F32, (N, 1, 4, 4)), SHAPE(F32, (1, 1, 3, 3))),
                                ATTRS(ATTR_INTS("pads", huge, huge, huge, huge))},
              FSN_LIMIT, "one channel of its input or output has more than 2147483647 elements");
    op_refuse(
        &(struct op_call){"Conv", IN(SHAPE(F32, (N, huge, 3, 3)), SHAPE(F32, (1, huge, 2, 2)))},
        FSN_LIMIT, "is too large");
    op_refuse(&(struct op_call){"Conv", IN(SHAPE(F32, (N, 1 << 20, 40000, 40000)),
                                           SHAPE(F32, (1, 1 << 20, 3, 3)))},
              FSN_LIMIT, "need too much scratch memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_pytorch),
        cmocka_unit_test(automatic_padding_puts_the_odd_element_after_or_before),
        cmocka_unit_test(the_batch_may_be_symbolic_or_empty),
        cmocka_unit_test(weights_that_do_not_fit_are_refused),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
        cmocka_unit_test(sizes_beyond_memory_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
