/* winograd_filter.c - the filter transform U = G g G^T and its adjoint dg = G^T dU G.
 *
 *         | 1/a2b2   0      0   |
 *         |  s     a s    a2 s  |     a2 = a^2 and so on; a, b in winograd.h
 *     G = |  s    -a s    a2 s  |     s = 1 / (2 a2 (a2 - b2)),  t = 1 / (2 b2 (b2 - a2))
 *         |  t     b t    b2 t  |
 *         |  t    -b t    b2 t  |
 *         |  0     0      1     |
 *
 * A filter is read channel by channel (filters.h) and the transforms want 16 output channels side
 * by side, so a block of 16 x 16 filters goes through a small buffer [input channel][tap][16 output
 * channels], by 4 x 4 transpositions, which every instruction set has. In the backward pass of the
 * data the output channels are the C of the filters and the taps run backwards (winograd.h).
 *
 * Forward and the backward pass of the data share the filters where they lie, but no U: under the
 * points of winograd.h the transform of a reversed filter is no permutation of the filter's. Of the
 * CPU time of a ResNet-18 step at batch 32, 2.3 % is spent here by both together, half of it in the
 * transform itself; the other half, the transpositions, could be shared only by keeping a copy of
 * all weights from the one pass to the other.
 */
#include "kernels/isa/winograd_isa.h"

#include <string.h>

#define A FSN__WINO_A
#define B FSN__WINO_B
#define A2 (A * A)
#define B2 (B * B)
#define S (1 / (2 * A2 * (A2 - B2)))
#define T (1 / (2 * B2 * (B2 - A2)))

enum { TAPS = FSN__WINO_TAPS, FREQUENCY = 6, SIDE = 3, QUAD = 4 };

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

/* to[j * to_step + i] = from[i][at + j] for i, j < 4. */
FSN__INLINE void transpose_quad(const float *const from[QUAD], int64_t at, float *to,
                                int64_t to_step)
{
    quad a = *(const quad *)(from[0] + at), b = *(const quad *)(from[1] + at);
    quad c = *(const quad *)(from[2] + at), d = *(const quad *)(from[3] + at);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);

    *(quad *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(quad *)(to + to_step) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(quad *)(to + 2 * to_step) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(quad *)(to + 3 * to_step) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* Forward: lanes are filters k .. k + 15, rows channels c .. c + count - 1. */
static void gather_forward(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t k,
                           int64_t c, int64_t count, fsn__wino_taps *g)
{
    int64_t lanes = plan->k - k < FSN__LANES ? plan->k - k : FSN__LANES;
    float copy[FSN__LANES][FSN__LANES * TAPS];
    const float *from[FSN__LANES];

    for (int64_t lane = 0; lane < lanes; lane++)
        from[lane] = fsn__filters_read(w, k + lane, c, count, copy[lane]);
    if (lanes == FSN__LANES && count * TAPS % QUAD == 0) {
        for (int64_t at = 0; at < count * TAPS; at += QUAD)
            for (int64_t lane = 0; lane < FSN__LANES; lane += QUAD)
                transpose_quad(from + lane, at, &g[0][0][0] + at * FSN__LANES + lane, FSN__LANES);
        return;
    }
    memset(g, 0, (size_t)count * sizeof *g);
    for (int64_t lane = 0; lane < lanes; lane++)
        for (int64_t i = 0; i < count; i++)
            for (int64_t tap = 0; tap < TAPS; tap++)
                g[i][tap][lane] = from[lane][i * TAPS + tap];
}

/* Backward: lanes are channels c .. c + 15 of the filters, rows filters k .. k + count - 1. */
static void gather_backward(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t c,
                            int64_t k, int64_t count, fsn__wino_taps *g)
{
    int64_t lanes = plan->k - c < FSN__LANES ? plan->k - c : FSN__LANES;
    float copy[FSN__LANES * TAPS];

    for (int64_t i = 0; i < count; i++) {
        const float *from = fsn__filters_read(w, k + i, c, lanes, copy);

        if (lanes == FSN__LANES) {
            for (int64_t lane = 0; lane < FSN__LANES; lane += QUAD) {
                const float *at = from + lane * TAPS;
                const float *four[QUAD] = {at, at + TAPS, at + 2 * TAPS, at + 3 * TAPS};

                transpose_quad(four, 0, &g[i][8][lane], -FSN__LANES);
                transpose_quad(four, 4, &g[i][4][lane], -FSN__LANES);
                for (int64_t j = 0; j < QUAD; j++)
                    g[i][0][lane + j] = four[j][8];
            }
            continue;
        }
        memset(g[i], 0, sizeof g[i]);
        for (int64_t lane = 0; lane < lanes; lane++)
            for (int64_t tap = 0; tap < TAPS; tap++)
                g[i][TAPS - 1 - tap][lane] = from[lane * TAPS + tap];
    }
}

FSN__INLINE void transform(const fsn__vec g[SIDE], fsn__vec u[FREQUENCY])
{
    fsn__vec a_ends = S * (g[0] + A2 * g[2]), b_ends = T * (g[0] + B2 * g[2]);

    u[0] = g[0] * (1 / (A2 * B2));
    u[1] = a_ends + A * S * g[1];
    u[2] = a_ends - A * S * g[1];
    u[3] = b_ends + B * T * g[1];
    u[4] = b_ends - B * T * g[1];
    u[5] = g[2];
}

FSN__INLINE void transform_adjoint(const fsn__vec u[FREQUENCY], fsn__vec g[SIDE])
{
    fsn__vec a_sum = S * (u[1] + u[2]), b_sum = T * (u[3] + u[4]);

    g[0] = u[0] * (1 / (A2 * B2)) + a_sum + b_sum;
    g[1] = A * S * (u[1] - u[2]) + B * T * (u[3] - u[4]);
    g[2] = u[5] + A2 * a_sum + B2 * b_sum;
}

/* Filter k from channel c on, which the next call will want, if there is one. */
static void prefetch(const struct fsn__filters *w, int64_t k, int64_t c)
{
    const float *next;

    if (k >= w->geometry.k || c >= w->geometry.c)
        return;
    next = w->f + fsn__fs_place(&w->geometry, k, c);
    for (int tap = 0; tap < TAPS; tap++)
        __builtin_prefetch(next + tap * FSN__LANES);
}

void wino_gather(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t block,
                 int64_t c, int64_t count, fsn__wino_taps *g)
{
    const int64_t next = c + FSN__LANES;

    if (plan->pass == FSN__WINO_BACKWARD_DATA)
        gather_backward(plan, w, block * FSN__LANES, c, count, g);
    else
        gather_forward(plan, w, block * FSN__LANES, c, count, g);
    for (int64_t i = 0; i < count; i++)
        if (plan->pass == FSN__WINO_BACKWARD_DATA)
            prefetch(w, next + i, block * FSN__LANES);
        else
            prefetch(w, block * FSN__LANES + i, next);
}

void wino_filter(const struct fsn__wino *plan, const struct fsn__filters *w, int64_t block,
                 int64_t c, int64_t count, float *u, int64_t row)
{
    fsn__wino_taps g[FSN__LANES] __attribute__((aligned(64)));
    const int64_t step = plan->u_step;

    wino_gather(plan, w, block, c, count, g);
    for (int64_t i = 0; i < count; i++, u += row)
        for (int part = 0; part < FSN__PARTS; part++) {
            fsn__vec half[SIDE][FREQUENCY]; /* G g, column by column */

            FSN__UNROLL
            for (int j = 0; j < SIDE; j++) {
                fsn__vec column[SIDE];

                FSN__UNROLL
                for (int tap = 0; tap < SIDE; tap++)
                    column[tap] = fsn__vec_load(&g[i][tap * SIDE + j][part * FSN__VL]);
                transform(column, half[j]);
            }
            FSN__UNROLL
            for (int f = 0; f < FREQUENCY; f++) {
                fsn__vec line[SIDE], out[FREQUENCY];

                FSN__UNROLL
                for (int j = 0; j < SIDE; j++)
                    line[j] = half[j][f];
                transform(line, out);
                FSN__UNROLL
                for (int j = 0; j < FREQUENCY; j++)
                    fsn__vec_store(u + (f * FREQUENCY + j) * step + part * FSN__VL, out[j]);
            }
        }
}

/* The way gather_forward came. */
void wino_scatter(const struct fsn__wino *plan, const fsn__wino_taps *g, int64_t k, int64_t c,
                  float *dw)
{
    int64_t lanes = plan->k - k < FSN__LANES ? plan->k - k : FSN__LANES;
    int64_t count = plan->c - c < FSN__LANES ? plan->c - c : FSN__LANES;
    int64_t step = plan->c * TAPS;
    float *to = dw + k * step + c * TAPS;

    if (lanes == FSN__LANES && count == FSN__LANES) {
        for (int64_t lane = 0; lane < FSN__LANES; lane += QUAD)
            for (int64_t at = 0; at < count * TAPS; at += QUAD) {
                const float *row[QUAD];
                float four[QUAD][QUAD];

                for (int64_t i = 0; i < QUAD; i++)
                    row[i] = &g[0][0][0] + (at + i) * FSN__LANES + lane;
                transpose_quad(row, 0, &four[0][0], QUAD);
                for (int64_t i = 0; i < QUAD; i++)
                    *(quad *)(to + (lane + i) * step + at) += *(const quad *)four[i];
            }
        return;
    }
    for (int64_t lane = 0; lane < lanes; lane++)
        for (int64_t i = 0; i < count; i++)
            for (int64_t tap = 0; tap < TAPS; tap++)
                to[lane * step + i * TAPS + tap] += g[i][tap][lane];
}

void wino_filter_gradient(const struct fsn__wino *plan, const float *du, int parts,
                          int64_t part_step, int64_t c_block, int64_t k_block, float *dw)
{
    fsn__wino_taps g[FSN__LANES] __attribute__((aligned(64)));
    const int64_t step = plan->u_step;

    for (int64_t i = 0; i < FSN__LANES; i++, du += FSN__LANES)
        for (int part = 0; part < FSN__PARTS; part++) {
            const float *from = du + part * FSN__VL;
            fsn__vec half[FREQUENCY][SIDE]; /* G^T dU, column by column */

            FSN__UNROLL
            for (int j = 0; j < FREQUENCY; j++) {
                fsn__vec column[FREQUENCY];

                FSN__UNROLL
                for (int f = 0; f < FREQUENCY; f++) {
                    const float *at = from + (f * FREQUENCY + j) * step;

                    column[f] = fsn__vec_load(at);
                    for (int t = 1; t < parts; t++)
                        column[f] += fsn__vec_load(at + t * part_step);
                }
                transform_adjoint(column, half[j]);
            }
            FSN__UNROLL
            for (int tap = 0; tap < SIDE; tap++) {
                fsn__vec line[FREQUENCY], out[SIDE];

                FSN__UNROLL
                for (int j = 0; j < FREQUENCY; j++)
                    line[j] = half[j][tap];
                transform_adjoint(line, out);
                FSN__UNROLL
                for (int j = 0; j < SIDE; j++)
                    fsn__vec_store(&g[i][tap * SIDE + j][part * FSN__VL], out[j]);
            }
        }
    wino_scatter(plan, (const fsn__wino_taps *)g, k_block * FSN__LANES, c_block * FSN__LANES, dw);
}
