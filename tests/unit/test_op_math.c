/* test_op_math.c - functions of one number, Pow, PRelu, and Sum, Mean, Min, Max of any number. The
 * rows of activations are PyTorch's in float64; all else is by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"

#include <math.h>

#define N FSN_BATCH

/* ---- activations ----------------------------------------------------------------------------- */

#define POINTS F32((7), -3.5f, -2, -0.5f, 0, 0.5f, 2, 3.5f)

static void activations_are_those_of_pytorch(void **state)
{
    static const struct {
        const char *op;
        float y[7];
    } rows[] = {
        {"LeakyRelu", {-0.035f, -0.02f, -0.005f, 0, 0.5f, 2, 3.5f}},
        {"Elu", {-0.969802617f, -0.864664717f, -0.39346934f, 0, 0.5f, 2, 3.5f}},
        {"Selu",
         {-1.70500934f, -1.52016647f, -0.691758188f, 0, 0.525350494f, 2.10140197f, 3.67745346f}},
        {"Sigmoid",
         {0.0293122308f, 0.119202922f, 0.377540669f, 0.5f, 0.622459331f, 0.880797078f,
          0.970687769f}},
        {"HardSwish", {0, -1.0f / 3, -0.208333333f, 0, 0.291666667f, 1.66666667f, 3.5f}},
        {"Tanh",
         {-0.998177898f, -0.96402758f, -0.462117157f, 0, 0.462117157f, 0.96402758f, 0.998177898f}},
        {"Softplus",
         {0.0297504183f, 0.126928011f, 0.474076984f, 0.693147181f, 0.974076984f, 2.12692801f,
          3.52975042f}},
        {"Softsign", {-7.0f / 9, -2.0f / 3, -1.0f / 3, 0, 1.0f / 3, 2.0f / 3, 7.0f / 9}},
        {"Mish",
         {-0.104095754f, -0.252501483f, -0.220743775f, 0, 0.375245211f, 1.94395896f, 3.49399072f}},
        {"Swish",
         {-0.102592808f, -0.238405844f, -0.188770334f, 0, 0.311229666f, 1.76159416f, 3.39740719f}},
        {"Gelu",
         {-0.000814201777f, -0.0455002639f, -0.154268769f, 0, 0.345731231f, 1.95449974f,
          3.4991858f}},
        {"Erf",
         {-0.999999257f, -0.995322265f, -0.520499878f, 0, 0.520499878f, 0.995322265f,
          0.999999257f}},
        {"HardSigmoid", {0, 0.1f, 0.4f, 0.5f, 0.6f, 0.9f, 1}},
        {"ThresholdedRelu", {0, 0, 0, 0, 0, 2, 3.5f}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fsn__tensor want = POINTS;

        want.data = (void *)(uintptr_t)rows[i].y;
        op_expect(&(struct op_call){rows[i].op, IN(POINTS)}, want);
    }
}

static void attributes_shape_activations(void **state)
{
    const struct fsn__tensor x = F32((3), -2, 0.5f, 2);

    (void)state;
    op_expect(&(struct op_call){"LeakyRelu", IN(x), ATTRS(ATTR_F("alpha", 0.25f))},
              F32((3), -0.5f, 0.5f, 2));
    op_expect(&(struct op_call){"ThresholdedRelu", IN(x), ATTRS(ATTR_F("alpha", 0.5f))},
              F32((3), 0, 0, 2)); /* what equals the threshold is not above it */
    op_expect(&(struct op_call){"HardSigmoid", IN(x),
                                ATTRS(ATTR_F("alpha", 0.5f), ATTR_F("beta", 0.25f))},
              F32((3), 0, 0.5f, 1));
    op_expect(&(struct op_call){"Elu", IN(x), ATTRS(ATTR_F("alpha", 2))},
              F32((3), 2 * -0.864664717f, 0.5f, 2));
    op_expect(&(struct op_call){"Celu", IN(x), ATTRS(ATTR_F("alpha", 2))},
              F32((3), 2 * -0.632120559f, 0.5f, 2));
    op_expect(&(struct op_call){"Selu", IN(x), ATTRS(ATTR_F("alpha", 2), ATTR_F("gamma", 3))},
              F32((3), 6 * -0.864664717f, 1.5f, 6));
    op_expect(&(struct op_call){"Swish", IN(x), ATTRS(ATTR_F("alpha", 0))}, F32((3), -1, 0.25f, 1));
    op_expect(&(struct op_call){"Gelu", IN(POINTS), ATTRS(ATTR_S("approximate", "tanh"))},
              F32((7), -0.000616197655f, -0.0454023059f, -0.15428599f, 0, 0.34571401f, 1.95459769f,
                  3.4993838f));
    op_refuse(&(struct op_call){"Gelu", IN(x), ATTRS(ATTR_S("approximate", "cubic"))}, FSN_INVALID,
              "Gelu 'node': approximate = \"cubic\", expected none or tanh");
}

static void large_numbers_do_not_overflow(void **state)
{
    const struct fsn__tensor x = F32((2), -200, 200);

    (void)state;
    op_expect(&(struct op_call){"Sigmoid", IN(x)}, F32((2), 0, 1));
    op_expect(&(struct op_call){"Softplus", IN(x)}, F32((2), 0, 200));
    op_expect(&(struct op_call){"Mish", IN(x)}, F32((2), 0, 200));
    op_expect(&(struct op_call){"Swish", IN(x)}, F32((2), 0, 200));
    op_expect(&(struct op_call){"Gelu", IN(x)}, F32((2), 0, 200));
    op_expect(&(struct op_call){"Elu", IN(x)}, F32((2), -1, 200));
}

static void not_a_number_is_passed_on(void **state)
{
    static const char *const names[] = {"LeakyRelu", "ThresholdedRelu", "Elu",       "Celu",
                                        "Selu",      "HardSigmoid",     "HardSwish", "Sigmoid",
                                        "Tanh",      "Softplus",        "Softsign",  "Mish",
                                        "Gelu",      "Swish",           "Abs",       "Sign"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        op_expect(&(struct op_call){names[i], IN(F32((1), NAN))}, F32((1), NAN));
}

/* ---- other functions ------------------------------------------------------------------------- */

static void functions_of_floats(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Reciprocal", IN(F32((3), 4, -0.5f, INFINITY))},
              F32((3), 0.25f, -2, 0));
    op_expect(&(struct op_call){"Sqrt", IN(F32((3), 4, 2.25f, -1))}, F32((3), 2, 1.5f, NAN));
    op_expect(&(struct op_call){"Exp", IN(F32((3), 0, 1, -INFINITY))},
              F32((3), 1, 2.718281828f, 0));
    op_expect(&(struct op_call){"Log", IN(F32((3), 1, 10, 0))},
              F32((3), 0, 2.302585093f, -INFINITY));
    op_expect(&(struct op_call){"Sin", IN(F32((3), 0, 1, -100))},
              F32((3), 0, 0.841470985f, 0.506365641f));
    op_expect(&(struct op_call){"Cos", IN(F32((3), 0, 1, -100))},
              F32((3), 1, 0.540302306f, 0.862318872f));
    op_expect(&(struct op_call){"Exp", IN(F64((1), 1))}, F64((1), 2.718281828459045));
    op_refuse(&(struct op_call){"Sqrt", IN(I32((1), 4))}, FSN_UNSUPPORTED,
              "Sqrt 'node': its input is int32, which it does not take");
    op_expect(&(struct op_call){"Exp", IN(SHAPE(F32, (N, 3)))}, SHAPE(F32, (N, 3)));
}

static void rounding_goes_down_up_or_to_the_even_neighbour(void **state)
{
    const struct fsn__tensor x = F32((8), -2.5f, -1.5f, -0.5f, 0.2f, 0.5f, 1.5f, 2.5f, 3);

    (void)state;
    op_expect(&(struct op_call){"Floor", IN(x)}, F32((8), -3, -2, -1, 0, 0, 1, 2, 3));
    op_expect(&(struct op_call){"Ceil", IN(x)}, F32((8), -2, -1, 0, 1, 1, 2, 3, 3));
    op_expect(&(struct op_call){"Round", IN(x)}, F32((8), -2, -2, 0, 0, 0, 2, 2, 3));
    op_expect(&(struct op_call){"Sign", IN(x)}, F32((8), -1, -1, -1, 1, 1, 1, 1, 1));
}

static void signs_of_integers(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Abs", IN(I8((3), -128, -3, 5))}, I8((3), -128, 3, 5));
    op_expect(&(struct op_call){"Abs", IN(U8((1), 200))}, U8((1), 200));
    op_expect(&(struct op_call){"Neg", IN(I16((2), -32768, 7))}, I16((2), -32768, -7));
    op_expect(&(struct op_call){"Neg", IN(I64((2), -9, 7))}, I64((2), 9, -7));
    op_expect(&(struct op_call){"Sign", IN(I32((3), -5, 0, 9))}, I32((3), -1, 0, 1));
    op_expect(&(struct op_call){"Sign", IN(U64((2), 0, UINT64_MAX))}, U64((2), 0, 1));
    op_refuse(&(struct op_call){"Neg", IN(U8((1), 1))}, FSN_UNSUPPORTED, "its input is uint8");
    op_refuse(&(struct op_call){"Neg", IN(I64((2), 1, N))}, FSN_UNSUPPORTED,
              "Neg 'node': computes with the batch size, which is not fixed");
}

/* ---- Pow ------------------------------------------------------------------------------------- */

static void powers_have_the_type_of_their_base(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Pow", IN(F32((3), 1, -2, 3), F32((3), 4, 3, -1))},
              F32((3), 1, -8, 1.0f / 3));
    op_expect(&(struct op_call){"Pow", IN(F32((2, 2), 1, 2, 3, -4), SCALAR(F32, float, 2))},
              F32((2, 2), 1, 4, 9, 16));
    op_expect(&(struct op_call){"Pow", IN(F32((2, 1), 2, 9), F32((2), 3, 0.5f))},
              F32((2, 2), 8, 1.414213562f, 729, 3));
    op_expect(&(struct op_call){"Pow", IN(F32((2), 2, 3), I64((2), 3, -1))}, F32((2), 8, 1.0f / 3));
    op_expect(&(struct op_call){"Pow", IN(I64((3), 2, 3, 10), F32((3), 0.5f, 2, 30))},
              I64((3), 1, 9, INT64_MAX));
    op_expect(&(struct op_call){"Pow", IN(F64((1), 2), U8((1), 10))}, F64((1), 1024));
}

static void integer_powers_wrap_and_truncate(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Pow", IN(I32((4), 3, -2, 7, 0), I32((4), 4, 3, 0, 0))},
              I32((4), 81, -8, 1, 1));
    op_expect(&(struct op_call){"Pow", IN(I32((1), 2), I64((1), 32))}, I32((1), 0));
    op_expect(&(struct op_call){"Pow", IN(I64((5), 2, 1, -1, -1, 0), I64((5), -1, -3, -3, -2, -1))},
              I64((5), 0, 1, -1, 1, 0));
    op_refuse(&(struct op_call){"Pow", IN(U8((1), 2), U8((1), 2))}, FSN_UNSUPPORTED,
              "Pow 'node': its base is uint8, which it does not take");
    op_refuse(&(struct op_call){"Pow", IN(F32((1), 2), BOOL((1), 1))}, FSN_UNSUPPORTED,
              "its exponent is bool, expected a number");
    op_refuse(&(struct op_call){"Pow", IN(SHAPE(F32, (2, 3)), SHAPE(F32, (2)))}, FSN_SHAPE,
              "shapes [2,3] and [2] do not broadcast");
}

/* ---- PRelu ----------------------------------------------------------------------------------- */

static void parametric_relu_broadcasts_its_slope(void **state)
{
    const struct fsn__tensor x = F32((2, 2), -2, 1, -4, -3);

    (void)state;
    op_expect(&(struct op_call){"PRelu", IN(x, F32((2, 1), 0.5f, 2))}, F32((2, 2), -1, 1, -8, -6));
    op_expect(&(struct op_call){"PRelu", IN(x, SCALAR(F32, float, 0.25f))},
              F32((2, 2), -0.5f, 1, -1, -0.75f));
    op_expect(&(struct op_call){"PRelu", IN(I32((2), -3, 4), I32((1), 2))}, I32((2), -6, 4));
    op_expect(&(struct op_call){"PRelu", IN(SHAPE(F32, (N, 3, 8, 8)), SHAPE(F32, (3, 1, 1)))},
              SHAPE(F32, (N, 3, 8, 8)));
    op_refuse(&(struct op_call){"PRelu", IN(SHAPE(F32, (2, 1)), SHAPE(F32, (2, 3)))}, FSN_SHAPE,
              "PRelu 'node': its slope has shape [2,3], its input [2,1]");
}

/* ---- any number of inputs -------------------------------------------------------------------- */

static void several_inputs_become_one(void **state)
{
    const struct fsn__tensor a = F32((2, 2), 1, 5, -3, 8), b = F32((2), 4, 2),
                             c = SCALAR(F32, float, 3);

    (void)state;
    op_expect(&(struct op_call){"Sum", IN(a, b, c)}, F32((2, 2), 8, 10, 4, 13));
    op_expect(&(struct op_call){"Mean", IN(a, b, c)},
              F32((2, 2), 8.0f / 3, 10.0f / 3, 4.0f / 3, 13.0f / 3));
    op_expect(&(struct op_call){"Min", IN(a, b, c)}, F32((2, 2), 1, 2, -3, 2));
    op_expect(&(struct op_call){"Max", IN(b, c, a)}, F32((2, 2), 4, 5, 4, 8));
    op_expect(&(struct op_call){"Max", IN(a)}, a);
    op_expect(&(struct op_call){"Mean", IN(F64((1), 1), F64((1), 2))}, F64((1), 1.5));
}

static void extremes_take_every_type_and_pass_not_a_number_on(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Max", IN(U64((2), UINT64_MAX, 0), U64((1), 1))},
              U64((2), UINT64_MAX, 1));
    op_expect(&(struct op_call){"Min", IN(I8((2), -128, 3), I8((2), 5, 2))}, I8((2), -128, 2));
    op_expect(&(struct op_call){"Max", IN(F32((2), NAN, 1), F32((2), 1, NAN))}, F32((2), NAN, NAN));
    op_expect(&(struct op_call){"Min", IN(F32((2), NAN, 1), F32((2), 1, NAN))}, F32((2), NAN, NAN));
    op_refuse(&(struct op_call){"Sum", IN(I32((1), 1), I32((1), 2))}, FSN_UNSUPPORTED,
              "Sum 'node': its inputs are int32, which it does not take");
    op_refuse(&(struct op_call){"Max", IN(F32((1), 1), F32((1), 2), F64((1), 3))}, FSN_SHAPE,
              "inputs are float32 and float64, expected one type for all");
    op_refuse(&(struct op_call){"Max", IN(F32((1), 1), ABSENT, F32((1), 3))}, FSN_FORMAT,
              "Max 'node': input 1 is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_those_of_pytorch),
        cmocka_unit_test(attributes_shape_activations),
        cmocka_unit_test(large_numbers_do_not_overflow),
        cmocka_unit_test(not_a_number_is_passed_on),
        cmocka_unit_test(functions_of_floats),
        cmocka_unit_test(rounding_goes_down_up_or_to_the_even_neighbour),
        cmocka_unit_test(signs_of_integers),
        cmocka_unit_test(powers_have_the_type_of_their_base),
        cmocka_unit_test(integer_powers_wrap_and_truncate),
        cmocka_unit_test(parametric_relu_broadcasts_its_slope),
        cmocka_unit_test(several_inputs_become_one),
        cmocka_unit_test(extremes_take_every_type_and_pass_not_a_number_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
