/* amx.h - what the files of the matrix unit's convolution share (amx_plan.h).
 *
 *   amx_pack.c      maps and filters into the order that tiles read
 *   amx_tile.c      the products of tiles: where the unit works
 *   amx_gather.c    forward and backward data: the loops around the products
 *   amx_weights.c   backward weights
 *   amx.c           the passes, the table, and whether this machine has the unit
 *
 * They are compiled with the switches of the level avx512 and those of the unit, and read and store
 * maps as the direct convolution does (isa/direct.h).
 */
#ifndef FSN_KERNELS_AMX_AMX_H
#define FSN_KERNELS_AMX_AMX_H

#include "kernels/amx_plan.h"
#include "kernels/isa/direct.h"

/* ---- packing ------------------------------------------------------------------------------- */

/* How the maps of a batch become one line of positions (amx_plan.h); position 0 is `top` rows and
 * `left` columns before the first element. */
struct fsn__amx_line {
    int64_t images, blocks, h, w; /* of the map; blocks: of all channels */
    int64_t pitch, image_rows, top, left;
    int64_t row0, rows; /* rows of positions: from row0 - top on */
    int64_t positions;  /* how long the line is; past the last row it is 0 */
};

/* The line that a band of the plan's source becomes. */
static inline struct fsn__amx_line fsn__amx_source_line(const struct fsn__amx_plan *plan,
                                                        const struct fsn__amx_band *band,
                                                        int64_t positions)
{
    return (struct fsn__amx_line){.images = band->images,
                                  .blocks = plan->src_blocks,
                                  .h = plan->src_h,
                                  .w = plan->src_w,
                                  .pitch = plan->pitch,
                                  .image_rows = plan->image_rows,
                                  .top = plan->top,
                                  .left = plan->left,
                                  .row0 = band->row0,
                                  .rows = band->rows + plan->r - 1,
                                  .positions = positions};
}

/* One block of channels (16 numbers a position), or with `pair` two, side by side (32; the second
 * 0 where the map ends). src: the map of the first image, which reader->z is beside. */
void fsn__amx_pack(const struct fsn__amx_line *line, const float *src,
                   const struct fsn__reader *reader, int64_t block, bool pair, fsn__bf16 *to);

/* From one block of a line with `lanes` numbers a position: to[position / 2][16][2]. Positions come
 * in whole tiles of 32. */
void fsn__amx_pairs(const fsn__bf16 *line, int64_t lanes, int64_t positions, fsn__bf16 *to);
/* From a line of 16 numbers a position: to[16][stride]. */
void fsn__amx_columns(const fsn__bf16 *line, int64_t positions, fsn__bf16 *to, int64_t stride);

/* The filters of a gather: [dst block][chunk][r][step across][16 pairs of sources][16][2]; backward
 * they are turned around and transposed. Thread `thread` of `threads` does its share. */
void fsn__amx_pack_filters(const struct fsn__amx_plan *plan, bool backward,
                           const struct fsn__filters *w, fsn__bf16 *to, int thread, int threads);
static inline int64_t fsn__amx_steps(const struct fsn__amx_plan *plan)
{
    return plan->chunks * plan->r * plan->steps_across;
}

/* ---- tiles --------------------------------------------------------------------------------- */

/* A thread's registers are tiles between these two. */
void fsn__amx_begin(void);
void fsn__amx_end(void);

/* sums[position][blocks * 16] = sum over chunks, r and steps of source * filters. Steps in bf16
 * numbers. */
struct fsn__amx_product {
    const fsn__bf16 *source, *filters;
    int64_t chunks, r, across;
    int64_t chunk_step, row_step, across_step, lanes;
    int64_t filter_block; /* from one destination block's filters to the next's */
    float *sums;
};
/* blocks: 1 or 2; tiles of 16 positions. */
void fsn__amx_multiply(const struct fsn__amx_product *product, int64_t tiles, int blocks);

/* dw[tap][16][16] += sum over positions of x[channel][position + tap] dz[position][k], for `taps`
 * neighbours, of one block of channels and one of filters; or of 2 x 2 blocks and one tap. */
struct fsn__amx_correlation {
    const fsn__bf16 *x, *dz;   /* columns, at the tap; pairs */
    int64_t stride;            /* of x, from channel to channel */
    int64_t positions;         /* in whole tiles of 32 */
    int64_t x_block, dz_block; /* from block to block */
    float *dw;
    int64_t dw_x, dw_dz; /* floats, from block to block */
};
void fsn__amx_correlate(const struct fsn__amx_correlation *correlation, int64_t taps);
void fsn__amx_correlate_four(const struct fsn__amx_correlation *correlation);

/* ---- passes -------------------------------------------------------------------------------- */

/* Forward or backward data, batch by batch. */
struct fsn__amx_gather {
    struct fsn__amx_plan plan;
    bool backward;
    const float *src;
    const struct fsn__filters *w;
    float *dst;
    struct fsn__reader reader;
    const struct fsn__store *store;           /* forward */
    const struct fsn__grad_store *grad_store; /* backward */
    const float *beside, *joined;             /* like dst (struct fsn__row) */
    bool wants_sums, stream;
    fsn__bf16 *filters;
    char *own;    /* of the threads, one after the other */
    double *sums; /* [threads][2][dst_blocks * 16] */
};

size_t fsn__amx_gather_work(const struct fsn__amx_plan *plan, int threads);
/* Packs the filters and zeroes the sums; then the threads do their items, each on its own part of
 * the work space; then the sums are added up. */
void fsn__amx_gather_begin(struct fsn__amx_gather *g, void *work, struct fsn__pool *pool);
void fsn__amx_gather_item(const struct fsn__amx_gather *g, int64_t item, int thread);
void fsn__amx_gather_end(const struct fsn__amx_gather *g, int threads);
/* The packed source of the thread's last item, chunk by chunk. */
const fsn__bf16 *fsn__amx_gather_packed(const struct fsn__amx_gather *g, int64_t chunk, int thread);

/* Backward weights, likewise. */
struct fsn__amx_weights {
    struct fsn__amx_plan plan; /* forward: x is the source */
    const float *x, *dz;
    struct fsn__reader x_reader, dz_reader;
    const struct fsn__amx_gather *data; /* NULL, or whose packed dz is used, item by item */
    char *own;                          /* of the threads, one after the other */
    float *sum;                         /* [threads][dst block][src block][tap][16][16] */
    float *dw;
};

size_t fsn__amx_weights_work(const struct fsn__amx_plan *plan, int threads);
void fsn__amx_weights_begin(struct fsn__amx_weights *g, void *work, struct fsn__pool *pool);
void fsn__amx_weights_item(const struct fsn__amx_weights *g, int64_t item, int thread);
void fsn__amx_weights_end(const struct fsn__amx_weights *g, struct fsn__pool *pool);

#endif
