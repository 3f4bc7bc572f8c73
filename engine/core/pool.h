/* pool.h - the threads of one job: a task is cut into slices, and threads run the slices.
 *
 * Slices are what results depend on: work is split by slice index alone, and partial results are
 * combined in slice order. How many threads run them is another matter: as many as the job has
 * cores at that moment (cores.h), each its share of the slices one after another. So a pool of so
 * many slices always gives the same bits, alone on the machine or beside other jobs. */
#ifndef FSN_CORE_POOL_H
#define FSN_CORE_POOL_H

#include "fsnet.h"

struct fsn__cores;
struct fsn__pool;

/* 1..FSN_MAX_THREADS slices; 0: one for each core that the process may use. The pool has joined the
 * cores (those of the process) until it is destroyed. */
FSN_NODISCARD enum fsn_status fsn__pool_create(int slices, struct fsn__pool **out,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__pool_create_on(struct fsn__cores *cores, int slices,
                                                  struct fsn__pool **out, struct fsn_error *err);
void fsn__pool_destroy(struct fsn__pool *pool);
int fsn__pool_slices(const struct fsn__pool *pool); /* NULL pool: 1 */

typedef void fsn__task(void *arg, int slice, int slices);

/* Runs task(arg, s, slices) once for every s, on the caller and on its helpers, and returns when
 * all are done. Slices must not wait for each other. NULL pool: one slice, on the caller. Called
 * from within a task, of whatever pool, it runs every slice on that thread. */
void fsn__pool_run(struct fsn__pool *pool, fsn__task *task, void *arg);

/* Part `index` of `parts`, [*begin, *end), of n items. */
static inline void fsn__share(int64_t n, int index, int parts, int64_t *begin, int64_t *end)
{
    *begin = n * index / parts;
    *end = n * (index + 1) / parts;
}

#endif
