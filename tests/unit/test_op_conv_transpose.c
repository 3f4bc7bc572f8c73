/* test_op_conv_transpose.c - ConvTranspose: PyTorch's values, the sizes that the specification
 * derives (auto_pad, output_shape) by hand, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"
#include "../golden/window_table.h"

#define N FSN_BATCH

enum { MOST = 512 };

/* x[i] = (a i + b) mod m - c */
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
    for (size_t i = 0; i < sizeof transposed_rows / sizeof transposed_rows[0]; i++) {
        const struct transposed_row *row = &transposed_rows[i];
        const size_t axes = (size_t)row->x.ndim - 2;
        float x[MOST], w[MOST], b[16], y[MOST];
        int64_t pads[6];
        struct fsn__tensor want = filled(&row->y, y, 0, 0, 1, 0);
        struct fsn__tensor bias = {.ndim = 1, .dim = {row->y.dim[1]}, .data = b};
        struct fsn__attr attrs[] = {ints("strides", axes, row->strides),
                                    ints("pads", 2 * axes, pads),
                                    ints("output_padding", axes, row->output_padding),
                                    ints("dilations", axes, row->dilations),
                                    ATTR_I("group", row->groups),
                                    ints("kernel_shape", axes, row->w.dim + 2)};

        print_message("           %s\n", row->name);
        for (size_t j = 0; j < axes; j++)
            pads[j] = pads[j + axes] = row->padding[j];
        for (int j = 0; j < row->y.dim[1]; j++)
            b[j] = (float)(j - 1);
        for (int j = 0; j < fsn__numel(&want); j++)
            y[j] = (float)row->values[j];
        op_expect(&(struct op_call){"ConvTranspose",
                                    IN(filled(&row->x, x, 7, 3, 11, 5),
                                       filled(&row->w, w, 5, 2, 7, 3), row->bias ? bias : ABSENT),
                                    .attrs = {.count = 6, .item = attrs}},
                  want);
    }
}

/* x = 1 2 3, filter 1 10 100, stride 2: the whole is 1 10 102 20 203 30 300; SAME leaves 3 x 2 = 6
 * of its 7 elements, without the last (UPPER) or the first (LOWER). */
static void same_padding_gives_the_input_size_times_the_stride(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 3), 1, 2, 3), w = F32((1, 1, 3), 1, 10, 100);

    (void)state;
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("strides", 2))},
              F32((1, 1, 7), 1, 10, 102, 20, 203, 30, 300));
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_S("auto_pad", "SAME_UPPER"))},
              F32((1, 1, 6), 1, 10, 102, 20, 203, 30));
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_S("auto_pad", "SAME_LOWER"))},
              F32((1, 1, 6), 10, 102, 20, 203, 30, 300));
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_INTS("pads", 3, 3),
                                      ATTR_S("auto_pad", "VALID"))},
              F32((1, 1, 7), 1, 10, 102, 20, 203, 30, 300));
}

/* The stride is longer than the window: what SAME adds is nobody's and gets the bias. */
static void outputs_that_no_input_reaches_are_the_bias(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 2), 1, 2), w = F32((1, 1, 1), 3), b = F32((1), 5);

    (void)state;
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w, b),
                                ATTRS(ATTR_INTS("strides", 3), ATTR_S("auto_pad", "SAME_UPPER"))},
              F32((1, 1, 6), 8, 5, 5, 11, 5, 5));
}

static void output_shape_takes_the_odd_element_of_padding_in_front(void **state)
{
    const struct fsn__tensor x = F32((1, 1, 3), 1, 2, 3), w = F32((1, 1, 3), 1, 10, 100);

    (void)state;
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_INTS("output_shape", 6))},
              F32((1, 1, 6), 10, 102, 20, 203, 30, 300));
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_INTS("output_shape", 6),
                                      ATTR_S("auto_pad", "SAME_UPPER"))},
              F32((1, 1, 6), 1, 10, 102, 20, 203, 30));
    /* with batch and channels in front; longer than the whole */
    op_expect(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", 2), ATTR_INTS("output_shape", 1, 1, 9))},
              F32((1, 1, 9), 1, 10, 102, 20, 203, 30, 300, 0, 0));
}

static void a_symbolic_batch_passes(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"ConvTranspose",
                                IN(SHAPE(F32, (N, 4, 5, 5)), SHAPE(F32, (4, 3, 2, 2))),
                                ATTRS(ATTR_INTS("strides", 2, 2), ATTR_I("group", 2))},
              SHAPE(F32, (N, 6, 10, 10)));
}

static void faults_are_named(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 4, 5, 5)), w = SHAPE(F32, (4, 3, 2, 2));

    (void)state;
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, SHAPE(F32, (3, 4, 2, 2)))}, FSN_SHAPE,
              "ConvTranspose 'node': weight has 3 input channels, input has 4");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, SHAPE(F32, (4, 4, 2)))}, FSN_SHAPE,
              "weight has shape [4,4,2], input [N,4,5,5]");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, SHAPE(F32, (4, 0, 2, 2)))}, FSN_SHAPE,
              "weight has no channels: shape [4,0,2,2]");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_I("group", 3))}, FSN_SHAPE,
              "group is 3, which does not divide 4 channels");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w, SHAPE(F32, (4)))}, FSN_SHAPE,
              "bias has shape [4], output has 3 channels");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("kernel_shape", 3, 3))},
              FSN_SHAPE, "kernel_shape contradicts the weight's shape [4,3,2,2]");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("pads", 3, 0, 3, 0))},
              FSN_SHAPE, "spatial axis 0 of its output would have 0 elements");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("output_shape", 9))},
              FSN_SHAPE, "output_shape has 1 values, expected 2");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("output_shape", 9, 0))},
              FSN_INVALID, "output_shape[1] is 0");
    op_refuse(
        &(struct op_call){"ConvTranspose", IN(x, w), ATTRS(ATTR_INTS("output_padding", -1, 0))},
        FSN_INVALID, "output_padding[0] is -1");
    op_refuse(&(struct op_call){"ConvTranspose", IN(x, w),
                                ATTRS(ATTR_INTS("strides", INT32_MAX, INT32_MAX))},
              FSN_LIMIT, "more than 2147483647 elements");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_pytorch),
        cmocka_unit_test(same_padding_gives_the_input_size_times_the_stride),
        cmocka_unit_test(outputs_that_no_input_reaches_are_the_bias),
        cmocka_unit_test(output_shape_takes_the_odd_element_of_padding_in_front),
        cmocka_unit_test(a_symbolic_batch_passes),
        cmocka_unit_test(faults_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
