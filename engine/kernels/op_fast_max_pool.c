/* op_fast_max_pool.c - MaxPool on blocked tensors.
 *
 *   y[o] = max of x over the taps of o within the input;   dx[argmax of o] += dy[o]
 *
 * As op_max_pool.c, 16 channels at a time: of equal maxima the first in row-major order counts and
 * NaN wins. Every window must meet the input, which the layout pass sees to: a window in the
 * padding would have to put the lowest value into real lanes and zero into the others. While
 * training, the place of each maximum (pixel within the plane, int32) is kept for backward.
 */
#include "kernels/blocked.h"

#include <string.h>

struct pool_job {
    struct fsn__window window;
    struct fsn__blocked in, out;
    const float *x, *dy;
    float *y, *dx;
    int32_t *place; /* like y, or NULL */
};

/* One output: the best of 16 lanes over the taps of the window. */
static void find_max(const struct pool_job *job, const float *x, int64_t oh, int64_t ow,
                     float *restrict y, int32_t *restrict place)
{
    const struct fsn__window_axis *ya = &job->window.axis[1], *xa = &job->window.axis[2];
    int64_t row, row_end, col_begin, col_end;

    fsn__window_tap_range(ya, oh, &row, &row_end);
    fsn__window_tap_range(xa, ow, &col_begin, &col_end);
    for (int l = 0; l < FSN__LANES; l++)
        place[l] = -1;
    for (; row < row_end; row++) {
        const int64_t h = oh * ya->stride - ya->pad_begin + row * ya->dilation;

        for (int64_t col = col_begin; col < col_end; col++) {
            const int64_t w = ow * xa->stride - xa->pad_begin + col * xa->dilation;
            const int32_t pixel = (int32_t)(h * job->in.w + w);
            const float *restrict v = x + (int64_t)pixel * FSN__LANES;

            for (int l = 0; l < FSN__LANES; l++) {
                const bool better = place[l] < 0 || v[l] > y[l] || (v[l] != v[l] && y[l] == y[l]);

                y[l] = better ? v[l] : y[l];
                place[l] = better ? pixel : place[l];
            }
        }
    }
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->out.n * job->out.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = job->x + i * job->in.plane;
        int64_t at = i * job->out.plane;

        for (int64_t oh = 0; oh < job->out.h; oh++)
            for (int64_t ow = 0; ow < job->out.w; ow++, at += FSN__LANES) {
                float y[FSN__LANES] = {0};
                int32_t place[FSN__LANES];

                find_max(job, x, oh, ow, y, place);
                memcpy(job->y + at, y, sizeof y);
                if (job->place)
                    memcpy(job->place + at, place, sizeof place);
            }
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->out.n * job->out.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *dy = job->dy + i * job->out.plane;
        const int32_t *place = job->place + i * job->out.plane;
        float *dx = job->dx + i * job->in.plane;

        for (int64_t p = 0; p < job->out.plane; p++)
            dx[(int64_t)place[p] * FSN__LANES + p % FSN__LANES] += dy[p];
    }
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__window window;
    enum fsn_status status = fsn__blocked_input(ctx, 0, err);

    if (status == FSN_OK)
        status = fsn__blocked_window(ctx, &window, err);
    if (status != FSN_OK)
        return status;
    return fsn__blocked_output(ctx, ctx->in[0]->dim[0], ctx->in[0]->dim[1], window.axis[1].out,
                               window.axis[2].out, err);
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = ctx->training ? (size_t)fsn__numel(ctx->out[0]) * sizeof(int32_t) : 0;
}

static struct pool_job read_job(const struct fsn__op_ctx *ctx)
{
    return (struct pool_job){.in = fsn__blocked_of(ctx->in[0]),
                             .out = fsn__blocked_of(ctx->out[0]),
                             .place = ctx->training ? ctx->saved : NULL};
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_job(ctx);
    enum fsn_status status = fsn__blocked_window(ctx, &job.window, err);

    job.x = fsn__f32(ctx->in[0]);
    job.y = fsn__f32(ctx->out[0]);
    if (status == FSN_OK)
        fsn__pool_run(ctx->pool, forward_task, &job);
    return status;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_job(ctx);

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__input_grad(ctx, 0);
    if (job.dx)
        fsn__pool_run(ctx->pool, backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_fast_max_pool = {
    .name = "MaxPool",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
