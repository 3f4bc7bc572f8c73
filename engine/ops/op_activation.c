/* op_activation.c - Relu y = max(x, 0) and Clip y = min(max(x, low), high). */
#include "ops/op.h"

#include <math.h>

struct pass {
    const float *a, *b; /* forward: x; backward: what decides, and dy */
    float *to;
    int64_t n;
    float low, high;
};

static void relu_forward_range(void *arg, int thread, int threads)
{
    const struct pass *p = arg;
    int64_t begin, end;

    fsn__share(p->n, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        p->to[i] = p->a[i] < 0.0f ? 0.0f : p->a[i]; /* NaN stays NaN */
}

static void relu_backward_range(void *arg, int thread, int threads)
{
    const struct pass *p = arg;
    int64_t begin, end;

    fsn__share(p->n, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        p->to[i] += p->a[i] > 0.0f ? p->b[i] : 0.0f;
}

static enum fsn_status relu_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    if (ctx->in[0]->dtype != FSN__F32)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Relu '%s': input is %s, only float32", ctx->name,
                         fsn__dtype_name(ctx->in[0]->dtype));
    fsn__shape_copy(ctx->out[0], ctx->in[0]);
    return FSN_OK;
}

static enum fsn_status relu_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = {
        .a = fsn__f32(ctx->in[0]), .to = fsn__f32(ctx->out[0]), .n = fsn__numel(ctx->in[0])};

    (void)err;
    fsn__pool_run(ctx->pool, relu_forward_range, &pass);
    return FSN_OK;
}

static enum fsn_status relu_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = {.n = fsn__numel(ctx->out[0])};

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    pass.a = fsn__f32(ctx->out[0]);
    pass.b = fsn__f32(ctx->dout[0]);
    pass.to = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, relu_backward_range, &pass);
    return FSN_OK;
}

const struct fsn__op fsn__op_relu = {
    .name = "Relu",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_out = 1 << 0,
    .infer = relu_infer,
    .forward = relu_forward,
    .backward = relu_backward,
};
