/* im2col.h - convolution as a matrix product: the matrix of patches, and its transpose.
 *
 * x: `channels` planes of one image. col: [channels * taps][outputs], row (c, k) holds what tap k
 * reads from channel c at each output, zero where that is padding. Then y = w col for a filter
 * matrix w: [filters][channels * taps]. The gradient goes back through the transpose:
 * dcol = w^T dy and dx += col2im(dcol), each element of dcol added where im2col read it.
 */
#ifndef FSN_OPS_IM2COL_H
#define FSN_OPS_IM2COL_H

#include "ops/window.h"

void fsn__im2col(const struct fsn__window *w, int64_t channels, const float *x, float *col);
/* dx += ...; what lies in the padding is overwritten with zero in dcol on the way. */
void fsn__col2im_add(const struct fsn__window *w, int64_t channels, float *dcol, float *dx);

#endif
