/* conv.h - what every form of convolution shares: the shapes it takes, and its sizes as a matrix
 * product.
 *
 * Symbols: N images, C channels, K filters, G groups, Cg = C/G and Kg = K/G per group, T taps of
 * the window, P outputs of one channel. Shapes: x [N,C,..], w [K,Cg,..], y [N,K,..]. With
 * col = im2col(x) of [Cg T, P] (im2col.h), y = w col for each image and group. A window of one tap
 * without stride and padding needs no col: it is x itself.
 */
#ifndef FSN_OPS_CONV_H
#define FSN_OPS_CONV_H

#include "ops/window.h"

struct fsn__conv_sizes {
    struct fsn__window window;
    int64_t n, groups;
    int64_t cg, kg;  /* channels, filters of a group */
    int64_t depth;   /* Cg T: terms of one output */
    int64_t in, out; /* elements of one input, one output channel; out = P */
    bool pointwise;  /* col is x itself */
};

/* Checks in[0] = x, the weights w and the attributes against each other, whatever the element
 * types, and sets out[0]. */
FSN_NODISCARD enum fsn_status fsn__conv_infer(const struct fsn__op_ctx *ctx,
                                              const struct fsn__tensor *w, enum fsn__dtype dtype,
                                              struct fsn_error *err);
/* The sizes, the batch known. */
FSN_NODISCARD enum fsn_status fsn__conv_read(const struct fsn__op_ctx *ctx,
                                             const struct fsn__tensor *w,
                                             struct fsn__conv_sizes *out, struct fsn_error *err);

#endif
