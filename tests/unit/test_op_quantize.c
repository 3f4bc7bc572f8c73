/* test_op_quantize.c - QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear on numbers worked
 * out from the formulas of the ONNX specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#include <math.h>

#define N FSN_BATCH
#define HALF SCALAR(F32, float, 0.5f)
#define ONE SCALAR(F32, float, 1)

/* ---- QuantizeLinear ----------------------------------------------------------------------------
 */

static void a_half_goes_to_the_even_level_before_the_zero_point_is_added(void **state)
{
    /* x / 0.5 = -5, -3, -1.5, -0.5, 0.5, 1.5, 2.5 */
    const struct fsn__tensor x = F32((7), -2.5f, -1.5f, -0.75f, -0.25f, 0.25f, 0.75f, 1.25f);

    (void)state;
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, HALF, SCALAR(I8, int8_t, 0))},
              I8((7), -5, -3, -2, 0, 0, 2, 2));
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, HALF, SCALAR(I8, int8_t, 1))},
              I8((7), -4, -2, -1, 1, 1, 3, 3));
}

static void levels_saturate(void **state)
{
    const struct fsn__tensor x = F32((6), -1e30f, -40000, -200, 200, 40000, 1e30f);
    const struct fsn__tensor odd = F32((3), NAN, INFINITY, -INFINITY);

    (void)state;
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, ONE)}, U8((6), 0, 0, 0, 200, 255, 255));
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, ONE, SCALAR(I8, int8_t, 0))},
              I8((6), -128, -128, -128, 127, 127, 127));
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, ONE, SCALAR(U16, uint16_t, 32768))},
              U16((6), 0, 0, 32568, 32968, 65535, 65535));
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, ONE, SCALAR(I16, int16_t, -1))},
              I16((6), -32768, -32768, -201, 199, 32767, 32767));
    op_expect(&(struct op_call){"QuantizeLinear", IN(odd, ONE, SCALAR(U8, uint8_t, 7))},
              U8((3), 7, 255, 0));
}

static void quantize_takes_a_scale_for_each_index_of_an_axis(void **state)
{
    const struct fsn__tensor x = F32((2, 3, 2), 1, 2, 10, 20, 30, 40, -1, -2, 5, 6, 7, 8);
    const struct fsn__tensor scale = F32((3), 1, 10, 2), zero = U8((3), 0, 1, 100);
    const struct fsn__tensor y = U8((2, 3, 2), 1, 2, 2, 3, 115, 120, 0, 0, 1, 2, 104, 104);

    (void)state;
    /* 5 / 10 is 0.5 and 6 / 10 is 0.6; 7 / 2 is 3.5 and goes to 4 */
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, scale, zero)}, y);
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, scale, zero), ATTRS(ATTR_I("axis", -2))},
              y);
    /* one element is for all, whatever the axis */
    op_expect(&(struct op_call){"QuantizeLinear", IN(F32((2), 3, 4), F32((1), 2), U8((1), 1))},
              U8((2), 3, 3));
}

static void quantize_takes_a_scale_for_each_block(void **state)
{
    const struct fsn__attr axis = ATTR_I("axis", 1), block = ATTR_I("block_size", 2);
    const struct fsn__tensor x = F32((2, 3), 2, 4, 6, 20, 40, 60);
    const struct fsn__tensor columns = F32((2, 2, 2), 1, 2, 3, 4, 10, 20, 30, 40);

    (void)state;
    /* blocks [2 4] [6] of the first row and [20 40] [60] of the second */
    op_expect(
        &(struct op_call){"QuantizeLinear", IN(x, F32((2, 2), 1, 2, 4, 10)), ATTRS(axis, block)},
        U8((2, 3), 2, 4, 3, 5, 10, 6));
    /* along the first axis each block spans both rows */
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, F32((1, 3), 1, 2, 3), U8((1, 3), 0, 1, 2)),
                                ATTRS(ATTR_I("axis", 0), block)},
              U8((2, 3), 2, 3, 4, 20, 21, 22));
    /* with an axis behind the blocks, every column has its own scales */
    op_expect(&(struct op_call){"QuantizeLinear", IN(columns, F32((2, 1, 2), 1, 2, 10, 5)),
                                ATTRS(axis, block)},
              U8((2, 2, 2), 1, 1, 3, 2, 1, 4, 3, 8));
}

static void quantize_takes_integers_and_an_output_type(void **state)
{
    enum { INT16 = 5, FLOAT8 = 17, UINT4 = 21 }; /* TensorProto.DataType */
    const struct fsn__tensor x = I32((3), -300, 5, 300), scale = SCALAR(I32, int32_t, 2);
    const struct fsn__attr wide = ATTR_I("output_dtype", INT16);

    (void)state;
    op_expect(&(struct op_call){"QuantizeLinear", IN(x, scale), ATTRS(wide)},
              I16((3), -150, 2, 150));
    op_expect(&(struct op_call){"QuantizeLinear", IN(SHAPE(F32, (N, 3)), ONE), ATTRS(wide)},
              SHAPE(I16, (N, 3)));
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, scale), ATTRS(ATTR_I("output_dtype", 17))},
              FSN_UNSUPPORTED, "QuantizeLinear 'node': output_dtype = 17 is not supported");
    op_refuse(
        &(struct op_call){"QuantizeLinear", IN(x, scale), ATTRS(ATTR_I("output_dtype", UINT4))},
        FSN_UNSUPPORTED, "output_dtype = 21 is not supported");
    op_refuse(
        &(struct op_call){"QuantizeLinear", IN(x, scale, SCALAR(U8, uint8_t, 0)), ATTRS(wide)},
        FSN_SHAPE, "its zero point is uint8, expected int16");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, scale, SCALAR(I32, int32_t, 0))},
              FSN_UNSUPPORTED, "its zero point is int32: an 8- or 16-bit integer expected");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, scale), ATTRS(ATTR_I("precision", FLOAT8))},
              FSN_UNSUPPORTED, "precision = 17 is not supported");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(F64((1), 1), ONE)}, FSN_UNSUPPORTED,
              "its input is float64");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, SCALAR(F64, double, 1))}, FSN_UNSUPPORTED,
              "its scale is float64");
}

static void a_scale_that_does_not_fit_is_refused(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 4)), two = F32((2), 1, 1);
    const struct fsn__attr block = ATTR_I("block_size", 2);

    (void)state;
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, two)}, FSN_SHAPE,
              "its scale has shape [2], expected one element or [3], for axis 1 of [N,3,4]");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, two), ATTRS(ATTR_I("axis", 3))}, FSN_SHAPE,
              "axis 3 is outside a tensor of 3 dimensions");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, two), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "has a scale for each image of the batch");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, two), ATTRS(block)}, FSN_SHAPE,
              "does not fit blocks of 2 along axis 1 of [N,3,4]");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, two), ATTRS(ATTR_I("block_size", -1))},
              FSN_INVALID, "block_size is -1");
    op_refuse(&(struct op_call){"QuantizeLinear", IN(x, F32((3), 1, 1, 1), U8((2), 1, 1))},
              FSN_SHAPE, "its zero point has shape [2], its scale [3]");
}

/* ---- DequantizeLinear --------------------------------------------------------------------------
 */

static void dequantize_takes_zero_off_and_scales(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"DequantizeLinear",
                                IN(U8((3), 0, 128, 255), HALF, SCALAR(U8, uint8_t, 128))},
              F32((3), -64, 0, 63.5f));
    op_expect(&(struct op_call){"DequantizeLinear", IN(I8((2), -128, 127), HALF)},
              F32((2), -64, 63.5f));
    op_expect(&(struct op_call){"DequantizeLinear",
                                IN(U16((2), 0, 65535), HALF, SCALAR(U16, uint16_t, 32767))},
              F32((2), -16383.5f, 16384));
    op_expect(&(struct op_call){"DequantizeLinear",
                                IN(I16((2), -300, 300), HALF, SCALAR(I16, int16_t, -1024))},
              F32((2), 362, 662));
    /* the difference is formed in integers: 2^30 + 2^30 */
    op_expect(&(struct op_call){"DequantizeLinear",
                                IN(I32((2), 1 << 30, 3), ONE, SCALAR(I32, int32_t, -(1 << 30)))},
              F32((2), 2147483648.0f, 1073741827.0f));
}

static void dequantize_takes_scales_by_axis_and_by_block(void **state)
{
    const struct fsn__tensor x = U8((2, 3), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"DequantizeLinear", IN(x, F32((3), 1, 10, 100), U8((3), 1, 2, 0))},
              F32((2, 3), 0, 0, 300, 3, 30, 600));
    op_expect(
        &(struct op_call){"DequantizeLinear", IN(x, F32((2), 1, 10)), ATTRS(ATTR_I("axis", 0))},
        F32((2, 3), 1, 2, 3, 40, 50, 60));
    op_expect(&(struct op_call){"DequantizeLinear",
                                IN(x, F32((2, 2), 1, 10, 100, 1000), U8((2, 2), 0, 1, 2, 3)),
                                ATTRS(ATTR_I("block_size", 2))},
              F32((2, 3), 1, 2, 20, 200, 300, 3000));
}

static void dequantize_refuses_what_is_no_level(void **state)
{
    const struct fsn__tensor x = U8((1), 1);

    (void)state;
    op_refuse(&(struct op_call){"DequantizeLinear", IN(F32((1), 1), ONE)}, FSN_UNSUPPORTED,
              "its input is float32, expected an integer of 8, 16 or 32 bits");
    op_refuse(&(struct op_call){"DequantizeLinear", IN(x, SCALAR(F64, double, 1))}, FSN_UNSUPPORTED,
              "its scale is float64");
    op_refuse(&(struct op_call){"DequantizeLinear", IN(x, ONE), ATTRS(ATTR_I("output_dtype", 11))},
              FSN_UNSUPPORTED, "output_dtype = 11 is not supported");
    op_refuse(&(struct op_call){"DequantizeLinear", IN(x, ONE, SCALAR(I8, int8_t, 0))}, FSN_SHAPE,
              "its zero point is int8, expected uint8");
}

/* ---- DynamicQuantizeLinear ---------------------------------------------------------------------
 */

static void expect_dynamic(struct fsn__tensor x, const uint8_t *levels, float scale, uint8_t zero)
{
    struct op_run run = {.n_out = 3};

    op_run(&run, &(struct op_call){"DynamicQuantizeLinear", IN(x)});
    assert_int_equal(run.out[0].dtype, FSN__U8);
    assert_memory_equal(run.out[0].data, levels, (size_t)fsn__numel(&run.out[0]));
    assert_int_equal(run.out[1].ndim, 0);
    assert_true(fabsf(*fsn__f32(&run.out[1]) - scale) <= 1e-7f * scale);
    assert_int_equal(run.out[2].ndim, 0);
    assert_int_equal(*(uint8_t *)run.out[2].data, zero);
    op_run_free(&run);
}

static void dynamic_quantize_spans_the_data_and_zero(void **state)
{
    (void)state;
    /* the specification's example: from -3 to 2 in steps of 5 / 255; 3 / scale = 153 */
    expect_dynamic(F32((6), 0, 2, -3, -2.5f, 1.34f, 0.5f), (uint8_t[]){153, 255, 0, 26, 221, 179},
                   0.0196078438f, 153);
    expect_dynamic(F32((2, 2), 51, 102, 153, 255), (uint8_t[]){51, 102, 153, 255}, 1, 0);
    expect_dynamic(F32((2), -255, -51), (uint8_t[]){0, 204}, 1, 255);
    expect_dynamic(F32((3), 0, 0, 0), (uint8_t[]){0, 0, 0}, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_goes_to_the_even_level_before_the_zero_point_is_added),
        cmocka_unit_test(levels_saturate),
        cmocka_unit_test(quantize_takes_a_scale_for_each_index_of_an_axis),
        cmocka_unit_test(quantize_takes_a_scale_for_each_block),
        cmocka_unit_test(quantize_takes_integers_and_an_output_type),
        cmocka_unit_test(a_scale_that_does_not_fit_is_refused),
        cmocka_unit_test(dequantize_takes_zero_off_and_scales),
        cmocka_unit_test(dequantize_takes_scales_by_axis_and_by_block),
        cmocka_unit_test(dequantize_refuses_what_is_no_level),
        cmocka_unit_test(dynamic_quantize_spans_the_data_and_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
