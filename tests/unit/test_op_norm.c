/* test_op_norm.c - InstanceNormalization, GroupNormalization, LayerNormalization, LRN,
 * LpNormalization: PyTorch's values (torch.nn.functional, in float64), the windows and corners that
 * it does not have by the specification's formulas, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#define N FSN_BATCH

static const double near = 2e-6;

/* (7 i + 3) mod 11 - 5 */
#define INPUT                                                                                      \
    F32((2, 4, 3), -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, \
        5)
#define SCALE F32((4), 1, 2, -1, 0.5f)
#define BIAS F32((4), 0, 1, -2, 3)
#define EPSILON ATTR_F("epsilon", 1e-3f)

static void instance_norm_brings_every_channel_to_mean_0_and_variance_1(void **state)
{
    (void)state;
    op_expect_near(
        &(struct op_call){"InstanceNormalization", IN(INPUT, SCALE, BIAS), ATTRS(EPSILON)},
        F32((2, 4, 3), -1.1624057f, 1.2786463f, -0.11624057f, -1.3248114f, 3.5572925f, 0.76751886f,
            -0.8375943f, -3.2786463f, -1.8837594f, 2.4187971f, 3.6393231f, 2.9418797f, 1.2246875f,
            0, -1.2246875f, 3.4493749f, 1, -1.4493749f, -3.2246875f, -2, -0.77531253f, 3.0581203f,
            2.3606769f, 3.5812029f),
        near);
}

static void group_norm_scales_channels(void **state)
{
    (void)state;
    op_expect_near(&(struct op_call){"GroupNormalization", IN(INPUT, SCALE, BIAS),
                                     ATTRS(EPSILON, ATTR_I("num_groups", 2))},
                   F32((2, 4, 3), -0.97335973f, 1.4314114f, 0.057256454f, -1.6337969f, 3.1757453f,
                       0.42743546f, -1.0266403f, -3.4314114f, -2.0572565f, 2.3415508f, 3.5439363f,
                       2.8568589f, 1.3619075f, 0.15132305f, -1.0592614f, 3.1185227f, 0.6973539f,
                       -1.7238149f, -2.7959943f, -1.6020029f, -0.40801142f, 3.2487482f, 2.6517525f,
                       3.696495f),
                   near);
}

static void group_norm_of_operator_set_18_scales_groups(void **state)
{
    (void)state;
    op_expect_near(
        &(struct op_call){"GroupNormalization", IN(INPUT, F32((2), 2, -1), F32((2), 1, 3)),
                          ATTRS(EPSILON, ATTR_I("num_groups", 2))},
        F32((2, 4, 3), -0.94671945f, 3.8628227f, 1.1145129f, -1.6337969f, 3.1757453f, 0.42743546f,
            3.9733597f, 1.5685886f, 2.9427435f, 4.3168985f, 1.9121274f, 3.2862823f, 3.7238149f,
            1.3026461f, -1.1185227f, 3.1185227f, 0.6973539f, -1.7238149f, 2.2040057f, 3.3979971f,
            4.5919886f, 2.5025036f, 3.696495f, 1.60701f),
        near);
}

static void layer_norm_takes_all_axes_from_one_on(void **state)
{
    const struct fsn__tensor scale =
        F32((4, 3), 0.25f, 0.5f, 0.75f, 1, 1.25f, 1.5f, 1.75f, 2, 2.25f, 2.5f, 2.75f, 3);
    const struct fsn__tensor bias = F32((1, 4, 3), -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5);

    (void)state;
    op_expect_near(&(struct op_call){"LayerNormalization", IN(INPUT, scale, bias),
                                     ATTRS(EPSILON, ATTR_I("axis", 1))},
                   F32((2, 4, 3), -6.148913f, -4.1606722f, -3.7157116f, -3.920553f, -0.30780694f,
                       -0.91877473f, -2.1795447f, 3.0577068f, 1.3908105f, -0.92588789f, 5.9358689f,
                       3.2130441f, -5.6557272f, -4.9123669f, -4.7699192f, -1.923365f, -2.1564877f,
                       -2.9905229f, 1.3583128f, 0.14870718f, -1.661811f, 4.1893061f, 2.0032176f,
                       9.131274f),
                   2 * near);
    op_expect_near(
        &(struct op_call){"LayerNormalization", IN(INPUT, F32((3), 1, 2, 3)), ATTRS(EPSILON)},
        F32((2, 4, 3), -1.1624057f, 2.5572925f, -0.34872171f, -1.1624057f, 2.5572925f, -0.34872171f,
            -1.1624057f, 2.5572925f, -0.34872171f, -1.1624057f, 2.5572925f, -0.34872171f,
            1.2246875f, 0, -3.6740624f, 1.2246875f, 0, -3.6740624f, 1.2246875f, 0, -3.6740624f,
            0.11624057f, -2.5572925f, 3.4872171f),
        near);
}

/* Mean and 1 / sqrt(variance + epsilon) of 1 2 3 4 (variance 1.25) and of four times 2. */
static void layer_norm_gives_the_statistics_of_its_rows(void **state)
{
    const struct op_call call = {"LayerNormalization",
                                 IN(F32((2, 4), 1, 2, 3, 4, 2, 2, 2, 2), F32((4), 1, 1, 1, 1)),
                                 ATTRS(ATTR_F("epsilon", 0.25f))};
    struct op_run run = {.n_out = 3};

    (void)state;
    op_run(&run, &call);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(run.out[i].ndim, 2);
        assert_int_equal(run.out[i].dim[0], 2);
        assert_int_equal(run.out[i].dim[1], 1);
    }
    assert_float_equal(fsn__f32(&run.out[1])[0], 2.5f, 1e-6f);
    assert_float_equal(fsn__f32(&run.out[1])[1], 2, 1e-6f);
    assert_float_equal(fsn__f32(&run.out[2])[0], 0.81649658f, 1e-6f); /* 1 / sqrt(1.5) */
    assert_float_equal(fsn__f32(&run.out[2])[1], 2, 1e-6f);
    op_run_free(&run);
}

static void norms_name_what_does_not_fit(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 4, 3)), two = SHAPE(F32, (2));

    (void)state;
    op_expect(&(struct op_call){"InstanceNormalization", IN(x, SCALE, BIAS)},
              SHAPE(F32, (N, 4, 3)));
    op_refuse(&(struct op_call){"InstanceNormalization", IN(x, SCALE, two)}, FSN_SHAPE,
              "InstanceNormalization 'node': bias has shape [2], expected 4 channels");
    op_refuse(&(struct op_call){"InstanceNormalization", IN(SHAPE(F32, (N, 4)), SCALE, BIAS)},
              FSN_SHAPE, "its input has shape [N,4], expected batch, channels and spatial");
    op_refuse(&(struct op_call){"InstanceNormalization", IN(SHAPE(F64, (N, 4, 3)), SCALE, BIAS)},
              FSN_UNSUPPORTED, "its input is float64, only float32 is supported");
    op_refuse(
        &(struct op_call){"GroupNormalization", IN(x, SCALE, BIAS), ATTRS(ATTR_I("num_groups", 3))},
        FSN_SHAPE, "num_groups is 3, which does not divide 4 channels");
    op_refuse(
        &(struct op_call){"GroupNormalization", IN(x, two, BIAS), ATTRS(ATTR_I("num_groups", 2))},
        FSN_SHAPE, "bias has shape [4], expected 2 groups");
    op_refuse(&(struct op_call){"LayerNormalization", IN(x, two)}, FSN_SHAPE,
              "scale has shape [2], input [N,4,3] is normalised from axis 2 on");
    op_refuse(&(struct op_call){"LayerNormalization", IN(x, two), ATTRS(ATTR_I("axis", 0))},
              FSN_UNSUPPORTED, "normalises over the batch axis, which is not supported");
}

/* ---- LRN ------------------------------------------------------------------------------------ */

static void lrn_of_an_odd_size_looks_as_far_to_both_sides(void **state)
{
    (void)state;
    op_expect_near(&(struct op_call){"LRN", IN(INPUT),
                                     ATTRS(ATTR_I("size", 3), ATTR_F("alpha", 0.5f),
                                           ATTR_F("beta", 0.75f), ATTR_F("bias", 2))},
                   F32((2, 4, 3), -0.6857857f, 0.97583534f, 0.55995861f, -0.70981766f, 0.69403227f,
                       0, -0.69403227f, 0.70981766f, -0.45790644f, -0.97583534f, 0.6857857f,
                       -0.91581287f, 0.97583534f, 0.55995861f, -0.76662574f, 0.69403227f, 0,
                       -0.69403227f, 0.70981766f, -0.45790644f, -0.73031882f, 0.6857857f,
                       -0.91581287f, 0.86754033f),
                   near);
}

/* One channel before, two behind. */
static void lrn_of_an_even_size_looks_one_channel_farther_back(void **state)
{
    (void)state;
    op_expect_near(&(struct op_call){"LRN", IN(INPUT),
                                     ATTRS(ATTR_I("size", 4), ATTR_F("alpha", 0.5f),
                                           ATTR_F("beta", 0.75f), ATTR_F("bias", 2))},
                   F32((2, 4, 3), -0.54756805f, 1.0271398f, 0.54433105f, -0.58967839f, 0.78623786f,
                       0, -0.82171181f, 0.82135208f, -0.48490093f, -1.1465193f, 0.76128801f,
                       -0.96980186f, 1.0271398f, 0.54433105f, -0.61628386f, 0.78623786f, 0,
                       -0.64579762f, 0.82135208f, -0.48490093f, -0.87282486f, 0.76128801f,
                       -0.96980186f, 1.0271398f),
                   near);
}

static void lrn_wants_a_size(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"LRN", IN(SHAPE(F32, (N, 4, 3, 3))), ATTRS(ATTR_I("size", 5))},
              SHAPE(F32, (N, 4, 3, 3)));
    op_refuse(&(struct op_call){"LRN", IN(SHAPE(F32, (N, 4, 3, 3)))}, FSN_INVALID,
              "LRN 'node': size is 0, outside 1..2147483647");
    op_refuse(&(struct op_call){"LRN", IN(SHAPE(F32, (4))), ATTRS(ATTR_I("size", 1))}, FSN_SHAPE,
              "its input has shape [4], expected batch, channels");
}

/* ---- LpNormalization ------------------------------------------------------------------------ */

static void lp_norm_divides_by_the_length(void **state)
{
    const struct fsn__tensor x = F32((2, 4), 3, -4, 0, 0, 1, -1, 2, 0);

    (void)state;
    op_expect(&(struct op_call){"LpNormalization", IN(x)},
              F32((2, 4), 0.6f, -0.8f, 0, 0, 0.40824829f, -0.40824829f, 0.81649658f, 0));
    op_expect(&(struct op_call){"LpNormalization", IN(x), ATTRS(ATTR_I("p", 1))},
              F32((2, 4), 3 / 7.0f, -4 / 7.0f, 0, 0, 0.25f, -0.25f, 0.5f, 0));
    op_expect(&(struct op_call){"LpNormalization", IN(x), ATTRS(ATTR_I("p", 1), ATTR_I("axis", 0))},
              F32((2, 4), 0.75f, -0.8f, 0, 0, 0.25f, -0.2f, 1, 0));
}

static void lp_norm_refuses_other_norms(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"LpNormalization", IN(SHAPE(F32, (N, 4))), ATTRS(ATTR_I("p", 3))},
              FSN_INVALID, "LpNormalization 'node': p is 3, expected 1 or 2");
    op_refuse(
        &(struct op_call){"LpNormalization", IN(SHAPE(F32, (N, 4))), ATTRS(ATTR_I("axis", 0))},
        FSN_UNSUPPORTED, "normalises over the batch axis, which is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instance_norm_brings_every_channel_to_mean_0_and_variance_1),
        cmocka_unit_test(group_norm_scales_channels),
        cmocka_unit_test(group_norm_of_operator_set_18_scales_groups),
        cmocka_unit_test(layer_norm_takes_all_axes_from_one_on),
        cmocka_unit_test(layer_norm_gives_the_statistics_of_its_rows),
        cmocka_unit_test(norms_name_what_does_not_fit),
        cmocka_unit_test(lrn_of_an_odd_size_looks_as_far_to_both_sides),
        cmocka_unit_test(lrn_of_an_even_size_looks_one_channel_farther_back),
        cmocka_unit_test(lrn_wants_a_size),
        cmocka_unit_test(lp_norm_divides_by_the_length),
        cmocka_unit_test(lp_norm_refuses_other_norms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
