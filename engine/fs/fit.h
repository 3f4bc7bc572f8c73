/* fit.h - the Filter Summary that is nearest to given filters. */
#ifndef FSN_FS_FIT_H
#define FSN_FS_FIT_H

#include "ops/fs_geometry.h"

/* f minimises |w - A f|^2: f[j] = mean of the weights that read it, 0 where none does. *error (may
 * be NULL) = |w - A f| / |w|, 0 when w is. w: [K C R S], f: fsn__fs_size elements. Errors: NOMEM.
 */
FSN_NODISCARD enum fsn_status fsn__fs_fit(const struct fsn__fs_geometry *g, const float *w,
                                          float *f, double *error, struct fsn_error *err);

#endif
