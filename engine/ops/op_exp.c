/*
 * op_exp.c - Exp, element by element: y = e^x, dx = y dy. Detectors decode their boxes with it.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <math.h>

struct job {
    int64_t count;
    const float *x, *y, *dy;
    float *to; /* y forward, dx backward */
};

static void forward_share(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    int64_t begin, end;

    fsn__share(job->count, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        job->to[i] = expf(job->x[i]);
}

static void backward_share(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    int64_t begin, end;

    fsn__share(job->count, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        job->to[i] += job->y[i] * job->dy[i];
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (x->dtype != FSN__F32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = {
        .count = fsn__numel(ctx->in[0]),
        .x = fsn__f32(ctx->in[0]),
        .to = fsn__f32(ctx->out[0]),
    };

    (void)err;
    fsn__pool_run(job.count < FSN__SERIAL_BELOW ? NULL : ctx->pool, forward_share, &job);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = {.count = fsn__numel(ctx->out[0])};

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job.y = fsn__f32(ctx->out[0]);
    job.dy = fsn__f32(ctx->dout[0]);
    job.to = fsn__f32(ctx->din[0]);
    fsn__pool_run(job.count < FSN__SERIAL_BELOW ? NULL : ctx->pool, backward_share, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_exp = {
    .name = "Exp",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_out = 1 << 0,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
