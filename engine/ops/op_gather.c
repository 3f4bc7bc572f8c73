/*
 * op_gather.c - Gather: y[o, j, i] = x[o, index[j], i], o over the axes before `axis`, i over those
 * behind it, j over all of the indices.
 *
 * Any element type, negative indices count from the end, an index out of range is an error of
 * forward. The gradient adds each row of dy to the row it came from, in the order of j.
 *
 * A symbolic batch passes in front: x's own when another axis is gathered from, or that of the
 * indices when axis 0 is.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <string.h>

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *index = ctx->in[1];
    int64_t dim[2 * FSN_MAX_DIMS];
    int axis, n = 0;
    enum fsn_status status =
        fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 0), x->ndim, &axis, err);

    if (status != FSN_OK)
        return status;
    if (!fsn__is_index(index))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its indices are %s, expected int64 or int32",
                            fsn__dtype_name(index->dtype));
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "gathers from the batch axis, which is not supported");
    for (int i = 0; i < axis; i++)
        dim[n++] = x->dim[i];
    for (int i = 0; i < index->ndim; i++)
        dim[n++] = index->dim[i];
    for (int i = axis + 1; i < x->ndim; i++)
        dim[n++] = x->dim[i];
    return fsn__op_set_output(ctx, x->dtype, n, dim, err);
}

struct gather {
    int64_t outer, length, inner, count; /* x is outer x length x inner; count indices */
    const struct fsn__tensor *index;
    size_t bytes;
    char *to;
    const char *from;
};

static struct gather gather_of(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t at = fsn__attr_int(ctx->attrs, "axis", 0);
    int axis = (int)(at < 0 ? at + x->ndim : at);

    return (struct gather){
        .outer = fsn__numel_range(x, 0, axis),
        .length = x->dim[axis],
        .inner = fsn__numel_range(x, axis + 1, x->ndim),
        .count = fsn__numel(ctx->in[1]),
        .index = ctx->in[1],
        .bytes = fsn__dtype_bytes(x->dtype),
    };
}

static int64_t index_at(const struct gather *g, int64_t j)
{
    int64_t index = fsn__get_i64(g->index, j);

    return index < 0 ? index + g->length : index;
}

static void forward_rows(void *arg, int thread, int threads)
{
    const struct gather *g = arg;
    size_t row_bytes = (size_t)g->inner * g->bytes;
    int64_t begin, end;

    fsn__share(g->outer * g->count, thread, threads, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t source = row / g->count * g->length + index_at(g, row % g->count);

        memcpy(g->to + (size_t)row * row_bytes, g->from + (size_t)source * row_bytes, row_bytes);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct gather g = gather_of(ctx);
    int64_t n = fsn__numel(ctx->out[0]);

    for (int64_t j = 0; j < g.count; j++) {
        int64_t index = fsn__get_i64(g.index, j);

        if (index < -g.length || index >= g.length)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                                "index %lld is outside an axis of %lld elements", (long long)index,
                                (long long)g.length);
    }
    if (n == 0)
        return FSN_OK;
    g.to = ctx->out[0]->data;
    g.from = ctx->in[0]->data;
    fsn__pool_run(n < FSN__SERIAL_BELOW ? NULL : ctx->pool, forward_rows, &g);
    return FSN_OK;
}

/* Threads share the outer part, or, when that is small, the elements of a row: an element of dx
 * always gets its sums from one thread, in the order of the indices. */
static void backward_rows(void *arg, int thread, int threads)
{
    const struct gather *g = arg;
    const float *dy = (const float *)(const void *)g->from;
    float *dx = (float *)(void *)g->to;
    int64_t outer[2] = {0, g->outer}, inner[2] = {0, g->inner};

    if (g->outer >= threads)
        fsn__share(g->outer, thread, threads, &outer[0], &outer[1]);
    else
        fsn__share(g->inner, thread, threads, &inner[0], &inner[1]);
    for (int64_t o = outer[0]; o < outer[1]; o++) {
        for (int64_t j = 0; j < g->count; j++) {
            float *to = dx + (o * g->length + index_at(g, j)) * g->inner;
            const float *from = dy + (o * g->count + j) * g->inner;

            for (int64_t i = inner[0]; i < inner[1]; i++)
                to[i] += from[i];
        }
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct gather g = gather_of(ctx);

    (void)err;
    if (!ctx->din[0] || !ctx->dout[0])
        return FSN_OK;
    g.to = ctx->din[0]->data;
    g.from = ctx->dout[0]->data;
    fsn__pool_run(fsn__numel(ctx->dout[0]) < FSN__SERIAL_BELOW ? NULL : ctx->pool, backward_rows,
                  &g);
    return FSN_OK;
}

const struct fsn__op fsn__op_gather = {
    .name = "Gather",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
