/* op_identity.c - Identity: y = x, of any type; dx += dy. */
#include "ops/infer.h"
#include "ops/walk.h"

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    (void)err;
    fsn__copy_dense(ctx->pool, fsn__numel(x), fsn__dtype_bytes(x->dtype), ctx->out[0]->data,
                    x->data);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    if (ctx->dout[0] && ctx->din[0])
        fsn__add_dense(ctx->pool, fsn__numel(ctx->in[0]), fsn__f32(ctx->din[0]),
                       fsn__f32(ctx->dout[0]));
    return FSN_OK;
}

const struct fsn__op fsn__op_identity = {
    .name = "Identity",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
