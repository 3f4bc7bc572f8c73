/*
 * op_quantize_linear.c - QuantizeLinear, DequantizeLinear: between real numbers and integer levels.
 *
 *   y = saturate(round(x / scale) + zero)        y: uint8, int8, uint16 or int16; round half to
 * even x = (y - zero) scale                         y may be int32 too
 *
 * scale and zero are one element each; or a list along `axis`; or, with `block_size` B, of x's
 * shape with ceil(D / B) in place of D along `axis`, one for each B neighbours there. Without a
 * zero point zero is 0, and y uint8 unless output_dtype says otherwise. NaN becomes the level zero
 * + 0.
 *
 * Every form is one walk over [outer, S, B, inner], where S B = D, and one more over the last block
 * if it is shorter. Element types that the engine has no room for (float8, 4-bit integers) are
 * refused; float16 is computed in float32.
 */
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

#include <math.h>

enum { X, SCALE, ZERO };

/* ---- shapes ----------------------------------------------------------------------------------
 */

enum form { PER_TENSOR, PER_AXIS, BLOCKED };

static enum form form_of(const struct fsn__op_ctx *ctx)
{
    if (fsn__numel(ctx->in[SCALE]) == 1)
        return PER_TENSOR;
    return fsn__attr_int(ctx->attrs, "block_size", 0) > 0 ? BLOCKED : PER_AXIS;
}

static bool is_blocked_shape(const struct fsn__tensor *x, const struct fsn__tensor *scale, int axis,
                             int64_t block)
{
    if (scale->ndim != x->ndim)
        return false;
    for (int i = 0; i < x->ndim; i++) {
        const int64_t d = x->dim[i];

        if (scale->dim[i] != (i == axis ? d / block + (d % block != 0) : d))
            return false;
    }
    return true;
}

static enum fsn_status check_scale_shape(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[X], *scale = ctx->in[SCALE];
    const int64_t block = fsn__attr_int(ctx->attrs, "block_size", 0);
    const enum form form = form_of(ctx);
    enum fsn_status status;
    int axis;

    if (block < 0)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "block_size is %lld, expected 0 or more",
                            (long long)block);
    if (form == PER_TENSOR)
        return FSN_OK;
    status = fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", 1), x->ndim, &axis, err);
    if (status != FSN_OK)
        return status;
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "has a scale for each image of the batch, whose size is not fixed");
    if (form == BLOCKED && !is_blocked_shape(x, scale, axis, block))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its scale has shape %s, which does not fit blocks of %lld along axis "
                            "%d of %s",
                            FSN__SHAPE(scale), (long long)block, axis, FSN__SHAPE(x));
    if (form == PER_AXIS && (scale->ndim != 1 || scale->dim[0] != x->dim[axis]))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its scale has shape %s, expected one element or [%lld], for axis %d "
                            "of %s",
                            FSN__SHAPE(scale), (long long)x->dim[axis], axis, FSN__SHAPE(x));
    return FSN_OK;
}

static enum fsn_status check_parameters(const struct fsn__op_ctx *ctx, enum fsn__dtype levels,
                                        struct fsn_error *err)
{
    const struct fsn__tensor *scale = ctx->in[SCALE], *zero;
    enum fsn_status status = check_scale_shape(ctx, err);

    if (status != FSN_OK || !fsn__op_has_input(ctx, ZERO))
        return status;
    zero = ctx->in[ZERO];
    if (zero->dtype != levels)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its zero point is %s, expected %s",
                            fsn__dtype_name(zero->dtype), fsn__dtype_name(levels));
    if (!fsn__same_shape(scale, zero) && (fsn__numel(scale) != 1 || fsn__numel(zero) != 1))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its zero point has shape %s, its scale %s",
                            FSN__SHAPE(zero), FSN__SHAPE(scale));
    return FSN_OK;
}

/* The attribute `name` must be absent or name one of the float types that are held as float32. */
static enum fsn_status check_float_type(const struct fsn__op_ctx *ctx, const char *name,
                                        struct fsn_error *err)
{
    const int64_t type = fsn__attr_int(ctx->attrs, name, 0);

    if (type == 0 || type == 1 || type == 10 || type == 16) /* float32, float16, bfloat16 */
        return FSN_OK;
    return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                        "%s = %lld is not supported: float32, float16 or bfloat16 expected", name,
                        (long long)type);
}

static bool is_level(enum fsn__dtype dtype)
{
    return dtype == FSN__U8 || dtype == FSN__I8 || dtype == FSN__U16 || dtype == FSN__I16;
}

static enum fsn_status level_type(const struct fsn__op_ctx *ctx, enum fsn__dtype *out,
                                  struct fsn_error *err)
{
    const int64_t type = fsn__attr_int(ctx->attrs, "output_dtype", 0);

    *out = type == 0 ? FSN__U8 : fsn__op_onnx_dtype(type);
    if (type != 0 && (*out == FSN__DTYPE_COUNT || !is_level(*out)))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "output_dtype = %lld is not supported: 8- or 16-bit integers expected",
                            (long long)type);
    if (type != 0 || !fsn__op_has_input(ctx, ZERO))
        return FSN_OK;
    *out = ctx->in[ZERO]->dtype;
    if (!is_level(*out))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "its zero point is %s: an 8- or 16-bit integer expected",
                            fsn__dtype_name(*out));
    return FSN_OK;
}

static enum fsn_status quantize_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[X], *scale = ctx->in[SCALE];
    enum fsn__dtype levels;
    enum fsn_status status;

    if (x->dtype != FSN__F32 && x->dtype != FSN__I32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, expected float32 or int32",
                            fsn__dtype_name(x->dtype));
    /* up to operator set 22 the scale has x's type, which may be int32 */
    if (scale->dtype != FSN__F32 && scale->dtype != FSN__I32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its scale is %s, expected float32 or int32",
                            fsn__dtype_name(scale->dtype));
    status = check_float_type(ctx, "precision", err);
    if (status == FSN_OK)
        status = level_type(ctx, &levels, err);
    if (status == FSN_OK)
        status = check_parameters(ctx, levels, err);
    return status == FSN_OK ? fsn__op_set_output(ctx, levels, x->ndim, x->dim, err) : status;
}

static enum fsn_status dequantize_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[X];
    enum fsn_status status;

    if (!is_level(x->dtype) && x->dtype != FSN__I32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "its input is %s, expected an integer of 8, 16 or 32 bits",
                            fsn__dtype_name(x->dtype));
    status = fsn__op_float_input(ctx, SCALE, "scale", err);
    if (status == FSN_OK)
        status = check_float_type(ctx, "output_dtype", err);
    if (status == FSN_OK)
        status = check_parameters(ctx, x->dtype, err);
    return status == FSN_OK ? fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err) : status;
}

/* ---- runs ------------------------------------------------------------------------------------
 */

struct job {
    const void *x;
    const float *scale;
    const int32_t *zero;
    void *y;
};

/* Operands: y, x, scale and zero. */
#define DEFINE_RUN(name, from, to, expression)                                           \
    static void name(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                    \
        const struct job *job = arg;                                                     \
        const from *x = (const from *)job->x + offset[1];                                \
        const float *scales = job->scale + offset[2];                                    \
        const int32_t *zeros = job->zero + offset[2];                                    \
        to *y = (to *)job->y + offset[0];                                                \
                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                \
            const float scale = scales[i * stride[2]];                                   \
            const int32_t zero = zeros[i * stride[2]];                                   \
                                                                                         \
            y[i * stride[0]] = (expression);                                             \
        }                                                                                \
    }

static inline double quantized(float x, float scale, int32_t zero)
{
    const float rounded = rintf(x / scale);

    return (rounded == rounded ? (double)rounded : 0.0) + (double)zero;
}

#define DEFINE_QUANTIZE(code, to, low, high)                                           \
    DEFINE_RUN(quantize_f32_##code, float, to,                                         \
               FSN__SATURATE(quantized(x[i * stride[1]], scale, zero), to, low, high)) \
    DEFINE_RUN(quantize_i32_##code, int32_t, to,                                       \
               FSN__SATURATE(quantized((float)x[i * stride[1]], scale, zero), to, low, high))
DEFINE_QUANTIZE(U8, uint8_t, 0, UINT8_MAX)
DEFINE_QUANTIZE(I8, int8_t, INT8_MIN, INT8_MAX)
DEFINE_QUANTIZE(U16, uint16_t, 0, UINT16_MAX)
DEFINE_QUANTIZE(I16, int16_t, INT16_MIN, INT16_MAX)

#define DEFINE_DEQUANTIZE(code, from) \
    DEFINE_RUN(dequantize_##code, from, float, (float)((int64_t)x[i * stride[1]] - zero) * scale)
DEFINE_DEQUANTIZE(U8, uint8_t)
DEFINE_DEQUANTIZE(I8, int8_t)
DEFINE_DEQUANTIZE(U16, uint16_t)
DEFINE_DEQUANTIZE(I16, int16_t)
DEFINE_DEQUANTIZE(I32, int32_t)

/* ---- the walk --------------------------------------------------------------------------------
 */

/* scale and zero as float32 and int32, one behind the other, in the work space. */
static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 2 * (size_t)fsn__numel(ctx->in[SCALE]) * sizeof(float);
    *saved = 0;
}

static struct job read_job(const struct fsn__op_ctx *ctx)
{
    const int64_t n = fsn__numel(ctx->in[SCALE]);
    float *scale = ctx->work;
    int32_t *zero = (int32_t *)ctx->work + n;

    for (int64_t i = 0; i < n; i++) {
        scale[i] = (float)fsn__get_f64(ctx->in[SCALE], i);
        zero[i] = fsn__op_has_input(ctx, ZERO) ? (int32_t)fsn__get_i64(ctx->in[ZERO], i) : 0;
    }
    return (struct job){ctx->in[X]->data, scale, zero, ctx->out[0]->data};
}

/* `blocks` blocks of `size` elements along the axis, in each of `outer` places. */
static struct fsn__walk blocks_walk(int64_t outer, int64_t blocks, int64_t size, int64_t inner)
{
    struct fsn__walk walk = {.operands = 3, .ndim = 4, .dim = {outer, blocks, size, inner}};

    for (int k = 0; k < 2; k++) {
        walk.stride[k][1] = size * inner;
        walk.stride[k][2] = inner;
        walk.stride[k][3] = 1;
    }
    return walk;
}

static void walk_all(const struct fsn__op_ctx *ctx, fsn__walk_run *run)
{
    const struct fsn__tensor *x = ctx->in[X];
    const size_t bytes_x = fsn__dtype_bytes(x->dtype),
                 bytes_y = fsn__dtype_bytes(ctx->out[0]->dtype);
    const enum form form = form_of(ctx);
    struct job job = read_job(ctx);
    int64_t outer, d, inner, block = 1, whole;
    struct fsn__walk walk;
    int axis;

    if (form == PER_TENSOR) {
        walk = blocks_walk(1, 1, 1, fsn__numel(x));
        fsn__walk_each(ctx->pool, &walk, run, &job);
        return;
    }
    axis = (int)fsn__attr_int(ctx->attrs, "axis", 1); /* in range: infer has checked */
    axis += axis < 0 ? x->ndim : 0;
    outer = fsn__numel_range(x, 0, axis);
    d = x->dim[axis];
    inner = fsn__numel_range(x, axis + 1, x->ndim);
    if (form == BLOCKED)
        block = fsn__attr_int(ctx->attrs, "block_size", 0);
    whole = d / block;
    walk = blocks_walk(outer, whole, block, inner);
    walk.stride[0][0] = walk.stride[1][0] = d * inner;
    walk.stride[2][1] = 1;
    if (form == BLOCKED) {
        walk.stride[2][0] = (whole + (d % block != 0)) * inner;
        walk.stride[2][1] = inner;
        walk.stride[2][3] = 1;
    }
    fsn__walk_each(ctx->pool, &walk, run, &job);
    if (d % block == 0)
        return;
    walk.dim[1] = 1;
    walk.dim[2] = d % block;
    job.x = (const char *)job.x + (size_t)(whole * block * inner) * bytes_x;
    job.y = (char *)job.y + (size_t)(whole * block * inner) * bytes_y;
    job.scale += whole * inner;
    job.zero += whole * inner;
    fsn__walk_each(ctx->pool, &walk, run, &job);
}

static enum fsn_status quantize_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static fsn__walk_run *const real[FSN__DTYPE_COUNT] = {[FSN__U8] = quantize_f32_U8,
                                                          [FSN__I8] = quantize_f32_I8,
                                                          [FSN__U16] = quantize_f32_U16,
                                                          [FSN__I16] = quantize_f32_I16};
    static fsn__walk_run *const integer[FSN__DTYPE_COUNT] = {[FSN__U8] = quantize_i32_U8,
                                                             [FSN__I8] = quantize_i32_I8,
                                                             [FSN__U16] = quantize_i32_U16,
                                                             [FSN__I16] = quantize_i32_I16};

    (void)err;
    walk_all(ctx, (ctx->in[X]->dtype == FSN__F32 ? real : integer)[ctx->out[0]->dtype]);
    return FSN_OK;
}

static enum fsn_status dequantize_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static fsn__walk_run *const runs[FSN__DTYPE_COUNT] = {
        [FSN__U8] = dequantize_U8,   [FSN__I8] = dequantize_I8,   [FSN__U16] = dequantize_U16,
        [FSN__I16] = dequantize_I16, [FSN__I32] = dequantize_I32,
    };

    (void)err;
    walk_all(ctx, runs[ctx->in[X]->dtype]);
    return FSN_OK;
}

const struct fsn__op fsn__op_quantize_linear = {
    .name = "QuantizeLinear",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = quantize_infer,
    .sizes = sizes,
    .forward = quantize_forward,
};

const struct fsn__op fsn__op_dequantize_linear = {
    .name = "DequantizeLinear",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = dequantize_infer,
    .sizes = sizes,
    .forward = dequantize_forward,
};
