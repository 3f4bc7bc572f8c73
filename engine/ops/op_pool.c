/* op_pool.c - MaxPool, AveragePool, GlobalAveragePool over one to three spatial axes.
 *
 * ONNX specification. A plane is one channel of one image; planes are split over the pool. Windows
 * of fewer than three axes are seen as three-dimensional ones with leading axes of size 1. MaxPool:
 * y = max of the elements inside; backward: to the first largest (saved index) AveragePool:  y =
 * sum of the elements inside / how many count: those inside, or with count_include_pad those inside
 * the padded axis
 */
#include "ops/op.h"
#include "ops/window.h"

#include <math.h>

struct pool {
    const struct fsn__op_ctx *ctx;
    int64_t planes, in_size, out_size;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3], after[3];
    bool include_pad;
};

static enum fsn_status read_pool(const struct fsn__op_ctx *ctx, struct fsn__window *window,
                                 struct pool *pool, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    size_t given;
    const int64_t *kernel = fsn__attr_ints(ctx->attrs, "kernel_shape", &given);
    enum fsn_status status;

    if (!kernel || x->ndim < 3 || given != (size_t)x->ndim - 2)
        return FSN__FAIL(err, FSN_SHAPE, "%s '%s': kernel_shape has %zu values, input is %s",
                         ctx->op->name, ctx->name, given, FSN__SHAPE(x));
    status =
        fsn__window_read(ctx, kernel, fsn__attr_int(ctx->attrs, "ceil_mode", 0) != 0, window, err);
    if (status != FSN_OK)
        return status;
    *pool = (struct pool){
        .ctx = ctx,
        .planes = x->dim[0] * x->dim[1],
        .in_size = 1,
        .out_size = 1,
        .include_pad = fsn__attr_int(ctx->attrs, "count_include_pad", 0) != 0,
    };
    for (int i = 0; i < 3; i++) {
        int a = i - (3 - window->spatial);
        bool real = a >= 0;

        pool->in[i] = real ? window->in[a] : 1;
        pool->out[i] = real ? window->out[a] : 1;
        pool->kernel[i] = real ? window->kernel[a] : 1;
        pool->stride[i] = real ? window->stride[a] : 1;
        pool->dilation[i] = real ? window->dilation[a] : 1;
        pool->before[i] = real ? window->pad_begin[a] : 0;
        pool->after[i] = real ? window->pad_end[a] : 0;
        pool->in_size *= pool->in[i];
        pool->out_size *= pool->out[i];
    }
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct fsn__window window = {0};
    struct pool pool;
    int64_t dim[FSN_MAX_DIMS];
    enum fsn_status status;
    bool byte = x->dtype == FSN__U8 || x->dtype == FSN__I8;

    if (x->dtype != FSN__F32 && !(byte && ctx->op == &fsn__op_max_pool))
        return FSN__FAIL(err, FSN_UNSUPPORTED, "%s '%s': input is %s, only float32", ctx->op->name,
                         ctx->name, fsn__dtype_name(x->dtype));
    status = read_pool(ctx, &window, &pool, err);
    if (status != FSN_OK)
        return status;
    dim[0] = x->dim[0];
    dim[1] = x->dim[1];
    for (int i = 0; i < window.spatial; i++)
        dim[i + 2] = window.out[i];
    fsn__shape_set(ctx->out[0], x->dtype, x->ndim, dim);
    if (ctx->n_out > 1 && ctx->out[1])
        fsn__shape_set(ctx->out[1], FSN__I64, x->ndim, dim);
    return FSN_OK;
}

/* The taps [*first, *last) of output o that fall inside axis a. */
static void taps(const struct pool *p, int a, int64_t o, int64_t *first, int64_t *last)
{
    int64_t start = o * p->stride[a] - p->before[a], d = p->dilation[a];

    *first = start < 0 ? (-start + d - 1) / d : 0;
    *last = p->in[a] - start > 0 ? (p->in[a] - start + d - 1) / d : 0;
    if (*last > p->kernel[a])
        *last = p->kernel[a];
}

/* How many taps count for the average along axis a. */
static int64_t counted(const struct pool *p, int a, int64_t o, int64_t first, int64_t last)
{
    int64_t start = o * p->stride[a], end = p->in[a] + p->before[a] + p->after[a];
    int64_t room = (end - start + p->dilation[a] - 1) / p->dilation[a];

    if (!p->include_pad)
        return last - first;
    return room < p->kernel[a] ? room : p->kernel[a];
}

/* One output's window: ranges of taps and where tap (0,0,0) would lie. */
struct span {
    int64_t first[3], last[3], origin[3];
};

static struct span span_of(const struct pool *p, int64_t z, int64_t y, int64_t x)
{
    const int64_t o[3] = {z, y, x};
    struct span s;

    for (int a = 0; a < 3; a++) {
        taps(p, a, o[a], &s.first[a], &s.last[a]);
        s.origin[a] = o[a] * p->stride[a] - p->before[a];
    }
    return s;
}

static int64_t tap_index(const struct pool *p, const struct span *s, int64_t i, int64_t j,
                         int64_t k)
{
    int64_t z = s->origin[0] + i * p->dilation[0], y = s->origin[1] + j * p->dilation[1];

    return (z * p->in[1] + y) * p->in[2] + s->origin[2] + k * p->dilation[2];
}

#define EACH_OUTPUT(p, at)                            \
    for (int64_t z = 0, at = 0; z < (p)->out[0]; z++) \
        for (int64_t y = 0; y < (p)->out[1]; y++)     \
            for (int64_t x = 0; x < (p)->out[2]; x++, at++)
#define EACH_TAP(s)                                          \
    for (int64_t i = (s).first[0]; i < (s).last[0]; i++)     \
        for (int64_t j = (s).first[1]; j < (s).last[1]; j++) \
            for (int64_t k = (s).first[2]; k < (s).last[2]; k++)

/* ---- MaxPool
 * -------------------------------------------------------------------------------------- */

static void max_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = ctx->training ? (size_t)fsn__numel(ctx->out[0]) * sizeof(int64_t) : 0;
}

static float element(const struct fsn__tensor *t, int64_t i)
{
    return t->dtype == FSN__F32 ? fsn__f32(t)[i] : (float)fsn__get_i64(t, i);
}

static void max_planes(void *arg, int thread, int threads)
{
    const struct pool *p = arg;
    const struct fsn__op_ctx *ctx = p->ctx;
    int64_t *saved = ctx->training ? ctx->saved : NULL;
    int64_t *indices = ctx->n_out > 1 && ctx->out[1] ? fsn__i64(ctx->out[1]) : NULL;
    bool column_major = fsn__attr_int(ctx->attrs, "storage_order", 0) == 1;
    int64_t begin, end;

    fsn__share(p->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        EACH_OUTPUT(p, at)
        {
            struct span s = span_of(p, z, y, x);
            int64_t to = plane * p->out_size + at, best = -1;
            float most = -INFINITY;

            EACH_TAP(s)
            {
                int64_t index = tap_index(p, &s, i, j, k);
                float value = element(ctx->in[0], plane * p->in_size + index);

                if (best < 0 || value > most || isnan(value)) {
                    most = value;
                    best = index;
                }
            }
            if (ctx->out[0]->dtype == FSN__F32)
                fsn__f32(ctx->out[0])[to] = most;
            else if (best >= 0)
                ((uint8_t *)ctx->out[0]->data)[to] =
                    ((const uint8_t *)ctx->in[0]->data)[plane * p->in_size + best];
            if (saved)
                saved[to] = best;
            if (indices && column_major && best >= 0)
                indices[to] =
                    plane * p->in_size + best / p->in[2] % p->in[1] + best % p->in[2] * p->in[1];
            else if (indices)
                indices[to] = plane * p->in_size + best;
        }
}

static enum fsn_status max_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__window window = {0};
    struct pool pool;
    enum fsn_status status = read_pool(ctx, &window, &pool, err);

    if (status == FSN_OK)
        fsn__pool_run(ctx->pool, max_planes, &pool);
    return status;
}

static void max_backward_planes(void *arg, int thread, int threads)
{
    const struct pool *p = arg;
    const struct fsn__op_ctx *ctx = p->ctx;
    const int64_t *saved = ctx->saved;
    int64_t begin, end;

    fsn__share(p->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t at = plane * p->out_size; at < (plane + 1) * p->out_size; at++)
            if (saved[at] >= 0)
                fsn__f32(ctx->din[0])[plane * p->in_size + saved[at]] += fsn__f32(ctx->dout[0])[at];
}

static enum fsn_status max_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__window window = {0};
    struct pool pool;
    enum fsn_status status = read_pool(ctx, &window, &pool, err);

    if (status == FSN_OK && ctx->dout[0] && ctx->din[0])
        fsn__pool_run(ctx->pool, max_backward_planes, &pool);
    return status;
}

const struct fsn__op fsn__op_max_pool = {
    .name = "MaxPool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .infer = infer,
    .sizes = max_sizes,
    .forward = max_forward,
    .backward = max_backward,
};

/* ---- AveragePool
 * ---------------------------------------------------------------------------------- */

static int64_t divisor(const struct pool *p, const struct span *s, int64_t z, int64_t y, int64_t x)
{
    return counted(p, 0, z, s->first[0], s->last[0]) * counted(p, 1, y, s->first[1], s->last[1]) *
           counted(p, 2, x, s->first[2], s->last[2]);
}

static void average_planes(void *arg, int thread, int threads)
{
    const struct pool *p = arg;
    int64_t begin, end;

    fsn__share(p->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        const float *from = fsn__f32(p->ctx->in[0]) + plane * p->in_size;
        float *to = fsn__f32(p->ctx->out[0]) + plane * p->out_size;

        EACH_OUTPUT(p, at)
        {
            struct span s = span_of(p, z, y, x);
            float sum = 0.0f;

            EACH_TAP(s)
            {
                sum += from[tap_index(p, &s, i, j, k)];
            }
            to[at] = sum / (float)divisor(p, &s, z, y, x);
        }
    }
}

static void average_backward_planes(void *arg, int thread, int threads)
{
    const struct pool *p = arg;
    int64_t begin, end;

    fsn__share(p->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        const float *dy = fsn__f32(p->ctx->dout[0]) + plane * p->out_size;
        float *dx = fsn__f32(p->ctx->din[0]) + plane * p->in_size;

        EACH_OUTPUT(p, at)
        {
            struct span s = span_of(p, z, y, x);
            float part = dy[at] / (float)divisor(p, &s, z, y, x);

            EACH_TAP(s)
            {
                dx[tap_index(p, &s, i, j, k)] += part;
            }
        }
    }
}

static enum fsn_status average_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__window window = {0};
    struct pool pool;
    enum fsn_status status = read_pool(ctx, &window, &pool, err);

    if (status == FSN_OK)
        fsn__pool_run(ctx->pool, average_planes, &pool);
    return status;
}

static enum fsn_status average_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__window window = {0};
    struct pool pool;
    enum fsn_status status = read_pool(ctx, &window, &pool, err);

    if (status == FSN_OK && ctx->dout[0] && ctx->din[0])
        fsn__pool_run(ctx->pool, average_backward_planes, &pool);
    return status;
}

const struct fsn__op fsn__op_average_pool = {
    .name = "AveragePool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .forward = average_forward,
    .backward = average_backward,
};

/* ---- GlobalAveragePool
 * ----------------------------------------------------------------------------- */

static enum fsn_status global_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];

    if (x->dtype != FSN__F32 || x->ndim < 3)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "GlobalAveragePool '%s': input is %s %s, expected float32 [N,C,...]",
                         ctx->name, fsn__dtype_name(x->dtype), FSN__SHAPE(x));
    for (int i = 0; i < x->ndim; i++)
        dim[i] = i < 2 ? x->dim[i] : 1;
    fsn__shape_set(ctx->out[0], FSN__F32, x->ndim, dim);
    return FSN_OK;
}

static enum fsn_status global_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t planes = x->dim[0] * x->dim[1], area = fsn__numel_range(x, 2, x->ndim);

    (void)err;
    for (int64_t plane = 0; plane < planes; plane++) {
        double sum = 0.0;

        for (int64_t i = 0; i < area; i++)
            sum += fsn__f32(x)[plane * area + i];
        fsn__f32(ctx->out[0])[plane] = (float)(sum / (double)area);
    }
    return FSN_OK;
}

static enum fsn_status global_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t planes = x->dim[0] * x->dim[1], area = fsn__numel_range(x, 2, x->ndim);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    for (int64_t plane = 0; plane < planes; plane++) {
        float part = fsn__f32(ctx->dout[0])[plane] / (float)area;

        for (int64_t i = 0; i < area; i++)
            fsn__f32(ctx->din[0])[plane * area + i] += part;
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_global_average_pool = {
    .name = "GlobalAveragePool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = global_infer,
    .forward = global_forward,
    .backward = global_backward,
};
