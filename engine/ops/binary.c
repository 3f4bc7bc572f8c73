/* binary.c - running operators of two inputs; see binary.h for the contracts. */
#include "ops/binary.h"

enum fsn_status fsn__binary_infer(const struct fsn__op_ctx *ctx, fsn__walk_run *const *runs,
                                  enum fsn__dtype result, struct fsn_error *err)
{
    enum fsn_status status = fsn__op_one_type(ctx, 0, err);

    if (status != FSN_OK)
        return status;
    if (!runs[ctx->in[0]->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its inputs are %s, which it does not take",
                            fsn__dtype_name(ctx->in[0]->dtype));
    return fsn__op_broadcast_output(ctx, result, err);
}

void fsn__binary_run(struct fsn__pool *pool, fsn__walk_run *run, const struct fsn__tensor *y,
                     const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    struct fsn__binary_bases base = {y->data, a->data, b->data};
    struct fsn__walk walk = fsn__walk_over(y);

    walk.operands = 3;
    fsn__dense_strides(y, walk.stride[0]);
    fsn__broadcast_strides(a, y->ndim, walk.stride[1]);
    fsn__broadcast_strides(b, y->ndim, walk.stride[2]);
    fsn__walk_each(pool, &walk, run, &base);
}

enum fsn_status fsn__binary_forward(const struct fsn__op_ctx *ctx, fsn__walk_run *const *runs,
                                    struct fsn_error *err)
{
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status == FSN_OK)
        fsn__binary_run(ctx->pool, runs[ctx->in[0]->dtype], ctx->out[0], ctx->in[0], ctx->in[1]);
    return status;
}

void fsn__add_gradient(const struct fsn__op_ctx *ctx, int k, fsn__walk_run *run,
                       const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    const struct fsn__tensor *d = ctx->din[k], *dy = ctx->dout[0];
    struct fsn__gradient_bases base;
    struct fsn__walk walk;

    if (!d || !dy)
        return;
    walk = fsn__walk_over(dy);
    fsn__broadcast_strides(d, dy->ndim, walk.stride[0]);
    fsn__dense_strides(dy, walk.stride[1]);
    if (!run) {
        fsn__add_strided(ctx->pool, &walk, d->data, dy->data);
        return;
    }
    a = a ? a : dy; /* read, not used */
    b = b ? b : dy;
    walk.operands = 4;
    fsn__broadcast_strides(a, dy->ndim, walk.stride[2]);
    fsn__broadcast_strides(b, dy->ndim, walk.stride[3]);
    base = (struct fsn__gradient_bases){d->data, dy->data, a->data, b->data};
    fsn__walk_sum(ctx->pool, &walk, run, &base);
}
