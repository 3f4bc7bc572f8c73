/* infer.h - what the operators' infer functions share: messages, axes, constant inputs, outputs. */
#ifndef FSN_OPS_INFER_H
#define FSN_OPS_INFER_H

#include "ops/op.h"

/* Like FSN__FAIL, with the node named in front: "Slice 'crop': " and then the format. */
#define FSN__OP_FAIL(ctx, err, status, ...) \
    fsn__op_raise((ctx), (err), (status), __FILE__, __LINE__, __VA_ARGS__)
enum fsn_status fsn__op_raise(const struct fsn__op_ctx *ctx, struct fsn_error *err,
                              enum fsn_status status, const char *file, int line,
                              const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The messages for what a symbolic batch axis does not allow. */
#define FSN__MOVES_BATCH "moves the batch axis, which is not supported"
#define FSN__LOSES_BATCH "would lose the batch axis, which is not supported"

static inline bool fsn__is_symbolic(const struct fsn__tensor *t)
{
    return t->ndim > 0 && t->dim[0] == FSN_BATCH;
}

/* Whether the dtype is one of ONNX's index types, int32 and int64. */
static inline bool fsn__is_index(const struct fsn__tensor *t)
{
    return t->dtype == FSN__I32 || t->dtype == FSN__I64;
}

/* Axis in [-ndim, ndim) to [0, ndim). */
FSN_NODISCARD enum fsn_status fsn__op_axis(const struct fsn__op_ctx *ctx, int64_t axis, int ndim,
                                           int *out, struct fsn_error *err);
/* Each of `count` axes as fsn__op_axis does; none may come twice. */
FSN_NODISCARD enum fsn_status fsn__op_axes(const struct fsn__op_ctx *ctx, const int64_t *axes,
                                           int count, int ndim, int *out, struct fsn_error *err);

/* The small constant integers of input `in` (1-D int32 or int64; what = "shape", for messages) into
 * values[0..max). The input must be present. */
FSN_NODISCARD enum fsn_status fsn__op_ints(const struct fsn__op_ctx *ctx, int in, const char *what,
                                           int max, int64_t *values, int *count,
                                           struct fsn_error *err);

/* Fails unless input `in` (what = "weight", for messages) is float32. */
FSN_NODISCARD enum fsn_status fsn__op_float_input(const struct fsn__op_ctx *ctx, int in,
                                                  const char *what, struct fsn_error *err);

/* Fails when the data of an input holds the batch size, whose value is not known: what is computed
 * from it would be nonsense. For forward. */
FSN_NODISCARD enum fsn_status fsn__op_no_batch(const struct fsn__op_ctx *ctx,
                                               struct fsn_error *err);

/* ONNX's TensorProto.DataType, as attributes name element types; FSN__DTYPE_COUNT for what the
 * engine does not have. */
enum fsn__dtype fsn__op_onnx_dtype(int64_t onnx);

static inline bool fsn__op_has_input(const struct fsn__op_ctx *ctx, int in)
{
    return in < ctx->n_in && ctx->in[in];
}

/* Sets out[i], if it is there; fails when a size is negative or the whole cannot be addressed, and
 * when the batch stands anywhere but in front. */
FSN_NODISCARD enum fsn_status fsn__op_set_output_at(const struct fsn__op_ctx *ctx, int i,
                                                    enum fsn__dtype dtype, int ndim,
                                                    const int64_t *dim, struct fsn_error *err);
/* The same for out[0]. */
FSN_NODISCARD enum fsn_status fsn__op_set_output(const struct fsn__op_ctx *ctx,
                                                 enum fsn__dtype dtype, int ndim,
                                                 const int64_t *dim, struct fsn_error *err);

/* Inputs first.. must be there and have one element type. */
FSN_NODISCARD enum fsn_status fsn__op_one_type(const struct fsn__op_ctx *ctx, int first,
                                               struct fsn_error *err);
/* Sets out[0] to the shape to which all inputs broadcast. */
FSN_NODISCARD enum fsn_status fsn__op_broadcast_output(const struct fsn__op_ctx *ctx,
                                                       enum fsn__dtype dtype,
                                                       struct fsn_error *err);

#endif
