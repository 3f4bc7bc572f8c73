/* kernels.h - the fast path's convolutions, in a channel-blocked layout.
 *
 * Layout "nChw16c": a feature map of C channels is [N][Cb][H][W][16], Cb = ceil(C / 16); lanes past
 * C are zero, always. Filters are read where they lie, in plain OIHW weights or in a Filter Summary
 * (filters.h), and packed inside; their gradient is OIHW.
 *
 * Batch norm never stands alone here. A value that batch norm (and Relu) follows is kept raw, z,
 * and normalised where it is read: x = relu(a z + b), with a, b per channel ("load"). Padding is
 * zero AFTER that. The statistics batch norm needs are taken while z is written ("store"). Its
 * backward is an affine map too: with s1 = sum z and s2 = sum z^2 as outputs of the convolution,
 *     dz_total = dz + ds1 + 2 z ds2        (per channel ds1, ds2; "grad load").
 *
 * At the end of a residual block, y = relu(a z + b + s), the gradients of a z + b, of s and of y
 * where Relu let it pass are one and the same, g, and lie in one place (graph/exec_residual.c).
 * Whoever wrote z reads it times a ("scale"); whoever adds the last to y's gradient may make it g
 * ("joined").
 *
 * One source is compiled for several instruction sets (kernels_isa.h); struct fsn__kernels is the
 * table of one of them. Every function is SPMD over the pool with fixed splits and fixed-order
 * reductions: same thread count, same bits.
 */
#ifndef FSN_KERNELS_KERNELS_H
#define FSN_KERNELS_KERNELS_H

#include "core/pool.h"
#include "kernels/filters.h"

#include <stdint.h>

enum { FSN__LANES = 16 };

static inline int64_t fsn__channel_blocks(int64_t channels)
{
    return (channels + FSN__LANES - 1) / FSN__LANES;
}

struct fsn__conv_shape {
    int64_t n, c, k;    /* images, input channels, filters (of all groups together) */
    int64_t h, w, p, q; /* input and output height and width */
    int64_t r, s;       /* filter */
    int64_t stride_y, stride_x, dilation_y, dilation_x;
    int64_t pad_top, pad_left; /* bottom and right follow from p and q */
    int64_t groups;
    bool bf16; /* x, w and gradients may be rounded to bfloat16 before they are multiplied */
};

/* How x is read: x = relu?(a z + b); a NULL: x = z (relu may still be set). a, b: [Cb * 16]. */
struct fsn__load {
    const float *a, *b;
    bool relu;
};

/* How z is written. Every member may be absent. */
struct fsn__store {
    const float *bias;     /* [Kb * 16], zero past K */
    const float *residual; /* like z; added */
    bool relu;             /* after bias and residual */
    float *sum, *sum_sq;   /* [Kb * 16] sums over n,p,q of what is written (training) */
};

/* How the gradient of z is read: scale dz + ds1 + 2 z ds2; ds1 NULL: dz as it is; scale NULL: 1.
 * scale, ds1, ds2: [Kb * 16]. */
struct fsn__grad_load {
    const float *z;
    const float *ds1, *ds2;
    const float *scale;
};

/* How the gradient of x is written when x was read through `load`: g = dL/dx where relu let it pass
 * (a z + b > 0), then  dz (+)= a g,  da += sum g z,  db += sum g  (da, db: [Cb * 16], NULL when
 * load->a is NULL). accumulate: add to dx, else overwrite it.
 * With `joined`, like x, whose load is empty: what dx then holds becomes g = dx where x > 0, and
 * da += sum g joined,  db += sum g.  Winograd and the matrix unit do it. */
struct fsn__grad_store {
    const struct fsn__load *load;
    const float *z; /* the raw input the forward read */
    const float *joined;
    float *da, *db;
    bool accumulate;
};

/* The backward pass: from dz, the gradient of the output, those of the raw input and of the
 * filters. Either may be left out; asked for together they may share a pass over the maps. */
struct fsn__conv_back {
    const float *x; /* the raw input, as the forward read it through load */
    const struct fsn__load *load;
    const struct fsn__filters *w;
    const float *dz; /* read through grad */
    const struct fsn__grad_load *grad;
    float *dx; /* written through store; NULL: not wanted */
    const struct fsn__grad_store *store;
    float *dw; /* [OIHW] +=; NULL: not wanted */
};

struct fsn__kernels {
    const char *isa; /* "avx512", "avx2", "baseline"; "amx" */

    /* Bytes of scratch (64-byte aligned) for any pass of this shape. */
    size_t (*work)(const struct fsn__conv_shape *shape, int threads);
    /* z = conv(load(x), w), stored through store. */
    void (*forward)(const struct fsn__conv_shape *shape, const float *x,
                    const struct fsn__load *load, const struct fsn__filters *w, float *z,
                    const struct fsn__store *store, void *work, struct fsn__pool *pool);
    void (*backward)(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                     void *work, struct fsn__pool *pool);
};

/* The passes of a convolution; each may use an algorithm of its own. */
enum fsn__pass { FSN__FORWARD, FSN__BACKWARD_DATA, FSN__BACKWARD_WEIGHTS, FSN__PASS_COUNT };

/* Winograd F(4x4,3x3) and direct convolution for the instruction set in use, that of the matrix
 * unit (amx_plan.h) where the instruction set is the best and the CPU has one, and whether each
 * takes a shape at all. The instruction set is chosen at the first call: the best that the CPU has,
 * or the one that the environment variable FSNET_ISA names (avx512, avx2, baseline). INVALID for a
 * name that is unknown or that this CPU lacks. */
enum fsn__algorithm { FSN__IM2COL, FSN__WINOGRAD, FSN__DIRECT, FSN__AMX };
const char *fsn__algorithm_name(enum fsn__algorithm algorithm); /* "im2col", ... */
FSN_NODISCARD enum fsn_status fsn__kernels_get(enum fsn__algorithm algorithm,
                                               const struct fsn__kernels **out,
                                               struct fsn_error *err);
/* What fsn__kernels_get chooses from, for tests of every level: level 0 is the best, then worse
 * ones; the name is NULL past the last, the table NULL where this CPU lacks the level. */
const char *fsn__isa_name(int level);
const struct fsn__kernels *fsn__kernels_at(enum fsn__algorithm algorithm, int level);
/* The level named wanted (NULL: the best) of those that this CPU has. */
FSN_NODISCARD enum fsn_status fsn__isa_choose(const char *wanted, int *level,
                                              struct fsn_error *err);
/* Whether FSN__AMX may be asked for. */
bool fsn__amx_usable(void);
bool fsn__winograd_takes(const struct fsn__conv_shape *shape);
bool fsn__direct_takes(const struct fsn__conv_shape *shape);
/* The algorithm for a pass over a shape: the matrix unit where it may, else by the cost table;
 * FSN__IM2COL, then for every pass: the plain NCHW operator does it. */
enum fsn__algorithm fsn__choose_algorithm(const struct fsn__conv_shape *shape, enum fsn__pass pass);

#endif
