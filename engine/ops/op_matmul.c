/*
 * op_matmul.c - MatMul: y = a b in numpy's sense (matmul.h).
 *
 * Backward: da += dy b^T, db += a^T dy, summed over the leading axes along which a or b was
 * broadcast: the products are done one after the other, each shared by the pool.
 */
#include "ops/gemm_tiles.h"
#include "ops/infer.h"
#include "ops/matmul.h"

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input A", err);

    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "input B", err);
    return status == FSN_OK ? fsn__matmul_infer(ctx, ctx->in[0], ctx->in[1], FSN__F32, err)
                            : status;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__matmul s = fsn__matmul_read(ctx->in[0], ctx->in[1]);
    const float *a = fsn__f32(ctx->in[0]), *b = fsn__f32(ctx->in[1]);
    float *y = fsn__f32(ctx->out[0]);

    (void)err;
    for (int64_t i = 0; i < s.count; i++) {
        int64_t at_a, at_b;

        fsn__matmul_locate(&s, i, &at_a, &at_b);
        fsn__gemm_tiles(ctx->pool, s.m, s.n, s.k, 1.0F, (struct fsn__matrix){a + at_a, s.k, false},
                        (struct fsn__matrix){b + at_b, s.n, false}, 0.0F, y + i * s.m * s.n, s.n);
    }
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__matmul s = fsn__matmul_read(ctx->in[0], ctx->in[1]);
    const float *a = fsn__f32(ctx->in[0]), *b = fsn__f32(ctx->in[1]);

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    for (int64_t i = 0; i < s.count; i++) {
        const struct fsn__matrix dy = {fsn__f32(ctx->dout[0]) + i * s.m * s.n, s.n, false};
        int64_t at_a, at_b;

        fsn__matmul_locate(&s, i, &at_a, &at_b);
        if (ctx->din[0])
            fsn__gemm_tiles(ctx->pool, s.m, s.k, s.n, 1.0F, dy,
                            (struct fsn__matrix){b + at_b, s.n, true}, 1.0F,
                            fsn__f32(ctx->din[0]) + at_a, s.k);
        if (ctx->din[1])
            fsn__gemm_tiles(ctx->pool, s.k, s.n, s.m, 1.0F,
                            (struct fsn__matrix){a + at_a, s.k, true}, dy, 1.0F,
                            fsn__f32(ctx->din[1]) + at_b, s.n);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_mat_mul = {
    .name = "MatMul",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* a, b */
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
