/*
 * op_split.c - Split: consecutive parts of x along one axis, one an output.
 *
 * The sizes of the parts are input 1 (constant) or equal: with num_outputs = k, parts of
 * ceil(n / k), of which the last may be smaller; without, n must divide by the number of outputs.
 * Any element type; the gradient (float32) of each part is added to its place in dx.
 */
#include "ops/infer.h"
#include "ops/walk.h"

struct parts {
    int axis, count;
    int64_t size[FSN__MAX_IO];
};

static enum fsn_status equal_parts(const struct fsn__op_ctx *ctx, int64_t n, struct parts *parts,
                                   struct fsn_error *err)
{
    const int64_t count = fsn__attr_int(ctx->attrs, "num_outputs", ctx->n_out);
    int64_t chunk;

    if (count < ctx->n_out || count > FSN__MAX_IO)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "num_outputs is %lld, the node has %d outputs",
                            (long long)count, ctx->n_out);
    if (!fsn__attr_find(ctx->attrs, "num_outputs") && n % count != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "%lld elements of axis %d do not divide into %lld equal parts",
                            (long long)n, parts->axis, (long long)count);
    parts->count = (int)count;
    chunk = n / count + (n % count != 0);
    for (int i = 0; i < parts->count; i++) {
        parts->size[i] = n < chunk ? n : chunk;
        n -= parts->size[i];
    }
    return FSN_OK;
}

static enum fsn_status given_parts(const struct fsn__op_ctx *ctx, int64_t n, struct parts *parts,
                                   struct fsn_error *err)
{
    int64_t left = n;
    enum fsn_status status =
        fsn__op_ints(ctx, 1, "split", FSN__MAX_IO, parts->size, &parts->count, err);

    if (status != FSN_OK)
        return status;
    if (parts->count < ctx->n_out)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its split has %d sizes for %d outputs",
                            parts->count, ctx->n_out);
    for (int i = 0; i < parts->count; i++) {
        if (parts->size[i] < 0 || parts->size[i] > left)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "part %d of %lld elements does not fit the %lld left of axis %d", i,
                                (long long)parts->size[i], (long long)left, parts->axis);
        left -= parts->size[i];
    }
    if (left != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its parts leave %lld of the %lld elements of axis %d", (long long)left,
                            (long long)n, parts->axis);
    return FSN_OK;
}

static enum fsn_status read_parts(const struct fsn__op_ctx *ctx, struct parts *parts,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    enum fsn_status status =
        fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 0), x->ndim, &parts->axis, err);
    int64_t n;

    if (status != FSN_OK)
        return status;
    n = x->dim[parts->axis];
    if (n == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "cuts the batch axis, which is not supported");
    return fsn__op_has_input(ctx, 1) ? given_parts(ctx, n, parts, err)
                                     : equal_parts(ctx, n, parts, err);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct fsn__tensor part = *x;
    struct parts parts;
    enum fsn_status status = read_parts(ctx, &parts, err);

    if (status != FSN_OK)
        return status;
    part.dim[parts.axis] = parts.size[0];
    status = fsn__op_set_output(ctx, x->dtype, x->ndim, part.dim, err);
    for (int i = 1; i < ctx->n_out && status == FSN_OK; i++) {
        part.dim[parts.axis] = parts.size[i];
        if (ctx->out[i])
            fsn__shape_copy(ctx->out[i], &part);
    }
    return status;
}

/* The walk from x to part i, and *offset where it begins in x; its size is that of `part`. */
static struct fsn__walk walk_part(const struct fsn__tensor *x, const struct parts *parts, int i,
                                  const struct fsn__tensor *part, int64_t *offset)
{
    struct fsn__walk walk = fsn__walk_over(part);

    fsn__dense_strides(part, walk.stride[0]);
    fsn__dense_strides(x, walk.stride[1]);
    *offset = 0;
    for (int j = 0; j < i; j++)
        *offset += parts->size[j] * walk.stride[1][parts->axis];
    return walk;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t bytes = (int64_t)fsn__dtype_bytes(x->dtype);
    struct parts parts;
    enum fsn_status status = read_parts(ctx, &parts, err);

    for (int i = 0; i < ctx->n_out && status == FSN_OK; i++) {
        struct fsn__walk walk;
        int64_t offset;

        if (!ctx->out[i])
            continue;
        walk = walk_part(x, &parts, i, ctx->out[i], &offset);
        fsn__copy_strided(ctx->pool, &walk, (size_t)bytes, ctx->out[i]->data,
                          (const char *)x->data + offset * bytes);
    }
    return status;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct parts parts;
    enum fsn_status status;

    if (!ctx->din[0])
        return FSN_OK;
    status = read_parts(ctx, &parts, err);
    for (int i = 0; i < ctx->n_out && status == FSN_OK; i++) {
        struct fsn__walk walk;
        int64_t offset;

        if (!ctx->out[i] || !ctx->dout[i])
            continue;
        walk = walk_part(ctx->in[0], &parts, i, ctx->out[i], &offset);
        fsn__walk_swap(&walk);
        fsn__add_strided(ctx->pool, &walk, fsn__f32(ctx->din[0]) + offset, ctx->dout[i]->data);
    }
    return status;
}

const struct fsn__op fsn__op_split = {
    .name = "Split",
    .domain = "",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = FSN__MAX_IO,
    .backward_in = 1 << 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
