/* blas.c - OpenBLAS behind one function. */
#include "core/blas.h"

#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void hold_to_one_thread(void)
{
    openblas_set_num_threads(1);
}

void fsn__sgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                int64_t ldc)
{
    pthread_once(&once, hold_to_one_thread);
    if (m == 0 || n == 0)
        return;
    /* BLAS wants leading dimensions of at least 1 even where a side is empty. */
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha,
                a, (blasint)(lda > 0 ? lda : 1), b, (blasint)(ldb > 0 ? ldb : 1), beta, c,
                (blasint)ldc);
}

const char *fsn__blas_version(void)
{
    return openblas_get_config();
}
