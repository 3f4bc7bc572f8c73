/*
 * op_conv_transpose.c - ConvTranspose: the transpose of Conv, 1 to 3 spatial axes, by matrix
 * products and col2im.
 *
 * Symbols: N images, C channels, M output channels, G groups, Cg = C/G and Mg = M/G per group, T
 * taps of the window, I elements of one input channel, O of one output channel. Shapes:
 * x [N,C,..], w [C,Mg,..], b [M], y [N,M,..]. The window (window.h) is that of the convolution
 * which takes y back to the shape of x. Per image and group:
 *
 *     y  = b + col2im(w^T x)        w [Cg, Mg T], x [Cg, I], col [Mg T, I]
 *     dx += w im2col(dy)            dw += x im2col(dy)^T
 *     db += sum of dy over images and outputs
 *
 * Threads share the images (times groups). Each has a col in the work space and, going backward, a
 * dw of its own; these are added up in the order of the threads.
 */
#include "core/blas.h"
#include "core/mem.h"
#include "ops/im2col.h"
#include "ops/infer.h"
#include "ops/reduce.h"

#include <string.h>

/* Elements of one thread's col; a bound far beyond any network that keeps sizes from overflow. */
#define MAX_PATCHES (INT64_C(1) << 40)

struct conv_transpose {
    struct fsn__window window;
    int64_t n, groups;
    int64_t cg, mg;  /* channels, output channels of a group */
    int64_t depth;   /* Mg T: products of one input element */
    int64_t in, out; /* I, O */
    const float *x, *w, *b, *dy;
    float *y, *dx, *dw, *db;
    float *col;      /* [threads][depth I] */
    float *dw_parts; /* [threads][C depth] */
};

/* ---- shapes --------------------------------------------------------------------------------- */

static enum fsn_status check_weight(const struct fsn__op_ctx *ctx, int64_t groups,
                                    struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    const int64_t *kernel;
    size_t count;

    if (w->ndim != x->ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has shape %s, input %s", FSN__SHAPE(w),
                            FSN__SHAPE(x));
    if (fsn__is_symbolic(w) || w->dim[0] < 1 || w->dim[1] < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has no channels: shape %s", FSN__SHAPE(w));
    if (w->dim[0] != x->dim[1])
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has %lld input channels, input has %lld",
                            (long long)w->dim[0], (long long)x->dim[1]);
    if (groups < 1 || w->dim[0] % groups != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "group is %lld, which does not divide %lld channels", (long long)groups,
                            (long long)w->dim[0]);
    kernel = fsn__attr_ints(ctx->attrs, "kernel_shape", &count);
    for (int i = 2; kernel && i < w->ndim; i++)
        if (count != (size_t)w->ndim - 2 || kernel[i - 2] != w->dim[i])
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "kernel_shape contradicts the weight's shape %s", FSN__SHAPE(w));
    return FSN_OK;
}

static enum fsn_status check_bias(const struct fsn__op_ctx *ctx, int64_t channels,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *b;
    enum fsn_status status;

    if (!fsn__op_has_input(ctx, 2))
        return FSN_OK;
    b = ctx->in[2];
    status = fsn__op_float_input(ctx, 2, "bias", err);
    if (status == FSN_OK && (b->ndim != 1 || b->dim[0] != channels))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "bias has shape %s, output has %lld channels",
                            FSN__SHAPE(b), (long long)channels);
    return status;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    const int64_t groups = fsn__attr_int(ctx->attrs, "group", 1);
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0]}, depth;
    struct fsn__window window;
    enum fsn_status status;

    status = fsn__op_float_input(ctx, 0, "input", err);
    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "weight", err);
    if (status == FSN_OK)
        status = fsn__window_check_input(ctx, err);
    if (status == FSN_OK)
        status = check_weight(ctx, groups, err);
    if (status == FSN_OK && !fsn__mul_i64(w->dim[1], groups, &dim[1]))
        status =
            FSN__OP_FAIL(ctx, err, FSN_LIMIT, "weight of shape %s is too large", FSN__SHAPE(w));
    if (status == FSN_OK)
        status = check_bias(ctx, dim[1], err);
    if (status == FSN_OK)
        status = fsn__window_read_transposed(ctx, w->dim + 2, &window, err);
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
                            "%lld inputs of %lld terms each need too much scratch memory",
                            (long long)fsn__window_out_size(&window), (long long)depth);
    for (int i = 2; i < x->ndim; i++)
        dim[i] = window.axis[FSN__WINDOW_AXES - x->ndim + i].in;
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, dim, err);
}

static enum fsn_status read_conv(const struct fsn__op_ctx *ctx, struct conv_transpose *c,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    enum fsn_status status;

    memset(c, 0, sizeof *c);
    status = fsn__window_read_transposed(ctx, w->dim + 2, &c->window, err);
    if (status != FSN_OK)
        return status;
    c->n = x->dim[0];
    c->groups = fsn__attr_int(ctx->attrs, "group", 1);
    c->cg = w->dim[0] / c->groups;
    c->mg = w->dim[1];
    c->depth = c->mg * fsn__window_taps(&c->window);
    c->in = fsn__window_out_size(&c->window);
    c->out = fsn__window_in_size(&c->window);
    c->x = fsn__f32(x);
    c->w = fsn__f32(w);
    c->b = fsn__op_has_input(ctx, 2) ? fsn__f32(ctx->in[2]) : NULL;
    c->col = ctx->work;
    return FSN_OK;
}

/* Floats of all threads' col, a multiple of 16 so that what follows is aligned. */
static int64_t col_floats(const struct conv_transpose *c, int threads)
{
    return (c->depth * c->in * threads + 15) / 16 * 16;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const int threads = fsn__pool_slices(ctx->pool);
    struct conv_transpose c;
    int64_t floats;

    *work = *saved = 0;
    if (read_conv(ctx, &c, NULL) != FSN_OK)
        return;
    floats = col_floats(&c, threads);
    if (ctx->training)
        floats += c.groups * c.cg * c.depth * threads;
    *work = (size_t)floats * sizeof(float);
}

/* ---- forward -------------------------------------------------------------------------------- */

static void forward_task(void *arg, int thread, int threads)
{
    const struct conv_transpose *c = arg;
    float *col = c->col + c->depth * c->in * thread;
    int64_t begin, end;

    fsn__share(c->n * c->groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t g = i % c->groups;
        float *y = c->y + i * c->mg * c->out;

        fsn__sgemm(true, false, c->depth, c->in, c->cg, 1.0F, c->w + g * c->cg * c->depth, c->depth,
                   c->x + i * c->cg * c->in, c->in, 0.0F, col, c->in);
        for (int64_t m = 0; m < c->mg; m++)
            for (int64_t p = 0; p < c->out; p++)
                y[m * c->out + p] = c->b ? c->b[g * c->mg + m] : 0.0F;
        fsn__col2im_add(&c->window, c->mg, col, y);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct conv_transpose c;
    enum fsn_status status = read_conv(ctx, &c, err);

    if (status != FSN_OK)
        return status;
    c.y = fsn__f32(ctx->out[0]);
    fsn__pool_run(ctx->pool, forward_task, &c);
    return FSN_OK;
}

/* ---- backward ------------------------------------------------------------------------------- */

static void backward_task(void *arg, int thread, int threads)
{
    const struct conv_transpose *c = arg;
    const int64_t weights = c->groups * c->cg * c->depth;
    float *col = c->col + c->depth * c->in * thread;
    float *dw = c->dw_parts + weights * thread;
    int64_t begin, end;

    if (c->dw)
        memset(dw, 0, (size_t)weights * sizeof *dw);
    fsn__share(c->n * c->groups, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i % c->groups * c->cg * c->depth, x = i * c->cg * c->in;

        fsn__im2col(&c->window, c->mg, c->dy + i * c->mg * c->out, col);
        if (c->dw)
            fsn__sgemm(false, true, c->cg, c->depth, c->in, 1.0F, c->x + x, c->in, col, c->in, 1.0F,
                       dw + group, c->depth);
        if (c->dx)
            fsn__sgemm(false, false, c->cg, c->in, c->depth, 1.0F, c->w + group, c->depth, col,
                       c->in, 1.0F, c->dx + x, c->in);
    }
}

/* dw += the threads' parts, in their order, each thread its share of the weights. */
static void combine_task(void *arg, int thread, int threads)
{
    const struct conv_transpose *c = arg;
    const int64_t weights = c->groups * c->cg * c->depth, channels = c->groups * c->mg;
    int64_t begin, end;

    fsn__share(weights, thread, threads, &begin, &end);
    for (int t = 0; t < threads && c->dw; t++)
        for (int64_t i = begin; i < end; i++)
            c->dw[i] += c->dw_parts[t * weights + i];
    fsn__share(channels, thread, threads, &begin, &end);
    for (int64_t m = begin; m < end && c->db; m++) {
        double sum = 0.0;

        for (int64_t n = 0; n < c->n; n++)
            sum += fsn__sum(c->dy + (n * channels + m) * c->out, c->out);
        c->db[m] += (float)sum;
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct conv_transpose c;
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

const struct fsn__op fsn__op_conv_transpose = {
    .name = "ConvTranspose",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* x, w */
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
