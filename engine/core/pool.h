/* pool.h - a fixed pool of threads that run one task together (SPMD).
 *
 * The work of a task is split by thread index alone and partial results are combined in index
 * order, so a given thread count always gives the same bits. */
#ifndef FSN_CORE_POOL_H
#define FSN_CORE_POOL_H

#include "fsnet.h"

struct fsn__pool;

/* threads >= 1 counts the calling thread; 0: as many as the process may use cores. */
FSN_NODISCARD enum fsn_status fsn__pool_create(int threads, struct fsn__pool **out,
                                               struct fsn_error *err);
void fsn__pool_destroy(struct fsn__pool *pool);
int fsn__pool_slices(const struct fsn__pool *pool); /* NULL pool: 1 */

typedef void fsn__task(void *arg, int thread, int threads);

/* Runs task(arg, t, threads) for every t, the caller being t = 0, and returns when all are done.
 * NULL pool: one call on the caller. Not re-entrant from within a task. */
void fsn__pool_run(struct fsn__pool *pool, fsn__task *task, void *arg);

/* This thread's share [*begin, *end) of n items. */
static inline void fsn__share(int64_t n, int thread, int threads, int64_t *begin, int64_t *end)
{
    *begin = n * thread / threads;
    *end = n * (thread + 1) / threads;
}

#endif
