/*
 * op_move.c - Transpose, Concat, Expand: elements go elsewhere unchanged (Slice: op_slice.c).
 *
 * Each is a strided walk between two tensors: which strides, is all that they differ in. Any
 * element type; the gradient (float32) is the same walk the other way round, adding instead of
 * copying.
 *
 *     Transpose  x's strides in the order of perm
 *     Concat     a part of y, starting at the sum of the earlier inputs' sizes along the axis
 *     Expand     x's stride is 0 where it is repeated; its gradient is a sum
 *
 * A symbolic batch must come out in front and whole.
 */
#include "ops/infer.h"
#include "ops/walk.h"

/* y = x along the walk, and the gradient of that. */
static void copy(const struct fsn__op_ctx *ctx, const struct fsn__walk *walk)
{
    fsn__copy_strided(ctx->pool, walk, fsn__dtype_bytes(ctx->out[0]->dtype), ctx->out[0]->data,
                      ctx->in[0]->data);
}

static void add_back(const struct fsn__op_ctx *ctx, struct fsn__walk *walk)
{
    if (!ctx->din[0] || !ctx->dout[0])
        return;
    fsn__walk_swap(walk);
    fsn__add_strided(ctx->pool, walk, ctx->din[0]->data, ctx->dout[0]->data);
}

/* ---- Transpose ------------------------------------------------------------------------------ */

/* perm, or the axes in reverse when the attribute is absent. */
static enum fsn_status read_perm(const struct fsn__op_ctx *ctx, int *perm, struct fsn_error *err)
{
    int ndim = ctx->in[0]->ndim;
    size_t count;
    const int64_t *given = fsn__attr_ints(ctx->attrs, "perm", &count);

    if (given) {
        if (count != (size_t)ndim)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "perm has %zu axes, input %s has %d", count,
                                FSN__SHAPE(ctx->in[0]), ndim);
        return fsn__op_axes(ctx, given, ndim, ndim, perm, err);
    }
    for (int i = 0; i < ndim; i++)
        perm[i] = ndim - 1 - i;
    return FSN_OK;
}

static enum fsn_status transpose_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];
    int perm[FSN_MAX_DIMS];
    enum fsn_status status = read_perm(ctx, perm, err);

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < x->ndim; i++)
        dim[i] = x->dim[perm[i]];
    return fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
}

static enum fsn_status transpose_walk(const struct fsn__op_ctx *ctx, struct fsn__walk *walk,
                                      struct fsn_error *err)
{
    int64_t stride[FSN_MAX_DIMS];
    int perm[FSN_MAX_DIMS];
    enum fsn_status status = read_perm(ctx, perm, err);

    if (status != FSN_OK)
        return status;
    *walk = fsn__walk_over(ctx->out[0]);
    fsn__dense_strides(ctx->out[0], walk->stride[0]);
    fsn__dense_strides(ctx->in[0], stride);
    for (int i = 0; i < walk->ndim; i++)
        walk->stride[1][i] = stride[perm[i]];
    return FSN_OK;
}

static enum fsn_status transpose_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    enum fsn_status status = transpose_walk(ctx, &walk, err);

    if (status == FSN_OK)
        copy(ctx, &walk);
    return status;
}

static enum fsn_status transpose_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    enum fsn_status status = transpose_walk(ctx, &walk, err);

    if (status == FSN_OK)
        add_back(ctx, &walk);
    return status;
}

/* ---- Concat --------------------------------------------------------------------------------- */

static enum fsn_status concat_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *first = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];
    int axis;
    enum fsn_status status;

    if (!fsn__attr_find(ctx->attrs, "axis"))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "the attribute axis is missing");
    status = fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 0), first->ndim, &axis, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < first->ndim; i++)
        dim[i] = i == axis ? 0 : first->dim[i];
    for (int j = 0; j < ctx->n_in; j++) {
        const struct fsn__tensor *x = ctx->in[j];

        if (!x)
            return FSN__OP_FAIL(ctx, err, FSN_FORMAT, "input %d is missing", j);
        if (x->dtype != first->dtype)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "input %d is %s, input 0 is %s", j,
                                fsn__dtype_name(x->dtype), fsn__dtype_name(first->dtype));
        for (int i = 0; i < first->ndim; i++) {
            if (x->ndim != first->ndim || (i != axis && x->dim[i] != first->dim[i]))
                return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                    "input %d is %s, input 0 is %s: only axis %d may differ", j,
                                    FSN__SHAPE(x), FSN__SHAPE(first), axis);
        }
        if (x->dim[axis] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "joins along the batch axis, which is not supported");
        if (__builtin_add_overflow(dim[axis], x->dim[axis], &dim[axis]))
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "the joined axis %d is too long", axis);
    }
    return fsn__op_set_output(ctx, first->dtype, first->ndim, dim, err);
}

/* The walk of input j, and *offset where its part of y begins. */
static struct fsn__walk concat_walk(const struct fsn__op_ctx *ctx, int j, int64_t *offset)
{
    const struct fsn__tensor *y = ctx->out[0];
    struct fsn__walk walk = fsn__walk_over(ctx->in[j]);
    int64_t at = fsn__attr_int(ctx->attrs, "axis", 0);
    int axis = (int)(at < 0 ? at + y->ndim : at);

    fsn__dense_strides(y, walk.stride[0]);
    fsn__dense_strides(ctx->in[j], walk.stride[1]);
    *offset = 0;
    for (int i = 0; i < j; i++)
        *offset += ctx->in[i]->dim[axis] * walk.stride[0][axis];
    return walk;
}

static enum fsn_status concat_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t bytes = (int64_t)fsn__dtype_bytes(ctx->out[0]->dtype), offset;

    (void)err;
    for (int j = 0; j < ctx->n_in; j++) {
        struct fsn__walk walk = concat_walk(ctx, j, &offset);

        fsn__copy_strided(ctx->pool, &walk, (size_t)bytes,
                          (char *)ctx->out[0]->data + offset * bytes, ctx->in[j]->data);
    }
    return FSN_OK;
}

static enum fsn_status concat_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t offset;

    (void)err;
    for (int j = 0; j < ctx->n_in && ctx->dout[0]; j++) {
        struct fsn__walk walk = concat_walk(ctx, j, &offset);

        if (!ctx->din[j])
            continue;
        fsn__walk_swap(&walk);
        fsn__add_strided(ctx->pool, &walk, ctx->din[j]->data, fsn__f32(ctx->dout[0]) + offset);
    }
    return FSN_OK;
}

/* ---- Expand --------------------------------------------------------------------------------- */

static enum fsn_status expand_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct fsn__tensor target = {.ndim = 0};
    int64_t dim[FSN_MAX_DIMS];
    int ndim;
    enum fsn_status status =
        fsn__op_ints(ctx, 1, "shape", FSN_MAX_DIMS, target.dim, &target.ndim, err);

    if (status != FSN_OK)
        return status;
    if (fsn__is_symbolic(&target)) { /* "as many as x has", if x has the batch in front */
        if (target.ndim != x->ndim || x->data)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "expands %s to the batch size, which is not fixed", FSN__SHAPE(x));
        target.dim[0] = x->dim[0];
    }
    if (!fsn__broadcast_shape(x, &target, dim, &ndim))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "input %s does not broadcast to %s", FSN__SHAPE(x),
                            FSN__SHAPE(&target));
    return fsn__op_set_output(ctx, x->dtype, ndim, dim, err);
}

static struct fsn__walk expand_walk(const struct fsn__op_ctx *ctx)
{
    struct fsn__walk walk = fsn__walk_over(ctx->out[0]);

    fsn__dense_strides(ctx->out[0], walk.stride[0]);
    fsn__broadcast_strides(ctx->in[0], walk.ndim, walk.stride[1]);
    return walk;
}

static enum fsn_status expand_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = expand_walk(ctx);

    (void)err;
    copy(ctx, &walk);
    return FSN_OK;
}

static enum fsn_status expand_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = expand_walk(ctx);

    (void)err;
    add_back(ctx, &walk);
    return FSN_OK;
}

const struct fsn__op fsn__op_transpose = {
    .name = "Transpose",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = transpose_infer,
    .forward = transpose_forward,
    .backward = transpose_backward,
};

const struct fsn__op fsn__op_concat = {
    .name = "Concat",
    .domain = "",
    .min_in = 1,
    .max_in = FSN__MAX_IO,
    .min_out = 1,
    .max_out = 1,
    .infer = concat_infer,
    .forward = concat_forward,
    .backward = concat_backward,
};

const struct fsn__op fsn__op_expand = {
    .name = "Expand",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = expand_infer,
    .forward = expand_forward,
    .backward = expand_backward,
};
