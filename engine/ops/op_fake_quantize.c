/*
 * op_fake_quantize.c - FakeQuantize: what a Filter Summary becomes when it is stored in few bits,
 * while it is trained.
 *
 *   y = (clamp(round(x / s + zero), 0, 2^bits - 1) - zero) s        s = |step|
 *
 * Inputs: x, f32; step, f32 [S]; zero, f32 scalar, a level or half between two. Attributes: bits, 1
 * to 8; segment, the elements of x (in memory order) that share a step: S = ceil(n / segment), 0:
 * all, S = 1. A step of 0 is one that nobody has chosen yet: y = x there.
 *
 * Backward is the straight-through estimator, and for the step that of LSQ (Esser et al., "Learned
 * Step Size Quantization", arXiv 1902.08153, equations 3 and 4), with q the level before the clamp:
 *
 *   q below 0:    dx += 0     ds += dy (0 - zero)
 *   q above top:  dx += 0     ds += dy (top - zero)
 *   between:      dx += dy    ds += dy (q - zero - x / s)
 *   dstep += sign(step) ds / sqrt(n_s Q)     n_s elements share the step, Q = top - zero, 1 at
 * least
 */
#include "ops/infer.h"
#include "ops/levels.h"

#include <string.h>

enum { X, STEP, ZERO };

struct shape {
    int64_t n, segment;
    int top;
};

static struct shape shape_of(const struct fsn__op_ctx *ctx)
{
    const int64_t segment = fsn__attr_int(ctx->attrs, "segment", 0);
    const int64_t n = fsn__numel(ctx->in[X]);

    return (struct shape){.n = n,
                          .segment = segment > 0 ? segment : n,
                          .top = fsn__top_level((int)fsn__attr_int(ctx->attrs, "bits", 8))};
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[X], *step = ctx->in[STEP], *zero = ctx->in[ZERO];
    const int64_t bits = fsn__attr_int(ctx->attrs, "bits", 8);
    const int64_t segment = fsn__attr_int(ctx->attrs, "segment", 0);
    int64_t steps;

    if (bits < 1 || bits > 8 || segment < 0)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                            "bits must be 1 to 8 and segment at least 0, they are %lld and %lld",
                            (long long)bits, (long long)segment);
    if (x->dtype != FSN__F32 || step->dtype != FSN__F32 || zero->dtype != FSN__F32)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "x, step and zero must be float32, are %s, %s, %s",
                            fsn__dtype_name(x->dtype), fsn__dtype_name(step->dtype),
                            fsn__dtype_name(zero->dtype));
    if (fsn__numel(x) < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "x has shape %s, expected known and not empty",
                            FSN__SHAPE(x));
    steps = segment > 0 ? (fsn__numel(x) - 1) / segment + 1 : 1;
    if (step->ndim != 1 || step->dim[0] != steps || fsn__numel(zero) != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "step must be [%lld] and zero one element, their shapes are %s and %s",
                            (long long)steps, FSN__SHAPE(step), FSN__SHAPE(zero));
    fsn__shape_set(ctx->out[0], FSN__F32, x->ndim, x->dim);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct shape shape = shape_of(ctx);
    const float *x = fsn__f32(ctx->in[X]), *steps = fsn__f32(ctx->in[STEP]);
    const double zero = *fsn__f32(ctx->in[ZERO]);
    float *y = fsn__f32(ctx->out[0]);

    (void)err;
    for (int64_t begin = 0; begin < shape.n; begin += shape.segment) {
        const int64_t end = begin + shape.segment < shape.n ? begin + shape.segment : shape.n;
        const float step = fabsf(steps[begin / shape.segment]);

        if (step == 0) {
            memcpy(y + begin, x + begin, (size_t)(end - begin) * sizeof *y);
            continue;
        }
        for (int64_t i = begin; i < end; i++) {
            const double level = fsn__unbounded_level(x[i], step, zero);

            y[i] = fsn__value_of_level(fsn__bounded_level(level, shape.top), zero, step);
        }
    }
    return FSN_OK;
}

/* One segment; returns ds before its scaling. dx may be NULL. */
static double backward_segment(const struct shape *shape, const float *x, float step, double zero,
                               const float *dy, float *dx, int64_t n)
{
    double ds = 0;

    for (int64_t i = 0; i < n; i++) {
        const double level = fsn__unbounded_level(x[i], step, zero);

        if (level < 0) {
            ds -= dy[i] * zero;
        } else if (level > shape->top) {
            ds += dy[i] * (shape->top - zero);
        } else {
            ds += dy[i] * (level - zero - (double)x[i] / step);
            if (dx)
                dx[i] += dy[i];
        }
    }
    return ds;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct shape shape = shape_of(ctx);
    const float *x = fsn__f32(ctx->in[X]), *steps = fsn__f32(ctx->in[STEP]), *dy;
    const double zero = *fsn__f32(ctx->in[ZERO]);
    const double reach = fmax(shape.top - zero, 1);
    float *dx = ctx->din[X] ? fsn__f32(ctx->din[X]) : NULL;

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    dy = fsn__f32(ctx->dout[0]);
    for (int64_t begin = 0; begin < shape.n; begin += shape.segment) {
        const int64_t n = shape.n - begin < shape.segment ? shape.n - begin : shape.segment;
        const int64_t at = begin / shape.segment;

        if (steps[at] == 0) {
            for (int64_t i = 0; dx && i < n; i++)
                dx[begin + i] += dy[begin + i];
        } else {
            double ds = backward_segment(&shape, x + begin, fabsf(steps[at]), zero, dy + begin,
                                         dx ? dx + begin : NULL, n);

            ds *= (steps[at] < 0 ? -1 : 1) / sqrt((double)n * reach);
            if (ctx->din[STEP])
                fsn__f32(ctx->din[STEP])[at] += (float)ds;
        }
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_fake_quantize = {
    .name = "FakeQuantize",
    .domain = "fsnet",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << X | 1 << STEP | 1 << ZERO,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
