/*
 * op_matmul.c - MatMul in numpy's sense.
 *
 * a [..., M, K] times b [..., K, N] gives y [..., M, N]; leading axes broadcast. A vector a counts
 * as a row [1, K], a vector b as a column [K, 1], and the axis so added is dropped from y.
 * Backward: da += dy b^T, db += a^T dy, summed over the leading axes along which a or b was
 * broadcast: the products are done one after the other, each shared by the pool.
 *
 * Where b has no leading axes (a layer's weights), all of a's rows make one matrix [... M, K].
 */
#include "core/mem.h"
#include "ops/gemm_tiles.h"
#include "ops/infer.h"
#include "ops/walk.h"

struct shapes {
    int64_t m, n, k;
    int ndim;                                               /* of the leading axes */
    int64_t dim[FSN_MAX_DIMS];                              /* leading axes of y */
    int64_t stride_a[FSN_MAX_DIMS], stride_b[FSN_MAX_DIMS]; /* elements along them */
};

/* The leading axes of a, as a shape of their own. */
static struct fsn__tensor leading_axes(const struct fsn__tensor *t)
{
    struct fsn__tensor lead = {0};

    fsn__shape_set(&lead, t->dtype, t->ndim > 2 ? t->ndim - 2 : 0, t->dim);
    return lead;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    struct fsn__tensor lead_a, lead_b;
    int64_t dim[FSN_MAX_DIMS], m, n, k;
    int ndim;
    enum fsn_status status;

    status = fsn__op_float_input(ctx, 0, "input A", err);
    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "input B", err);
    if (status != FSN_OK)
        return status;
    if (a->ndim < 1 || b->ndim < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "it does not take scalars: shapes %s and %s",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    lead_a = leading_axes(a);
    lead_b = leading_axes(b);
    m = a->ndim > 1 ? a->dim[a->ndim - 2] : 1;
    k = a->dim[a->ndim - 1];
    n = b->ndim > 1 ? b->dim[b->ndim - 1] : 1;
    if (k != b->dim[b->ndim > 1 ? b->ndim - 2 : 0] ||
        !fsn__broadcast_shape(&lead_a, &lead_b, dim, &ndim))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "A of shape %s and B of shape %s do not fit together", FSN__SHAPE(a),
                            FSN__SHAPE(b));
    if (k == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
    if (m > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "matrices of shapes %s and %s are too large",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    if (a->ndim > 1)
        dim[ndim++] = m;
    if (b->ndim > 1)
        dim[ndim++] = n;
    return fsn__op_set_output(ctx, FSN__F32, ndim, dim, err);
}

static struct shapes read_shapes(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    const struct fsn__tensor lead_a = leading_axes(a), lead_b = leading_axes(b);
    struct shapes s = {.m = a->ndim > 1 ? a->dim[a->ndim - 2] : 1,
                       .n = b->ndim > 1 ? b->dim[b->ndim - 1] : 1,
                       .k = a->dim[a->ndim - 1]};

    (void)fsn__broadcast_shape(&lead_a, &lead_b, s.dim, &s.ndim); /* fits: infer has checked */
    if (lead_b.ndim == 0) {
        for (int i = 0; i < lead_a.ndim; i++)
            s.m *= lead_a.dim[i];
        s.ndim = 0;
        return s;
    }
    fsn__broadcast_strides(&lead_a, s.ndim, s.stride_a);
    fsn__broadcast_strides(&lead_b, s.ndim, s.stride_b);
    for (int i = 0; i < s.ndim; i++) {
        s.stride_a[i] *= s.m * s.k;
        s.stride_b[i] *= s.k * s.n;
    }
    return s;
}

/* Where product i (counted row-major through the leading axes) finds its a and b. */
static void locate(const struct shapes *s, int64_t i, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int axis = s->ndim - 1; axis >= 0; axis--) {
        *a += i % s->dim[axis] * s->stride_a[axis];
        *b += i % s->dim[axis] * s->stride_b[axis];
        i /= s->dim[axis];
    }
}

static int64_t products(const struct shapes *s)
{
    int64_t count = 1;

    for (int i = 0; i < s->ndim; i++)
        count *= s->dim[i];
    return count;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct shapes s = read_shapes(ctx->in[0], ctx->in[1]);
    const int64_t count = products(&s);
    const float *a = fsn__f32(ctx->in[0]), *b = fsn__f32(ctx->in[1]);
    float *y = fsn__f32(ctx->out[0]);

    (void)err;
    for (int64_t i = 0; i < count; i++) {
        int64_t at_a, at_b;

        locate(&s, i, &at_a, &at_b);
        fsn__gemm_tiles(ctx->pool, s.m, s.n, s.k, 1.0F, (struct fsn__matrix){a + at_a, s.k, false},
                        (struct fsn__matrix){b + at_b, s.n, false}, 0.0F, y + i * s.m * s.n, s.n);
    }
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct shapes s = read_shapes(ctx->in[0], ctx->in[1]);
    const int64_t count = products(&s);
    const float *a = fsn__f32(ctx->in[0]), *b = fsn__f32(ctx->in[1]);

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    for (int64_t i = 0; i < count; i++) {
        const struct fsn__matrix dy = {fsn__f32(ctx->dout[0]) + i * s.m * s.n, s.n, false};
        int64_t at_a, at_b;

        locate(&s, i, &at_a, &at_b);
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
