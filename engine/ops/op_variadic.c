/*
 * op_variadic.c - Sum, Mean, Min, Max of any number of inputs, with numpy's broadcasting.
 *
 *   Sum   dx_k += dy                 Min, Max  dx_k += dy where x_k is the first input that attains
 * y Mean  dx_k += dy / n             (of n inputs)
 *
 * Inputs are taken in order: y = x_0, then y = y (op) x_k. NaN in an input is NaN in the result.
 */
#include "ops/binary.h"

#include <string.h>

FSN__REAL_TYPES(FSN__BINARY, sum, a + b)
FSN__REAL_TYPES(FSN__BINARY, quotient, a / b)
FSN__REAL_TYPES(FSN__BINARY, min, a < b || a != a ? a : b)
FSN__INTEGER_TYPES(FSN__BINARY, min, a < b ? a : b)
FSN__REAL_TYPES(FSN__BINARY, max, a > b || a != a ? a : b)
FSN__INTEGER_TYPES(FSN__BINARY, max, a > b ? a : b)

#define RUNS static fsn__walk_run *const
RUNS sum_runs[FSN__DTYPE_COUNT] = {FSN__REAL_TYPES(FSN__ENTRY, sum)};
RUNS min_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, min)};
RUNS max_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, max)};

static fsn__walk_run *const *runs_of(const struct fsn__op *op)
{
    return op == &fsn__op_min ? min_runs : op == &fsn__op_max ? max_runs : sum_runs;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_infer(ctx, runs_of(ctx->op), ctx->in[0]->dtype, err);
}

static void copy_first(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *y = ctx->out[0];
    struct fsn__walk walk = fsn__walk_over(y);

    fsn__dense_strides(y, walk.stride[0]);
    fsn__broadcast_strides(ctx->in[0], y->ndim, walk.stride[1]);
    fsn__copy_strided(ctx->pool, &walk, fsn__dtype_bytes(y->dtype), y->data, ctx->in[0]->data);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    fsn__walk_run *run = runs_of(ctx->op)[y->dtype];
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status != FSN_OK)
        return status;
    if (ctx->n_in == 1)
        copy_first(ctx);
    else
        fsn__binary_run(ctx->pool, run, y, ctx->in[0], ctx->in[1]);
    for (int k = 2; k < ctx->n_in; k++)
        fsn__binary_run(ctx->pool, run, y, y, ctx->in[k]);
    return FSN_OK;
}

static enum fsn_status mean_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    float count = (float)ctx->n_in;
    double wide_count = ctx->n_in;
    const struct fsn__tensor n = {.dtype = y->dtype,
                                  .data = y->dtype == FSN__F32 ? (void *)&count : &wide_count};
    enum fsn_status status = forward(ctx, err);

    if (status == FSN_OK)
        fsn__binary_run(ctx->pool, y->dtype == FSN__F32 ? quotient_F32 : quotient_F64, y, y, &n);
    return status;
}

/* ---- backward of Sum and Mean ------------------------------------------------------------------
 */

FSN__BINARY_GRADIENT(share, g / b)

static enum fsn_status sum_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    for (int k = 0; k < ctx->n_in; k++)
        fsn__add_gradient(ctx, k, NULL, NULL, NULL);
    return FSN_OK;
}

static enum fsn_status mean_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    float count = (float)ctx->n_in;
    const struct fsn__tensor n = {.dtype = FSN__F32, .data = &count};

    (void)err;
    for (int k = 0; k < ctx->n_in; k++)
        fsn__add_gradient(ctx, k, share, NULL, &n);
    return FSN_OK;
}

/* ---- backward of Min and Max: which input gave each element -------------------------------------
 */

enum { NOBODY = 0xff }; /* more than FSN__MAX_IO */

struct winners {
    uint8_t *winner; /* dense, of y's shape */
    const float *y, *x;
    float *dx;
    const float *dy;
    uint8_t k;
};

static void extreme_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    (void)saved;
    if (ctx->training)
        *work = (size_t)fsn__numel(ctx->out[0]);
}

/* Operands: y (and winner), x_k. */
static void claim(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct winners *w = arg;

    for (int64_t i = 0; i < n; i++) {
        const int64_t at = offset[0] + i * stride[0];

        if (w->winner[at] == NOBODY && w->x[offset[1] + i * stride[1]] == w->y[at])
            w->winner[at] = w->k;
    }
}

/* Operands: dx_k, dy (and winner). */
static void reward(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct winners *w = arg;

    for (int64_t i = 0; i < n; i++) {
        const int64_t at = offset[1] + i * stride[1];

        if (w->winner[at] == w->k)
            w->dx[offset[0] + i * stride[0]] += w->dy[at];
    }
}

static enum fsn_status extreme_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0], *dy = ctx->dout[0];
    struct fsn__walk walk = fsn__walk_over(y);
    struct winners w;

    (void)err;
    if (!dy)
        return FSN_OK;
    w = (struct winners){.winner = ctx->work, .y = fsn__f32(y), .dy = fsn__f32(dy)};
    if (fsn__numel(y) > 0)
        memset(w.winner, NOBODY, (size_t)fsn__numel(y));
    for (int k = 0; k < ctx->n_in; k++) {
        w.k = (uint8_t)k;
        w.x = fsn__f32(ctx->in[k]);
        fsn__dense_strides(y, walk.stride[0]);
        fsn__broadcast_strides(ctx->in[k], y->ndim, walk.stride[1]);
        fsn__walk_each(ctx->pool, &walk, claim, &w);
        if (!ctx->din[k])
            continue;
        w.dx = fsn__f32(ctx->din[k]);
        fsn__walk_swap(&walk);
        fsn__walk_sum(ctx->pool, &walk, reward, &w);
    }
    return FSN_OK;
}

/* The members that all four have in common. */
#define VARIADIC .domain = "", .min_in = 1, .max_in = FSN__MAX_IO, .min_out = 1, .max_out = 1

const struct fsn__op fsn__op_sum = {
    .name = "Sum",
    VARIADIC,
    .infer = infer,
    .forward = forward,
    .backward = sum_backward,
};

const struct fsn__op fsn__op_mean = {
    .name = "Mean",
    VARIADIC,
    .infer = infer,
    .forward = mean_forward,
    .backward = mean_backward,
};

const struct fsn__op fsn__op_min = {
    .name = "Min",
    VARIADIC,
    .backward_in = UINT64_MAX,
    .backward_out = 1,
    .infer = infer,
    .sizes = extreme_sizes,
    .forward = forward,
    .backward = extreme_backward,
};

const struct fsn__op fsn__op_max = {
    .name = "Max",
    VARIADIC,
    .backward_in = UINT64_MAX,
    .backward_out = 1,
    .infer = infer,
    .sizes = extreme_sizes,
    .forward = forward,
    .backward = extreme_backward,
};
