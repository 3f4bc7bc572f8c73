/* choose.h - a layer's geometry from its budget. */
#ifndef FSN_FS_CHOOSE_H
#define FSN_FS_CHOOSE_H

#include "ops/fs_geometry.h"

/* L = max(1, floor(K C R S / ratio)). */
struct fsn__fs_geometry fsn__fs_choose_1d(int64_t k, int64_t c, int64_t r, int64_t s, double ratio,
                                          enum fsn_spacing spacing);
/* The grid and strides that come nearest to the ratio; choose_3d.c has the rules. Every K, C, R, S
 * gets a valid geometry, which may miss the ratio, and may be no smaller than the filters. */
struct fsn__fs_geometry fsn__fs_choose_3d(int64_t k, int64_t c, int64_t r, int64_t s, double ratio);

#endif
