/*
 * op_math.c - functions of one number.
 *
 *   Abs         y = |x|                  dx = sign(x) dy
 *   Neg         y = -x                   dx = -dy
 *   Reciprocal  y = 1 / x                dx = -y^2 dy
 *   Sqrt        y = sqrt(x)              dx = dy / (2 y)
 *   Exp         y = e^x                  dx = y dy
 *   Log         y = ln(x)                dx = dy / x
 *   Erf         y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
 *                                        dx = 2/sqrt(pi) e^(-x^2) dy
 *   Sin, Cos                             dx = cos(x) dy, dx = -sin(x) dy
 *   Sign        y = -1, 0 or 1           dx = 0
 *   Floor, Ceil, Round (half to even)    dx = 0
 *
 * All take float32 and float64. Abs and Sign take every integer type, Neg the signed ones; |x| and
 * -x of the smallest number wrap around. The expressions are those of tgmath.h: exp(x) is expf(x)
 * where x is a float. Slopes of steps are zero as in PyTorch, so that training passes by.
 */
#include "ops/unary.h"

#include <tgmath.h>

/* ---- with a slope ---------------------------------------------------------------------------- */

FSN__REAL_TYPES(FSN__UNARY_FORWARD, abs, fabs(x))
FSN__SIGNED_TYPES(FSN__UNARY_FORWARD, abs, x < 0 ? 0 - (uint64_t)x : (uint64_t)x)
FSN__UNSIGNED_TYPES(FSN__UNARY_FORWARD, abs, x)
FSN__UNARY_BACKWARD(abs_slope, x > 0 ? g : x < 0 ? -g : 0)
static const struct fsn__unary op_abs = {.forward = {FSN__NUMBER_TYPES(FSN__ENTRY, abs)},
                                         .backward = abs_slope};
FSN__UNARY_OP(abs, .name = "Abs", .backward_in = 1)

FSN__REAL_TYPES(FSN__UNARY_FORWARD, neg, -x)
FSN__SIGNED_TYPES(FSN__UNARY_FORWARD, neg, 0 - (uint64_t)x)
FSN__UNARY_BACKWARD(neg_slope, -g)
static const struct fsn__unary op_neg = {
    .forward = {FSN__REAL_TYPES(FSN__ENTRY, neg) FSN__SIGNED_TYPES(FSN__ENTRY, neg)},
    .backward = neg_slope};
FSN__UNARY_OP(neg, .name = "Neg")

FSN__REAL_FUNCTION(reciprocal, FSN__NO_ATTRIBUTES, 1 / x, -(y *y) * g, .name = "Reciprocal",
                   .backward_out = 1)
FSN__REAL_FUNCTION(sqrt, FSN__NO_ATTRIBUTES, sqrt(x), g / (2 * y), .name = "Sqrt",
                   .backward_out = 1)
FSN__REAL_FUNCTION(exp, FSN__NO_ATTRIBUTES, exp(x), y *g, .name = "Exp", .backward_out = 1)
FSN__REAL_FUNCTION(log, FSN__NO_ATTRIBUTES, log(x), g / x, .name = "Log", .backward_in = 1)
FSN__REAL_FUNCTION(erf, FSN__NO_ATTRIBUTES, erf(x), (float)M_2_SQRTPI *exp(-x *x) * g,
                   .name = "Erf", .backward_in = 1)
FSN__REAL_FUNCTION(sin, FSN__NO_ATTRIBUTES, sin(x), cos(x) * g, .name = "Sin", .backward_in = 1)
FSN__REAL_FUNCTION(cos, FSN__NO_ATTRIBUTES, cos(x), -sin(x) * g, .name = "Cos", .backward_in = 1)

/* ---- steps ----------------------------------------------------------------------------------- */

#define STEP(symbol, value, ...)                           \
    FSN__REAL_TYPES(FSN__UNARY_FORWARD, symbol, value)     \
    static const struct fsn__unary op_##symbol = {         \
        .forward = {FSN__REAL_TYPES(FSN__ENTRY, symbol)}}; \
    FSN__UNARY_OP(symbol, __VA_ARGS__)

STEP(floor, floor(x), .name = "Floor")
STEP(ceil, ceil(x), .name = "Ceil")
STEP(round, rint(x), .name = "Round")

FSN__REAL_TYPES(FSN__UNARY_FORWARD, sign, x > 0 ? 1 : x < 0 ? -1 : x) /* of NaN: NaN */
FSN__SIGNED_TYPES(FSN__UNARY_FORWARD, sign, (x > 0) - (x < 0))
FSN__UNSIGNED_TYPES(FSN__UNARY_FORWARD, sign, x > 0)
static const struct fsn__unary op_sign = {.forward = {FSN__NUMBER_TYPES(FSN__ENTRY, sign)}};
FSN__UNARY_OP(sign, .name = "Sign")
