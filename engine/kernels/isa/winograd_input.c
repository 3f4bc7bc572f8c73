/* winograd_input.c - the input transform V = B^T d B of 6 x 6 tiles that overlap by two.
 *
 *           | a2b2    0  -a2-b2    0    1  0 |
 *           |    0  -ab2   -b2     a    1  0 |     a2 = a^2 and so on; a, b in winograd.h
 *     B^T = |    0   ab2   -b2    -a    1  0 |
 *           |    0  -a2b   -a2     b    1  0 |
 *           |    0   a2b   -a2    -b    1  0 |
 *           |    0  a2b2    0   -a2-b2  0  1 |
 *
 * A row of tiles is walked from left to right. B^T d of a column of the map is the same for the two
 * tiles that share the column, so it is kept in a ring of eight columns and each column of the map
 * is read once a tile row. Each tile prefetches what the tile below it will see first: those rows
 * are too far apart for the hardware to see the pattern.
 */
#include "kernels/isa/winograd_read.h"

enum { TILE_IN = 6, TILE_STEP = 4, RING = 8 };

/* t = B^T d for one column, or one row. */
FSN__INLINE void transform(const fsn__vec d[TILE_IN], fsn__vec t[TILE_IN])
{
    const float a = FSN__WINO_A, b = FSN__WINO_B, a2 = a * a, b2 = b * b;
    fsn__vec a_even = d[4] - b2 * d[2], a_odd = d[3] - b2 * d[1];
    fsn__vec b_even = d[4] - a2 * d[2], b_odd = d[3] - a2 * d[1];

    t[0] = a2 * b2 * d[0] + (d[4] - (a2 + b2) * d[2]);
    t[1] = a_even + a * a_odd;
    t[2] = a_even - a * a_odd;
    t[3] = b_even + b * b_odd;
    t[4] = b_even - b * b_odd;
    t[5] = a2 * b2 * d[1] + (d[5] - (a2 + b2) * d[3]);
}

/* The ring holds B^T d of a column, for every part of the channel block. */
typedef fsn__vec ring_column[FSN__PARTS][TILE_IN];

/* One row of tiles of one channel block of one image. */
struct tile_row {
    const float *x, *z;   /* the block's plane of the map, and of the hook's z */
    int64_t y, low, high; /* first row of the tiles; rows [low, high) of the six are in the map */
    int64_t begin, end;   /* tiles */
    float *v;
};

FSN__INLINE void fill_column(const struct fsn__wino *plan, enum read_mode mode,
                             const struct read_hook *hook, const struct tile_row *row, int64_t x,
                             int64_t low, int64_t high, ring_column column)
{
    int64_t at = (row->y * plan->w + x) * FSN__LANES, pitch = plan->w * FSN__LANES;

    if (x < 0 || x >= plan->w) {
        for (int part = 0; part < FSN__PARTS; part++)
            for (int i = 0; i < TILE_IN; i++)
                column[part][i] = fsn__vec_zero();
        return;
    }
    for (int part = 0; part < FSN__PARTS; part++, at += FSN__VL) {
        fsn__vec d[TILE_IN];

        FSN__UNROLL
        for (int i = 0; i < TILE_IN; i++)
            d[i] = i >= low && i < high
                       ? read_vec(mode, row->x + (at + i * pitch), row->z + (at + i * pitch),
                                  hook->a[part], hook->b[part])
                       : fsn__vec_zero();
        transform(d, column[part]);
    }
}

/* The part of the tile below that no tile before it sees. */
FSN__INLINE void prefetch_below(const struct fsn__wino *plan, enum read_mode mode,
                                const struct tile_row *row, int64_t x)
{
    int64_t pitch = plan->w * FSN__LANES, at = (row->y + TILE_IN) * pitch + x * FSN__LANES;

    for (int i = 0; i < TILE_STEP; i++, at += pitch)
        for (int j = 0; j < TILE_STEP; j++) {
            __builtin_prefetch(row->x + (at + j * FSN__LANES));
            if (mode == READ_GRAD)
                __builtin_prefetch(row->z + (at + j * FSN__LANES));
        }
}

FSN__INLINE void transform_tiles(const struct fsn__wino *plan, enum read_mode mode,
                                 const struct read_hook *hook, const struct tile_row *row,
                                 int64_t low, int64_t high)
{
    const int64_t step = plan->v_step;
    ring_column ring[RING];
    float *v = row->v;

    for (int64_t tile = row->begin; tile < row->end; tile++, v += FSN__LANES) {
        int64_t x = tile * TILE_STEP - plan->pad_left;
        uint64_t first = (uint64_t)(tile * TILE_STEP);

        prefetch_below(plan, mode, row, x + 2);
        for (int j = tile == row->begin ? 0 : TILE_IN - TILE_STEP; j < TILE_IN; j++)
            fill_column(plan, mode, hook, row, x + j, low, high,
                        ring[(first + (unsigned)j) % RING]);
        for (int part = 0; part < FSN__PARTS; part++) {
            float *out = v + part * FSN__VL;

            FSN__UNROLL
            for (int i = 0; i < TILE_IN; i++) {
                fsn__vec d[TILE_IN], t[TILE_IN];

                FSN__UNROLL
                for (int j = 0; j < TILE_IN; j++)
                    d[j] = ring[(first + (unsigned)j) % RING][part][i];
                transform(d, t);
                FSN__UNROLL
                for (int j = 0; j < TILE_IN; j++)
                    fsn__vec_store(out + (i * TILE_IN + j) * step, t[j]);
            }
        }
    }
}

FSN__INLINE void transform_row(const struct fsn__wino *plan, enum read_mode mode,
                               const struct read_hook *hook, const struct tile_row *row)
{
    if (row->low == 0 && row->high == TILE_IN)
        transform_tiles(plan, mode, hook, row, 0, TILE_IN);
    else
        transform_tiles(plan, mode, hook, row, row->low, row->high);
}

static void transform_any(const struct fsn__wino *plan, enum read_mode mode,
                          const struct read_hook *hook, const struct tile_row *row)
{
    switch (mode) {
    case READ_PLAIN:
        transform_row(plan, READ_PLAIN, hook, row);
        break;
    case READ_AFFINE:
        transform_row(plan, READ_AFFINE, hook, row);
        break;
    case READ_AFFINE_RELU:
        transform_row(plan, READ_AFFINE_RELU, hook, row);
        break;
    case READ_GRAD:
        transform_row(plan, READ_GRAD, hook, row);
        break;
    }
}

/* Tiles [begin, end) of image n, one channel block; v of tile `begin`. */
static void transform_block(const struct fsn__wino *plan, const struct wino_reader *reader,
                            int64_t n, int64_t c, int64_t begin, int64_t end, float *v)
{
    enum read_mode mode = read_mode(reader);
    struct read_hook hook = read_hook(reader, c);
    int64_t plane = plan->h * plan->w * FSN__LANES, at = (n * plan->c_blocks + c) * plane;
    struct tile_row row = {
        .x = reader->map + at,
        .z = (mode == READ_GRAD ? reader->grad->z : reader->map) + at,
        .v = v,
    };

    while (begin < end) {
        int64_t ty = begin / plan->tiles_x, in_row = (ty + 1) * plan->tiles_x;

        row.y = ty * TILE_STEP - plan->pad_top;
        row.low = row.y < 0 ? -row.y : 0;
        row.high = plan->h - row.y < TILE_IN ? plan->h - row.y : TILE_IN;
        row.begin = begin % plan->tiles_x;
        row.end = row.begin + ((in_row < end ? in_row : end) - begin);
        transform_any(plan, mode, &hook, &row);
        row.v += (row.end - row.begin) * FSN__LANES;
        begin += row.end - row.begin;
    }
}

void wino_input(const struct fsn__wino *plan, const struct wino_reader *reader, int64_t first,
                int64_t count, float *v)
{
    int64_t last = first + count;

    while (first < last) {
        int64_t n = first / plan->tiles_image, begin = first % plan->tiles_image;
        int64_t end = plan->tiles_image;

        if (end - begin > last - first)
            end = begin + (last - first);
        for (int64_t c = 0; c < plan->c_blocks; c++)
            transform_block(plan, reader, n, c, begin, end, v + c * plan->capacity * FSN__LANES);
        v += (end - begin) * FSN__LANES;
        first += end - begin;
    }
}
