/* memory_plan.h - where blocks lie in one shared buffer, given when each is alive. */
#ifndef FSN_GRAPH_MEMORY_PLAN_H
#define FSN_GRAPH_MEMORY_PLAN_H

#include "core/error.h"

#include <stdint.h>

struct fsn__block {
    size_t size;      /* bytes; 0: takes no place */
    int birth, death; /* first and last step at which it is alive, both included */
    size_t offset;    /* result, a multiple of 64 */
    int guest_of; /* 1 + the block whose place it has, of the same size; 0: a place of its own */
};

/* Sets every offset so that no two blocks alive at the same step overlap; *total: bytes of the
 * buffer. Cost O(n^2) in the number of blocks. Errors: NOMEM, LIMIT when sizes overflow. */
FSN_NODISCARD enum fsn_status fsn__plan_memory(struct fsn__block *blocks, int count, size_t *total,
                                               struct fsn_error *err);

/* Largest sum of blocks alive at one step: no plan can be smaller. */
size_t fsn__memory_lower_bound(const struct fsn__block *blocks, int count);

#endif
