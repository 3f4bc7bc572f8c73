/*
 * op_gather_places.c - GatherElements and GatherND: elements or slices of x at places that are
 * given one by one.
 *
 *     GatherElements  y[i0, .., ia, ..] = x[i0, .., index[i0, .., ia, ..], ..] along axis a; y has
 *                     the shape of the indices, which may be shorter than x along the other axes
 *     GatherND        index [B.., J.., m], x [B.., D..], batch_dims = |B|:
 *                     y[b, j, ..] = x[b, index[b, j, 0], .., index[b, j, m-1], ..]
 *
 * Any element type, negative indices count from the end, an index out of range is an error of
 * forward. The gradient adds dy where y came from, in the order of the indices, on one thread: a
 * place may be named more than once.
 *
 * A symbolic batch passes where both x and the indices have it in front and it is not gathered
 * from.
 */
#include "ops/infer.h"

#include <string.h>

static enum fsn_status check_index_type(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (!fsn__is_index(ctx->in[1]))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its indices are %s, expected int64 or int32",
                            fsn__dtype_name(ctx->in[1]->dtype));
    return FSN_OK;
}

/* The index of an axis of n elements as a place in it; -1 when it is out of range. */
static int64_t place_of(int64_t index, int64_t n)
{
    if (index < -n || index >= n)
        return -1;
    return index < 0 ? index + n : index;
}

static enum fsn_status out_of_range(const struct fsn__op_ctx *ctx, int64_t index, int axis,
                                    struct fsn_error *err)
{
    return FSN__OP_FAIL(ctx, err, FSN_INVALID, "index %lld is outside axis %d of input %s",
                        (long long)index, axis, FSN__SHAPE(ctx->in[0]));
}

/* ---- GatherElements ------------------------------------------------------------------------- */

static enum fsn_status elements_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *index = ctx->in[1];
    int axis;
    enum fsn_status status =
        fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 0), x->ndim, &axis, err);

    if (status == FSN_OK)
        status = check_index_type(ctx, err);
    if (status != FSN_OK)
        return status;
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "gathers from the batch axis, which is not supported");
    for (int i = 0; i < x->ndim; i++) {
        const bool batch = x->dim[i] == FSN_BATCH || index->dim[i] == FSN_BATCH;

        if (index->ndim != x->ndim ||
            (i != axis && (batch ? index->dim[i] != x->dim[i] : index->dim[i] > x->dim[i])))
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its indices %s do not fit input %s",
                                FSN__SHAPE(index), FSN__SHAPE(x));
    }
    return fsn__op_set_output(ctx, x->dtype, index->ndim, index->dim, err);
}

/* Where an element of y, counted row-major, comes from in x; -1 when its index is out of
 * range. */
static int64_t element_source(const struct fsn__op_ctx *ctx, int axis, int64_t i)
{
    const struct fsn__tensor *x = ctx->in[0], *index = ctx->in[1];
    int64_t rest = i, step = 1, source = 0;

    for (int a = x->ndim - 1; a >= 0; a--) {
        int64_t at = rest % index->dim[a];

        if (a == axis)
            at = place_of(fsn__get_i64(index, i), x->dim[a]);
        if (at < 0)
            return -1;
        source += at * step;
        step *= x->dim[a];
        rest /= index->dim[a];
    }
    return source;
}

static int elements_axis(const struct fsn__op_ctx *ctx)
{
    const int64_t axis = fsn__attr_int(ctx->attrs, "axis", 0);

    return (int)(axis < 0 ? axis + ctx->in[0]->ndim : axis);
}

static enum fsn_status elements_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const size_t bytes = fsn__dtype_bytes(ctx->in[0]->dtype);
    const int64_t n = fsn__numel(ctx->out[0]);
    const int axis = elements_axis(ctx);

    for (int64_t i = 0; i < n; i++) {
        const int64_t source = element_source(ctx, axis, i);

        if (source < 0)
            return out_of_range(ctx, fsn__get_i64(ctx->in[1], i), axis, err);
        memcpy((char *)ctx->out[0]->data + (size_t)i * bytes,
               (const char *)ctx->in[0]->data + (size_t)source * bytes, bytes);
    }
    return FSN_OK;
}

static enum fsn_status elements_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int axis = elements_axis(ctx);

    (void)err;
    if (!ctx->din[0] || !ctx->dout[0])
        return FSN_OK;
    for (int64_t i = 0; i < fsn__numel(ctx->out[0]); i++)
        fsn__f32(ctx->din[0])[element_source(ctx, axis, i)] += fsn__f32(ctx->dout[0])[i];
    return FSN_OK;
}

/* ---- GatherND ------------------------------------------------------------------------------- */

static enum fsn_status nd_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *index = ctx->in[1];
    const int64_t batch = fsn__attr_int(ctx->attrs, "batch_dims", 0);
    int64_t dim[2 * FSN_MAX_DIMS], depth;
    int n = 0;
    enum fsn_status status = check_index_type(ctx, err);

    if (status != FSN_OK)
        return status;
    if (index->ndim < 1 || batch < 0 || batch >= index->ndim || batch > x->ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "batch_dims is %lld for input %s and indices of shape %s",
                            (long long)batch, FSN__SHAPE(x), FSN__SHAPE(index));
    depth = index->dim[index->ndim - 1];
    if (depth < 1 || depth > x->ndim - batch)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "each index has %lld parts, input %s has %lld axes for them",
                            (long long)depth, FSN__SHAPE(x), (long long)(x->ndim - batch));
    for (int i = 0; i < batch; i++)
        if (index->dim[i] != x->dim[i])
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its indices %s do not fit input %s",
                                FSN__SHAPE(index), FSN__SHAPE(x));
    if (batch == 0 && fsn__is_symbolic(x))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "gathers from the batch axis, which is not supported");
    for (int i = 0; i < index->ndim - 1; i++)
        dim[n++] = index->dim[i];
    for (int i = (int)(batch + depth); i < x->ndim; i++)
        dim[n++] = x->dim[i];
    return fsn__op_set_output(ctx, x->dtype, n, dim, err);
}

struct gather_nd {
    int batch, depth;
    int64_t count, each; /* indices in all, and in one batch */
    int64_t slice;       /* elements that an index names */
    int64_t plane;       /* elements of x in one batch */
};

static struct gather_nd read_nd(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0], *index = ctx->in[1];
    const int batch = (int)fsn__attr_int(ctx->attrs, "batch_dims", 0);
    const int depth = (int)index->dim[index->ndim - 1];

    return (struct gather_nd){
        .batch = batch,
        .depth = depth,
        .count = fsn__numel_range(index, 0, index->ndim - 1),
        .each = fsn__numel_range(index, batch, index->ndim - 1),
        .slice = fsn__numel_range(x, batch + depth, x->ndim),
        .plane = fsn__numel_range(x, batch, x->ndim),
    };
}

/* Where slice j begins in x; -1 and *part, the part of the index that is out of range. */
static int64_t slice_source(const struct fsn__op_ctx *ctx, const struct gather_nd *g, int64_t j,
                            int *part)
{
    int64_t source = 0;

    for (int k = 0; k < g->depth; k++) {
        const int64_t n = ctx->in[0]->dim[g->batch + k];
        const int64_t at = place_of(fsn__get_i64(ctx->in[1], j * g->depth + k), n);

        *part = k;
        if (at < 0)
            return -1;
        source = source * n + at;
    }
    return j / g->each * g->plane + source * g->slice;
}

static enum fsn_status nd_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct gather_nd g = read_nd(ctx);
    const size_t bytes = (size_t)g.slice * fsn__dtype_bytes(ctx->in[0]->dtype);
    int part = 0;

    for (int64_t j = 0; j < g.count; j++) {
        const int64_t source = slice_source(ctx, &g, j, &part);

        if (source < 0)
            return out_of_range(ctx, fsn__get_i64(ctx->in[1], j * g.depth + part), g.batch + part,
                                err);
        if (bytes > 0)
            memcpy((char *)ctx->out[0]->data + (size_t)j * bytes,
                   (const char *)ctx->in[0]->data +
                       (size_t)source * fsn__dtype_bytes(ctx->in[0]->dtype),
                   bytes);
    }
    return FSN_OK;
}

static enum fsn_status nd_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct gather_nd g = read_nd(ctx);
    int part = 0;

    (void)err;
    if (!ctx->din[0] || !ctx->dout[0])
        return FSN_OK;
    for (int64_t j = 0; j < g.count; j++) {
        float *dx = fsn__f32(ctx->din[0]) + slice_source(ctx, &g, j, &part);
        const float *dy = fsn__f32(ctx->dout[0]) + j * g.slice;

        for (int64_t i = 0; i < g.slice; i++)
            dx[i] += dy[i];
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_gather_elements = {
    .name = "GatherElements",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1,
    .infer = elements_infer,
    .forward = elements_forward,
    .backward = elements_backward,
};

const struct fsn__op fsn__op_gather_nd = {
    .name = "GatherND",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1,
    .infer = nd_infer,
    .forward = nd_forward,
    .backward = nd_backward,
};
