/* matmul.h - the shapes of a matrix product in numpy's sense.
 *
 * a [..., M, K] times b [..., K, N] gives y [..., M, N]; leading axes broadcast. A vector a counts
 * as a row [1, K], a vector b as a column [K, 1], and the axis so added is dropped from y. Where b
 * has no leading axes (a layer's weights), all of a's rows make one matrix [... M, K].
 */
#ifndef FSN_OPS_MATMUL_H
#define FSN_OPS_MATMUL_H

#include "ops/op.h"

struct fsn__matmul {
    int64_t m, n, k;
    int64_t count;                                          /* products */
    int ndim;                                               /* of the leading axes */
    int64_t dim[FSN_MAX_DIMS];                              /* leading axes of y */
    int64_t stride_a[FSN_MAX_DIMS], stride_b[FSN_MAX_DIMS]; /* elements along them */
};

/* Checks the shapes against each other, whatever the element types, and sets out[0]. */
FSN_NODISCARD enum fsn_status fsn__matmul_infer(const struct fsn__op_ctx *ctx,
                                                const struct fsn__tensor *a,
                                                const struct fsn__tensor *b, enum fsn__dtype dtype,
                                                struct fsn_error *err);
/* The sizes, the batch known. */
struct fsn__matmul fsn__matmul_read(const struct fsn__tensor *a, const struct fsn__tensor *b);
/* Where product i (counted row-major through the leading axes) finds its a and b. */
void fsn__matmul_locate(const struct fsn__matmul *s, int64_t i, int64_t *a, int64_t *b);

#endif
