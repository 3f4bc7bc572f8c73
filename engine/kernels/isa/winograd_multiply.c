/* winograd_multiply.c - the matrix products of one frequency: M (+)= V U and dU (+)= V^T dM.
 *
 * A micro kernel keeps its piece of the result in registers: `rows` tiles (or channels) by `width`
 * blocks of 16 filters. A row is one broadcast value of V, a column one vector of U (or dM). With
 * 32 registers of 16 lanes the shapes 6 x 4 vectors, 12 x 2 and 24 x 1 (the broadcast embedded in
 * the multiply-add) all have 24 sums and reach the arithmetic peak; with 16 registers of 8 lanes it
 * is 6 x 2, one block. The largest width that the number of filters has room for is taken, so a
 * plane of U is cut into strips of 4, 2 or 1 blocks.
 */
#include "kernels/isa/winograd_isa.h"

enum {
    WIDEST = FSN__REGISTERS == 32 && FSN__PARTS == 1 ? 4 : 1,
    MOST_ROWS = 24 / FSN__PARTS,
    TAIL_ROWS = FSN__PARTS == 4 ? 3 : 6,
    LEAST_ROWS = 2, /* 32 tiles, one for each image of a batch, are five times 6 and 2 */
    MOST_COLUMNS = FSN__PARTS > WIDEST ? FSN__PARTS : WIDEST,
};

/* Width of the strip that starts at `block` of `blocks`. */
FSN__INLINE int strip_width(int64_t block, int64_t blocks)
{
    int width = WIDEST;

    while (width > blocks - block)
        width /= 2;
    return width;
}

int64_t FSN__ISA_NAME(fsn__wino_strip)(int64_t block, int64_t blocks, int64_t channels,
                                       int64_t *row)
{
    int64_t start = 0;

    while (start + strip_width(start, blocks) <= block)
        start += strip_width(start, blocks);
    *row = strip_width(start, blocks) * FSN__LANES;
    return (start * channels + (block - start)) * FSN__LANES;
}

/* Where vector j of a row lies, in blocks that are `plane` floats apart. */
FSN__INLINE int64_t column(int j, int64_t plane)
{
    return j / FSN__PARTS * plane + j % FSN__PARTS * FSN__VL;
}

struct product {
    const float *v, *u;
    float *m;
    int64_t capacity, channels;
};

/* rows x width blocks of M from tile `tile` on; rows, width and add are constants. */
FSN__INLINE void multiply_rows(const struct product *p, int64_t tile, int rows, int width, bool add)
{
    fsn__vec sum[MOST_ROWS][MOST_COLUMNS];
    int columns = width * FSN__PARTS;
    const float *v = p->v + tile * FSN__LANES, *u = p->u;
    int64_t plane = p->capacity * FSN__LANES;

    FSN__UNROLL
    for (int i = 0; i < rows; i++) {
        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            sum[i][j] = add ? fsn__vec_load(p->m + column(j, plane) + (tile + i) * FSN__LANES)
                            : fsn__vec_zero();
    }
    for (int64_t left = p->channels; left > 0; left -= FSN__LANES, v += plane) {
        int64_t lanes = left < FSN__LANES ? left : FSN__LANES;

        for (int64_t c = 0; c < lanes; c++, u += width * FSN__LANES) {
            fsn__vec line[MOST_COLUMNS];

            FSN__UNROLL
            for (int j = 0; j < columns; j++)
                line[j] = fsn__vec_load(u + j * FSN__VL);
            FSN__UNROLL
            for (int i = 0; i < rows; i++) {
                FSN__UNROLL
                for (int j = 0; j < columns; j++)
                    sum[i][j] += v[i * FSN__LANES + c] * line[j];
            }
        }
    }
    FSN__UNROLL
    for (int i = 0; i < rows; i++) {
        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            fsn__vec_store(p->m + column(j, plane) + (tile + i) * FSN__LANES, sum[i][j]);
    }
}

FSN__INLINE void multiply_strip(const struct product *p, int64_t tiles, int rows, int width,
                                bool add)
{
    int64_t tile = 0;

    for (; tile + rows <= tiles; tile += rows)
        multiply_rows(p, tile, rows, width, add);
    for (; tiles - tile > LEAST_ROWS; tile += TAIL_ROWS)
        multiply_rows(p, tile, TAIL_ROWS, width, add);
    if (tile < tiles)
        multiply_rows(p, tile, LEAST_ROWS, width, add);
}

FSN__INLINE void multiply_blocks(struct product p, int64_t tiles, int64_t blocks, bool add)
{
    int width;

    for (int64_t block = 0; block < blocks; block += width) {
        width = strip_width(block, blocks);
        if (width == 4)
            multiply_strip(&p, tiles, MOST_ROWS / 4, WIDEST, add);
        else if (width == 2)
            multiply_strip(&p, tiles, MOST_ROWS / 2, WIDEST < 2 ? 1 : 2, add);
        else
            multiply_strip(&p, tiles, WIDEST == 1 ? TAIL_ROWS : MOST_ROWS, 1, add);
        p.u += width * p.channels * FSN__LANES;
        p.m += width * p.capacity * FSN__LANES;
    }
}

void wino_multiply(const float *v, const float *u, float *m, int64_t capacity, int64_t tiles,
                   int64_t channels, int64_t blocks, bool add)
{
    struct product p = {v, u, m, capacity, channels};

    if (add)
        multiply_blocks(p, tiles, blocks, true);
    else
        multiply_blocks(p, tiles, blocks, false);
}

/* rows x width blocks of dU from channel `first` of the block on. */
FSN__INLINE void correlate_rows(const float *v, const float *m, float *du, int64_t du_step,
                                int64_t capacity, int64_t tiles, int first, int rows, int width,
                                bool add)
{
    fsn__vec sum[FSN__LANES][MOST_COLUMNS];
    int columns = width * FSN__PARTS;

    FSN__UNROLL
    for (int i = 0; i < rows; i++) {
        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            sum[i][j] = add ? fsn__vec_load(du + column(j, du_step) + (first + i) * FSN__LANES)
                            : fsn__vec_zero();
    }
    for (int64_t t = 0; t < tiles; t++) {
        fsn__vec line[MOST_COLUMNS];

        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            line[j] = fsn__vec_load(m + column(j, capacity * FSN__LANES) + t * FSN__LANES);
        FSN__UNROLL
        for (int i = 0; i < rows; i++) {
            FSN__UNROLL
            for (int j = 0; j < columns; j++)
                sum[i][j] += v[t * FSN__LANES + first + i] * line[j];
        }
    }
    FSN__UNROLL
    for (int i = 0; i < rows; i++) {
        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            fsn__vec_store(du + column(j, du_step) + (first + i) * FSN__LANES, sum[i][j]);
    }
}

FSN__INLINE void correlate_blocks(const float *v, const float *m, float *du, int64_t du_step,
                                  int64_t capacity, int64_t tiles, int64_t blocks, bool add)
{
    int width;

    for (int64_t block = 0; block < blocks; block += width) {
        width = strip_width(block, blocks);
        if (width == 2) {
            correlate_rows(v, m, du, du_step, capacity, tiles, 0, 8, WIDEST < 2 ? 1 : 2, add);
            correlate_rows(v, m, du, du_step, capacity, tiles, 8, 8, WIDEST < 2 ? 1 : 2, add);
        } else if (WIDEST == 4 && width == 1) {
            correlate_rows(v, m, du, du_step, capacity, tiles, 0, FSN__LANES, 1, add);
        } else if (FSN__PARTS == 4) {
            for (int row = 0; row < FSN__LANES; row += 2)
                correlate_rows(v, m, du, du_step, capacity, tiles, row, 2, 1, add);
        } else {
            /* 16 = 6 + 5 + 5 rows: as near to 6 x 4 (or 6 x 2) sums as 16 divides. */
            correlate_rows(v, m, du, du_step, capacity, tiles, 0, 6, WIDEST, add);
            correlate_rows(v, m, du, du_step, capacity, tiles, 6, 5, WIDEST, add);
            correlate_rows(v, m, du, du_step, capacity, tiles, 11, 5, WIDEST, add);
        }
        m += width * capacity * FSN__LANES;
        du += width * du_step;
    }
}

void wino_correlate(const float *v, const float *m, float *du, int64_t du_step, int64_t capacity,
                    int64_t tiles, int64_t blocks, bool add)
{
    if (add)
        correlate_blocks(v, m, du, du_step, capacity, tiles, blocks, true);
    else
        correlate_blocks(v, m, du, du_step, capacity, tiles, blocks, false);
}
