/*
 * op_integer_matmul.c - MatMulInteger and QLinearMatMul: matrix products of 8-bit tensors with zero
 * points (integer.h), in the shapes of MatMul (matmul.h).
 *
 * Scales and zero points: one element; for the rows of a [M], or [..,M,1]; for the columns of b
 * [N], or [..,1,N]. y's are one element each. Threads share the rows of a product.
 */
#include "ops/infer.h"
#include "ops/integer.h"
#include "ops/matmul.h"

#include <string.h>

static struct fsn__integer_product operands(const struct fsn__op_ctx *ctx)
{
    struct fsn__integer_product p = fsn__integer_operands(ctx);

    p.a.axis = p.a.t->ndim - 2; /* -1 of a vector, which has no rows */
    p.b.axis = p.b.t->ndim > 1 ? p.b.t->ndim - 1 : -1;
    /* [..,M,1] lines up with y only if y has both axes */
    p.a.full_rank = p.b.full_rank = p.a.t->ndim > 1 && p.b.t->ndim > 1;
    return p;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__integer_product p = operands(ctx);
    enum fsn__dtype dtype;
    enum fsn_status status = fsn__integer_check(ctx, &p, &dtype, err);

    return status == FSN_OK ? fsn__matmul_infer(ctx, p.a.t, p.b.t, dtype, err) : status;
}

struct job {
    struct fsn__matmul s;
    float *a, *b, *part; /* widened; [M,N] */
    int32_t *c;
};

/* Divides the work space; returns its elements of 4 bytes. */
static size_t lay_out(const struct fsn__op_ctx *ctx, const struct fsn__integer_product *p,
                      void *work, struct job *job)
{
    size_t size[4], at = 0;
    float *part[4] = {0};

    job->s = fsn__matmul_read(p->a.t, p->b.t);
    size[0] = fsn__integer_pad(fsn__numel(p->a.t));
    size[1] = fsn__integer_pad(fsn__numel(p->b.t));
    size[2] = fsn__integer_pad(job->s.m * job->s.n);
    size[3] = p->y_scale ? fsn__integer_pad(fsn__numel(ctx->out[0])) : 0;
    for (int i = 0; i < 4; i++) {
        part[i] = work ? (float *)work + at : NULL;
        at += size[i];
    }
    job->a = part[0];
    job->b = part[1];
    job->part = part[2];
    job->c = p->y_scale ? (int32_t *)(void *)part[3] : ctx->out[0]->data;
    return at;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const struct fsn__integer_product p = operands(ctx);
    struct job job;

    *work = lay_out(ctx, &p, NULL, &job) * sizeof(float);
    *saved = 0;
}

struct product {
    const struct job *job;
    const float *a, *b;
    int32_t *c;
};

static void rows_task(void *arg, int thread, int threads)
{
    const struct product *p = arg;
    const struct fsn__matmul *s = &p->job->s;
    int64_t begin, end;

    fsn__share(s->m, thread, threads, &begin, &end);
    fsn__integer_gemm(end - begin, s->n, s->k, p->a + begin * s->k, p->b,
                      p->job->part + begin * s->n, p->c + begin * s->n);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__integer_product p = operands(ctx);
    const struct fsn__tensor *y = ctx->out[0];
    struct job job;

    (void)err;
    (void)lay_out(ctx, &p, ctx->work, &job);
    fsn__integer_widen(ctx->pool, &p.a, job.a);
    fsn__integer_widen(ctx->pool, &p.b, job.b);
    memset(job.c, 0, (size_t)fsn__numel(y) * sizeof *job.c);
    for (int64_t i = 0; i < job.s.count; i++) {
        struct product product = {.job = &job, .c = job.c + i * job.s.m * job.s.n};
        int64_t at_a, at_b;

        fsn__matmul_locate(&job.s, i, &at_a, &at_b);
        product.a = job.a + at_a;
        product.b = job.b + at_b;
        fsn__pool_run(ctx->pool, rows_task, &product);
    }
    if (p.y_scale) /* a's rows are y's but for a vector b, which has no columns */
        fsn__integer_requantize(ctx->pool, &p, y->ndim - (p.b.axis < 0 ? 1 : 2), y->ndim - 1, job.c,
                                y);
    return FSN_OK;
}

const struct fsn__op fsn__op_mat_mul_integer = {
    .name = "MatMulInteger",
    .domain = "",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
};

const struct fsn__op fsn__op_qlinear_mat_mul = {
    .name = "QLinearMatMul",
    .domain = "",
    .min_in = 8,
    .max_in = 8,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
};
