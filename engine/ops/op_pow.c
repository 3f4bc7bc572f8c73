/*
 * op_pow.c - Pow: y = a^b with numpy's broadcasting, of the base's type.
 *
 *   da += dy * b a^(b-1)      db += dy * a^b ln(a), 0 where a <= 0
 *
 * The base is float32, float64, int32 or int64; the exponent may be of any numeric type. Integers
 * to an integer power wrap around modulo 2^bits; a negative power of one is its reciprocal
 * truncated: 0 but for 1 and -1 (and for 0, whose reciprocal does not exist). An integer to a real
 * power is computed in double, truncated and saturated.
 */
#include "ops/binary.h"

#include <tgmath.h>

/* One exponent for the whole run is read once, and a square is a product. */
#define POW_REAL(code, type, op)                                                                \
    static void op##_##code(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                           \
        const struct fsn__op_ctx *ctx = arg;                                                    \
        const type *a = (const type *)ctx->in[0]->data + offset[1];                             \
        type *y = (type *)ctx->out[0]->data + offset[0];                                        \
        type b = (type)fsn__get_f64(ctx->in[1], offset[2]);                                     \
                                                                                                \
        if (stride[2] == 0 && b == 2) {                                                         \
            for (int64_t i = 0; i < n; i++)                                                     \
                y[i * stride[0]] = a[i * stride[1]] * a[i * stride[1]];                         \
            return;                                                                             \
        }                                                                                       \
        for (int64_t i = 0; i < n; i++) {                                                       \
            if (stride[2] != 0)                                                                 \
                b = (type)fsn__get_f64(ctx->in[1], offset[2] + i * stride[2]);                  \
            y[i * stride[0]] = pow(a[i * stride[1]], b);                                        \
        }                                                                                       \
    }
FSN__REAL_TYPES(POW_REAL, pow)

/* By squaring; the low bits are the same signed or unsigned. */
static int64_t integer_power(int64_t base, int64_t exponent)
{
    uint64_t factor = (uint64_t)base, power = 1;

    if (exponent < 0)
        return base == 1 || (base == -1 && exponent % 2 == 0) ? 1 : base == -1 ? -1 : 0;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1)
            power *= factor;
        factor *= factor;
    }
    return (int64_t)power;
}

static bool is_real(const struct fsn__tensor *t)
{
    return t->dtype == FSN__F32 || t->dtype == FSN__F64;
}

#define POW_INTEGER(code, type, low, high)                                                     \
    static void pow_##code(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                          \
        const struct fsn__op_ctx *ctx = arg;                                                   \
        const type *a = (const type *)ctx->in[0]->data + offset[1];                            \
        type *y = (type *)ctx->out[0]->data + offset[0];                                       \
                                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                      \
            const type base = a[i * stride[1]];                                                \
            const int64_t j = offset[2] + i * stride[2];                                       \
                                                                                               \
            if (is_real(ctx->in[1])) {                                                         \
                const double v = pow((double)base, fsn__get_f64(ctx->in[1], j));               \
                                                                                               \
                y[i * stride[0]] = FSN__SATURATE(v, type, low, high);                          \
            } else {                                                                           \
                y[i * stride[0]] = (type)integer_power(base, fsn__get_i64(ctx->in[1], j));     \
            }                                                                                  \
        }                                                                                      \
    }
POW_INTEGER(I32, int32_t, INT32_MIN, INT32_MAX)
POW_INTEGER(I64, int64_t, INT64_MIN, INT64_MAX)

static fsn__walk_run *const runs[FSN__DTYPE_COUNT] = {
    FSN__REAL_TYPES(FSN__ENTRY, pow)[FSN__I32] = pow_I32,
    [FSN__I64] = pow_I64,
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];

    if (!runs[a->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its base is %s, which it does not take",
                            fsn__dtype_name(a->dtype));
    if (b->dtype == FSN__BOOL)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its exponent is bool, expected a number");
    return fsn__op_broadcast_output(ctx, a->dtype, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    struct fsn__walk walk = fsn__walk_over(y);
    struct fsn__op_ctx job = *ctx;
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status != FSN_OK)
        return status;
    walk.operands = 3;
    fsn__dense_strides(y, walk.stride[0]);
    fsn__broadcast_strides(ctx->in[0], y->ndim, walk.stride[1]);
    fsn__broadcast_strides(ctx->in[1], y->ndim, walk.stride[2]);
    fsn__walk_each(ctx->pool, &walk, runs[y->dtype], &job);
    return FSN_OK;
}

FSN__BINARY_GRADIENT(base_gradient, b == 0 ? 0 : b == 2 ? 2 * a * g : b * pow(a, b - 1) * g)
FSN__BINARY_GRADIENT(exponent_gradient, a > 0 ? pow(a, b) * log(a) * g : 0)

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (ctx->in[1]->dtype != FSN__F32)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "has no gradient with an exponent of type %s",
                            fsn__dtype_name(ctx->in[1]->dtype));
    fsn__add_gradient(ctx, 0, base_gradient, ctx->in[0], ctx->in[1]);
    fsn__add_gradient(ctx, 1, exponent_gradient, ctx->in[0], ctx->in[1]);
    return FSN_OK;
}

const struct fsn__op fsn__op_pow = {
    .name = "Pow",
    FSN__BINARY_MEMBERS,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
