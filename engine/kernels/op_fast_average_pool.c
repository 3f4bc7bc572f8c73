/* op_fast_average_pool.c - AveragePool and GlobalAveragePool on blocked tensors.
 *
 *   AveragePool:  y[o] = sum of x over the taps of o within the input / count(o)
 *                 dx[i] += dy[o] / count(o) for every o that reads i
 *   GlobalPool:   y [N,C,1,1], plain (attribute channels) = mean of the channel;  dx[i] += dy / P
 *
 * count(o) as in op_average_pool.c: the taps within the input or, with count_include_pad, within
 * the input and its padding; without such a tap y is 0.
 */
#include "kernels/blocked.h"

#include <string.h>

struct pool_job {
    struct fsn__window window; /* AveragePool only */
    bool include_pad;
    struct fsn__blocked in, out;
    int64_t channels; /* global only */
    const float *x, *dy;
    float *y, *dx;
    bool overwrite; /* dx; global only */
};

/* ---- AveragePool ------------------------------------------------------------------------------
 */

/* What an output reads along one axis: input first + tap * dilation for taps [begin, end). */
struct span {
    int64_t first, begin, end, count;
};

static struct span find_span(const struct fsn__window_axis *a, int64_t o, bool include_pad)
{
    const int64_t limit = a->in + a->pad_end;
    struct span s = {.first = o * a->stride - a->pad_begin};

    fsn__window_tap_range(a, o, &s.begin, &s.end);
    s.count = s.end - s.begin;
    if (include_pad) {
        s.count = s.first < limit ? (limit - 1 - s.first) / a->dilation + 1 : 0;
        if (s.count > a->taps)
            s.count = a->taps;
    }
    return s;
}

/* Calls visit for each output and each pixel that it reads: at, the output's place in its plane;
 * from, the pixel's; share, 1 / count. */
typedef void visit_tap(const struct pool_job *job, int64_t block, int64_t at, int64_t from,
                       float share);

static void walk_block(const struct pool_job *job, int64_t block, visit_tap *visit)
{
    const struct fsn__window_axis *ya = &job->window.axis[1], *xa = &job->window.axis[2];

    for (int64_t oh = 0; oh < job->out.h; oh++) {
        const struct span row = find_span(ya, oh, job->include_pad);

        for (int64_t ow = 0; ow < job->out.w; ow++) {
            const struct span col = find_span(xa, ow, job->include_pad);
            const int64_t at = (oh * job->out.w + ow) * FSN__LANES;

            for (int64_t i = row.begin; i < row.end; i++)
                for (int64_t k = col.begin; k < col.end; k++) {
                    const int64_t h = row.first + i * ya->dilation;
                    const int64_t w = col.first + k * xa->dilation;

                    visit(job, block, at, (h * job->in.w + w) * FSN__LANES,
                          1.0F / (float)(row.count * col.count));
                }
        }
    }
}

static void add_tap(const struct pool_job *job, int64_t block, int64_t at, int64_t from,
                    float share)
{
    const float *restrict x = job->x + block * job->in.plane + from;
    float *restrict y = job->y + block * job->out.plane + at;

    for (int l = 0; l < FSN__LANES; l++)
        y[l] += share * x[l];
}

static void spread_tap(const struct pool_job *job, int64_t block, int64_t at, int64_t from,
                       float share)
{
    const float *restrict dy = job->dy + block * job->out.plane + at;
    float *restrict dx = job->dx + block * job->in.plane + from;

    for (int l = 0; l < FSN__LANES; l++)
        dx[l] += share * dy[l];
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->out.n * job->out.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        memset(job->y + i * job->out.plane, 0, (size_t)job->out.plane * sizeof *job->y);
        walk_block(job, i, add_tap);
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->out.n * job->out.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        walk_block(job, i, spread_tap);
}

static enum fsn_status infer_average(const struct fsn__op_ctx *ctx, struct fsn_error *err)
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

static enum fsn_status read_average(const struct fsn__op_ctx *ctx, struct pool_job *job,
                                    struct fsn_error *err)
{
    *job = (struct pool_job){.include_pad = fsn__attr_int(ctx->attrs, "count_include_pad", 0) != 0,
                             .in = fsn__blocked_of(ctx->in[0]),
                             .out = fsn__blocked_of(ctx->out[0])};
    return fsn__blocked_window(ctx, &job->window, err);
}

static enum fsn_status forward_average(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job;
    enum fsn_status status = read_average(ctx, &job, err);

    if (status != FSN_OK)
        return status;
    job.x = fsn__f32(ctx->in[0]);
    job.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_task, &job);
    return FSN_OK;
}

static enum fsn_status backward_average(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job;
    enum fsn_status status = read_average(ctx, &job, err);

    if (status != FSN_OK || !ctx->dout[0])
        return status;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__input_grad(ctx, 0);
    if (job.dx)
        fsn__pool_run(ctx->pool, backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_fast_average_pool = {
    .name = "AveragePool",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer_average,
    .forward = forward_average,
    .backward = backward_average,
};

/* ---- GlobalAveragePool ------------------------------------------------------------------------
 */

/* Channels of block i of all images' blocks, and the first one's place in y. */
static int64_t lanes_of(const struct pool_job *job, int64_t i, int64_t *at)
{
    const int64_t first = i % job->in.blocks * FSN__LANES, rest = job->channels - first;

    *at = i / job->in.blocks * job->channels + first;
    return rest < FSN__LANES ? rest : FSN__LANES;
}

static void global_forward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end, at;

    fsn__share(job->in.n * job->in.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t lanes = lanes_of(job, i, &at);
        const float *x = job->x + i * job->in.plane;
        double sum[FSN__LANES] = {0};

        for (int64_t p = 0; p < job->in.plane; p += FSN__LANES)
            for (int l = 0; l < FSN__LANES; l++)
                sum[l] += (double)x[p + l];
        for (int64_t l = 0; l < lanes; l++)
            job->y[at + l] = (float)(sum[l] / (double)(job->in.h * job->in.w));
    }
}

static void global_backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end, at;

    fsn__share(job->in.n * job->in.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t lanes = lanes_of(job, i, &at);
        float *restrict dx = job->dx + i * job->in.plane;
        float share[FSN__LANES] = {0};

        for (int64_t l = 0; l < lanes; l++)
            share[l] = (float)((double)job->dy[at + l] / (double)(job->in.h * job->in.w));
        for (int64_t p = 0; p < job->in.plane; p += FSN__LANES)
            for (int l = 0; l < FSN__LANES; l++)
                dx[p + l] = job->overwrite ? share[l] : dx[p + l] + share[l];
    }
}

static enum fsn_status infer_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int64_t channels = fsn__attr_int(ctx->attrs, "channels", 0);
    const struct fsn__tensor *x = ctx->in[0];
    enum fsn_status status = fsn__blocked_input(ctx, 0, err);

    if (status != FSN_OK)
        return status;
    if (fsn__channel_blocks(channels) != x->dim[1] || x->dim[2] < 1 || x->dim[3] < 1)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "its input of %lld channels is %s",
                            (long long)channels, FSN__SHAPE(x));
    return fsn__op_set_output(ctx, FSN__F32, 4, (int64_t[]){x->dim[0], channels, 1, 1}, err);
}

static struct pool_job read_global(const struct fsn__op_ctx *ctx)
{
    return (struct pool_job){.in = fsn__blocked_of(ctx->in[0]), .channels = ctx->out[0]->dim[1]};
}

static enum fsn_status forward_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_global(ctx);

    (void)err;
    job.x = fsn__f32(ctx->in[0]);
    job.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, global_forward_task, &job);
    return FSN_OK;
}

static enum fsn_status backward_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_global(ctx);

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__input_grad_raw(ctx, 0, &job.overwrite);
    if (job.dx)
        fsn__pool_run(ctx->pool, global_backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_fast_global_pool = {
    .name = "GlobalAveragePool",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer_global,
    .forward = forward_global,
    .backward = backward_global,
};
