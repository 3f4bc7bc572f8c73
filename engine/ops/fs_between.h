/* fs_between.h - a filter of layout 1d that lies between the elements of its Filter Summary.
 *
 * Yang et al., "FSNet" (arXiv 1902.03264 v3), the learned locations of "DFSNet". A filter that is
 * `offset` elements away from its start s, offset a real number p + a with p = floor(offset), is
 * interpolated between two neighbouring segments of the ring of L elements:
 *
 *   w[e] = (1 - a) F[s + p + e] + a F[s + p + 1 + e]                    (indices modulo L)
 *
 * so that the location has a gradient: dw/doffset = F[s + p + 1 + e] - F[s + p + e]. The ring has
 * no end, so any offset names a place. At a whole offset the filter is a segment of F again.
 */
#ifndef FSN_OPS_FS_BETWEEN_H
#define FSN_OPS_FS_BETWEEN_H

#include "ops/fs_geometry.h"

/* The start of filter k, which is moved by a whole number of elements: in 0 .. L-1. */
int64_t fsn__fs_moved_start(const struct fsn__fs_geometry *g, int64_t k, double elements);
/* w[C R S] of filter k, offset by a finite number of elements. */
void fsn__fs_gather_between(const struct fsn__fs_geometry *g, int64_t k, float offset,
                            const float *f, float *w);
/* f += A^T w for it, df; returns the gradient of the offset, sum_e w[e] dw[e]/doffset. df may be
 * NULL. */
double fsn__fs_scatter_between(const struct fsn__fs_geometry *g, int64_t k, float offset,
                               const float *f, const float *dw, float *df);

#endif
