/*
 * op_arith.c - Add, Sub, Mul, Div, Mod: y = a (op) b, with numpy's broadcasting.
 *
 * All numeric types run forward (constant sub-graphs compute shapes in integers); float32 has
 * gradients, summed over the axes along which an input was broadcast:
 *
 *     Add  da += dy       db += dy
 *     Sub  da += dy       db -= dy
 *     Mul  da += dy * b   db += dy * a
 *     Div  da += dy / b   db -= dy * a / b^2
 *
 * Integers wrap around modulo 2^bits. Integer Div truncates towards zero. Mod follows ONNX: with
 * fmod = 0 the result has the sign of the divisor (integers only), with fmod = 1 that of the
 * dividend (C's % and fmod). A zero integer divisor is an error, found before anything is computed.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <math.h>

/* ---- forward: one run of n elements, per operator and type ---------------------------------- */

struct binary_bases {
    void *y;
    const void *a, *b;
};

/* Dense inputs, and a dense one with a repeated one, get loops that the compiler vectorises. */
#define DEFINE_RUN(op, code, type, expression)                                                  \
    static void op##_##code(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                           \
        const struct binary_bases *base = arg;                                                  \
        type *py = (type *)base->y + offset[0];                                                 \
        const type *pa = (const type *)base->a + offset[1];                                     \
        const type *pb = (const type *)base->b + offset[2];                                     \
                                                                                                \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) {                               \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i], b = pb[i];                                                      \
                py[i] = (type)(expression);                                                     \
            }                                                                                   \
        } else if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) {                        \
            type b = pb[0];                                                                     \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i];                                                                 \
                py[i] = (type)(expression);                                                     \
            }                                                                                   \
        } else {                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i * stride[1]], b = pb[i * stride[2]];                              \
                py[i * stride[0]] = (type)(expression);                                         \
            }                                                                                   \
        }                                                                                       \
    }

#define DEFINE_FLOAT(op, expression)       \
    DEFINE_RUN(op, F32, float, expression) \
    DEFINE_RUN(op, F64, double, expression)
#define DEFINE_SIGNED(op, expression)        \
    DEFINE_RUN(op, I8, int8_t, expression)   \
    DEFINE_RUN(op, I16, int16_t, expression) \
    DEFINE_RUN(op, I32, int32_t, expression) \
    DEFINE_RUN(op, I64, int64_t, expression)
#define DEFINE_UNSIGNED(op, expression)       \
    DEFINE_RUN(op, U8, uint8_t, expression)   \
    DEFINE_RUN(op, U16, uint16_t, expression) \
    DEFINE_RUN(op, U32, uint32_t, expression) \
    DEFINE_RUN(op, U64, uint64_t, expression)
#define DEFINE_INTEGER(op, expression) \
    DEFINE_SIGNED(op, expression)      \
    DEFINE_UNSIGNED(op, expression)

/* The low bits of a sum, difference or product are the same signed or unsigned: computing in uint64
 * makes overflow wrap around. */
DEFINE_FLOAT(add, a + b)
DEFINE_INTEGER(add, (uint64_t)a + (uint64_t)b)
DEFINE_FLOAT(sub, a - b)
DEFINE_INTEGER(sub, (uint64_t)a - (uint64_t)b)
DEFINE_FLOAT(mul, (a) * (b))
DEFINE_INTEGER(mul, ((uint64_t)a) * ((uint64_t)b))
/* The smallest number / -1 does not fit its type: -1 is taken out and the negation wraps. */
DEFINE_FLOAT(div, a / b)
DEFINE_SIGNED(div, b == -1 ? 0 - (uint64_t)a : (uint64_t)(a / b))
DEFINE_UNSIGNED(div, a / b)

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = b == -1 ? 0 : a % b;

    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

DEFINE_SIGNED(mod, floor_mod(a, b))
DEFINE_UNSIGNED(mod, a % b)
DEFINE_RUN(fmod, F32, float, fmodf(a, b))
DEFINE_RUN(fmod, F64, double, fmod(a, b))
DEFINE_SIGNED(fmod, b == -1 ? 0 : a % b)

/* clang-format off */
#define INTEGER_RUNS(op) \
    [FSN__I8] = op##_I8, [FSN__I16] = op##_I16, [FSN__I32] = op##_I32, [FSN__I64] = op##_I64, \
    [FSN__U8] = op##_U8, [FSN__U16] = op##_U16, [FSN__U32] = op##_U32, [FSN__U64] = op##_U64
#define FLOAT_RUNS(op) [FSN__F32] = op##_F32, [FSN__F64] = op##_F64

static fsn__walk_run *const add_runs[FSN__DTYPE_COUNT] = {FLOAT_RUNS(add), INTEGER_RUNS(add)};
static fsn__walk_run *const sub_runs[FSN__DTYPE_COUNT] = {FLOAT_RUNS(sub), INTEGER_RUNS(sub)};
static fsn__walk_run *const mul_runs[FSN__DTYPE_COUNT] = {FLOAT_RUNS(mul), INTEGER_RUNS(mul)};
static fsn__walk_run *const div_runs[FSN__DTYPE_COUNT] = {FLOAT_RUNS(div), INTEGER_RUNS(div)};
static fsn__walk_run *const mod_runs[FSN__DTYPE_COUNT] = {INTEGER_RUNS(mod)};
static fsn__walk_run *const fmod_runs[FSN__DTYPE_COUNT] = {
    FLOAT_RUNS(fmod),
    [FSN__I8] = fmod_I8, [FSN__I16] = fmod_I16, [FSN__I32] = fmod_I32, [FSN__I64] = fmod_I64,
    [FSN__U8] = mod_U8, [FSN__U16] = mod_U16, [FSN__U32] = mod_U32, [FSN__U64] = mod_U64,
};
/* clang-format on */

static bool is_float(const struct fsn__tensor *t)
{
    return t->dtype == FSN__F32 || t->dtype == FSN__F64;
}

/* A shape computation met the batch size, whose value is not known: the result would be nonsense.
 */
static bool holds_batch(const struct fsn__tensor *t)
{
    const int64_t *data = t->data;
    int64_t n = t->dtype == FSN__I64 ? fsn__numel(t) : 0;

    for (int64_t i = 0; i < n; i++)
        if (data[i] == FSN_BATCH)
            return true;
    return false;
}

static enum fsn_status check_divisor(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *b = ctx->in[1];
    int64_t n = is_float(b) || fsn__numel(ctx->out[0]) == 0 ? 0 : fsn__numel(b);

    for (int64_t i = 0; i < n; i++)
        if (fsn__get_i64(b, i) == 0)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                                "integer division by zero (divisor element %lld)", (long long)i);
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];
    int64_t dim[FSN_MAX_DIMS];
    int ndim;

    if (a->dtype != b->dtype)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "inputs are %s and %s, expected one type for both",
                            fsn__dtype_name(a->dtype), fsn__dtype_name(b->dtype));
    if (a->dtype == FSN__BOOL)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "inputs are bool, expected numbers");
    if (!fsn__broadcast_shape(a, b, dim, &ndim))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "shapes %s and %s do not broadcast", FSN__SHAPE(a),
                            FSN__SHAPE(b));
    return fsn__op_set_output(ctx, a->dtype, ndim, dim, err);
}

static enum fsn_status infer_mod(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (is_float(ctx->in[0]) && fsn__attr_int(ctx->attrs, "fmod", 0) == 0)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "%s inputs need the attribute fmod = 1",
                            fsn__dtype_name(ctx->in[0]->dtype));
    return infer(ctx, err);
}

static enum fsn_status binary(const struct fsn__op_ctx *ctx, fsn__walk_run *const *runs,
                              struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1], *y = ctx->out[0];
    struct binary_bases base = {y->data, a->data, b->data};
    struct fsn__walk walk = fsn__walk_over(y);

    if (holds_batch(a) || holds_batch(b))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "computes with the batch size, which is not fixed");
    walk.operands = 3;
    fsn__dense_strides(y, walk.stride[0]);
    fsn__broadcast_strides(a, y->ndim, walk.stride[1]);
    fsn__broadcast_strides(b, y->ndim, walk.stride[2]);
    fsn__walk_each(ctx->pool, &walk, runs[y->dtype], &base);
    return FSN_OK;
}

static enum fsn_status add_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return binary(ctx, add_runs, err);
}

static enum fsn_status sub_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return binary(ctx, sub_runs, err);
}

static enum fsn_status mul_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return binary(ctx, mul_runs, err);
}

static enum fsn_status div_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = check_divisor(ctx, err);

    return status == FSN_OK ? binary(ctx, div_runs, err) : status;
}

static enum fsn_status mod_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    bool c_like = fsn__attr_int(ctx->attrs, "fmod", 0) != 0;
    enum fsn_status status = check_divisor(ctx, err);

    return status == FSN_OK ? binary(ctx, c_like ? fmod_runs : mod_runs, err) : status;
}

/* ---- backward: d += term(dy, a, b), operands d dy a b --------------------------------------- */

struct grad_bases {
    float *d;
    const float *dy, *a, *b;
};

/* Where d stands still (the input was broadcast along the run), the run is summed in double. */
#define DEFINE_GRAD(name, term)                                                              \
    static void name(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)     \
    {                                                                                        \
        const struct grad_bases *base = arg;                                                 \
        float *pd = base->d + offset[0];                                                     \
        const float *pdy = base->dy + offset[1];                                             \
        const float *pa = base->a + offset[2], *pb = base->b + offset[3];                    \
                                                                                             \
        if (stride[0] == 0) {                                                                \
            double sum = 0;                                                                  \
            for (int64_t i = 0; i < n; i++) {                                                \
                double dy = (double)pdy[i * stride[1]];                                      \
                double a = (double)pa[i * stride[2]], b = (double)pb[i * stride[3]];         \
                (void)a, (void)b;                                                            \
                sum += (term);                                                               \
            }                                                                                \
            *pd += (float)sum;                                                               \
        } else {                                                                             \
            for (int64_t i = 0; i < n; i++) {                                                \
                float dy = pdy[i * stride[1]], a = pa[i * stride[2]], b = pb[i * stride[3]]; \
                (void)a, (void)b;                                                            \
                pd[i * stride[0]] += (term);                                                 \
            }                                                                                \
        }                                                                                    \
    }

DEFINE_GRAD(grad_minus, -dy)
DEFINE_GRAD(grad_mul_a, (dy) * (b))
DEFINE_GRAD(grad_mul_b, (dy) * (a))
DEFINE_GRAD(grad_div_a, dy / b)
DEFINE_GRAD(grad_div_b, -(dy) * (a) / (b * b))

/* Adds the gradient of input k; run NULL: dy itself. Data of a and b that the term does not use may
 * be gone: dy then stands in for it. */
static void add_gradient(const struct fsn__op_ctx *ctx, int k, fsn__walk_run *run, bool reads)
{
    const struct fsn__tensor *d = ctx->din[k], *dy = ctx->dout[0];
    struct grad_bases base = {NULL, NULL, NULL, NULL};
    struct fsn__walk walk;

    if (!d || !dy)
        return;
    walk = fsn__walk_over(dy);
    fsn__broadcast_strides(d, dy->ndim, walk.stride[0]);
    fsn__dense_strides(dy, walk.stride[1]);
    if (!run) {
        fsn__add_strided(ctx->pool, &walk, d->data, dy->data);
        return;
    }
    walk.operands = 4;
    fsn__broadcast_strides(reads ? ctx->in[0] : dy, dy->ndim, walk.stride[2]);
    fsn__broadcast_strides(reads ? ctx->in[1] : dy, dy->ndim, walk.stride[3]);
    base.d = d->data;
    base.dy = dy->data;
    base.a = reads ? ctx->in[0]->data : dy->data;
    base.b = reads ? ctx->in[1]->data : dy->data;
    fsn__walk_sum(ctx->pool, &walk, run, &base);
}

static enum fsn_status add_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    add_gradient(ctx, 0, NULL, false);
    add_gradient(ctx, 1, NULL, false);
    return FSN_OK;
}

static enum fsn_status sub_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    add_gradient(ctx, 0, NULL, false);
    add_gradient(ctx, 1, grad_minus, false);
    return FSN_OK;
}

static enum fsn_status mul_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    add_gradient(ctx, 0, grad_mul_a, true);
    add_gradient(ctx, 1, grad_mul_b, true);
    return FSN_OK;
}

static enum fsn_status div_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    add_gradient(ctx, 0, grad_div_a, true);
    add_gradient(ctx, 1, grad_div_b, true);
    return FSN_OK;
}

const struct fsn__op fsn__op_add = {
    .name = "Add",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .forward = add_forward,
    .backward = add_backward,
};

const struct fsn__op fsn__op_sub = {
    .name = "Sub",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .forward = sub_forward,
    .backward = sub_backward,
};

const struct fsn__op fsn__op_mul = {
    .name = "Mul",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = mul_forward,
    .backward = mul_backward,
};

const struct fsn__op fsn__op_div = {
    .name = "Div",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 | 2,
    .infer = infer,
    .forward = div_forward,
    .backward = div_backward,
};

const struct fsn__op fsn__op_mod = {
    .name = "Mod",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = infer_mod,
    .forward = mod_forward,
};
