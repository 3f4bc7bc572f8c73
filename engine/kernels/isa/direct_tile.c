/* direct_tile.c - the register tiles of the direct convolution.
 *
 * A tile keeps T pixels x V vectors of destination channels in registers. One step takes one source
 * channel: V vectors of weights, T scalars of the source, each broadcast, T V multiply-adds. With
 * L lanes real in a block a tile does (blocks L taps) such steps without touching its sums. T V of
 * 8 or more hides the latency of the multiply-add; more spares loads of weights.
 *
 * Backward weights is the outer product over pixels: T source channels x one block of destination
 * channels stay in registers while images, rows and columns pass by.
 */
#include "kernels/isa/direct.h"

FSN__INLINE void tile(const struct fsn__tile *t, const int pixels, const int chunk)
{
    const int vectors = chunk * FSN__PARTS;
    fsn__vec acc[FSN__MAX_PIXELS][FSN__MAX_CHUNK * FSN__PARTS];

    FSN__UNROLL
    for (int p = 0; p < pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < vectors; v++)
            acc[p][v] = fsn__vec_zero();
    }
    for (int64_t block = 0; block < t->blocks; block++) {
        const int64_t lanes = block == t->blocks - 1 ? t->last_lanes : FSN__LANES;

        for (int i = 0; i < t->taps; i++) {
            const float *source = t->source + block * t->source_block + t->tap[i].source;
            const float *weights = t->weights + block * t->weights_block +
                                   t->tap[i].weight * FSN__LANES * FSN__LANES * chunk;

            for (int64_t lane = 0; lane < lanes; lane++) {
                fsn__vec w[FSN__MAX_CHUNK * FSN__PARTS];

                FSN__UNROLL
                for (int v = 0; v < vectors; v++)
                    w[v] = fsn__vec_load(weights + v * FSN__VL);
                FSN__UNROLL
                for (int p = 0; p < pixels; p++) {
                    const fsn__vec x = fsn__vec_set(source[p * FSN__LANES]);

                    FSN__UNROLL
                    for (int v = 0; v < vectors; v++)
                        acc[p][v] += x * w[v];
                }
                source++;
                weights += FSN__LANES * chunk;
            }
        }
    }
    FSN__UNROLL
    for (int p = 0; p < pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < vectors; v++) {
            float *to = t->acc + (p * vectors + v) * FSN__VL;

            fsn__vec_store(to, t->add ? acc[p][v] + fsn__vec_load(to) : acc[p][v]);
        }
    }
}

FSN__INLINE void depthwise(const struct fsn__tile *t, const int pixels)
{
    fsn__vec acc[FSN__MAX_PIXELS][FSN__PARTS];

    FSN__UNROLL
    for (int p = 0; p < pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++)
            acc[p][v] = fsn__vec_zero();
    }
    for (int i = 0; i < t->taps; i++) {
        const float *source = t->source + t->tap[i].source;
        const float *weights = t->weights + t->tap[i].weight * FSN__LANES;

        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++) {
            const fsn__vec w = fsn__vec_load(weights + v * FSN__VL);

            FSN__UNROLL
            for (int p = 0; p < pixels; p++)
                acc[p][v] += fsn__vec_load(source + p * FSN__LANES + v * FSN__VL) * w;
        }
    }
    FSN__UNROLL
    for (int p = 0; p < pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++)
            fsn__vec_store(t->acc + (p * FSN__PARTS + v) * FSN__VL, acc[p][v]);
    }
}

FSN__INLINE void outer(const struct fsn__outer *o, const int lanes)
{
    fsn__vec acc[FSN__MAX_OUTER][FSN__PARTS];

    FSN__UNROLL
    for (int l = 0; l < lanes; l++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++)
            acc[l][v] = fsn__vec_zero();
    }
    for (int64_t image = 0; image < o->images; image++) {
        for (int64_t row = 0; row < o->rows; row++) {
            const float *x = o->x + image * o->x_image + row * o->x_row;
            const float *dz = o->dz + image * o->dz_image + row * o->dz_row;

            for (int64_t col = 0; col < o->cols; col++) {
                fsn__vec d[FSN__PARTS];

                FSN__UNROLL
                for (int v = 0; v < FSN__PARTS; v++)
                    d[v] = fsn__vec_load(dz + v * FSN__VL);
                FSN__UNROLL
                for (int l = 0; l < lanes; l++) {
                    const fsn__vec s = fsn__vec_set(x[l]);

                    FSN__UNROLL
                    for (int v = 0; v < FSN__PARTS; v++)
                        acc[l][v] += s * d[v];
                }
                x += FSN__LANES;
                dz += FSN__LANES;
            }
        }
    }
    FSN__UNROLL
    for (int l = 0; l < lanes; l++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++) {
            float *to = o->dw + (l * FSN__PARTS + v) * FSN__VL;

            fsn__vec_store(to, o->add ? acc[l][v] + fsn__vec_load(to) : acc[l][v]);
        }
    }
}

FSN__INLINE void outer_pixel(const float *x, const float *dz, fsn__vec *acc)
{
    FSN__UNROLL
    for (int v = 0; v < FSN__PARTS; v++)
        acc[v] += fsn__vec_load(x + v * FSN__VL) * fsn__vec_load(dz + v * FSN__VL);
}

void fsn__outer_depthwise(const struct fsn__outer *o)
{
    fsn__vec even[FSN__PARTS] = {{0}}, odd[FSN__PARTS] = {{0}}; /* two, to hide latency */

    for (int64_t image = 0; image < o->images; image++) {
        for (int64_t row = 0; row < o->rows; row++) {
            const float *x = o->x + image * o->x_image + row * o->x_row;
            const float *dz = o->dz + image * o->dz_image + row * o->dz_row;
            int64_t col;

            for (col = 0; col + 1 < o->cols; col += 2) {
                outer_pixel(x, dz, even);
                outer_pixel(x + FSN__LANES, dz + FSN__LANES, odd);
                x += 2 * FSN__LANES;
                dz += 2 * FSN__LANES;
            }
            if (col < o->cols)
                outer_pixel(x, dz, even);
        }
    }
    for (int v = 0; v < FSN__PARTS; v++) {
        float *to = o->dw + v * FSN__VL;
        const fsn__vec sum = even[v] + odd[v];

        fsn__vec_store(to, o->add ? sum + fsn__vec_load(to) : sum);
    }
}

/* One function for each size, so that every loop over registers is unrolled. X(size, chunk). */
#define SIZES_3(X, c) X(1, c) X(2, c) X(3, c)
#define SIZES_6(X, c) SIZES_3(X, c) X(4, c) X(5, c) X(6, c)
#define SIZES_14(X, c) \
    SIZES_6(X, c) X(7, c) X(8, c) X(9, c) X(10, c) X(11, c) X(12, c) X(13, c) X(14, c)
#define SIZES_16(X, c) SIZES_14(X, c) X(15, c) X(16, c)

#define TILE(pixels, chunk)                                        \
    static void tile_##pixels##x##chunk(const struct fsn__tile *t) \
    {                                                              \
        tile(t, pixels, chunk);                                    \
    }
#define DEPTHWISE(pixels, unused)                             \
    static void depthwise_##pixels(const struct fsn__tile *t) \
    {                                                         \
        depthwise(t, pixels);                                 \
    }
#define OUTER(lanes, unused)                              \
    static void outer_##lanes(const struct fsn__outer *o) \
    {                                                     \
        outer(o, lanes);                                  \
    }
#define TILE_NAME(pixels, chunk) tile_##pixels##x##chunk,
#define DEPTHWISE_NAME(pixels, unused) depthwise_##pixels,
#define OUTER_NAME(lanes, unused) outer_##lanes,

#if defined(__AVX512F__)
#define SIZES SIZES_16
#elif defined(__AVX2__)
#define SIZES SIZES_6
#else
#define SIZES SIZES_3
#endif

SIZES(TILE, 1)
SIZES(DEPTHWISE, 1)
SIZES(OUTER, 1)
static fsn__tile_fn *const tiles_1[] = {SIZES(TILE_NAME, 1)};
static fsn__tile_fn *const depthwises[] = {SIZES(DEPTHWISE_NAME, 1)};
static fsn__outer_fn *const outers[] = {SIZES(OUTER_NAME, 1)};
#ifdef __AVX512F__
SIZES_14(TILE, 2)
static fsn__tile_fn *const tiles_2[] = {SIZES_14(TILE_NAME, 2)};
#endif

fsn__tile_fn *fsn__direct_tile(int chunk, int64_t pixels)
{
#ifdef __AVX512F__
    if (chunk == 2)
        return tiles_2[pixels - 1];
#endif
    (void)chunk;
    return tiles_1[pixels - 1];
}

fsn__tile_fn *fsn__depthwise_tile(int64_t pixels)
{
    return depthwises[pixels - 1];
}

fsn__outer_fn *fsn__outer_tile(int64_t lanes)
{
    return outers[lanes - 1];
}
