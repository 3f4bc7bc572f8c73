/* op_matmul.c - ONNX operators Gemm and MatMul.
 *
 *   Gemm:   y = alpha op(a) op(b) + beta c, a and b matrices, c broadcast to y
 *           da = alpha dy op(b)^T (transposed back), db = alpha op(a)^T dy, dc = beta dy summed
 *   MatMul: numpy's matmul: stacks of matrices with broadcast stack axes; a vector is a row on the
 *           left, a column on the right. da = dy b^T, db = a^T dy, summed over broadcast axes.
 */
#include "core/blas.h"
#include "ops/op.h"

static enum fsn_status only_f32(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    for (int i = 0; i < ctx->n_in; i++)
        if (ctx->in[i] && ctx->in[i]->dtype != FSN__F32)
            return FSN__FAIL(err, FSN_UNSUPPORTED, "%s '%s': input %d is %s, only float32",
                             ctx->op->name, ctx->name, i, fsn__dtype_name(ctx->in[i]->dtype));
    return FSN_OK;
}

/* ---- Gemm
 * ----------------------------------------------------------------------------------------- */

struct gemm {
    bool ta, tb;
    int64_t m, n, k;
    float alpha, beta;
};

static struct gemm read_gemm(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    struct gemm g = {
        .ta = fsn__attr_int(ctx->attrs, "transA", 0) != 0,
        .tb = fsn__attr_int(ctx->attrs, "transB", 0) != 0,
        .alpha = fsn__attr_float(ctx->attrs, "alpha", 1.0f),
        .beta = fsn__attr_float(ctx->attrs, "beta", 1.0f),
    };

    g.m = a->dim[g.ta ? 1 : 0];
    g.k = a->dim[g.ta ? 0 : 1];
    g.n = b->dim[g.tb ? 0 : 1];
    return g;
}

static enum fsn_status gemm_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    const struct fsn__tensor *c = ctx->n_in > 2 ? ctx->in[2] : NULL;
    enum fsn_status status = only_f32(ctx, err);
    struct fsn__tensor y = {.dtype = FSN__F32, .ndim = 2};
    int64_t dim[FSN_MAX_DIMS];
    struct gemm g;
    int ndim;

    if (status != FSN_OK)
        return status;
    if (a->ndim != 2 || b->ndim != 2)
        return FSN__FAIL(err, FSN_SHAPE, "Gemm '%s': a is %s, b is %s, expected matrices",
                         ctx->name, FSN__SHAPE(a), FSN__SHAPE(b));
    g = read_gemm(ctx);
    if (g.k != b->dim[g.tb ? 1 : 0])
        return FSN__FAIL(err, FSN_SHAPE, "Gemm '%s': a %s%s and b %s%s do not multiply", ctx->name,
                         FSN__SHAPE(a), g.ta ? "^T" : "", FSN__SHAPE(b), g.tb ? "^T" : "");
    if (g.k == FSN_BATCH || g.n == FSN_BATCH)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Gemm '%s': sums over the batch axis", ctx->name);
    y.dim[0] = g.m;
    y.dim[1] = g.n;
    if (c &&
        (!fsn__broadcast_shape(&y, c, dim, &ndim) || ndim != 2 || dim[0] != g.m || dim[1] != g.n))
        return FSN__FAIL(err, FSN_SHAPE, "Gemm '%s': c is %s, expected to broadcast to %s",
                         ctx->name, FSN__SHAPE(c), FSN__SHAPE(&y));
    fsn__shape_copy(ctx->out[0], &y);
    return FSN_OK;
}

/* Strides of c as it is broadcast over y. */
static void bias_strides(const struct fsn__tensor *c, int64_t *row, int64_t *column)
{
    *column = c->ndim > 0 && c->dim[c->ndim - 1] > 1 ? 1 : 0;
    *row = c->ndim > 1 && c->dim[0] > 1 ? c->dim[1] : 0;
}

static enum fsn_status gemm_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *c = ctx->n_in > 2 ? ctx->in[2] : NULL;
    struct gemm g = read_gemm(ctx);
    float *y = fsn__f32(ctx->out[0]);
    int64_t row = 0, column = 0;

    (void)err;
    if (c)
        bias_strides(c, &row, &column);
    for (int64_t i = 0; i < g.m; i++)
        for (int64_t j = 0; j < g.n; j++)
            y[i * g.n + j] = c ? g.beta * fsn__f32(c)[i * row + j * column] : 0.0f;
    fsn__sgemm(g.ta, g.tb, g.m, g.n, g.k, g.alpha, fsn__f32(ctx->in[0]), ctx->in[0]->dim[1],
               fsn__f32(ctx->in[1]), ctx->in[1]->dim[1], 1.0f, y, g.n);
    return FSN_OK;
}

static enum fsn_status gemm_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    struct gemm g = read_gemm(ctx);
    const float *dy;

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    dy = fsn__f32(ctx->dout[0]);
    if (ctx->din[0] && !g.ta)
        fsn__sgemm(false, !g.tb, g.m, g.k, g.n, g.alpha, dy, g.n, fsn__f32(b), b->dim[1], 1.0f,
                   fsn__f32(ctx->din[0]), a->dim[1]);
    if (ctx->din[0] && g.ta)
        fsn__sgemm(g.tb, true, g.k, g.m, g.n, g.alpha, fsn__f32(b), b->dim[1], dy, g.n, 1.0f,
                   fsn__f32(ctx->din[0]), a->dim[1]);
    if (ctx->din[1] && !g.tb)
        fsn__sgemm(!g.ta, false, g.k, g.n, g.m, g.alpha, fsn__f32(a), a->dim[1], dy, g.n, 1.0f,
                   fsn__f32(ctx->din[1]), b->dim[1]);
    if (ctx->din[1] && g.tb)
        fsn__sgemm(true, g.ta, g.n, g.k, g.m, g.alpha, dy, g.n, fsn__f32(a), a->dim[1], 1.0f,
                   fsn__f32(ctx->din[1]), b->dim[1]);
    if (ctx->n_in > 2 && ctx->din[2]) {
        int64_t row, column;

        bias_strides(ctx->in[2], &row, &column);
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++)
                fsn__f32(ctx->din[2])[i * row + j * column] += g.beta * dy[i * g.n + j];
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_gemm = {
    .name = "Gemm",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1 | 1 << 2,
    .infer = gemm_infer,
    .forward = gemm_forward,
    .backward = gemm_backward,
};

/* ---- MatMul
 * --------------------------------------------------------------------------------------- */

/* Stack axes of a and b, aligned to the right under those of y. */
struct stack {
    int64_t m, n, k;
    int axes;
    int64_t dim[FSN_MAX_DIMS], a[FSN_MAX_DIMS],
        b[FSN_MAX_DIMS]; /* strides in matrices, 0: broadcast */
    int64_t count;
};

static void stack_strides(const struct fsn__tensor *t, int axes, int64_t *stride)
{
    int64_t step = 1;

    for (int i = axes - 1; i >= 0; i--) {
        int axis = i - (axes - (t->ndim - 2));
        int64_t d = axis >= 0 && t->ndim > 2 ? t->dim[axis] : 1;

        stride[i] = d == 1 ? 0 : step;
        step *= d;
    }
}

static struct stack read_stack(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1], *y = ctx->out[0];
    struct stack s = {.count = 1};

    s.k = a->dim[a->ndim - 1];
    s.m = a->ndim > 1 ? a->dim[a->ndim - 2] : 1;
    s.n = b->ndim > 1 ? b->dim[b->ndim - 1] : 1;
    s.axes = y->ndim - (a->ndim > 1) - (b->ndim > 1);
    for (int i = 0; i < s.axes; i++) {
        s.dim[i] = y->dim[i];
        s.count *= s.dim[i];
    }
    stack_strides(a, s.axes, s.a);
    stack_strides(b, s.axes, s.b);
    return s;
}

/* Which matrices of a and b meet in matrix i of y. */
static void stack_at(const struct stack *s, int64_t i, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int axis = s->axes - 1; axis >= 0; axis--) {
        *a += i % s->dim[axis] * s->a[axis];
        *b += i % s->dim[axis] * s->b[axis];
        i /= s->dim[axis];
    }
}

static enum fsn_status matmul_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    struct fsn__tensor sa = *a, sb = *b;
    int64_t dim[FSN_MAX_DIMS + 2];
    enum fsn_status status = only_f32(ctx, err);
    int64_t k;
    int ndim;

    if (status != FSN_OK)
        return status;
    if (a->ndim < 1 || b->ndim < 1)
        return FSN__FAIL(err, FSN_SHAPE,
                         "MatMul '%s': a is %s, b is %s, expected at least a vector", ctx->name,
                         FSN__SHAPE(a), FSN__SHAPE(b));
    k = b->dim[b->ndim > 1 ? b->ndim - 2 : 0];
    sa.ndim = a->ndim > 2 ? a->ndim - 2 : 0;
    sb.ndim = b->ndim > 2 ? b->ndim - 2 : 0;
    if (a->dim[a->ndim - 1] != k || !fsn__broadcast_shape(&sa, &sb, dim, &ndim))
        return FSN__FAIL(err, FSN_SHAPE, "MatMul '%s': %s and %s do not multiply", ctx->name,
                         FSN__SHAPE(a), FSN__SHAPE(b));
    if (k == FSN_BATCH)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "MatMul '%s': sums over the batch axis", ctx->name);
    if (a->ndim > 1)
        dim[ndim++] = a->dim[a->ndim - 2];
    if (b->ndim > 1)
        dim[ndim++] = b->dim[b->ndim - 1];
    for (int i = 1; i < ndim; i++)
        if (dim[i] == FSN_BATCH)
            return FSN__FAIL(err, FSN_UNSUPPORTED, "MatMul '%s': moves the batch axis", ctx->name);
    fsn__shape_set(ctx->out[0], FSN__F32, ndim, dim);
    return FSN_OK;
}

static enum fsn_status matmul_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct stack s = read_stack(ctx);

    (void)err;
    for (int64_t i = 0; i < s.count; i++) {
        int64_t a, b;

        stack_at(&s, i, &a, &b);
        fsn__sgemm(false, false, s.m, s.n, s.k, 1.0f, fsn__f32(ctx->in[0]) + a * s.m * s.k, s.k,
                   fsn__f32(ctx->in[1]) + b * s.k * s.n, s.n, 0.0f,
                   fsn__f32(ctx->out[0]) + i * s.m * s.n, s.n);
    }
    return FSN_OK;
}

static enum fsn_status matmul_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct stack s = read_stack(ctx);

    (void)err;
    for (int64_t i = 0; i < s.count && ctx->dout[0]; i++) {
        const float *dy = fsn__f32(ctx->dout[0]) + i * s.m * s.n;
        int64_t a, b;

        stack_at(&s, i, &a, &b);
        if (ctx->din[0])
            fsn__sgemm(false, true, s.m, s.k, s.n, 1.0f, dy, s.n,
                       fsn__f32(ctx->in[1]) + b * s.k * s.n, s.n, 1.0f,
                       fsn__f32(ctx->din[0]) + a * s.m * s.k, s.k);
        if (ctx->din[1])
            fsn__sgemm(true, false, s.k, s.n, s.m, 1.0f, fsn__f32(ctx->in[0]) + a * s.m * s.k, s.k,
                       dy, s.n, 1.0f, fsn__f32(ctx->din[1]) + b * s.k * s.n, s.n);
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
    .backward_in = 1 << 0 | 1 << 1,
    .infer = matmul_infer,
    .forward = matmul_forward,
    .backward = matmul_backward,
};
