/*
 * op_prelu.c - PRelu: y = x where x >= 0, slope x below; the slope is broadcast to x and learned.
 *
 *   dx += dy where x > 0, slope dy elsewhere      dslope += x dy where x < 0
 */
#include "ops/binary.h"

/* a = x, b = slope. Integers wrap around modulo 2^bits. */
FSN__REAL_TYPES(FSN__BINARY, prelu, a < 0 ? (a) * (b) : a)
FSN__BINARY(I32, int32_t, prelu, a < 0 ? (uint64_t)a * (uint64_t)b : (uint64_t)a)
FSN__BINARY(I64, int64_t, prelu, a < 0 ? (uint64_t)a * (uint64_t)b : (uint64_t)a)
FSN__BINARY(U32, uint32_t, prelu, a)
FSN__BINARY(U64, uint64_t, prelu, a)

static fsn__walk_run *const runs[FSN__DTYPE_COUNT] = {
    [FSN__F32] = prelu_F32, [FSN__F64] = prelu_F64, [FSN__I32] = prelu_I32,
    [FSN__I64] = prelu_I64, [FSN__U32] = prelu_U32, [FSN__U64] = prelu_U64,
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__binary_infer(ctx, runs, ctx->in[0]->dtype, err);

    if (status == FSN_OK && !fsn__same_shape(ctx->out[0], ctx->in[0]))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its slope has shape %s, its input %s",
                            FSN__SHAPE(ctx->in[1]), FSN__SHAPE(ctx->in[0]));
    return status;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_forward(ctx, runs, err);
}

FSN__BINARY_GRADIENT(input_gradient, a > 0 ? g : (b) * (g))
FSN__BINARY_GRADIENT(slope_gradient, a < 0 ? (a) * (g) : 0)

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__add_gradient(ctx, 0, input_gradient, ctx->in[0], ctx->in[1]);
    fsn__add_gradient(ctx, 1, slope_gradient, ctx->in[0], NULL);
    return FSN_OK;
}

const struct fsn__op fsn__op_prelu = {
    .name = "PRelu",
    FSN__BINARY_MEMBERS,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
