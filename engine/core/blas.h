/* blas.h - the one place that knows OpenBLAS. */
#ifndef FSN_CORE_BLAS_H
#define FSN_CORE_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* C[m,n] = alpha op(A) op(B) + beta C, row-major, f32; op is the transpose when the flag is set.
 * lda, ldb, ldc: elements between rows as stored. OpenBLAS is held to one thread per call: the
 * engine's own pool does the splitting. Safe from several threads at once. */
void fsn__sgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                int64_t ldc);

/* The library's name, version and kernel set; static string. */
const char *fsn__blas_version(void);

#endif
