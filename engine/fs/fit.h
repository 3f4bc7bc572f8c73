/* fit.h - the Filter Summary that is nearest to given filters. */
#ifndef FSN_FS_FIT_H
#define FSN_FS_FIT_H

#include "ops/fs_geometry.h"

/* f minimises |w - A f|^2: f[j] = mean of the weights that read it, 0 where none does. *error (may
 * be NULL) = |w - A f| / |w|, 0 when w is. w: [K C R S], f: fsn__fs_size elements. Errors: NOMEM.
 */
FSN_NODISCARD enum fsn_status fsn__fs_fit(const struct fsn__fs_geometry *g, const float *w,
                                          float *f, double *error, struct fsn_error *err);

/* The same where filter k of the network is scale[k] times the one in f and an error in it weighs
 * importance[k]^2: f and scale make sum_k importance[k]^2 |w_k - scale[k] A_k f|^2 small, in rounds
 * from the scales given. No scale ends at 0. *error: the root of that sum, over that of w's. */
FSN_NODISCARD enum fsn_status fsn__fs_fit_scaled(const struct fsn__fs_geometry *g, const float *w,
                                                 const float *importance, float *scale, float *f,
                                                 double *error, struct fsn_error *err);

/* sqrt(sum_k importance[k]^2 |w_k - scale[k] A_k f|^2 / sum_k importance[k]^2 |w_k|^2), importance
 * and scale NULL: 1. filter: scratch of n floats. */
double fsn__fs_fit_error(const struct fsn__fs_geometry *g, const float *w, const float *importance,
                         const float *scale, const float *f, float *filter);

#endif
