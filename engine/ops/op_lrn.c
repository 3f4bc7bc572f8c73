/*
 * op_lrn.c - LRN: local response normalisation across channels (Krizhevsky et al. 2012).
 *
 *     S_c = bias + alpha / size * sum of x_j^2 over the channels j of c's window
 *     y_c = x_c S_c^-beta
 *
 * The window of c reaches from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), cut at the
 * ends. Every x_i takes part in the windows that hold it, so
 *
 *     t_j = dy_j x_j S_j^(-beta - 1)
 *     dx_i += dy_i S_i^-beta - 2 alpha beta / size * x_i * sum of t_j over the j whose window has i
 *
 * Threads share the channels of all images; going backward, t is kept in the work space.
 */
#include "ops/infer.h"

#include <math.h>

struct lrn {
    int64_t planes, channels, plane; /* N C, C, elements of a channel */
    int64_t before, after;           /* reach of the window */
    double alpha, beta, bias;        /* alpha already divided by size */
    const float *x, *dy;
    float *y, *t, *dx;
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t size = fsn__attr_int(ctx->attrs, "size", 0);
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status != FSN_OK)
        return status;
    if (x->ndim < 2)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels, ...", FSN__SHAPE(x));
    if (size < 1 || size > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "size is %lld, outside 1..%d", (long long)size,
                            INT32_MAX);
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err);
}

static struct lrn read_lrn(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t size = fsn__attr_int(ctx->attrs, "size", 1);

    return (struct lrn){
        .planes = x->dim[0] * x->dim[1],
        .channels = x->dim[1],
        .plane = fsn__numel_range(x, 2, x->ndim),
        .before = (size - 1) / 2,
        .after = size / 2,
        .alpha = (double)fsn__attr_float(ctx->attrs, "alpha", 1e-4F) / (double)size,
        .beta = (double)fsn__attr_float(ctx->attrs, "beta", 0.75F),
        .bias = (double)fsn__attr_float(ctx->attrs, "bias", 1.0F),
        .x = fsn__f32(x),
    };
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = ctx->training ? fsn__tensor_bytes(ctx->in[0]) : 0;
    *saved = 0;
}

/* The planes [*from, *to) that reach from `before` channels in front of plane i to `after` behind
 * it, within i's image. */
static void reach(const struct lrn *n, int64_t i, int64_t before, int64_t after, int64_t *from,
                  int64_t *to)
{
    const int64_t c = i % n->channels, first = i - c;

    *from = first + (c > before ? c - before : 0);
    *to = first + (c + after < n->channels ? c + after + 1 : n->channels);
}

/* S of plane i into out. */
static void sum_squares(const struct lrn *n, int64_t i, float *out)
{
    int64_t from, to;

    reach(n, i, n->before, n->after, &from, &to);
    for (int64_t p = 0; p < n->plane; p++)
        out[p] = 0.0F;
    for (int64_t j = from; j < to; j++) {
        const float *x = n->x + j * n->plane;

        for (int64_t p = 0; p < n->plane; p++)
            out[p] += x[p] * x[p];
    }
    for (int64_t p = 0; p < n->plane; p++)
        out[p] = (float)(n->bias + n->alpha * (double)out[p]);
}

static void forward_planes(void *arg, int thread, int threads)
{
    const struct lrn *n = arg;
    int64_t begin, end;

    fsn__share(n->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = n->x + i * n->plane;
        float *y = n->y + i * n->plane;

        sum_squares(n, i, y);
        for (int64_t p = 0; p < n->plane; p++)
            y[p] = (float)((double)x[p] * pow((double)y[p], -n->beta));
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lrn n = read_lrn(ctx);

    (void)err;
    n.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_planes, &n);
    return FSN_OK;
}

/* dx += dy S^-beta, and t. */
static void backward_own(void *arg, int thread, int threads)
{
    const struct lrn *n = arg;
    int64_t begin, end;

    fsn__share(n->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = n->x + i * n->plane, *dy = n->dy + i * n->plane;
        float *t = n->t + i * n->plane, *dx = n->dx + i * n->plane;

        sum_squares(n, i, t);
        for (int64_t p = 0; p < n->plane; p++) {
            const double s = (double)t[p], through = (double)dy[p] * pow(s, -n->beta);

            dx[p] += (float)through;
            t[p] = (float)(through * (double)x[p] / s);
        }
    }
}

/* What x does in the windows that hold it, of which its own is one. */
static void backward_windows(void *arg, int thread, int threads)
{
    const struct lrn *n = arg;
    const float factor = (float)(2.0 * n->alpha * n->beta);
    int64_t begin, end, from, to;

    fsn__share(n->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = n->x + i * n->plane;
        float *dx = n->dx + i * n->plane;

        reach(n, i, n->after, n->before, &from, &to);
        for (int64_t j = from; j < to; j++)
            for (int64_t p = 0; p < n->plane; p++)
                dx[p] -= factor * x[p] * n->t[j * n->plane + p];
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lrn n = read_lrn(ctx);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    n.dy = fsn__f32(ctx->dout[0]);
    n.dx = fsn__f32(ctx->din[0]);
    n.t = ctx->work;
    fsn__pool_run(ctx->pool, backward_own, &n);
    fsn__pool_run(ctx->pool, backward_windows, &n);
    return FSN_OK;
}

const struct fsn__op fsn__op_lrn = {
    .name = "LRN",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
