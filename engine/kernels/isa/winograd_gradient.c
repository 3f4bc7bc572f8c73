/* winograd_gradient.c - the transform dM = A dY A^T of a gradient's 4 x 4 tiles, for the gradient
 * of the filters; the adjoint of the output transform. What lies past the map's edge is zero.
 *
 *         | 1  0  0   0 |
 *         | 1  a  a2  a3 |     a2 = a^2 and so on; a, b in winograd.h
 *     A = | 1 -a  a2 -a3 |
 *         | 1  b  b2  b3 |
 *         | 1 -b  b2 -b3 |
 *         | 0  0  0   1 |
 */
#include "kernels/isa/winograd_read.h"

enum { TILE = 4, FREQUENCY = 6 };

FSN__INLINE void transform(const fsn__vec y[TILE], fsn__vec t[FREQUENCY])
{
    const float a = FSN__WINO_A, b = FSN__WINO_B, a2 = a * a, b2 = b * b;
    fsn__vec a_even = y[0] + a2 * y[2], a_odd = y[1] + a2 * y[3];
    fsn__vec b_even = y[0] + b2 * y[2], b_odd = y[1] + b2 * y[3];

    t[0] = y[0];
    t[1] = a_even + a * a_odd;
    t[2] = a_even - a * a_odd;
    t[3] = b_even + b * b_odd;
    t[4] = b_even - b * b_odd;
    t[5] = y[3];
}

/* The tile at (y, x) of the plane at dz, z; rows x columns of it lie in the map. */
FSN__INLINE void transform_tile(const struct fsn__wino *plan, enum read_mode mode,
                                const struct read_hook *hook, const float *dz, const float *z,
                                int64_t rows, int64_t columns, float *m)
{
    const int64_t pitch = plan->q * FSN__LANES, step = plan->m_step;

    for (int part = 0; part < FSN__PARTS; part++) {
        fsn__vec half[TILE][FREQUENCY]; /* A dY, column by column */

        FSN__UNROLL
        for (int j = 0; j < TILE; j++) {
            fsn__vec y[TILE];

            FSN__UNROLL
            for (int i = 0; i < TILE; i++) {
                int64_t at = i * pitch + j * FSN__LANES + part * FSN__VL;

                y[i] = i < rows && j < columns ? read_vec(mode, dz + at, z + at, hook, part)
                                               : fsn__vec_zero();
            }
            transform(y, half[j]);
        }
        FSN__UNROLL
        for (int i = 0; i < FREQUENCY; i++) {
            fsn__vec y[TILE], t[FREQUENCY];

            FSN__UNROLL
            for (int j = 0; j < TILE; j++)
                y[j] = half[j][i];
            transform(y, t);
            FSN__UNROLL
            for (int j = 0; j < FREQUENCY; j++)
                fsn__vec_store(m + (i * FREQUENCY + j) * step + part * FSN__VL, t[j]);
        }
    }
}

FSN__INLINE void transform_block(const struct fsn__wino *plan, enum read_mode mode,
                                 const struct wino_reader *reader, int64_t n, int64_t k,
                                 int64_t begin, int64_t end, float *m)
{
    struct read_hook hook = read_hook(reader, k);
    int64_t plane = (n * plan->k_blocks + k) * plan->p * plan->q * FSN__LANES;
    const float *zs = mode == READ_GRAD ? reader->grad->z : reader->map;

    for (int64_t tile = begin; tile < end; tile++, m += FSN__LANES) {
        int64_t y = tile / plan->tiles_x * TILE, x = tile % plan->tiles_x * TILE;
        int64_t rows = plan->p - y, columns = plan->q - x;
        int64_t at = plane + (y * plan->q + x) * FSN__LANES, ahead = TILE * plan->q * FSN__LANES;

        for (int i = 0; i < TILE; i++)
            for (int j = 0; j < TILE; j++) {
                int64_t next = at + ahead + (i * plan->q + j) * FSN__LANES;

                fsn__prefetch(reader->map + next);
                if (mode == READ_GRAD)
                    fsn__prefetch(zs + next);
            }
        if (rows >= TILE && columns >= TILE)
            transform_tile(plan, mode, &hook, reader->map + at, zs + at, TILE, TILE, m);
        else
            transform_tile(plan, mode, &hook, reader->map + at, zs + at, rows, columns, m);
    }
}

void wino_gradient(const struct fsn__wino *plan, const struct wino_reader *reader, int64_t first,
                   int64_t count, float *m)
{
    bool grad = read_mode(reader) == READ_GRAD;
    int64_t last = first + count;

    while (first < last) {
        int64_t n = first / plan->tiles_image, begin = first % plan->tiles_image;
        int64_t end = plan->tiles_image;

        if (end - begin > last - first)
            end = begin + (last - first);
        for (int64_t k = 0; k < plan->k_blocks; k++) {
            float *block = m + k * plan->capacity * FSN__LANES;

            if (grad)
                transform_block(plan, READ_GRAD, reader, n, k, begin, end, block);
            else
                transform_block(plan, READ_PLAIN, reader, n, k, begin, end, block);
        }
        m += (end - begin) * FSN__LANES;
        first += end - begin;
    }
}
