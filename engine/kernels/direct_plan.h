/* direct_plan.h - one description for all passes of the direct convolution.
 *
 * Forward and backward data are the same computation, a "gather": every element of a destination is
 * a sum over taps and source channels. With i, j counting rows and columns of a grid,
 *
 *   forward        dst = z, src = x:    z[i, j] = sum over taps (r, s) of
 *                                       w[r, s] x[i sy + r dy - top, j sx + s dx - left]
 *   backward data  dst = x, src = dz:   one grid for each phase (py, px) of the stride,
 *                                       dx[py + i sy, px + j sx] = sum over the taps with
 *                                       sy | py + top - r dy  and  sx | px + left - s dx  of
 *                                       w[r, s]' dz[i + (py + top - r dy) / sy, j + ...]
 *
 * so each has a step of the source per step of the grid, one offset per tap, and a step of the
 * destination. The taps of a filter fall into exactly one phase each: no multiplication by zero.
 *
 * Rows of the source that a band of grid rows needs are first copied ("packed") with what is to be
 * applied on reading, and with the zero padding; columns are sorted by their remainder modulo the
 * step. After that neighbours in the grid are 16 floats apart whatever the stride, and there are
 * no borders: packed[block][row][column mod step][column / step][16].
 *
 * Few channels (C <= 4, the first layer): the S columns of the filter become channels, lane s C +
 * c, and the filter R x 1. A depthwise convolution is one of Cb groups, a block of 16 channels
 * each, in which lanes are not mixed.
 */
#ifndef FSN_KERNELS_DIRECT_PLAN_H
#define FSN_KERNELS_DIRECT_PLAN_H

#include "kernels/kernels.h"

enum { FSN__DIRECT_MAX_TAPS = 128, FSN__DIRECT_MAX_STRIDE = 4 };

struct fsn__direct_tap {
    int64_t source; /* offset in the packed source, in floats */
    int64_t weight; /* which tap of the packed filters, r S + s */
};

struct fsn__direct_phase {
    int64_t y0, x0, rows, cols; /* first element of the destination, size of the grid */
    int tap0, taps;             /* a range of plan.tap */
};

struct fsn__direct_plan {
    bool depthwise, few;
    int64_t images, groups;
    int64_t src_channels, dst_channels;     /* of a group; lanes of a few-channel source */
    int64_t src_blocks, dst_blocks;         /* of a group, in blocks of 16 */
    int64_t src_map_blocks, dst_map_blocks; /* of all groups together: blocks of a map */
    int64_t src_h, src_w, dst_h, dst_w;
    int64_t taps;                   /* of all phases together */
    int64_t filter_taps;            /* of the packed filters: R S, or R with few channels */
    int64_t few_channels, few_cols; /* few: C, S, and how the S columns lie in the source */
    int64_t few_step, few_dilation, few_left;
    int64_t src_step_y, src_step_x; /* steps of the source per step of the grid */
    int64_t dst_step_y, dst_step_x;
    int64_t row_min, row_max, col_min; /* least and greatest offset of a tap */
    int64_t grid_rows, grid_cols;      /* of the largest phase */
    unsigned rows_used, cols_used;     /* bit m: a tap reads rows (columns) = m modulo the step */
    int64_t column_pitch;              /* pixels of one remainder class of columns */
    int64_t row_pitch;                 /* floats of a packed row */
    int64_t band;                      /* grid rows packed at a time */
    int64_t bands;
    int64_t block_pitch; /* floats of one packed block of a full band */
    int phase_count;
    struct fsn__direct_phase phase[FSN__DIRECT_MAX_STRIDE * FSN__DIRECT_MAX_STRIDE];
    struct fsn__direct_tap tap[FSN__DIRECT_MAX_TAPS];
};

/* For shapes that fsn__direct_takes. */
void fsn__direct_plan_forward(const struct fsn__conv_shape *shape, struct fsn__direct_plan *plan);
void fsn__direct_plan_backward(const struct fsn__conv_shape *shape, struct fsn__direct_plan *plan);

/* Images that a task works on at once: whole small maps of several share one reading of the
 * filters. The images are cut into `batches` as equal as can be, the same number for each thread;
 * `most` is the size of the largest. */
struct fsn__direct_batches {
    int64_t batches, most;
};
struct fsn__direct_batches fsn__direct_batch(const struct fsn__direct_plan *plan, int threads);

/* Rows of the source that grid_rows rows of the grid read. */
static inline int64_t fsn__direct_packed_rows(const struct fsn__direct_plan *plan,
                                              int64_t grid_rows)
{
    return (grid_rows - 1) * plan->src_step_y + plan->row_max - plan->row_min + 1;
}

#endif
