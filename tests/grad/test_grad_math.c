/* test_grad_math.c - gradients of the functions of one number and of Pow, PRelu, Where and the
 * operators of any number of inputs. Inputs keep away from kinks by more than the differences
 * reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"

enum { FIRST = 1, SECOND = 2, BOTH = 3, THIRD = 4 };

/* From deep in the left tail to the right one; no number is near a kink of any function here (0, 1,
 * +-2.5, +-3) or half an integer. */
#define REALS \
    F32((13), -4.3f, -2.7f, -2.2f, -1.3f, -0.7f, -0.2f, 0.1f, 0.3f, 0.8f, 1.3f, 2.2f, 2.7f, 4.3f)
#define POSITIVE F32((2, 3), 0.4f, 0.7f, 1.1f, 1.9f, 2.8f, 3.7f)

/* ---- one number ------------------------------------------------------------------------------ */

static void functions_of_any_number(void **state)
{
    static const char *const names[] = {"Relu",      "LeakyRelu",   "ThresholdedRelu",
                                        "Elu",       "Celu",        "Selu",
                                        "Sigmoid",   "HardSigmoid", "Swish",
                                        "HardSwish", "Tanh",        "Softplus",
                                        "Softsign",  "Mish",        "Gelu",
                                        "Abs",       "Neg",         "Erf",
                                        "Sign",      "Floor",       "Ceil",
                                        "Round",     "Sin",         "Cos"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        op_check_gradient(&(struct op_call){names[i], IN(REALS)}, FIRST);
}

static void functions_of_positive_numbers(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Sqrt", IN(POSITIVE)}, FIRST);
    op_check_gradient(&(struct op_call){"Log", IN(POSITIVE)}, FIRST);
    op_check_gradient(&(struct op_call){"Exp", IN(POSITIVE)}, FIRST);
    op_check_gradient(&(struct op_call){"Reciprocal", IN(F32((4), 0.9f, -1.1f, 2.5f, -3.2f))},
                      FIRST);
}

static void attributes_shape_the_slope(void **state)
{
    static const char *const names[] = {"LeakyRelu", "Elu", "Celu", "Swish"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        op_check_gradient(&(struct op_call){names[i], IN(REALS), ATTRS(ATTR_F("alpha", 1.7f))},
                          FIRST);
    op_check_gradient(&(struct op_call){"Elu", IN(REALS), ATTRS(ATTR_F("alpha", -0.6f))}, FIRST);
    op_check_gradient(&(struct op_call){"ThresholdedRelu", IN(REALS), ATTRS(ATTR_F("alpha", 1.7f))},
                      FIRST);
    op_check_gradient(&(struct op_call){"HardSigmoid", IN(REALS),
                                        ATTRS(ATTR_F("alpha", 0.45f), ATTR_F("beta", 0.3f))},
                      FIRST);
    op_check_gradient(
        &(struct op_call){"Selu", IN(REALS), ATTRS(ATTR_F("alpha", 0.7f), ATTR_F("gamma", 1.4f))},
        FIRST);
    op_check_gradient(&(struct op_call){"Gelu", IN(REALS), ATTRS(ATTR_S("approximate", "tanh"))},
                      FIRST);
}

/* ---- two numbers and more -------------------------------------------------------------------- */

#define ROW F32((3), 1.5f, -1.25f, 0.75f)
#define COLUMN F32((2, 1), 0.35f, 2.3f)
#define MIXED F32((2, 3), 0.4f, -0.7f, 1.1f, -1.9f, 2.8f, -3.7f)

static void powers_of_positive_numbers(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Pow", IN(POSITIVE, ROW)}, BOTH);
    op_check_gradient(&(struct op_call){"Pow", IN(POSITIVE, COLUMN)}, SECOND);
    op_check_gradient(&(struct op_call){"Pow", IN(COLUMN, POSITIVE)}, BOTH);
    op_check_gradient(&(struct op_call){"Pow", IN(POSITIVE, SCALAR(F32, float, 0.5f))}, BOTH);
}

static void constant_powers_of_any_number(void **state)
{
    (void)state;
    for (int exponent = -1; exponent <= 3; exponent++)
        op_check_gradient(&(struct op_call){"Pow", IN(MIXED, SCALAR(F32, float, (float)exponent))},
                          FIRST);
}

static void parametric_relu_learns_its_slope(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"PRelu", IN(MIXED, ROW)}, BOTH);
    op_check_gradient(&(struct op_call){"PRelu", IN(MIXED, COLUMN)}, BOTH);
    op_check_gradient(&(struct op_call){"PRelu", IN(MIXED, SCALAR(F32, float, 0.3f))}, BOTH);
    op_check_gradient(&(struct op_call){"PRelu", IN(MIXED, POSITIVE)}, BOTH);
}

static void sums_and_extremes_of_several_inputs(void **state)
{
    static const char *const names[] = {"Sum", "Mean", "Min", "Max"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        op_check_gradient(&(struct op_call){names[i], IN(MIXED)}, FIRST);
        op_check_gradient(&(struct op_call){names[i], IN(MIXED, COLUMN)}, SECOND);
        op_check_gradient(&(struct op_call){names[i], IN(ROW, MIXED, COLUMN)}, BOTH | THIRD);
    }
}

/* x + x: the difference moves one of them only, so by hand: a tie belongs to the first. */
static void a_tie_goes_to_the_first_input(void **state)
{
    float x[] = {1, 5}, z[] = {1, 4}, y[2] = {1, 5}, dy[] = {10, 20}, dx[] = {0, 0}, dz[] = {0, 0};
    struct fsn__tensor t[6] = {
        {.ndim = 1, .dim = {2}, .data = x},  {.ndim = 1, .dim = {2}, .data = z},
        {.ndim = 1, .dim = {2}, .data = y},  {.ndim = 1, .dim = {2}, .data = dy},
        {.ndim = 1, .dim = {2}, .data = dx}, {.ndim = 1, .dim = {2}, .data = dz}};
    struct fsn__tensor *in[] = {&t[0], &t[1]}, *out[] = {&t[2]}, *dout[] = {&t[3]};
    struct fsn__tensor *din[] = {&t[4], &t[5]};
    unsigned char work[64];
    const struct fsn__op_ctx ctx = {.op = &fsn__op_max,
                                    .name = "node",
                                    .n_in = 2,
                                    .n_out = 1,
                                    .in = in,
                                    .out = out,
                                    .din = din,
                                    .dout = dout,
                                    .work = work};

    (void)state;
    assert_int_equal(fsn__op_max.backward(&ctx, NULL), FSN_OK);
    assert_true(dx[0] == 10 && dx[1] == 20 && dz[0] == 0 && dz[1] == 0);
}

static void a_choice_sends_the_gradient_where_the_value_came_from(void **state)
{
    const struct fsn__tensor condition = BOOL((2, 3), 1, 0, 0, 1, 1, 0);

    (void)state;
    op_check_gradient(&(struct op_call){"Where", IN(condition, MIXED, POSITIVE)}, SECOND | THIRD);
    op_check_gradient(&(struct op_call){"Where", IN(condition, ROW, COLUMN)}, SECOND | THIRD);
    op_check_gradient(&(struct op_call){"Where", IN(BOOL((3), 0, 1, 1), MIXED, COLUMN)}, THIRD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_any_number),
        cmocka_unit_test(functions_of_positive_numbers),
        cmocka_unit_test(attributes_shape_the_slope),
        cmocka_unit_test(powers_of_positive_numbers),
        cmocka_unit_test(constant_powers_of_any_number),
        cmocka_unit_test(parametric_relu_learns_its_slope),
        cmocka_unit_test(sums_and_extremes_of_several_inputs),
        cmocka_unit_test(a_tie_goes_to_the_first_input),
        cmocka_unit_test(a_choice_sends_the_gradient_where_the_value_came_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
