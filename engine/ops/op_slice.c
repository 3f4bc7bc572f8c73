/*
 * op_slice.c - Slice: along each axis the elements start, start + step, ... before end.
 *
 * y is a strided part of x, beginning at the starts, with `step` times x's stride (negative:
 * backwards). Any element type; the gradient (float32) adds dy to that part of dx. The bounds are
 * constants; a symbolic batch must be taken whole.
 */
#include "ops/infer.h"
#include "ops/walk.h"

struct slice {
    int64_t start, step, count;
};

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* The elements start, start + step, ... before end, of an axis of n, clamped as the specification
 * says: to [0, n] going up, to [-1, n - 1] going down; negative bounds count from the end. */
static struct slice slice_of(int64_t n, int64_t start, int64_t end, int64_t step)
{
    struct slice slice = {.step = step};
    int64_t length;

    if (start < 0 && start >= -n)
        start += n;
    if (end < 0 && end >= -n)
        end += n;
    else if (end < 0)
        end = -1;
    if (step > 0) {
        start = clamp(start, 0, n);
        length = clamp(end, 0, n) - start;
    } else {
        start = clamp(start, 0, n - 1);
        length = start - clamp(end, -1, n - 1);
    }
    if (n > 0 && length > 0) {
        uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;

        slice.start = start;
        slice.count = (int64_t)((uint64_t)(length - 1) / stride) + 1;
    }
    return slice;
}

/* Bounds that take the whole batch, whatever its size: 0 to the end (the exporters' INT32_MAX or
 * more, or the batch size itself). */
static bool takes_all(int64_t start, int64_t end, int64_t step)
{
    return start == 0 && step == 1 && (end >= INT32_MAX || end == FSN_BATCH);
}

/* Reads the constant inputs into one slice an axis. While inferring, the batch size as an end means
 * the whole axis 0 only for a computed input: a constant's axis 0 is no batch. */
static enum fsn_status read_slices(const struct fsn__op_ctx *ctx, bool inferring,
                                   struct slice *slices, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t starts[FSN_MAX_DIMS], ends[FSN_MAX_DIMS], steps[FSN_MAX_DIMS], axes[FSN_MAX_DIMS];
    int axis[FSN_MAX_DIMS], count = 0, n_ends = 0, n_axes, n_steps;
    enum fsn_status status = fsn__op_ints(ctx, 1, "starts", FSN_MAX_DIMS, starts, &count, err);

    if (status == FSN_OK)
        status = fsn__op_ints(ctx, 2, "ends", FSN_MAX_DIMS, ends, &n_ends, err);
    n_axes = n_steps = count;
    for (int i = 0; i < count; i++) {
        axes[i] = i;
        steps[i] = 1;
    }
    if (status == FSN_OK && fsn__op_has_input(ctx, 3))
        status = fsn__op_ints(ctx, 3, "axes", FSN_MAX_DIMS, axes, &n_axes, err);
    if (status == FSN_OK && fsn__op_has_input(ctx, 4))
        status = fsn__op_ints(ctx, 4, "steps", FSN_MAX_DIMS, steps, &n_steps, err);
    if (status != FSN_OK)
        return status;
    if (n_ends != count || n_axes != count || n_steps != count)
        return FSN__OP_FAIL(
            ctx, err, FSN_SHAPE,
            "has %d starts, %d ends, %d axes and %d steps, expected as many of each", count, n_ends,
            n_axes, n_steps);
    status = fsn__op_axes(ctx, axes, count, x->ndim, axis, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < x->ndim; i++)
        slices[i] = (struct slice){.start = 0, .step = 1, .count = x->dim[i]};
    for (int i = 0; i < count; i++) {
        int64_t n = x->dim[axis[i]];

        if (steps[i] == 0)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "its step along axis %d is 0", axis[i]);
        if (axis[i] == 0 && takes_all(starts[i], ends[i], steps[i]) && !(inferring && x->data))
            continue;
        if (n == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "cuts the batch axis, which is not supported");
        if (starts[i] == FSN_BATCH || (ends[i] == FSN_BATCH && steps[i] > 0))
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "cuts axis %d at the batch size, which is not supported", axis[i]);
        slices[axis[i]] = slice_of(n, starts[i], ends[i], steps[i]);
    }
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct slice slices[FSN_MAX_DIMS];
    int64_t dim[FSN_MAX_DIMS];
    enum fsn_status status = read_slices(ctx, true, slices, err);

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < ctx->in[0]->ndim; i++)
        dim[i] = slices[i].count;
    return fsn__op_set_output(ctx, ctx->in[0]->dtype, ctx->in[0]->ndim, dim, err);
}

static enum fsn_status part_of(const struct fsn__op_ctx *ctx, struct fsn__walk *walk,
                               int64_t *offset, struct fsn_error *err)
{
    struct slice slices[FSN_MAX_DIMS];
    enum fsn_status status = read_slices(ctx, false, slices, err);

    if (status != FSN_OK)
        return status;
    *walk = fsn__walk_over(ctx->out[0]);
    *offset = 0;
    fsn__dense_strides(ctx->out[0], walk->stride[0]);
    fsn__dense_strides(ctx->in[0], walk->stride[1]);
    for (int i = 0; i < walk->ndim; i++) {
        *offset += slices[i].start * walk->stride[1][i];
        if (slices[i].count > 1) /* a single step may be larger than any tensor */
            walk->stride[1][i] *= slices[i].step;
    }
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    int64_t bytes = (int64_t)fsn__dtype_bytes(ctx->out[0]->dtype), offset;
    enum fsn_status status = part_of(ctx, &walk, &offset, err);

    if (status == FSN_OK)
        fsn__copy_strided(ctx->pool, &walk, (size_t)bytes, ctx->out[0]->data,
                          (const char *)ctx->in[0]->data + offset * bytes);
    return status;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    int64_t offset;
    enum fsn_status status;

    if (!ctx->din[0] || !ctx->dout[0])
        return FSN_OK;
    status = part_of(ctx, &walk, &offset, err);
    if (status != FSN_OK)
        return status;
    fsn__walk_swap(&walk);
    fsn__add_strided(ctx->pool, &walk, fsn__f32(ctx->din[0]) + offset, ctx->dout[0]->data);
    return FSN_OK;
}

const struct fsn__op fsn__op_slice = {
    .name = "Slice",
    .domain = "",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
