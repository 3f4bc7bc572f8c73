/* test_op_shape.c - Reshape, Flatten, Squeeze, Unsqueeze, Shape, ConstantOfShape, Range, Cast,
 * CastLike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>

#define N FSN_BATCH

/* ---- Reshape -------------------------------------------------------------------------------- */

static void reshape_keeps_the_elements_in_order(void **state)
{
    struct fsn__tensor x = F32((2, 3), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), 3, 2))}, F32((3, 2), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Reshape", IN(x, I64((3), 1, -1, 2))},
              F32((1, 3, 2), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Reshape", IN(x, I64((3), 0, 1, -1))},
              F32((2, 1, 3), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Reshape", IN(SCALAR(U8, uint8_t, 7), I64((1), -1))}, U8((1), 7));
    op_expect(&(struct op_call){"Reshape", IN(I16((1, 1), 7), EMPTY(I64, (0)))},
              SCALAR(I16, int16_t, 7));
}

static void reshape_reads_zero_as_keep_unless_allowzero(void **state)
{
    struct fsn__tensor empty = EMPTY(F32, (0, 3, 4));

    (void)state;
    op_expect(
        &(struct op_call){"Reshape", IN(empty, I64((3), 3, 4, 0)), ATTRS(ATTR_I("allowzero", 1))},
        EMPTY(F32, (3, 4, 0)));
    op_expect(&(struct op_call){"Reshape", IN(empty, I64((2), 0, 12))}, EMPTY(F32, (0, 12)));
    op_refuse(&(struct op_call){"Reshape", IN(F32((2), 1, 2), I64((2), 2, 0))}, FSN_SHAPE,
              "Reshape 'node': target axis 1 is 0 (keep), but the input [2] has no such axis");
}

static void reshape_refuses_a_target_that_does_not_fit(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (2, 3));

    (void)state;
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), 4, 2))}, FSN_SHAPE,
              "Reshape 'node': input [2,3] does not fit into [4,2]");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), 4, -1))}, FSN_SHAPE,
              "input [2,3] does not fit into [4,-1]");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), -1, -1))}, FSN_SHAPE,
              "its target has more than one -1");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), -2, 3))}, FSN_SHAPE,
              "target axis 0 is -2");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((3), 3, INT64_MAX, INT64_MAX))}, FSN_LIMIT,
              "is too large");
    op_refuse(&(struct op_call){"Reshape", IN(SHAPE(F32, (0, 3)), I64((2), 0, -1)),
                                ATTRS(ATTR_I("allowzero", 1))},
              FSN_SHAPE, "does not fit");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((9), 1, 1, 1, 1, 1, 1, 1, 2, 3))}, FSN_LIMIT,
              "its shape input has 9 elements, at most 8 are taken");
    op_refuse(&(struct op_call){"Reshape", IN(x, F32((2), 3, 2))}, FSN_SHAPE,
              "its shape input is float32, expected int64 or int32");
    op_refuse(&(struct op_call){"Reshape", IN(x, SCALAR(I64, int64_t, 6))}, FSN_SHAPE,
              "its shape input has shape [], expected one dimension");
    op_refuse(&(struct op_call){"Reshape", IN(x, SHAPE(I64, (2)))}, FSN_UNSUPPORTED,
              "Reshape 'node': its shape input must be constant");
}

static void reshape_keeps_a_symbolic_batch_in_front(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 512, 1, 1)), want = SHAPE(F32, (N, 512));

    (void)state;
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), N, -1))}, want);
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), -1, 512))}, want);
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), 0, -1))}, want);
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), 0, 512))}, want);
    op_expect(&(struct op_call){"Reshape", IN(x, I64((4), N, 2, -1, 4))},
              SHAPE(F32, (N, 2, 64, 4)));
}

static void reshape_refuses_to_mix_a_symbolic_batch_with_other_axes(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 512, 1, 1));

    (void)state;
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), 1, 512))}, FSN_UNSUPPORTED,
              "Reshape 'node': input [N,512,1,1] to [1,512] would lose the batch axis");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), 1, -1))}, FSN_UNSUPPORTED,
              "would lose the batch axis");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), -1, 256))}, FSN_SHAPE,
              "input [N,512,1,1] does not fit into [N,256]");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((1), -1))}, FSN_SHAPE,
              "input [N,512,1,1] does not fit into [N]");
    op_refuse(&(struct op_call){"Reshape", IN(x, I64((2), -1, N))}, FSN_UNSUPPORTED,
              "moves the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Reshape", IN(x, EMPTY(I64, (0)))}, FSN_UNSUPPORTED,
              "would lose the batch axis");
}

static void reshape_reads_the_batch_size_as_keep_once_the_batch_is_known(void **state)
{
    struct fsn__tensor x = F32((2, 3, 1), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), N, -1))}, F32((2, 3), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Reshape", IN(x, I64((2), N, 3))}, F32((2, 3), 1, 2, 3, 4, 5, 6));
    op_refuse(&(struct op_call){"Reshape", IN(SCALAR(F32, float, 1), I64((1), N))}, FSN_SHAPE,
              "cannot make a scalar a batch");
}

static void reshape_carries_a_symbolic_batch_inside_a_shape(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Reshape", IN(I64((2), N, 64), I64((2), 2, 1))},
              I64((2, 1), N, 64));
}

/* ---- Flatten -------------------------------------------------------------------------------- */

static void flatten_splits_at_the_axis(void **state)
{
    struct fsn__tensor x = I8((2, 1, 3), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Flatten", IN(x)}, I8((2, 3), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Flatten", IN(x), ATTRS(ATTR_I("axis", 0))},
              I8((1, 6), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Flatten", IN(x), ATTRS(ATTR_I("axis", 3))},
              I8((6, 1), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Flatten", IN(x), ATTRS(ATTR_I("axis", -1))},
              I8((2, 3), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Flatten", IN(SCALAR(F32, float, 5)), ATTRS(ATTR_I("axis", 0))},
              F32((1, 1), 5));
    op_refuse(&(struct op_call){"Flatten", IN(x), ATTRS(ATTR_I("axis", 4))}, FSN_SHAPE,
              "Flatten 'node': axis 4 is outside a tensor of 3 dimensions");
}

static void flatten_keeps_a_symbolic_batch(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Flatten", IN(SHAPE(F32, (N, 8, 2, 2)))}, SHAPE(F32, (N, 32)));
    op_expect(&(struct op_call){"Flatten", IN(SHAPE(F32, (N, 1, 8))), ATTRS(ATTR_I("axis", 2))},
              SHAPE(F32, (N, 8)));
    op_refuse(&(struct op_call){"Flatten", IN(SHAPE(F32, (N, 8, 2))), ATTRS(ATTR_I("axis", 2))},
              FSN_UNSUPPORTED, "Flatten 'node': axis 2 of input [N,8,2] would lose the batch axis");
    op_refuse(&(struct op_call){"Flatten", IN(SHAPE(F32, (N, 8))), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "would lose the batch axis");
}

/* ---- Squeeze, Unsqueeze --------------------------------------------------------------------- */

static void squeeze_drops_unit_axes(void **state)
{
    struct fsn__tensor x = F32((1, 2, 1, 1), 3, 4);

    (void)state;
    op_expect(&(struct op_call){"Squeeze", IN(x)}, F32((2), 3, 4));
    op_expect(&(struct op_call){"Squeeze", IN(x, I64((2), 0, -1))}, F32((2, 1), 3, 4));
    op_expect(&(struct op_call){"Squeeze", IN(x, EMPTY(I64, (0)))}, F32((1, 2, 1, 1), 3, 4));
    op_refuse(&(struct op_call){"Squeeze", IN(x, I64((1), 1))}, FSN_SHAPE,
              "Squeeze 'node': axis 1 of input [1,2,1,1] is not 1");
    op_refuse(&(struct op_call){"Squeeze", IN(x, I64((2), 0, -4))}, FSN_SHAPE,
              "axis 0 is named twice");
    op_refuse(&(struct op_call){"Squeeze", IN(x, I64((1), 4))}, FSN_SHAPE,
              "axis 4 is outside a tensor of 4 dimensions");
    op_refuse(&(struct op_call){"Squeeze", IN(x, SHAPE(I64, (1)))}, FSN_UNSUPPORTED,
              "its axes input must be constant");
}

static void squeeze_keeps_a_symbolic_batch(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 8, 1, 1));

    (void)state;
    op_expect(&(struct op_call){"Squeeze", IN(x, I64((2), 2, 3))}, SHAPE(F32, (N, 8)));
    op_refuse(&(struct op_call){"Squeeze", IN(x)}, FSN_UNSUPPORTED,
              "Squeeze 'node': without axes it would lose the batch axis");
    op_refuse(&(struct op_call){"Squeeze", IN(x, I64((1), 0))}, FSN_UNSUPPORTED,
              "would lose the batch axis");
}

static void unsqueeze_counts_axes_in_its_output(void **state)
{
    struct fsn__tensor x = I64((2), N, 4);

    (void)state;
    op_expect(&(struct op_call){"Unsqueeze", IN(x, I64((1), 0))}, I64((1, 2), N, 4));
    op_expect(&(struct op_call){"Unsqueeze", IN(x, I64((2), -1, 1))}, I64((2, 1, 1), N, 4));
    op_expect(&(struct op_call){"Unsqueeze", IN(SCALAR(F32, float, 3), I64((1), 0))}, F32((1), 3));
    op_refuse(&(struct op_call){"Unsqueeze", IN(x, I64((1), 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
    op_refuse(&(struct op_call){"Unsqueeze", IN(x, I64((8), 0, 1, 2, 3, 4, 5, 6, 7))}, FSN_LIMIT,
              "Unsqueeze 'node': its output has 9 dimensions, at most 8 are taken");
}

static void unsqueeze_keeps_a_symbolic_batch_in_front(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Unsqueeze", IN(SHAPE(F32, (N, 8)), I64((2), 2, 3))},
              SHAPE(F32, (N, 8, 1, 1)));
    op_refuse(&(struct op_call){"Unsqueeze", IN(SHAPE(F32, (N, 8)), I64((1), 0))}, FSN_UNSUPPORTED,
              "Unsqueeze 'node': moves the batch axis, which is not supported");
}

/* ---- Shape ---------------------------------------------------------------------------------- */

static void shape_lists_the_sizes_and_the_symbolic_batch(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 3, 32, 16));

    (void)state;
    op_expect(&(struct op_call){"Shape", IN(x)}, I64((4), N, 3, 32, 16));
    op_expect(&(struct op_call){"Shape", IN(SHAPE(U8, (5)))}, I64((1), 5));
    op_expect(&(struct op_call){"Shape", IN(SCALAR(F32, float, 1))}, EMPTY(I64, (0)));
}

static void shape_start_and_end_are_clamped(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 3, 32, 16));

    (void)state;
    op_expect(&(struct op_call){"Shape", IN(x), ATTRS(ATTR_I("start", 1))}, I64((3), 3, 32, 16));
    op_expect(&(struct op_call){"Shape", IN(x), ATTRS(ATTR_I("end", -1))}, I64((3), N, 3, 32));
    op_expect(&(struct op_call){"Shape", IN(x), ATTRS(ATTR_I("start", -2), ATTR_I("end", 9))},
              I64((2), 32, 16));
    op_expect(&(struct op_call){"Shape", IN(x), ATTRS(ATTR_I("start", -9), ATTR_I("end", 1))},
              I64((1), N));
    op_expect(&(struct op_call){"Shape", IN(x), ATTRS(ATTR_I("start", 3), ATTR_I("end", 2))},
              EMPTY(I64, (0)));
}

/* ---- ConstantOfShape, Range ----------------------------------------------------------------- */

static void constant_of_shape_repeats_its_value(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"ConstantOfShape", IN(I64((2), 2, 2))}, F32((2, 2), 0, 0, 0, 0));
    op_expect(
        &(struct op_call){"ConstantOfShape", IN(I64((1), 3)), ATTRS(ATTR_T("value", I64((1), -7)))},
        I64((3), -7, -7, -7));
    op_expect(&(struct op_call){"ConstantOfShape", IN(EMPTY(I64, (0))),
                                ATTRS(ATTR_T("value", U8((1), 9)))},
              SCALAR(U8, uint8_t, 9));
    op_expect(&(struct op_call){"ConstantOfShape", IN(I64((2), 0, 2))}, EMPTY(F32, (0, 2)));
    op_refuse(&(struct op_call){"ConstantOfShape", IN(I64((1), 2)),
                                ATTRS(ATTR_T("value", I64((2), 1, 2)))},
              FSN_INVALID, "its value must be a tensor of one element");
    op_refuse(&(struct op_call){"ConstantOfShape", IN(I64((1), -1))}, FSN_SHAPE,
              "output shape [-1] has a negative size");
    op_refuse(&(struct op_call){"ConstantOfShape", IN(I64((2), INT64_MAX, 3))}, FSN_LIMIT,
              "is too large");
    op_refuse(&(struct op_call){"ConstantOfShape", IN(I64((3), 0, INT64_MAX, 3))}, FSN_LIMIT,
              "is too large");
    op_refuse(&(struct op_call){"ConstantOfShape", IN(I64((2), N, 3))}, FSN_UNSUPPORTED,
              "makes a constant of the batch size, which is not fixed");
}

#define RANGE(code, type, start, limit, delta)                                                  \
    {                                                                                           \
        "Range",                                                                                \
            IN(SCALAR(code, type, start), SCALAR(code, type, limit), SCALAR(code, type, delta)) \
    }

static void range_stops_before_the_limit(void **state)
{
    (void)state;
    op_expect(&(struct op_call)RANGE(I64, int64_t, 2, 9, 3), I64((3), 2, 5, 8));
    op_expect(&(struct op_call)RANGE(I32, int32_t, 10, 6, -3), I32((2), 10, 7));
    op_expect(&(struct op_call)RANGE(I16, int16_t, 4, 4, 1), EMPTY(I16, (0)));
    op_expect(&(struct op_call)RANGE(I64, int64_t, 4, 9, -1), EMPTY(I64, (0)));
    op_expect(&(struct op_call)RANGE(F32, float, 1, 2, 0.25f), F32((4), 1, 1.25f, 1.5f, 1.75f));
    op_expect(&(struct op_call)RANGE(F64, double, 0, 1.1, 0.5), F64((3), 0, 0.5, 1));
    op_expect(&(struct op_call)RANGE(I64, int64_t, INT64_MAX - 1, INT64_MAX, 7),
              I64((1), INT64_MAX - 1));
}

static void range_refuses_what_has_no_end(void **state)
{
    (void)state;
    op_refuse(&(struct op_call)RANGE(I64, int64_t, 0, 5, 0), FSN_INVALID,
              "Range 'node': its start, limit and delta give no finite number of elements");
    op_refuse(&(struct op_call)RANGE(F32, float, 0, 5, 0), FSN_INVALID, "no finite number");
    op_refuse(&(struct op_call)RANGE(F32, float, 0, INFINITY, 1), FSN_INVALID, "no finite number");
    op_refuse(&(struct op_call)RANGE(F32, float, 0, NAN, 1), FSN_INVALID, "no finite number");
    op_refuse(&(struct op_call)RANGE(I64, int64_t, -INT64_MAX, INT64_MAX, 1), FSN_INVALID,
              "no finite number");
    op_refuse(&(struct op_call)RANGE(I64, int64_t, 0, N, 1), FSN_UNSUPPORTED,
              "computes with the batch size, which is not fixed");
    op_refuse(&(struct op_call)RANGE(U8, uint8_t, 0, 3, 1), FSN_SHAPE, "inputs are uint8");
    op_refuse(&(struct op_call){"Range", IN(SCALAR(I64, int64_t, 0), SHAPE(I64, (1)),
                                            SCALAR(I64, int64_t, 1))},
              FSN_UNSUPPORTED, "its limit input must be constant");
    op_refuse(&(struct op_call){"Range", IN(SCALAR(I64, int64_t, 0), SCALAR(I32, int32_t, 3),
                                            SCALAR(I64, int64_t, 1))},
              FSN_SHAPE, "its limit is int32 [], expected one int64");
}

static void non_zero_lists_places(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"NonZero", IN(F32((2, 3), 0, 1, -0.0f, NAN, 0, -2))},
              I64((2, 3), 0, 1, 1, 1, 0, 2));
    op_expect(&(struct op_call){"NonZero", IN(F64((3), 0, 1e-300, 0))}, I64((1, 1), 1));
    op_expect(&(struct op_call){"NonZero", IN(I64((4), 1, 1, 1, 1))}, I64((1, 4), 0, 1, 2, 3));
    op_expect(&(struct op_call){"NonZero", IN(U8((2), 0, 0))}, EMPTY(I64, (1, 0)));
    op_expect(&(struct op_call){"NonZero", IN(SCALAR(F32, float, 5))}, EMPTY(I64, (0, 1)));
    op_refuse(&(struct op_call){"NonZero", IN(SHAPE(F32, (2, 3)))}, FSN_UNSUPPORTED,
              "NonZero 'node': its input must be constant");
}

/* ---- Cast ----------------------------------------------------------------------------------- */

enum {
    TO_F32 = 1,
    TO_U8,
    TO_I8,
    TO_U16,
    TO_I16,
    TO_I32,
    TO_I64,
    TO_BOOL = 9,
    TO_F64 = 11,
    TO_U32,
    TO_U64
};

#define CAST(x, to_type) (&(struct op_call){"Cast", IN(x), ATTRS(ATTR_I("to", to_type))})

static void cast_float_to_integer_truncates_and_saturates(void **state)
{
    struct fsn__tensor x = F32((7), -1.9f, 1.9f, 300, -300, NAN, INFINITY, -INFINITY);
    struct fsn__tensor huge = F64((4), 1e30, -1e30, 0x1p63, -0x1p63);

    (void)state;
    op_expect(CAST(x, TO_I8), I8((7), -1, 1, 127, -128, 0, 127, -128));
    op_expect(CAST(x, TO_U8), U8((7), 0, 1, 255, 0, 0, 255, 0));
    op_expect(CAST(x, TO_I16), I16((7), -1, 1, 300, -300, 0, INT16_MAX, INT16_MIN));
    op_expect(CAST(x, TO_U16), U16((7), 0, 1, 300, 0, 0, UINT16_MAX, 0));
    op_expect(CAST(x, TO_I32), I32((7), -1, 1, 300, -300, 0, INT32_MAX, INT32_MIN));
    op_expect(CAST(x, TO_U32), U32((7), 0, 1, 300, 0, 0, UINT32_MAX, 0));
    op_expect(CAST(huge, TO_I64), I64((4), INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN));
    op_expect(CAST(huge, TO_U64), U64((4), UINT64_MAX, 0, UINT64_C(1) << 63, 0));
}

static void cast_between_integers_keeps_the_low_bits(void **state)
{
    (void)state;
    op_expect(CAST(I64((3), 300, -1, 128), TO_U8), U8((3), 44, 255, 128));
    op_expect(CAST(I32((2), 200, -200), TO_I8), I8((2), -56, 56));
    op_expect(CAST(U64((1), UINT64_MAX), TO_I64), I64((1), -1));
    op_expect(CAST(I8((1), -1), TO_U64), U64((1), UINT64_MAX));
    op_expect(CAST(U16((1), 65535), TO_I32), I32((1), 65535));
}

static void cast_to_float_rounds_to_nearest(void **state)
{
    (void)state;
    op_expect(CAST(I64((2), -3, INT64_C(1) << 40), TO_F32), F32((2), -3, 0x1p40f));
    op_expect(CAST(U64((1), UINT64_MAX), TO_F64), F64((1), 0x1p64));
    op_expect(CAST(F64((2), 0.1, 1e300), TO_F32), F32((2), 0.1f, INFINITY));
    op_expect(CAST(F32((1), 0.5f), TO_F64), F64((1), 0.5));
    op_expect(CAST(BOOL((2), 0, 1), TO_F32), F32((2), 0, 1));
}

static void cast_to_bool_asks_whether_it_is_not_zero(void **state)
{
    (void)state;
    op_expect(CAST(F32((4), 0, -0.0f, 0.1f, NAN), TO_BOOL), BOOL((4), 0, 0, 1, 1));
    op_expect(CAST(I64((3), 0, 256, -1), TO_BOOL), BOOL((3), 0, 1, 1));
}

static void cast_works_across_blocks(void **state)
{
    enum { COUNT = 1030 };
    int64_t from[COUNT];
    float to[COUNT];
    struct op_call call = {"Cast", IN(SHAPE(I64, (COUNT))), ATTRS(ATTR_I("to", TO_F32))};
    struct fsn__tensor want = SHAPE(F32, (COUNT));

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        from[i] = 3 * i - 1000;
        to[i] = (float)(3 * i - 1000);
    }
    call.in[0].data = from;
    want.data = to;
    op_expect(&call, want);
}

static void cast_carries_a_symbolic_batch_only_as_int64(void **state)
{
    (void)state;
    op_expect(CAST(I64((2), N, 3), TO_I64), I64((2), N, 3));
    op_expect(CAST(SHAPE(F32, (N, 3)), TO_F64), SHAPE(F64, (N, 3)));
    op_refuse(CAST(I64((2), N, 3), TO_I32), FSN_UNSUPPORTED,
              "Cast 'node': computes with the batch size, which is not fixed");
}

static void cast_refuses_types_that_the_engine_does_not_have(void **state)
{
    (void)state;
    op_refuse(CAST(F32((1), 1), 10), FSN_UNSUPPORTED,
              "Cast 'node': to = 10 (float16) is not an element type of the engine");
    op_refuse(CAST(F32((1), 1), 16), FSN_UNSUPPORTED, "to = 16 (bfloat16)");
    op_refuse(CAST(F32((1), 1), 8), FSN_UNSUPPORTED, "to = 8 is not");
    op_refuse(CAST(F32((1), 1), -1), FSN_UNSUPPORTED, "to = -1 is not");
    op_refuse(&(struct op_call){"Cast", IN(F32((1), 1))}, FSN_UNSUPPORTED, "to = 0 is not");
}

static void cast_like_takes_the_type_of_its_other_input(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"CastLike", IN(F32((3), -1.5f, 0, 300), U8((1), 7))},
              U8((3), 0, 0, 255));
    op_expect(&(struct op_call){"CastLike", IN(I64((2), 3, -4), F32((1, 1), 7))}, F32((2), 3, -4));
    op_expect(&(struct op_call){"CastLike", IN(SHAPE(F32, (N, 2)), SHAPE(I8, (1)))},
              SHAPE(I8, (N, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cast_like_takes_the_type_of_its_other_input),
        cmocka_unit_test(reshape_keeps_the_elements_in_order),
        cmocka_unit_test(reshape_reads_zero_as_keep_unless_allowzero),
        cmocka_unit_test(reshape_refuses_a_target_that_does_not_fit),
        cmocka_unit_test(reshape_keeps_a_symbolic_batch_in_front),
        cmocka_unit_test(reshape_refuses_to_mix_a_symbolic_batch_with_other_axes),
        cmocka_unit_test(reshape_reads_the_batch_size_as_keep_once_the_batch_is_known),
        cmocka_unit_test(reshape_carries_a_symbolic_batch_inside_a_shape),
        cmocka_unit_test(flatten_splits_at_the_axis),
        cmocka_unit_test(flatten_keeps_a_symbolic_batch),
        cmocka_unit_test(squeeze_drops_unit_axes),
        cmocka_unit_test(squeeze_keeps_a_symbolic_batch),
        cmocka_unit_test(unsqueeze_counts_axes_in_its_output),
        cmocka_unit_test(unsqueeze_keeps_a_symbolic_batch_in_front),
        cmocka_unit_test(shape_lists_the_sizes_and_the_symbolic_batch),
        cmocka_unit_test(shape_start_and_end_are_clamped),
        cmocka_unit_test(constant_of_shape_repeats_its_value),
        cmocka_unit_test(range_stops_before_the_limit),
        cmocka_unit_test(range_refuses_what_has_no_end),
        cmocka_unit_test(non_zero_lists_places),
        cmocka_unit_test(cast_float_to_integer_truncates_and_saturates),
        cmocka_unit_test(cast_between_integers_keeps_the_low_bits),
        cmocka_unit_test(cast_to_float_rounds_to_nearest),
        cmocka_unit_test(cast_to_bool_asks_whether_it_is_not_zero),
        cmocka_unit_test(cast_works_across_blocks),
        cmocka_unit_test(cast_carries_a_symbolic_batch_only_as_int64),
        cmocka_unit_test(cast_refuses_types_that_the_engine_does_not_have),
    };

    return cmocka_run_group_tests_name("op_shape", tests, NULL, NULL);
}
