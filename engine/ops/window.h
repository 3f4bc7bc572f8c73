/* window.h - the arithmetic of sliding windows: kernel, stride, dilation, padding, auto_pad. */
#ifndef FSN_OPS_WINDOW_H
#define FSN_OPS_WINDOW_H

#include "ops/op.h"

#define FSN__MAX_SPATIAL 3

struct fsn__window {
    int spatial; /* axes, 1..3 */
    int64_t in[FSN__MAX_SPATIAL], out[FSN__MAX_SPATIAL];
    int64_t kernel[FSN__MAX_SPATIAL], stride[FSN__MAX_SPATIAL], dilation[FSN__MAX_SPATIAL];
    int64_t pad_begin[FSN__MAX_SPATIAL], pad_end[FSN__MAX_SPATIAL];
};

/* Reads strides, dilations, pads, auto_pad (and ceil_mode where the operator has it) of the node
 * and works out the output size of x [N,C,...] under the given kernel. Errors: INVALID, SHAPE. */
FSN_NODISCARD enum fsn_status fsn__window_read(const struct fsn__op_ctx *ctx, const int64_t *kernel,
                                               bool ceil_mode, struct fsn__window *out,
                                               struct fsn_error *err);

#endif
