/*
 * op_activation.c - activation functions, element by element.
 *
 *   Relu             max(x, 0)
 *   LeakyRelu        x where x >= 0, alpha x below
 *   ThresholdedRelu  x where x > alpha, 0 below
 *   Elu              x where x > 0, alpha (e^x - 1) below
 *   Celu             x where x > 0, alpha (e^(x/alpha) - 1) below
 *   Selu             gamma Elu(x)
 *   Sigmoid          s(x) = 1 / (1 + e^-x)
 *   HardSigmoid      alpha x + beta, within [0, 1]
 *   Swish            x s(alpha x)
 *   HardSwish        x HardSigmoid(x) with alpha = 1/6, beta = 1/2
 *   Tanh             tanh(x)
 *   Softplus         p(x) = ln(1 + e^x)
 *   Softsign         x / (1 + |x|)
 *   Mish             x tanh(p(x))
 *   Gelu             x Phi(x), Phi the normal distribution function; or, with approximate = "tanh",
 *                    x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3)
 *
 * Slopes are written in y where that spares keeping x. At a kink the slope is that of one of the
 * sides. All pass NaN on, so that a diverging network is noticed at its output. The
 * expressions are those of tgmath.h: exp(x) is expf(x) where x is a float.
 */
#include "ops/unary.h"

#include <string.h>
#include <tgmath.h>

/* ---- made of straight lines ------------------------------------------------------------------ */

FSN__REAL_TYPES(FSN__UNARY_FORWARD, relu, x < 0 ? 0 : x)
FSN__SIGNED_TYPES(FSN__UNARY_FORWARD, relu, x < 0 ? 0 : x)
FSN__UNARY_BACKWARD(relu_slope, y > 0 ? g : 0)
static const struct fsn__unary op_relu = {
    .forward = {FSN__REAL_TYPES(FSN__ENTRY, relu) FSN__SIGNED_TYPES(FSN__ENTRY, relu)},
    .backward = relu_slope};
FSN__UNARY_OP(relu, .name = "Relu", .backward_out = 1)

FSN__REAL_FUNCTION(leaky_relu, FSN__ALPHA(0.01F), x<0 ? alpha * x : x, x> 0 ? g : alpha *g,
                   .name = "LeakyRelu", .backward_in = 1)
FSN__REAL_FUNCTION(thresholded_relu, FSN__ALPHA(1), x <= alpha ? 0 : x, x > alpha ? g : 0,
                   .name = "ThresholdedRelu", .backward_in = 1)

#define WITHIN_0_1(v) ((v) < 0 ? 0 : (v) > 1 ? 1 : (v))

FSN__REAL_FUNCTION(hard_sigmoid, FSN__ALPHA_AND(0.2F, "beta", 0.5F), WITHIN_0_1(alpha *x + beta),
                   y > 0 && y < 1 ? alpha * g : 0, .name = "HardSigmoid", .backward_out = 1)
FSN__REAL_FUNCTION(hard_swish, FSN__NO_ATTRIBUTES, x *WITHIN_0_1((x + 3) / 6),
                   x <= -3  ? 0
                   : x >= 3 ? g
                            : (2 * x + 3) / 6 * g,
                   .name = "HardSwish", .backward_in = 1)

/* ---- exponential below zero ------------------------------------------------------------------ */

FSN__REAL_FUNCTION(elu, FSN__ALPHA(1), x > 0 ? x : alpha * expm1(x), x > 0 ? g : alpha * exp(x) * g,
                   .name = "Elu", .backward_in = 1)
FSN__REAL_FUNCTION(celu, FSN__ALPHA(1), x > 0 ? x : alpha * expm1(x / alpha),
                   x > 0 ? g : exp(x / alpha) * g, .name = "Celu", .backward_in = 1)
/* beta stands for gamma. */
FSN__REAL_FUNCTION(selu,
                   FSN__ALPHA_AND(1.67326319217681884765625F, "gamma", 1.05070102214813232421875F),
                   beta *(x > 0 ? x : alpha * expm1(x)), beta *(x > 0 ? g : alpha * exp(x) * g),
                   .name = "Selu", .backward_in = 1)

/* ---- smooth ---------------------------------------------------------------------------------- */

#define SIGMOID(v) (1 / (1 + exp(-(v))))
/* ln(1 + e^v) without overflow */
#define SOFTPLUS(v) (log1p(exp(-fabs(v))) + ((v) < 0 ? 0 : (v)))

FSN__REAL_FUNCTION(sigmoid, FSN__NO_ATTRIBUTES, SIGMOID(x), y *(1 - y) * g, .name = "Sigmoid",
                   .backward_out = 1)
FSN__REAL_FUNCTION(tanh, FSN__NO_ATTRIBUTES, tanh(x), (1 - y * y) * g, .name = "Tanh",
                   .backward_out = 1)
FSN__REAL_FUNCTION(softplus, FSN__NO_ATTRIBUTES, SOFTPLUS(x), -expm1(-y) * g, .name = "Softplus",
                   .backward_out = 1)
FSN__REAL_FUNCTION(softsign, FSN__NO_ATTRIBUTES, x / (1 + fabs(x)),
                   (1 - fabs(y)) * (1 - fabs(y)) * g, .name = "Softsign", .backward_out = 1)

static float swish_derivative(float x, float alpha)
{
    const float s = SIGMOID(alpha * x);

    return s + alpha * x * s * (1 - s);
}

FSN__REAL_FUNCTION(swish, FSN__ALPHA(1), x *SIGMOID(alpha *x), swish_derivative(x, alpha) * g,
                   .name = "Swish", .backward_in = 1)

static float mish_derivative(float x)
{
    const float t = tanh(SOFTPLUS(x));

    return t + x * (1 - t * t) * SIGMOID(x);
}

FSN__REAL_FUNCTION(mish, FSN__NO_ATTRIBUTES, x *tanh(SOFTPLUS(x)), mish_derivative(x) * g,
                   .name = "Mish", .backward_in = 1)

/* ---- Gelu ------------------------------------------------------------------------------------ */

/* Phi(x) = erfc(-x / sqrt 2) / 2 and (1 + tanh u) / 2 = s(2u): neither cancels in the left tail. */
#define SCALE (M_2_SQRTPI * M_SQRT1_2) /* sqrt(2/pi) */
#define CUBIC 0.044715
#define NORMAL(real) (erfc(-x * (real)M_SQRT1_2) / 2)
#define NEARLY_NORMAL(real) SIGMOID(2 * (real)SCALE * (x + (real)CUBIC * x * x * x))

FSN__UNARY_FORWARD(F32, float, gelu, x *NORMAL(float))
FSN__UNARY_FORWARD(F64, double, gelu, x *NORMAL(double))
FSN__UNARY_FORWARD(F32, float, gelu_tanh, x *NEARLY_NORMAL(float))
FSN__UNARY_FORWARD(F64, double, gelu_tanh, x *NEARLY_NORMAL(double))

static float gelu_derivative(float x)
{
    return NORMAL(float) + x * (float)(SCALE / 2) * exp(-x * x / 2);
}

static float gelu_tanh_derivative(float x)
{
    const float s = NEARLY_NORMAL(float);

    return s + x * s * (1 - s) * 2 * (float)SCALE * (1 + 3 * (float)CUBIC * x * x);
}

FSN__UNARY_BACKWARD(gelu_slope, gelu_derivative(x) * g)
FSN__UNARY_BACKWARD(gelu_tanh_slope, gelu_tanh_derivative(x) * g)

static const struct fsn__unary gelu_exact = {.forward = {FSN__REAL_TYPES(FSN__ENTRY, gelu)},
                                             .backward = gelu_slope};
static const struct fsn__unary gelu_tanh = {.forward = {FSN__REAL_TYPES(FSN__ENTRY, gelu_tanh)},
                                            .backward = gelu_tanh_slope};

static const struct fsn__unary *gelu_form(const struct fsn__op_ctx *ctx)
{
    const char *form = fsn__attr_string(ctx->attrs, "approximate", "none");

    return strcmp(form, "none") == 0 ? &gelu_exact : strcmp(form, "tanh") == 0 ? &gelu_tanh : NULL;
}

static enum fsn_status gelu_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (!gelu_form(ctx))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "approximate = \"%s\", expected none or tanh",
                            fsn__attr_string(ctx->attrs, "approximate", ""));
    return fsn__unary_infer(ctx, gelu_form(ctx), err);
}

static enum fsn_status gelu_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__unary_forward(ctx, gelu_form(ctx), err);
}

static enum fsn_status gelu_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__unary_backward(ctx, gelu_form(ctx));
    return FSN_OK;
}

const struct fsn__op fsn__op_gelu = {
    .name = "Gelu",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1,
    .infer = gelu_infer,
    .forward = gelu_forward,
    .backward = gelu_backward,
};
