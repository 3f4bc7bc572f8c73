/* unary.h - operators that go element by element: y = f(x), dx += f'(x) dy.
 *
 * An operator is one struct fsn__unary (a forward loop for each element type that it takes, one
 * backward loop in float32, up to two float attributes) and one row FSN__UNARY_OP. The loops are
 * made from expressions of
 *
 *     x, alpha, beta    forward
 *     x, y, g, alpha, beta    backward; g = dy, the value is what is added to dx
 *
 * and are shared by the threads in equal parts.
 */
#ifndef FSN_OPS_UNARY_H
#define FSN_OPS_UNARY_H

#include "ops/infer.h"
#include "ops/typed.h"

struct fsn__unary {
    fsn__task *forward[FSN__DTYPE_COUNT]; /* NULL: the type is not taken */
    fsn__task *backward;                  /* NULL: the slope is zero everywhere */
    struct {
        const char *name; /* NULL: none */
        float fallback;
    } alpha, beta; /* attributes */
};

struct fsn__unary_job {
    int64_t count;
    const void *x;
    void *y;
    float alpha, beta;
    const float *out, *dy; /* backward; what it does not declare to read holds anything */
    float *dx;
};

FSN_NODISCARD enum fsn_status fsn__unary_infer(const struct fsn__op_ctx *ctx,
                                               const struct fsn__unary *unary,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__unary_forward(const struct fsn__op_ctx *ctx,
                                                 const struct fsn__unary *unary,
                                                 struct fsn_error *err);
void fsn__unary_backward(const struct fsn__op_ctx *ctx, const struct fsn__unary *unary);

/* X of typed.h's families: the forward loop op_CODE. */
#define FSN__UNARY_FORWARD(code, type, op, expression)               \
    static void op##_##code(void *arg, int slice, int slices)        \
    {                                                                \
        const struct fsn__unary_job *job = arg;                      \
        const type alpha = (type)job->alpha, beta = (type)job->beta; \
        const type *restrict px = job->x;                            \
        type *restrict py = job->y;                                  \
        int64_t begin, end;                                          \
                                                                     \
        (void)alpha, (void)beta;                                     \
        fsn__share(job->count, slice, slices, &begin, &end);         \
        for (int64_t i = begin; i < end; i++) {                      \
            type x = px[i];                                          \
                                                                     \
            py[i] = (type)(expression);                              \
        }                                                            \
    }

/* The backward loop. All is loaded always, which lets the compiler vectorise. */
#define FSN__UNARY_BACKWARD(name, expression)                     \
    static void name(void *arg, int slice, int slices)            \
    {                                                             \
        const struct fsn__unary_job *job = arg;                   \
        const float alpha = job->alpha, beta = job->beta;         \
        const float *px = job->x, *py = job->out, *pdy = job->dy; \
        float *restrict pdx = job->dx;                            \
        int64_t begin, end;                                       \
                                                                  \
        (void)alpha, (void)beta;                                  \
        fsn__share(job->count, slice, slices, &begin, &end);      \
        for (int64_t i = begin; i < end; i++) {                   \
            const float x = px[i], y = py[i], g = pdy[i];         \
                                                                  \
            (void)x, (void)y;                                     \
            pdx[i] += (expression);                               \
        }                                                         \
    }

/* The operator fsn__op_SYMBOL of the struct fsn__unary op_SYMBOL; the rest are further members. */
#define FSN__UNARY_OP(symbol, ...)                                                                 \
    static enum fsn_status symbol##_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)    \
    {                                                                                              \
        return fsn__unary_infer(ctx, &op_##symbol, err);                                           \
    }                                                                                              \
    static enum fsn_status symbol##_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)  \
    {                                                                                              \
        return fsn__unary_forward(ctx, &op_##symbol, err);                                         \
    }                                                                                              \
    static enum fsn_status symbol##_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err) \
    {                                                                                              \
        (void)err;                                                                                 \
        fsn__unary_backward(ctx, &op_##symbol);                                                    \
        return FSN_OK;                                                                             \
    }                                                                                              \
    const struct fsn__op fsn__op_##symbol = {                                                      \
        __VA_ARGS__,                                                                               \
        .domain = "",                                                                              \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .infer = symbol##_infer,                                                                   \
        .forward = symbol##_forward,                                                               \
        .backward = symbol##_backward,                                                             \
    };

/* A function of real numbers with a slope: loops, struct and operator in one. attributes: one of
 * the three below. */
#define FSN__NO_ATTRIBUTES .alpha = {NULL, 0}
#define FSN__ALPHA(fallback) .alpha = {"alpha", fallback}
#define FSN__ALPHA_AND(fallback, other, other_fallback) \
    .alpha = {"alpha", fallback}, .beta = {other, other_fallback}
#define FSN__REAL_FUNCTION(symbol, attributes, value, slope, ...)                                  \
    FSN__REAL_TYPES(FSN__UNARY_FORWARD, symbol, value)                                             \
    FSN__UNARY_BACKWARD(symbol##_slope, slope)                                                     \
    static const struct fsn__unary op_##symbol = {                                                 \
        .forward = {FSN__REAL_TYPES(FSN__ENTRY, symbol)}, .backward = symbol##_slope, attributes}; \
    FSN__UNARY_OP(symbol, __VA_ARGS__)

#endif
