/*
 * op_integer_conv.c - ConvInteger and QLinearConv: convolutions of 8-bit tensors with zero points
 * (integer.h), in the shapes of Conv (conv.h).
 *
 *   c = (w - zw) * (x - zx) + bias      int32; bias [K], of QLinearConv, has the scale sx sw
 *
 * Padding stands for the real number 0, which is x's zero point: im2col of the widened x - zx pads
 * with 0. x has one scale and one zero point, w one or one for each filter. Threads share the
 * images (times groups).
 */
#include "ops/conv.h"
#include "ops/im2col.h"
#include "ops/infer.h"
#include "ops/integer.h"

#include <string.h>

static struct fsn__integer_product operands(const struct fsn__op_ctx *ctx)
{
    struct fsn__integer_product p = fsn__integer_operands(ctx);

    p.b.axis = p.b.t->ndim > 0 ? 0 : -1;
    return p;
}

static const struct fsn__tensor *bias_of(const struct fsn__op_ctx *ctx)
{
    return fsn__op_has_input(ctx, FSN__QL_BIAS) ? ctx->in[FSN__QL_BIAS] : NULL;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__integer_product p = operands(ctx);
    const struct fsn__tensor *bias = bias_of(ctx);
    enum fsn__dtype dtype;
    enum fsn_status status = fsn__integer_check(ctx, &p, &dtype, err);

    if (status == FSN_OK)
        status = fsn__conv_infer(ctx, p.b.t, dtype, err);
    if (status == FSN_OK && bias &&
        (bias->dtype != FSN__I32 || bias->ndim != 1 || bias->dim[0] != p.b.t->dim[0]))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its bias is %s %s, expected int32 [%lld]",
                            fsn__dtype_name(bias->dtype), FSN__SHAPE(bias),
                            (long long)p.b.t->dim[0]);
    return status;
}

struct job {
    struct fsn__conv_sizes s;
    float *x, *w;        /* widened */
    float *col, *part;   /* [threads][depth P] unless pointwise, [threads][Kg P] */
    const int32_t *bias; /* [K] or NULL */
    int32_t *c;
};

/* Divides the work space; *used: its elements of 4 bytes. */
static enum fsn_status lay_out(const struct fsn__op_ctx *ctx, const struct fsn__integer_product *p,
                               void *work, struct job *job, size_t *used, struct fsn_error *err)
{
    const int threads = fsn__pool_slices(ctx->pool);
    enum fsn_status status = fsn__conv_read(ctx, p->b.t, &job->s, err);
    size_t size[5], at = 0;
    float *part[5] = {0};

    if (status != FSN_OK)
        return status;
    size[0] = fsn__integer_pad(fsn__numel(p->a.t));
    size[1] = fsn__integer_pad(fsn__numel(p->b.t));
    size[2] = job->s.pointwise ? 0 : fsn__integer_pad(job->s.depth * job->s.out * threads);
    size[3] = fsn__integer_pad(job->s.kg * job->s.out * threads);
    size[4] = p->y_scale ? fsn__integer_pad(fsn__numel(ctx->out[0])) : 0;
    for (int i = 0; i < 5; i++) {
        part[i] = work ? (float *)work + at : NULL;
        at += size[i];
    }
    job->x = part[0];
    job->w = part[1];
    job->col = part[2];
    job->part = part[3];
    job->c = p->y_scale ? (int32_t *)(void *)part[4] : ctx->out[0]->data;
    job->bias = bias_of(ctx) ? bias_of(ctx)->data : NULL;
    *used = at;
    return FSN_OK;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const struct fsn__integer_product p = operands(ctx);
    struct job job;
    size_t used;

    *work = *saved = 0;
    if (lay_out(ctx, &p, NULL, &job, &used, NULL) == FSN_OK)
        *work = used * sizeof(float);
}

static void image_task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const struct fsn__conv_sizes *s = &job->s;
    float *col = job->col + s->depth * s->out * thread;
    float *part = job->part + s->kg * s->out * thread;
    int64_t begin, end;

    fsn__share(s->n * s->groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t filter = i % s->groups * s->kg;
        const float *x = job->x + i * s->cg * s->in, *patches = x;
        int32_t *c = job->c + i * s->kg * s->out;

        if (!s->pointwise) {
            fsn__im2col(&s->window, s->cg, x, col);
            patches = col;
        }
        for (int64_t k = 0; k < s->kg; k++)
            for (int64_t o = 0; o < s->out; o++)
                c[k * s->out + o] = job->bias ? job->bias[filter + k] : 0;
        fsn__integer_gemm(s->kg, s->out, s->depth, job->w + filter * s->depth, patches, part, c);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__integer_product p = operands(ctx);
    struct job job;
    size_t used;
    enum fsn_status status = lay_out(ctx, &p, ctx->work, &job, &used, err);

    if (status != FSN_OK)
        return status;
    fsn__integer_widen(ctx->pool, &p.a, job.x);
    fsn__integer_widen(ctx->pool, &p.b, job.w);
    fsn__pool_run(ctx->pool, image_task, &job);
    if (p.y_scale)
        fsn__integer_requantize(ctx->pool, &p, 0, 1, job.c, ctx->out[0]);
    return FSN_OK;
}

const struct fsn__op fsn__op_conv_integer = {
    .name = "ConvInteger",
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

const struct fsn__op fsn__op_qlinear_conv = {
    .name = "QLinearConv",
    .domain = "",
    .min_in = 8,
    .max_in = 9,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
};
