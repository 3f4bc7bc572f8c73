/* window.h - the sliding window that convolution and pooling share: sizes, padding, bounds.
 *
 * Symbols, per spatial axis: I input size, K taps, s stride, d dilation (1: none), e = d (K-1) + 1
 * extent of the window, p / q padding before / after. Tap k of output o reads input o s - p + k d.
 *   NOTSET, VALID (p = q = 0):  O = floor((I + p + q - e) / s) + 1
 *   ceil_mode: ceil instead of floor, less a last window that would start behind the input
 *   SAME_*:    O = ceil(I / s), p + q = max((O-1) s + e - I, 0), the odd one after (UPPER) or
 *              before (LOWER)
 *
 * Transposed convolution is the way back through such a window: it spreads its input over the
 * outputs that a convolution with these sizes reads them from. There I is the larger side, its
 * output, and O the size of its input; a is the additional size that output_padding adds:
 *   NOTSET, VALID:  I = (O - 1) s + a + e - p - q
 *   SAME_*:         I = O s, p + q = max((O - 1) s + a + e - I, 0), shared out as above
 *   output_shape:   I is given, p + q as for SAME, the odd one before unless SAME_UPPER
 *
 * Networks of 1, 2 or 3 spatial axes are all treated as three (depth, height, width): the missing
 * leading ones have one element, one tap, and neither stride nor padding.
 */
#ifndef FSN_OPS_WINDOW_H
#define FSN_OPS_WINDOW_H

#include "ops/op.h"

enum { FSN__WINDOW_AXES = 3 };

struct fsn__window_axis {
    int64_t in, out, taps, stride, dilation;
    int64_t pad_begin, pad_end;
};

struct fsn__window {
    struct fsn__window_axis axis[FSN__WINDOW_AXES]; /* depth, height, width */
};

/* Reads strides, pads, dilations, auto_pad and ceil_mode for the input's spatial axes. taps: the
 * kernel's spatial sizes, one per spatial axis of in[0] (whose 1 to 3 spatial axes were checked).
 */
FSN_NODISCARD enum fsn_status fsn__window_read(const struct fsn__op_ctx *ctx, const int64_t *taps,
                                               struct fsn__window *out, struct fsn_error *err);
/* The window of a pooling node: the same with the taps of kernel_shape. Fails unless the input has
 * 1 to 3 spatial axes. */
FSN_NODISCARD enum fsn_status fsn__window_read_pool(const struct fsn__op_ctx *ctx,
                                                    struct fsn__window *out, struct fsn_error *err);
/* The window of ConvTranspose: axis.out is the size of in[0], axis.in that of the node's output;
 * also reads output_padding and output_shape. */
FSN_NODISCARD enum fsn_status fsn__window_read_transposed(const struct fsn__op_ctx *ctx,
                                                          const int64_t *taps,
                                                          struct fsn__window *out,
                                                          struct fsn_error *err);
/* Fails unless in[0] has a batch, a channel and 1 to 3 spatial axes. */
FSN_NODISCARD enum fsn_status fsn__window_check_input(const struct fsn__op_ctx *ctx,
                                                      struct fsn_error *err);
/* Writes the output's spatial sizes behind batch and channels: dim[2..ndim). */
void fsn__window_out_dims(const struct fsn__window *w, int ndim, int64_t *dim);

/* Elements of one channel's input, output and window. */
int64_t fsn__window_in_size(const struct fsn__window *w);
int64_t fsn__window_out_size(const struct fsn__window *w);
int64_t fsn__window_taps(const struct fsn__window *w);

/* Taps [*begin, *end) of output o that lie within the input; may be empty. */
static inline void fsn__window_tap_range(const struct fsn__window_axis *a, int64_t o,
                                         int64_t *begin, int64_t *end)
{
    const int64_t first = o * a->stride - a->pad_begin;

    *begin = first >= 0 ? 0 : (-first + a->dilation - 1) / a->dilation;
    *end = first >= a->in ? 0 : (a->in - 1 - first) / a->dilation + 1;
    if (*end > a->taps)
        *end = a->taps;
    if (*begin > *end)
        *begin = *end;
}

/* Outputs [*begin, *end) whose tap k lies within the input; may be empty. */
static inline void fsn__window_out_range(const struct fsn__window_axis *a, int64_t k,
                                         int64_t *begin, int64_t *end)
{
    const int64_t offset = k * a->dilation - a->pad_begin; /* input read by output 0 */

    *begin = offset >= 0 ? 0 : (-offset + a->stride - 1) / a->stride;
    *end = offset >= a->in ? 0 : (a->in - 1 - offset) / a->stride + 1;
    if (*end > a->out)
        *end = a->out;
    if (*begin > *end)
        *begin = *end;
}

#endif
