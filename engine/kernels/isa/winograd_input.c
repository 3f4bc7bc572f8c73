/* winograd_input.c - the input transform V = B^T d B of 6 x 6 tiles that overlap by two.
 *
 *           | a2b2    0  -a2-b2    0    1  0 |
 *           |    0  -ab2   -b2     a    1  0 |     a2 = a^2 and so on; a, b in winograd.h
 *     B^T = |    0   ab2   -b2    -a    1  0 |
 *           |    0  -a2b   -a2     b    1  0 |
 *           |    0   a2b   -a2    -b    1  0 |
 *           |    0  a2b2    0   -a2-b2  0  1 |
 *
 * A row of tiles is walked in strips. First B^T d of every column of the strip, each once though
 * two tiles may share it, kept in the L1; then from these columns the rows of every tile. The first
 * walk prefetches what the tiles below will see first: those rows are too far apart for the
 * hardware to see the pattern.
 */
#include "kernels/isa/winograd_read.h"

#include <string.h>

enum { TILE_IN = 6, TILE_STEP = 4, STRIP_TILES = 8, STRIP = STRIP_TILES * TILE_STEP + 2 };

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

/* B^T d of a column, for every part of the channel block. */
typedef fsn__vec column[FSN__PARTS][TILE_IN];

/* One row of tiles of one channel block of one image. */
struct tile_row {
    const float *x, *z;   /* the block's plane of the map, and of the hook's z */
    int64_t y, low, high; /* first row of the tiles; rows [low, high) of the six are in the map */
    int64_t begin, end;   /* tiles */
    float *v;
};

/* Columns x to x + count - 1 of the map, all inside it. */
FSN__INLINE void fill_columns(const struct fsn__wino *plan, enum read_mode mode,
                              const struct read_hook *hook, const struct tile_row *row, int64_t x,
                              int64_t count, int64_t low, int64_t high, column *out)
{
    const int64_t pitch = plan->w * FSN__LANES, at = (row->y * plan->w + x) * FSN__LANES;
    /* From two rows each, the others are one and two pitches away: few addresses to keep. */
    const float *upper = row->x + at, *lower = upper + 3 * pitch;
    const float *upper_z = row->z + at, *lower_z = upper_z + 3 * pitch;
    const float *below = lower + 3 * pitch, *below_z = lower_z + 3 * pitch;

    for (int64_t i = 0; i < count; i++, out++) {
        const int64_t step = i * FSN__LANES;

        FSN__UNROLL
        for (int r = 0; r < TILE_STEP; r++) {
            fsn__prefetch(below + step + r * pitch);
            if (mode == READ_GRAD)
                fsn__prefetch(below_z + step + r * pitch);
        }
        FSN__UNROLL
        for (int part = 0; part < FSN__PARTS; part++) {
            const int64_t from = step + part * FSN__VL;
            fsn__vec d[TILE_IN];

            FSN__UNROLL
            for (int r = 0; r < TILE_IN; r++) {
                const float *map = (r < 3 ? upper : lower) + from + r % 3 * pitch;
                const float *z = (r < 3 ? upper_z : lower_z) + from + r % 3 * pitch;

                d[r] = r >= low && r < high ? read_vec(mode, map, z, hook, part) : fsn__vec_zero();
            }
            transform(d, (*out)[part]);
        }
    }
}

/* The cases that even maps with a padding of one meet are loops of their own. */
FSN__INLINE void fill_inside(const struct fsn__wino *plan, enum read_mode mode,
                             const struct read_hook *hook, const struct tile_row *row, int64_t x,
                             int64_t count, column *out)
{
    if (row->low == 0 && row->high == TILE_IN)
        fill_columns(plan, mode, hook, row, x, count, 0, TILE_IN, out);
    else if (row->low == 1 && row->high == TILE_IN)
        fill_columns(plan, mode, hook, row, x, count, 1, TILE_IN, out);
    else if (row->low == 0 && row->high == TILE_IN - 1)
        fill_columns(plan, mode, hook, row, x, count, 0, TILE_IN - 1, out);
    else
        fill_columns(plan, mode, hook, row, x, count, row->low, row->high, out);
}

static void fill_any(const struct fsn__wino *plan, enum read_mode mode,
                     const struct read_hook *hook, const struct tile_row *row, int64_t x,
                     int64_t count, column *out)
{
    switch (mode) {
    case READ_PLAIN:
        fill_inside(plan, READ_PLAIN, hook, row, x, count, out);
        break;
    case READ_AFFINE:
        fill_inside(plan, READ_AFFINE, hook, row, x, count, out);
        break;
    case READ_AFFINE_RELU:
        fill_inside(plan, READ_AFFINE_RELU, hook, row, x, count, out);
        break;
    case READ_GRAD:
        fill_inside(plan, READ_GRAD, hook, row, x, count, out);
        break;
    }
}

/* The columns from x on, `count` of them, of which some may lie beside the map. */
static void fill_strip(const struct fsn__wino *plan, enum read_mode mode,
                       const struct read_hook *hook, const struct tile_row *row, int64_t x,
                       int64_t count, column *out)
{
    int64_t before = x < 0 ? -x : 0, inside = plan->w - x < count ? plan->w - x : count;

    inside -= before;
    memset(out, 0, (size_t)before * sizeof *out);
    fill_any(plan, mode, hook, row, x + before, inside, out + before);
    memset(out + before + inside, 0, (size_t)(count - before - inside) * sizeof *out);
}

/* V of one tile from its six columns. */
FSN__INLINE void transform_tile(const struct fsn__wino *plan, column *columns, float *v)
{
    const int64_t step = plan->v_step;

    for (int part = 0; part < FSN__PARTS; part++) {
        float *out = v + part * FSN__VL;

        FSN__UNROLL
        for (int i = 0; i < TILE_IN; i++, out += TILE_IN * step) {
            fsn__vec d[TILE_IN], t[TILE_IN];

            FSN__UNROLL
            for (int j = 0; j < TILE_IN; j++)
                d[j] = columns[j][part][i];
            transform(d, t);
            FSN__UNROLL
            for (int j = 0; j < TILE_IN; j++)
                fsn__vec_store(out + j * step, t[j]);
        }
    }
}

static void transform_row(const struct fsn__wino *plan, enum read_mode mode,
                          const struct read_hook *hook, const struct tile_row *row)
{
    column columns[STRIP];
    float *v = row->v;

    for (int64_t tile = row->begin, tiles; tile < row->end; tile += tiles) {
        tiles = row->end - tile < STRIP_TILES ? row->end - tile : STRIP_TILES;
        fill_strip(plan, mode, hook, row, tile * TILE_STEP - plan->pad_left, tiles * TILE_STEP + 2,
                   columns);
        for (int64_t i = 0; i < tiles; i++, v += FSN__LANES)
            transform_tile(plan, columns + i * TILE_STEP, v);
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
        transform_row(plan, mode, &hook, &row);
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
