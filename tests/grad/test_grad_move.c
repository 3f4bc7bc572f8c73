/*
 * test_grad_move.c - gradients of the operators that spread, cut, repeat, choose or resample:
 * transposed convolution and what only moves elements, against central differences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"

enum { X = 1, W = 2, B = 4 }; /* wanted gradients: input 0, 1, 2 */

static float store[1 << 12]; /* data of the current test's tensors */
static int64_t store_used;

static int start(void **state)
{
    (void)state;
    store_used = 0;
    return 0;
}

/* Between -1 and 1, another sequence for every tensor of a test. */
static struct fsn__tensor noise(struct fsn__tensor t)
{
    const int64_t n = fsn__numel(&t);

    assert_true(store_used + n <= (int64_t)(sizeof store / sizeof store[0]));
    t.data = store + store_used;
    store_used += n;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t place = (uint32_t)(fsn__f32(&t) - store + i + 1);

        fsn__f32(&t)[i] = (float)(place * UINT32_C(2246822519) >> 8) / (1 << 23) - 1;
    }
    return t;
}

#define NOISE(...) noise(SHAPE(F32, (__VA_ARGS__)))

/* ---- ConvTranspose -------------------------------------------------------------------------- */

static void transposed_convolution(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"ConvTranspose", IN(NOISE(2, 3, 3, 4), NOISE(3, 2, 3, 2), NOISE(2))},
        X | W | B);
    op_check_gradient(
        &(struct op_call){"ConvTranspose", IN(NOISE(2, 2, 3, 4), NOISE(2, 3, 4, 3), NOISE(3)),
                          ATTRS(ATTR_INTS("strides", 3, 2), ATTR_INTS("pads", 2, 0, 1, 1),
                                ATTR_INTS("output_padding", 1, 0))},
        X | W | B);
    op_check_gradient(&(struct op_call){"ConvTranspose", IN(NOISE(1, 2, 3, 5), NOISE(2, 1, 2, 3)),
                                        ATTRS(ATTR_INTS("dilations", 3, 2))},
                      X | W);
}

static void transposed_convolution_in_groups(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"ConvTranspose",
                                        IN(NOISE(3, 4, 2, 3), NOISE(4, 3, 3, 2), NOISE(6)),
                                        ATTRS(ATTR_I("group", 2), ATTR_INTS("strides", 2, 1))},
                      X | W | B);
}

static void transposed_convolution_of_one_and_three_axes(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"ConvTranspose", IN(NOISE(2, 3, 4), NOISE(3, 2, 3)),
                          ATTRS(ATTR_INTS("strides", 2), ATTR_S("auto_pad", "SAME_UPPER"))},
        X | W);
    op_check_gradient(&(struct op_call){"ConvTranspose",
                                        IN(NOISE(1, 2, 2, 3, 2), NOISE(2, 2, 2, 1, 3), NOISE(2)),
                                        ATTRS(ATTR_INTS("strides", 2, 1, 2))},
                      X | W | B);
}

static void transposed_convolution_gives_each_gradient_alone(void **state)
{
    (void)state;
    for (unsigned wanted = X; wanted <= B; wanted *= 2)
        op_check_gradient(
            &(struct op_call){"ConvTranspose", IN(NOISE(2, 2, 3, 3), NOISE(2, 2, 3, 3), NOISE(2))},
            wanted);
}

/* ---- movement ------------------------------------------------------------------------------- */

static void split_gathers_the_gradients_of_its_parts(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Split", IN(NOISE(3, 7, 2), I64((3), 2, 4, 1)),
                                        ATTRS(ATTR_I("axis", 1)), .n_out = 3},
                      X);
    op_check_gradient(&(struct op_call){"Split", IN(NOISE(4, 3)), .n_out = 2}, X);
}

static void tile_sums_over_its_repeats(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Tile", IN(NOISE(2, 1, 3), I64((3), 3, 2, 2))}, X);
    op_check_gradient(&(struct op_call){"Tile", IN(NOISE(2, 3), I64((2), 1, 4))}, X);
}

static void depth_and_space(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"DepthToSpace", IN(NOISE(2, 8, 2, 3)),
                                        ATTRS(ATTR_I("blocksize", 2), ATTR_S("mode", "DCR"))},
                      X);
    op_check_gradient(&(struct op_call){"DepthToSpace", IN(NOISE(1, 18, 1, 2)),
                                        ATTRS(ATTR_I("blocksize", 3), ATTR_S("mode", "CRD"))},
                      X);
    op_check_gradient(
        &(struct op_call){"SpaceToDepth", IN(NOISE(2, 3, 4, 2)), ATTRS(ATTR_I("blocksize", 2))}, X);
}

/* Places that are named twice add up. */
static void gathering_places(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"GatherElements", IN(NOISE(3, 3), I64((2, 3), 1, 2, 0, 1, 0, -1))}, X);
    op_check_gradient(
        &(struct op_call){"GatherND", IN(NOISE(2, 3, 2), I64((3, 2), 1, 2, 0, 0, -1, 2))}, X);
    op_check_gradient(&(struct op_call){"GatherND", IN(NOISE(2, 3, 2), I64((2, 1), 2, 1)),
                                        ATTRS(ATTR_I("batch_dims", 1))},
                      X);
}

/* ---- Resize --------------------------------------------------------------------------------- */

static void resampling(void **state)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const where[] = {"half_pixel", "align_corners", "asymmetric"};
    const struct fsn__tensor up = I64((4), 2, 2, 5, 7), down = I64((4), 2, 2, 2, 3);

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            op_check_gradient(
                &(struct op_call){"Resize", IN(NOISE(2, 2, 3, 4), ABSENT, ABSENT, up),
                                  ATTRS(ATTR_S("mode", modes[i]),
                                        ATTR_S("coordinate_transformation_mode", where[j]))},
                X);
            op_check_gradient(
                &(struct op_call){"Resize", IN(NOISE(2, 2, 3, 4), ABSENT, ABSENT, down),
                                  ATTRS(ATTR_S("mode", modes[i]), ATTR_I("antialias", 1))},
                X);
        }
}

/* Three axes at once, one axis, none, and a region that reaches beyond the input. */
static void resampling_of_other_axes(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"Resize", IN(NOISE(1, 2, 2, 3, 3), ABSENT, F32((3), 2, 0.7f, 1.5f)),
                          ATTRS(ATTR_S("mode", "linear"), ATTR_INTS("axes", 2, 3, 4))},
        X);
    op_check_gradient(&(struct op_call){"Resize", IN(NOISE(2, 5), ABSENT, F32((2), 1, 1.6f)),
                                        ATTRS(ATTR_S("mode", "linear"))},
                      X);
    op_check_gradient(&(struct op_call){"Resize", IN(NOISE(2, 5), ABSENT, F32((2), 1, 1))}, X);
    op_check_gradient(
        &(struct op_call){
            "Resize",
            IN(NOISE(1, 2, 4, 4), F32((4), -0.2f, 0.3f, 0.7f, 1.4f), ABSENT, I64((2), 5, 3)),
            ATTRS(ATTR_S("mode", "linear"),
                  ATTR_S("coordinate_transformation_mode", "tf_crop_and_resize"),
                  ATTR_INTS("axes", 2, 3))},
        X);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(transposed_convolution, start),
        cmocka_unit_test_setup(transposed_convolution_in_groups, start),
        cmocka_unit_test_setup(transposed_convolution_of_one_and_three_axes, start),
        cmocka_unit_test_setup(transposed_convolution_gives_each_gradient_alone, start),
        cmocka_unit_test_setup(split_gathers_the_gradients_of_its_parts, start),
        cmocka_unit_test_setup(tile_sums_over_its_repeats, start),
        cmocka_unit_test_setup(depth_and_space, start),
        cmocka_unit_test_setup(gathering_places, start),
        cmocka_unit_test_setup(resampling, start),
        cmocka_unit_test_setup(resampling_of_other_axes, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
