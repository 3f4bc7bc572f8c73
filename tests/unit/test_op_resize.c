/* test_op_resize.c - Resize: PyTorch's interpolation where it has the same, the formulas of the
 * coordinate transformations by hand elsewhere, sizes, regions, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#define N FSN_BATCH
#define SQUARE F32((1, 1, 4, 4), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define MODE(mode) ATTR_S("mode", mode)
#define WHERE(mode) ATTR_S("coordinate_transformation_mode", mode)
#define ROUND(mode) ATTR_S("nearest_mode", mode)

static const double near = 4e-6;

/* ---- PyTorch -------------------------------------------------------------------------------- */

static void linear_is_pytorch_s_bilinear(void **state)
{
    const struct fsn__tensor to = I64((4), 1, 1, 5, 3);

    (void)state;
    op_expect_near(&(struct op_call){"Resize", IN(SQUARE, ABSENT, ABSENT, to),
                                     ATTRS(MODE("linear"), WHERE("pytorch_half_pixel"))},
                   F32((1, 1, 5, 3), 1.1666667f, 2.5f, 3.8333333f, 3.9666667f, 5.3f, 6.6333333f,
                       7.1666667f, 8.5f, 9.8333333f, 10.366667f, 11.7f, 13.033333f, 13.166667f,
                       14.5f, 15.833333f),
                   near);
    op_expect_near(
        &(struct op_call){"Resize", IN(SQUARE, ABSENT, ABSENT, to),
                          ATTRS(MODE("linear"), WHERE("align_corners"))},
        F32((1, 1, 5, 3), 1, 2.5f, 4, 4, 5.5f, 7, 7, 8.5f, 10, 10, 11.5f, 13, 13, 14.5f, 16), near);
}

static void antialiased_linear_without_the_outside_is_pytorch_s(void **state)
{
    (void)state;
    op_expect_near(
        &(struct op_call){
            "Resize", IN(SQUARE, ABSENT, ABSENT, I64((4), 1, 1, 3, 2)),
            ATTRS(MODE("linear"), ATTR_I("antialias", 1), ATTR_I("exclude_outside", 1))},
        F32((1, 1, 3, 2), 2.9142857f, 4.4857143f, 7.7142857f, 9.2857143f, 12.514286f, 14.085714f),
        near);
}

static void cubic_is_pytorch_s_bicubic(void **state)
{
    (void)state;
    op_expect_near(&(struct op_call){"Resize", IN(SQUARE, ABSENT, ABSENT, I64((4), 1, 1, 5, 3)),
                                     ATTRS(MODE("cubic"))},
                   F32((1, 1, 5, 3), 0.88315741f, 2.257f, 3.6308426f, 3.5691574f, 4.943f,
                       6.3168426f, 7.1261574f, 8.5f, 9.8738426f, 10.683157f, 12.057f, 13.430843f,
                       13.369157f, 14.743f, 16.116843f),
                   near);
}

static void nearest_is_pytorch_s_with_its_attributes(void **state)
{
    const struct fsn__tensor to = I64((4), 1, 1, 6, 3);

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(SQUARE, ABSENT, ABSENT, to),
                                ATTRS(WHERE("asymmetric"), ROUND("floor"))},
              F32((1, 1, 6, 3), 1, 2, 3, 1, 2, 3, 5, 6, 7, 9, 10, 11, 9, 10, 11, 13, 14, 15));
    op_expect(&(struct op_call){"Resize", IN(SQUARE, ABSENT, ABSENT, to),
                                ATTRS(ROUND("round_prefer_ceil"))},
              F32((1, 1, 6, 3), 1, 3, 4, 5, 7, 8, 5, 7, 8, 9, 11, 12, 13, 15, 16, 13, 15, 16));
}

/* ---- by the formulas ------------------------------------------------------------------------ */

/* Positions 0, 0.5, 1, 1.5, 2, 2.5 (asymmetric, scale 2): how each mode rounds the halves. */
static void nearest_modes_round_halves_their_way(void **state)
{
    const struct fsn__tensor x = I32((3), 10, 20, 30), twice = F32((1), 2);
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                         "ceil"};
    const struct fsn__tensor want[] = {
        I32((6), 10, 10, 20, 20, 30, 30), I32((6), 10, 20, 20, 30, 30, 30),
        I32((6), 10, 10, 20, 20, 30, 30), I32((6), 10, 20, 20, 30, 30, 30)};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        op_expect(&(struct op_call){"Resize", IN(x, ABSENT, twice),
                                    ATTRS(WHERE("asymmetric"), ROUND(rounds[i]))},
                  want[i]);
}

/* x = 0 10 20 30. Four to three: positions, of which the values are ten times as large:
 *   half_pixel 1/6, 1.5, 17/6;  align_corners 0, 1.5, 3;  asymmetric 0, 4/3, 8/3;
 *   tf_half_pixel_for_nn 2/3, 2, 10/3 (clamped to 3) */
static void coordinates_follow_their_formulas(void **state)
{
    const struct fsn__tensor x = F32((4), 0, 10, 20, 30), three = I64((1), 3);
    static const char *const where[] = {"half_pixel", "align_corners", "asymmetric",
                                        "tf_half_pixel_for_nn"};
    const struct fsn__tensor want[] = {F32((3), 10 / 6.0f, 15, 170 / 6.0f), F32((3), 0, 15, 30),
                                       F32((3), 0, 40 / 3.0f, 80 / 3.0f),
                                       F32((3), 20 / 3.0f, 20, 30)};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        op_expect_near(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, three),
                                         ATTRS(MODE("linear"), WHERE(where[i]))},
                       want[i], near);
}

/* Scale 0.6 of 4 is 2 of the exact 2.4: half_pixel reads at 1/3 and 2; the symmetric form moves
 * both by 2 (1 - 2 / 2.4) = 1/3. */
static void the_symmetric_form_centres_what_rounding_cut_off(void **state)
{
    const struct fsn__tensor x = F32((4), 0, 3, 6, 9), scale = F32((1), 0.6f);

    (void)state;
    op_expect_near(&(struct op_call){"Resize", IN(x, ABSENT, scale), ATTRS(MODE("linear"))},
                   F32((2), 1, 6), near);
    op_expect_near(&(struct op_call){"Resize", IN(x, ABSENT, scale),
                                     ATTRS(MODE("linear"), WHERE("half_pixel_symmetric"))},
                   F32((2), 2, 7), near);
}

/* One output: pytorch_half_pixel and align_corners read at 0, half_pixel in the middle. */
static void a_single_output_reads_where_its_mode_says(void **state)
{
    const struct fsn__tensor x = F32((4), 1, 2, 3, 4), one = I64((1), 1);

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, one), ATTRS(MODE("linear"))},
              F32((1), 2.5f));
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, one),
                                ATTRS(MODE("linear"), WHERE("pytorch_half_pixel"))},
              F32((1), 1));
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, one),
                                ATTRS(MODE("linear"), WHERE("align_corners"))},
              F32((1), 1));
}

/* Half of 1 2 3 4: each output has taps of weight 1 3 3 1 (/ 8) around its middle, the ends
 * repeated: (1 + 3 + 6 + 3) / 8 and (2 + 9 + 12 + 4) / 8. Upwards nothing is filtered. */
static void antialiasing_stretches_the_kernel_when_shrinking(void **state)
{
    const struct fsn__tensor x = F32((4), 1, 2, 3, 4);

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, F32((1), 0.5f)),
                                ATTRS(MODE("linear"), ATTR_I("antialias", 1))},
              F32((2), 13 / 8.0f, 27 / 8.0f));
    op_expect(&(struct op_call){"Resize", IN(F32((2), 1, 3), ABSENT, F32((1), 2)),
                                ATTRS(MODE("linear"), ATTR_I("antialias", 1))},
              F32((4), 1, 1.5f, 2.5f, 3));
}

static void crop_and_resize_takes_a_region(void **state)
{
    const struct fsn__tensor x = F32((5), 0, 10, 20, 30, 40), three = I64((1), 3);

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(x, F32((2), 0.25f, 0.75f), ABSENT, three),
                                ATTRS(MODE("linear"), WHERE("tf_crop_and_resize"))},
              F32((3), 10, 20, 30));
    op_expect(&(struct op_call){"Resize", IN(x, F32((2), 1, 0), ABSENT, three),
                                ATTRS(MODE("linear"), WHERE("tf_crop_and_resize"))},
              F32((3), 40, 20, 0));
    op_expect(&(struct op_call){"Resize", IN(x, F32((2), 0.5f, 1.5f), ABSENT, three),
                                ATTRS(MODE("linear"), WHERE("tf_crop_and_resize"),
                                      ATTR_F("extrapolation_value", 7))},
              F32((3), 20, 40, 7));
    op_expect(&(struct op_call){"Resize", IN(x, F32((2), 0.25f, 1), ABSENT, I64((1), 1)),
                                ATTRS(MODE("linear"), WHERE("tf_crop_and_resize"))},
              F32((1), 25));
}

/* ---- sizes ---------------------------------------------------------------------------------- */

static void sizes_and_scales_speak_of_the_named_axes(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 4, 6));

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, 2, 0.5f))},
              SHAPE(F32, (N, 3, 8, 3)));
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, F32((2), 0.5f, 2)),
                                ATTRS(ATTR_INTS("axes", 3, 2))},
              SHAPE(F32, (N, 3, 8, 3)));
    op_expect(
        &(struct op_call){"Resize", IN(x, EMPTY(F32, (0)), EMPTY(F32, (0)), I64((4), N, 3, 7, 6))},
        SHAPE(F32, (N, 3, 7, 6)));
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, I64((2), 7, 5)),
                                ATTRS(ATTR_INTS("axes", -2, -1))},
              SHAPE(F32, (N, 3, 7, 5)));
    op_expect(&(struct op_call){"Resize", IN(SHAPE(F32, (10)), ABSENT, F32((1), 0.7f))},
              SHAPE(F32, (7)));
}

/* 4 x 6 into 8 x 9: not larger is 1.5 (6 x 9), not smaller 2 (8 x 12). */
static void the_aspect_ratio_is_kept_when_asked(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 4, 6)), sizes = I64((2), 8, 9);

    (void)state;
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, sizes),
                                ATTRS(ATTR_INTS("axes", 2, 3),
                                      ATTR_S("keep_aspect_ratio_policy", "not_larger"))},
              SHAPE(F32, (N, 3, 6, 9)));
    op_expect(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, sizes),
                                ATTRS(ATTR_INTS("axes", 2, 3),
                                      ATTR_S("keep_aspect_ratio_policy", "not_smaller"))},
              SHAPE(F32, (N, 3, 8, 12)));
}

static void nearest_moves_elements_of_any_type(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"Resize", IN(U8((1, 2), 200, 7), ABSENT, F32((2), 2, 2))},
              U8((2, 4), 200, 200, 7, 7, 200, 200, 7, 7));
    op_expect(&(struct op_call){"Resize", IN(F64((2), 1, 2), ABSENT, F32((1), 1))}, F64((2), 1, 2));
    op_expect(&(struct op_call){"Resize", IN(F32((2), 1, 2), ABSENT, ABSENT, I64((1), 0))},
              EMPTY(F32, (0)));
}

static void faults_are_named(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 3, 4, 6));

    (void)state;
    op_refuse(&(struct op_call){"Resize", IN(x)}, FSN_INVALID,
              "Resize 'node': needs either scales or sizes, has neither");
    op_refuse(
        &(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, 2, 2), I64((4), 1, 3, 8, 12))},
        FSN_INVALID, "needs either scales or sizes, has both");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((3), 1, 2, 2))}, FSN_SHAPE,
              "its scales input is float32 [3], expected 4 floats");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, SHAPE(F32, (4)))}, FSN_UNSUPPORTED,
              "its scales input must be constant");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 2, 1, 1, 1))}, FSN_UNSUPPORTED,
              "resizes the batch axis");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, -2, 1))}, FSN_INVALID,
              "the scale of axis 2 is -2");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, 1e30f, 1))}, FSN_INVALID,
              "the scale of axis 2 is 1e+30");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, I64((4), 2, 3, 4, 6))},
              FSN_UNSUPPORTED, "resizes axis 0 of or to the batch size");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, I64((2), 4, 6))}, FSN_SHAPE,
              "has 2 sizes for 4 axes");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, ABSENT, I64((4), N, 3, -4, 6))},
              FSN_INVALID, "sizes[2] is -4");
    op_refuse(
        &(struct op_call){"Resize", IN(x, ABSENT, ABSENT, I64((4), N, 3, 4, INT64_C(1) << 39))},
        FSN_LIMIT, "axis 3 of 6 elements would grow to 549755813888: too much scratch memory");
    /* 2^25 elements become 2^25 others by way of 2^50 */
    op_refuse(&(struct op_call){"Resize",
                                IN(SHAPE(F32, (1, 1 << 25)), ABSENT, ABSENT, I64((2), 1 << 25, 1))},
              FSN_LIMIT, "axis 0 of 1 elements would grow to 33554432: too much scratch memory");
    op_refuse(
        &(struct op_call){"Resize", IN(SHAPE(U8, (2)), ABSENT, F32((1), 2)), ATTRS(MODE("linear"))},
        FSN_UNSUPPORTED, "linear interpolation of uint8");
    op_refuse(&(struct op_call){"Resize", IN(SHAPE(F32, (0)), ABSENT, ABSENT, I64((1), 2))},
              FSN_SHAPE, "cannot make 2 elements of axis 0 of [0]");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, 2, 2)),
                                ATTRS(WHERE("tf_crop_and_resize"))},
              FSN_INVALID, "tf_crop_and_resize without its region (roi)");
    op_refuse(&(struct op_call){"Resize", IN(x, ABSENT, F32((4), 1, 1, 2, 2)), ATTRS(MODE("area"))},
              FSN_INVALID, "mode is 'area', which ONNX does not define");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_is_pytorch_s_bilinear),
        cmocka_unit_test(antialiased_linear_without_the_outside_is_pytorch_s),
        cmocka_unit_test(cubic_is_pytorch_s_bicubic),
        cmocka_unit_test(nearest_is_pytorch_s_with_its_attributes),
        cmocka_unit_test(nearest_modes_round_halves_their_way),
        cmocka_unit_test(coordinates_follow_their_formulas),
        cmocka_unit_test(the_symmetric_form_centres_what_rounding_cut_off),
        cmocka_unit_test(a_single_output_reads_where_its_mode_says),
        cmocka_unit_test(antialiasing_stretches_the_kernel_when_shrinking),
        cmocka_unit_test(crop_and_resize_takes_a_region),
        cmocka_unit_test(sizes_and_scales_speak_of_the_named_axes),
        cmocka_unit_test(the_aspect_ratio_is_kept_when_asked),
        cmocka_unit_test(nearest_moves_elements_of_any_type),
        cmocka_unit_test(faults_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
