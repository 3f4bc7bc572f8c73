/*
 * op_matmul.c - MatMul: y = a b in numpy's sense (matmul.h), of float32 or of 32- or 64-bit
 * integers.
 *
 * Backward: da += dy b^T, db += a^T dy, summed over the leading axes along which a or b was
 * broadcast: the products are done one after the other, each shared by the pool. Integers (counts
 * and coordinates, never more than a few) are multiplied on the calling thread, modulo 2^bits.
 */
#include "ops/gemm_tiles.h"
#include "ops/infer.h"
#include "ops/matmul.h"

/* Signed and unsigned ones have the same product in bits. */
#define DEFINE_MULTIPLY(code, type)                                                        \
    static void multiply_##code(const struct fsn__matmul *s, const type *a, const type *b, \
                                type *y)                                                   \
    {                                                                                      \
        for (int64_t i = 0; i < s->m; i++)                                                 \
            for (int64_t j = 0; j < s->n; j++) {                                           \
                type sum = 0;                                                              \
                                                                                           \
                for (int64_t k = 0; k < s->k; k++)                                         \
                    sum += a[i * s->k + k] * b[k * s->n + j];                              \
                y[i * s->n + j] = sum;                                                     \
            }                                                                              \
    }
DEFINE_MULTIPLY(32, uint32_t)
DEFINE_MULTIPLY(64, uint64_t)

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const enum fsn__dtype dtype = ctx->in[0]->dtype;
    const bool whole =
        dtype == FSN__I32 || dtype == FSN__I64 || dtype == FSN__U32 || dtype == FSN__U64;
    enum fsn_status status =
        whole ? fsn__op_one_type(ctx, 0, err) : fsn__op_float_input(ctx, 0, "input A", err);

    if (status == FSN_OK && !whole)
        status = fsn__op_float_input(ctx, 1, "input B", err);
    return status == FSN_OK ? fsn__matmul_infer(ctx, ctx->in[0], ctx->in[1], dtype, err) : status;
}

static void multiply_integers(const struct fsn__op_ctx *ctx, const struct fsn__matmul *s)
{
    const void *a = ctx->in[0]->data, *b = ctx->in[1]->data;
    void *y = ctx->out[0]->data;
    const bool wide = fsn__dtype_bytes(ctx->out[0]->dtype) == 8;

    for (int64_t i = 0; i < s->count; i++) {
        int64_t at_a, at_b;

        fsn__matmul_locate(s, i, &at_a, &at_b);
        if (wide)
            multiply_64(s, (const uint64_t *)a + at_a, (const uint64_t *)b + at_b,
                        (uint64_t *)y + i * s->m * s->n);
        else
            multiply_32(s, (const uint32_t *)a + at_a, (const uint32_t *)b + at_b,
                        (uint32_t *)y + i * s->m * s->n);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__matmul s = fsn__matmul_read(ctx->in[0], ctx->in[1]);
    const float *a, *b;
    float *y;

    (void)err;
    if (ctx->out[0]->dtype != FSN__F32) {
        multiply_integers(ctx, &s);
        return FSN_OK;
    }
    a = fsn__f32(ctx->in[0]);
    b = fsn__f32(ctx->in[1]);
    y = fsn__f32(ctx->out[0]);
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
    const float *a, *b;

    (void)err;
    if (!ctx->dout[0]) /* of integers there is none */
        return FSN_OK;
    a = fsn__f32(ctx->in[0]);
    b = fsn__f32(ctx->in[1]);
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
