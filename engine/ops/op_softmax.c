/*
 * op_softmax.c - Softmax, LogSoftmax, Hardmax along one axis, with m = max x.
 *
 *   Softmax     y_i = e^(x_i - m) / sum_j e^(x_j - m)        dx_i = y_i (dy_i - sum_j dy_j y_j)
 *   LogSoftmax  y_i = x_i - m - ln(sum_j e^(x_j - m))        dx_i = dy_i - e^(y_i) sum_j dy_j
 *   Hardmax     y_i = 1 at the first x_i = m, else 0         no gradient
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
    void (*forward)(const struct lines *l, const float *x, float *y); /* of one line */
    void (*backward)(const struct lines *l, const float *y, const float *dy, float *dx);
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

/* Where a line begins. */
static int64_t line_start(const struct lines *l, int64_t line)
{
    return line / l->inner * l->count * l->inner + line % l->inner;
}

/* The first place of the largest element; 0 where all are NaN. */
static int64_t find_largest(const struct lines *l, const float *x)
{
    int64_t at = 0;

    for (int64_t i = 1; i < l->count; i++)
        if (x[i * l->inner] > x[at * l->inner] || x[at * l->inner] != x[at * l->inner])
            at = i;
    return at;
}

/* ---- forward: one line --------------------------------------------------------------------- */

static void softmax_line(const struct lines *l, const float *x, float *y)
{
    const float largest = x[find_largest(l, x) * l->inner];
    double sum = 0.0;

    for (int64_t i = 0; i < l->count; i++) {
        const float e = expf(x[i * l->inner] - largest);

        y[i * l->inner] = e;
        sum += (double)e;
    }
    for (int64_t i = 0; i < l->count; i++)
        y[i * l->inner] = (float)((double)y[i * l->inner] / sum);
}

static void log_softmax_line(const struct lines *l, const float *x, float *y)
{
    const float largest = x[find_largest(l, x) * l->inner];
    double sum = 0.0;

    for (int64_t i = 0; i < l->count; i++)
        sum += (double)expf(x[i * l->inner] - largest);
    sum = log(sum);
    for (int64_t i = 0; i < l->count; i++)
        y[i * l->inner] = (float)((double)(x[i * l->inner] - largest) - sum);
}

static void hardmax_line(const struct lines *l, const float *x, float *y)
{
    for (int64_t i = 0; i < l->count; i++)
        y[i * l->inner] = 0;
    y[find_largest(l, x) * l->inner] = 1;
}

/* ---- backward: one line -------------------------------------------------------------------- */

static void softmax_back(const struct lines *l, const float *y, const float *dy, float *dx)
{
    double dot = 0.0;

    for (int64_t i = 0; i < l->count; i++)
        dot += (double)dy[i * l->inner] * (double)y[i * l->inner];
    for (int64_t i = 0; i < l->count; i++)
        dx[i * l->inner] += (float)((double)y[i * l->inner] * ((double)dy[i * l->inner] - dot));
}

static void log_softmax_back(const struct lines *l, const float *y, const float *dy, float *dx)
{
    double sum = 0.0;

    for (int64_t i = 0; i < l->count; i++)
        sum += (double)dy[i * l->inner];
    for (int64_t i = 0; i < l->count; i++)
        dx[i * l->inner] += (float)((double)dy[i * l->inner] - exp((double)y[i * l->inner]) * sum);
}

/* ---- all lines ----------------------------------------------------------------------------- */

static void forward_task(void *arg, int slice, int slices)
{
    const struct lines *l = arg;
    int64_t begin, end;

    fsn__share(l->outer * l->inner, slice, slices, &begin, &end);
    for (int64_t line = begin; line < end && l->count > 0; line++)
        l->forward(l, l->x + line_start(l, line), l->out + line_start(l, line));
}

static void backward_task(void *arg, int slice, int slices)
{
    const struct lines *l = arg;
    int64_t begin, end;

    fsn__share(l->outer * l->inner, slice, slices, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t first = line_start(l, line);

        l->backward(l, l->y + first, l->dy + first, l->dx + first);
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
    lines.forward = ctx->op == &fsn__op_softmax       ? softmax_line
                    : ctx->op == &fsn__op_log_softmax ? log_softmax_line
                                                      : hardmax_line;
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
    lines.backward = ctx->op == &fsn__op_softmax ? softmax_back : log_softmax_back;
    fsn__pool_run(ctx->pool, backward_task, &lines);
    return FSN_OK;
}

/* The members that all three have in common. */
#define LINES                                                                           \
    .domain = "", .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1, .infer = infer, \
    .forward = forward

const struct fsn__op fsn__op_softmax = {
    .name = "Softmax",
    LINES,
    .backward_out = 1 << 0,
    .backward = backward,
};

const struct fsn__op fsn__op_log_softmax = {
    .name = "LogSoftmax",
    LINES,
    .backward_out = 1 << 0,
    .backward = backward,
};

const struct fsn__op fsn__op_hardmax = {
    .name = "Hardmax",
    LINES,
    .flags = FSN__NO_GRADIENT,
};
