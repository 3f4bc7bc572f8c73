/* winograd.h - Winograd's minimal filtering F(4x4, 3x3): what a pass of a shape works on.
 *
 * Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016),
 * section 4. An output tile of 4 x 4 comes from an input tile d of 6 x 6 (tiles overlap by two) and
 * a filter g of 3 x 3 by
 *     V = B^T d B,   U = G g G^T,   M_f = sum_c V_f U_f,   Y = A^T M A
 * with 36 products a channel in place of 144; f = 0..35 counts the elements of the 6 x 6 matrices,
 * called frequencies here. For each of them the sum over channels is a matrix product of V [tiles x
 * C] and U [C x K]. The gradient of the filters is the adjoint of all that:
 *     dM = A dY A^T,   dU_f = sum_tiles V_f^T dM_f,   dg = G^T dU G,
 * and that of the input is the forward pass over dY with padding 2 - pad and the filters turned
 * around and transposed: w'[c][k][i][j] = w[k][c][2-i][2-j].
 *
 * The matrices follow from six interpolation points: 0, infinity, +-a and +-b, here a = 5/8 and
 * b = 3/2. The paper's 1 and 2 save a few multiplications, but with these, nearer to each other's
 * inverse, the rms error is half and the largest error a fifth (1.4e-6 and 1.5e-5 of the output's
 * rms at 256 channels, where a direct sum has 3e-7). All powers and products of them that B and A
 * need are exact in f32.
 *
 * Buffers (floats; every one has a plane for each frequency, `step` apart; a step is an odd number
 * of cache lines, so that the planes do not fall on the same sets of the cache):
 *     V   [frequency][channel block][tile of the block][16]
 *     M   [frequency][filter block][tile of the block][16]; dM likewise
 *     U   [frequency][strip][channel][filters of the strip], strips of 4, 2 or 1 filter blocks
 *     dU  [frequency][filter block][channel][16]
 *
 * Stride 2 (winograd_strided.h) has 25 frequencies and, on the side of the larger map, up to four
 * phases beside each other: where V, M, U or dU above have a block of its channels, they have one
 * for each phase that the frequency knows, [block][phase].
 *
 * Two regimes. Small U (it fits in cache): the tiles are split over the threads, each walks its own
 * in blocks whose V and M stay in the L2. Large U: V of many tiles first, all threads together;
 * then the filters are split over the threads in groups of 64, and each transforms the filters a
 * few channels at a time and uses them at once, so that U never goes through memory.
 */
#ifndef FSN_KERNELS_WINOGRAD_H
#define FSN_KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

#include <stddef.h>

#define FSN__WINO_A 0.625F
#define FSN__WINO_B 1.5F

enum {
    FSN__WINO_FREQUENCIES = 36,
    FSN__WINO_STRIDED_SIDE = 5, /* a tile has so many frequencies across with stride 2 */
    FSN__WINO_PHASES = 4,
    FSN__WINO_GROUP = 4,  /* filter blocks of a group */
    FSN__WINO_CHUNK = 64, /* channels of U at a time in the large regime */
};

enum fsn__wino_pass {
    FSN__WINO_FORWARD,
    FSN__WINO_BACKWARD_DATA,
    FSN__WINO_BACKWARD_WEIGHTS,
    FSN__WINO_PASSES
};

/* One pass: a map of c channels, h x w, becomes one of k channels, p x q (for the gradient of the
 * filters: is set against it). For backward_data these are the shape's K and C. With stride 2 the
 * larger map has four phases: its side's c_parts or k_parts is 4, else both are 1. */
struct fsn__wino {
    enum fsn__wino_pass pass;
    bool strided;
    int frequencies;
    int64_t n, c, k, h, w, p, q, pad_top, pad_left;
    int64_t c_blocks, k_blocks, c_parts, k_parts;
    int64_t tiles_x, tiles_image, tiles; /* across, of an image, of all images */
    bool large;                          /* the regime */
    int64_t capacity;                    /* tiles of a block: V and M have room for */
    int64_t u_step, v_step, m_step;      /* from one frequency to the next */
    size_t u_bytes, v_bytes, m_bytes, sums_bytes;
    bool u_shared, v_shared, m_shared; /* one for all threads, or one for each */
    size_t total_bytes;
};

/* A thread's view of the scratch. */
struct fsn__wino_work {
    float *u, *v, *m;
    double *sums; /* [2][k_blocks * 16] */
};

/* Phases of the larger map that have frequency f, of the side with `parts` of them. */
static inline int64_t fsn__wino_parts(int f, int64_t parts)
{
    const int last = FSN__WINO_STRIDED_SIDE - 1;

    if (parts == 1)
        return 1;
    return (f / FSN__WINO_STRIDED_SIDE < last ? 2 : 1) *
           (f % FSN__WINO_STRIDED_SIDE < last ? 2 : 1);
}

void fsn__wino_plan(const struct fsn__conv_shape *shape, enum fsn__wino_pass pass, int threads,
                    struct fsn__wino *plan);
struct fsn__wino_work fsn__wino_work(const struct fsn__wino *plan, void *work, int thread);
/* Whether both gradients can go through the tiles together, a block at a time: each block's dz, z
 * and x then come from memory once. Both in the small regime, and tiles and blocks must agree. */
bool fsn__wino_joint(const struct fsn__wino *data, const struct fsn__wino *weights);
/* A thread's view for the data's half of that; the half of the filters has its own (fsn__wino_work
 * of its plan), and the two take turns with one pair of buffers: V of one is M of the other. */
struct fsn__wino_work fsn__wino_joint_work(const struct fsn__wino *data,
                                           const struct fsn__wino *weights, void *work, int thread);
/* Scratch of the largest of the passes. */
size_t fsn__wino_work_bytes(const struct fsn__conv_shape *shape, int threads);

#endif
