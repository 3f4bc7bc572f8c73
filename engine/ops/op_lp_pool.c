/*
 * op_lp_pool.c - LpPool over 1 to 3 spatial axes, and GlobalLpPool.
 *
 *   y[o]  = (sum of |x[i]|^p over the taps of o within the input)^(1/p)
 *   dx[i] += dy[o] sign(x[i]) (|x[i]| / y[o])^(p-1) for every o that reads i; 0 where y[o] is 0
 *
 * Attribute p >= 1, 2 by default. Padding adds nothing to a sum, so a window within it gives 0.
 * Sums are taken in double; channels are shared by the threads. GlobalLpPool is the same with one
 * window over all of a channel.
 */
#include "ops/infer.h"
#include "ops/window.h"

#include <math.h>

struct pool_job {
    struct fsn__window window;
    int64_t planes, in, out; /* batch times channels; elements of one */
    double p;
    const float *x, *y, *dy;
    float *to; /* y or dx */
};

/* The window of output (o0, o1, o2): inputs begin, begin + dilation, ... < end of each axis. */
struct box {
    int64_t begin[FSN__WINDOW_AXES], end[FSN__WINDOW_AXES], step[FSN__WINDOW_AXES];
};

static struct box find_box(const struct fsn__window *w, int64_t output)
{
    struct box box;

    for (int i = FSN__WINDOW_AXES - 1; i >= 0; i--) {
        const struct fsn__window_axis *a = &w->axis[i];
        const int64_t o = output % a->out, first = o * a->stride - a->pad_begin;
        int64_t tap, taps_end;

        fsn__window_tap_range(a, o, &tap, &taps_end);
        box.begin[i] = first + tap * a->dilation;
        box.end[i] = first + taps_end * a->dilation;
        box.step[i] = a->dilation;
        output /= a->out;
    }
    return box;
}

/* For every element `at` of a plane that the box holds. */
#define EACH_OF_BOX(at, box, w)                                                   \
    for (int64_t i0 = (box).begin[0]; i0 < (box).end[0]; i0 += (box).step[0])     \
        for (int64_t i1 = (box).begin[1]; i1 < (box).end[1]; i1 += (box).step[1]) \
            for (int64_t i2 = (box).begin[2],                                     \
                         at = (i0 * (w)->axis[1].in + i1) * (w)->axis[2].in + i2; \
                 i2 < (box).end[2]; i2 += (box).step[2], at += (box).step[2])

static double power(double v, double p)
{
    return p == 2 ? v * v : pow(fabs(v), p);
}

static void forward_plane(const struct pool_job *job, int64_t plane)
{
    const float *x = job->x + plane * job->in;

    for (int64_t o = 0; o < job->out; o++) {
        const struct box box = find_box(&job->window, o);
        double sum = 0;

        EACH_OF_BOX(at, box, &job->window)
        sum += power((double)x[at], job->p);
        job->to[plane * job->out + o] = (float)(job->p == 2 ? sqrt(sum) : pow(sum, 1 / job->p));
    }
}

static void backward_plane(const struct pool_job *job, int64_t plane)
{
    const float *x = job->x + plane * job->in;
    float *dx = job->to + plane * job->in;

    for (int64_t o = 0; o < job->out; o++) {
        const struct box box = find_box(&job->window, o);
        const double y = (double)job->y[plane * job->out + o];
        const double dy = (double)job->dy[plane * job->out + o];

        if (y == 0)
            continue;
        EACH_OF_BOX(at, box, &job->window)
        {
            const double v = (double)x[at];

            dx[at] += (float)copysign(dy * pow(fabs(v) / y, job->p - 1), dy * v);
        }
    }
}

static void forward_task(void *arg, int slice, int slices)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, slice, slices, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        forward_plane(job, plane);
}

static void backward_task(void *arg, int slice, int slices)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, slice, slices, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        backward_plane(job, plane);
}

/* ---- both operators ------------------------------------------------------------------------- */

/* One window over everything; any number of axes counts as one. */
static enum fsn_status read_global(const struct fsn__op_ctx *ctx, struct fsn__window *w,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const struct fsn__window_axis one = {.in = 1, .out = 1, .taps = 1, .stride = 1, .dilation = 1};

    if (x->ndim < 3)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels and spatial "
                            "dimensions",
                            FSN__SHAPE(x));
    for (int i = 0; i < FSN__WINDOW_AXES; i++)
        w->axis[i] = one;
    w->axis[2].in = w->axis[2].taps = fsn__numel_range(x, 2, x->ndim);
    return FSN_OK;
}

static enum fsn_status read_job(const struct fsn__op_ctx *ctx, struct pool_job *job,
                                struct fsn_error *err)
{
    const int64_t p = fsn__attr_int(ctx->attrs, "p", 2);

    if (p < 1)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "p is %lld, expected at least 1", (long long)p);
    *job = (struct pool_job){.p = (double)p};
    return ctx->op == &fsn__op_lp_pool ? fsn__window_read_pool(ctx, &job->window, err)
                                       : read_global(ctx, &job->window, err);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], x->dim[1]};
    struct pool_job job;
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status == FSN_OK)
        status = read_job(ctx, &job, err);
    if (status != FSN_OK)
        return status;
    if (ctx->op == &fsn__op_lp_pool)
        fsn__window_out_dims(&job.window, x->ndim, dim);
    else
        for (int i = 2; i < x->ndim; i++)
            dim[i] = 1;
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, dim, err);
}

static enum fsn_status start(const struct fsn__op_ctx *ctx, struct pool_job *job,
                             struct fsn_error *err)
{
    enum fsn_status status = read_job(ctx, job, err);

    if (status != FSN_OK)
        return status;
    job->planes = ctx->in[0]->dim[0] * ctx->in[0]->dim[1];
    job->in = fsn__window_in_size(&job->window);
    job->out = fsn__window_out_size(&job->window);
    job->x = fsn__f32(ctx->in[0]);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job;
    enum fsn_status status = start(ctx, &job, err);

    if (status != FSN_OK)
        return status;
    job.to = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_task, &job);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job;
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    status = start(ctx, &job, err);
    if (status != FSN_OK)
        return status;
    job.y = fsn__f32(ctx->out[0]);
    job.dy = fsn__f32(ctx->dout[0]);
    job.to = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_task, &job);
    return FSN_OK;
}

#define LP_POOL(symbol, ...)                                                               \
    const struct fsn__op fsn__op_##symbol = {                                              \
        __VA_ARGS__,    .domain = "",       .min_in = 1,           .max_in = 1,            \
        .min_out = 1,   .max_out = 1,       .backward_in = 1 << 0, .backward_out = 1 << 0, \
        .infer = infer, .forward = forward, .backward = backward,                          \
    };

LP_POOL(lp_pool, .name = "LpPool")
LP_POOL(global_lp_pool, .name = "GlobalLpPool")
