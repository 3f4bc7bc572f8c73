/* integer.h - products of 8-bit tensors with scales and zero points, exactly.
 *
 *   c[m,n] = sum over k of (a[m,k] - za) (b[k,n] - zb)              int32, modulo 2^32
 *   y      = saturate(round(c sa sb / sy) + zy)                     round half to even
 *
 * Source: MatMulInteger, ConvInteger (the first line alone), QLinearMatMul and QLinearConv of the
 * ONNX specification. a or x is the left operand there, b or w the right one.
 *
 * An element less its zero point lies in [-255, 255], and 256 products of two such numbers sum to
 * less than 2^24: float32 holds every partial sum exactly, in whatever order it is formed. So the
 * operands are widened to float32, BLAS multiplies stretches of 256 terms, and the results of the
 * stretches are added in integers.
 *
 * A scale or zero point is one element, or one for each index along an axis of its tensor: rows of
 * a, columns of b, filters of w.
 */
#ifndef FSN_OPS_INTEGER_H
#define FSN_OPS_INTEGER_H

#include "ops/op.h"

/* One operand: the tensor, what belongs to it, and along which of its axes (-1: one element). */
struct fsn__quantized {
    const struct fsn__tensor *t, *scale, *zero; /* scale, zero: NULL when absent */
    int axis;
    bool full_rank; /* a parameter may also have the tensor's rank, as [..,M,1] for rows */
};

struct fsn__integer_product {
    struct fsn__quantized a, b;
    const struct fsn__tensor *y_scale, *y_zero; /* NULL: y is c itself */
};

/* Input slots of the QLinear operators; the integer ones have a, b, a's and b's zero point. */
enum {
    FSN__QL_A,
    FSN__QL_A_SCALE,
    FSN__QL_A_ZERO,
    FSN__QL_B,
    FSN__QL_B_SCALE,
    FSN__QL_B_ZERO,
    FSN__QL_Y_SCALE,
    FSN__QL_Y_ZERO,
    FSN__QL_BIAS
};

/* The operands of a node; which form it has is told by op->min_in. The axes are still to be set. */
struct fsn__integer_product fsn__integer_operands(const struct fsn__op_ctx *ctx);
/* Checks element types, scales and zero points; *dtype: of the output. */
FSN_NODISCARD enum fsn_status fsn__integer_check(const struct fsn__op_ctx *ctx,
                                                 const struct fsn__integer_product *p,
                                                 enum fsn__dtype *dtype, struct fsn_error *err);

/* Fails unless a scale or zero point of q->t has the element type and one of the shapes above.
 * what = "a_scale", for messages. */
FSN_NODISCARD enum fsn_status fsn__quantized_check(const struct fsn__op_ctx *ctx,
                                                   const struct fsn__quantized *q,
                                                   const struct fsn__tensor *parameter,
                                                   enum fsn__dtype dtype, const char *what,
                                                   struct fsn_error *err);
/* Strides of a parameter in a space of ndim axes, where its tensor's axis is number `axis`. */
void fsn__quantized_strides(const struct fsn__tensor *parameter, int ndim, int axis,
                            int64_t *stride);

/* to[i] = q->t[i] - zero, dense. */
void fsn__integer_widen(struct fsn__pool *pool, const struct fsn__quantized *q, float *to);
/* c[m,n] += a[m,k] b[k,n], dense, on the calling thread; part: scratch of m n floats. */
void fsn__integer_gemm(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *part,
                       int32_t *c);
/* c to y; row_axis and column_axis: where a's and b's axes are in y. */
void fsn__integer_requantize(struct fsn__pool *pool, const struct fsn__integer_product *p,
                             int row_axis, int column_axis, const int32_t *c,
                             const struct fsn__tensor *y);

/* Elements of scratch up to a multiple of 64 bytes, so that what follows is aligned. */
static inline size_t fsn__integer_pad(int64_t elements)
{
    return ((size_t)elements + 15) / 16 * 16;
}

#endif
