/* amx_plan.h - convolution of stride 1 by the CPU's matrix unit (Intel AMX): how a pass is cut.
 *
 * The unit multiplies tiles of registers, 16 x 32 by 32 x 16, of bfloat16 into sums of float, many
 * times as fast as vectors multiply floats. So nothing is saved by Winograd's transforms (whose
 * sums and differences bfloat16 could not hold either): the sum over taps and channels is taken as
 * it stands,
 *
 *     forward            z[p, k]    = sum over taps t and channels c of x[p + t, c] w[t, c, k]
 *     backward, data     the same over dz, with the filters turned around and transposed
 *     backward, weights  dw[t, c, k] = sum over p of x[p + t, c] dz[p, k]
 *
 * with x, w and dz rounded to bfloat16 (8 bits of mantissa, the range of a float) and every sum in
 * float. That is what training in mixed precision is; a caller allows it by shape.bf16.
 *
 * A map is first copied ("packed") so that p + t is p plus a constant whatever p: rows follow each
 * other with so many zeros between them as the wider padding asks for, and so do images, so that a
 * batch of maps is one line of positions. Output p q has the position of the input's row p and
 * column q; the sums at positions between rows are never looked at.
 *
 *     position of row i, column j:  i pitch + j,   pitch = w + max(left, right),
 *     of image n's row i:           n image_rows + i,  image_rows = h + max(top, bottom)
 *     what tap (r, s) adds to it:   r pitch + s    (the packed line begins `left` positions early
 *                                                   and `top` rows)
 *
 * A position has all channels of a block of 32 side by side; with 16 channels or fewer in all a
 * product takes two neighbouring positions, which are two taps of a row.
 */
#ifndef FSN_KERNELS_AMX_PLAN_H
#define FSN_KERNELS_AMX_PLAN_H

#include "kernels/kernels.h"

#include <stddef.h>

enum {
    FSN__AMX_ROWS = 16,                             /* rows of a tile: positions, or channels */
    FSN__AMX_DEPTH = 32,                            /* products that are summed at once */
    FSN__AMX_TILE = FSN__AMX_ROWS * FSN__AMX_DEPTH, /* numbers of a tile of bfloat16 */
    FSN__AMX_BLOCKS = 2,                            /* destination blocks at a time */
    FSN__AMX_MAX_TAPS = 128,                        /* of a filter */
};

typedef uint16_t fsn__bf16;

/* A gather: forward, or backward by the data. src, dst: what is read and written. */
struct fsn__amx_plan {
    int64_t images, src_channels, dst_channels, src_blocks, dst_blocks;
    int64_t src_h, src_w, dst_h, dst_w;
    int64_t r, s, top, left;
    int64_t pitch, image_rows;
    int64_t lanes, chunks; /* channels of a packed position; how often they come */
    int64_t steps_across;  /* products for the S taps of a row */
    int64_t batches, most; /* batches of images; images of the largest */
    int64_t band, bands;   /* rows of the destination at a time: all, if there are several images */
    int64_t strip;         /* rows whose sums are held at a time */
};

/* Whether the shape is one of stride 1, as this algorithm needs. */
bool fsn__amx_takes(const struct fsn__conv_shape *shape);
void fsn__amx_plan_forward(const struct fsn__conv_shape *shape, int threads,
                           struct fsn__amx_plan *plan);
void fsn__amx_plan_backward(const struct fsn__conv_shape *shape, int threads,
                            struct fsn__amx_plan *plan);

/* Some images at work, whole or a band of the rows of one. */
struct fsn__amx_band {
    int64_t image, images, row0;
    int64_t rows; /* of positions, from the first row of the destination to the last */
};
/* Item `item` of batches * bands. */
struct fsn__amx_band fsn__amx_band(const struct fsn__amx_plan *plan, int64_t item);
/* The rows of the largest. */
int64_t fsn__amx_most_rows(const struct fsn__amx_plan *plan);

/* Positions of the packed source that so many rows read, and some that are 0 after them: a last
 * tile of positions, and the second tap of a pair, go past the end. */
static inline int64_t fsn__amx_positions(const struct fsn__amx_plan *plan, int64_t rows)
{
    return (rows + plan->r - 1) * plan->pitch + plan->left + plan->s + 2 * FSN__AMX_DEPTH;
}

/* Whether both gradients can share the packed dz: it lies the same for either. */
bool fsn__amx_joint(const struct fsn__amx_plan *data, const struct fsn__amx_plan *weights);

/* amx/amx.c, on x86-64: whether the CPU has the unit and the system lends it to this process; the
 * table. */
bool fsn__amx_supported(void);
extern const struct fsn__kernels fsn__amx;

#endif
