/* test_grad_reduce.c - gradients of the reductions, of CumSum and of LogSoftmax. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"

enum { X = 1 };

static const char *const names[] = {
    "ReduceSum",    "ReduceMean",      "ReduceL1",   "ReduceL2",  "ReduceSumSquare",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceMax", "ReduceMin"};
enum { NAMES = sizeof names / sizeof names[0] };

/* Positive, so that every sum has a logarithm; no two closer than the differences reach. */
#define POSITIVE                                                                               \
    F32((2, 3, 4), 1.31f, 0.42f, 2.13f, 0.94f, 1.75f, 0.56f, 1.07f, 2.38f, 0.69f, 1.5f, 0.61f, \
        1.12f, 0.83f, 2.04f, 0.35f, 1.46f, 1.67f, 0.78f, 1.89f, 0.5f, 1.21f, 2.22f, 0.73f, 0.97f)
#define MIXED F32((2, 3), 1.5f, -0.75f, 2.25f, 0.875f, -1.25f, 3)

static void every_reduction_of_every_axis(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++)
        for (int axis = -1; axis < 2; axis++)
            op_check_gradient(&(struct op_call){names[i], IN(POSITIVE, I64((1), axis))}, X);
}

static void every_reduction_of_several_axes(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        op_check_gradient(
            &(struct op_call){names[i], IN(POSITIVE, I64((2), 2, 0)), ATTRS(ATTR_I("keepdims", 0))},
            X);
        op_check_gradient(&(struct op_call){names[i], IN(F32((5), 0.7f, 1.3f, 0.9f, 1.1f, 0.8f))},
                          X);
    }
}

static void without_axes_every_element_is_a_set(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++)
        op_check_gradient(
            &(struct op_call){names[i], IN(POSITIVE), ATTRS(ATTR_I("noop_with_empty_axes", 1))}, X);
}

static void signs_pass_through_reductions(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++)
        if (i != 5) /* a negative sum has no logarithm */
            op_check_gradient(&(struct op_call){names[i], IN(MIXED, I64((1), 1))}, X);
}

static void a_product_with_zeros(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"ReduceProd", IN(F32((3, 3), 1.5f, 0, -2, 0, 0, 3, 1, 2, 3),
                                                         I64((1), 1))},
                      X);
}

/* At a tie there is no slope, so by hand: the gradient is shared. And the norm of zeros has none.
 */
static void ties_share_and_zeros_have_none(void **state)
{
    float x[] = {3, 1, 3, 0, 0, 0}, y[] = {3, 0}, dy[] = {6, 5}, dx[6] = {0};
    struct fsn__tensor tx = {.ndim = 2, .dim = {2, 3}, .data = x}, tdx = tx;
    struct fsn__tensor ty = {.ndim = 2, .dim = {2, 1}, .data = y}, tdy = ty;
    struct fsn__tensor axes = I64((1), 1);
    struct fsn__tensor *in[] = {&tx, &axes}, *out[] = {&ty}, *din[] = {&tdx, NULL},
                       *dout[] = {&tdy};
    double work[16];
    const struct fsn__attrs none = {.count = 0};
    struct fsn__op_ctx ctx = {.op = &fsn__op_reduce_max,
                              .name = "node",
                              .attrs = &none,
                              .n_in = 2,
                              .n_out = 1,
                              .in = in,
                              .out = out,
                              .din = din,
                              .dout = dout,
                              .work = work};

    (void)state;
    tdx.data = dx;
    tdy.data = dy;
    assert_int_equal(ctx.op->backward(&ctx, NULL), FSN_OK);
    assert_true(dx[0] == 3 && dx[1] == 0 && dx[2] == 3);
    assert_true(dx[3] == 5.0f / 3 && dx[4] == 5.0f / 3 && dx[5] == 5.0f / 3);

    ctx.op = &fsn__op_reduce_l2;
    dx[3] = dx[4] = dx[5] = 7;
    assert_int_equal(ctx.op->backward(&ctx, NULL), FSN_OK);
    assert_true(dx[3] == 7 && dx[4] == 7 && dx[5] == 7);
}

static void cumulative_sums_go_back_the_other_way(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++)
        for (int axis = -3; axis < 3; axis++)
            op_check_gradient(
                &(struct op_call){"CumSum", IN(POSITIVE, I64((1), axis)),
                                  ATTRS(ATTR_I("exclusive", way & 1), ATTR_I("reverse", way >> 1))},
                X);
}

static void logarithmic_softmax(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"LogSoftmax", IN(MIXED)}, X);
    op_check_gradient(&(struct op_call){"LogSoftmax", IN(POSITIVE), ATTRS(ATTR_I("axis", 1))}, X);
    op_check_gradient(&(struct op_call){"LogSoftmax", IN(POSITIVE),
                                        ATTRS(ATTR_I("axis", 1), ATTR_I("flatten", 1))},
                      X);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cumulative_sums_go_back_the_other_way),
        cmocka_unit_test(every_reduction_of_every_axis),
        cmocka_unit_test(every_reduction_of_several_axes),
        cmocka_unit_test(without_axes_every_element_is_a_set),
        cmocka_unit_test(signs_pass_through_reductions),
        cmocka_unit_test(a_product_with_zeros),
        cmocka_unit_test(ties_share_and_zeros_have_none),
        cmocka_unit_test(logarithmic_softmax),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
