/* assign.h - which filter sits in which slot of a Filter Summary. */
#ifndef FSN_FS_ASSIGN_H
#define FSN_FS_ASSIGN_H

#include "ops/fs_geometry.h"

/* Finds slot[K] (a permutation) and, unless NULL, sign[K] (1 or -1) that make the least-squares
 * error of sign[k] w[k], laid in slot[k], small: as good as no swap of two filters that was tried
 * can better. g->slot is not read. w: [K C R S]. Deterministic; the work is bounded (assign.c).
 * Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__fs_assign(const struct fsn__fs_geometry *g, const float *w,
                                             int64_t *slot, float *sign, struct fsn_error *err);

#endif
