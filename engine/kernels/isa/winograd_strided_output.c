/* winograd_strided_output.c - from the frequencies of winograd_strided.h to the maps: Y = A^T M A,
 * forward one 4 x 4 tile of z from 25 frequencies, in the backward pass of the data one of each
 * phase, interleaved to an 8 x 8 tile of dx. Every value goes through the hook of winograd_write.h.
 */
#include "kernels/isa/winograd_strided.h"
#include "kernels/isa/winograd_write.h"

/* Where a tile's outputs go: offset of the first, offsets from row to row and column to column, and
 * how many of its rows and columns are in the map. */
struct place {
    int64_t at, row, column, rows, columns;
};

/* One tile of one phase (forward: of both twos, even_rows = even_columns = 0); m is where the
 * channel block has its first phase of the tile in frequency 0, and parts the number of phases that
 * the map has. */
FSN__INLINE void output_phase(const struct fsn__wino *plan, struct write_block *b,
                              struct write_kind kind, const float *m, int64_t block, int parts,
                              int even_rows, int even_columns, const struct place *place)
{
    const int64_t plane = plan->capacity * FSN__LANES;
    const int rows = strided_side(even_rows), columns = strided_side(even_columns);
    fsn__vec half[FSN__PARTS][STRIDED_SIDE][STRIDED_TILE]; /* A^T M, column by column */

    FSN__UNROLL
    for (int part = 0; part < FSN__PARTS; part++) {
        FSN__UNROLL
        for (int j = 0; j < columns; j++) {
            fsn__vec column[STRIDED_SIDE];

            FSN__UNROLL
            for (int i = 0; i < rows; i++) {
                const int f = i * STRIDED_SIDE + j;
                const int64_t slot = parts == 1 ? 0 : strided_slot(j, even_rows, even_columns);
                const int64_t at = block * fsn__wino_parts(f, parts) + slot;

                column[i] = fsn__vec_load(m + f * plan->m_step + at * plane + part * FSN__VL);
            }
            strided_output(column, half[part][j], even_rows);
        }
    }
    FSN__UNROLL
    for (int i = 0; i < STRIDED_TILE; i++) {
        fsn__vec y[FSN__PARTS][STRIDED_TILE];

        FSN__UNROLL
        for (int part = 0; part < FSN__PARTS; part++) {
            fsn__vec row[STRIDED_SIDE];

            FSN__UNROLL
            for (int j = 0; j < columns; j++)
                row[j] = half[part][j][i];
            strided_output(row, y[part], even_columns);
        }
        FSN__UNROLL
        for (int j = 0; j < STRIDED_TILE; j++) {
            FSN__UNROLL
            for (int part = 0; part < FSN__PARTS; part++)
                if (i < place->rows && j < place->columns)
                    write_vec(b, kind, part,
                              place->at + i * place->row + j * place->column + part * FSN__VL,
                              y[part][j]);
        }
    }
}

FSN__INLINE int64_t clip(int64_t x, int64_t most)
{
    return x < most ? x : most;
}

FSN__INLINE void forward_tile(const struct fsn__wino *plan, struct write_block *b,
                              struct write_kind kind, const float *m, int64_t block, int64_t plane,
                              int64_t y, int64_t x)
{
    struct place place = {
        .at = plane + y * STRIDED_TILE * b->pitch + x * STRIDED_TILE * FSN__LANES,
        .row = b->pitch,
        .column = FSN__LANES,
        .rows = clip(plan->p - y * STRIDED_TILE, STRIDED_TILE),
        .columns = clip(plan->q - x * STRIDED_TILE, STRIDED_TILE),
    };

    for (int64_t i = 0; i < STRIDED_TILE; i++)
        for (int64_t j = 0; j < STRIDED_TILE; j++)
            write_prefetch(b, kind, place.at + i * b->pitch + (2 * STRIDED_TILE + j) * FSN__LANES);
    if (place.rows == STRIDED_TILE && place.columns == STRIDED_TILE) {
        place.rows = place.columns = STRIDED_TILE;
        output_phase(plan, b, kind, m, block, 1, 0, 0, &place);
    } else {
        output_phase(plan, b, kind, m, block, 1, 0, 0, &place);
    }
}

FSN__INLINE void backward_tile(const struct fsn__wino *plan, struct write_block *b,
                               struct write_kind kind, const float *m, int64_t block, int64_t plane,
                               int64_t y, int64_t x)
{
    const int64_t side = 2 * STRIDED_TILE;
    const int64_t at = plane + y * side * b->pitch + x * side * FSN__LANES;
    const int64_t rows = plan->p - y * side, columns = plan->q - x * side;

    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++)
            write_prefetch(b, kind, at + i * b->pitch + (side + j) * FSN__LANES);
    FSN__UNROLL
    for (int phase = 0; phase < FSN__WINO_PHASES; phase++) {
        const int even_rows = phase / 2, even_columns = phase % 2;
        struct place place = {
            .at = at + (1 - even_rows) * b->pitch + (1 - even_columns) * FSN__LANES,
            .row = 2 * b->pitch,
            .column = 2 * FSN__LANES,
            .rows = clip((rows + even_rows) / 2, STRIDED_TILE),
            .columns = clip((columns + even_columns) / 2, STRIDED_TILE),
        };

        output_phase(plan, b, kind, m, block, FSN__WINO_PHASES, even_rows, even_columns, &place);
    }
}

/* `count` tiles from `first` on of block k, which is block `local` of m. */
FSN__INLINE void transform_tiles(const struct fsn__wino *plan, struct write_block *block,
                                 struct write_kind kind, int64_t k, int64_t local, int64_t first,
                                 int64_t count, const float *m)
{
    struct write_block b = *block;
    const int64_t plane = plan->p * plan->q * FSN__LANES;

    for (int64_t i = 0; i < count; i++, m += FSN__LANES) {
        const int64_t n = (first + i) / plan->tiles_image, tile = (first + i) % plan->tiles_image;
        const int64_t y = tile / plan->tiles_x, x = tile % plan->tiles_x;
        const int64_t at = (n * plan->k_blocks + k) * plane;

        if (kind.backward)
            backward_tile(plan, &b, kind, m, local, at, y, x);
        else
            forward_tile(plan, &b, kind, m, local, at, y, x);
    }
    for (int part = 0; part < FSN__PARTS; part++) {
        block->sum1[part] = b.sum1[part];
        block->sum2[part] = b.sum2[part];
    }
}

/* Each case compiled with its constants. */
static void transform_kind(const struct fsn__wino *plan, struct write_block *block,
                           struct write_kind kind, int64_t k, int64_t local, int64_t first,
                           int64_t count, const float *m)
{
#define CASE(backward, add, sums)                                                               \
    case WRITE_KIND(backward, add, sums):                                                       \
        transform_tiles(plan, block, (struct write_kind){backward, add, sums}, k, local, first, \
                        count, m);                                                              \
        break;
    switch (WRITE_KIND(kind.backward, kind.add, kind.sums)) {
        WRITE_KINDS(CASE)
    }
#undef CASE
}

void wino_strided_output(const struct fsn__wino *plan, const struct wino_writer *writer,
                         int64_t block, int64_t blocks, int64_t first, int64_t count,
                         const float *m, double *sums)
{
    for (int64_t j = 0; j < blocks; j++) {
        struct write_block b;
        struct write_kind kind = write_setup(plan, writer, block + j, &b);

        kind.backward = plan->pass == FSN__WINO_BACKWARD_DATA;
        transform_kind(plan, &b, kind, block + j, j, first, count, m);
        write_sums(plan, &b, block + j, sums);
    }
    if (writer->stream)
        fsn__vec_fence();
}
