/*
 * op_reshape.c - Reshape, Flatten, Squeeze, Unsqueeze: the same elements in the same order under
 * another shape. All the work is in the shapes; forward copies, backward adds.
 *
 * A symbolic batch stays in front or the operator is refused. Reshape's constant target may hold
 * FSN_BATCH in front, where the model wrote a batch size that it took from Shape; it means "as many
 * as x has there", also once the batch is known.
 */
#include "core/mem.h"
#include "ops/infer.h"
#include "ops/walk.h"

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];

    (void)err;
    fsn__copy_dense(ctx->pool, fsn__numel(y), fsn__dtype_bytes(x->dtype), y->data, x->data);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *dx = ctx->din[0], *dy = ctx->dout[0];

    (void)err;
    if (dx && dy)
        fsn__add_dense(ctx->pool, fsn__numel(dx), dx->data, dy->data);
    return FSN_OK;
}

/* ---- Reshape -------------------------------------------------------------------------------- */

/* Reads the target as far as x's sizes tell it: 0 and FSN_BATCH are replaced by x's sizes; *infer
 * is the axis that is -1, or -1. */
static enum fsn_status read_target(const struct fsn__op_ctx *ctx, int64_t *dim, int ndim,
                                   int *unknown, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    bool allow_zero = fsn__attr_int(ctx->attrs, "allowzero", 0) != 0;

    *unknown = -1;
    for (int i = 0; i < ndim; i++) {
        if (dim[i] == FSN_BATCH) {
            if (i > 0)
                return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__MOVES_BATCH);
            if (x->ndim == 0)
                return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "cannot make a scalar a batch");
            dim[i] = x->dim[0];
        } else if (dim[i] == 0 && !allow_zero) {
            if (i >= x->ndim)
                return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                    "target axis %d is 0 (keep), but the input %s has no such axis",
                                    i, FSN__SHAPE(x));
            dim[i] = x->dim[i];
        } else if (dim[i] == -1) {
            if (*unknown >= 0)
                return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its target has more than one -1");
            *unknown = i;
        } else if (dim[i] < 0) {
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "target axis %d is %lld", i,
                                (long long)dim[i]);
        }
    }
    return FSN_OK;
}

/* Product of the known sizes; false when it overflows. */
static bool known_product(const int64_t *dim, int from, int ndim, int unknown, int64_t *product)
{
    *product = 1;
    for (int i = from; i < ndim; i++)
        if (i != unknown && !fsn__mul_i64(*product, dim[i], product))
            return false;
    return true;
}

static enum fsn_status reshape_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct fsn__tensor target = {.ndim = 0};
    int64_t known, have;
    int unknown, from = fsn__is_symbolic(x) ? 1 : 0;
    enum fsn_status status =
        fsn__op_ints(ctx, 1, "shape", FSN_MAX_DIMS, target.dim, &target.ndim, err);

    if (status == FSN_OK)
        status = read_target(ctx, target.dim, target.ndim, &unknown, err);
    if (status != FSN_OK)
        return status;
    if (from == 1 && unknown == 0) { /* [-1, ...]: the batch, if the rest is one image's elements */
        target.dim[0] = FSN_BATCH;
        unknown = -1;
    }
    if (from == 1 && (target.ndim == 0 || target.dim[0] != FSN_BATCH))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "input %s to %s " FSN__LOSES_BATCH,
                            FSN__SHAPE(x), FSN__SHAPE(&target));
    have = fsn__numel_range(x, from, x->ndim);
    if (!known_product(target.dim, from, target.ndim, unknown, &known))
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "target %s is too large", FSN__SHAPE(&target));
    if (unknown >= 0 ? known == 0 || have % known != 0 : have != known)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "input %s does not fit into %s", FSN__SHAPE(x),
                            FSN__SHAPE(&target));
    if (unknown >= 0)
        target.dim[unknown] = have / known;
    return fsn__op_set_output(ctx, x->dtype, target.ndim, target.dim, err);
}

/* ---- Flatten -------------------------------------------------------------------------------- */

static enum fsn_status flatten_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t axis = fsn__attr_int(ctx->attrs, "axis", 1), dim[2];

    if (axis < -x->ndim || axis > x->ndim) /* unlike elsewhere, axis = ndim is allowed */
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "axis %lld is outside a tensor of %d dimensions",
                            (long long)axis, x->ndim);
    if (axis < 0)
        axis += x->ndim;
    if (fsn__is_symbolic(x)) {
        if (axis == 0 || fsn__numel_range(x, 1, (int)axis) != 1)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "axis %lld of input %s " FSN__LOSES_BATCH, (long long)axis,
                                FSN__SHAPE(x));
        dim[0] = FSN_BATCH;
    } else {
        dim[0] = fsn__numel_range(x, 0, (int)axis);
    }
    dim[1] = fsn__numel_range(x, (int)axis, x->ndim);
    return fsn__op_set_output(ctx, x->dtype, 2, dim, err);
}

/* ---- Squeeze, Unsqueeze --------------------------------------------------------------------- */

static enum fsn_status squeeze_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t axes[FSN_MAX_DIMS], dim[FSN_MAX_DIMS];
    bool gone[FSN_MAX_DIMS] = {false};
    int axis[FSN_MAX_DIMS], count = 0, ndim = 0;

    if (fsn__op_has_input(ctx, 1)) {
        enum fsn_status status = fsn__op_ints(ctx, 1, "axes", FSN_MAX_DIMS, axes, &count, err);

        if (status == FSN_OK)
            status = fsn__op_axes(ctx, axes, count, x->ndim, axis, err);
        if (status != FSN_OK)
            return status;
    } else if (fsn__is_symbolic(x)) { /* it would vanish with batches of one */
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "without axes it " FSN__LOSES_BATCH " (input %s)", FSN__SHAPE(x));
    } else {
        for (int i = 0; i < x->ndim; i++)
            if (x->dim[i] == 1)
                axis[count++] = i;
    }
    for (int i = 0; i < count; i++) {
        if (x->dim[axis[i]] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
        if (x->dim[axis[i]] != 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "axis %d of input %s is not 1", axis[i],
                                FSN__SHAPE(x));
        gone[axis[i]] = true;
    }
    for (int i = 0; i < x->ndim; i++)
        if (!gone[i])
            dim[ndim++] = x->dim[i];
    return fsn__op_set_output(ctx, x->dtype, ndim, dim, err);
}

static enum fsn_status unsqueeze_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t axes[FSN_MAX_DIMS], dim[FSN_MAX_DIMS];
    bool fresh[FSN_MAX_DIMS] = {false};
    int axis[FSN_MAX_DIMS], count, ndim, from = 0;
    enum fsn_status status = fsn__op_ints(ctx, 1, "axes", FSN_MAX_DIMS, axes, &count, err);

    if (status != FSN_OK)
        return status;
    ndim = x->ndim + count;
    if (ndim > FSN_MAX_DIMS)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "its output has %d dimensions, at most %d are taken", ndim,
                            FSN_MAX_DIMS);
    status = fsn__op_axes(ctx, axes, count, ndim, axis, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < count; i++)
        fresh[axis[i]] = true;
    for (int i = 0; i < ndim; i++)
        dim[i] = fresh[i] ? 1 : x->dim[from++];
    return fsn__op_set_output(ctx, x->dtype, ndim, dim, err);
}

const struct fsn__op fsn__op_reshape = {
    .name = "Reshape",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = reshape_infer,
    .forward = forward,
    .backward = backward,
};

const struct fsn__op fsn__op_flatten = {
    .name = "Flatten",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = flatten_infer,
    .forward = forward,
    .backward = backward,
};

const struct fsn__op fsn__op_squeeze = {
    .name = "Squeeze",
    .domain = "",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = squeeze_infer,
    .forward = forward,
    .backward = backward,
};

const struct fsn__op fsn__op_unsqueeze = {
    .name = "Unsqueeze",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = unsqueeze_infer,
    .forward = forward,
    .backward = backward,
};
