/*
 * op_one_hot.c - OneHot: y[o, d, i] = values[index[o, i] == d], d < depth a new axis.
 *
 * Inputs: indices (any numbers; -depth..-1 count from the end, what is outside marks nothing),
 * depth (one number, constant), values (off and on). Attribute axis: where the new one is, -1 by
 * default: behind all others. No gradient.
 *
 * EyeLike: y[r, c] = (c - r == k), in the shape of the input, whose elements are not read.
 */
#include "ops/infer.h"

#include <math.h>
#include <string.h>

/* ---- OneHot --------------------------------------------------------------------------------- */

static enum fsn_status read_depth(const struct fsn__op_ctx *ctx, int64_t *depth,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *t = ctx->in[1];
    double value;

    if (fsn__numel(t) != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its depth has shape %s, expected one number",
                            FSN__SHAPE(t));
    if (!t->data)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its depth input must be constant");
    value = fsn__get_f64(t, 0);
    if (!(value >= 1 && value <= INT32_MAX))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "its depth is %g, expected 1 to %d", value,
                            INT32_MAX);
    *depth = (int64_t)value;
    return FSN_OK;
}

static enum fsn_status one_hot_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *index = ctx->in[0], *values = ctx->in[2];
    int64_t dim[FSN_MAX_DIMS + 1], depth;
    int axis, n = 0;
    enum fsn_status status = read_depth(ctx, &depth, err);

    if (status == FSN_OK)
        status =
            fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", -1), index->ndim + 1, &axis, err);
    if (status != FSN_OK)
        return status;
    if (values->ndim != 1 || values->dim[0] != 2)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its values have shape %s, expected [2]",
                            FSN__SHAPE(values));
    for (int i = 0; i <= index->ndim; i++)
        dim[i] = i == axis ? depth : index->dim[n++];
    return fsn__op_set_output(ctx, values->dtype, index->ndim + 1, dim, err);
}

/* The place that an index marks; -1: none. */
static int64_t place_of(const struct fsn__tensor *index, int64_t i, int64_t depth)
{
    double at = trunc(fsn__get_f64(index, i));

    if (at < 0)
        at += (double)depth;
    return at >= 0 && at < (double)depth ? (int64_t)at : -1;
}

static enum fsn_status one_hot_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *index = ctx->in[0], *y = ctx->out[0];
    const size_t bytes = fsn__dtype_bytes(y->dtype);
    const char *values = ctx->in[2]->data;
    int64_t inner, depth = 0, total = fsn__numel(y);
    int axis = 0;
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status == FSN_OK)
        status = read_depth(ctx, &depth, err);
    if (status == FSN_OK)
        status = fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", -1), y->ndim, &axis, err);
    if (status != FSN_OK)
        return status;
    inner = fsn__numel_range(y, axis + 1, y->ndim);
    for (int64_t i = 0; i < total; i++)
        memcpy((char *)y->data + (size_t)i * bytes, values, bytes);
    for (int64_t i = 0; i < fsn__numel(index); i++) {
        const int64_t place = place_of(index, i, depth);

        if (place >= 0)
            memcpy((char *)y->data +
                       (size_t)((i / inner * depth + place) * inner + i % inner) * bytes,
                   values + bytes, bytes);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_one_hot = {
    .name = "OneHot",
    .domain = "",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = one_hot_infer,
    .forward = one_hot_forward,
};

/* ---- EyeLike -------------------------------------------------------------------------------- */

static enum fsn_status eye_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t given = fsn__attr_int(ctx->attrs, "dtype", 0);
    const enum fsn__dtype dtype = given ? fsn__op_onnx_dtype(given) : x->dtype;

    if (dtype == FSN__DTYPE_COUNT)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "dtype = %lld is not an element type of the engine", (long long)given);
    if (x->ndim != 2)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its input has shape %s, expected a matrix",
                            FSN__SHAPE(x));
    if (x->dim[0] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "makes a constant of the batch size, which is not fixed");
    return fsn__op_set_output(ctx, dtype, 2, x->dim, err);
}

/* One in any element type, its bytes in front. */
static uint64_t one_as(enum fsn__dtype dtype)
{
    const float f32 = 1;
    const double f64 = 1;
    uint64_t one = 0;

    if (dtype == FSN__F32)
        memcpy(&one, &f32, sizeof f32);
    else if (dtype == FSN__F64)
        memcpy(&one, &f64, sizeof f64);
    else
        *(unsigned char *)&one = 1; /* little-endian, as ONNX's raw data is read */
    return one;
}

static enum fsn_status eye_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    const int64_t k = fsn__attr_int(ctx->attrs, "k", 0), rows = y->dim[0], columns = y->dim[1];
    const size_t bytes = fsn__dtype_bytes(y->dtype);
    const uint64_t one = one_as(y->dtype);

    (void)err;
    memset(y->data, 0, fsn__tensor_bytes(y));
    for (int64_t r = 0; r < rows; r++) /* k may be any number: no sum with it that may overflow */
        if (k < columns - r && k >= -r)
            memcpy((char *)y->data + (size_t)(r * columns + r + k) * bytes, &one, bytes);
    return FSN_OK;
}

const struct fsn__op fsn__op_eye_like = {
    .name = "EyeLike",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = eye_infer,
    .forward = eye_forward,
};
