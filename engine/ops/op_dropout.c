/* op_dropout.c - ONNX operators Dropout and Identity.
 *
 * Srivastava et al., JMLR 15 (2014), inverted: y = x mask / (1 - ratio), mask drawn with
 * probability 1 - ratio from the stream (seed, DROPOUT, step, node), so that a resumed run sees the
 * same masks. At inference both are copies.
 */
#include "core/rng.h"
#include "ops/op.h"

#include <string.h>

static enum fsn_status copy_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    fsn__shape_copy(ctx->out[0], ctx->in[0]);
    return FSN_OK;
}

static enum fsn_status copy_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    memcpy(ctx->out[0]->data, ctx->in[0]->data, fsn__tensor_bytes(ctx->in[0]));
    return FSN_OK;
}

static void add_gradient(const struct fsn__op_ctx *ctx)
{
    int64_t n = fsn__numel(ctx->in[0]);

    for (int64_t i = 0; i < n; i++)
        fsn__f32(ctx->din[0])[i] += fsn__f32(ctx->dout[0])[i];
}

static enum fsn_status identity_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    if (ctx->dout[0] && ctx->din[0])
        add_gradient(ctx);
    return FSN_OK;
}

const struct fsn__op fsn__op_identity = {
    .name = "Identity",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = copy_infer,
    .forward = copy_forward,
    .backward = identity_backward,
};

/* ---- Dropout
 * -------------------------------------------------------------------------------------- */

static float ratio_of(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *ratio = ctx->n_in > 1 ? ctx->in[1] : NULL;

    if (!ratio || !ratio->data)
        return 0.5f;
    return ratio->dtype == FSN__F64 ? (float)*(const double *)ratio->data : *fsn__f32(ratio);
}

static bool drops(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *mode = ctx->n_in > 2 ? ctx->in[2] : NULL;
    bool on = ctx->training || (mode && mode->data && fsn__get_i64(mode, 0) != 0);

    return on && ratio_of(ctx) > 0.0f;
}

static enum fsn_status dropout_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *ratio = ctx->n_in > 1 ? ctx->in[1] : NULL;

    if (ctx->in[0]->dtype != FSN__F32)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Dropout '%s': input is %s, only float32", ctx->name,
                         fsn__dtype_name(ctx->in[0]->dtype));
    if (ratio && ((ratio->dtype != FSN__F32 && ratio->dtype != FSN__F64) || fsn__numel(ratio) != 1))
        return FSN__FAIL(err, FSN_SHAPE, "Dropout '%s': ratio is %s %s, expected one float",
                         ctx->name, fsn__dtype_name(ratio->dtype), FSN__SHAPE(ratio));
    if (!(ratio_of(ctx) >= 0.0f && ratio_of(ctx) < 1.0f))
        return FSN__FAIL(err, FSN_INVALID, "Dropout '%s': ratio is %g, expected 0 <= ratio < 1",
                         ctx->name, (double)ratio_of(ctx));
    fsn__shape_copy(ctx->out[0], ctx->in[0]);
    if (ctx->n_out > 1 && ctx->out[1]) {
        fsn__shape_copy(ctx->out[1], ctx->in[0]);
        ctx->out[1]->dtype = FSN__BOOL;
    }
    return FSN_OK;
}

static void dropout_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = drops(ctx) ? (size_t)fsn__numel(ctx->in[0]) : 0; /* one byte an element: kept or not */
}

static enum fsn_status dropout_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    uint8_t *mask = ctx->n_out > 1 && ctx->out[1] ? ctx->out[1]->data : NULL;
    uint8_t *keep = ctx->saved;
    int64_t n = fsn__numel(ctx->in[0]);
    float ratio = ratio_of(ctx), scale = 1.0f / (1.0f - ratio);
    struct fsn__rng rng = fsn__rng_open(ctx->seed, FSN__RNG_DROPOUT, ctx->step, ctx->index);

    if (!drops(ctx)) {
        if (mask)
            memset(mask, 1, (size_t)n);
        return copy_forward(ctx, err);
    }
    for (int64_t i = 0; i < n; i++) {
        keep[i] = fsn__rng_uniform(&rng) >= (double)ratio;
        fsn__f32(ctx->out[0])[i] = keep[i] ? fsn__f32(ctx->in[0])[i] * scale : 0.0f;
    }
    if (mask)
        memcpy(mask, keep, (size_t)n);
    return FSN_OK;
}

static enum fsn_status dropout_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const uint8_t *keep = ctx->saved;
    int64_t n = fsn__numel(ctx->in[0]);
    float scale = 1.0f / (1.0f - ratio_of(ctx));

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    if (!drops(ctx)) {
        add_gradient(ctx);
        return FSN_OK;
    }
    for (int64_t i = 0; i < n; i++)
        if (keep[i])
            fsn__f32(ctx->din[0])[i] += fsn__f32(ctx->dout[0])[i] * scale;
    return FSN_OK;
}

const struct fsn__op fsn__op_dropout = {
    .name = "Dropout",
    .domain = "",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    .infer = dropout_infer,
    .sizes = dropout_sizes,
    .forward = dropout_forward,
    .backward = dropout_backward,
};
