/* op_conv.c - convolution over one or two spatial axes, by im2col and matrix products.
 *
 * ONNX operator Conv (cross-correlation). Symbols: N images, C channels of one group, K filters, G
 * groups, filter R x S, input H x W, output P x Q; stride u,v; dilation e,f; padding t,l before.
 *   y[n,k,p,q] = b[k] + sum over c,r,s of w[k,c,r,s] x[n, g C + c, p u - t + r e, q v - l + s f]
 * For each image and group, im2col lays the patches out as col[C R S][P Q], so that
 *   y = w col,   dw += dy col^T,   dcol = w^T dy,   dx += col2im(dcol)   (the adjoint of im2col).
 * Images are split over the pool; each thread sums its own dw and db, which are then added in
 * thread order. A 1x1 convolution of stride 1 without padding is its own col.
 */
#include "core/blas.h"
#include "ops/op.h"
#include "ops/window.h"

#include <string.h>

struct geometry {
    int64_t n, c, k, groups;
    int64_t h, w, p, q, r, s, u, v, e, f, t, l;
    int64_t patch, area; /* C R S and P Q */
    bool pointwise;
};

/* A one-dimensional convolution is a two-dimensional one of height 1. */
static enum fsn_status read_geometry(const struct fsn__op_ctx *ctx, struct geometry *g,
                                     struct fsn__window *window, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    enum fsn_status status = fsn__window_read(ctx, &w->dim[2], false, window, err);
    int a; /* index of the width axis */

    if (status != FSN_OK)
        return status;
    a = window->spatial - 1;
    *g = (struct geometry){
        .n = x->dim[0],
        .c = w->dim[1],
        .k = w->dim[0],
        .groups = fsn__attr_int(ctx->attrs, "group", 1),
        .h = 1,
        .p = 1,
        .r = 1,
        .u = 1,
        .e = 1,
        .w = window->in[a],
        .q = window->out[a],
        .s = window->kernel[a],
        .v = window->stride[a],
        .f = window->dilation[a],
        .l = window->pad_begin[a],
    };
    if (a == 1) {
        g->h = window->in[0];
        g->p = window->out[0];
        g->r = window->kernel[0];
        g->u = window->stride[0];
        g->e = window->dilation[0];
        g->t = window->pad_begin[0];
    }
    g->patch = g->c * g->r * g->s;
    g->area = g->p * g->q;
    g->pointwise = g->r == 1 && g->s == 1 && g->u == 1 && g->v == 1 && g->area == g->h * g->w;
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *w = ctx->in[1];
    const struct fsn__tensor *b = ctx->n_in > 2 ? ctx->in[2] : NULL;
    int64_t groups = fsn__attr_int(ctx->attrs, "group", 1), dim[FSN_MAX_DIMS];
    struct fsn__window window = {0};
    struct geometry g;
    enum fsn_status status;
    size_t given;
    const int64_t *kernel = fsn__attr_ints(ctx->attrs, "kernel_shape", &given);

    if (x->dtype != FSN__F32 || w->dtype != FSN__F32 || (b && b->dtype != FSN__F32))
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Conv '%s': input is %s, weight %s; only float32",
                         ctx->name, fsn__dtype_name(x->dtype), fsn__dtype_name(w->dtype));
    if (x->ndim < 3 || x->ndim > 4)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Conv '%s': input is %s, expected 3 or 4 axes",
                         ctx->name, FSN__SHAPE(x));
    if (w->ndim != x->ndim)
        return FSN__FAIL(err, FSN_SHAPE,
                         "Conv '%s': weight is %s, expected %d axes as input %s has", ctx->name,
                         FSN__SHAPE(w), x->ndim, FSN__SHAPE(x));
    if (groups < 1 || groups > w->dim[0] || w->dim[0] % groups != 0)
        return FSN__FAIL(err, FSN_SHAPE, "Conv '%s': %lld filters cannot be cut into %lld groups",
                         ctx->name, (long long)w->dim[0], (long long)groups);
    if (w->dim[1] < 1 || x->dim[1] % groups != 0 || x->dim[1] / groups != w->dim[1])
        return FSN__FAIL(
            err, FSN_SHAPE,
            "Conv '%s': weight has %lld input channels, input has %lld in %lld group(s)", ctx->name,
            (long long)w->dim[1], (long long)x->dim[1], (long long)groups);
    if (b && (b->ndim != 1 || b->dim[0] != w->dim[0]))
        return FSN__FAIL(err, FSN_SHAPE, "Conv '%s': bias is %s, expected [%lld]", ctx->name,
                         FSN__SHAPE(b), (long long)w->dim[0]);
    for (int i = 0; kernel && i < w->ndim - 2; i++)
        if (given != (size_t)w->ndim - 2 || kernel[i] != w->dim[i + 2])
            return FSN__FAIL(err, FSN_SHAPE, "Conv '%s': kernel_shape differs from weight %s",
                             ctx->name, FSN__SHAPE(w));
    status = read_geometry(ctx, &g, &window, err);
    if (status != FSN_OK)
        return status;
    dim[0] = x->dim[0];
    dim[1] = w->dim[0];
    for (int i = 0; i < window.spatial; i++)
        dim[i + 2] = window.out[i];
    fsn__shape_set(ctx->out[0], FSN__F32, x->ndim, dim);
    return FSN_OK;
}

/* ---- im2col and its adjoint
 * ---------------------------------------------------------------------- */

/* Outputs q in [*first, *last) read inside the row: 0 <= q v - l + s f < w. */
static void inside(int64_t size, int64_t outputs, int64_t stride, int64_t offset, int64_t *first,
                   int64_t *last)
{
    int64_t from = offset < 0 ? (-offset + stride - 1) / stride : 0;
    int64_t to = size - offset > 0 ? (size - offset + stride - 1) / stride : 0;

    *last = to < outputs ? to : outputs;
    *first = from < *last ? from : *last;
}

static void im2col(const struct geometry *g, const float *x, float *col)
{
    for (int64_t c = 0; c < g->c; c++, x += g->h * g->w)
        for (int64_t r = 0; r < g->r; r++)
            for (int64_t s = 0; s < g->s; s++) {
                int64_t shift = s * g->f - g->l, first, last;

                inside(g->w, g->q, g->v, shift, &first, &last);
                for (int64_t p = 0; p < g->p; p++, col += g->q) {
                    int64_t y = p * g->u - g->t + r * g->e;
                    const float *row = x + y * g->w + shift;

                    if (y < 0 || y >= g->h) {
                        memset(col, 0, (size_t)g->q * sizeof *col);
                        continue;
                    }
                    for (int64_t q = 0; q < first; q++)
                        col[q] = 0.0f;
                    if (g->v == 1)
                        memcpy(col + first, row + first, (size_t)(last - first) * sizeof *col);
                    else
                        for (int64_t q = first; q < last; q++)
                            col[q] = row[q * g->v];
                    for (int64_t q = last; q < g->q; q++)
                        col[q] = 0.0f;
                }
            }
}

static void col2im_add(const struct geometry *g, const float *col, float *dx)
{
    for (int64_t c = 0; c < g->c; c++, dx += g->h * g->w)
        for (int64_t r = 0; r < g->r; r++)
            for (int64_t s = 0; s < g->s; s++) {
                int64_t shift = s * g->f - g->l, first, last;

                inside(g->w, g->q, g->v, shift, &first, &last);
                for (int64_t p = 0; p < g->p; p++, col += g->q) {
                    int64_t y = p * g->u - g->t + r * g->e;
                    float *row = dx + y * g->w + shift;

                    if (y < 0 || y >= g->h)
                        continue;
                    if (g->v == 1)
                        for (int64_t q = first; q < last; q++)
                            row[q] += col[q];
                    else
                        for (int64_t q = first; q < last; q++)
                            row[q * g->v] += col[q];
                }
            }
}

/* ---- forward
 * ------------------------------------------------------------------------------------- */

/* Scratch of one thread: col, then (backward) its dw and db. */
static size_t thread_floats(const struct geometry *g)
{
    size_t floats = (size_t)(g->k * g->patch + g->k);

    if (!g->pointwise)
        floats += (size_t)(g->patch * g->area);
    return (floats + 15) & ~(size_t)15;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    struct fsn__window window = {0};
    struct geometry g;

    *work = *saved = 0;
    if (read_geometry(ctx, &g, &window, NULL) == FSN_OK)
        *work = thread_floats(&g) * sizeof(float) * (size_t)fsn__pool_threads(ctx->pool);
}

struct pass {
    const struct fsn__op_ctx *ctx;
    struct geometry g;
};

static void forward_images(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__op_ctx *ctx = pass->ctx;
    const struct geometry *g = &pass->g;
    const float *w = fsn__f32(ctx->in[1]);
    const float *b = ctx->n_in > 2 && ctx->in[2] ? fsn__f32(ctx->in[2]) : NULL;
    float *col = (float *)ctx->work + (size_t)thread * thread_floats(g);
    int64_t begin, end, filters = g->k / g->groups;

    fsn__share(g->n, thread, threads, &begin, &end);
    for (int64_t n = begin; n < end; n++)
        for (int64_t group = 0; group < g->groups; group++) {
            const float *x = fsn__f32(ctx->in[0]) + (n * g->groups + group) * g->c * g->h * g->w;
            float *y = fsn__f32(ctx->out[0]) + (n * g->k + group * filters) * g->area;

            if (!g->pointwise)
                im2col(g, x, col);
            for (int64_t k = 0; k < filters && b; k++)
                for (int64_t i = 0; i < g->area; i++)
                    y[k * g->area + i] = b[group * filters + k];
            fsn__sgemm(false, false, filters, g->area, g->patch, 1.0f,
                       w + group * filters * g->patch, g->patch, g->pointwise ? x : col, g->area,
                       b ? 1.0f : 0.0f, y, g->area);
        }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = {.ctx = ctx};
    struct fsn__window window = {0};
    enum fsn_status status = read_geometry(ctx, &pass.g, &window, err);

    if (status == FSN_OK)
        fsn__pool_run(ctx->pool, forward_images, &pass);
    return status;
}

/* ---- backward
 * ------------------------------------------------------------------------------------ */

static void backward_images(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__op_ctx *ctx = pass->ctx;
    const struct geometry *g = &pass->g;
    const float *w = fsn__f32(ctx->in[1]);
    float *dw = (float *)ctx->work + (size_t)thread * thread_floats(g);
    float *db = dw + g->k * g->patch, *col = db + g->k;
    int64_t begin, end, filters = g->k / g->groups, image = g->c * g->h * g->w;

    memset(dw, 0, (size_t)(g->k * g->patch + g->k) * sizeof *dw);
    fsn__share(g->n, thread, threads, &begin, &end);
    for (int64_t n = begin; n < end; n++)
        for (int64_t group = 0; group < g->groups; group++) {
            int64_t at = (n * g->groups + group) * image;
            const float *dy = fsn__f32(ctx->dout[0]) + (n * g->k + group * filters) * g->area;
            const float *x = fsn__f32(ctx->in[0]) + at;
            int64_t w_at = group * filters * g->patch;

            if (ctx->din[1]) {
                if (!g->pointwise)
                    im2col(g, x, col);
                fsn__sgemm(false, true, filters, g->patch, g->area, 1.0f, dy, g->area,
                           g->pointwise ? x : col, g->area, 1.0f, dw + w_at, g->patch);
            }
            for (int64_t k = 0; k < filters && ctx->n_in > 2 && ctx->din[2]; k++) {
                float sum = 0.0f;

                for (int64_t i = 0; i < g->area; i++)
                    sum += dy[k * g->area + i];
                db[group * filters + k] += sum;
            }
            if (!ctx->din[0])
                continue;
            if (g->pointwise) {
                fsn__sgemm(true, false, g->patch, g->area, filters, 1.0f, w + w_at, g->patch, dy,
                           g->area, 1.0f, fsn__f32(ctx->din[0]) + at, g->area);
                continue;
            }
            fsn__sgemm(true, false, g->patch, g->area, filters, 1.0f, w + w_at, g->patch, dy,
                       g->area, 0.0f, col, g->area);
            col2im_add(g, col, fsn__f32(ctx->din[0]) + at);
        }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = {.ctx = ctx};
    struct fsn__window window = {0};
    enum fsn_status status = read_geometry(ctx, &pass.g, &window, err);
    int64_t weights;

    if (status != FSN_OK || !ctx->dout[0])
        return status;
    weights = pass.g.k * pass.g.patch;
    fsn__pool_run(ctx->pool, backward_images, &pass);
    for (int t = 0; t < fsn__pool_threads(ctx->pool); t++) {
        const float *dw = (const float *)ctx->work + (size_t)t * thread_floats(&pass.g);

        for (int64_t i = 0; i < weights && ctx->din[1]; i++)
            fsn__f32(ctx->din[1])[i] += dw[i];
        for (int64_t i = 0; i < pass.g.k && ctx->n_in > 2 && ctx->din[2]; i++)
            fsn__f32(ctx->din[2])[i] += dw[weights + i];
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_conv = {
    .name = "Conv",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
