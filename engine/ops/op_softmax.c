/*
 * op_softmax.c - Softmax along one axis.
 *
 *   y_i = exp(x_i - max x) / sum_j exp(x_j - max x)      dx_i = y_i (dy_i - sum_j dy_j y_j)
 *
 * Attribute axis, -1 by default. The engine's own attribute flatten = 1 asks for what opset < 13
 * meant: all axes from `axis` (1 by default) on are one. Sums are in double; lines along the axis
 * are shared by the threads.
 */
#include "ops/infer.h"

#include <math.h>

/* The tensor seen as [outer][count][inner]; a line is the `count` elements at (outer, inner). */
struct lines {
    int64_t outer, count, inner;
    const float *x, *y, *dy;
    float *out, *dx;
};

/* The axis as the attributes give it; flattening, it may be one past the last. */
static enum fsn_status read_axis(const struct fsn__op_ctx *ctx, bool *flatten, int *axis,
                                 struct fsn_error *err)
{
    const int ndim = ctx->in[0]->ndim;
    int64_t given;

    *flatten = fsn__attr_int(ctx->attrs, "flatten", 0) != 0;
    given = fsn__attr_int(ctx->attrs, "axis", *flatten ? 1 : -1);
    if (*flatten && given == ndim) {
        *axis = ndim;
        return FSN_OK;
    }
    return fsn__op_axis(ctx, given, ndim, axis, err);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    bool flatten;
    int axis;
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status == FSN_OK)
        status = read_axis(ctx, &flatten, &axis, err);
    if (status == FSN_OK && fsn__is_symbolic(x) && axis == 0)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "it normalises over the batch axis, which is not supported");
    return status == FSN_OK ? fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err) : status;
}

static enum fsn_status read_lines(const struct fsn__op_ctx *ctx, struct lines *out,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    bool flatten;
    int axis, end;
    enum fsn_status status = read_axis(ctx, &flatten, &axis, err);

    if (status != FSN_OK)
        return status;
    end = flatten ? x->ndim : axis + 1;
    *out = (struct lines){.outer = fsn__numel_range(x, 0, axis),
                          .count = fsn__numel_range(x, axis, end),
                          .inner = fsn__numel_range(x, end, x->ndim)};
    return FSN_OK;
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct lines *l = arg;
    int64_t begin, end;

    fsn__share(l->outer * l->inner, thread, threads, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t first = line / l->inner * l->count * l->inner + line % l->inner;
        const float *x = l->x + first;
        float *y = l->out + first;
        float largest = -INFINITY;
        double sum = 0.0;

        for (int64_t i = 0; i < l->count; i++)
            if (x[i * l->inner] > largest)
                largest = x[i * l->inner];
        for (int64_t i = 0; i < l->count; i++) {
            const float e = expf(x[i * l->inner] - largest);

            y[i * l->inner] = e;
            sum += (double)e;
        }
        for (int64_t i = 0; i < l->count; i++)
            y[i * l->inner] = (float)((double)y[i * l->inner] / sum);
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct lines *l = arg;
    int64_t begin, end;

    fsn__share(l->outer * l->inner, thread, threads, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t first = line / l->inner * l->count * l->inner + line % l->inner;
        const float *y = l->y + first, *dy = l->dy + first;
        float *dx = l->dx + first;
        double dot = 0.0;

        for (int64_t i = 0; i < l->count; i++)
            dot += (double)dy[i * l->inner] * (double)y[i * l->inner];
        for (int64_t i = 0; i < l->count; i++)
            dx[i * l->inner] += (float)((double)y[i * l->inner] * ((double)dy[i * l->inner] - dot));
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lines lines;
    enum fsn_status status = read_lines(ctx, &lines, err);

    if (status != FSN_OK)
        return status;
    lines.x = fsn__f32(ctx->in[0]);
    lines.out = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_task, &lines);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct lines lines;
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    status = read_lines(ctx, &lines, err);
    if (status != FSN_OK)
        return status;
    lines.y = fsn__f32(ctx->out[0]);
    lines.dy = fsn__f32(ctx->dout[0]);
    lines.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_task, &lines);
    return FSN_OK;
}

const struct fsn__op fsn__op_softmax = {
    .name = "Softmax",
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
