/* winograd_isa.h - the stages of a Winograd convolution, compiled for each instruction set. */
#ifndef FSN_KERNELS_ISA_WINOGRAD_ISA_H
#define FSN_KERNELS_ISA_WINOGRAD_ISA_H

#include "kernels/kernels_isa.h"
#include "kernels/winograd.h"

#define wino_input FSN__ISA_NAME(fsn__wino_input)
#define wino_gradient FSN__ISA_NAME(fsn__wino_gradient)
#define wino_output FSN__ISA_NAME(fsn__wino_output)
#define wino_filter FSN__ISA_NAME(fsn__wino_filter)
#define wino_filter_gradient FSN__ISA_NAME(fsn__wino_filter_gradient)
#define wino_gather FSN__ISA_NAME(fsn__wino_gather)
#define wino_scatter FSN__ISA_NAME(fsn__wino_scatter)
#define wino_strided_input FSN__ISA_NAME(fsn__wino_strided_input)
#define wino_strided_gradient FSN__ISA_NAME(fsn__wino_strided_gradient)
#define wino_strided_output FSN__ISA_NAME(fsn__wino_strided_output)
#define wino_strided_filter FSN__ISA_NAME(fsn__wino_strided_filter)
#define wino_strided_filter_gradient FSN__ISA_NAME(fsn__wino_strided_filter_gradient)
#define wino_multiply FSN__ISA_NAME(fsn__wino_multiply)
#define wino_correlate FSN__ISA_NAME(fsn__wino_correlate)

/* Where a map is read, and through which hook: load, grad or neither. */
struct wino_reader {
    const float *map;
    const struct fsn__load *load;
    const struct fsn__grad_load *grad;
};

/* Where a map is written, and through which hook: store, grad or neither. stream: past the caches.
 */
struct wino_writer {
    float *map;
    const struct fsn__store *store;
    const struct fsn__grad_store *grad;
    bool stream;
};

/* V of the tiles [first, first + count); v is where tile `first` of the first block goes. */
void wino_input(const struct fsn__wino *plan, const struct wino_reader *reader, int64_t first,
                int64_t count, float *v);
/* dM of the tiles; m likewise. */
void wino_gradient(const struct fsn__wino *plan, const struct wino_reader *reader, int64_t first,
                   int64_t count, float *m);
/* Output tiles of `blocks` filter blocks from block `block` on; m holds these blocks alone. Adds to
 * sums what the hook wants summed up. */
void wino_output(const struct fsn__wino *plan, const struct wino_writer *writer, int64_t block,
                 int64_t blocks, int64_t first, int64_t count, const float *m, double *sums);

/* U for the 16 output channels of `block` and `count` (at most 16) input channels from c on, from
 * the filters of the forward pass: input channel c + i goes to u + i * row. */
void wino_filter(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t block,
                 int64_t c, int64_t count, float *u, int64_t row);
/* dw [K][C][3][3] += G^T dU G for one block of filters and one of channels; dU is the sum over
 * `parts` arrays, part_step floats apart, with rows of 16 filters. */
void wino_filter_gradient(const struct fsn__wino *plan, const float *du, int parts,
                          int64_t part_step, int64_t c_block, int64_t k_block, float *dw);

/* 16 output channels of `block` and `count` (at most 16) input channels from c on, of the filters
 * of the forward pass: [input channel][tap][output channel], in the backward pass of the data
 * turned around; and a gradient in that form onto dw [K][C][3][3]. */
enum { FSN__WINO_TAPS = 9 };
typedef float fsn__wino_taps[FSN__WINO_TAPS][FSN__LANES];
void wino_gather(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t block,
                 int64_t c, int64_t count, fsn__wino_taps *g);
void wino_scatter(const struct fsn__wino *plan, const fsn__wino_taps *g, int64_t k, int64_t c,
                  float *dw);

/* The same stages for stride 2 (winograd_strided.h). */
void wino_strided_input(const struct fsn__wino *plan, const struct wino_reader *reader,
                        int64_t first, int64_t count, float *v);
void wino_strided_gradient(const struct fsn__wino *plan, const struct wino_reader *reader,
                           int64_t first, int64_t count, float *m);
void wino_strided_output(const struct fsn__wino *plan, const struct wino_writer *writer,
                         int64_t block, int64_t blocks, int64_t first, int64_t count,
                         const float *m, double *sums);
/* The filters that a U holds: output blocks [block, block + blocks), input channels [c, c + count).
 */
struct wino_piece {
    int64_t block, blocks, c, count;
};
/* U for the piece's output block j and 16 channels from its channel i on. */
void wino_strided_filter(const struct fsn__wino *plan, const struct fsn__filters *w,
                         const struct wino_piece *piece, int64_t j, int64_t i, float *u);
/* index: which block of 16 x 16 filters of dU. */
void wino_strided_filter_gradient(const struct fsn__wino *plan, const float *du, int64_t index,
                                  int parts, int64_t part_step, int64_t c_block, int64_t k_block,
                                  float *dw);

/* One frequency of M (+)= V U for `blocks` filter blocks and `tiles` tiles. The channels of V
 * follow each other in blocks of 16, `capacity` tiles apart; M's rows past `tiles` up to the next
 * multiple of 24 are written without meaning. */
void wino_multiply(const float *v, const float *u, float *m, int64_t capacity, int64_t tiles,
                   int64_t channels, int64_t blocks, bool add);
/* Where in a frequency's plane of U the strip that holds `block` (of `blocks`) has this block's
 * row of channel 0, and how far apart its rows are. */
int64_t FSN__ISA_NAME(fsn__wino_strip)(int64_t block, int64_t blocks, int64_t channels,
                                       int64_t *row);
/* One frequency of dU (+)= V^T dM for one block of channels and `blocks` filter blocks; the rows of
 * filter block j of dU are at du + j * du_step. */
void wino_correlate(const float *v, const float *m, float *du, int64_t du_step, int64_t capacity,
                    int64_t tiles, int64_t blocks, bool add);
#define wino_strip FSN__ISA_NAME(fsn__wino_strip)

#endif
