/*
 * op_move.c - Transpose, Concat, Slice, Expand: elements go elsewhere unchanged.
 *
 * Each is a strided walk between two tensors: which strides, is all that they differ in. Any
 * element type; the gradient (float32) is the same walk the other way round, adding instead of
 * copying.
 *
 *     Transpose  x's strides in the order of perm
 *     Concat     a part of y, starting at the sum of the earlier inputs' sizes along the axis
 *     Slice      a part of x, starting at `start`, with `step` times x's stride (negative:
 * backwards) Expand     x's stride is 0 where it is repeated; its gradient is a sum
 *
 * A symbolic batch must come out in front and whole.
 */
#include "ops/infer.h"
#include "ops/walk.h"

/* A walk over the shape of t, its operand 0 being `to`, 1 `from`. */
static struct fsn__walk walk_over(const struct fsn__tensor *t)
{
    struct fsn__walk walk = {.operands = 2, .ndim = t->ndim};

    for (int i = 0; i < t->ndim; i++)
        walk.dim[i] = t->dim[i];
    return walk;
}

static void swap_operands(struct fsn__walk *walk)
{
    for (int i = 0; i < walk->ndim; i++) {
        int64_t stride = walk->stride[0][i];

        walk->stride[0][i] = walk->stride[1][i];
        walk->stride[1][i] = stride;
    }
}

/* y = x[walk, from x + offset on], and the gradient of that. */
static void copy_from(const struct fsn__op_ctx *ctx, const struct fsn__walk *walk, int64_t offset)
{
    size_t bytes = fsn__dtype_bytes(ctx->out[0]->dtype);

    fsn__copy_strided(ctx->pool, walk, bytes, ctx->out[0]->data,
                      (const char *)ctx->in[0]->data + offset * (int64_t)bytes);
}

static void add_back(const struct fsn__op_ctx *ctx, struct fsn__walk *walk, int64_t offset)
{
    if (!ctx->din[0] || !ctx->dout[0])
        return;
    swap_operands(walk);
    fsn__add_strided(ctx->pool, walk, fsn__f32(ctx->din[0]) + offset, ctx->dout[0]->data);
}

/* ---- Transpose --------------------------------------------------------------------------------
 */

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
    *walk = walk_over(ctx->out[0]);
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
        copy_from(ctx, &walk, 0);
    return status;
}

static enum fsn_status transpose_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    enum fsn_status status = transpose_walk(ctx, &walk, err);

    if (status == FSN_OK)
        add_back(ctx, &walk, 0);
    return status;
}

/* ---- Concat -----------------------------------------------------------------------------------
 */

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
    struct fsn__walk walk = walk_over(ctx->in[j]);
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
        swap_operands(&walk);
        fsn__add_strided(ctx->pool, &walk, ctx->din[j]->data, fsn__f32(ctx->dout[0]) + offset);
    }
    return FSN_OK;
}

/* ---- Slice ------------------------------------------------------------------------------------
 */

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

static enum fsn_status slice_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
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

static enum fsn_status slice_walk(const struct fsn__op_ctx *ctx, struct fsn__walk *walk,
                                  int64_t *offset, struct fsn_error *err)
{
    struct slice slices[FSN_MAX_DIMS];
    enum fsn_status status = read_slices(ctx, false, slices, err);

    if (status != FSN_OK)
        return status;
    *walk = walk_over(ctx->out[0]);
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

static enum fsn_status slice_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    int64_t offset;
    enum fsn_status status = slice_walk(ctx, &walk, &offset, err);

    if (status == FSN_OK)
        copy_from(ctx, &walk, offset);
    return status;
}

static enum fsn_status slice_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk;
    int64_t offset;
    enum fsn_status status = slice_walk(ctx, &walk, &offset, err);

    if (status == FSN_OK)
        add_back(ctx, &walk, offset);
    return status;
}

/* ---- Expand -----------------------------------------------------------------------------------
 */

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
    struct fsn__walk walk = walk_over(ctx->out[0]);

    fsn__dense_strides(ctx->out[0], walk.stride[0]);
    fsn__broadcast_strides(ctx->in[0], walk.ndim, walk.stride[1]);
    return walk;
}

static enum fsn_status expand_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = expand_walk(ctx);

    (void)err;
    copy_from(ctx, &walk, 0);
    return FSN_OK;
}

static enum fsn_status expand_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__walk walk = expand_walk(ctx);

    (void)err;
    add_back(ctx, &walk, 0);
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

const struct fsn__op fsn__op_slice = {
    .name = "Slice",
    .domain = "",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .infer = slice_infer,
    .forward = slice_forward,
    .backward = slice_backward,
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
