/* amx_tile.c - the products of tiles.
 *
 * The unit has eight registers of 16 rows of 64 bytes. A product takes 16 cycles; to load a tile
 * whose rows are cache lines takes 8, twice that where each row crosses one. Four products from two
 * and two tiles, or from four and one, therefore keep the unit at work.
 */
#include "kernels/amx/amx.h"

void fsn__amx_begin(void)
{
    static const struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16]; /* of a row of each register */
        uint8_t rows[16];
    } config = {
        .palette = 1,
        .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };

    /* Constant, since gcc 12's _tile_loadconfig says that it reads a pointer's worth of it, and
     * what it does not say would not be stored (GCC bug 114098). */
    _tile_loadconfig(&config);
}

void fsn__amx_end(void)
{
    _tile_release();
}

/* For each step: `source` and `filters` point to its tiles. Registers are named by constants, so
 * that each arrangement is a loop of its own. */
#define FOR_STEPS(p, body)                                                       \
    do {                                                                         \
        const fsn__bf16 *filters = (p)->filters;                                 \
        for (int64_t chunk = 0; chunk < (p)->chunks; chunk++)                    \
            for (int64_t row = 0; row < (p)->r; row++) {                         \
                const fsn__bf16 *source =                                        \
                    (p)->source + chunk * (p)->chunk_step + row * (p)->row_step; \
                for (int64_t i = 0; i < (p)->across; i++) {                      \
                    body source += (p)->across_step;                             \
                    filters += FSN__AMX_TILE;                                    \
                }                                                                \
            }                                                                    \
    } while (0)

static size_t bytes(int64_t numbers)
{
    return (size_t)numbers * sizeof(fsn__bf16);
}

static void multiply_2x2(const struct fsn__amx_product *p)
{
    const size_t row_bytes = bytes(p->lanes), out = 2 * FSN__LANES * sizeof(float);

    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    FOR_STEPS(p, {
        _tile_loadd(4, source, row_bytes);
        _tile_loadd(6, filters, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, filters + p->filter_block, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, source + FSN__AMX_ROWS * p->lanes, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    });
    _tile_stored(0, p->sums, out);
    _tile_stored(1, p->sums + FSN__LANES, out);
    _tile_stored(2, p->sums + FSN__AMX_ROWS * 2 * FSN__LANES, out);
    _tile_stored(3, p->sums + FSN__AMX_ROWS * 2 * FSN__LANES + FSN__LANES, out);
}

static void multiply_1x2(const struct fsn__amx_product *p)
{
    const size_t row_bytes = bytes(p->lanes), out = 2 * FSN__LANES * sizeof(float);

    _tile_zero(0);
    _tile_zero(1);
    FOR_STEPS(p, {
        _tile_loadd(4, source, row_bytes);
        _tile_loadd(6, filters, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, filters + p->filter_block, 64);
        _tile_dpbf16ps(1, 4, 7);
    });
    _tile_stored(0, p->sums, out);
    _tile_stored(1, p->sums + FSN__LANES, out);
}

static void multiply_4x1(const struct fsn__amx_product *p)
{
    const size_t row_bytes = bytes(p->lanes), out = FSN__LANES * sizeof(float);
    const int64_t next = FSN__AMX_ROWS * p->lanes, sums = FSN__AMX_ROWS * FSN__LANES;

    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    FOR_STEPS(p, {
        _tile_loadd(6, filters, 64);
        _tile_loadd(4, source, row_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, source + next, row_bytes);
        _tile_dpbf16ps(1, 5, 6);
        _tile_loadd(4, source + 2 * next, row_bytes);
        _tile_dpbf16ps(2, 4, 6);
        _tile_loadd(5, source + 3 * next, row_bytes);
        _tile_dpbf16ps(3, 5, 6);
    });
    _tile_stored(0, p->sums, out);
    _tile_stored(1, p->sums + sums, out);
    _tile_stored(2, p->sums + 2 * sums, out);
    _tile_stored(3, p->sums + 3 * sums, out);
}

static void multiply_1x1(const struct fsn__amx_product *p)
{
    const size_t row_bytes = bytes(p->lanes);

    _tile_zero(0);
    FOR_STEPS(p, {
        _tile_loadd(4, source, row_bytes);
        _tile_loadd(6, filters, 64);
        _tile_dpbf16ps(0, 4, 6);
    });
    _tile_stored(0, p->sums, FSN__LANES * sizeof(float));
}

void fsn__amx_multiply(const struct fsn__amx_product *product, int64_t tiles, int blocks)
{
    struct fsn__amx_product p = *product;
    const int64_t group = blocks == 2 ? 2 : 4; /* tiles at a time */

    while (tiles > 0) {
        const int64_t now = tiles >= group ? group : 1;

        if (blocks == 2)
            (now == 2 ? multiply_2x2 : multiply_1x2)(&p);
        else
            (now == 4 ? multiply_4x1 : multiply_1x1)(&p);
        p.source += now * FSN__AMX_ROWS * p.lanes;
        p.sums += now * FSN__AMX_ROWS * blocks * FSN__LANES;
        tiles -= now;
    }
}

enum { SQUARE = FSN__LANES * FSN__LANES, SQUARE_ROW = FSN__LANES * sizeof(float) };

static void correlate_3(const struct fsn__amx_correlation *c)
{
    const size_t row_bytes = bytes(c->stride);

    _tile_loadd(0, c->dw, SQUARE_ROW);
    _tile_loadd(1, c->dw + SQUARE, SQUARE_ROW);
    _tile_loadd(2, c->dw + 2 * SQUARE, SQUARE_ROW);
    for (int64_t p = 0; p < c->positions; p += FSN__AMX_DEPTH) {
        _tile_loadd(6, c->dz + p * FSN__LANES, 64);
        _tile_loadd(3, c->x + p, row_bytes);
        _tile_dpbf16ps(0, 3, 6);
        _tile_loadd(4, c->x + p + 1, row_bytes);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(5, c->x + p + 2, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
    }
    _tile_stored(0, c->dw, SQUARE_ROW);
    _tile_stored(1, c->dw + SQUARE, SQUARE_ROW);
    _tile_stored(2, c->dw + 2 * SQUARE, SQUARE_ROW);
}

static void correlate_1(const struct fsn__amx_correlation *c)
{
    const size_t row_bytes = bytes(c->stride);

    _tile_loadd(0, c->dw, SQUARE_ROW);
    for (int64_t p = 0; p < c->positions; p += FSN__AMX_DEPTH) {
        _tile_loadd(6, c->dz + p * FSN__LANES, 64);
        _tile_loadd(4, c->x + p, row_bytes);
        _tile_dpbf16ps(0, 4, 6);
    }
    _tile_stored(0, c->dw, SQUARE_ROW);
}

void fsn__amx_correlate(const struct fsn__amx_correlation *correlation, int64_t taps)
{
    struct fsn__amx_correlation c = *correlation;

    while (taps > 0) {
        const int64_t now = taps >= 3 ? 3 : 1;

        (now == 3 ? correlate_3 : correlate_1)(&c);
        c.x += now;
        c.dw += now * SQUARE;
        taps -= now;
    }
}

void fsn__amx_correlate_four(const struct fsn__amx_correlation *c)
{
    const size_t row_bytes = bytes(c->stride);

    _tile_loadd(0, c->dw, SQUARE_ROW);
    _tile_loadd(1, c->dw + c->dw_dz, SQUARE_ROW);
    _tile_loadd(2, c->dw + c->dw_x, SQUARE_ROW);
    _tile_loadd(3, c->dw + c->dw_x + c->dw_dz, SQUARE_ROW);
    for (int64_t p = 0; p < c->positions; p += FSN__AMX_DEPTH) {
        _tile_loadd(4, c->x + p, row_bytes);
        _tile_loadd(6, c->dz + p * FSN__LANES, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, c->dz + c->dz_block + p * FSN__LANES, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, c->x + c->x_block + p, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c->dw, SQUARE_ROW);
    _tile_stored(1, c->dw + c->dw_dz, SQUARE_ROW);
    _tile_stored(2, c->dw + c->dw_x, SQUARE_ROW);
    _tile_stored(3, c->dw + c->dw_x + c->dw_dz, SQUARE_ROW);
}
