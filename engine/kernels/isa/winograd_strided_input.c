/* winograd_strided_input.c - tiles of the maps into the frequencies of winograd_strided.h.
 *
 * V of the larger map: a tile of 9 x 9 pixels, which begins at row 2 i - 1 for outputs i .. i + 3,
 * gives 81 values: of its rows (and columns) the even ones are the phase of two taps and make five
 * frequencies, the odd ones make four. V of the gradient dz: 5 x 5 pixels, 25 values. dM of the
 * gradient for that of the filters: 4 x 4 pixels, 25 values. What lies beside the map is zero.
 */
#include "kernels/isa/winograd_read.h"
#include "kernels/isa/winograd_strided.h"

enum { SOURCE = 9, GRADIENT = 5, STEP = 2 * STRIDED_TILE };

/* A tile of one channel block: pixel (0, 0) at x and z, of which rows [top, bottom) and columns
 * [left, right) are in the map. */
struct tile {
    const float *x, *z;
    int64_t pitch;
    int64_t top, bottom, left, right;
};

/* Column j of a tile through the hook, `side` pixels. */
FSN__INLINE void read_column(const struct tile *t, enum read_mode mode,
                             const struct read_hook *hook, int part, int side, int64_t j,
                             fsn__vec *d)
{
    const bool outside = j < t->left || j >= t->right;

    FSN__UNROLL
    for (int i = 0; i < side; i++) {
        const int64_t at = i * t->pitch + j * FSN__LANES + part * FSN__VL;

        d[i] = outside || i < t->top || i >= t->bottom
                   ? fsn__vec_zero()
                   : read_vec(mode, t->x + at, t->z + at, hook, part);
    }
}

/* Frequencies of one row of phases, `even_rows` of which i is a frequency, from its nine columns:
 * half[column][i]. v is where the channel block has its first phase of the tile in frequency 0. */
FSN__INLINE void source_row(const struct fsn__wino *plan, const fsn__vec half[SOURCE][SOURCE],
                            int row, int even_rows, int64_t block, float *v)
{
    const int64_t plane = plan->capacity * FSN__LANES;
    const int i = row;

    FSN__UNROLL
    for (int even = 0; even < 2; even++) {
        fsn__vec d[STRIDED_SIDE], t[STRIDED_SIDE];

        FSN__UNROLL
        for (int j = 0; j < strided_side(even); j++)
            d[j] = half[2 * j + even][i + even_rows * STRIDED_SIDE];
        strided_input(d, t, even);
        FSN__UNROLL
        for (int j = 0; j < strided_side(even); j++) {
            const int f = i * STRIDED_SIDE + j;
            const int64_t at =
                block * fsn__wino_parts(f, FSN__WINO_PHASES) + strided_slot(j, even_rows, even);

            fsn__vec_store(v + f * plan->v_step + at * plane, t[j]);
        }
    }
}

FSN__INLINE void source_tile(const struct fsn__wino *plan, enum read_mode mode,
                             const struct read_hook *hook, const struct tile *tile, int64_t block,
                             float *v)
{
    for (int part = 0; part < FSN__PARTS; part++, v += FSN__VL) {
        fsn__vec half[SOURCE][SOURCE]; /* [column][five frequencies of odd rows, four of even] */

        for (int j = 0; j < SOURCE; j++) {
            fsn__vec column[SOURCE], d[STRIDED_SIDE];

            read_column(tile, mode, hook, part, SOURCE, j, column);
            FSN__UNROLL
            for (int even = 0; even < 2; even++) {
                FSN__UNROLL
                for (int i = 0; i < strided_side(even); i++)
                    d[i] = column[2 * i + even];
                strided_input(d, half[j] + even * STRIDED_SIDE, even);
            }
        }
        FSN__UNROLL
        for (int even = 0; even < 2; even++) {
            FSN__UNROLL
            for (int i = 0; i < strided_side(even); i++)
                source_row(plan, (const fsn__vec(*)[SOURCE])half, i, even, block, v);
        }
    }
}

/* B^T d B of 5 x 5 pixels of dz, or A dY A^T of 4 x 4, to planes `step` apart. */
FSN__INLINE void gradient_tile(enum read_mode mode, const struct read_hook *hook,
                               const struct tile *tile, bool adjoint, int64_t step, float *to)
{
    const int side = adjoint ? STRIDED_TILE : GRADIENT;

    for (int part = 0; part < FSN__PARTS; part++, to += FSN__VL) {
        fsn__vec half[GRADIENT][STRIDED_SIDE];

        FSN__UNROLL
        for (int j = 0; j < side; j++) {
            fsn__vec column[GRADIENT];

            read_column(tile, mode, hook, part, side, j, column);
            if (adjoint)
                strided_output_adjoint(column, half[j]);
            else
                strided_input(column, half[j], 0);
        }
        FSN__UNROLL
        for (int i = 0; i < STRIDED_SIDE; i++) {
            fsn__vec row[GRADIENT], t[STRIDED_SIDE];

            FSN__UNROLL
            for (int j = 0; j < side; j++)
                row[j] = half[j][i];
            if (adjoint)
                strided_output_adjoint(row, t);
            else
                strided_input(row, t, 0);
            FSN__UNROLL
            for (int j = 0; j < STRIDED_SIDE; j++)
                fsn__vec_store(to + (i * STRIDED_SIDE + j) * step, t[j]);
        }
    }
}

/* Asks for the `side` x `side` pixels a row of tiles below. */
FSN__INLINE void prefetch_below(const struct tile *tile, enum read_mode mode, int side)
{
    const int64_t below = side * tile->pitch;

    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            const int64_t at = below + i * tile->pitch + j * FSN__LANES;

            fsn__prefetch(tile->x + at);
            if (mode == READ_GRAD)
                fsn__prefetch(tile->z + at);
        }
}

enum what { SOURCE_V, GRADIENT_V, GRADIENT_M };

static int64_t clip(int64_t x, int64_t most)
{
    return x < most ? x : most;
}

/* The tile of block c at tile number `index` of image n; maps are h x w. */
FSN__INLINE struct tile tile_at(const struct fsn__wino *plan, const struct wino_reader *reader,
                                enum read_mode mode, enum what what, int64_t plane_at, int64_t h,
                                int64_t w, int64_t index)
{
    const int step = what == SOURCE_V ? STEP : STRIDED_TILE, before = what == SOURCE_V;
    const int64_t side = what == SOURCE_V ? SOURCE : what == GRADIENT_V ? GRADIENT : STRIDED_TILE;
    const int64_t y = index / plan->tiles_x * step - before;
    const int64_t x = index % plan->tiles_x * step - before;
    const int64_t at = plane_at + (y * w + x) * FSN__LANES;

    return (struct tile){
        .x = reader->map + at,
        .z = (mode == READ_GRAD ? reader->grad->z : reader->map) + at,
        .pitch = w * FSN__LANES,
        .top = y < 0,
        .left = x < 0,
        .bottom = clip(h - y, side),
        .right = clip(w - x, side),
    };
}

/* Tiles [begin, end) of image n, channel block c of `blocks`. */
FSN__INLINE void transform_block(const struct fsn__wino *plan, const struct wino_reader *reader,
                                 enum read_mode mode, enum what what, int64_t n, int64_t c,
                                 int64_t begin, int64_t end, float *to)
{
    const bool source = what != GRADIENT_M;
    const int64_t blocks = source ? plan->c_blocks : plan->k_blocks;
    const int64_t h = source ? plan->h : plan->p, w = source ? plan->w : plan->q;
    const int64_t step = source ? plan->v_step : plan->m_step;
    const int64_t plane_at = (n * blocks + c) * h * w * FSN__LANES;
    const struct read_hook hook = read_hook(reader, c);

    for (int64_t index = begin; index < end; index++, to += FSN__LANES) {
        struct tile tile = tile_at(plan, reader, mode, what, plane_at, h, w, index);
        float *block = to + c * plan->capacity * FSN__LANES;

        prefetch_below(&tile, mode, what == SOURCE_V ? STEP : STRIDED_TILE);
        if (what != SOURCE_V) {
            gradient_tile(mode, &hook, &tile, what == GRADIENT_M, step, block);
            continue;
        }
        /* The rows of inner tiles are a constant of the loop. */
        if (tile.top == 0 && tile.bottom == SOURCE) {
            tile.top = 0;
            tile.bottom = SOURCE;
            source_tile(plan, mode, &hook, &tile, c, to);
        } else {
            source_tile(plan, mode, &hook, &tile, c, to);
        }
    }
}

static void transform_any(const struct fsn__wino *plan, const struct wino_reader *reader,
                          enum what what, int64_t n, int64_t c, int64_t begin, int64_t end,
                          float *to)
{
    const enum read_mode mode = read_mode(reader);

    if (what == SOURCE_V && mode == READ_PLAIN)
        transform_block(plan, reader, READ_PLAIN, SOURCE_V, n, c, begin, end, to);
    else if (what == SOURCE_V && mode == READ_AFFINE)
        transform_block(plan, reader, READ_AFFINE, SOURCE_V, n, c, begin, end, to);
    else if (what == SOURCE_V)
        transform_block(plan, reader, READ_AFFINE_RELU, SOURCE_V, n, c, begin, end, to);
    else if (what == GRADIENT_V && mode == READ_GRAD)
        transform_block(plan, reader, READ_GRAD, GRADIENT_V, n, c, begin, end, to);
    else if (what == GRADIENT_V)
        transform_block(plan, reader, READ_PLAIN, GRADIENT_V, n, c, begin, end, to);
    else if (mode == READ_GRAD)
        transform_block(plan, reader, READ_GRAD, GRADIENT_M, n, c, begin, end, to);
    else
        transform_block(plan, reader, READ_PLAIN, GRADIENT_M, n, c, begin, end, to);
}

static void transform_tiles(const struct fsn__wino *plan, const struct wino_reader *reader,
                            enum what what, int64_t first, int64_t count, float *to)
{
    const int64_t blocks = what == GRADIENT_M ? plan->k_blocks : plan->c_blocks;
    const int64_t last = first + count;

    for (int64_t tiles; first < last; first += tiles, to += tiles * FSN__LANES) {
        const int64_t n = first / plan->tiles_image, begin = first % plan->tiles_image;

        tiles = clip(plan->tiles_image - begin, last - first);
        for (int64_t c = 0; c < blocks; c++)
            transform_any(plan, reader, what, n, c, begin, begin + tiles, to);
    }
}

void wino_strided_input(const struct fsn__wino *plan, const struct wino_reader *reader,
                        int64_t first, int64_t count, float *v)
{
    const bool gradient = plan->pass == FSN__WINO_BACKWARD_DATA;

    transform_tiles(plan, reader, gradient ? GRADIENT_V : SOURCE_V, first, count, v);
}

void wino_strided_gradient(const struct fsn__wino *plan, const struct wino_reader *reader,
                           int64_t first, int64_t count, float *m)
{
    transform_tiles(plan, reader, GRADIENT_M, first, count, m);
}
