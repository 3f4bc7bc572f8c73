/* gemm_tiles.c - tiles a matrix product over the pool; see gemm_tiles.h. */
#include "ops/gemm_tiles.h"
#include "core/blas.h"

enum { TILE_ROWS = 64, TILE_COLUMNS = 256 };

struct job {
    int64_t m, n, k, ldc;
    float alpha, beta;
    struct fsn__matrix a, b;
    float *c;
};

static int64_t tiles_of(int64_t n, int64_t tile)
{
    return (n + tile - 1) / tile;
}

static void task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const int64_t columns = tiles_of(job->n, TILE_COLUMNS);
    int64_t begin, end;

    fsn__share(tiles_of(job->m, TILE_ROWS) * columns, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = i / columns * TILE_ROWS, column = i % columns * TILE_COLUMNS;
        const int64_t m = job->m - row < TILE_ROWS ? job->m - row : TILE_ROWS;
        const int64_t n = job->n - column < TILE_COLUMNS ? job->n - column : TILE_COLUMNS;

        fsn__sgemm(job->a.transposed, job->b.transposed, m, n, job->k, job->alpha,
                   job->a.data + (job->a.transposed ? row : row * job->a.ld), job->a.ld,
                   job->b.data + (job->b.transposed ? column * job->b.ld : column), job->b.ld,
                   job->beta, job->c + row * job->ldc + column, job->ldc);
    }
}

void fsn__gemm_tiles(struct fsn__pool *pool, int64_t m, int64_t n, int64_t k, float alpha,
                     struct fsn__matrix a, struct fsn__matrix b, float beta, float *c, int64_t ldc)
{
    struct job job = {
        .m = m, .n = n, .k = k, .ldc = ldc, .alpha = alpha, .beta = beta, .a = a, .b = b, .c = c};

    fsn__pool_run(tiles_of(m, TILE_ROWS) * tiles_of(n, TILE_COLUMNS) > 1 ? pool : NULL, task, &job);
}
