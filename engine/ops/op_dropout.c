/*
 * op_dropout.c - Dropout (Srivastava et al. 2014), inverted.
 *
 *   active:   y = x mask / (1 - ratio), each element kept with probability 1 - ratio
 *             dx = dy mask / (1 - ratio)
 *   inactive: y = x, dx = dy, the mask is all true
 *
 * Active while the engine trains, or where input 2 (training_mode) is true. Element i is kept when
 * the i-th draw of the stream (seed, FSN__RNG_DROPOUT, step, node) is at least the ratio: any
 * thread can start anywhere in it, so the mask does not depend on the number of threads, and
 * backward draws it again instead of keeping it. The attribute `seed` is not looked at.
 */
#include "core/rng.h"
#include "ops/infer.h"
#include "ops/walk.h"

#include <string.h>

struct job {
    int64_t count;
    struct fsn__rng stream;
    double ratio;
    const float *x;
    float *y;
    uint8_t *mask; /* or NULL */
    bool add;      /* y += instead of y = */
};

static enum fsn_status given_ratio(const struct fsn__op_ctx *ctx, double *out,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *given = fsn__op_has_input(ctx, 1) ? ctx->in[1] : NULL;

    *out = 0.5;
    if (given && given->dtype == FSN__F64)
        *out = *(const double *)given->data;
    else if (given)
        *out = (double)*fsn__f32(given);
    if (!(*out >= 0.0 && *out < 1.0))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "its ratio is %g, outside [0, 1)", *out);
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const struct fsn__tensor *ratio = fsn__op_has_input(ctx, 1) ? ctx->in[1] : NULL;
    const struct fsn__tensor *mode = fsn__op_has_input(ctx, 2) ? ctx->in[2] : NULL;
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status != FSN_OK)
        return status;
    if (ratio && ((ratio->dtype != FSN__F32 && ratio->dtype != FSN__F64) || fsn__numel(ratio) != 1))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its ratio must be one float, is %s %s",
                            fsn__dtype_name(ratio->dtype), FSN__SHAPE(ratio));
    if (mode && (mode->dtype != FSN__BOOL || fsn__numel(mode) != 1))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its training_mode must be one bool, is %s %s",
                            fsn__dtype_name(mode->dtype), FSN__SHAPE(mode));
    if (!ratio || ratio->data) {
        double value;

        status = given_ratio(ctx, &value, err);
        if (status != FSN_OK)
            return status;
    }
    if (ctx->n_out > 1 && ctx->out[1])
        fsn__shape_set(ctx->out[1], FSN__BOOL, x->ndim, x->dim);
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err);
}

/* The ratio in force: 0 while inactive. */
static enum fsn_status read_ratio(const struct fsn__op_ctx *ctx, double *ratio,
                                  struct fsn_error *err)
{
    const bool asked = fsn__op_has_input(ctx, 2) && *(const uint8_t *)ctx->in[2]->data != 0;
    enum fsn_status status = given_ratio(ctx, ratio, err);

    if (status == FSN_OK && !ctx->training && !asked)
        *ratio = 0.0;
    return status;
}

static void task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const float scale = (float)(1.0 / (1.0 - job->ratio));
    struct fsn__rng rng = job->stream;
    int64_t begin, end;

    fsn__share(job->count, thread, threads, &begin, &end);
    fsn__rng_skip(&rng, (uint64_t)begin);
    for (int64_t i = begin; i < end; i++) {
        const bool keep = fsn__rng_uniform(&rng) >= job->ratio;
        const float v = keep ? job->x[i] * scale : 0.0F;

        job->y[i] = job->add ? job->y[i] + v : v;
        if (job->mask)
            job->mask[i] = keep;
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = {
        .count = fsn__numel(ctx->in[0]),
        .stream = fsn__rng_open(ctx->seed, FSN__RNG_DROPOUT, ctx->step, ctx->index),
        .x = fsn__f32(ctx->in[0]),
        .y = fsn__f32(ctx->out[0]),
        .mask = ctx->n_out > 1 && ctx->out[1] ? ctx->out[1]->data : NULL,
    };
    enum fsn_status status = read_ratio(ctx, &job.ratio, err);

    if (status != FSN_OK)
        return status;
    if (job.ratio > 0.0) {
        fsn__pool_run(ctx->pool, task, &job);
        return FSN_OK;
    }
    fsn__copy_dense(ctx->pool, job.count, sizeof(float), job.y, job.x);
    if (job.mask)
        memset(job.mask, 1, (size_t)job.count);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job;
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job = (struct job){
        .count = fsn__numel(ctx->in[0]),
        .stream = fsn__rng_open(ctx->seed, FSN__RNG_DROPOUT, ctx->step, ctx->index),
        .x = fsn__f32(ctx->dout[0]),
        .y = fsn__f32(ctx->din[0]),
        .add = true,
    };
    status = read_ratio(ctx, &job.ratio, err);
    if (status != FSN_OK)
        return status;
    if (job.ratio > 0.0)
        fsn__pool_run(ctx->pool, task, &job);
    else
        fsn__add_dense(ctx->pool, job.count, job.y, job.x);
    return FSN_OK;
}

const struct fsn__op fsn__op_dropout = {
    .name = "Dropout",
    .domain = "",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    .backward_in = 1 << 1 | 1 << 2, /* ratio, training_mode */
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
