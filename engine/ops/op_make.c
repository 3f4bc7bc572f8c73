/*
 * op_make.c - Shape, Size, ConstantOfShape, Range: tensors made from sizes and numbers.
 *
 * They live in the constant parts of a graph, which are worked out at import. Shape and Size
 * read no data, so they are constant wherever the sizes are known; a symbolic batch stands in the
 * result of Shape as FSN_BATCH, for Reshape and its like to find, and leaves Size to the executor.
 */
#include "ops/infer.h"

#include <math.h>
#include <string.h>

/* ---- Shape: dims [start, end) of x, int64 --------------------------------------------------- */

static int bounded(int64_t axis, int ndim)
{
    if (axis < 0)
        axis = axis < -ndim ? 0 : axis + ndim;
    return (int)(axis > ndim ? ndim : axis);
}

static void shape_range(const struct fsn__op_ctx *ctx, int *start, int *end)
{
    int ndim = ctx->in[0]->ndim;

    *start = bounded(fsn__attr_int(ctx->attrs, "start", 0), ndim);
    *end = bounded(fsn__attr_int(ctx->attrs, "end", ndim), ndim);
    if (*end < *start)
        *end = *start;
}

static enum fsn_status shape_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t count;
    int start, end;

    shape_range(ctx, &start, &end);
    count = end - start;
    return fsn__op_set_output(ctx, FSN__I64, 1, &count, err);
}

static enum fsn_status shape_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int start, end;

    (void)err;
    shape_range(ctx, &start, &end);
    for (int i = start; i < end; i++)
        fsn__i64(ctx->out[0])[i - start] = ctx->in[0]->dim[i];
    return FSN_OK;
}

/* ---- Size: the number of elements, int64 ---------------------------------------------------- */

static enum fsn_status size_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__op_set_output(ctx, FSN__I64, 0, NULL, err);
}

static enum fsn_status size_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    *fsn__i64(ctx->out[0]) = fsn__numel(ctx->in[0]);
    return FSN_OK;
}

/* ---- ConstantOfShape: one value everywhere -------------------------------------------------- */

/* The attribute `value` is a tensor of one element; without it the value is float32 0. */
static enum fsn_status constant_of_shape_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__attr *value = fsn__attr_find(ctx->attrs, "value");
    int64_t dim[FSN_MAX_DIMS];
    int ndim;
    enum fsn_status status = fsn__op_ints(ctx, 0, "shape", FSN_MAX_DIMS, dim, &ndim, err);

    if (status != FSN_OK)
        return status;
    if (value && (value->type != FSN__ATTR_TENSOR || fsn__numel(&value->tensor) != 1))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "its value must be a tensor of one element");
    for (int i = 0; i < ndim; i++)
        if (dim[i] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "makes a constant of the batch size, which is not fixed");
    return fsn__op_set_output(ctx, value ? value->tensor.dtype : FSN__F32, ndim, dim, err);
}

static enum fsn_status constant_of_shape_forward(const struct fsn__op_ctx *ctx,
                                                 struct fsn_error *err)
{
    const struct fsn__attr *value = fsn__attr_find(ctx->attrs, "value");
    const struct fsn__tensor *y = ctx->out[0];
    size_t bytes = fsn__dtype_bytes(y->dtype);
    int64_t n = fsn__numel(y);

    (void)err;
    if (!value)
        memset(y->data, 0, (size_t)n * bytes);
    for (int64_t i = 0; i < n && value; i++)
        memcpy((char *)y->data + (size_t)i * bytes, value->tensor.data, bytes);
    return FSN_OK;
}

/* ---- Range: start, start + delta, ... before limit ------------------------------------------ */

static bool range_is_float(const struct fsn__op_ctx *ctx)
{
    return ctx->in[0]->dtype == FSN__F32 || ctx->in[0]->dtype == FSN__F64;
}

static double real_input(const struct fsn__op_ctx *ctx, int i)
{
    return ctx->in[i]->dtype == FSN__F32 ? (double)*fsn__f32(ctx->in[i])
                                         : *(const double *)ctx->in[i]->data;
}

/* ceil((limit - start) / delta), at least 0; false when there is no such number of elements. */
static bool real_count(double start, double limit, double delta, int64_t *count)
{
    double n = ceil((limit - start) / delta);

    if (!(n < 0x1p60)) /* also NaN: of a delta of 0, an infinite bound */
        return false;
    *count = n > 0 ? (int64_t)n : 0;
    return true;
}

static bool integer_count(int64_t start, int64_t limit, int64_t delta, int64_t *count)
{
    uint64_t length =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;

    if (delta == 0)
        return false;
    if (delta > 0 ? limit <= start : limit >= start) {
        *count = 0;
        return true;
    }
    length = (length - 1) / step + 1;
    *count = (int64_t)length;
    return length < (uint64_t)1 << 60;
}

static enum fsn_status range_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[3] = {"start", "limit", "delta"};
    enum fsn__dtype dtype = ctx->in[0]->dtype;
    int64_t count = 0;
    bool counted;

    if (!range_is_float(ctx) && dtype != FSN__I16 && dtype != FSN__I32 && dtype != FSN__I64)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "inputs are %s, expected a float or int16, 32, 64",
                            fsn__dtype_name(dtype));
    for (int i = 0; i < 3; i++) {
        const struct fsn__tensor *t = ctx->in[i];

        if (t->dtype != dtype || fsn__numel(t) != 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s is %s %s, expected one %s", names[i],
                                fsn__dtype_name(t->dtype), FSN__SHAPE(t), fsn__dtype_name(dtype));
        if (!t->data)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its %s input must be constant",
                                names[i]);
        if (dtype == FSN__I64 && *fsn__i64(t) == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "computes with the batch size, which is not fixed");
    }
    counted = range_is_float(ctx)
                  ? real_count(real_input(ctx, 0), real_input(ctx, 1), real_input(ctx, 2), &count)
                  : integer_count(fsn__get_i64(ctx->in[0], 0), fsn__get_i64(ctx->in[1], 0),
                                  fsn__get_i64(ctx->in[2], 0), &count);
    if (!counted)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                            "its start, limit and delta give no finite number of elements");
    return fsn__op_set_output(ctx, dtype, 1, &count, err);
}

#define RANGE_CASE(code, type, arithmetic)                                       \
    case FSN__##code:                                                            \
        for (int64_t i = 0; i < n; i++)                                          \
            ((type *)y->data)[i] =                                               \
                (type)((arithmetic) * (type *)ctx->in[0]->data +                 \
                       (arithmetic)i * (arithmetic) * (type *)ctx->in[2]->data); \
        break

static enum fsn_status range_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    int64_t n = y->dim[0];

    (void)err;
    switch (y->dtype) {
        RANGE_CASE(F32, float, float);
        RANGE_CASE(F64, double, double);
        RANGE_CASE(I16, int16_t, uint64_t); /* no element leaves the range of its type */
        RANGE_CASE(I32, int32_t, uint64_t);
        RANGE_CASE(I64, int64_t, uint64_t);
    default:
        break;
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_shape = {
    .name = "Shape",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = shape_infer,
    .forward = shape_forward,
};

const struct fsn__op fsn__op_size = {
    .name = "Size",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = size_infer,
    .forward = size_forward,
};

const struct fsn__op fsn__op_constant_of_shape = {
    .name = "ConstantOfShape",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = constant_of_shape_infer,
    .forward = constant_of_shape_forward,
};

const struct fsn__op fsn__op_range = {
    .name = "Range",
    .domain = "",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = range_infer,
    .forward = range_forward,
};
