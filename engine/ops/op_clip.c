/* op_clip.c - ONNX operator Clip: y = min(max(x, low), high), for every numeric type; its gradient
 * passes where low <= x <= high. */
#include "ops/op.h"

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"input", "min", "max"};
    const struct fsn__tensor *x = ctx->in[0];

    if (x->dtype == FSN__BOOL)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Clip '%s': input is bool", ctx->name);
    for (int i = 1; i < ctx->n_in; i++)
        if (ctx->in[i] && (ctx->in[i]->dtype != x->dtype || fsn__numel(ctx->in[i]) != 1))
            return FSN__FAIL(err, FSN_SHAPE, "Clip '%s': %s is %s %s, expected one %s", ctx->name,
                             names[i], fsn__dtype_name(ctx->in[i]->dtype), FSN__SHAPE(ctx->in[i]),
                             fsn__dtype_name(x->dtype));
    fsn__shape_copy(ctx->out[0], x);
    return FSN_OK;
}

/* Bounds as the specification orders them: min first, then max, so max wins where they cross. */
#define CLIP_CASE(code, name, bytes, type)             \
    case FSN__##code: {                                \
        const type *x = ctx->in[0]->data;              \
        type *y = ctx->out[0]->data;                   \
        for (int64_t i = 0; i < n; i++) {              \
            type v = x[i];                             \
            if (low && v < *(const type *)low->data)   \
                v = *(const type *)low->data;          \
            if (high && v > *(const type *)high->data) \
                v = *(const type *)high->data;         \
            y[i] = v;                                  \
        }                                              \
        break;                                         \
    }

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *low = ctx->n_in > 1 ? ctx->in[1] : NULL;
    const struct fsn__tensor *high = ctx->n_in > 2 ? ctx->in[2] : NULL;
    int64_t n = fsn__numel(ctx->in[0]);

    (void)err;
    switch (ctx->in[0]->dtype) {
        FSN__DTYPE_LIST(CLIP_CASE)
    case FSN__DTYPE_COUNT:
        break;
    }
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *low = ctx->n_in > 1 ? ctx->in[1] : NULL;
    const struct fsn__tensor *high = ctx->n_in > 2 ? ctx->in[2] : NULL;
    const float *x = fsn__f32(ctx->in[0]);
    int64_t n = fsn__numel(ctx->in[0]);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    for (int64_t i = 0; i < n; i++)
        if ((!low || x[i] >= *fsn__f32(low)) && (!high || x[i] <= *fsn__f32(high)))
            fsn__f32(ctx->din[0])[i] += fsn__f32(ctx->dout[0])[i];
    return FSN_OK;
}

const struct fsn__op fsn__op_clip = {
    .name = "Clip",
    .domain = "",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1 | 1 << 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
