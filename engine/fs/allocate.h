/* allocate.h - how much of one global budget each layer gets. */
#ifndef FSN_FS_ALLOCATE_H
#define FSN_FS_ALLOCATE_H

#include "fs/fs.h"

/* What a layer would lose at each of the ratios 1 (filters side by side), 2^(1/3), 2^(2/3), ... */
enum { FSN__CURVE_POINTS = 24 };
struct fsn__fs_curve {
    double ratio[FSN__CURVE_POINTS];
    double size[FSN__CURVE_POINTS];  /* elements of the Filter Summary */
    double error[FSN__CURVE_POINTS]; /* (|W - A F| / |W|)^2 of the least-squares fit */
};

/* The curve of one planned layer with the weights w [K,C,R,S], in the row's layout. Errors: NOMEM.
 */
FSN_NODISCARD enum fsn_status fsn__fs_curve(const struct fsn_plan_layer *layer,
                                            enum fsn_spacing spacing, const float *w,
                                            struct fsn__fs_curve *out, struct fsn_error *err);

/* Ratios [count] that minimise sum_i weight[i] error_i(r_i) while sum_i size_i(r_i) <= total, each
 * one of its curve's; no layer's is further than `spread` times from `ratio`, the even one. A
 * weight that is no positive number counts as the largest of the others. */
void fsn__fs_allocate(const struct fsn__fs_curve *curves, const double *weight, size_t count,
                      double total, double ratio, double spread, double *ratios);

#endif
