/* filters.h - where a convolution reads its filters: in a Filter Summary, each at its place.
 *
 * A filter of layout 1d is a run of F, and a filter of layout 3d a block of it (ops/fs_geometry.h),
 * so there is no need to write all K of them out side by side first. The kernels ask for a few
 * channels of one filter where they put them in the order that they compute with, and mostly get a
 * pointer into F. Plain weights [K,C,R,S] are the Filter Summary in which no two filters meet: 1d,
 * L = K C R S.
 */
#ifndef FSN_KERNELS_FILTERS_H
#define FSN_KERNELS_FILTERS_H

#include "ops/fs_geometry.h"

struct fsn__filters {
    struct fsn__fs_geometry geometry; /* c: channels of a group */
    const float *f;
    /* [K C R S]: what the filters are made of besides, (1 - share) of it; NULL: nothing */
    const float *base;
    const float *scale; /* [K]: filter k is multiplied by scale[k]; NULL: by nothing */
    float share;
};

/* The geometry of plain weights. */
struct fsn__fs_geometry fsn__filters_plain(int64_t k, int64_t c, int64_t r, int64_t s);

/* Channels [c, c + count) of filter k: a pointer to count R S floats, which lie in F or, where they
 * are not in one piece there, have a scale or are blended with base, in copy. */
const float *fsn__filters_read(const struct fsn__filters *filters, int64_t k, int64_t c,
                               int64_t count, float *copy);

/* dF += A^T dw, the gradient of all filters [K,C,R,S]; F is split over the threads, and the sums
 * are the same for any number of them. Blended filters are dF += share A^T dw: dw is scaled. */
void fsn__filters_scatter(const struct fsn__filters *filters, float *dw, float *df,
                          struct fsn__pool *pool);

/* A geometry without its slots as an attribute of integers, for nodes that the layout pass makes.
 */
enum { FSN__GEOMETRY_INTS = 15 };
void fsn__geometry_to_ints(const struct fsn__fs_geometry *geometry,
                           int64_t ints[FSN__GEOMETRY_INTS]);
struct fsn__fs_geometry fsn__geometry_of_ints(const int64_t ints[FSN__GEOMETRY_INTS]);

#endif
