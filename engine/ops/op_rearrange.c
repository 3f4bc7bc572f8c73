/*
 * op_rearrange.c - Tile, DepthToSpace, SpaceToDepth: elements go elsewhere by splitting axes.
 *
 * All three are strided walks over more axes than the tensors have (walk.h):
 *
 *     Tile          y[r0, i0, r1, i1, ...] = x[i0, i1, ...]; an axis of d elements that is repeated
 *                   r times is walked as r times d, with stride 0 in x along r
 *     DepthToSpace  x [N, C, H, W], blocksize b, c = C / b^2
 *                   DCR: y[n, k, h b + i, w b + j] = x[n, (i b + j) c + k, h, w]
 *                   CRD: y[n, k, h b + i, w b + j] = x[n, (k b + i) b + j, h, w]
 *     SpaceToDepth  y[n, (i b + j) C + k, h, w] = x[n, k, h b + i, w b + j]: the way back from DCR
 *
 * Any element type; the gradient (float32) is the walk the other way round.
 */
#include "core/mem.h"
#include "ops/infer.h"
#include "ops/walk.h"

#include <string.h>

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

/* ---- Tile ----------------------------------------------------------------------------------- */

static enum fsn_status read_repeats(const struct fsn__op_ctx *ctx, int64_t *repeats,
                                    struct fsn_error *err)
{
    const int ndim = ctx->in[0]->ndim;
    int count;
    enum fsn_status status = fsn__op_ints(ctx, 1, "repeats", FSN_MAX_DIMS, repeats, &count, err);

    if (status == FSN_OK && count != ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "has %d repeats for the %d axes of input %s",
                            count, ndim, FSN__SHAPE(ctx->in[0]));
    return status;
}

static enum fsn_status tile_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t repeats[FSN_MAX_DIMS], dim[FSN_MAX_DIMS];
    enum fsn_status status = read_repeats(ctx, repeats, err);
    int walked = 0;

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < x->ndim; i++) {
        dim[i] = x->dim[i];
        if (repeats[i] == 1) {
            walked++;
            continue;
        }
        if (x->dim[i] == FSN_BATCH || repeats[i] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "repeats along axis %d by or of the batch size, which is not fixed",
                                i);
        if (repeats[i] < 0)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "repeats axis %d %lld times", i,
                                (long long)repeats[i]);
        if (!fsn__mul_i64(dim[i], repeats[i], &dim[i]))
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "axis %d of its output is too long", i);
        walked += x->dim[i] == 1 ? 1 : 2;
    }
    if (walked > FSN_MAX_DIMS)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "repeats too many axes of input %s: axes and repeated axes together "
                            "are at most %d",
                            FSN__SHAPE(x), FSN_MAX_DIMS);
    return fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
}

static void add_axis(struct fsn__walk *walk, int64_t dim, int64_t y_stride, int64_t x_stride)
{
    walk->dim[walk->ndim] = dim;
    walk->stride[0][walk->ndim] = y_stride;
    walk->stride[1][walk->ndim] = x_stride;
    walk->ndim++;
}

static enum fsn_status tile_walk(const struct fsn__op_ctx *ctx, struct fsn__walk *walk,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t repeats[FSN_MAX_DIMS], y_stride[FSN_MAX_DIMS], x_stride[FSN_MAX_DIMS];
    enum fsn_status status = read_repeats(ctx, repeats, err);

    if (status != FSN_OK)
        return status;
    *walk = (struct fsn__walk){.operands = 2};
    fsn__dense_strides(ctx->out[0], y_stride);
    fsn__dense_strides(x, x_stride);
    for (int i = 0; i < x->ndim; i++) {
        if (repeats[i] != 1)
            add_axis(walk, repeats[i], y_stride[i] * x->dim[i], 0);
        if (repeats[i] == 1 || x->dim[i] != 1)
            add_axis(walk, x->dim[i], y_stride[i], x_stride[i]);
    }
    return FSN_OK;
}

static enum fsn_status tile_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    enum fsn_status status = tile_walk(ctx, &walk, err);

    if (status == FSN_OK)
        copy(ctx, &walk);
    return status;
}

static enum fsn_status tile_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    enum fsn_status status = tile_walk(ctx, &walk, err);

    if (status == FSN_OK)
        add_back(ctx, &walk);
    return status;
}

/* ---- DepthToSpace, SpaceToDepth ------------------------------------------------------------- */

/* The attribute blocksize, after the checks that both have in common. */
static enum fsn_status read_block(const struct fsn__op_ctx *ctx, int64_t *block,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    *block = fsn__attr_int(ctx->attrs, "blocksize", 0);
    if (x->ndim != 4)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels, height, width",
                            FSN__SHAPE(x));
    if (*block < 1 || *block > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "blocksize is %lld", (long long)*block);
    return FSN_OK;
}

static bool depth_first(const struct fsn__op_ctx *ctx)
{
    return strcmp(fsn__attr_string(ctx->attrs, "mode", "DCR"), "DCR") == 0;
}

static enum fsn_status depth_to_space_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const char *mode = fsn__attr_string(ctx->attrs, "mode", "DCR");
    int64_t b, dim[4];
    enum fsn_status status = read_block(ctx, &b, err);

    if (status != FSN_OK)
        return status;
    if (!depth_first(ctx) && strcmp(mode, "CRD") != 0)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "mode '%s' is neither DCR nor CRD", mode);
    if (x->dim[1] % (b * b) != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "%lld channels do not divide into blocks of %lld x %lld",
                            (long long)x->dim[1], (long long)b, (long long)b);
    dim[0] = x->dim[0];
    dim[1] = x->dim[1] / (b * b);
    if (!fsn__mul_i64(x->dim[2], b, &dim[2]) || !fsn__mul_i64(x->dim[3], b, &dim[3]))
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "its output of input %s is too large",
                            FSN__SHAPE(x));
    return fsn__op_set_output(ctx, x->dtype, 4, dim, err);
}

static enum fsn_status space_to_depth_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t b, dim[4];
    enum fsn_status status = read_block(ctx, &b, err);

    if (status != FSN_OK)
        return status;
    if (x->dim[2] % b != 0 || x->dim[3] % b != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "%lld x %lld pixels do not divide into blocks of %lld x %lld",
                            (long long)x->dim[2], (long long)x->dim[3], (long long)b, (long long)b);
    dim[0] = x->dim[0];
    dim[2] = x->dim[2] / b;
    dim[3] = x->dim[3] / b;
    if (!fsn__mul_i64(x->dim[1], b * b, &dim[1]))
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "its output of input %s is too large",
                            FSN__SHAPE(x));
    return fsn__op_set_output(ctx, x->dtype, 4, dim, err);
}

/* Over [n, k, h, i, w, j] of the formulas; operand `space` is the one with the pixels, the other
 * the one with the channels. */
static struct fsn__walk block_walk(const struct fsn__tensor *space, const struct fsn__tensor *depth,
                                   int64_t b, bool dcr, int space_operand)
{
    const int64_t channels = space->dim[1], height = depth->dim[2], width = depth->dim[3];
    const int64_t plane = height * width, row = width * b;
    struct fsn__walk walk = {
        .operands = 2, .ndim = 6, .dim = {space->dim[0], channels, height, b, width, b}};
    const int64_t in_space[6] = {channels * plane * b * b, plane * b * b, row * b, row, b, 1};
    const int64_t in_depth[6] = {channels * plane * b * b,
                                 dcr ? plane : plane * b * b,
                                 width,
                                 dcr ? plane * channels * b : plane * b,
                                 1,
                                 dcr ? plane * channels : plane};

    for (int i = 0; i < 6; i++) {
        walk.stride[space_operand][i] = in_space[i];
        walk.stride[1 - space_operand][i] = in_depth[i];
    }
    return walk;
}

static struct fsn__walk depth_to_space_walk(const struct fsn__op_ctx *ctx)
{
    return block_walk(ctx->out[0], ctx->in[0], fsn__attr_int(ctx->attrs, "blocksize", 1),
                      depth_first(ctx), 0);
}

static struct fsn__walk space_to_depth_walk(const struct fsn__op_ctx *ctx)
{
    return block_walk(ctx->in[0], ctx->out[0], fsn__attr_int(ctx->attrs, "blocksize", 1), true, 1);
}

static enum fsn_status depth_to_space_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__walk walk = depth_to_space_walk(ctx);

    (void)err;
    copy(ctx, &walk);
    return FSN_OK;
}

static enum fsn_status depth_to_space_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = depth_to_space_walk(ctx);

    (void)err;
    add_back(ctx, &walk);
    return FSN_OK;
}

static enum fsn_status space_to_depth_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__walk walk = space_to_depth_walk(ctx);

    (void)err;
    copy(ctx, &walk);
    return FSN_OK;
}

static enum fsn_status space_to_depth_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = space_to_depth_walk(ctx);

    (void)err;
    add_back(ctx, &walk);
    return FSN_OK;
}

const struct fsn__op fsn__op_tile = {
    .name = "Tile",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1,
    .infer = tile_infer,
    .forward = tile_forward,
    .backward = tile_backward,
};

const struct fsn__op fsn__op_depth_to_space = {
    .name = "DepthToSpace",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = depth_to_space_infer,
    .forward = depth_to_space_forward,
    .backward = depth_to_space_backward,
};

const struct fsn__op fsn__op_space_to_depth = {
    .name = "SpaceToDepth",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = space_to_depth_infer,
    .forward = space_to_depth_forward,
    .backward = space_to_depth_backward,
};
