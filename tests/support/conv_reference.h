/* conv_reference.h - what the convolutions of engine/kernels must compute: the three passes of
 * kernels.h with all their hooks, as plain loops in double precision, for any shape and groups.
 *
 * A feature map is either plain NCHW or in the kernels' blocked layout [N][Cb][H][W][16]; the
 * same loops serve both, so a test can hand the same buffers to a kernel and to its reference.
 * Vectors per channel are indexed by the channel in both. Lanes past the last channel are never
 * read and never written: a test that wants them zero allocates zeroed memory.
 *
 * Two points where kernels.h leaves room: sum and sum_sq are set, da, db and dw are added to.
 */
#ifndef FSN_TESTS_CONV_REFERENCE_H
#define FSN_TESTS_CONV_REFERENCE_H

#include "kernels/kernels.h"

enum conv_layout { CONV_PLAIN, CONV_BLOCKED };

/* Elements of a map, and the place of one of them. */
int64_t conv_map_size(enum conv_layout layout, int64_t n, int64_t c, int64_t h, int64_t w);
int64_t conv_map_at(enum conv_layout layout, int64_t channels, int64_t h, int64_t w, int64_t n,
                    int64_t c, int64_t y, int64_t x);

/* z = store(conv(load(x), w)); load, store may be NULL. store->sum and sum_sq are not used: the
 * sums go to sum and sum_sq [K], either NULL when not wanted. */
void conv_reference_forward(enum conv_layout layout, const struct fsn__conv_shape *shape,
                            const float *x, const struct fsn__load *load, const float *w, double *z,
                            const struct fsn__store *store, double *sum, double *sum_sq);

/* dx (+)= gradient of the raw input; grad, store may be NULL (no hooks; dx is set). store->da and
 * db are not used: the sums are added to da and db [C], NULL when not wanted. */
void conv_reference_backward_data(enum conv_layout layout, const struct fsn__conv_shape *shape,
                                  const float *dz, const struct fsn__grad_load *grad,
                                  const float *w, double *dx, const struct fsn__grad_store *store,
                                  double *da, double *db);

/* dw [K][C / groups][R][S] += gradient of the filters. */
void conv_reference_backward_weights(enum conv_layout layout, const struct fsn__conv_shape *shape,
                                     const float *x, const struct fsn__load *load, const float *dz,
                                     const struct fsn__grad_load *grad, double *dw);

#endif
