/*
 * op_average_pool.c - AveragePool over 1 to 3 spatial axes, and GlobalAveragePool.
 *
 *   AveragePool:       y[o] = sum of x over the taps of o within the input / count(o)
 *                      dx[i] += dy[o] / count(o) for every o that reads i
 *   GlobalAveragePool: y = mean of the channel;  dx[i] += dy / P
 *
 * count(o) counts the taps within the input or, with count_include_pad, those within the input and
 * its padding (what ceil_mode adds beyond that never counts). A window without such a tap gives 0.
 * Channels are shared by the threads.
 */
#include "ops/infer.h"
#include "ops/reduce.h"
#include "ops/window.h"

struct pool_job {
    struct fsn__window window; /* AveragePool only */
    int64_t planes, in, out;   /* batch times channels; elements of one */
    bool count_include_pad;
    const float *x, *dy;
    float *y, *dx;
};

/* What one output reads along one axis: inputs begin, begin + dilation, ... < end; weight: how many
 * taps count. */
struct span {
    int64_t begin, end;
    double count;
};

static struct span find_span(const struct fsn__window_axis *a, int64_t o, bool include_pad)
{
    const int64_t first = o * a->stride - a->pad_begin, limit = a->in + a->pad_end;
    int64_t tap, taps_end, counted;
    struct span s;

    fsn__window_tap_range(a, o, &tap, &taps_end);
    s.begin = first + tap * a->dilation;
    s.end = tap < taps_end ? first + (taps_end - 1) * a->dilation + 1 : s.begin;
    counted = taps_end - tap;
    if (include_pad) {
        counted = (limit - 1 - first) / a->dilation + 1; /* no window starts behind the input */
        if (counted > a->taps)
            counted = a->taps;
    }
    s.count = (double)counted;
    return s;
}

/* Calls `visit` for every output of a plane with its spans. */
typedef void visit_output(const struct pool_job *job, const struct span *span, int64_t plane,
                          int64_t i);

static void walk_plane(const struct pool_job *job, int64_t plane, visit_output *visit)
{
    const struct fsn__window_axis *a = job->window.axis;
    const bool include_pad = job->count_include_pad;
    struct span span[FSN__WINDOW_AXES];
    int64_t i = 0;

    for (int64_t od = 0; od < a[0].out; od++) {
        span[0] = find_span(&a[0], od, include_pad);
        for (int64_t oh = 0; oh < a[1].out; oh++) {
            span[1] = find_span(&a[1], oh, include_pad);
            for (int64_t ow = 0; ow < a[2].out; ow++) {
                span[2] = find_span(&a[2], ow, include_pad);
                visit(job, span, plane, i++);
            }
        }
    }
}

static void average_output(const struct pool_job *job, const struct span *s, int64_t plane,
                           int64_t i)
{
    const struct fsn__window_axis *a = job->window.axis;
    const float *x = job->x + plane * job->in;
    const double count = s[0].count * s[1].count * s[2].count;
    double sum = 0.0;

    for (int64_t d = s[0].begin; d < s[0].end; d += a[0].dilation)
        for (int64_t h = s[1].begin; h < s[1].end; h += a[1].dilation) {
            const float *row = x + (d * a[1].in + h) * a[2].in;

            for (int64_t w = s[2].begin; w < s[2].end; w += a[2].dilation)
                sum += (double)row[w];
        }
    job->y[plane * job->out + i] = count > 0.0 ? (float)(sum / count) : 0.0F;
}

static void spread_gradient(const struct pool_job *job, const struct span *s, int64_t plane,
                            int64_t i)
{
    const struct fsn__window_axis *a = job->window.axis;
    float *dx = job->dx + plane * job->in;
    const double count = s[0].count * s[1].count * s[2].count;
    const float share = (float)((double)job->dy[plane * job->out + i] / count);

    for (int64_t d = s[0].begin; d < s[0].end; d += a[0].dilation)
        for (int64_t h = s[1].begin; h < s[1].end; h += a[1].dilation) {
            float *row = dx + (d * a[1].in + h) * a[2].in;

            for (int64_t w = s[2].begin; w < s[2].end; w += a[2].dilation)
                row[w] += share;
        }
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        walk_plane(job, plane, average_output);
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        walk_plane(job, plane, spread_gradient);
}

/* ---- AveragePool -----------------------------------------------------------------------------
 */

static enum fsn_status infer_average(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], x->dim[1]};
    struct fsn__window w;
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status == FSN_OK)
        status = fsn__window_read_pool(ctx, &w, err);
    if (status != FSN_OK)
        return status;
    fsn__window_out_dims(&w, x->ndim, dim);
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, dim, err);
}

static enum fsn_status read_average(const struct fsn__op_ctx *ctx, struct pool_job *job,
                                    struct fsn_error *err)
{
    enum fsn_status status;

    *job =
        (struct pool_job){.planes = ctx->in[0]->dim[0] * ctx->in[0]->dim[1],
                          .count_include_pad = fsn__attr_int(ctx->attrs, "count_include_pad", 0)};
    status = fsn__window_read_pool(ctx, &job->window, err);
    if (status != FSN_OK)
        return status;
    job->in = fsn__window_in_size(&job->window);
    job->out = fsn__window_out_size(&job->window);
    return FSN_OK;
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
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    status = read_average(ctx, &job, err);
    if (status != FSN_OK)
        return status;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_average_pool = {
    .name = "AveragePool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_average,
    .forward = forward_average,
    .backward = backward_average,
};

/* ---- GlobalAveragePool -----------------------------------------------------------------------
 */

static enum fsn_status infer_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
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

static void global_forward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        job->y[i] = (float)(fsn__sum(job->x + i * job->in, job->in) / (double)job->in);
}

static void global_backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float share = (float)((double)job->dy[i] / (double)job->in);
        float *dx = job->dx + i * job->in;

        for (int64_t p = 0; p < job->in; p++)
            dx[p] += share;
    }
}

static struct pool_job read_global(const struct fsn__tensor *x)
{
    return (struct pool_job){
        .planes = x->dim[0] * x->dim[1], .in = fsn__numel_range(x, 2, x->ndim), .out = 1};
}

static enum fsn_status forward_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_global(ctx->in[0]);

    (void)err;
    job.x = fsn__f32(ctx->in[0]);
    job.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, global_forward_task, &job);
    return FSN_OK;
}

static enum fsn_status backward_global(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job = read_global(ctx->in[0]);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, global_backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_global_average_pool = {
    .name = "GlobalAveragePool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_global,
    .forward = forward_global,
    .backward = backward_global,
};
