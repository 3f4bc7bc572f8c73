/* winograd_strided_filter.c - filters into the frequencies of winograd_strided.h and their gradient
 * back: U = G g G^T and dg = G^T dU G for each phase, whose taps are those of rows and columns 0
 * and 2 (two taps) or 1 (one). Filters come and go as in winograd_filter.c, for the data's backward
 * pass turned around there, which is what the phases want too. */
#include "kernels/isa/winograd_strided.h"

enum { SIDE = 3, TAPS = SIDE * SIDE };

/* The taps of a phase in one direction: 0 and 2, or 1. */
FSN__INLINE int tap_of(int even, int i)
{
    return even ? 1 : 2 * i;
}

/* U of one phase of one channel's 16 filters; u[f] is where its row is in frequency f. */
FSN__INLINE void filter_phase(const float g[TAPS][FSN__LANES], int part, int even_rows,
                              int even_columns, float *const *u, const int64_t *slot_step)
{
    const int columns = 2 - even_columns, rows = 2 - even_rows;
    fsn__vec half[2][STRIDED_SIDE]; /* G g, column by column */

    FSN__UNROLL
    for (int j = 0; j < columns; j++) {
        fsn__vec column[2];

        FSN__UNROLL
        for (int i = 0; i < rows; i++) {
            const int tap = tap_of(even_rows, i) * SIDE + tap_of(even_columns, j);

            column[i] = fsn__vec_load(&g[tap][part * FSN__VL]);
        }
        strided_filter(column, half[j], even_rows);
    }
    FSN__UNROLL
    for (int i = 0; i < strided_side(even_rows); i++) {
        fsn__vec row[2], t[STRIDED_SIDE];

        FSN__UNROLL
        for (int j = 0; j < columns; j++)
            row[j] = half[j][i];
        strided_filter(row, t, even_columns);
        FSN__UNROLL
        for (int j = 0; j < strided_side(even_columns); j++) {
            const int f = i * STRIDED_SIDE + j;
            const int slot = strided_slot(j, even_rows, even_columns);

            fsn__vec_store(u[f] + slot_step[f * FSN__WINO_PHASES + slot] + part * FSN__VL, t[j]);
        }
    }
}

/* Where the filters of a piece go: in every frequency, for channel 0 of the 16, its row, and from
 * there those of the phases; and how far the rows of channels are apart. */
struct target {
    float *u[STRIDED_SIDE * STRIDED_SIDE];
    int64_t slot[STRIDED_SIDE * STRIDED_SIDE * FSN__WINO_PHASES];
    int64_t row[STRIDED_SIDE * STRIDED_SIDE][FSN__WINO_PHASES];
};

/* U has the strips of wino_multiply: forward phases lie beside each other as rows, backward as
 * filter blocks. */
static void find_target(const struct fsn__wino *plan, const struct wino_piece *piece, int64_t j,
                        int64_t i, float *u, struct target *to)
{
    for (int f = 0; f < STRIDED_SIDE * STRIDED_SIDE; f++) {
        const int64_t c_parts = fsn__wino_parts(f, plan->c_parts);
        const int64_t k_parts = fsn__wino_parts(f, plan->k_parts);
        const int64_t blocks = piece->blocks * k_parts, rows = piece->count * c_parts;

        to->u[f] = u + f * plan->u_step;
        for (int64_t slot = 0; slot < c_parts * k_parts; slot++) {
            const int64_t first = i * c_parts + (k_parts == 1 ? slot * FSN__LANES : 0);
            int64_t row, at;

            at = wino_strip(j * k_parts + (k_parts == 1 ? 0 : slot), blocks, rows, &row);
            to->slot[f * FSN__WINO_PHASES + slot] = at + first * row;
            to->row[f][slot] = row;
        }
    }
}

void wino_strided_filter(const struct fsn__wino *plan, const struct fsn__filters *w,
                         const struct wino_piece *piece, int64_t j, int64_t i, float *u)
{
    float g[FSN__LANES][TAPS][FSN__LANES] __attribute__((aligned(64)));
    struct target to = {.u = {NULL}}; /* phases that a frequency lacks stay at 0 */

    find_target(plan, piece, j, i, u, &to);
    wino_gather(plan, w, piece->block + j, piece->c + i, FSN__LANES, g);
    for (int channel = 0; channel < FSN__LANES; channel++) {
        for (int part = 0; part < FSN__PARTS; part++) {
            filter_phase(g[channel], part, 0, 0, to.u, to.slot);
            filter_phase(g[channel], part, 0, 1, to.u, to.slot);
            filter_phase(g[channel], part, 1, 0, to.u, to.slot);
            filter_phase(g[channel], part, 1, 1, to.u, to.slot);
        }
        for (int f = 0; f < STRIDED_SIDE * STRIDED_SIDE; f++)
            for (int slot = 0; slot < FSN__WINO_PHASES; slot++)
                to.slot[f * FSN__WINO_PHASES + slot] += to.row[f][slot];
    }
}

/* dg of one phase of one channel's 16 filters, into its taps. */
FSN__INLINE void gradient_phase(const struct fsn__wino *plan, const float *du, int64_t index,
                                int parts, int64_t part_step, int even_rows, int even_columns,
                                float *g)
{
    fsn__vec half[STRIDED_SIDE][2]; /* G^T dU, column by column */

    FSN__UNROLL
    for (int j = 0; j < strided_side(even_columns); j++) {
        fsn__vec column[STRIDED_SIDE];

        FSN__UNROLL
        for (int i = 0; i < strided_side(even_rows); i++) {
            const int f = i * STRIDED_SIDE + j;
            const int64_t block = index * fsn__wino_parts(f, FSN__WINO_PHASES) +
                                  strided_slot(j, even_rows, even_columns);
            const float *at = du + f * plan->u_step + block * FSN__LANES * FSN__LANES;

            column[i] = fsn__vec_load(at);
            for (int t = 1; t < parts; t++)
                column[i] += fsn__vec_load(at + t * part_step);
        }
        strided_filter_adjoint(column, half[j], even_rows);
    }
    FSN__UNROLL
    for (int i = 0; i < 2 - even_rows; i++) {
        fsn__vec row[STRIDED_SIDE], out[2];

        FSN__UNROLL
        for (int j = 0; j < strided_side(even_columns); j++)
            row[j] = half[j][i];
        strided_filter_adjoint(row, out, even_columns);
        FSN__UNROLL
        for (int j = 0; j < 2 - even_columns; j++)
            fsn__vec_store(g + (tap_of(even_rows, i) * SIDE + tap_of(even_columns, j)) * FSN__LANES,
                           out[j]);
    }
}

void wino_strided_filter_gradient(const struct fsn__wino *plan, const float *du, int64_t index,
                                  int parts, int64_t part_step, int64_t c_block, int64_t k_block,
                                  float *dw)
{
    float g[FSN__LANES][TAPS][FSN__LANES] __attribute__((aligned(64)));

    for (int channel = 0; channel < FSN__LANES; channel++, du += FSN__LANES)
        for (int part = 0; part < FSN__PARTS; part++) {
            const float *from = du + part * FSN__VL;
            float *to = &g[channel][0][part * FSN__VL];

            gradient_phase(plan, from, index, parts, part_step, 0, 0, to);
            gradient_phase(plan, from, index, parts, part_step, 0, 1, to);
            gradient_phase(plan, from, index, parts, part_step, 1, 0, to);
            gradient_phase(plan, from, index, parts, part_step, 1, 1, to);
        }
    wino_scatter(plan, g, k_block * FSN__LANES, c_block * FSN__LANES, dw);
}
