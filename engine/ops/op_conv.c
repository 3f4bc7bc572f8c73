/*
 * op_conv.c - Conv: cross-correlation with stride, padding, dilation and groups, 1 to 3 spatial
 * axes, by im2col and matrix products.
 *
 * Symbols: N images, C channels, K filters, G groups, Cg = C/G and Kg = K/G per group, T taps of
 * the window, P outputs of one channel. Shapes: x [N,C,..], w [K,Cg,..], b [K], y [N,K,..]. Per
 * image and group, with col = im2col(x) of [Cg T, P] (im2col.h): y  = w col + b [Kg, Cg T] [Cg T,
 * P] dw += dy col^T                     [Kg, P]    [P, Cg T] dx += col2im(w^T dy)               [Cg
 * T, Kg] [Kg, P] db += sum of dy over images and outputs A window of one tap without stride and
 * padding needs no col: it is x itself.
 *
 * Threads share the images (times groups). Each has a col in the work space and, going backward, a
 * dw of its own; these are added up in the order of the threads. They are kept transposed: with the
 * 16 filters of a small network's layer the product with the long side first is twice as fast.
 */
#include "core/blas.h"
#include "core/mem.h"
#include "ops/im2col.h"
#include "ops/infer.h"
#include "ops/reduce.h"

#include <string.h>

/* Elements of one thread's col; a bound far beyond any network that keeps sizes from overflow. */
#define MAX_PATCHES (INT64_C(1) << 40)

struct conv {
    struct fsn__window window;
    int64_t n, groups;
    int64_t cg, kg;  /* channels, filters of a group */
    int64_t depth;   /* Cg T: terms of one output */
    int64_t in, out; /* elements of one input, one output channel; out = P */
    bool pointwise;  /* col is x itself */
    const float *x, *w, *b, *dy;
    float *y, *dx, *dw, *db;
    float *col;      /* [threads][depth P], absent when pointwise */
    float *dw_parts; /* [threads][K depth] */
};

/* ---- shapes ----------------------------------------------------------------------------------
 */

static enum fsn_status check_weight(const struct fsn__op_ctx *ctx, int64_t groups,
                                    struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    const int64_t channels = x->dim[1];
    const int64_t *kernel;
    size_t count;

    if (w->ndim != x->ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has shape %s, input %s", FSN__SHAPE(w),
                            FSN__SHAPE(x));
    if (fsn__is_symbolic(w) || w->dim[0] < 1 || w->dim[1] < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has no filters or channels: shape %s",
                            FSN__SHAPE(w));
    if (groups < 1 || channels % groups != 0 || w->dim[0] % groups != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "group is %lld, which does not divide %lld channels and %lld filters",
                            (long long)groups, (long long)channels, (long long)w->dim[0]);
    if (channels / groups != w->dim[1]) {
        if (groups == 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "weight has %lld input channels, input has %lld",
                                (long long)w->dim[1], (long long)channels);
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "weight has %lld input channels in each of %lld groups, input has %lld",
                            (long long)w->dim[1], (long long)groups, (long long)channels);
    }
    kernel = fsn__attr_ints(ctx->attrs, "kernel_shape", &count);
    for (int i = 2; kernel && i < w->ndim; i++)
        if (count != (size_t)w->ndim - 2 || kernel[i - 2] != w->dim[i])
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "kernel_shape contradicts the weight's shape %s", FSN__SHAPE(w));
    return FSN_OK;
}

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
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], w->dim[0]}, depth;
    struct fsn__window window;
    enum fsn_status status;

    status = fsn__op_float_input(ctx, 0, "input", err);
    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "weight", err);
    if (status == FSN_OK)
        status = fsn__window_check_input(ctx, err);
    if (status == FSN_OK)
        status = check_weight(ctx, fsn__attr_int(ctx->attrs, "group", 1), err);
    if (status == FSN_OK)
        status = check_bias(ctx, err);
    if (status == FSN_OK)
        status = fsn__window_read(ctx, w->dim + 2, &window, err);
    if (status != FSN_OK)
        return status;
    /* BLAS counts in 32 bits; the scratch of a thread must stay far from overflow. */
    depth = w->dim[1];
    for (int i = 2; i < w->ndim; i++)
        if (!fsn__mul_i64(depth, w->dim[i], &depth))
            depth = INT64_MAX;
    if (depth > INT32_MAX || w->dim[0] > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "weight of shape %s is too large", FSN__SHAPE(w));
    if (depth * fsn__window_out_size(&window) > MAX_PATCHES)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "%lld outputs of %lld terms each need too much scratch memory",
                            (long long)fsn__window_out_size(&window), (long long)depth);
    fsn__window_out_dims(&window, x->ndim, dim);
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, dim, err);
}

static enum fsn_status read_conv(const struct fsn__op_ctx *ctx, struct conv *c,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    enum fsn_status status;

    memset(c, 0, sizeof *c);
    status = fsn__window_read(ctx, w->dim + 2, &c->window, err);
    if (status != FSN_OK)
        return status;
    c->n = x->dim[0];
    c->groups = fsn__attr_int(ctx->attrs, "group", 1);
    c->cg = w->dim[1];
    c->kg = w->dim[0] / c->groups;
    c->depth = c->cg * fsn__window_taps(&c->window);
    c->in = fsn__window_in_size(&c->window);
    c->out = fsn__window_out_size(&c->window);
    c->pointwise = true;
    for (int i = 0; i < FSN__WINDOW_AXES; i++) {
        const struct fsn__window_axis *a = &c->window.axis[i];

        c->pointwise &= a->taps == 1 && a->stride == 1 && a->pad_begin == 0 && a->pad_end == 0;
    }
    c->x = fsn__f32(x);
    c->w = fsn__f32(w);
    c->b = fsn__op_has_input(ctx, 2) ? fsn__f32(ctx->in[2]) : NULL;
    c->col = ctx->work;
    return FSN_OK;
}

/* Floats of all threads' col, a multiple of 16 so that what follows is aligned. */
static int64_t col_floats(const struct conv *c, int threads)
{
    return c->pointwise ? 0 : (c->depth * c->out * threads + 15) / 16 * 16;
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
        floats += c.groups * c.kg * c.depth * threads;
    *work = (size_t)floats * sizeof(float);
}

/* ---- forward ---------------------------------------------------------------------------------
 */

static void forward_task(void *arg, int thread, int threads)
{
    const struct conv *c = arg;
    float *col = c->col + c->depth * c->out * thread;
    int64_t begin, end;

    fsn__share(c->n * c->groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t g = i % c->groups;
        const float *x = c->x + i * c->cg * c->in, *patches = x;
        float *y = c->y + i * c->kg * c->out;

        if (!c->pointwise) {
            fsn__im2col(&c->window, c->cg, x, col);
            patches = col;
        }
        for (int64_t k = 0; k < c->kg && c->b; k++)
            for (int64_t p = 0; p < c->out; p++)
                y[k * c->out + p] = c->b[g * c->kg + k];
        fsn__sgemm(false, false, c->kg, c->out, c->depth, 1.0F, c->w + g * c->kg * c->depth,
                   c->depth, patches, c->out, c->b ? 1.0F : 0.0F, y, c->out);
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
    const int64_t weights = c->groups * c->kg * c->depth;
    float *col = c->col + c->depth * c->out * thread;
    float *dw = c->dw_parts + weights * thread;
    int64_t begin, end;

    if (c->dw)
        memset(dw, 0, (size_t)weights * sizeof *dw);
    fsn__share(c->n * c->groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i % c->groups * c->kg * c->depth;
        const int64_t x = i * c->cg * c->in;
        const float *dy = c->dy + i * c->kg * c->out;

        if (c->dw) {
            if (!c->pointwise)
                fsn__im2col(&c->window, c->cg, c->x + x, col);
            fsn__sgemm(false, true, c->depth, c->kg, c->out, 1.0F, c->pointwise ? c->x + x : col,
                       c->out, dy, c->out, 1.0F, dw + group, c->kg);
        }
        if (c->dx && c->pointwise) {
            fsn__sgemm(true, false, c->depth, c->out, c->kg, 1.0F, c->w + group, c->depth, dy,
                       c->out, 1.0F, c->dx + x, c->out);
        } else if (c->dx) {
            fsn__sgemm(true, false, c->depth, c->out, c->kg, 1.0F, c->w + group, c->depth, dy,
                       c->out, 0.0F, col, c->out);
            fsn__col2im_add(&c->window, c->cg, col, c->dx + x);
        }
    }
}

/* dw += the threads' parts, in their order, for one filter. */
static void add_parts(const struct conv *c, int64_t filter, int threads)
{
    const int64_t group = filter / c->kg * c->kg * c->depth, k = filter % c->kg;
    float *dw = c->dw + filter * c->depth;

    for (int t = 0; t < threads; t++) {
        const float *part = c->dw_parts + t * c->groups * c->kg * c->depth + group + k;

        for (int64_t d = 0; d < c->depth; d++)
            dw[d] += part[d * c->kg];
    }
}

static float bias_gradient(const struct conv *c, int64_t filter)
{
    const int64_t filters = c->groups * c->kg;
    double sum = 0.0;

    for (int64_t n = 0; n < c->n; n++)
        sum += fsn__sum(c->dy + (n * filters + filter) * c->out, c->out);
    return (float)sum;
}

static void combine_task(void *arg, int thread, int threads)
{
    const struct conv *c = arg;
    int64_t begin, end;

    fsn__share(c->groups * c->kg, thread, threads, &begin, &end);
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
