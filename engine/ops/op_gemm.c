/*
 * op_gemm.c - Gemm: y = alpha op(a) op(b) + beta c, the fully connected layer.
 *
 * Shapes: op(a) [M,K], op(b) [K,N] (op transposes where transA, transB say so), c any shape that
 * broadcasts to [M,N], optional. Backward:
 *   d op(a) = alpha dy op(b)^T,  d op(b) = alpha op(a)^T dy,  dc = beta dy summed where broadcast
 */
#include "ops/gemm_tiles.h"
#include "ops/infer.h"
#include "ops/walk.h"

struct gemm {
    int64_t m, n, k;
    float alpha, beta;
    struct fsn__matrix a, b; /* as stored, with the flags of the node */
    const struct fsn__tensor *c;
};

static enum fsn_status check_bias(const struct fsn__op_ctx *ctx, int64_t m, int64_t n,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *c = ctx->in[2];
    struct fsn__tensor y = {.ndim = 2, .dim = {m, n}};
    int64_t dim[FSN_MAX_DIMS];
    int ndim;
    enum fsn_status status = fsn__op_float_input(ctx, 2, "bias", err);

    if (status != FSN_OK)
        return status;
    if (!fsn__broadcast_shape(c, &y, dim, &ndim) || ndim != 2 || dim[0] != m || dim[1] != n)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "bias has shape %s, which does not broadcast to the output's %s",
                            FSN__SHAPE(c), FSN__SHAPE(&y));
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    const bool trans_a = fsn__attr_int(ctx->attrs, "transA", 0) != 0;
    const bool trans_b = fsn__attr_int(ctx->attrs, "transB", 0) != 0;
    int64_t m, n, k;
    enum fsn_status status;

    status = fsn__op_float_input(ctx, 0, "input A", err);
    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "input B", err);
    if (status != FSN_OK)
        return status;
    if (a->ndim != 2 || b->ndim != 2)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "expected two matrices, got shapes %s and %s",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    m = a->dim[trans_a];
    k = a->dim[!trans_a];
    n = b->dim[!trans_b];
    if (k != b->dim[trans_b])
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "A of shape %s%s and B of shape %s%s do not fit together",
                            FSN__SHAPE(a), trans_a ? " (transposed)" : "", FSN__SHAPE(b),
                            trans_b ? " (transposed)" : "");
    if (k == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
    if (m > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "matrices of shapes %s and %s are too large",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    if (fsn__op_has_input(ctx, 2)) {
        status = check_bias(ctx, m, n, err);
        if (status != FSN_OK)
            return status;
    }
    return fsn__op_set_output(ctx, FSN__F32, 2, (int64_t[]){m, n}, err);
}

static struct gemm read_gemm(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1], *y = ctx->out[0];
    const bool trans_a = fsn__attr_int(ctx->attrs, "transA", 0) != 0;

    return (struct gemm){
        .m = y->dim[0],
        .n = y->dim[1],
        .k = a->dim[!trans_a],
        .alpha = fsn__attr_float(ctx->attrs, "alpha", 1.0F),
        .beta = fsn__attr_float(ctx->attrs, "beta", 1.0F),
        .a = {fsn__f32(a), a->dim[1], trans_a},
        .b = {fsn__f32(b), b->dim[1], fsn__attr_int(ctx->attrs, "transB", 0) != 0},
        .c = fsn__op_has_input(ctx, 2) ? ctx->in[2] : NULL,
    };
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct gemm g = read_gemm(ctx);
    const bool bias = g.c && g.beta != 0.0F;
    float *y = fsn__f32(ctx->out[0]);

    (void)err;
    if (bias) {
        const float *c = fsn__f32(g.c);
        int64_t stride[FSN_MAX_DIMS];

        fsn__broadcast_strides(g.c, 2, stride);
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++)
                y[i * g.n + j] = g.beta * c[i * stride[0] + j * stride[1]];
    }
    fsn__gemm_tiles(ctx->pool, g.m, g.n, g.k, g.alpha, g.a, g.b, bias ? 1.0F : 0.0F, y, g.n);
    return FSN_OK;
}

/* dc[j] += beta sum of dy over what c was broadcast along. */
static void add_bias_gradient(const struct gemm *g, const float *dy, float *dc)
{
    int64_t stride[FSN_MAX_DIMS];

    fsn__broadcast_strides(g->c, 2, stride);
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++)
            dc[i * stride[0] + j * stride[1]] += g->beta * dy[i * g->n + j];
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct gemm g = read_gemm(ctx);
    struct fsn__matrix dy, dy_t, a_t = g.a, b_t = g.b;

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    dy = (struct fsn__matrix){fsn__f32(ctx->dout[0]), g.n, false};
    dy_t = (struct fsn__matrix){fsn__f32(ctx->dout[0]), g.n, true};
    a_t.transposed = !g.a.transposed;
    b_t.transposed = !g.b.transposed;
    if (ctx->din[0]) {
        float *da = fsn__f32(ctx->din[0]);

        if (g.a.transposed) /* da = (alpha dy op(b)^T)^T */
            fsn__gemm_tiles(ctx->pool, g.k, g.m, g.n, g.alpha, g.b, dy_t, 1.0F, da, g.m);
        else
            fsn__gemm_tiles(ctx->pool, g.m, g.k, g.n, g.alpha, dy, b_t, 1.0F, da, g.k);
    }
    if (ctx->din[1]) {
        float *db = fsn__f32(ctx->din[1]);

        if (g.b.transposed) /* db = (alpha op(a)^T dy)^T */
            fsn__gemm_tiles(ctx->pool, g.n, g.k, g.m, g.alpha, dy_t, g.a, 1.0F, db, g.k);
        else
            fsn__gemm_tiles(ctx->pool, g.k, g.n, g.m, g.alpha, a_t, dy, 1.0F, db, g.n);
    }
    if (g.c && ctx->din[2])
        add_bias_gradient(&g, dy.data, fsn__f32(ctx->din[2]));
    return FSN_OK;
}

const struct fsn__op fsn__op_gemm = {
    .name = "Gemm",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* a, b */
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
