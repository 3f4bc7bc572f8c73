/* integer.c - exact products of 8-bit tensors; see integer.h. */
#include "ops/integer.h"
#include "core/blas.h"
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

#include <math.h>

/* Terms whose sum float32 holds exactly: 256 * 255 * 255 < 2^24. */
enum { STRETCH = 256 };

/* ---- operands --------------------------------------------------------------------------------
 */

static const struct fsn__tensor *optional(const struct fsn__op_ctx *ctx, int in)
{
    return fsn__op_has_input(ctx, in) ? ctx->in[in] : NULL;
}

struct fsn__integer_product fsn__integer_operands(const struct fsn__op_ctx *ctx)
{
    struct fsn__integer_product p = {.a.axis = -1, .b.axis = -1};

    p.a.t = ctx->in[0];
    if (ctx->op->min_in <= FSN__QL_Y_ZERO) {
        p.b.t = ctx->in[1];
        p.a.zero = optional(ctx, 2);
        p.b.zero = optional(ctx, 3);
        return p;
    }
    p.a.scale = ctx->in[FSN__QL_A_SCALE];
    p.a.zero = ctx->in[FSN__QL_A_ZERO];
    p.b.t = ctx->in[FSN__QL_B];
    p.b.scale = ctx->in[FSN__QL_B_SCALE];
    p.b.zero = ctx->in[FSN__QL_B_ZERO];
    p.y_scale = ctx->in[FSN__QL_Y_SCALE];
    p.y_zero = ctx->in[FSN__QL_Y_ZERO];
    return p;
}

static bool has_shape_for(const struct fsn__quantized *q, const struct fsn__tensor *parameter)
{
    const struct fsn__tensor *t = q->t;

    if (fsn__numel(parameter) == 1)
        return true;
    if (q->axis < 0)
        return false;
    if (parameter->ndim == 1)
        return parameter->dim[0] == t->dim[q->axis];
    if (!q->full_rank || parameter->ndim != t->ndim)
        return false;
    for (int i = 0; i < t->ndim; i++) {
        const bool varies = i == q->axis || i < t->ndim - 2;

        if (parameter->dim[i] != 1 && (!varies || parameter->dim[i] != t->dim[i]))
            return false;
    }
    return true;
}

enum fsn_status fsn__quantized_check(const struct fsn__op_ctx *ctx, const struct fsn__quantized *q,
                                     const struct fsn__tensor *parameter, enum fsn__dtype dtype,
                                     const char *what, struct fsn_error *err)
{
    if (parameter->dtype != dtype)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s is %s, expected %s", what,
                            fsn__dtype_name(parameter->dtype), fsn__dtype_name(dtype));
    if (has_shape_for(q, parameter))
        return FSN_OK;
    if (q->axis < 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s has shape %s, expected one element", what,
                            FSN__SHAPE(parameter));
    return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                        "its %s has shape %s, expected one element or one for each index of axis "
                        "%d of %s",
                        what, FSN__SHAPE(parameter), q->axis, FSN__SHAPE(q->t));
}

static bool is_byte(enum fsn__dtype dtype)
{
    return dtype == FSN__U8 || dtype == FSN__I8;
}

static enum fsn_status check_operand(const struct fsn__op_ctx *ctx, const struct fsn__quantized *q,
                                     const char *const names[3], struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    if (!is_byte(q->t->dtype))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its %s is %s, expected int8 or uint8",
                            names[0], fsn__dtype_name(q->t->dtype));
    if (q->scale)
        status = fsn__quantized_check(ctx, q, q->scale, FSN__F32, names[1], err);
    if (status == FSN_OK && q->zero)
        status = fsn__quantized_check(ctx, q, q->zero, q->t->dtype, names[2], err);
    return status;
}

enum fsn_status fsn__integer_check(const struct fsn__op_ctx *ctx,
                                   const struct fsn__integer_product *p, enum fsn__dtype *dtype,
                                   struct fsn_error *err)
{
    static const char *const a[3] = {"left operand", "scale of the left operand",
                                     "zero point of the left operand"};
    static const char *const b[3] = {"right operand", "scale of the right operand",
                                     "zero point of the right operand"};
    const struct fsn__quantized y = {.axis = -1};
    enum fsn_status status = check_operand(ctx, &p->a, a, err);

    if (status == FSN_OK)
        status = check_operand(ctx, &p->b, b, err);
    *dtype = FSN__I32;
    if (status != FSN_OK || !p->y_scale)
        return status;
    *dtype = p->y_zero->dtype;
    if (!is_byte(*dtype))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "its output would be %s, expected int8 or uint8",
                            fsn__dtype_name(*dtype));
    status = fsn__quantized_check(ctx, &y, p->y_scale, FSN__F32, "y_scale", err);
    if (status == FSN_OK)
        status = fsn__quantized_check(ctx, &y, p->y_zero, *dtype, "y_zero_point", err);
    return status;
}

void fsn__quantized_strides(const struct fsn__tensor *parameter, int ndim, int axis,
                            int64_t *stride)
{
    for (int i = 0; i < ndim; i++)
        stride[i] = 0;
    if (fsn__numel(parameter) == 1)
        return;
    if (parameter->ndim == 1)
        stride[axis] = 1;
    else
        fsn__broadcast_strides(parameter, ndim, stride);
}

/* ---- products --------------------------------------------------------------------------------
 */

struct widening {
    const uint8_t *x, *zero;
    float *to;
    bool is_signed;
};

static int level(uint8_t byte, bool is_signed)
{
    return is_signed ? (int8_t)byte : byte;
}

/* Operands: to, x, zero. */
static void widen(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct widening *w = arg;
    const uint8_t *x = w->x + offset[1], *zero = w->zero + offset[2];
    float *to = w->to + offset[0];
    const bool is_signed = w->is_signed;

    if (stride[2] == 0) {
        const int z = level(*zero, is_signed);

        for (int64_t i = 0; i < n; i++)
            to[i] = (float)(level(x[i], is_signed) - z);
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)(level(x[i], is_signed) - level(zero[i * stride[2]], is_signed));
    }
}

void fsn__integer_widen(struct fsn__pool *pool, const struct fsn__quantized *q, float *to)
{
    static const uint8_t none = 0;
    struct widening widening = {.x = q->t->data,
                                .zero = q->zero ? q->zero->data : &none,
                                .to = to,
                                .is_signed = q->t->dtype == FSN__I8};
    struct fsn__walk walk = fsn__walk_over(q->t);

    walk.operands = 3;
    fsn__dense_strides(q->t, walk.stride[0]);
    fsn__dense_strides(q->t, walk.stride[1]);
    if (q->zero)
        fsn__quantized_strides(q->zero, q->t->ndim, q->axis, walk.stride[2]);
    fsn__walk_each(pool, &walk, widen, &widening);
}

void fsn__integer_gemm(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *part,
                       int32_t *c)
{
    for (int64_t at = 0; at < k; at += STRETCH) {
        const int64_t terms = k - at < STRETCH ? k - at : STRETCH;

        fsn__sgemm(false, false, m, n, terms, 1.0F, a + at, k, b + at * n, n, 0.0F, part, n);
        for (int64_t i = 0; i < m * n; i++)
            c[i] = (int32_t)((uint32_t)c[i] + (uint32_t)(int32_t)part[i]);
    }
}

/* ---- back to 8 bits --------------------------------------------------------------------------
 */

struct requantizing {
    const int32_t *c;
    const float *a_scale, *b_scale;
    float y_scale;
    double y_zero;
    void *y;
};

/* Operands: y, c, a_scale, b_scale. */
#define DEFINE_REQUANTIZE(name, type, low, high)                                            \
    static void name(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)    \
    {                                                                                       \
        const struct requantizing *r = arg;                                                 \
        const float *a = r->a_scale + offset[2], *b = r->b_scale + offset[3];               \
        type *y = (type *)r->y + offset[0];                                                 \
                                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                   \
            const float scale = a[i * stride[2]] * b[i * stride[3]] / r->y_scale;           \
            const double v = rint((double)r->c[offset[1] + i] * (double)scale) + r->y_zero; \
                                                                                            \
            y[i] = FSN__SATURATE(v, type, low, high);                                       \
        }                                                                                   \
    }

DEFINE_REQUANTIZE(requantize_signed, int8_t, INT8_MIN, INT8_MAX)
DEFINE_REQUANTIZE(requantize_unsigned, uint8_t, 0, UINT8_MAX)

void fsn__integer_requantize(struct fsn__pool *pool, const struct fsn__integer_product *p,
                             int row_axis, int column_axis, const int32_t *c,
                             const struct fsn__tensor *y)
{
    struct requantizing r = {.c = c,
                             .a_scale = fsn__f32(p->a.scale),
                             .b_scale = fsn__f32(p->b.scale),
                             .y_scale = *fsn__f32(p->y_scale),
                             .y_zero = (double)fsn__get_i64(p->y_zero, 0),
                             .y = y->data};
    struct fsn__walk walk = fsn__walk_over(y);

    walk.operands = 4;
    fsn__dense_strides(y, walk.stride[0]);
    fsn__dense_strides(y, walk.stride[1]);
    fsn__quantized_strides(p->a.scale, y->ndim, row_axis, walk.stride[2]);
    fsn__quantized_strides(p->b.scale, y->ndim, column_axis, walk.stride[3]);
    fsn__walk_each(pool, &walk, y->dtype == FSN__I8 ? requantize_signed : requantize_unsigned, &r);
}
