/* allocate.h - how much of one global budget each layer gets. */
#ifndef FSN_FS_ALLOCATE_H
#define FSN_FS_ALLOCATE_H

#include "fs/fs.h"

/* What a layer would lose at each of the ratios 1 (filters side by side), 2^(1/3), 2^(2/3), ... and
 * at each width that it may have. */
enum { FSN__CURVE_POINTS = 24, FSN__MAX_WIDTHS = 6 };
struct fsn__fs_curve {
    double ratio[FSN__CURVE_POINTS];
    double size[FSN__CURVE_POINTS];  /* elements of the Filter Summary */
    double error[FSN__CURVE_POINTS]; /* (|W - A F| / |W|)^2 of the least-squares fit */
    int widths;                      /* at least 1 */
    int bits[FSN__MAX_WIDTHS];
    double noise[FSN__MAX_WIDTHS]; /* (|F - Q(F)| / |F|)^2 */
};

/* The curve of one planned layer with the weights w [K,C,R,S], in the row's layout; of the widths,
 * only that there is one, the row's, without noise. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__fs_curve(const struct fsn_plan_layer *layer,
                                            enum fsn_spacing spacing, const float *w,
                                            struct fsn__fs_curve *out, struct fsn_error *err);

/* How budget and layers stand to one another. */
struct fsn__fs_shares {
    const struct fsn__fs_curve *curves;
    const double *weight; /* what one unit of error costs; no positive number: as the largest */
    size_t count;
    double total;  /* bits of all elements together, at most */
    double ratio;  /* the even one, of values of the first width */
    double spread; /* no layer has so many times fewer bits for a weight */
};

/* Ratios and widths [count], each one of the layer's curve, that minimise
 * sum_i weight[i] error_i(r_i, b_i) while sum_i size_i(r_i) b_i <= total. */
void fsn__fs_allocate(const struct fsn__fs_shares *shares, double *ratios, int *bits);

#endif
