/* direct.h - what the files of the direct convolution share, for one instruction set.
 *
 *   direct_pack.c     source rows and filters into the order that the register tiles read
 *   direct_tile.c     the register tiles: where the time goes
 *   direct_store.c    what is applied to finished sums on their way to memory
 *   direct_gather.c   forward and backward data: the loops around the tiles
 *   direct_weights.c  backward weights
 *   direct.c          the table
 */
#ifndef FSN_KERNELS_ISA_DIRECT_H
#define FSN_KERNELS_ISA_DIRECT_H

#include "kernels/direct_plan.h"
#include "kernels/kernels_isa.h"

/* ---- packing ------------------------------------------------------------------------------- */

/* How a source is read: forward x = relu?(a v + b), backward scale dz + ds1 + 2 z ds2 (scale NULL:
 * 1); all NULL: as it is. Arrays per channel and z begin at the first block of the group and image
 * in question. */
struct fsn__reader {
    const float *a, *b; /* both or none */
    bool relu;
    const float *z, *ds1, *ds2; /* all or none */
    const float *scale;
};

/* The reader of what begins at `channel` of a map, and at float `at` of it. */
static inline struct fsn__reader fsn__direct_reader_at(const struct fsn__reader *of,
                                                       int64_t channel, int64_t at)
{
    struct fsn__reader reader = *of;

    reader.a = of->a ? of->a + channel : NULL;
    reader.b = of->b ? of->b + channel : NULL;
    reader.z = of->z ? of->z + at : NULL;
    reader.ds1 = of->ds1 ? of->ds1 + channel : NULL;
    reader.ds2 = of->ds2 ? of->ds2 + channel : NULL;
    reader.scale = of->scale ? of->scale + channel : NULL;
    return reader;
}

/* How a convolution's input and the gradient of its output are read. */
static inline struct fsn__reader fsn__direct_reader(const struct fsn__load *load)
{
    return load ? (struct fsn__reader){.a = load->a, .b = load->b, .relu = load->relu}
                : (struct fsn__reader){.a = NULL};
}

static inline struct fsn__reader fsn__direct_grad_reader(const struct fsn__grad_load *grad)
{
    return grad && grad->ds1 ? (struct fsn__reader){.z = grad->z,
                                                    .ds1 = grad->ds1,
                                                    .ds2 = grad->ds2,
                                                    .scale = grad->scale}
                             : (struct fsn__reader){.a = NULL};
}

/* Grid rows [row0, row0 + rows) of the plan's source; src: first block of an image's group. */
#define fsn__direct_pack_source FSN__ISA_NAME(fsn__direct_pack_source)
void fsn__direct_pack_source(const struct fsn__direct_plan *plan, const float *src,
                             const struct fsn__reader *reader, int64_t row0, int64_t rows,
                             float *packed);

/* The filters of the plan's gather: [group][chunk][source block][tap][lane][chunk * 16], chunks
 * as fsn__direct_chunk cuts them; depthwise [block][tap][16]. Thread `thread` of `threads`. */
#define fsn__direct_pack_filters FSN__ISA_NAME(fsn__direct_pack_filters)
void fsn__direct_pack_filters(const struct fsn__direct_plan *plan,
                              const struct fsn__conv_shape *shape, bool transpose,
                              const struct fsn__filters *w, float *packed, int thread, int threads);
static inline int64_t fsn__direct_filter_floats(const struct fsn__direct_plan *plan)
{
    const int64_t lanes = plan->depthwise ? 1 : FSN__LANES;

    return plan->groups * plan->dst_blocks * plan->src_blocks * plan->filter_taps * lanes *
           FSN__LANES;
}

/* pixels * 16 floats read into dst. */
#define fsn__direct_read FSN__ISA_NAME(fsn__direct_read)
void fsn__direct_read(float *dst, const float *src, int64_t pixels,
                      const struct fsn__reader *reader);

/* ---- register tiles ------------------------------------------------------------------------ */

/* acc[pixel][chunk * 16] (+)= sum over blocks, taps and lanes of
 *     source[block][tap + pixel * 16 + lane] * weights[block][tap][lane][chunk * 16]. */
struct fsn__tile {
    const float *source, *weights;
    int64_t source_block, weights_block; /* floats from block to block */
    const struct fsn__direct_tap *tap;
    int taps;
    int64_t blocks, last_lanes; /* lanes of the last block that are real */
    float *acc;
    bool add; /* to acc, else overwrite it */
};
typedef void fsn__tile_fn(const struct fsn__tile *tile);

/* Destination blocks computed together: two where there are registers for them. */
enum { FSN__MAX_CHUNK = FSN__VL == 16 ? 2 : 1, FSN__MAX_PIXELS = FSN__VL == 16 ? 16 : 6 };

/* As many as can be when `left` are left. */
static inline int fsn__direct_chunk(int64_t left)
{
    return left < FSN__MAX_CHUNK ? (int)left : FSN__MAX_CHUNK;
}

/* Most pixels of a tile with so many destination blocks. */
static inline int64_t fsn__direct_tile_pixels(int chunk)
{
    if (FSN__VL == 16)
        return chunk == 2 ? 14 : 16;
    return FSN__VL == 8 ? 6 : 3;
}
#define fsn__direct_tile FSN__ISA_NAME(fsn__direct_tile)
fsn__tile_fn *fsn__direct_tile(int chunk, int64_t pixels);
/* Depthwise: lanes are not mixed; weights[tap][16]. */
#define fsn__depthwise_tile FSN__ISA_NAME(fsn__depthwise_tile)
fsn__tile_fn *fsn__depthwise_tile(int64_t pixels);

/* dw[lane][16] (+)= sum over images, rows and columns of x[.. + lane] * dz[..][16]. */
struct fsn__outer {
    const float *x, *dz; /* x: at the tap and first lane of the tile */
    int64_t x_image, x_row, dz_image, dz_row;
    int64_t images, rows, cols;
    float *dw;
    bool add;
};
typedef void fsn__outer_fn(const struct fsn__outer *outer);
enum { FSN__MAX_OUTER = FSN__VL == 16 ? 16 : FSN__VL == 8 ? 6 : 3 };
#define fsn__outer_tile FSN__ISA_NAME(fsn__outer_tile)
fsn__outer_fn *fsn__outer_tile(int64_t lanes);
/* dw[16] (+)= sum of x[..][16] * dz[..][16]: depthwise. */
#define fsn__outer_depthwise FSN__ISA_NAME(fsn__outer_depthwise)
void fsn__outer_depthwise(const struct fsn__outer *outer);

/* ---- stores -------------------------------------------------------------------------------- */

/* One destination block of one row: from acc (pixel pitch acc_pixel floats) to dst (pixel pitch
 * dst_pixel floats). */
struct fsn__row {
    const float *acc;
    int64_t acc_pixel, pixels, dst_pixel;
    float *dst;
    bool stream;         /* past the caches; dst is aligned to 64 bytes */
    const float *beside; /* forward: residual; backward: z; NULL when not used */
    const float *joined; /* backward, where x ends a residual block (kernels.h); else NULL */
    int64_t channel;     /* the block's first, into the arrays per channel */
    double *sum1, *sum2; /* of this thread, from this block's first channel; NULL: not wanted */
};
#define fsn__direct_store_forward FSN__ISA_NAME(fsn__direct_store_forward)
void fsn__direct_store_forward(const struct fsn__row *row, const struct fsn__store *store);
#define fsn__direct_store_backward FSN__ISA_NAME(fsn__direct_store_backward)
void fsn__direct_store_backward(const struct fsn__row *row, const struct fsn__grad_store *store);
/* Whether so many floats of a destination go past the caches: no line of it is read first, and what
 * is packed stays in the L2. */
static inline bool fsn__direct_streams(const float *dst, int64_t floats)
{
    return (uintptr_t)dst % 64 == 0 && floats > INT64_C(256) << 10;
}
/* Adds the sums of the threads, [threads][2][channels], in their order, to to[0] and to[1], or sets
 * these. NULL: not wanted. */
#define fsn__direct_add_sums FSN__ISA_NAME(fsn__direct_add_sums)
void fsn__direct_add_sums(const double *sums, int threads, int64_t channels, float *const to[2],
                          bool set);
#define fsn__direct_store_zeros FSN__ISA_NAME(fsn__direct_store_zeros)
void fsn__direct_store_zeros(const struct fsn__row *row);

/* ---- passes -------------------------------------------------------------------------------- */

#define fsn__direct_gather_work FSN__ISA_NAME(fsn__direct_gather_work)
size_t fsn__direct_gather_work(const struct fsn__direct_plan *plan, int threads); /* bytes */
#define fsn__direct_forward FSN__ISA_NAME(fsn__direct_forward)
void fsn__direct_forward(const struct fsn__conv_shape *shape, const float *x,
                         const struct fsn__load *load, const struct fsn__filters *w, float *z,
                         const struct fsn__store *store, void *work, struct fsn__pool *pool);
#define fsn__direct_backward_data FSN__ISA_NAME(fsn__direct_backward_data)
void fsn__direct_backward_data(const struct fsn__conv_shape *shape, const float *dz,
                               const struct fsn__grad_load *grad, const struct fsn__filters *w,
                               float *dx, const struct fsn__grad_store *store, void *work,
                               struct fsn__pool *pool);
#define fsn__direct_weights_work FSN__ISA_NAME(fsn__direct_weights_work)
size_t fsn__direct_weights_work(const struct fsn__conv_shape *shape, int threads);
#define fsn__direct_backward_weights FSN__ISA_NAME(fsn__direct_backward_weights)
void fsn__direct_backward_weights(const struct fsn__conv_shape *shape, const float *x,
                                  const struct fsn__load *load, const float *dz,
                                  const struct fsn__grad_load *grad, float *dw, void *work,
                                  struct fsn__pool *pool);

#endif
