/* binary.h - operators of two inputs with numpy's broadcasting: y = a (op) b.
 *
 * A forward run is made from an expression of a and b, for each element type that the operator
 * takes; a backward run adds a term of g = dy, a and b to the gradient of one input, summed over
 * the axes along which that input was broadcast.
 */
#ifndef FSN_OPS_BINARY_H
#define FSN_OPS_BINARY_H

#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

struct fsn__binary_bases {
    void *y;
    const void *a, *b;
};

/* Dense inputs, and a dense one with a repeated one, get loops that the compiler vectorises. */
#define FSN__BINARY_RUN(code, type, result, op, expression)                                     \
    static void op##_##code(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                           \
        const struct fsn__binary_bases *base = arg;                                             \
        result *py = (result *)base->y + offset[0];                                             \
        const type *pa = (const type *)base->a + offset[1];                                     \
        const type *pb = (const type *)base->b + offset[2];                                     \
                                                                                                \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) {                               \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i], b = pb[i];                                                      \
                (void)b;                                                                        \
                py[i] = (result)(expression);                                                   \
            }                                                                                   \
        } else if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) {                        \
            type b = pb[0];                                                                     \
            (void)b;                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i];                                                                 \
                py[i] = (result)(expression);                                                   \
            }                                                                                   \
        } else {                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                   \
                type a = pa[i * stride[1]], b = pb[i * stride[2]];                              \
                (void)b;                                                                        \
                py[i * stride[0]] = (result)(expression);                                       \
            }                                                                                   \
        }                                                                                       \
    }

/* X of typed.h's families: the result is of the inputs' type, or a truth value. */
#define FSN__BINARY(code, type, op, expression) FSN__BINARY_RUN(code, type, type, op, expression)
#define FSN__PREDICATE(code, type, op, expression) \
    FSN__BINARY_RUN(code, type, uint8_t, op, expression)

/* Both inputs of one type that `runs` takes; out[0] is of type `result`. */
FSN_NODISCARD enum fsn_status fsn__binary_infer(const struct fsn__op_ctx *ctx,
                                                fsn__walk_run *const *runs, enum fsn__dtype result,
                                                struct fsn_error *err);
/* y = run(a, b), broadcast to y's shape; y may be a. */
void fsn__binary_run(struct fsn__pool *pool, fsn__walk_run *run, const struct fsn__tensor *y,
                     const struct fsn__tensor *a, const struct fsn__tensor *b);
/* out[0] = in[0] (op) in[1]. */
FSN_NODISCARD enum fsn_status fsn__binary_forward(const struct fsn__op_ctx *ctx,
                                                  fsn__walk_run *const *runs,
                                                  struct fsn_error *err);

/* ---- backward: d += term, operands d dy a b ---------------------------------------------------
 */

struct fsn__gradient_bases {
    float *d;
    const float *dy, *a, *b;
};

/* Where d stands still (the input was broadcast along the run), the run is summed in double. */
#define FSN__BINARY_GRADIENT(name, term)                                                   \
    static void name(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)   \
    {                                                                                      \
        const struct fsn__gradient_bases *base = arg;                                      \
        float *pd = base->d + offset[0];                                                   \
        const float *pg = base->dy + offset[1];                                            \
        const float *pa = base->a + offset[2], *pb = base->b + offset[3];                  \
        double sum = 0;                                                                    \
                                                                                           \
        if (stride[0] == 0) {                                                              \
            for (int64_t i = 0; i < n; i++) {                                              \
                float g = pg[i * stride[1]], a = pa[i * stride[2]], b = pb[i * stride[3]]; \
                (void)a, (void)b;                                                          \
                sum += (double)(term);                                                     \
            }                                                                              \
            *pd += (float)sum;                                                             \
        } else if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1 && stride[3] == 1) { \
            for (int64_t i = 0; i < n; i++) {                                              \
                float g = pg[i], a = pa[i], b = pb[i];                                     \
                (void)a, (void)b;                                                          \
                pd[i] += (term);                                                           \
            }                                                                              \
        } else {                                                                           \
            for (int64_t i = 0; i < n; i++) {                                              \
                float g = pg[i * stride[1]], a = pa[i * stride[2]], b = pb[i * stride[3]]; \
                (void)a, (void)b;                                                          \
                pd[i * stride[0]] += (term);                                               \
            }                                                                              \
        }                                                                                  \
    }

/* Adds the gradient of input k. a, b NULL: the term does not use it. run NULL: dy itself. */
void fsn__add_gradient(const struct fsn__op_ctx *ctx, int k, fsn__walk_run *run,
                       const struct fsn__tensor *a, const struct fsn__tensor *b);

/* The members that all operators of two inputs have in common. */
#define FSN__BINARY_MEMBERS .domain = "", .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1

#endif
