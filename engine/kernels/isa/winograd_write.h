/* winograd_write.h - writing a map through its hook, a vector at a time.
 *
 * Forward:  z = relu?(Y + bias + residual), with sum z and sum z^2 per channel.
 * Backward: g = Y where the forward's relu let x pass, dx (+)= a g, with sum g z and sum g; or,
 * where x ends a residual block (joined): g = Y (+ dx) where x > 0, dx = g, with sum g joined and
 * sum g. What depends on a channel alone is made the same for all cases (no bias: zero; no relu: a
 * floor of minus infinity, or a gate of 0 z + 1); what costs memory or arithmetic for every element
 * (residual, sums, z, the old dx) is a constant of the loop. Sums are taken in f32 over one block
 * of tiles and added up in double.
 */
#ifndef FSN_KERNELS_ISA_WINOGRAD_WRITE_H
#define FSN_KERNELS_ISA_WINOGRAD_WRITE_H

#include "kernels/isa/winograd_isa.h"

#include <math.h>

/* What is summed up: nothing; what is written, by a hook that may read z; g, where x ends a
 * residual block. */
enum write_sums { NO_SUMS, SUMS, JOINED_SUMS, WRITE_SUMS };

/* The cases that have a loop of their own; add: residual, or accumulate. */
struct write_kind {
    bool backward, add;
    enum write_sums sums;
};

/* X(backward, add, sums) for each of them, and a number for each. */
#define WRITE_KINDS(X)   \
    X(0, 0, NO_SUMS)     \
    X(0, 0, SUMS)        \
    X(0, 1, NO_SUMS)     \
    X(0, 1, SUMS)        \
    X(1, 0, NO_SUMS)     \
    X(1, 0, SUMS)        \
    X(1, 1, NO_SUMS)     \
    X(1, 1, SUMS)        \
    X(1, 0, JOINED_SUMS) \
    X(1, 1, JOINED_SUMS)
#define WRITE_KIND(backward, add, sums) (((backward)*2 + (add)) * WRITE_SUMS + (sums))

/* One filter block of one pass: per-channel vectors and running sums. */
struct write_block {
    const struct write_kind *kind;
    float *out;
    const float *add, *z, *joined;
    int64_t pitch; /* of a row of the map, in floats */
    bool stream;
    fsn__vec bias[FSN__PARTS], floor[FSN__PARTS];                       /* forward */
    fsn__vec slope[FSN__PARTS], gate_a[FSN__PARTS], gate_b[FSN__PARTS]; /* backward */
    fsn__vec sum1[FSN__PARTS], sum2[FSN__PARTS];
};

/* What is written for value v at offset `at` of the map. */
FSN__INLINE fsn__vec write_hooked(struct write_block *b, struct write_kind kind, int part,
                                  int64_t at, fsn__vec v)
{
    if (!kind.backward) {
        v += b->bias[part];
        if (kind.add)
            v += fsn__vec_load(b->add + at);
        v = fsn__vec_max(b->floor[part], v);
        if (kind.sums) {
            b->sum1[part] += v;
            b->sum2[part] += v * v;
        }
        return v;
    }
    if (kind.sums == JOINED_SUMS) {
        if (kind.add)
            v += fsn__vec_load(b->add + at);
        v = fsn__vec_where_positive(fsn__vec_load(b->z + at), v);
        b->sum1[part] += v * fsn__vec_load(b->joined + at);
        b->sum2[part] += v;
        return v;
    }
    if (kind.sums) {
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

FSN__INLINE void write_vec(struct write_block *b, struct write_kind kind, int part, int64_t at,
                           fsn__vec v)
{
    v = write_hooked(b, kind, part, at, v);
    if (b->stream)
        fsn__vec_stream(b->out + at, v);
    else
        fsn__vec_store(b->out + at, v);
}

/* What the hook will read at offset `at`. */
FSN__INLINE void write_prefetch(const struct write_block *b, struct write_kind kind, int64_t at)
{
    if (kind.add)
        fsn__prefetch(b->add + at);
    if (kind.backward && kind.sums)
        fsn__prefetch(b->z + at);
    if (kind.sums == JOINED_SUMS)
        fsn__prefetch(b->joined + at);
}

static inline fsn__vec write_channel(const float *values, int64_t at, float fallback)
{
    return values ? fsn__vec_load(values + at) : fsn__vec_set(fallback);
}

static inline struct write_kind write_setup(const struct fsn__wino *plan,
                                            const struct wino_writer *writer, int64_t k,
                                            struct write_block *b)
{
    const struct fsn__store *store = writer->store;
    const struct fsn__grad_store *grad = writer->grad;
    const struct fsn__load *load = grad ? grad->load : NULL;
    bool relu = store ? store->relu : load && load->relu;

    *b = (struct write_block){
        .out = writer->map, .pitch = plan->q * FSN__LANES, .stream = writer->stream};
    b->add = store ? store->residual : writer->map;
    b->z = grad ? grad->z : NULL;
    b->joined = grad ? grad->joined : NULL;
    for (int part = 0; part < FSN__PARTS; part++) {
        int64_t at = k * FSN__LANES + part * FSN__VL;

        b->bias[part] = write_channel(store ? store->bias : NULL, at, 0);
        b->floor[part] = fsn__vec_set(relu ? 0 : -INFINITY);
        b->slope[part] = write_channel(load ? load->a : NULL, at, 1);
        b->gate_a[part] = relu ? b->slope[part] : fsn__vec_zero();
        b->gate_b[part] =
            relu ? write_channel(load && load->a ? load->b : NULL, at, 0) : fsn__vec_set(1);
    }
    if (grad)
        return (struct write_kind){true, grad->accumulate,
                                   grad->joined                      ? JOINED_SUMS
                                   : load && (load->a || load->relu) ? SUMS
                                                                     : NO_SUMS};
    return (struct write_kind){false, store && store->residual,
                               store && (store->sum || store->sum_sq) ? SUMS : NO_SUMS};
}

/* Adds the block's sums to those of all blocks. */
static inline void write_sums(const struct fsn__wino *plan, const struct write_block *b, int64_t k,
                              double *sums)
{
    float part_sums[2][FSN__LANES];
    double *out = sums + k * FSN__LANES;

    for (int part = 0; part < FSN__PARTS; part++) {
        fsn__vec_store(part_sums[0] + part * FSN__VL, b->sum1[part]);
        fsn__vec_store(part_sums[1] + part * FSN__VL, b->sum2[part]);
    }
    for (int lane = 0; lane < FSN__LANES; lane++) {
        out[lane] += (double)part_sums[0][lane];
        out[plan->k_blocks * FSN__LANES + lane] += (double)part_sums[1][lane];
    }
}

#endif
