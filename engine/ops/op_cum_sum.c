/*
 * op_cum_sum.c - CumSum: sums of what comes before an element along an axis, and of itself.
 *
 *     y[j] = sum of x[i] over i <= j    exclusive: i < j    reverse: i >= j, or i > j
 *     dx   = CumSum of dy the other way round
 *
 * The axis is an input, which must be constant. Floats are summed in double, integers wrap around.
 */
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

/* The tensor seen as [outer][count][inner]; a line is the `count` elements at (outer, inner). */
struct lines {
    int64_t outer, count, inner;
    bool exclusive, reverse;
    bool add; /* y += sums */
    const void *x;
    void *y;
};

#define DEFINE_SUMS(code, type, op, wide)                                             \
    static void op##_##code(void *arg, int slice, int slices)                         \
    {                                                                                 \
        const struct lines *l = arg;                                                  \
        const int64_t step = l->reverse ? -l->inner : l->inner;                       \
        int64_t begin, end;                                                           \
                                                                                      \
        fsn__share(l->outer * l->inner, slice, slices, &begin, &end);                 \
        for (int64_t line = begin; line < end; line++) {                              \
            int64_t at = line / l->inner * l->count * l->inner + line % l->inner +    \
                         (l->reverse ? (l->count - 1) * l->inner : 0);                \
            wide sum = 0;                                                             \
                                                                                      \
            for (int64_t i = 0; i < l->count; i++, at += step) {                      \
                const wide before = sum;                                              \
                type *y = (type *)l->y + at;                                          \
                                                                                      \
                sum += (wide)((const type *)l->x)[at];                                \
                *y = (type)((l->add ? (wide)*y : 0) + (l->exclusive ? before : sum)); \
            }                                                                         \
        }                                                                             \
    }

FSN__REAL_TYPES(DEFINE_SUMS, sums, double)
FSN__INTEGER_TYPES(DEFINE_SUMS, sums, uint64_t)

static fsn__task *const tasks[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, sums)};

static enum fsn_status read_axis(const struct fsn__op_ctx *ctx, int *axis, struct fsn_error *err)
{
    const struct fsn__tensor *t = ctx->in[1];

    if (!fsn__is_index(t) || fsn__numel(t) != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its axis is %s %s, expected one int32 or int64",
                            fsn__dtype_name(t->dtype), FSN__SHAPE(t));
    if (!t->data)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its axis input must be constant");
    return fsn__op_axis(ctx, fsn__get_i64(t, 0), ctx->in[0]->ndim, axis, err);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int axis;
    enum fsn_status status = read_axis(ctx, &axis, err);

    if (status != FSN_OK)
        return status;
    if (!tasks[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "sums along the batch axis, which is not supported");
    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static enum fsn_status run(const struct fsn__op_ctx *ctx, const struct fsn__tensor *from,
                           const struct fsn__tensor *to, bool back, struct fsn_error *err)
{
    struct lines lines;
    int axis;
    enum fsn_status status = read_axis(ctx, &axis, err);

    if (status != FSN_OK)
        return status;
    lines = (struct lines){.outer = fsn__numel_range(to, 0, axis),
                           .count = to->dim[axis],
                           .inner = fsn__numel_range(to, axis + 1, to->ndim),
                           .exclusive = fsn__attr_int(ctx->attrs, "exclusive", 0) != 0,
                           .reverse = (fsn__attr_int(ctx->attrs, "reverse", 0) != 0) != back,
                           .add = back,
                           .x = from->data,
                           .y = to->data};
    fsn__pool_run(fsn__numel(to) < FSN__SERIAL_BELOW ? NULL : ctx->pool, tasks[to->dtype], &lines);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    return status == FSN_OK ? run(ctx, ctx->in[0], ctx->out[0], false, err) : status;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    return run(ctx, ctx->dout[0], ctx->din[0], true, err);
}

const struct fsn__op fsn__op_cum_sum = {
    .name = "CumSum",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
