/*
 * op_dynamic_quantize.c - DynamicQuantizeLinear: 8-bit levels whose scale comes from the data.
 *
 *   low = min(0, min x), high = max(0, max x)
 *   scale = (high - low) / 255
 *   zero  = round(saturate(-low / scale))
 *   y     = saturate(round(x / scale) + zero)        uint8; round half to even
 *
 * Where all of x is 0 any scale would do: it is 1, and zero is 0. The range is that of the whole
 * input, so the images of one batch influence each other; that is the operator's definition.
 */
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

#include <math.h>

enum { Y, SCALE, ZERO };

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status != FSN_OK)
        return status;
    if (ctx->n_out > SCALE && ctx->out[SCALE])
        fsn__shape_set(ctx->out[SCALE], FSN__F32, 0, NULL);
    if (ctx->n_out > ZERO && ctx->out[ZERO])
        fsn__shape_set(ctx->out[ZERO], FSN__U8, 0, NULL);
    return fsn__op_set_output(ctx, FSN__U8, x->ndim, x->dim, err);
}

struct job {
    const float *x;
    float scale, zero;
    uint8_t *y;
};

static void quantize(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct job *job = arg;
    const float *x = job->x + offset[1];
    uint8_t *y = job->y + offset[0];

    (void)stride;
    for (int64_t i = 0; i < n; i++) {
        const float level = rintf(x[i] / job->scale) + job->zero;

        y[i] = FSN__SATURATE(level, uint8_t, 0, UINT8_MAX);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[Y];
    const int64_t n = fsn__numel(y);
    struct job job = {.x = fsn__f32(ctx->in[0]), .y = y->data};
    struct fsn__walk walk = fsn__walk_over(y);
    float low = 0.0F, high = 0.0F;

    (void)err;
    for (int64_t i = 0; i < n; i++) {
        low = job.x[i] < low ? job.x[i] : low;
        high = job.x[i] > high ? job.x[i] : high;
    }
    job.scale = high > low ? (high - low) / 255.0F : 1.0F;
    job.zero = rintf(fminf(fmaxf(0.0F - low / job.scale, 0.0F), 255.0F));
    fsn__dense_strides(y, walk.stride[0]);
    fsn__dense_strides(y, walk.stride[1]);
    fsn__walk_each(ctx->pool, &walk, quantize, &job);
    if (ctx->n_out > SCALE && ctx->out[SCALE])
        *fsn__f32(ctx->out[SCALE]) = job.scale;
    if (ctx->n_out > ZERO && ctx->out[ZERO])
        *(uint8_t *)ctx->out[ZERO]->data = (uint8_t)job.zero;
    return FSN_OK;
}

const struct fsn__op fsn__op_dynamic_quantize_linear = {
    .name = "DynamicQuantizeLinear",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 3,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};
