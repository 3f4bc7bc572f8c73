/*
 * op_clip.c - Clip: y = min(max(x, low), high), dx = dy where low <= x <= high.
 *
 * The bounds are optional scalars of the input's type; no gradient flows to them. With low > high
 * every element becomes high, as ONNX has it. NaN passes, so that a diverging network is noticed at
 * its output.
 */
#include "ops/infer.h"
#include "ops/typed.h"
#include "ops/walk.h"

struct job {
    int64_t count;
    const void *x;
    void *y;
    const void *low, *high; /* one element each, or NULL */
    const float *dy;
    float *dx;
};

static struct job make_job(const struct fsn__op_ctx *ctx)
{
    return (struct job){
        .count = fsn__numel(ctx->in[0]),
        .x = ctx->in[0]->data,
        .low = fsn__op_has_input(ctx, 1) ? ctx->in[1]->data : NULL,
        .high = fsn__op_has_input(ctx, 2) ? ctx->in[2]->data : NULL,
    };
}

/* Small tensors are left to the calling thread. */
static void run(struct fsn__pool *pool, fsn__task *task, struct job *job)
{
    fsn__pool_run(job->count < FSN__SERIAL_BELOW ? NULL : pool, task, job);
}

#define DEFINE_CLIP(code, type, op)                           \
    static void op##_##code(void *arg, int slice, int slices) \
    {                                                         \
        const struct job *job = arg;                          \
        const type *restrict x = job->x;                      \
        const type *low = job->low, *high = job->high;        \
        type *restrict y = job->y;                            \
        int64_t begin, end;                                   \
                                                              \
        fsn__share(job->count, slice, slices, &begin, &end);  \
        for (int64_t i = begin; i < end; i++) {               \
            type v = x[i];                                    \
                                                              \
            if (low && v < *low)                              \
                v = *low;                                     \
            if (high && v > *high)                            \
                v = *high;                                    \
            y[i] = v;                                         \
        }                                                     \
    }
FSN__NUMBER_TYPES(DEFINE_CLIP, clip)

static fsn__task *const tasks[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, clip)};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"input", "lower bound", "upper bound"};
    const struct fsn__tensor *x = ctx->in[0];

    for (int i = 1; i < 3; i++) {
        const struct fsn__tensor *bound = fsn__op_has_input(ctx, i) ? ctx->in[i] : NULL;

        if (!bound)
            continue;
        if (bound->dtype != x->dtype)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s is %s, its input %s", names[i],
                                fsn__dtype_name(bound->dtype), fsn__dtype_name(x->dtype));
        if (fsn__numel(bound) != 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s has shape %s, expected a scalar",
                                names[i], FSN__SHAPE(bound));
    }
    if (!tasks[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = make_job(ctx);
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    job.y = ctx->out[0]->data;
    if (status == FSN_OK)
        run(ctx->pool, tasks[ctx->in[0]->dtype], &job);
    return status;
}

static void clip_back(void *arg, int slice, int slices)
{
    const struct job *job = arg;
    const float *restrict x = job->x, *restrict dy = job->dy;
    const float *low = job->low, *high = job->high;
    float *restrict dx = job->dx;
    int64_t begin, end;

    fsn__share(job->count, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        if (!(low && x[i] < *low) && !(high && x[i] > *high))
            dx[i] += dy[i];
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = make_job(ctx);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    run(ctx->pool, clip_back, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_clip = {
    .name = "Clip",
    .domain = "",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1 | 1 << 2,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
