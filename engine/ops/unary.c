/* unary.c - running element-by-element operators; see unary.h for the contracts. */
#include "ops/unary.h"
#include "ops/walk.h"

enum fsn_status fsn__unary_infer(const struct fsn__op_ctx *ctx, const struct fsn__unary *unary,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (!unary->forward[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static struct fsn__unary_job make_job(const struct fsn__op_ctx *ctx, const struct fsn__unary *unary)
{
    struct fsn__unary_job job = {.count = fsn__numel(ctx->in[0]), .x = ctx->in[0]->data};

    if (unary->alpha.name)
        job.alpha = fsn__attr_float(ctx->attrs, unary->alpha.name, unary->alpha.fallback);
    if (unary->beta.name)
        job.beta = fsn__attr_float(ctx->attrs, unary->beta.name, unary->beta.fallback);
    return job;
}

/* Small tensors are left to the calling thread. */
static void run(const struct fsn__op_ctx *ctx, fsn__task *task, struct fsn__unary_job *job)
{
    fsn__pool_run(job->count < FSN__SERIAL_BELOW ? NULL : ctx->pool, task, job);
}

enum fsn_status fsn__unary_forward(const struct fsn__op_ctx *ctx, const struct fsn__unary *unary,
                                   struct fsn_error *err)
{
    struct fsn__unary_job job = make_job(ctx, unary);
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    job.y = ctx->out[0]->data;
    if (status == FSN_OK)
        run(ctx, unary->forward[ctx->in[0]->dtype], &job);
    return status;
}

void fsn__unary_backward(const struct fsn__op_ctx *ctx, const struct fsn__unary *unary)
{
    struct fsn__unary_job job;

    if (!ctx->dout[0] || !ctx->din[0] || !unary->backward)
        return;
    job = make_job(ctx, unary);
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    /* What the operator does not read may be gone: dy, which is read anyway, stands in for it. */
    job.x = ctx->op->backward_in & 1 ? ctx->in[0]->data : job.dy;
    job.out = ctx->op->backward_out & 1 ? fsn__f32(ctx->out[0]) : job.dy;
    run(ctx, unary->backward, &job);
}
