/*
 * test_grad_nn.c - gradients of the network layers' operators against central differences, and the
 * list of which program covers which operator.
 *
 * Shapes are odd on purpose: no two sizes of a case are equal, strides leave a remainder, padding
 * is asymmetric. Inputs are drawn without a pattern; where an operator has kinks (Relu, Clip,
 * MaxPool) they lie farther apart than the differences reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"

#include <stdio.h>
#include <string.h>

enum { X = 1, W = 2, B = 4 }; /* wanted gradients: input 0, 1, 2 */

/* ---- inputs ------------------------------------------------------------------------------------
 */

static float store[1 << 14]; /* data of the current test's tensors */
static int64_t store_used;

static int start(void **state)
{
    (void)state;
    store_used = 0;
    return 0;
}

static struct fsn__tensor with_data(struct fsn__tensor t)
{
    const int64_t n = fsn__numel(&t);

    assert_true(store_used + n <= (int64_t)(sizeof store / sizeof store[0]));
    t.data = store + store_used;
    store_used += n;
    return t;
}

/* Between -1 and 1, another sequence for every tensor of a test. */
static struct fsn__tensor noise(struct fsn__tensor shape)
{
    struct fsn__tensor t = with_data(shape);

    for (int64_t i = 0; i < fsn__numel(&t); i++) {
        const uint32_t place = (uint32_t)(fsn__f32(&t) - store + i + 1);

        fsn__f32(&t)[i] = (float)(place * UINT32_C(2246822519) >> 8) / (1 << 23) - 1;
    }
    return t;
}

/* (j + 1/2 - n/2) / 16 for the j of a permutation: 1/16 apart, 1/32 or more from zero. */
static struct fsn__tensor spread(struct fsn__tensor shape)
{
    struct fsn__tensor t = with_data(shape);
    const int64_t n = fsn__numel(&t);

    for (int64_t i = 0; i < n; i++) /* 7919 is a prime, larger than any n here */
        fsn__f32(&t)[i] = ((float)(i * 7919 % n) + 0.5f - (float)(n / 2)) / 16;
    return t;
}

#define NOISE(...) noise(SHAPE(F32, (__VA_ARGS__)))
#define SPREAD(...) spread(SHAPE(F32, (__VA_ARGS__)))

/* ---- Conv --------------------------------------------------------------------------------------
 */

static void convolution_with_a_bias(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 3, 5, 4), NOISE(4, 3, 3, 2), NOISE(4))},
                      X | W | B);
}

static void convolution_of_the_same_width(void **state)
{
    (void)state; /* rows keep their length: planes move as a whole */
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 2, 5, 7), NOISE(3, 2, 3, 3)),
                                        ATTRS(ATTR_INTS("pads", 1, 1, 1, 1))},
                      X | W);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(1, 2, 4, 3), NOISE(2, 2, 3, 5)),
                                        ATTRS(ATTR_INTS("pads", 0, 2, 1, 2))},
                      X | W);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(1, 1, 3, 2), NOISE(2, 1, 5, 9)),
                                        ATTRS(ATTR_INTS("pads", 4, 4, 3, 4))},
                      X | W);
    op_check_gradient(
        &(struct op_call){"Conv", IN(NOISE(1, 2, 6, 5), NOISE(2, 2, 3, 3)),
                          ATTRS(ATTR_INTS("pads", 1, 2, 2, 2), ATTR_INTS("dilations", 2, 2))},
        X | W);
}

static void convolution_with_strides_and_uneven_padding(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"Conv", IN(NOISE(2, 2, 7, 6), NOISE(3, 2, 3, 2), NOISE(3)),
                          ATTRS(ATTR_INTS("strides", 2, 3), ATTR_INTS("pads", 2, 0, 1, 1))},
        X | W | B);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(1, 3, 5, 5), NOISE(2, 3, 1, 1)),
                                        ATTRS(ATTR_INTS("strides", 2, 2))},
                      X | W);
}

static void convolution_with_dilation(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"Conv", IN(NOISE(1, 2, 7, 8), NOISE(2, 2, 3, 3)),
                          ATTRS(ATTR_INTS("dilations", 2, 3), ATTR_INTS("pads", 1, 2, 0, 3),
                                ATTR_INTS("strides", 1, 2))},
        X | W);
}

static void convolution_in_groups(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 6, 4, 5), NOISE(9, 2, 3, 3), NOISE(9)),
                                        ATTRS(ATTR_I("group", 3), ATTR_INTS("pads", 1, 1, 1, 1))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 4, 5, 5), NOISE(4, 1, 3, 3)),
                                        ATTRS(ATTR_I("group", 4), ATTR_INTS("strides", 2, 2))},
                      X | W);
}

static void convolution_of_one_tap(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(4, 3, 3, 5), NOISE(5, 3, 1, 1), NOISE(5))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 4, 3, 2), NOISE(6, 2, 1, 1)),
                                        ATTRS(ATTR_I("group", 2))},
                      X | W);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 2, 3, 2), NOISE(3, 2, 1, 1)),
                                        ATTRS(ATTR_INTS("pads", 1, 0, 0, 1))},
                      X | W);
}

static void convolution_with_automatic_padding(void **state)
{
    static const char *const modes[] = {"SAME_UPPER", "SAME_LOWER", "VALID"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        op_check_gradient(
            &(struct op_call){"Conv", IN(NOISE(1, 2, 5, 6), NOISE(2, 2, 2, 3)),
                              ATTRS(ATTR_S("auto_pad", modes[i]), ATTR_INTS("strides", 1, 2))},
            X | W);
}

static void convolution_of_one_and_three_axes(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(2, 3, 9), NOISE(4, 3, 3), NOISE(4)),
                                        ATTRS(ATTR_INTS("pads", 1, 2), ATTR_INTS("strides", 2))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"Conv", IN(NOISE(1, 2, 4, 3, 5), NOISE(2, 2, 3, 2, 3)),
                                        ATTRS(ATTR_INTS("pads", 1, 0, 1, 1, 1, 1),
                                              ATTR_INTS("strides", 2, 1, 1))},
                      X | W);
}

static void convolution_gives_each_gradient_alone(void **state)
{
    const struct op_call call = {"Conv", IN(NOISE(2, 2, 4, 5), NOISE(3, 2, 3, 3), NOISE(3)),
                                 ATTRS(ATTR_INTS("pads", 1, 1, 1, 1))};

    (void)state;
    op_check_gradient(&call, X);
    op_check_gradient(&call, W);
    op_check_gradient(&call, B);
}

/* ---- BatchNormalization ------------------------------------------------------------------------
 */

static void batch_normalisation_through_batch_statistics(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"BatchNormalization", IN(NOISE(3, 4, 2, 5), NOISE(4), NOISE(4),
                                                   F32((4), 0, 0, 0, 0), F32((4), 1, 1, 1, 1))},
        X | W | B);
    op_check_gradient(&(struct op_call){"BatchNormalization",
                                        IN(NOISE(11, 3), NOISE(3), NOISE(3), F32((3), 0, 0, 0),
                                           F32((3), 1, 1, 1)),
                                        ATTRS(ATTR_F("epsilon", 0.25f))},
                      X | W | B);
    op_check_gradient(
        &(struct op_call){"BatchNormalization",
                          IN(NOISE(1, 2, 131), NOISE(2), NOISE(2), F32((2), 0, 0), F32((2), 1, 1))},
        X | W);
}

static void batch_normalisation_with_running_statistics(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"BatchNormalization",
                                        IN(NOISE(3, 2, 5), NOISE(2), NOISE(2), F32((2), 0.5f, -1),
                                           F32((2), 0.75f, 2)),
                                        .inference = true},
                      X | W | B);
}

/* ---- activations -------------------------------------------------------------------------------
 */

static void relu(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Relu", IN(SPREAD(3, 5, 7))}, X);
    op_check_gradient(&(struct op_call){"Relu", IN(SPREAD(1))}, X);
}

static void clip_between_two_bounds_one_or_none(void **state)
{
    const struct fsn__tensor low = SCALAR(F32, float, -1.5f), high = SCALAR(F32, float, 2);

    (void)state; /* the bounds fall between the values: multiples of 1/16 and odd ones of 1/32 */
    op_check_gradient(&(struct op_call){"Clip", IN(SPREAD(7, 11), low, high)}, X);
    op_check_gradient(&(struct op_call){"Clip", IN(SPREAD(7, 11), low)}, X);
    op_check_gradient(&(struct op_call){"Clip", IN(SPREAD(7, 11), ABSENT, high)}, X);
    op_check_gradient(&(struct op_call){"Clip", IN(SPREAD(7, 11))}, X);
}

/* ---- pooling -----------------------------------------------------------------------------------
 */

static void maximum_pooling(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"MaxPool", IN(SPREAD(2, 3, 5, 7)),
                          ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 1),
                                ATTR_INTS("pads", 1, 0, 1, 1))},
        X);
    op_check_gradient(
        &(struct op_call){"MaxPool", IN(SPREAD(1, 2, 6, 5)),
                          ATTRS(ATTR_INTS("kernel_shape", 2, 2), ATTR_INTS("strides", 3, 2),
                                ATTR_I("ceil_mode", 1), ATTR_INTS("dilations", 1, 2))},
        X);
    op_check_gradient(
        &(struct op_call){"MaxPool", IN(SPREAD(2, 2, 9)),
                          ATTRS(ATTR_INTS("kernel_shape", 4), ATTR_S("auto_pad", "SAME_LOWER"))},
        X);
    op_check_gradient(
        &(struct op_call){"MaxPool", IN(SPREAD(1, 2, 3, 4, 5)),
                          ATTRS(ATTR_INTS("kernel_shape", 2, 3, 2), ATTR_INTS("strides", 1, 2, 3))},
        X);
}

static void average_pooling(void **state)
{
    (void)state;
    for (int include = 0; include < 2; include++) {
        op_check_gradient(
            &(struct op_call){"AveragePool", IN(NOISE(2, 3, 5, 7)),
                              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 2),
                                    ATTR_INTS("pads", 1, 0, 1, 1),
                                    ATTR_I("count_include_pad", include))},
            X);
        op_check_gradient(
            &(struct op_call){"AveragePool", IN(NOISE(1, 2, 6, 5)),
                              ATTRS(ATTR_INTS("kernel_shape", 2, 3), ATTR_INTS("strides", 3, 3),
                                    ATTR_INTS("pads", 0, 1, 1, 1), ATTR_I("ceil_mode", 1),
                                    ATTR_INTS("dilations", 2, 1),
                                    ATTR_I("count_include_pad", include))},
            X);
    }
    op_check_gradient(
        &(struct op_call){"AveragePool", IN(NOISE(2, 1, 8)),
                          ATTRS(ATTR_INTS("kernel_shape", 3), ATTR_S("auto_pad", "SAME_UPPER"),
                                ATTR_INTS("strides", 2))},
        X);
    op_check_gradient(&(struct op_call){"AveragePool", IN(NOISE(1, 2, 3, 4, 5)),
                                        ATTRS(ATTR_INTS("kernel_shape", 2, 2, 3))},
                      X);
}

static void global_average_pooling(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"GlobalAveragePool", IN(NOISE(3, 5, 4, 7))}, X);
    op_check_gradient(&(struct op_call){"GlobalAveragePool", IN(NOISE(2, 3, 6))}, X);
}

/* Elements stay away from zero, where |x| has a kink. */
static void pooling_of_lengths(void **state)
{
    (void)state;
    for (int p = 1; p <= 3; p++) {
        op_check_gradient(
            &(struct op_call){"LpPool", IN(SPREAD(2, 3, 5, 7)),
                              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 1),
                                    ATTR_INTS("pads", 1, 0, 1, 1), ATTR_I("p", p))},
            X);
        op_check_gradient(
            &(struct op_call){"LpPool", IN(SPREAD(1, 2, 6, 5)),
                              ATTRS(ATTR_INTS("kernel_shape", 2, 2), ATTR_INTS("strides", 3, 2),
                                    ATTR_I("ceil_mode", 1), ATTR_INTS("dilations", 1, 2),
                                    ATTR_I("p", p))},
            X);
    }
}

static void pooling_of_a_channels_length(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"GlobalLpPool", IN(NOISE(3, 5, 4, 7))}, X);
    op_check_gradient(&(struct op_call){"GlobalLpPool", IN(NOISE(2, 3, 6)), ATTRS(ATTR_I("p", 3))},
                      X);
}

/* ---- matrix products ---------------------------------------------------------------------------
 */

static void gemm_in_all_orientations(void **state)
{
    (void)state;
    for (int ta = 0; ta < 2; ta++)
        for (int tb = 0; tb < 2; tb++)
            op_check_gradient(
                &(struct op_call){
                    "Gemm",
                    IN(ta ? NOISE(5, 3) : NOISE(3, 5), tb ? NOISE(4, 5) : NOISE(5, 4), NOISE(4)),
                    ATTRS(ATTR_I("transA", ta), ATTR_I("transB", tb), ATTR_F("alpha", 0.5f),
                          ATTR_F("beta", -1.5f))},
                X | W | B);
}

static void gemm_sums_the_bias_where_it_was_broadcast(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(3, 5), NOISE(5, 4), NOISE(3, 4))}, B);
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(3, 5), NOISE(5, 4), NOISE(3, 1))}, B);
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(3, 5), NOISE(5, 4), NOISE(1))}, B);
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(3, 5), NOISE(5, 4))}, X | W);
}

static void gemm_of_several_tiles(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(70, 3), NOISE(3, 5), NOISE(5))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"Gemm", IN(NOISE(3, 2), NOISE(2, 270))}, X | W);
}

static void matmul_of_every_rank(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(3, 5), NOISE(5, 4))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(5), NOISE(5))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(5), NOISE(5, 4))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(2, 3, 5), NOISE(5))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(2, 3, 5), NOISE(5, 4))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(5), NOISE(2, 5, 3))}, X | W);
}

static void matmul_sums_over_broadcast_axes(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(2, 1, 3, 5), NOISE(4, 5, 2))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(3, 5), NOISE(2, 5, 4))}, X | W);
    op_check_gradient(&(struct op_call){"MatMul", IN(NOISE(2, 3, 5), NOISE(1, 5, 4))}, X | W);
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

static void softmax_along_any_axis(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Softmax", IN(NOISE(3, 7))}, X);
    op_check_gradient(&(struct op_call){"Softmax", IN(NOISE(2, 5, 3)), ATTRS(ATTR_I("axis", 1))},
                      X);
    op_check_gradient(&(struct op_call){"Softmax", IN(NOISE(4, 3)), ATTRS(ATTR_I("axis", -2))}, X);
    op_check_gradient(&(struct op_call){"Softmax", IN(NOISE(2, 3, 4)),
                                        ATTRS(ATTR_I("axis", 1), ATTR_I("flatten", 1))},
                      X);
}

static void dropout_with_the_mask_of_its_forward(void **state)
{
    const struct fsn__tensor ratio = SCALAR(F32, float, 0.3f), none = SCALAR(F32, float, 0);

    (void)state;
    op_check_gradient(&(struct op_call){"Dropout", IN(NOISE(3, 13))}, X);
    op_check_gradient(&(struct op_call){"Dropout", IN(NOISE(3, 13), ratio)}, X);
    op_check_gradient(&(struct op_call){"Dropout", IN(NOISE(3, 13), none)}, X);
    op_check_gradient(&(struct op_call){"Dropout", IN(NOISE(3, 13), ratio), .inference = true}, X);
}

/* ---- normalisation ----------------------------------------------------------------------------
 */

static void instance_normalisation(void **state)
{
    (void)state;
    op_check_gradient(
        &(struct op_call){"InstanceNormalization", IN(NOISE(2, 3, 4, 5), NOISE(3), NOISE(3))},
        X | W | B);
    op_check_gradient(
        &(struct op_call){"InstanceNormalization", IN(NOISE(2, 3, 4, 5), NOISE(3), NOISE(3))}, W);
}

static void group_normalisation(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"GroupNormalization",
                                        IN(NOISE(2, 6, 3, 3), NOISE(6), NOISE(6)),
                                        ATTRS(ATTR_I("num_groups", 2))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"GroupNormalization",
                                        IN(NOISE(2, 6, 5), NOISE(3), NOISE(3)),
                                        ATTRS(ATTR_I("num_groups", 3))},
                      X | W | B);
}

static void layer_normalisation(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"LayerNormalization",
                                        IN(NOISE(3, 2, 7), NOISE(2, 7), NOISE(2, 7)),
                                        ATTRS(ATTR_I("axis", 1))},
                      X | W | B);
    op_check_gradient(&(struct op_call){"LayerNormalization", IN(NOISE(3, 2, 7), NOISE(7))}, X | W);
}

static void response_normalisation(void **state)
{
    (void)state;
    for (int64_t size = 1; size <= 8; size += 1 + size)
        op_check_gradient(&(struct op_call){"LRN", IN(NOISE(2, 5, 3, 2)),
                                            ATTRS(ATTR_I("size", size), ATTR_F("alpha", 0.9f),
                                                  ATTR_F("beta", 0.6f), ATTR_F("bias", 1.5f))},
                          X);
    op_check_gradient(
        &(struct op_call){"LRN", IN(NOISE(2, 5, 4)), ATTRS(ATTR_I("size", 4), ATTR_F("alpha", 1))},
        X);
}

static void normalisation_to_a_length(void **state)
{
    (void)state;
    for (int64_t p = 1; p <= 2; p++) {
        op_check_gradient(&(struct op_call){"LpNormalization", IN(spread(SHAPE(F32, (3, 5)))),
                                            ATTRS(ATTR_I("p", p))},
                          X);
        op_check_gradient(&(struct op_call){"LpNormalization", IN(spread(SHAPE(F32, (2, 5, 3)))),
                                            ATTRS(ATTR_I("p", p), ATTR_I("axis", 1))},
                          X);
    }
}

static void global_maximum_pooling(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"GlobalMaxPool", IN(spread(SHAPE(F32, (2, 3, 3, 5))))}, X);
}

static void identity(void **state)
{
    (void)state;
    op_check_gradient(&(struct op_call){"Identity", IN(NOISE(3, 4, 5))}, X);
}

/* ---- which operator is covered where -----------------------------------------------------------
 */

#define CASE(op, function)                         \
    {                                              \
        op,                                        \
        {                                          \
#function, function, start, NULL, NULL \
        }                                          \
    }

static const struct {
    const char *op;
    struct CMUnitTest test;
} cases[] = {
    CASE("Conv", convolution_with_a_bias),
    CASE("Conv", convolution_of_the_same_width),
    CASE("Conv", convolution_with_strides_and_uneven_padding),
    CASE("Conv", convolution_with_dilation),
    CASE("Conv", convolution_in_groups),
    CASE("Conv", convolution_of_one_tap),
    CASE("Conv", convolution_with_automatic_padding),
    CASE("Conv", convolution_of_one_and_three_axes),
    CASE("Conv", convolution_gives_each_gradient_alone),
    CASE("BatchNormalization", batch_normalisation_through_batch_statistics),
    CASE("BatchNormalization", batch_normalisation_with_running_statistics),
    CASE("Relu", relu),
    CASE("Clip", clip_between_two_bounds_one_or_none),
    CASE("MaxPool", maximum_pooling),
    CASE("AveragePool", average_pooling),
    CASE("GlobalAveragePool", global_average_pooling),
    CASE("LpPool", pooling_of_lengths),
    CASE("GlobalLpPool", pooling_of_a_channels_length),
    CASE("Gemm", gemm_in_all_orientations),
    CASE("Gemm", gemm_sums_the_bias_where_it_was_broadcast),
    CASE("Gemm", gemm_of_several_tiles),
    CASE("MatMul", matmul_of_every_rank),
    CASE("MatMul", matmul_sums_over_broadcast_axes),
    CASE("Softmax", softmax_along_any_axis),
    CASE("Dropout", dropout_with_the_mask_of_its_forward),
    CASE("Identity", identity),
    CASE("InstanceNormalization", instance_normalisation),
    CASE("GroupNormalization", group_normalisation),
    CASE("LayerNormalization", layer_normalisation),
    CASE("LRN", response_normalisation),
    CASE("LpNormalization", normalisation_to_a_length),
    CASE("GlobalMaxPool", global_maximum_pooling),
};

/* Operators whose gradients other programs check. */
static const struct {
    const char *op, *program;
} elsewhere[] = {
    {"FilterSummary", "test_grad_fs"},
    {"Add", "test_grad_shape"},
    {"Sub", "test_grad_shape"},
    {"Mul", "test_grad_shape"},
    {"Div", "test_grad_shape"},
    {"Flatten", "test_grad_shape"},
    {"Reshape", "test_grad_shape"},
    {"Squeeze", "test_grad_shape"},
    {"Unsqueeze", "test_grad_shape"},
    {"Transpose", "test_grad_shape"},
    {"Concat", "test_grad_shape"},
    {"Slice", "test_grad_shape"},
    {"Pad", "test_grad_shape"},
    {"Gather", "test_grad_shape"},
    {"Expand", "test_grad_shape"},
    {"Cast", "test_grad_shape"},
    {"CastLike", "test_grad_shape"},
    {"LeakyRelu", "test_grad_math"},
    {"ThresholdedRelu", "test_grad_math"},
    {"Elu", "test_grad_math"},
    {"Celu", "test_grad_math"},
    {"Selu", "test_grad_math"},
    {"Sigmoid", "test_grad_math"},
    {"HardSigmoid", "test_grad_math"},
    {"Swish", "test_grad_math"},
    {"HardSwish", "test_grad_math"},
    {"Tanh", "test_grad_math"},
    {"Softplus", "test_grad_math"},
    {"Softsign", "test_grad_math"},
    {"Mish", "test_grad_math"},
    {"Gelu", "test_grad_math"},
    {"Abs", "test_grad_math"},
    {"Neg", "test_grad_math"},
    {"Reciprocal", "test_grad_math"},
    {"Sqrt", "test_grad_math"},
    {"Exp", "test_grad_math"},
    {"Log", "test_grad_math"},
    {"Erf", "test_grad_math"},
    {"Sin", "test_grad_math"},
    {"Cos", "test_grad_math"},
    {"Sign", "test_grad_math"},
    {"Floor", "test_grad_math"},
    {"Ceil", "test_grad_math"},
    {"Round", "test_grad_math"},
    {"Pow", "test_grad_math"},
    {"PRelu", "test_grad_math"},
    {"Sum", "test_grad_math"},
    {"Mean", "test_grad_math"},
    {"Min", "test_grad_math"},
    {"Max", "test_grad_math"},
    {"Where", "test_grad_math"},
    {"ConvTranspose", "test_grad_move"},
    {"Split", "test_grad_move"},
    {"Tile", "test_grad_move"},
    {"DepthToSpace", "test_grad_move"},
    {"SpaceToDepth", "test_grad_move"},
    {"GatherElements", "test_grad_move"},
    {"GatherND", "test_grad_move"},
    {"ReduceSum", "test_grad_reduce"},
    {"ReduceMean", "test_grad_reduce"},
    {"ReduceL1", "test_grad_reduce"},
    {"ReduceL2", "test_grad_reduce"},
    {"ReduceSumSquare", "test_grad_reduce"},
    {"ReduceLogSum", "test_grad_reduce"},
    {"ReduceLogSumExp", "test_grad_reduce"},
    {"ReduceProd", "test_grad_reduce"},
    {"ReduceMax", "test_grad_reduce"},
    {"ReduceMin", "test_grad_reduce"},
    {"CumSum", "test_grad_reduce"},
    {"LogSoftmax", "test_grad_reduce"},
    {"Resize", "test_grad_move"},
    {"FakeQuantize", "test_op_fake_quantize"}, /* in tests/unit: by PyTorch, not by differences */
};

enum { CASES = sizeof cases / sizeof cases[0] };

static bool is_covered(const char *op)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].op, op) == 0)
            return true;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(elsewhere[i].op, op) == 0)
            return true;
    return false;
}

static void every_operator_with_a_backward_has_a_gradient_case(void **state)
{
    size_t count;
    const struct fsn__op *const *table = fsn__op_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        if (table[i]->backward && !is_covered(table[i]->name))
            fail_msg("no gradient case for %s", table[i]->name);
}

int main(void)
{
    struct CMUnitTest tests[CASES + 1] = {
        cmocka_unit_test(every_operator_with_a_backward_has_a_gradient_case)};

    for (size_t i = 0; i < CASES; i++)
        tests[i + 1] = cases[i].test;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
