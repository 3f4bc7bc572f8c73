/* conv_case.h - one convolution with drawn inputs and hooks: what a kernel gives beside what the
 * reference in double precision gives. Maps are blocked and their lanes past the last channel zero.
 */
#ifndef FSN_TESTS_CONV_CASE_H
#define FSN_TESTS_CONV_CASE_H

#include "kernels/kernels.h"

/* Hooks of a case, any union. */
enum conv_hook {
    CONV_LOAD_AFFINE = 1,  /* x = a z + b */
    CONV_LOAD_RELU = 2,    /* x = relu(..) */
    CONV_BIAS = 4,         /* store: bias */
    CONV_RESIDUAL = 8,     /* store: residual */
    CONV_STORE_RELU = 16,  /* store: Relu */
    CONV_SUMS = 32,        /* store: sum, sum_sq */
    CONV_GRAD_LOAD = 64,   /* dz + ds1 + 2 z ds2 */
    CONV_ACCUMULATE = 128, /* grad store: onto dx */
    CONV_HOOKS = 256,
    /* of residual blocks */
    CONV_GRAD_SCALE = 256, /* scale dz + ds1 + 2 z ds2; with CONV_GRAD_LOAD */
    CONV_JOINED = 512      /* grad store: joined; without CONV_LOAD_... */
};

/* The shape of an N x C x H x W input under K filters R x S; p and q follow. Padding is the same at
 * all four sides. */
struct fsn__conv_shape conv_case_shape(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k,
                                       int64_t r, int64_t s, int64_t stride, int64_t pad,
                                       int64_t dilation, int64_t groups);

struct conv_case;
/* Draws the inputs and computes the reference of all three passes. Aborts without memory. */
struct conv_case *conv_case_create(const struct fsn__conv_shape *shape, unsigned hooks);
void conv_case_destroy(struct conv_case *test);

/* Runs the passes of `kernels` on `threads` threads, twice: the gradients together, then each
 * alone. Fails the cmocka test when anything is further from the reference than tolerance (relative
 * to the reference's root mean square), when a lane past the last channel is not zero, or when the
 * second run's bits differ. */
void conv_case_check(const struct conv_case *test, const struct fsn__kernels *kernels, int threads,
                     double tolerance);

#endif
