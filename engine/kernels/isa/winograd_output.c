/* winograd_output.c - the output transform Y = A^T M A and the hooks of writing a map.
 *
 *           | 1  1   1   1   1  0 |
 *     A^T = | 0  a  -a   b  -b  0 |     a2 = a^2 and so on; a, b in winograd.h
 *           | 0  a2  a2  b2  b2 0 |
 *           | 0  a3 -a3  b3 -b3 1 |
 *
 * Every value goes through the hook of winograd_write.h.
 */
#include "kernels/isa/winograd_write.h"

enum { TILE = 4, FREQUENCY = 6 };

FSN__INLINE void transform(const fsn__vec m[FREQUENCY], fsn__vec y[TILE])
{
    const float a = FSN__WINO_A, b = FSN__WINO_B, a2 = a * a, b2 = b * b;
    fsn__vec a_even = m[1] + m[2], a_odd = m[1] - m[2];
    fsn__vec b_even = m[3] + m[4], b_odd = m[3] - m[4];

    y[0] = m[0] + a_even + b_even;
    y[1] = a * a_odd + b * b_odd;
    y[2] = a2 * a_even + b2 * b_even;
    y[3] = m[5] + a * a2 * a_odd + b * b2 * b_odd;
}

/* Both parts of a line of the map are written one after the other, for the stores that stream. */
FSN__INLINE void transform_tile(const struct fsn__wino *plan, struct write_block *b,
                                struct write_kind kind, const float *m, int64_t at, int64_t rows,
                                int64_t columns)
{
    const int64_t step = plan->m_step, pitch = b->pitch;
    fsn__vec half[FSN__PARTS][FREQUENCY][TILE]; /* A^T M, column by column */

    FSN__UNROLL
    for (int part = 0; part < FSN__PARTS; part++) {
        FSN__UNROLL
        for (int j = 0; j < FREQUENCY; j++) {
            fsn__vec column[FREQUENCY];

            FSN__UNROLL
            for (int i = 0; i < FREQUENCY; i++)
                column[i] = fsn__vec_load(m + (i * FREQUENCY + j) * step + part * FSN__VL);
            transform(column, half[part][j]);
        }
    }
    FSN__UNROLL
    for (int i = 0; i < TILE; i++) {
        fsn__vec y[FSN__PARTS][TILE];

        FSN__UNROLL
        for (int part = 0; part < FSN__PARTS; part++) {
            fsn__vec row[FREQUENCY];

            FSN__UNROLL
            for (int j = 0; j < FREQUENCY; j++)
                row[j] = half[part][j][i];
            transform(row, y[part]);
        }
        FSN__UNROLL
        for (int j = 0; j < TILE; j++) {
            FSN__UNROLL
            for (int part = 0; part < FSN__PARTS; part++)
                if (i < rows && j < columns)
                    write_vec(b, kind, part, at + i * pitch + j * FSN__LANES + part * FSN__VL,
                              y[part][j]);
        }
    }
}

/* What the hook will read of the tile at `at`. */
FSN__INLINE void prefetch_tile(const struct write_block *b, struct write_kind kind, int64_t at)
{
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < TILE; j++)
            write_prefetch(b, kind, at + i * b->pitch + j * FSN__LANES);
}

FSN__INLINE void transform_tiles(const struct fsn__wino *plan, struct write_block *block,
                                 struct write_kind kind, int64_t k, int64_t first, int64_t count,
                                 const float *m)
{
    struct write_block b = *block;
    int64_t plane = plan->p * plan->q * FSN__LANES;

    for (int64_t i = 0; i < count; i++, m += FSN__LANES) {
        int64_t n = (first + i) / plan->tiles_image, tile = (first + i) % plan->tiles_image;
        int64_t y = tile / plan->tiles_x * TILE, x = tile % plan->tiles_x * TILE;
        int64_t at = (n * plan->k_blocks + k) * plane + y * b.pitch + x * FSN__LANES;

        prefetch_tile(&b, kind, at + 2 * TILE * FSN__LANES);
        if (plan->p - y >= TILE && plan->q - x >= TILE)
            transform_tile(plan, &b, kind, m, at, TILE, TILE);
        else
            transform_tile(plan, &b, kind, m, at, plan->p - y, plan->q - x);
    }
    for (int part = 0; part < FSN__PARTS; part++) {
        block->sum1[part] = b.sum1[part];
        block->sum2[part] = b.sum2[part];
    }
}

/* Each case compiled with its constants. */
static void transform_kind(const struct fsn__wino *plan, struct write_block *block,
                           struct write_kind kind, int64_t k, int64_t first, int64_t count,
                           const float *m)
{
#define CASE(backward, add, sums)                                                               \
    case WRITE_KIND(backward, add, sums):                                                       \
        transform_tiles(plan, block, (struct write_kind){backward, add, sums}, k, first, count, \
                        m);                                                                     \
        break;
    switch (WRITE_KIND(kind.backward, kind.add, kind.sums)) {
        WRITE_KINDS(CASE)
    }
#undef CASE
}

void wino_output(const struct fsn__wino *plan, const struct wino_writer *writer, int64_t block,
                 int64_t blocks, int64_t first, int64_t count, const float *m, double *sums)
{
    for (int64_t j = 0; j < blocks; j++, m += plan->capacity * FSN__LANES) {
        struct write_block b;
        struct write_kind kind = write_setup(plan, writer, block + j, &b);

        transform_kind(plan, &b, kind, block + j, first, count, m);
        write_sums(plan, &b, block + j, sums);
    }
    if (writer->stream)
        fsn__vec_fence();
}
