/* blocked.h - what the operators on the channel-blocked layout share (kernels.h has the layout).
 *
 * A blocked tensor has 5 dimensions, [N, Cb, H, W, 16], f32; how many of its lanes are channels is
 * said by its neighbours (weights, batch norm's parameters, an attribute). A vector per channel is
 * [Cb * 16]. Lanes past the last channel are zero in both, and what has no channel has no gradient.
 *
 * The operators' domain is "fsnet.fast". No file can name them: only the layout pass
 * (graph/lower.h) makes such nodes.
 */
#ifndef FSN_KERNELS_BLOCKED_H
#define FSN_KERNELS_BLOCKED_H

#include "kernels/kernels.h"
#include "ops/infer.h"
#include "ops/window.h"

#define FSN__FAST_DOMAIN "fsnet.fast"

extern const struct fsn__op fsn__op_pack, fsn__op_unpack;
extern const struct fsn__op fsn__op_fast_conv;
extern const struct fsn__op fsn__op_channel_sums, fsn__op_concat_sums, fsn__op_bn_coef;
extern const struct fsn__op fsn__op_join;
/* Whether the node, a fast convolution, can make the gradient of its input what the Join before it
 * would (struct fsn__op_ctx, finishes). */
bool fsn__fast_conv_finishes(const struct fsn__op_ctx *ctx);
/* A Join's z that batch norm's a and b belong to; NULL: none. */
const struct fsn__tensor *fsn__join_normalised(const struct fsn__op_ctx *ctx);
/* Bytes of a Join's saved state for the sums that such a convolution leaves: da, then db, floats.
 */
static inline size_t fsn__join_sums_bytes(int64_t blocks)
{
    return 2 * (size_t)(blocks * FSN__LANES) * sizeof(float);
}
extern const struct fsn__op fsn__op_fast_max_pool, fsn__op_fast_average_pool,
    fsn__op_fast_global_pool;
extern const struct fsn__op fsn__op_channel_copy;

/* The sizes of a blocked tensor; plane: floats of one image's block, H W 16. */
struct fsn__blocked {
    int64_t n, blocks, h, w, plane;
};

static inline struct fsn__blocked fsn__blocked_of(const struct fsn__tensor *t)
{
    return (struct fsn__blocked){t->dim[0], t->dim[1], t->dim[2], t->dim[3],
                                 t->dim[2] * t->dim[3] * FSN__LANES};
}

/* Sums over a plane are taken in float runs of this many floats a lane block, and these in double:
 * 256 pixels lose no more than half a digit. */
enum { FSN__SUM_RUN = 256 * FSN__LANES };

static inline int64_t fsn__run_end(int64_t from, int64_t plane)
{
    return plane - from < FSN__SUM_RUN ? plane : from + FSN__SUM_RUN;
}

/* Data of an optional tensor, NULL when there is none. */
static inline float *fsn__data_of(const struct fsn__tensor *t)
{
    return t ? t->data : NULL;
}

static inline float *fsn__input_data(const struct fsn__op_ctx *ctx, int in)
{
    return in < ctx->n_in ? fsn__data_of(ctx->in[in]) : NULL;
}

static inline float *fsn__output_grad(const struct fsn__op_ctx *ctx, int out)
{
    return out < ctx->n_out ? fsn__data_of(ctx->dout[out]) : NULL;
}

/* The gradient of input `in`, or NULL; whatever backward writes to it is added, so that a fresh one
 * is zeroed here. For small ones, and those of which not every element is written. */
float *fsn__input_grad(const struct fsn__op_ctx *ctx, int in);
/* The same without the zeroing: *fresh says whether backward must overwrite it. */
float *fsn__input_grad_raw(const struct fsn__op_ctx *ctx, int in, bool *fresh);

/* Fails unless input `in` is there and blocked. */
FSN_NODISCARD enum fsn_status fsn__blocked_input(const struct fsn__op_ctx *ctx, int in,
                                                 struct fsn_error *err);
/* Fails if input `in` is there and not f32 of [elements]. */
FSN_NODISCARD enum fsn_status fsn__vector_input(const struct fsn__op_ctx *ctx, int in,
                                                int64_t elements, struct fsn_error *err);
/* Sets out[0] to [n, blocks, h, w, 16]. */
FSN_NODISCARD enum fsn_status fsn__blocked_output(const struct fsn__op_ctx *ctx, int64_t n,
                                                  int64_t blocks, int64_t h, int64_t w,
                                                  struct fsn_error *err);
/* Sets output `out`, if it is there, to [blocks * 16]. */
void fsn__vector_output(const struct fsn__op_ctx *ctx, int out, int64_t blocks);

/* The shape of a Conv node (ctx: its attributes) that reads a plain x [N,C,H,W] and w. */
FSN_NODISCARD enum fsn_status fsn__conv_shape_read(const struct fsn__op_ctx *ctx,
                                                   struct fsn__tensor *x,
                                                   const struct fsn__tensor *w,
                                                   struct fsn__conv_shape *out,
                                                   struct fsn_error *err);
/* The window of a pooling node (ctx) as if it read a plain tensor of the blocked one's size. */
FSN_NODISCARD enum fsn_status fsn__blocked_window(const struct fsn__op_ctx *ctx,
                                                  struct fsn__window *out, struct fsn_error *err);

/* Partial sums of the threads, [threads][count] doubles: out[i] (+)= their sum in the order of the
 * threads. out NULL: nothing. */
void fsn__combine_sums(const double *parts, int threads, int64_t stride, int64_t count, float *out,
                       bool accumulate);

#endif
