/* infer.c - shared by the operators' infer functions; see infer.h for the contracts. */
#include "ops/infer.h"
#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum fsn_status fsn__op_raise(const struct fsn__op_ctx *ctx, struct fsn_error *err,
                              enum fsn_status status, const char *file, int line,
                              const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fsn__raise(err, status, file, line, "%s '%s': %s", ctx->op->name, ctx->name, text);
}

enum fsn_status fsn__op_axis(const struct fsn__op_ctx *ctx, int64_t axis, int ndim, int *out,
                             struct fsn_error *err)
{
    if (axis < -ndim || axis >= ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "axis %lld is outside a tensor of %d dimensions",
                            (long long)axis, ndim);
    *out = (int)(axis < 0 ? axis + ndim : axis);
    return FSN_OK;
}

enum fsn_status fsn__op_axes(const struct fsn__op_ctx *ctx, const int64_t *axes, int count,
                             int ndim, int *out, struct fsn_error *err)
{
    unsigned seen = 0;

    for (int i = 0; i < count; i++) {
        enum fsn_status status = fsn__op_axis(ctx, axes[i], ndim, &out[i], err);

        if (status != FSN_OK)
            return status;
        if (seen >> out[i] & 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "axis %d is named twice", out[i]);
        seen |= 1u << out[i];
    }
    return FSN_OK;
}

enum fsn_status fsn__op_ints(const struct fsn__op_ctx *ctx, int in, const char *what, int max,
                             int64_t *values, int *count, struct fsn_error *err)
{
    const struct fsn__tensor *t = ctx->in[in];

    if (!fsn__is_index(t))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s input is %s, expected int64 or int32",
                            what, fsn__dtype_name(t->dtype));
    if (t->ndim != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its %s input has shape %s, expected one dimension", what,
                            FSN__SHAPE(t));
    if (!t->data)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its %s input must be constant", what);
    if (t->dim[0] > max)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "its %s input has %lld elements, at most %d are taken", what,
                            (long long)t->dim[0], max);
    for (int64_t i = 0; i < t->dim[0]; i++)
        values[i] = fsn__get_i64(t, i);
    *count = (int)t->dim[0];
    return FSN_OK;
}

enum fsn_status fsn__op_no_batch(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    for (int i = 0; i < ctx->n_in; i++) {
        const struct fsn__tensor *t = ctx->in[i];
        const int64_t n = t && t->dtype == FSN__I64 ? fsn__numel(t) : 0;

        for (int64_t j = 0; j < n; j++)
            if (fsn__i64(t)[j] == FSN_BATCH)
                return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                    "computes with the batch size, which is not fixed");
    }
    return FSN_OK;
}

enum fsn_status fsn__op_float_input(const struct fsn__op_ctx *ctx, int in, const char *what,
                                    struct fsn_error *err)
{
    if (ctx->in[in]->dtype != FSN__F32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its %s is %s, only float32 is supported",
                            what, fsn__dtype_name(ctx->in[in]->dtype));
    return FSN_OK;
}

enum fsn__dtype fsn__op_onnx_dtype(int64_t onnx)
{
    static const enum fsn__dtype dtypes[] = {
        [1] = FSN__F32,  [2] = FSN__U8,   [3] = FSN__I8,   [4] = FSN__U16,
        [5] = FSN__I16,  [6] = FSN__I32,  [7] = FSN__I64,  [9] = FSN__BOOL,
        [11] = FSN__F64, [12] = FSN__U32, [13] = FSN__U64,
    };
    enum { COUNT = sizeof dtypes / sizeof dtypes[0] };

    if (onnx < 1 || onnx >= COUNT || onnx == 8 || onnx == 10) /* string, float16 */
        return FSN__DTYPE_COUNT;
    return dtypes[onnx];
}

enum fsn_status fsn__op_set_output_at(const struct fsn__op_ctx *ctx, int out, enum fsn__dtype dtype,
                                      int ndim, const int64_t *dim, struct fsn_error *err)
{
    struct fsn__tensor shape = {0};
    int64_t bytes = (int64_t)fsn__dtype_bytes(dtype);

    if (ndim > FSN_MAX_DIMS)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "its output has %d dimensions, at most %d are taken", ndim,
                            FSN_MAX_DIMS);
    fsn__shape_set(&shape, dtype, ndim, dim);
    for (int i = 0; i < ndim; i++) {
        if (dim[i] == FSN_BATCH && i > 0)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__MOVES_BATCH);
        if (dim[i] == FSN_BATCH)
            continue;
        if (dim[i] < 0)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "output shape %s has a negative size",
                                FSN__SHAPE(&shape));
        if (!fsn__mul_i64(bytes, dim[i] > 0 ? dim[i] : 1, &bytes)) /* as fsn__numel counts */
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "output shape %s is too large",
                                FSN__SHAPE(&shape));
    }
    if (out < ctx->n_out && ctx->out[out])
        fsn__shape_copy(ctx->out[out], &shape);
    return FSN_OK;
}

enum fsn_status fsn__op_one_type(const struct fsn__op_ctx *ctx, int first, struct fsn_error *err)
{
    for (int i = first; i < ctx->n_in; i++) {
        if (!ctx->in[i]) /* an optional input's place in a list of any length */
            return FSN__OP_FAIL(ctx, err, FSN_FORMAT, "input %d is missing", i);
        if (ctx->in[i]->dtype != ctx->in[first]->dtype)
            return FSN__OP_FAIL(
                ctx, err, FSN_SHAPE, "inputs are %s and %s, expected one type for all",
                fsn__dtype_name(ctx->in[first]->dtype), fsn__dtype_name(ctx->in[i]->dtype));
    }
    return FSN_OK;
}

enum fsn_status fsn__op_broadcast_output(const struct fsn__op_ctx *ctx, enum fsn__dtype dtype,
                                         struct fsn_error *err)
{
    struct fsn__tensor shape = *ctx->in[0];

    for (int i = 1; i < ctx->n_in; i++) {
        int64_t dim[FSN_MAX_DIMS];
        int ndim;

        if (!fsn__broadcast_shape(&shape, ctx->in[i], dim, &ndim))
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "shapes %s and %s do not broadcast",
                                FSN__SHAPE(&shape), FSN__SHAPE(ctx->in[i]));
        fsn__shape_set(&shape, dtype, ndim, dim);
    }
    return fsn__op_set_output(ctx, dtype, shape.ndim, shape.dim, err);
}

enum fsn_status fsn__op_set_output(const struct fsn__op_ctx *ctx, enum fsn__dtype dtype, int ndim,
                                   const int64_t *dim, struct fsn_error *err)
{
    return fsn__op_set_output_at(ctx, 0, dtype, ndim, dim, err);
}
