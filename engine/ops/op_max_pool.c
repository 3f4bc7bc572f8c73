/*
 * op_max_pool.c - MaxPool over 1 to 3 spatial axes.
 *
 *   y[o] = max of x over the taps of o that lie within the input;  dx[argmax of o] += dy[o]
 *
 * Of equal maxima the first in row-major order counts; NaN wins over everything. A window that lies
 * wholly in the padding (which ceil_mode or a large dilation can make) gives the lowest value of
 * the type and has no gradient. Output 1, Indices (int64): place of the maximum counted through the
 * whole input tensor, in the spatial axes row-major or, with storage_order = 1, column-major; -1
 * for a window in the padding. Types: f32; f64, int8 and uint8 forward only.
 *
 * While training, the places are kept (int32, within the channel) for backward. Channels are shared
 * by the threads.
 */
#include "ops/infer.h"
#include "ops/window.h"

#include <math.h>

struct pool_job {
    struct fsn__window window;
    int64_t planes, in, out; /* batch times channels; elements of one */
    bool column_major;
    const void *x;
    void *y;
    int32_t *place;   /* [planes][out], or NULL */
    int64_t *indices; /* [planes][out], or NULL */
    const float *dy;
    float *dx;
};

/* The taps of one output: [begin, end) of the input along each axis, in steps of the dilation. */
struct region {
    int64_t begin[FSN__WINDOW_AXES], end[FSN__WINDOW_AXES];
};

static void find_region(const struct fsn__window_axis *a, int64_t o, int64_t *begin, int64_t *end)
{
    const int64_t first = o * a->stride - a->pad_begin;
    int64_t tap, taps_end;

    fsn__window_tap_range(a, o, &tap, &taps_end);
    *begin = first + tap * a->dilation;
    *end = tap < taps_end ? first + (taps_end - 1) * a->dilation + 1 : *begin;
}

/* ---- forward ---------------------------------------------------------------------------------
 */

/* max_code: the maximum over region r of one plane into *y; returns its place, -1 for none.
 * plane_code: all outputs of one plane. */
#define DEFINE_MAX(code, type, lowest)                                                            \
    static int64_t max_##code(const struct fsn__window *w, const struct region *r, const type *x, \
                              type *y)                                                            \
    {                                                                                             \
        const struct fsn__window_axis *a = w->axis;                                               \
        type best = lowest;                                                                       \
        int64_t place = -1;                                                                       \
                                                                                                  \
        for (int64_t d = r->begin[0]; d < r->end[0]; d += a[0].dilation)                          \
            for (int64_t h = r->begin[1]; h < r->end[1]; h += a[1].dilation) {                    \
                const int64_t row = (d * a[1].in + h) * a[2].in;                                  \
                                                                                                  \
                for (int64_t i = r->begin[2]; i < r->end[2]; i += a[2].dilation) {                \
                    const type v = x[row + i];                                                    \
                                                                                                  \
                    if (v > best || place < 0 || (v != v && best == best)) {                      \
                        best = v;                                                                 \
                        place = row + i;                                                          \
                    }                                                                             \
                }                                                                                 \
            }                                                                                     \
        *y = best;                                                                                \
        return place;                                                                             \
    }                                                                                             \
                                                                                                  \
    static void plane_##code(const struct pool_job *job, int64_t plane)                           \
    {                                                                                             \
        const struct fsn__window_axis *a = job->window.axis;                                      \
        const type *x = (const type *)job->x + plane * job->in;                                   \
        type *y = (type *)job->y + plane * job->out;                                              \
        struct region r;                                                                          \
        int64_t i = 0;                                                                            \
                                                                                                  \
        for (int64_t od = 0; od < a[0].out; od++) {                                               \
            find_region(&a[0], od, &r.begin[0], &r.end[0]);                                       \
            for (int64_t oh = 0; oh < a[1].out; oh++) {                                           \
                find_region(&a[1], oh, &r.begin[1], &r.end[1]);                                   \
                for (int64_t ow = 0; ow < a[2].out; ow++, i++) {                                  \
                    int64_t place;                                                                \
                                                                                                  \
                    find_region(&a[2], ow, &r.begin[2], &r.end[2]);                               \
                    place = max_##code(&job->window, &r, x, &y[i]);                               \
                    keep_place(job, plane, i, place);                                             \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }

static void keep_place(const struct pool_job *job, int64_t plane, int64_t i, int64_t place)
{
    const struct fsn__window_axis *a = job->window.axis;

    if (job->place)
        job->place[plane * job->out + i] = (int32_t)place;
    if (!job->indices)
        return;
    if (place >= 0 && job->column_major) {
        const int64_t w = place % a[2].in, h = place / a[2].in % a[1].in;
        const int64_t d = place / (a[2].in * a[1].in);

        place = d + a[0].in * (h + a[1].in * w);
    }
    job->indices[plane * job->out + i] = place < 0 ? -1 : plane * job->in + place;
}

DEFINE_MAX(F32, float, -INFINITY)
DEFINE_MAX(F64, double, (double)-INFINITY)
DEFINE_MAX(I8, int8_t, INT8_MIN)
DEFINE_MAX(U8, uint8_t, 0)

typedef void plane_function(const struct pool_job *job, int64_t plane);
static plane_function *const plane_functions[FSN__DTYPE_COUNT] = {
    [FSN__F32] = plane_F32, [FSN__F64] = plane_F64, [FSN__I8] = plane_I8, [FSN__U8] = plane_U8};

struct forward_job {
    struct pool_job pool;
    plane_function *plane;
};

static void forward_task(void *arg, int thread, int threads)
{
    const struct forward_job *job = arg;
    int64_t begin, end;

    fsn__share(job->pool.planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++)
        job->plane(&job->pool, plane);
}

/* ---- shapes ----------------------------------------------------------------------------------
 */

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], x->dim[1]};
    struct fsn__window w;
    enum fsn_status status;

    if (!plane_functions[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    status = fsn__window_read_pool(ctx, &w, err);
    if (status != FSN_OK)
        return status;
    fsn__window_out_dims(&w, x->ndim, dim);
    status = fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
    if (status == FSN_OK && ctx->n_out > 1 && ctx->out[1])
        fsn__shape_set(ctx->out[1], FSN__I64, x->ndim, dim);
    return status;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const int64_t count = fsn__numel(ctx->out[0]);

    *work = 0;
    *saved = ctx->training && count > 0 ? (size_t)count * sizeof(int32_t) : 0;
}

static enum fsn_status read_job(const struct fsn__op_ctx *ctx, struct pool_job *job,
                                struct fsn_error *err)
{
    enum fsn_status status;

    *job = (struct pool_job){.planes = ctx->in[0]->dim[0] * ctx->in[0]->dim[1],
                             .column_major = fsn__attr_int(ctx->attrs, "storage_order", 0) != 0};
    status = fsn__window_read_pool(ctx, &job->window, err);
    if (status != FSN_OK)
        return status;
    job->in = fsn__window_in_size(&job->window);
    job->out = fsn__window_out_size(&job->window);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct forward_job job = {.plane = plane_functions[ctx->in[0]->dtype]};
    enum fsn_status status = read_job(ctx, &job.pool, err);

    if (status != FSN_OK)
        return status;
    job.pool.x = ctx->in[0]->data;
    job.pool.y = ctx->out[0]->data;
    job.pool.place = ctx->training ? ctx->saved : NULL;
    job.pool.indices = ctx->n_out > 1 && ctx->out[1] ? fsn__i64(ctx->out[1]) : NULL;
    fsn__pool_run(ctx->pool, forward_task, &job);
    return FSN_OK;
}

/* ---- backward --------------------------------------------------------------------------------
 */

static void backward_task(void *arg, int thread, int threads)
{
    const struct pool_job *job = arg;
    int64_t begin, end;

    fsn__share(job->planes, thread, threads, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        const int32_t *place = job->place + plane * job->out;
        const float *dy = job->dy + plane * job->out;
        float *dx = job->dx + plane * job->in;

        for (int64_t i = 0; i < job->out; i++)
            if (place[i] >= 0)
                dx[place[i]] += dy[i];
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pool_job job;
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    status = read_job(ctx, &job, err);
    if (status != FSN_OK)
        return status;
    job.place = ctx->saved;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    fsn__pool_run(ctx->pool, backward_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_max_pool = {
    .name = "MaxPool",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
