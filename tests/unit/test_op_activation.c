/* test_op_activation.c - Relu, Clip, Softmax, Identity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>

#define N FSN_BATCH

/* ---- Relu --------------------------------------------------------------------------------------
 */

static void relu_clears_what_is_negative(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Relu", IN(F32((2, 2), -1, 0, 2.5f, -INFINITY))},
              F32((2, 2), 0, 0, 2.5f, 0));
    op_expect(&(struct op_call){"Relu", IN(F64((2), -1, 3))}, F64((2), 0, 3));
    op_expect(&(struct op_call){"Relu", IN(I8((3), -128, 0, 127))}, I8((3), 0, 0, 127));
    op_expect(&(struct op_call){"Relu", IN(I64((2), -7, 7))}, I64((2), 0, 7));
    op_refuse(&(struct op_call){"Relu", IN(SHAPE(U8, (N, 3)))}, FSN_UNSUPPORTED,
              "Relu 'node': its input is uint8, which it does not take");
    op_refuse(&(struct op_call){"Relu", IN(I64((1), N))}, FSN_UNSUPPORTED,
              "Relu 'node': computes with the batch size, which is not fixed");
}

static void activations_pass_not_a_number_on(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Relu", IN(F32((1), NAN))}, F32((1), NAN));
    op_expect(&(struct op_call){"Clip", IN(F32((1), NAN), SCALAR(F32, float, 0))}, F32((1), NAN));
}

/* More elements than one thread keeps to itself. */
static void large_tensors_are_shared_by_the_threads(void **state)
{
    enum { COUNT = 20011 };
    static float x[COUNT], y[COUNT];
    const struct fsn__tensor in = {.ndim = 1, .dim = {COUNT}, .data = x};
    const struct fsn__tensor out = {.ndim = 1, .dim = {COUNT}, .data = y};

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        x[i] = (float)(i % 7 - 3);
        y[i] = (float)(i % 7 > 3 ? i % 7 - 3 : 0);
    }
    op_expect(&(struct op_call){"Relu", IN(in)}, out);
    op_expect(&(struct op_call){"Clip", IN(in, SCALAR(F32, float, 0))}, out);
}

/* ---- Clip --------------------------------------------------------------------------------------
 */

static void clip_has_two_bounds_one_or_none(void **state)
{
    const struct fsn__tensor x = F32((5), -3, -1, 0, 1, 3);
    const struct fsn__tensor low = SCALAR(F32, float, -1.5f), high = SCALAR(F32, float, 1);

    (void)state;
    op_expect(&(struct op_call){"Clip", IN(x, low, high)}, F32((5), -1.5f, -1, 0, 1, 1));
    op_expect(&(struct op_call){"Clip", IN(x, low)}, F32((5), -1.5f, -1, 0, 1, 3));
    op_expect(&(struct op_call){"Clip", IN(x, ABSENT, high)}, F32((5), -3, -1, 0, 1, 1));
    op_expect(&(struct op_call){"Clip", IN(x)}, x);
    op_expect(&(struct op_call){"Clip", IN(x, high, low)},
              F32((5), -1.5f, -1.5f, -1.5f, -1.5f, -1.5f));
}

static void clip_takes_every_number_type(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Clip", IN(I8((3), -128, 5, 127), SCALAR(I8, int8_t, -3))},
              I8((3), -3, 5, 127));
    op_expect(&(struct op_call){"Clip", IN(U64((2), UINT64_MAX, 1), ABSENT,
                                           SCALAR(U64, uint64_t, UINT64_MAX - 1))},
              U64((2), UINT64_MAX - 1, 1));
    op_expect(&(struct op_call){"Clip", IN(F64((2), -1, 1), SCALAR(F64, double, 0.5))},
              F64((2), 0.5, 1));
}

static void clip_refuses_bounds_that_are_not_scalars_of_its_type(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3));

    (void)state;
    op_refuse(&(struct op_call){"Clip", IN(x, SCALAR(I32, int32_t, 0))}, FSN_SHAPE,
              "Clip 'node': its lower bound is int32, its input float32");
    op_refuse(&(struct op_call){"Clip", IN(x, ABSENT, SHAPE(F32, (2)))}, FSN_SHAPE,
              "its upper bound has shape [2], expected a scalar");
    op_refuse(&(struct op_call){"Clip", IN(SHAPE(BOOL, (2)))}, FSN_UNSUPPORTED,
              "its input is bool, which it does not take");
}

/* ---- Softmax -----------------------------------------------------------------------------------
 * The exponentials of log 1, log 2, log 5 are 1, 2, 5: shares of 8.
 */

static void softmax_gives_shares_of_the_exponentials(void **state)
{
    const float two = logf(2), five = logf(5);

    (void)state;
    op_expect(&(struct op_call){"Softmax", IN(F32((2, 3), 0, two, five, five, 0, two))},
              F32((2, 3), 0.125f, 0.25f, 0.625f, 0.625f, 0.125f, 0.25f));
    op_expect(&(struct op_call){"Softmax", IN(F32((1, 3, 2), 0, five, two, 0, five, two)),
                                ATTRS(ATTR_I("axis", 1))},
              F32((1, 3, 2), 0.125f, 0.625f, 0.25f, 0.125f, 0.625f, 0.25f));
    op_expect(
        &(struct op_call){"Softmax", IN(F32((3, 1), two, 0, five)), ATTRS(ATTR_I("axis", -2))},
        F32((3, 1), 0.25f, 0.125f, 0.625f));
}

static void softmax_flattened_takes_all_axes_from_its_own_on(void **state)
{
    const float two = logf(2);

    (void)state; /* 1 + 2 + 1 + 4 = 8 */
    op_expect(&(struct op_call){"Softmax", IN(F32((1, 2, 2), 0, two, 0, 2 * two)),
                                ATTRS(ATTR_I("flatten", 1))},
              F32((1, 2, 2), 0.125f, 0.25f, 0.125f, 0.5f));
    op_expect(&(struct op_call){"Softmax", IN(F32((2, 2), 3, 4, 5, 6)),
                                ATTRS(ATTR_I("flatten", 1), ATTR_I("axis", 2))},
              F32((2, 2), 1, 1, 1, 1));
}

static void softmax_does_not_overflow(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Softmax", IN(F32((2, 2), 1e30f, 1e30f, -1e30f, 1e30f))},
              F32((2, 2), 0.5f, 0.5f, 0, 1));
}

static void softmax_refuses_other_axes_and_the_batch(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Softmax", IN(SHAPE(F32, (N, 10)))}, SHAPE(F32, (N, 10)));
    op_refuse(&(struct op_call){"Softmax", IN(SHAPE(F32, (N, 10))), ATTRS(ATTR_I("axis", 2))},
              FSN_SHAPE, "Softmax 'node': axis 2 is outside a tensor of 2 dimensions");
    op_refuse(&(struct op_call){"Softmax", IN(SHAPE(F32, (N, 10))), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "it normalises over the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Softmax", IN(SHAPE(F64, (2, 10)))}, FSN_UNSUPPORTED,
              "its input is float64, only float32 is supported");
}

/* ---- Identity ----------------------------------------------------------------------------------
 */

static void identity_copies_any_type(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Identity", IN(F32((2, 1), 1.5f, NAN))}, F32((2, 1), 1.5f, NAN));
    op_expect(&(struct op_call){"Identity", IN(BOOL((3), 1, 0, 1))}, BOOL((3), 1, 0, 1));
    op_expect(&(struct op_call){"Identity", IN(SCALAR(I64, int64_t, -9))},
              SCALAR(I64, int64_t, -9));
    op_expect(&(struct op_call){"Identity", IN(SHAPE(U16, (N, 4)))}, SHAPE(U16, (N, 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_clears_what_is_negative),
        cmocka_unit_test(activations_pass_not_a_number_on),
        cmocka_unit_test(large_tensors_are_shared_by_the_threads),
        cmocka_unit_test(clip_has_two_bounds_one_or_none),
        cmocka_unit_test(clip_takes_every_number_type),
        cmocka_unit_test(clip_refuses_bounds_that_are_not_scalars_of_its_type),
        cmocka_unit_test(softmax_gives_shares_of_the_exponentials),
        cmocka_unit_test(softmax_flattened_takes_all_axes_from_its_own_on),
        cmocka_unit_test(softmax_does_not_overflow),
        cmocka_unit_test(softmax_refuses_other_axes_and_the_batch),
        cmocka_unit_test(identity_copies_any_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
