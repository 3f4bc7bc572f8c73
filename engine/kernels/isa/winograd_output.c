/* winograd_output.c - the output transform Y = A^T M A and the hooks of writing a map.
 *
 *           | 1  1   1   1   1  0 |
 *     A^T = | 0  a  -a   b  -b  0 |     a2 = a^2 and so on; a, b in winograd.h
 *           | 0  a2  a2  b2  b2 0 |
 *           | 0  a3 -a3  b3 -b3 1 |
 *
 * Forward:  z = relu?(Y + bias + residual), with sum z and sum z^2 per channel.
 * Backward: g = Y where the forward's relu let x pass, dx (+)= a g, with sum g z and sum g.
 * What depends on a channel alone is made the same for all cases (no bias: zero; no relu: a floor
 * of minus infinity, or a gate of 0 z + 1); what costs memory or arithmetic for every element
 * (residual, sums, z, the old dx) is a constant of the loop. Sums are taken in f32 over one block
 * of tiles and added up in double.
 */
#include "kernels/isa/winograd_isa.h"

#include <math.h>

enum { TILE = 4, FREQUENCY = 6 };

/* The cases that have a loop of their own: add: residual, or accumulate; sum: sums, or a hook that
 * reads z. */
struct kind {
    bool backward, add, sum;
};

/* One filter block of one pass: per-channel vectors and running sums. */
struct block {
    const struct kind *kind;
    float *out;
    const float *add, *z;
    int64_t pitch; /* of a row of the map, in floats */
    bool stream;
    fsn__vec bias[FSN__PARTS], floor[FSN__PARTS];                       /* forward */
    fsn__vec slope[FSN__PARTS], gate_a[FSN__PARTS], gate_b[FSN__PARTS]; /* backward */
    fsn__vec sum1[FSN__PARTS], sum2[FSN__PARTS];
};

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

/* What is written for value v at offset `at` of the map. */
FSN__INLINE fsn__vec hooked(struct block *b, struct kind kind, int part, int64_t at, fsn__vec v)
{
    if (!kind.backward) {
        v += b->bias[part];
        if (kind.add)
            v += fsn__vec_load(b->add + at);
        v = fsn__vec_max(b->floor[part], v);
        if (kind.sum) {
            b->sum1[part] += v;
            b->sum2[part] += v * v;
        }
        return v;
    }
    if (kind.sum) {
        fsn__vec z = fsn__vec_load(b->z + at);

        v = fsn__vec_where_positive(b->gate_a[part] * z + b->gate_b[part], v);
        b->sum1[part] += v * z;
        b->sum2[part] += v;
        v *= b->slope[part];
    }
    if (kind.add)
        v += fsn__vec_load(b->add + at);
    return v;
}

FSN__INLINE void write_vec(struct block *b, struct kind kind, int part, int64_t at, fsn__vec v)
{
    v = hooked(b, kind, part, at, v);
    if (b->stream)
        fsn__vec_stream(b->out + at, v);
    else
        fsn__vec_store(b->out + at, v);
}

/* Both parts of a line of the map are written one after the other, for the stores that stream. */
FSN__INLINE void transform_tile(const struct fsn__wino *plan, struct block *b, struct kind kind,
                                const float *m, int64_t at, int64_t rows, int64_t columns)
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
FSN__INLINE void prefetch_tile(const struct block *b, struct kind kind, int64_t at)
{
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < TILE; j++) {
            int64_t next = at + i * b->pitch + j * FSN__LANES;

            if (kind.add)
                fsn__prefetch(b->add + next);
            if (kind.backward && kind.sum)
                fsn__prefetch(b->z + next);
        }
}

FSN__INLINE void transform_tiles(const struct fsn__wino *plan, struct block *block,
                                 struct kind kind, int64_t k, int64_t first, int64_t count,
                                 const float *m)
{
    struct block b = *block;
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
static void transform_kind(const struct fsn__wino *plan, struct block *block, struct kind kind,
                           int64_t k, int64_t first, int64_t count, const float *m)
{
#define CASE(backward, add, sum)                                                             \
    case backward * 4 + add * 2 + sum:                                                       \
        transform_tiles(plan, block, (struct kind){backward, add, sum}, k, first, count, m); \
        break;
    switch (kind.backward * 4 + kind.add * 2 + kind.sum) {
        CASE(0, 0, 0)
        CASE(0, 0, 1)
        CASE(0, 1, 0)
        CASE(0, 1, 1)
        CASE(1, 0, 0)
        CASE(1, 0, 1)
        CASE(1, 1, 0)
        CASE(1, 1, 1)
    }
#undef CASE
}

static fsn__vec channel_vec(const float *values, int64_t at, float fallback)
{
    return values ? fsn__vec_load(values + at) : fsn__vec_set(fallback);
}

static struct kind block_setup(const struct fsn__wino *plan, const struct wino_writer *writer,
                               int64_t k, struct block *b)
{
    const struct fsn__store *store = writer->store;
    const struct fsn__grad_store *grad = writer->grad;
    const struct fsn__load *load = grad ? grad->load : NULL;
    bool relu = store ? store->relu : load && load->relu;

    *b =
        (struct block){.out = writer->map, .pitch = plan->q * FSN__LANES, .stream = writer->stream};
    b->add = store ? store->residual : writer->map;
    b->z = grad ? grad->z : NULL;
    for (int part = 0; part < FSN__PARTS; part++) {
        int64_t at = k * FSN__LANES + part * FSN__VL;

        b->bias[part] = channel_vec(store ? store->bias : NULL, at, 0);
        b->floor[part] = fsn__vec_set(relu ? 0 : -INFINITY);
        b->slope[part] = channel_vec(load ? load->a : NULL, at, 1);
        b->gate_a[part] = relu ? b->slope[part] : fsn__vec_zero();
        b->gate_b[part] =
            relu ? channel_vec(load && load->a ? load->b : NULL, at, 0) : fsn__vec_set(1);
    }
    if (grad)
        return (struct kind){true, grad->accumulate, load && (load->a || load->relu)};
    return (struct kind){false, store && store->residual, store && (store->sum || store->sum_sq)};
}

void wino_output(const struct fsn__wino *plan, const struct wino_writer *writer, int64_t block,
                 int64_t blocks, int64_t first, int64_t count, const float *m, double *sums)
{
    for (int64_t j = 0; j < blocks; j++, m += plan->capacity * FSN__LANES) {
        struct block b;
        struct kind kind = block_setup(plan, writer, block + j, &b);
        float part_sums[2][FSN__LANES];
        double *out = sums + (block + j) * FSN__LANES;

        transform_kind(plan, &b, kind, block + j, first, count, m);
        for (int part = 0; part < FSN__PARTS; part++) {
            fsn__vec_store(part_sums[0] + part * FSN__VL, b.sum1[part]);
            fsn__vec_store(part_sums[1] + part * FSN__VL, b.sum2[part]);
        }
        for (int lane = 0; lane < FSN__LANES; lane++) {
            out[lane] += (double)part_sums[0][lane];
            out[plan->k_blocks * FSN__LANES + lane] += (double)part_sums[1][lane];
        }
    }
    if (writer->stream)
        fsn__vec_fence();
}
