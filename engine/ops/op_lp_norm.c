/*
 * op_lp_norm.c - LpNormalization: every line along an axis divided by its L1 or L2 norm.
 *
 *     n = sum |x| (p = 1) or sqrt(sum x^2) (p = 2),  y = x / n
 *     dx += (dy - u sum(dy x) / n) / n,  u = sign(x) (p = 1) or x / n (p = 2), the gradient of n
 *
 * A line of zeros stays zero and has no gradient. Threads share the lines.
 */
#include "ops/infer.h"

#include <math.h>

struct lp_norm {
    int64_t lines, length, inner; /* element i of line l: see line_start() */
    int64_t p;
    const float *x, *dy;
    float *y, *dx;
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t p = fsn__attr_int(ctx->attrs, "p", 2);
    int axis;
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status == FSN_OK)
        status = fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", -1), x->ndim, &axis, err);
    if (status != FSN_OK)
        return status;
    if (p != 1 && p != 2)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "p is %lld, expected 1 or 2", (long long)p);
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "normalises over the batch axis, which is not supported");
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err);
}

static struct lp_norm read_norm(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t axis = fsn__attr_int(ctx->attrs, "axis", -1);
    struct lp_norm n = {.p = fsn__attr_int(ctx->attrs, "p", 2), .x = fsn__f32(x)};

    if (axis < 0)
        axis += x->ndim;
    n.length = x->dim[axis];
    n.inner = fsn__numel_range(x, (int)axis + 1, x->ndim);
    n.lines = fsn__numel_range(x, 0, (int)axis) * n.inner;
    return n;
}

static int64_t line_start(const struct lp_norm *n, int64_t line)
{
    return line / n->inner * n->length * n->inner + line % n->inner;
}

static double norm_of(const struct lp_norm *n, const float *x)
{
    double sum = 0.0;

    for (int64_t i = 0; i < n->length; i++) {
        const double v = (double)x[i * n->inner];

        sum += n->p == 1 ? fabs(v) : v * v;
    }
    return n->p == 1 ? sum : sqrt(sum);
}

static void forward_lines(void *arg, int thread, int threads)
{
    const struct lp_norm *n = arg;
    int64_t begin, end;

    fsn__share(n->lines, thread, threads, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t at = line_start(n, line);
        const double norm = norm_of(n, n->x + at);

        for (int64_t i = at; i < at + n->length * n->inner; i += n->inner)
            n->y[i] = norm == 0.0 ? 0.0F : (float)((double)n->x[i] / norm);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lp_norm n = read_norm(ctx);

    (void)err;
    n.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_lines, &n);
    return FSN_OK;
}

static double sign(double v)
{
    return v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0;
}

static void backward_lines(void *arg, int thread, int threads)
{
    const struct lp_norm *n = arg;
    int64_t begin, end;

    fsn__share(n->lines, thread, threads, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t at = line_start(n, line), after = at + n->length * n->inner;
        const double norm = norm_of(n, n->x + at);
        double products = 0.0;

        if (norm == 0.0)
            continue;
        for (int64_t i = at; i < after; i += n->inner)
            products += (double)n->dy[i] * (double)n->x[i];
        for (int64_t i = at; i < after; i += n->inner) {
            const double x = (double)n->x[i], u = n->p == 1 ? sign(x) : x / norm;

            n->dx[i] += (float)(((double)n->dy[i] - u * products / norm) / norm);
        }
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lp_norm n = read_norm(ctx);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    n.dy = fsn__f32(ctx->dout[0]);
    n.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_lines, &n);
    return FSN_OK;
}

const struct fsn__op fsn__op_lp_normalization = {
    .name = "LpNormalization",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
