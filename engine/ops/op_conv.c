/*
 * op_conv.c - Conv: cross-correlation with stride, padding, dilation and groups, 1 to 3 spatial
 * axes, by im2col and matrix products.
 *
 * Per image and group, with the symbols of conv.h and db's sum over images and outputs:
 *
 *   y  = w col + b      dw += dy col^T      dx += col2im(w^T dy)      db += sum of dy
 *
 * Threads share the images (times groups). Each has a col in the work space and, going backward, a
 * dw of its own; these are added up in the order of the threads. They are kept transposed: with the
 * 16 filters of a small network's layer the product with the long side first is twice as fast.
 */
#include "core/blas.h"
#include "ops/conv.h"
#include "ops/im2col.h"
#include "ops/infer.h"
#include "ops/reduce.h"

#include <string.h>

struct conv {
    struct fsn__conv_sizes shape;
    const float *x, *w, *b, *dy;
    float *y, *dx, *dw, *db;
    float *col;      /* [threads][depth P], absent when pointwise */
    float *dw_parts; /* [threads][K depth] */
};

/* ---- shapes ----------------------------------------------------------------------------------
 */

static enum fsn_status check_bias(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *w = ctx->in[1], *b;
    enum fsn_status status;

    if (!fsn__op_has_input(ctx, 2))
        return FSN_OK;
    b = ctx->in[2];
    status = fsn__op_float_input(ctx, 2, "bias", err);
    if (status == FSN_OK && (b->ndim != 1 || b->dim[0] != w->dim[0]))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "bias has shape %s, weight has %lld filters",
                            FSN__SHAPE(b), (long long)w->dim[0]);
    return status;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__op_float_input(ctx, 0, "input", err);

    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "weight", err);
    if (status == FSN_OK)
        status = fsn__conv_infer(ctx, ctx->in[1], FSN__F32, err);
    return status == FSN_OK ? check_bias(ctx, err) : status;
}

static enum fsn_status read_conv(const struct fsn__op_ctx *ctx, struct conv *c,
                                 struct fsn_error *err)
{
    memset(c, 0, sizeof *c);
    c->x = fsn__f32(ctx->in[0]);
    c->w = fsn__f32(ctx->in[1]);
    c->b = fsn__op_has_input(ctx, 2) ? fsn__f32(ctx->in[2]) : NULL;
    c->col = ctx->work;
    return fsn__conv_read(ctx, ctx->in[1], &c->shape, err);
}

/* Floats of all threads' col, a multiple of 16 so that what follows is aligned. */
static int64_t col_floats(const struct conv *c, int threads)
{
    return c->shape.pointwise ? 0 : (c->shape.depth * c->shape.out * threads + 15) / 16 * 16;
}

static void describe(const struct fsn__op_ctx *ctx, struct fsn__op_kernel *out)
{
    out->forward = out->backward_data = out->backward_weights = "im2col";
    out->store = fsn__fused(FSN__FUSED_BIAS, fsn__op_has_input(ctx, 2));
    out->macs = ctx->out[0]->dim[0] * fsn__numel_range(ctx->out[0], 2, ctx->out[0]->ndim) *
                fsn__numel(ctx->in[1]);
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const int threads = fsn__pool_slices(ctx->pool);
    struct conv c;
    int64_t floats;

    *work = *saved = 0;
    if (read_conv(ctx, &c, NULL) != FSN_OK)
        return;
    floats = col_floats(&c, threads);
    if (ctx->training)
        floats += c.shape.groups * c.shape.kg * c.shape.depth * threads;
    *work = (size_t)floats * sizeof(float);
}

/* ---- forward ---------------------------------------------------------------------------------
 */

static void forward_task(void *arg, int thread, int threads)
{
    const struct conv *c = arg;
    float *col = c->col + c->shape.depth * c->shape.out * thread;
    int64_t begin, end;

    fsn__share(c->shape.n * c->shape.groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t g = i % c->shape.groups;
        const float *x = c->x + i * c->shape.cg * c->shape.in, *patches = x;
        float *y = c->y + i * c->shape.kg * c->shape.out;

        if (!c->shape.pointwise) {
            fsn__im2col(&c->shape.window, c->shape.cg, x, col);
            patches = col;
        }
        for (int64_t k = 0; k < c->shape.kg && c->b; k++)
            for (int64_t p = 0; p < c->shape.out; p++)
                y[k * c->shape.out + p] = c->b[g * c->shape.kg + k];
        fsn__sgemm(false, false, c->shape.kg, c->shape.out, c->shape.depth, 1.0F,
                   c->w + g * c->shape.kg * c->shape.depth, c->shape.depth, patches, c->shape.out,
                   c->b ? 1.0F : 0.0F, y, c->shape.out);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct conv c;
    enum fsn_status status = read_conv(ctx, &c, err);

    if (status != FSN_OK)
        return status;
    c.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_task, &c);
    return FSN_OK;
}

/* ---- backward --------------------------------------------------------------------------------
 */

static void backward_task(void *arg, int thread, int threads)
{
    const struct conv *c = arg;
    const int64_t weights = c->shape.groups * c->shape.kg * c->shape.depth;
    float *col = c->col + c->shape.depth * c->shape.out * thread;
    float *dw = c->dw_parts + weights * thread;
    int64_t begin, end;

    if (c->dw)
        memset(dw, 0, (size_t)weights * sizeof *dw);
    fsn__share(c->shape.n * c->shape.groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i % c->shape.groups * c->shape.kg * c->shape.depth;
        const int64_t x = i * c->shape.cg * c->shape.in;
        const float *dy = c->dy + i * c->shape.kg * c->shape.out;

        if (c->dw) {
            if (!c->shape.pointwise)
                fsn__im2col(&c->shape.window, c->shape.cg, c->x + x, col);
            fsn__sgemm(false, true, c->shape.depth, c->shape.kg, c->shape.out, 1.0F,
                       c->shape.pointwise ? c->x + x : col, c->shape.out, dy, c->shape.out, 1.0F,
                       dw + group, c->shape.kg);
        }
        if (c->dx && c->shape.pointwise) {
            fsn__sgemm(true, false, c->shape.depth, c->shape.out, c->shape.kg, 1.0F, c->w + group,
                       c->shape.depth, dy, c->shape.out, 1.0F, c->dx + x, c->shape.out);
        } else if (c->dx) {
            fsn__sgemm(true, false, c->shape.depth, c->shape.out, c->shape.kg, 1.0F, c->w + group,
                       c->shape.depth, dy, c->shape.out, 0.0F, col, c->shape.out);
            fsn__col2im_add(&c->shape.window, c->shape.cg, col, c->dx + x);
        }
    }
}

/* dw += the threads' parts, in their order, for one filter. */
static void add_parts(const struct conv *c, int64_t filter, int threads)
{
    const int64_t group = filter / c->shape.kg * c->shape.kg * c->shape.depth,
                  k = filter % c->shape.kg;
    float *dw = c->dw + filter * c->shape.depth;

    for (int t = 0; t < threads; t++) {
        const float *part =
            c->dw_parts + t * c->shape.groups * c->shape.kg * c->shape.depth + group + k;

        for (int64_t d = 0; d < c->shape.depth; d++)
            dw[d] += part[d * c->shape.kg];
    }
}

static float bias_gradient(const struct conv *c, int64_t filter)
{
    const int64_t filters = c->shape.groups * c->shape.kg;
    double sum = 0.0;

    for (int64_t n = 0; n < c->shape.n; n++)
        sum += fsn__sum(c->dy + (n * filters + filter) * c->shape.out, c->shape.out);
    return (float)sum;
}

static void combine_task(void *arg, int thread, int threads)
{
    const struct conv *c = arg;
    int64_t begin, end;

    fsn__share(c->shape.groups * c->shape.kg, thread, threads, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        if (c->db)
            c->db[k] += bias_gradient(c, k);
        if (c->dw)
            add_parts(c, k, threads);
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct conv c;
    enum fsn_status status = read_conv(ctx, &c, err);

    if (status != FSN_OK || !ctx->dout[0])
        return status;
    c.dy = fsn__f32(ctx->dout[0]);
    c.dx = ctx->din[0] ? fsn__f32(ctx->din[0]) : NULL;
    c.dw = ctx->din[1] ? fsn__f32(ctx->din[1]) : NULL;
    c.db = c.b && ctx->din[2] ? fsn__f32(ctx->din[2]) : NULL;
    c.dw_parts = c.col + col_floats(&c, fsn__pool_slices(ctx->pool));
    if (c.dx || c.dw)
        fsn__pool_run(ctx->pool, backward_task, &c);
    if (c.dw || c.db)
        fsn__pool_run(ctx->pool, combine_task, &c);
    return FSN_OK;
}

const struct fsn__op fsn__op_conv = {
    .name = "Conv",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* x, w */
    .infer = infer,
    .sizes = sizes,
    .describe = describe,
    .forward = forward,
    .backward = backward,
};
