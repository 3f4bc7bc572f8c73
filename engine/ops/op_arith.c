/*
 * op_arith.c - Add, Sub, Mul, Div, Mod: y = a (op) b, with numpy's broadcasting.
 *
 * All numeric types run forward (constant sub-graphs compute shapes in integers); float32 has
 * gradients, summed over the axes along which an input was broadcast:
 *
 *     Add  da += dy       db += dy
 *     Sub  da += dy       db -= dy
 *     Mul  da += dy * b   db += dy * a
 *     Div  da += dy / b   db -= dy * a / b^2
 *
 * Integers wrap around modulo 2^bits. Integer Div truncates towards zero. Mod follows ONNX: with
 * fmod = 0 the result has the sign of the divisor (integers only), with fmod = 1 that of the
 * dividend (C's % and fmod). A zero integer divisor is an error, found before anything is computed.
 */
#include "ops/binary.h"

#include <math.h>

/* ---- forward --------------------------------------------------------------------------------- */

/* The low bits of a sum, difference or product are the same signed or unsigned: computing in uint64
 * makes overflow wrap around. */
FSN__REAL_TYPES(FSN__BINARY, add, a + b)
FSN__INTEGER_TYPES(FSN__BINARY, add, (uint64_t)a + (uint64_t)b)
FSN__REAL_TYPES(FSN__BINARY, sub, a - b)
FSN__INTEGER_TYPES(FSN__BINARY, sub, (uint64_t)a - (uint64_t)b)
FSN__REAL_TYPES(FSN__BINARY, mul, (a) * (b))
FSN__INTEGER_TYPES(FSN__BINARY, mul, ((uint64_t)a) * ((uint64_t)b))
/* The smallest number / -1 does not fit its type: -1 is taken out and the negation wraps. */
FSN__REAL_TYPES(FSN__BINARY, div, a / b)
FSN__SIGNED_TYPES(FSN__BINARY, div, b == -1 ? 0 - (uint64_t)a : (uint64_t)(a / b))
FSN__UNSIGNED_TYPES(FSN__BINARY, div, a / b)

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = b == -1 ? 0 : a % b;

    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

FSN__SIGNED_TYPES(FSN__BINARY, mod, floor_mod(a, b))
FSN__UNSIGNED_TYPES(FSN__BINARY, mod, a % b)
FSN__BINARY(F32, float, fmod, fmodf(a, b))
FSN__BINARY(F64, double, fmod, fmod(a, b))
FSN__SIGNED_TYPES(FSN__BINARY, fmod, b == -1 ? 0 : a % b)

#define RUNS static fsn__walk_run *const
RUNS add_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, add)};
RUNS sub_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, sub)};
RUNS mul_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, mul)};
RUNS div_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, div)};
RUNS mod_runs[FSN__DTYPE_COUNT] = {FSN__INTEGER_TYPES(FSN__ENTRY, mod)};
RUNS fmod_runs[FSN__DTYPE_COUNT] = {FSN__REAL_TYPES(FSN__ENTRY, fmod) FSN__SIGNED_TYPES(
    FSN__ENTRY, fmod) FSN__UNSIGNED_TYPES(FSN__ENTRY, mod)};

static bool is_float(const struct fsn__tensor *t)
{
    return t->dtype == FSN__F32 || t->dtype == FSN__F64;
}

static enum fsn_status check_divisor(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *b = ctx->in[1];
    int64_t n = is_float(b) || fsn__numel(ctx->out[0]) == 0 ? 0 : fsn__numel(b);

    for (int64_t i = 0; i < n; i++)
        if (fsn__get_i64(b, i) == 0)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                                "integer division by zero (divisor element %lld)", (long long)i);
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_infer(ctx, add_runs, ctx->in[0]->dtype, err);
}

static enum fsn_status infer_mod(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (is_float(ctx->in[0]) && fsn__attr_int(ctx->attrs, "fmod", 0) == 0)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "%s inputs need the attribute fmod = 1",
                            fsn__dtype_name(ctx->in[0]->dtype));
    return infer(ctx, err);
}

static enum fsn_status add_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_forward(ctx, add_runs, err);
}

static enum fsn_status sub_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_forward(ctx, sub_runs, err);
}

static enum fsn_status mul_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_forward(ctx, mul_runs, err);
}

static enum fsn_status div_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = check_divisor(ctx, err);

    return status == FSN_OK ? fsn__binary_forward(ctx, div_runs, err) : status;
}

static enum fsn_status mod_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    bool c_like = fsn__attr_int(ctx->attrs, "fmod", 0) != 0;
    enum fsn_status status = check_divisor(ctx, err);

    return status == FSN_OK ? fsn__binary_forward(ctx, c_like ? fmod_runs : mod_runs, err) : status;
}

/* ---- backward -------------------------------------------------------------------------------- */

FSN__BINARY_GRADIENT(minus, -g)
FSN__BINARY_GRADIENT(mul_a, (g) * (b))
FSN__BINARY_GRADIENT(mul_b, (g) * (a))
FSN__BINARY_GRADIENT(div_a, g / b)
FSN__BINARY_GRADIENT(div_b, -(g) * (a) / (b * b))

static enum fsn_status add_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__add_gradient(ctx, 0, NULL, NULL, NULL);
    fsn__add_gradient(ctx, 1, NULL, NULL, NULL);
    return FSN_OK;
}

static enum fsn_status sub_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__add_gradient(ctx, 0, NULL, NULL, NULL);
    fsn__add_gradient(ctx, 1, minus, NULL, NULL);
    return FSN_OK;
}

static enum fsn_status mul_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__add_gradient(ctx, 0, mul_a, NULL, ctx->in[1]);
    fsn__add_gradient(ctx, 1, mul_b, ctx->in[0], NULL);
    return FSN_OK;
}

static enum fsn_status div_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__add_gradient(ctx, 0, div_a, NULL, ctx->in[1]);
    fsn__add_gradient(ctx, 1, div_b, ctx->in[0], ctx->in[1]);
    return FSN_OK;
}

const struct fsn__op fsn__op_add = {
    .name = "Add",
    FSN__BINARY_MEMBERS,
    .infer = infer,
    .forward = add_forward,
    .backward = add_backward,
};

const struct fsn__op fsn__op_sub = {
    .name = "Sub",
    FSN__BINARY_MEMBERS,
    .infer = infer,
    .forward = sub_forward,
    .backward = sub_backward,
};

const struct fsn__op fsn__op_mul = {
    .name = "Mul",
    FSN__BINARY_MEMBERS,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = mul_forward,
    .backward = mul_backward,
};

const struct fsn__op fsn__op_div = {
    .name = "Div",
    FSN__BINARY_MEMBERS,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = div_forward,
    .backward = div_backward,
};

const struct fsn__op fsn__op_mod = {
    .name = "Mod",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer_mod,
    .forward = mod_forward,
};
