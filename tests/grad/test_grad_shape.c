/* test_grad_shape.c - gradients of the arithmetic and movement operators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1, SECOND = 2, BOTH = 3 };

/* Values of no pattern, away from zero so that they may divide. */
#define X_23 F32((2, 3), 1.5f, -0.75f, 2.25f, 0.875f, -1.25f, 3)
#define Y_23 F32((2, 3), -1.125f, 2, 1.375f, -2.5f, 1, 1.75f)
#define ROW F32((3), 2.5f, -1.5f, 0.9f)
#define COLUMN F32((2, 1), -1.75f, 1.2f)
#define ONE SCALAR(F32, float, 1.6f)
#define X_223 F32((2, 2, 3), 1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12)

static const char *const arithmetic[] = {"Add", "Sub", "Mul", "Div"};

static void arithmetic_of_equal_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_23, Y_23)}, BOTH);
}

static void arithmetic_sums_over_broadcast_axes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_23, ROW)}, BOTH);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(COLUMN, X_23)}, BOTH);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_23, ONE)}, BOTH);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(COLUMN, ROW)}, BOTH);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_223, COLUMN)}, BOTH);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_23, ROW)}, SECOND);
        op_check_gradient(&(struct op_call){arithmetic[i], IN(X_23, ROW)}, FIRST);
    }
}

/* A bias gradient on a size that the threads share: the same bits from one thread and from three.
 */
static void a_sum_does_not_depend_on_the_number_of_threads(void **state)
{
    enum { B = 6, C = 5, P = 33 * 31, COUNT = B * C * P };
    struct fsn__tensor x = SHAPE(F32, (B, C, 33, 31)), bias = SHAPE(F32, (1, C, 1, 1));
    struct fsn__tensor *in[2] = {&x, &bias}, *out[1] = {&x}, dbias = bias;
    struct fsn__tensor *din[2] = {NULL, &dbias}, *dout[1] = {&x};
    float *dy = malloc(COUNT * sizeof *dy), sums[2][C] = {{0}};
    const struct fsn__attrs none = {.count = 0};

    (void)state;
    assert_non_null(dy);
    for (int i = 0; i < COUNT; i++)
        dy[i] = sinf((float)i);
    for (int run = 0; run < 2; run++) {
        struct fsn__op_ctx ctx = {.op = &fsn__op_add,
                                  .name = "node",
                                  .attrs = &none,
                                  .n_in = 2,
                                  .n_out = 1,
                                  .in = in,
                                  .out = out,
                                  .din = din,
                                  .dout = dout};

        x.data = dy;
        dbias.data = sums[run];
        assert_int_equal(fsn__pool_create(run == 0 ? 1 : 3, &ctx.pool, NULL), FSN_OK);
        assert_int_equal(fsn__op_add.backward(&ctx, NULL), FSN_OK);
        fsn__pool_destroy(ctx.pool);
    }
    assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
    for (int c = 0; c < C; c++) {
        double want = 0;

        for (int i = 0; i < B * P; i++)
            want += (double)dy[(i / P * C + c) * P + i % P];
        assert_true(fabs((double)sums[0][c] - want) < 1e-4);
    }
    free(dy);
}

static void reshapes_pass_the_gradient_on(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Reshape", IN(X_23, I64((2), 3, -1))}, FIRST);
    op_check_gradient(&(struct op_call){"Flatten", IN(X_223)}, FIRST);
    op_check_gradient(&(struct op_call){"Squeeze", IN(COLUMN, I64((1), 1))}, FIRST);
    op_check_gradient(&(struct op_call){"Unsqueeze", IN(X_23, I64((1), 1))}, FIRST);
    op_check_gradient(&(struct op_call){"Cast", IN(X_23), ATTRS(ATTR_I("to", 1))}, FIRST);
    op_check_gradient(&(struct op_call){"CastLike", IN(X_23, COLUMN)}, FIRST);
}

static void movement_goes_back_where_it_came_from(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Transpose", IN(X_223), ATTRS(ATTR_INTS("perm", 2, 0, 1))},
                      FIRST);
    op_check_gradient(&(struct op_call){"Concat", IN(X_23, COLUMN, Y_23), ATTRS(ATTR_I("axis", 1))},
                      7);
    op_check_gradient(&(struct op_call){"Concat", IN(X_23, Y_23), ATTRS(ATTR_I("axis", 0))},
                      SECOND);
    op_check_gradient(&(struct op_call){"Slice", IN(X_223, I64((2), 1, 2), I64((2), 2, -9),
                                                    I64((2), 1, 2), I64((2), 1, -2))},
                      FIRST);
    op_check_gradient(&(struct op_call){"Expand", IN(COLUMN, I64((3), 2, 1, 3))}, FIRST);
    op_check_gradient(&(struct op_call){"Expand", IN(ONE, I64((2), 2, 3))}, FIRST);
}

static void pad_gathers_what_it_repeated(void **state)
{
    static const char *const modes[] = {"constant", "edge", "reflect", "wrap"};
    struct fsn__tensor around = I64((6), 0, 1, 3, 0, 2, 1), crop = I64((6), 1, 0, -1, 0, -1, 2);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        op_check_gradient(
            &(struct op_call){"Pad", IN(X_223, around, ONE), ATTRS(ATTR_S("mode", modes[i]))},
            FIRST);
        op_check_gradient(
            &(struct op_call){"Pad", IN(X_223, crop), ATTRS(ATTR_S("mode", modes[i]))}, FIRST);
        op_check_gradient(
            &(struct op_call){"Pad", IN(ROW, I64((2), 2, 1)), ATTRS(ATTR_S("mode", modes[i]))},
            FIRST);
    }
    op_check_gradient(&(struct op_call){"Pad", IN(ONE, EMPTY(I64, (0)))}, FIRST);
}

/* Index 1 is read twice: its rows must add up. */
static void gather_adds_up_repeated_indices(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Gather", IN(X_223, I64((2, 2), 1, 0, -1, 1))}, FIRST);
    op_check_gradient(
        &(struct op_call){"Gather", IN(X_223, I32((4), 1, 2, -2, 1)), ATTRS(ATTR_I("axis", 2))},
        FIRST);
    op_check_gradient(&(struct op_call){"Gather", IN(ROW, SCALAR(I64, int64_t, 1))}, FIRST);
}

static enum fsn_status subtract(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__op_sub.backward(ctx, err);
}

static enum fsn_status overwrite(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    for (int i = 0; i < 2; i++)
        memset(ctx->din[i]->data, 0, fsn__tensor_bytes(ctx->din[i]));
    return fsn__op_add.backward(ctx, err);
}

/* The check itself: it must see a wrong sign, an overwritten gradient and an undeclared read. */
static void wrong_gradients_are_caught(void **state)
{
    struct op_call add = {"Add", IN(X_23, ROW)}, mul = {"Mul", IN(X_23, ROW)};
    struct fsn__op wrong = fsn__op_add;

    (void)state;
    wrong.backward = subtract;
    assert_true(op_gradient_error(&add, &wrong, BOTH, 1) > 0.1);
    wrong.backward = overwrite;
    assert_true(op_gradient_error(&add, &wrong, BOTH, 1) > 0.1);
    wrong = fsn__op_mul;
    wrong.backward_in = 0;
    assert_true(isnan(op_gradient_error(&mul, &wrong, BOTH, 1)));
}

static void a_gradient_that_would_end_in_float64_is_refused(void **state)
{
    struct fsn__tensor x = X_23, y = SHAPE(F64, (2, 3)), dx = X_23;
    struct fsn__tensor *in[1] = {&x}, *out[1] = {&y}, *din[1] = {&dx}, *dout[1] = {NULL};
    struct fsn__op_ctx ctx = {.op = &fsn__op_cast, .name = "node", .in = in, .out = out};
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    ctx.din = din;
    ctx.dout = dout;
    assert_int_equal(fsn__op_cast.backward(&ctx, &err), FSN_UNSUPPORTED);
    assert_string_equal(err.text, "Cast 'node': has no gradient from float64 to float32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_of_equal_shapes),
        cmocka_unit_test(arithmetic_sums_over_broadcast_axes),
        cmocka_unit_test(a_sum_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(reshapes_pass_the_gradient_on),
        cmocka_unit_test(movement_goes_back_where_it_came_from),
        cmocka_unit_test(pad_gathers_what_it_repeated),
        cmocka_unit_test(gather_adds_up_repeated_indices),
        cmocka_unit_test(wrong_gradients_are_caught),
        cmocka_unit_test(a_gradient_that_would_end_in_float64_is_refused),
    };

    return cmocka_run_group_tests_name("grad_shape", tests, NULL, NULL);
}
