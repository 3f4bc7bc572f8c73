/* winograd_strided.h - Winograd F(4x4) of 3x3 filters with stride 2, by phases of the larger map.
 *
 * With padding 1, y[i] = g0 x[2i - 1] + g1 x[2i] + g2 x[2i + 1]: the odd rows o[e] = x[2e + 1] are
 * correlated with two taps (g0, g2), from e = i - 1 on, the even ones with the single tap g1. In
 * two dimensions the map has four phases with 2x2, 2x1, 1x2 and 1x1 taps, and their sum is y. Each
 * is minimal filtering F(4, 2) in every direction, with the points +-a, +-b and infinity (five
 * frequencies for four outputs), in which a single tap is the filter (g1, 0): it knows nothing of
 * infinity. So the phases are summed up before the output transform, like channels,
 *     M_f = sum_phase sum_c V_f U_f,     Y = A^T M A,
 * with 4 phases in 16 of the 25 frequencies, 2 in 8 and 1 in 1: 81 products for 16 outputs, where
 * the direct convolution has 144 and F(4x4, 3x3) with stride 1 has 36.
 *
 *           | -ab2  -b2   a     1   0 |          |  s   a s |
 *           | -ab2   b2   a    -1   0 |          |  s  -a s |        | 1   1   1   1   0 |
 *     B^T = | -a2b  -a2   b     1   0 |      G = |  t   b t |  A^T = | a  -a   b  -b   0 |
 *           | -a2b   a2   b    -1   0 |          |  t  -b t |        | a2  a2  b2  b2  0 |
 *           | a2b2   0  -a2-b2  0   1 |          |  0   1   |        | a3 -a3  b3 -b3  1 |
 *
 * with a2 = a^2 and so on, s = 1 / (2 a (a2 - b2)), t = 1 / (2 b (b2 - a2)). The gradient of the
 * filters is the adjoint, dU = V^T (A dY A^T), dg = G^T dU G for each phase. That of the input has
 * dx[2e + 1] = g2 dz[e] + g0 dz[e + 1] and dx[2e] = g1 dz[e]: the same filtering of dz, which has
 * one V for all phases, with the taps turned around, and an M for each phase.
 *
 * a = 1/2 and b = 5/4 make the rms error 7e-7 of the output's rms at 128 channels.
 */
#ifndef FSN_KERNELS_ISA_WINOGRAD_STRIDED_H
#define FSN_KERNELS_ISA_WINOGRAD_STRIDED_H

#include "kernels/isa/winograd_isa.h"

enum {
    STRIDED_TILE = 4,
    STRIDED_SIDE = FSN__WINO_STRIDED_SIDE, /* frequencies across, the last one infinity */
};

#define STRIDED_A 0.5F
#define STRIDED_B 1.25F
#define STRIDED_A2 (STRIDED_A * STRIDED_A)
#define STRIDED_B2 (STRIDED_B * STRIDED_B)
#define STRIDED_S (1 / (2 * STRIDED_A * (STRIDED_A2 - STRIDED_B2)))
#define STRIDED_T (1 / (2 * STRIDED_B * (STRIDED_B2 - STRIDED_A2)))

/* A phase: 0 for the odd rows (columns), which have two taps and all frequencies; 1 for the even
 * ones, with one tap and no infinity. */
FSN__INLINE int strided_side(int even)
{
    return STRIDED_SIDE - even;
}

/* Where phase (rows, columns) stands among those of frequency (i, j), of which there are `parts`
 * (fsn__wino_parts). */
FSN__INLINE int strided_slot(int j, int even_rows, int even_columns)
{
    return j == STRIDED_SIDE - 1 ? even_rows : 2 * even_rows + even_columns;
}

/* ---- in one dimension; `even`: of a phase with one tap, a constant ----------------------------
 */

/* t = B^T d; even: d[4] is not read, t[4] not written. */
FSN__INLINE void strided_input(const fsn__vec *d, fsn__vec *t, int even)
{
    fsn__vec a_odd = d[3] - STRIDED_B2 * d[1], a_even = STRIDED_A * (d[2] - STRIDED_B2 * d[0]);
    fsn__vec b_odd = d[3] - STRIDED_A2 * d[1], b_even = STRIDED_B * (d[2] - STRIDED_A2 * d[0]);

    t[0] = a_even + a_odd;
    t[1] = a_even - a_odd;
    t[2] = b_even + b_odd;
    t[3] = b_even - b_odd;
    if (!even)
        t[4] = d[4] + STRIDED_A2 * STRIDED_B2 * d[0] - (STRIDED_A2 + STRIDED_B2) * d[2];
}

/* u = G g; even: g[1] is not read, u[4] not written. */
FSN__INLINE void strided_filter(const fsn__vec *g, fsn__vec *u, int even)
{
    if (even) {
        u[0] = u[1] = STRIDED_S * g[0];
        u[2] = u[3] = STRIDED_T * g[0];
        return;
    }
    u[0] = STRIDED_S * (g[0] + STRIDED_A * g[1]);
    u[1] = STRIDED_S * (g[0] - STRIDED_A * g[1]);
    u[2] = STRIDED_T * (g[0] + STRIDED_B * g[1]);
    u[3] = STRIDED_T * (g[0] - STRIDED_B * g[1]);
    u[4] = g[1];
}

/* g = G^T u; even: g[1] is not written. */
FSN__INLINE void strided_filter_adjoint(const fsn__vec *u, fsn__vec *g, int even)
{
    g[0] = STRIDED_S * (u[0] + u[1]) + STRIDED_T * (u[2] + u[3]);
    if (!even)
        g[1] = STRIDED_A * STRIDED_S * (u[0] - u[1]) + STRIDED_B * STRIDED_T * (u[2] - u[3]) + u[4];
}

/* y = A^T m; even: m[4] is zero and not read. */
FSN__INLINE void strided_output(const fsn__vec *m, fsn__vec *y, int even)
{
    fsn__vec a_even = m[0] + m[1], a_odd = STRIDED_A * (m[0] - m[1]);
    fsn__vec b_even = m[2] + m[3], b_odd = STRIDED_B * (m[2] - m[3]);

    y[0] = a_even + b_even;
    y[1] = a_odd + b_odd;
    y[2] = STRIDED_A2 * a_even + STRIDED_B2 * b_even;
    y[3] = STRIDED_A2 * a_odd + STRIDED_B2 * b_odd;
    if (!even)
        y[3] += m[4];
}

/* t = A y. */
FSN__INLINE void strided_output_adjoint(const fsn__vec *y, fsn__vec *t)
{
    fsn__vec a_even = y[0] + STRIDED_A2 * y[2], a_odd = STRIDED_A * (y[1] + STRIDED_A2 * y[3]);
    fsn__vec b_even = y[0] + STRIDED_B2 * y[2], b_odd = STRIDED_B * (y[1] + STRIDED_B2 * y[3]);

    t[0] = a_even + a_odd;
    t[1] = a_even - a_odd;
    t[2] = b_even + b_odd;
    t[3] = b_even - b_odd;
    t[4] = y[3];
}

#endif
