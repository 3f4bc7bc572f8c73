/* reduction.h - what the two files of reductions share: which sets of elements there are, and how
 * they are walked (op_reduce.c says what the operators compute).
 */
#ifndef FSN_OPS_REDUCTION_H
#define FSN_OPS_REDUCTION_H

#include "ops/infer.h"
#include "ops/walk.h"

enum fsn__reduction {
    FSN__REDUCE_SUM,
    FSN__REDUCE_MEAN,
    FSN__REDUCE_L1,
    FSN__REDUCE_L2,
    FSN__REDUCE_SUM_SQUARE,
    FSN__REDUCE_LOG_SUM,
    FSN__REDUCE_LOG_SUM_EXP,
    FSN__REDUCE_PROD,
    FSN__REDUCE_MAX,
    FSN__REDUCE_MIN,
    FSN__REDUCTIONS
};

/* What a set of elements has come to: 8 bytes of the type's kind. */
union fsn__reduced {
    double real;
    uint64_t natural; /* of integers, signed ones in two's complement */
};

/* The argument of the walks' runs. Per set, in the operator's scratch: acc and shift. */
struct fsn__reduce_job {
    union fsn__reduced *acc;
    double *shift;
    const void *x;
    const float *y, *dy; /* backward */
    float *dx;
    float count; /* elements in a set */
};

enum fsn__reduction fsn__reduction_of(const struct fsn__op *op);
/* Which axes of the input are reduced. */
FSN_NODISCARD enum fsn_status fsn__reduction_axes(const struct fsn__op_ctx *ctx, bool *reduced,
                                                  struct fsn_error *err);
/* A walk of two operands over x: y's elements, which stand still along reduced axes, and x's.
 * *count: elements in a set; of an empty tensor too, where y may have sets of none. */
FSN_NODISCARD enum fsn_status fsn__reduction_walk(const struct fsn__op_ctx *ctx,
                                                  struct fsn__walk *walk, int64_t *count,
                                                  struct fsn_error *err);
void fsn__reduction_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved);
/* A job with the node's scratch. */
struct fsn__reduce_job fsn__reduction_job(const struct fsn__op_ctx *ctx);
FSN_NODISCARD enum fsn_status fsn__reduction_backward(const struct fsn__op_ctx *ctx,
                                                      struct fsn_error *err);

#endif
