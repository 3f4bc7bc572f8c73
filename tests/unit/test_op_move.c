/* test_op_move.c - Transpose, Concat, Slice, Expand, Pad, Gather. Values by hand; those of the
 * larger transposes follow from the index formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <stdlib.h>

#define N FSN_BATCH

/* ---- Transpose ------------------------------------------------------------------------------ */

static void transpose_moves_axes_by_perm_and_reverses_without(void **state)
{
    struct fsn__tensor x = F32((1, 2, 3), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Transpose", IN(x)}, F32((3, 2, 1), 1, 4, 2, 5, 3, 6));
    op_expect(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 1, 0, 2))},
              F32((2, 1, 3), 1, 2, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 0, 2, 1))},
              F32((1, 3, 2), 1, 4, 2, 5, 3, 6));
    op_expect(&(struct op_call){"Transpose", IN(SCALAR(F32, float, 3))}, SCALAR(F32, float, 3));
    op_expect(&(struct op_call){"Transpose", IN(EMPTY(F32, (2, 0)))}, EMPTY(F32, (0, 2)));
}

static void transpose_takes_every_element_size(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Transpose", IN(U8((2, 2), 1, 2, 3, 4))}, U8((2, 2), 1, 3, 2, 4));
    op_expect(&(struct op_call){"Transpose", IN(I16((2, 2), 1, 2, 3, 4))}, I16((2, 2), 1, 3, 2, 4));
    op_expect(&(struct op_call){"Transpose", IN(F64((2, 2), 1, 2, 3, 4))}, F64((2, 2), 1, 3, 2, 4));
    op_expect(&(struct op_call){"Transpose", IN(BOOL((2, 2), 0, 1, 0, 1))},
              BOOL((2, 2), 0, 0, 1, 1));
}

/* NHWC to NCHW, large enough for the threads to share. */
static void transpose_is_shared_by_the_threads(void **state)
{
    enum { B = 3, H = 37, W = 41, C = 7, COUNT = B * H * W * C };
    int32_t *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    struct op_call call = {"Transpose", IN(SHAPE(I32, (B, H, W, C))),
                           ATTRS(ATTR_INTS("perm", 0, 3, 1, 2))};
    struct fsn__tensor want = SHAPE(I32, (B, C, H, W));

    (void)state;
    assert_true(x && y);
    for (int i = 0; i < COUNT; i++) {
        int c = i % C, w = i / C % W, h = i / C / W % H, b = i / C / W / H;

        x[i] = i;
        y[((b * C + c) * H + h) * W + w] = i;
    }
    call.in[0].data = x;
    want.data = y;
    op_expect(&call, want);
    free(x);
    free(y);
}

static void transpose_refuses_a_perm_that_is_none(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (2, 3));

    (void)state;
    op_refuse(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 1, 1))}, FSN_SHAPE,
              "Transpose 'node': axis 1 is named twice");
    op_refuse(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 0, 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
    op_refuse(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 0))}, FSN_SHAPE,
              "perm has 1 axes, input [2,3] has 2");
}

static void transpose_keeps_a_symbolic_batch_in_front(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 2, 3));

    (void)state;
    op_expect(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 0, 2, 1))},
              SHAPE(F32, (N, 3, 2)));
    op_refuse(&(struct op_call){"Transpose", IN(x), ATTRS(ATTR_INTS("perm", 1, 0, 2))},
              FSN_UNSUPPORTED, "Transpose 'node': moves the batch axis, which is not supported");
}

/* ---- Concat --------------------------------------------------------------------------------- */

static void concat_joins_along_its_axis(void **state)
{
    struct fsn__tensor a = F32((2, 2), 1, 2, 3, 4), b = F32((2, 1), 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Concat", IN(a, b), ATTRS(ATTR_I("axis", 1))},
              F32((2, 3), 1, 2, 5, 3, 4, 6));
    op_expect(&(struct op_call){"Concat", IN(a, b, a), ATTRS(ATTR_I("axis", -1))},
              F32((2, 5), 1, 2, 5, 1, 2, 3, 4, 6, 3, 4));
    op_expect(&(struct op_call){"Concat", IN(a, a), ATTRS(ATTR_I("axis", 0))},
              F32((4, 2), 1, 2, 3, 4, 1, 2, 3, 4));
    op_expect(&(struct op_call){"Concat", IN(a), ATTRS(ATTR_I("axis", 0))}, a);
    op_expect(&(struct op_call){"Concat", IN(I64((1), N), EMPTY(I64, (0)), I64((2), -1, 4)),
                                ATTRS(ATTR_I("axis", 0))},
              I64((3), N, -1, 4));
}

static void concat_refuses_inputs_that_do_not_fit(void **state)
{
    struct fsn__tensor a = SHAPE(F32, (2, 2)), b = SHAPE(F32, (3, 1));

    (void)state;
    op_refuse(&(struct op_call){"Concat", IN(a, b), ATTRS(ATTR_I("axis", 1))}, FSN_SHAPE,
              "Concat 'node': input 1 is [3,1], input 0 is [2,2]: only axis 1 may differ");
    op_refuse(&(struct op_call){"Concat", IN(a, SHAPE(F32, (2))), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "input 1 is [2], input 0 is [2,2]");
    op_refuse(&(struct op_call){"Concat", IN(a, SHAPE(I64, (2, 2))), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "input 1 is int64, input 0 is float32");
    op_refuse(&(struct op_call){"Concat", IN(a, a), ATTRS(ATTR_I("axis", 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
    op_refuse(&(struct op_call){"Concat", IN(a, ABSENT), ATTRS(ATTR_I("axis", 1))}, FSN_FORMAT,
              "input 1 is missing");
    op_refuse(&(struct op_call){"Concat", IN(a, a)}, FSN_INVALID, "the attribute axis is missing");
    op_refuse(&(struct op_call){"Concat", IN(SHAPE(F32, (INT64_MAX)), SHAPE(F32, (1))),
                                ATTRS(ATTR_I("axis", 0))},
              FSN_LIMIT, "the joined axis 0 is too long");
}

static void concat_keeps_a_symbolic_batch(void **state)
{
    struct fsn__tensor a = SHAPE(F32, (N, 2)), b = SHAPE(F32, (N, 3));

    (void)state;
    op_expect(&(struct op_call){"Concat", IN(a, b), ATTRS(ATTR_I("axis", 1))}, SHAPE(F32, (N, 5)));
    op_refuse(&(struct op_call){"Concat", IN(a, a), ATTRS(ATTR_I("axis", 0))}, FSN_UNSUPPORTED,
              "Concat 'node': joins along the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Concat", IN(SHAPE(F32, (1, 2)), a), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "joins along the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Concat", IN(a, SHAPE(F32, (1, 3))), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "input 1 is [1,3], input 0 is [N,2]");
}

/* ---- Slice ---------------------------------------------------------------------------------- */

/* The examples of ONNX's operator page first. */
static void slice_cuts_with_clamped_bounds(void **state)
{
    struct fsn__tensor x = F32((2, 4), 1, 2, 3, 4, 5, 6, 7, 8);

    (void)state;
    op_expect(&(struct op_call){"Slice", IN(x, I64((2), 1, 0), I64((2), 2, 3), I64((2), 0, 1),
                                            I64((2), 1, 2))},
              F32((1, 2), 5, 7));
    op_expect(&(struct op_call){"Slice", IN(x, I64((2), 0, 1), I64((2), -1, 1000))},
              F32((1, 3), 2, 3, 4));
    op_expect(&(struct op_call){"Slice", IN(x, I32((1), -3), I32((1), -1), I32((1), -1))},
              F32((2, 2), 2, 3, 6, 7));
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 9), I64((1), 20), I64((1), 1))},
              EMPTY(F32, (2, 0)));
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 2), I64((1), 1), I64((1), 1))},
              EMPTY(F32, (2, 0)));
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 1), I64((1), 4), ABSENT, I64((1), 1))},
              F32((1, 4), 5, 6, 7, 8));
    op_expect(&(struct op_call){"Slice",
                                IN(x, I64((1), 1), I64((1), 4), I64((1), 1), I64((1), INT64_MAX))},
              F32((2, 1), 2, 6));
}

static void slice_goes_backwards_with_a_negative_step(void **state)
{
    struct fsn__tensor x = I64((5), 10, 11, 12, 13, 14);
    struct fsn__tensor zero = I64((1), 0);

    (void)state;
    op_expect(
        &(struct op_call){"Slice", IN(x, I64((1), -1), I64((1), INT64_MIN), zero, I64((1), -1))},
        I64((5), 14, 13, 12, 11, 10));
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 3), I64((1), 0), zero, I64((1), -2))},
              I64((2), 13, 11));
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 100), I64((1), -100), zero, I64((1), -4))},
              I64((2), 14, 10));
    op_expect(
        &(struct op_call){"Slice", IN(x, I64((1), 4), I64((1), 0), zero, I64((1), INT64_MIN))},
        I64((1), 14));
    op_expect(&(struct op_call){"Slice", IN(EMPTY(I64, (0)), I64((1), -1), I64((1), -9), zero,
                                            I64((1), -1))},
              EMPTY(I64, (0)));
}

static void slice_refuses_what_makes_no_sense(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (2, 4)), one = I64((1), 1);

    (void)state;
    op_refuse(&(struct op_call){"Slice", IN(x, one, one, one, I64((1), 0))}, FSN_INVALID,
              "Slice 'node': its step along axis 1 is 0");
    op_refuse(&(struct op_call){"Slice", IN(x, one, I64((2), 1, 2))}, FSN_SHAPE,
              "has 1 starts, 2 ends, 1 axes and 1 steps, expected as many of each");
    op_refuse(&(struct op_call){"Slice", IN(x, one, one, I64((1), 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
    op_refuse(&(struct op_call){"Slice", IN(x, I64((2), 0, 0), I64((2), 1, 1), I64((2), 1, -1))},
              FSN_SHAPE, "axis 1 is named twice");
    op_refuse(&(struct op_call){"Slice", IN(x, SHAPE(I64, (1)), one)}, FSN_UNSUPPORTED,
              "Slice 'node': its starts input must be constant");
    op_refuse(&(struct op_call){"Slice", IN(x, I64((3), 0, 0, 0), I64((3), 1, 1, 1))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
}

static void slice_takes_a_symbolic_batch_only_whole(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 8)), zero = I64((1), 0);

    (void)state;
    op_expect(&(struct op_call){"Slice", IN(x, I64((1), 2), I64((1), 6), I64((1), 1))},
              SHAPE(F32, (N, 4)));
    op_expect(&(struct op_call){"Slice", IN(x, zero, I64((1), INT64_MAX), zero)}, x);
    op_expect(&(struct op_call){"Slice", IN(x, zero, I64((1), INT32_MAX), zero)}, x);
    op_expect(&(struct op_call){"Slice", IN(x, zero, I64((1), N), zero)}, x);
    op_expect(&(struct op_call){"Slice", IN(SHAPE(F32, (6, 8)), zero, I64((1), N), zero)},
              SHAPE(F32, (6, 8)));
    op_refuse(&(struct op_call){"Slice", IN(x, zero, I64((1), 1), zero)}, FSN_UNSUPPORTED,
              "Slice 'node': cuts the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Slice", IN(x, I64((1), -1), I64((1), N), zero, I64((1), -1))},
              FSN_UNSUPPORTED, "cuts the batch axis");
    op_refuse(&(struct op_call){"Slice", IN(x, zero, I64((1), N), I64((1), 1))}, FSN_UNSUPPORTED,
              "cuts axis 1 at the batch size, which is not supported");
    op_refuse(&(struct op_call){"Slice", IN(F32((2), 1, 2), zero, I64((1), N), zero)},
              FSN_UNSUPPORTED, "cuts axis 0 at the batch size");
}

static void slice_carries_a_symbolic_batch_inside_a_shape(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Slice", IN(I64((3), N, 8, 4), I64((1), 0), I64((1), 1))},
              I64((1), N));
}

/* ---- Expand --------------------------------------------------------------------------------- */

static void expand_repeats_unit_axes(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Expand", IN(F32((2, 1), 1, 2), I64((2), 2, 3))},
              F32((2, 3), 1, 1, 1, 2, 2, 2));
    op_expect(&(struct op_call){"Expand", IN(F32((2, 1), 1, 2), I64((3), 2, 1, 2))},
              F32((2, 2, 2), 1, 1, 2, 2, 1, 1, 2, 2));
    op_expect(&(struct op_call){"Expand", IN(I64((3), 1, 2, 3), I64((1), 1))}, I64((3), 1, 2, 3));
    op_expect(&(struct op_call){"Expand", IN(SCALAR(U8, uint8_t, 4), I64((1), 3))},
              U8((3), 4, 4, 4));
    op_refuse(&(struct op_call){"Expand", IN(SHAPE(F32, (2)), I64((1), 3))}, FSN_SHAPE,
              "Expand 'node': input [2] does not broadcast to [3]");
    op_refuse(&(struct op_call){"Expand", IN(SHAPE(F32, (1)), I64((1), -1))}, FSN_SHAPE,
              "output shape [-1] has a negative size");
}

static void expand_keeps_a_symbolic_batch(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Expand", IN(SHAPE(F32, (N, 1)), I64((2), N, 5))},
              SHAPE(F32, (N, 5)));
    op_expect(&(struct op_call){"Expand", IN(SHAPE(F32, (7, 1)), I64((2), N, 5))},
              SHAPE(F32, (7, 5)));
    op_expect(&(struct op_call){"Expand", IN(SHAPE(F32, (N, 1)), I64((2), 1, 5))},
              SHAPE(F32, (N, 5)));
    op_refuse(&(struct op_call){"Expand", IN(F32((1, 2), 1, 2), I64((2), N, 2))}, FSN_UNSUPPORTED,
              "Expand 'node': expands [1,2] to the batch size, which is not fixed");
    op_refuse(&(struct op_call){"Expand", IN(SHAPE(F32, (N, 2)), I64((3), 4, 1, 2))},
              FSN_UNSUPPORTED, "moves the batch axis, which is not supported");
}

/* ---- Pad ------------------------------------------------------------------------------------ */

static void pad_surrounds_with_a_constant(void **state)
{
    struct fsn__tensor x = F32((2, 2), 1, 2, 3, 4), pads = I64((4), 1, 0, 0, 2);

    (void)state;
    op_expect(&(struct op_call){"Pad", IN(x, pads)},
              F32((3, 4), 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0));
    op_expect(&(struct op_call){"Pad", IN(x, pads, SCALAR(F32, float, 9))},
              F32((3, 4), 9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9));
    op_expect(&(struct op_call){"Pad", IN(I64((1), 5), I64((2), 1, 1), I64((1), -3))},
              I64((3), -3, 5, -3));
    op_expect(&(struct op_call){"Pad", IN(x, I64((2), 1, 0), ABSENT, I64((1), -1))},
              F32((2, 3), 0, 1, 2, 0, 3, 4));
    op_expect(&(struct op_call){"Pad", IN(EMPTY(F32, (0)), I64((2), 1, 1))}, F32((2), 0, 0));
    op_expect(&(struct op_call){"Pad", IN(EMPTY(F32, (0, 1)), I64((4), 0, 0, 0, INT64_C(1) << 40))},
              EMPTY(F32, (0, (INT64_C(1) << 40) + 1)));
    op_expect(&(struct op_call){"Pad", IN(SCALAR(F32, float, 2), EMPTY(I64, (0)))},
              SCALAR(F32, float, 2));
}

static void negative_pads_crop(void **state)
{
    struct fsn__tensor x = U8((3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9);

    (void)state;
    op_expect(&(struct op_call){"Pad", IN(x, I64((4), -1, 0, 0, -1))}, U8((2, 2), 4, 5, 7, 8));
    op_expect(&(struct op_call){"Pad", IN(x, I64((4), 0, -2, 0, 1))}, U8((3, 2), 3, 0, 6, 0, 9, 0));
    op_expect(&(struct op_call){"Pad", IN(x, I64((4), 0, -3, 0, 0))}, EMPTY(U8, (3, 0)));
    op_expect(&(struct op_call){"Pad", IN(I32((2), 1, 2), I64((2), -3, 4))}, I32((3), 0, 0, 0));
    op_refuse(&(struct op_call){"Pad", IN(x, I64((4), 0, -2, 0, -2))}, FSN_SHAPE,
              "Pad 'node': pads -2 and -2 do not fit axis 1 of input [3,3]");
}

/* numpy.pad gives the same for [1, 2, 3] with (4, 5) in each mode. */
static void pad_modes_repeat_the_input(void **state)
{
    struct fsn__tensor x = F32((3), 1, 2, 3), pads = I64((2), 4, 5);

    (void)state;
    op_expect(&(struct op_call){"Pad", IN(x, pads), ATTRS(ATTR_S("mode", "edge"))},
              F32((12), 1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3));
    op_expect(&(struct op_call){"Pad", IN(x, pads), ATTRS(ATTR_S("mode", "reflect"))},
              F32((12), 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2));
    op_expect(&(struct op_call){"Pad", IN(x, pads), ATTRS(ATTR_S("mode", "wrap"))},
              F32((12), 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2));
    op_expect(
        &(struct op_call){"Pad", IN(F32((1), 7), I64((2), 1, 2)), ATTRS(ATTR_S("mode", "reflect"))},
        F32((4), 7, 7, 7, 7));
    op_expect(&(struct op_call){"Pad", IN(I16((2, 2), 1, 2, 3, 4), I64((4), 1, 1, 0, 0)),
                                ATTRS(ATTR_S("mode", "reflect"))},
              I16((3, 3), 4, 3, 4, 2, 1, 2, 4, 3, 4));
    op_expect(&(struct op_call){"Pad", IN(F32((5), 0, 1, 2, 3, 4), I64((2), -1, 2)),
                                ATTRS(ATTR_S("mode", "reflect"))},
              F32((6), 1, 2, 3, 4, 3, 2));
}

static void pad_refuses_what_it_cannot_do(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (2, 2)), pads = I64((4), 1, 1, 1, 1);

    (void)state;
    op_refuse(&(struct op_call){"Pad", IN(x, I64((3), 1, 1, 1))}, FSN_SHAPE,
              "Pad 'node': has 3 pads, expected 2 for each of 2 axes");
    op_refuse(&(struct op_call){"Pad", IN(x, pads), ATTRS(ATTR_S("mode", "mirror"))},
              FSN_UNSUPPORTED, "mode 'mirror' is none of constant, edge, reflect, wrap");
    op_refuse(&(struct op_call){"Pad", IN(x, pads, SCALAR(I64, int64_t, 0))}, FSN_SHAPE,
              "its constant value is int64, its input float32");
    op_refuse(&(struct op_call){"Pad", IN(x, pads, F32((2), 0, 0))}, FSN_SHAPE,
              "its constant value has shape [2], expected one element");
    op_refuse(&(struct op_call){"Pad", IN(SHAPE(F32, (0)), I64((2), 1, 1)),
                                ATTRS(ATTR_S("mode", "edge"))},
              FSN_SHAPE, "mode edge has nothing to repeat along axis 0 of [0]");
    op_refuse(&(struct op_call){"Pad", IN(x, I64((4), 0, INT64_MAX, 0, INT64_MAX))}, FSN_SHAPE,
              "do not fit axis 1");
    op_refuse(&(struct op_call){"Pad", IN(x, SHAPE(I64, (4)))}, FSN_UNSUPPORTED,
              "Pad 'node': its pads input must be constant");
    op_refuse(&(struct op_call){"Pad", IN(x, pads, ABSENT, I64((2), 0, 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
}

static void pad_keeps_a_symbolic_batch(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 3, 4, 4));

    (void)state;
    op_expect(&(struct op_call){"Pad", IN(x, I64((8), 0, 0, 1, 1, 0, 2, 1, 1))},
              SHAPE(F32, (N, 5, 6, 6)));
    op_refuse(&(struct op_call){"Pad", IN(x, I64((8), 1, 0, 0, 0, 0, 0, 0, 0))}, FSN_UNSUPPORTED,
              "Pad 'node': pads the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Pad", IN(x, I64((8), 0, N, 0, 0, 0, 0, 0, 0))}, FSN_UNSUPPORTED,
              "pads axis 1 by the batch size, which is not fixed");
}

/* A ResNet's option A: zeros for the new channels, on a size that the threads share. */
static void pad_is_shared_by_the_threads(void **state)
{
    enum { B = 5, C = 3, FRONT = 1, BACK = 2, K = C + FRONT + BACK, P = 34 * 34 };
    float *x = malloc(B * C * P * sizeof *x), *y = calloc(B * K * P, sizeof *y);
    struct op_call call = {"Pad",
                           IN(SHAPE(F32, (B, C, 34, 34)), I64((8), 0, FRONT, 0, 0, 0, BACK, 0, 0))};
    struct fsn__tensor want = SHAPE(F32, (B, K, 34, 34));

    (void)state;
    assert_true(x && y);
    for (int i = 0; i < B * C * P; i++) {
        x[i] = (float)(i + 1);
        y[(i / P / C * K + FRONT) * P + i % (C * P)] = (float)(i + 1);
    }
    call.in[0].data = x;
    want.data = y;
    op_expect(&call, want);
    free(x);
    free(y);
}

/* ---- Gather --------------------------------------------------------------------------------- */

static void gather_picks_along_its_axis(void **state)
{
    struct fsn__tensor x = F32((3, 2), 1, 2, 3, 4, 5, 6);

    (void)state;
    op_expect(&(struct op_call){"Gather", IN(x, I64((2, 2), 0, 1, 1, -1))},
              F32((2, 2, 2), 1, 2, 3, 4, 3, 4, 5, 6));
    op_expect(&(struct op_call){"Gather", IN(x, I32((1), -2)), ATTRS(ATTR_I("axis", -1))},
              F32((3, 1), 1, 3, 5));
    op_expect(&(struct op_call){"Gather", IN(I64((4), N, 3, 32, 32), SCALAR(I64, int64_t, 0))},
              SCALAR(I64, int64_t, N));
    op_expect(&(struct op_call){"Gather", IN(x, EMPTY(I64, (0)))}, EMPTY(F32, (0, 2)));
    op_expect(&(struct op_call){"Gather", IN(U8((1, 3), 7, 8, 9), I64((4), 2, 2, 0, 1)),
                                ATTRS(ATTR_I("axis", 1))},
              U8((1, 4), 9, 9, 7, 8));
}

static void gather_refuses_an_index_out_of_range(void **state)
{
    struct fsn__tensor x = F32((3), 1, 2, 3);

    (void)state;
    op_refuse(&(struct op_call){"Gather", IN(x, I64((2), 0, 3))}, FSN_INVALID,
              "Gather 'node': index 3 is outside an axis of 3 elements");
    op_refuse(&(struct op_call){"Gather", IN(x, I64((1), -4))}, FSN_INVALID,
              "index -4 is outside an axis of 3 elements");
    op_refuse(&(struct op_call){"Gather", IN(x, F32((1), 0))}, FSN_SHAPE,
              "its indices are float32, expected int64 or int32");
    op_refuse(&(struct op_call){"Gather", IN(x, I64((1), 0)), ATTRS(ATTR_I("axis", 1))}, FSN_SHAPE,
              "axis 1 is outside a tensor of 1 dimensions");
    op_refuse(&(struct op_call){"Gather", IN(SCALAR(F32, float, 1), I64((1), 0))}, FSN_SHAPE,
              "axis 0 is outside a tensor of 0 dimensions");
}

static void gather_keeps_a_symbolic_batch(void **state)
{
    struct fsn__tensor x = SHAPE(F32, (N, 8)), index = I64((2), 1, 0);

    (void)state;
    op_expect(&(struct op_call){"Gather", IN(x, index), ATTRS(ATTR_I("axis", 1))},
              SHAPE(F32, (N, 2)));
    op_expect(&(struct op_call){"Gather", IN(SHAPE(F32, (100, 16)), SHAPE(I64, (N, 5)))},
              SHAPE(F32, (N, 5, 16)));
    op_refuse(&(struct op_call){"Gather", IN(x, index)}, FSN_UNSUPPORTED,
              "Gather 'node': gathers from the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Gather", IN(SHAPE(F32, (3, 100)), SHAPE(I64, (N))),
                                ATTRS(ATTR_I("axis", 1))},
              FSN_UNSUPPORTED, "moves the batch axis, which is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transpose_moves_axes_by_perm_and_reverses_without),
        cmocka_unit_test(transpose_takes_every_element_size),
        cmocka_unit_test(transpose_is_shared_by_the_threads),
        cmocka_unit_test(transpose_refuses_a_perm_that_is_none),
        cmocka_unit_test(transpose_keeps_a_symbolic_batch_in_front),
        cmocka_unit_test(concat_joins_along_its_axis),
        cmocka_unit_test(concat_refuses_inputs_that_do_not_fit),
        cmocka_unit_test(concat_keeps_a_symbolic_batch),
        cmocka_unit_test(slice_cuts_with_clamped_bounds),
        cmocka_unit_test(slice_goes_backwards_with_a_negative_step),
        cmocka_unit_test(slice_refuses_what_makes_no_sense),
        cmocka_unit_test(slice_takes_a_symbolic_batch_only_whole),
        cmocka_unit_test(slice_carries_a_symbolic_batch_inside_a_shape),
        cmocka_unit_test(expand_repeats_unit_axes),
        cmocka_unit_test(expand_keeps_a_symbolic_batch),
        cmocka_unit_test(pad_surrounds_with_a_constant),
        cmocka_unit_test(negative_pads_crop),
        cmocka_unit_test(pad_modes_repeat_the_input),
        cmocka_unit_test(pad_refuses_what_it_cannot_do),
        cmocka_unit_test(pad_keeps_a_symbolic_batch),
        cmocka_unit_test(pad_is_shared_by_the_threads),
        cmocka_unit_test(gather_picks_along_its_axis),
        cmocka_unit_test(gather_refuses_an_index_out_of_range),
        cmocka_unit_test(gather_keeps_a_symbolic_batch),
    };

    return cmocka_run_group_tests_name("op_move", tests, NULL, NULL);
}
