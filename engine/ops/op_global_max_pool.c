/*
 * op_global_max_pool.c - GlobalMaxPool: the maximum of each channel.
 *
 *     y = max(x),  dx[place of the maximum] += dy
 *
 * Of equal maxima the first counts; NaN wins over everything. Threads share the channels.
 */
#include "ops/infer.h"

struct global_pool {
    int64_t planes, in; /* batch times channels; elements of one */
    const float *x, *dy;
    float *y, *dx;
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], x->dim[1]};
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status != FSN_OK)
        return status;
    if (x->ndim < 3)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels and spatial "
                            "dimensions",
                            FSN__SHAPE(x));
    for (int i = 2; i < x->ndim; i++) {
        if (x->dim[i] < 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its input of shape %s has empty channels",
                                FSN__SHAPE(x));
        dim[i] = 1;
    }
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, dim, err);
}

static struct global_pool read_pool(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];

    return (struct global_pool){
        .planes = x->dim[0] * x->dim[1], .in = fsn__numel_range(x, 2, x->ndim), .x = fsn__f32(x)};
}

static int64_t place_of_maximum(const float *x, int64_t n)
{
    int64_t place = 0;

    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[place] || (x[i] != x[i] && x[place] == x[place]))
            place = i;
    return place;
}

static void forward_planes(void *arg, int thread, int threads)
{
    const struct global_pool *g = arg;
    int64_t begin, end;

    fsn__share(g->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = g->x + i * g->in;

        g->y[i] = x[place_of_maximum(x, g->in)];
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct global_pool g = read_pool(ctx);

    (void)err;
    g.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_planes, &g);
    return FSN_OK;
}

static void backward_planes(void *arg, int thread, int threads)
{
    const struct global_pool *g = arg;
    int64_t begin, end;

    fsn__share(g->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        g->dx[i * g->in + place_of_maximum(g->x + i * g->in, g->in)] += g->dy[i];
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct global_pool g = read_pool(ctx);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    g.dy = fsn__f32(ctx->dout[0]);
    g.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_planes, &g);
    return FSN_OK;
}

const struct fsn__op fsn__op_global_max_pool = {
    .name = "GlobalMaxPool",
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
