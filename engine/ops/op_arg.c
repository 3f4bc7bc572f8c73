/*
 * op_arg.c - ArgMax, ArgMin: where along an axis the largest or smallest element is, as int64.
 *
 * Attributes: axis (0), keepdims (1), select_last_index (0: of equals the first). A NaN counts as
 * both the largest and the smallest, as in numpy. No gradient.
 */
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

/* The tensor seen as [outer][count][inner]; a line is the `count` elements at (outer, inner). */
struct lines {
    int64_t outer, count, inner;
    bool last; /* of equals the last */
    const void *x;
    int64_t *y;
};

/* `better` compares v with best. */
#define DEFINE_ARG(code, type, op, better, nan)                                               \
    static void op##_##code(void *arg, int slice, int slices)                                 \
    {                                                                                         \
        const struct lines *l = arg;                                                          \
        int64_t begin, end;                                                                   \
                                                                                              \
        fsn__share(l->outer * l->inner, slice, slices, &begin, &end);                         \
        for (int64_t line = begin; line < end; line++) {                                      \
            const type *x =                                                                   \
                (const type *)l->x + line / l->inner * l->count * l->inner + line % l->inner; \
            type best = x[0];                                                                 \
            int64_t at = 0;                                                                   \
                                                                                              \
            for (int64_t i = 1; i < l->count; i++) {                                          \
                const type v = x[i * l->inner];                                               \
                                                                                              \
                if ((better) || (nan) || (l->last && v == best)) {                            \
                    best = v;                                                                 \
                    at = i;                                                                   \
                }                                                                             \
            }                                                                                 \
            l->y[line] = at;                                                                  \
        }                                                                                     \
    }

#define FIRST_NAN (v != v && best == best)
FSN__REAL_TYPES(DEFINE_ARG, largest, v > best, FIRST_NAN)
FSN__INTEGER_TYPES(DEFINE_ARG, largest, v > best, false)
FSN__REAL_TYPES(DEFINE_ARG, smallest, v < best, FIRST_NAN)
FSN__INTEGER_TYPES(DEFINE_ARG, smallest, v < best, false)

static fsn__task *const largest[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, largest)};
static fsn__task *const smallest[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, smallest)};

static enum fsn_status read_axis(const struct fsn__op_ctx *ctx, int *axis, struct fsn_error *err)
{
    return fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 0), ctx->in[0]->ndim, axis, err);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const bool keep = fsn__attr_int(ctx->attrs, "keepdims", 1) != 0;
    int64_t dim[FSN_MAX_DIMS];
    int axis, ndim = 0;
    enum fsn_status status = read_axis(ctx, &axis, err);

    if (status != FSN_OK)
        return status;
    if (!largest[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
    if (x->dim[axis] == 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its input %s has no elements along axis %d",
                            FSN__SHAPE(x), axis);
    for (int i = 0; i < x->ndim; i++)
        if (keep || i != axis)
            dim[ndim++] = i == axis ? 1 : x->dim[i];
    return fsn__op_set_output(ctx, FSN__I64, ndim, dim, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    fsn__task *const *tasks = ctx->op == &fsn__op_arg_max ? largest : smallest;
    struct lines lines;
    int axis;
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status == FSN_OK)
        status = read_axis(ctx, &axis, err);
    if (status != FSN_OK)
        return status;
    lines = (struct lines){.outer = fsn__numel_range(x, 0, axis),
                           .count = x->dim[axis],
                           .inner = fsn__numel_range(x, axis + 1, x->ndim),
                           .last = fsn__attr_int(ctx->attrs, "select_last_index", 0) != 0,
                           .x = x->data,
                           .y = fsn__i64(ctx->out[0])};
    fsn__pool_run(fsn__numel(x) < FSN__SERIAL_BELOW ? NULL : ctx->pool, tasks[x->dtype], &lines);
    return FSN_OK;
}

#define ARG(symbol, ...)                          \
    const struct fsn__op fsn__op_arg_##symbol = { \
        __VA_ARGS__,                              \
        .domain = "",                             \
        .min_in = 1,                              \
        .max_in = 1,                              \
        .min_out = 1,                             \
        .max_out = 1,                             \
        .flags = FSN__NO_GRADIENT,                \
        .infer = infer,                           \
        .forward = forward,                       \
    };

ARG(max, .name = "ArgMax")
ARG(min, .name = "ArgMin")
