/* gemm_tiles.h - one matrix product shared by the pool. */
#ifndef FSN_OPS_GEMM_TILES_H
#define FSN_OPS_GEMM_TILES_H

#include "core/pool.h"

/* One operand as stored: row-major with ld elements between rows; transposed when it is to be read
 * the other way. */
struct fsn__matrix {
    const float *data;
    int64_t ld;
    bool transposed;
};

/* c[m,n] = alpha op(a) op(b) + beta c, by tiles of fixed size that the threads share: the result
 * does not depend on their number. */
void fsn__gemm_tiles(struct fsn__pool *pool, int64_t m, int64_t n, int64_t k, float alpha,
                     struct fsn__matrix a, struct fsn__matrix b, float beta, float *c, int64_t ldc);

#endif
