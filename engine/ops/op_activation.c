/*
 * op_activation.c - Relu and Clip, element by element.
 *
 *   Relu: y = max(x, 0)                      dx = dy where y > 0
 *   Clip: y = min(max(x, low), high)         dx = dy where low <= x <= high
 *
 * Both pass NaN on, so that a diverging network is noticed at its output. Clip's bounds are
 * optional scalars of the input's type; no gradient flows to them. With low > high every element
 * becomes high, as ONNX has it.
 */
#include "ops/infer.h"
#include "ops/walk.h"

struct job {
    int64_t count;
    const void *x;
    void *y;
    const void *low, *high; /* Clip: one element each, or NULL */
    const float *out, *dy;
    float *dx;
};

/* Small tensors are left to the calling thread. */
static void run(struct fsn__pool *pool, fsn__task *task, struct job *job)
{
    fsn__pool_run(job->count < FSN__SERIAL_BELOW ? NULL : pool, task, job);
}

/* ---- forward, for every number type ------------------------------------------------------------
 */

#define DEFINE_RELU(code, type)                                 \
    static void relu_##code(void *arg, int thread, int threads) \
    {                                                           \
        const struct job *job = arg;                            \
        const type *restrict x = job->x;                        \
        type *restrict y = job->y;                              \
        int64_t begin, end;                                     \
                                                                \
        fsn__share(job->count, thread, threads, &begin, &end);  \
        for (int64_t i = begin; i < end; i++)                   \
            y[i] = x[i] < 0 ? 0 : x[i];                         \
    }

#define DEFINE_CLIP(code, type)                                 \
    static void clip_##code(void *arg, int thread, int threads) \
    {                                                           \
        const struct job *job = arg;                            \
        const type *restrict x = job->x;                        \
        const type *low = job->low, *high = job->high;          \
        type *restrict y = job->y;                              \
        int64_t begin, end;                                     \
                                                                \
        fsn__share(job->count, thread, threads, &begin, &end);  \
        for (int64_t i = begin; i < end; i++) {                 \
            type v = x[i];                                      \
                                                                \
            if (low && v < *low)                                \
                v = *low;                                       \
            if (high && v > *high)                              \
                v = *high;                                      \
            y[i] = v;                                           \
        }                                                       \
    }

DEFINE_RELU(F32, float)
DEFINE_RELU(F64, double)
DEFINE_RELU(I8, int8_t)
DEFINE_RELU(I16, int16_t)
DEFINE_RELU(I32, int32_t)
DEFINE_RELU(I64, int64_t)
DEFINE_CLIP(F32, float)
DEFINE_CLIP(F64, double)
DEFINE_CLIP(I8, int8_t)
DEFINE_CLIP(I16, int16_t)
DEFINE_CLIP(I32, int32_t)
DEFINE_CLIP(I64, int64_t)
DEFINE_CLIP(U8, uint8_t)
DEFINE_CLIP(U16, uint16_t)
DEFINE_CLIP(U32, uint32_t)
DEFINE_CLIP(U64, uint64_t)

/* clang-format off */
#define SIGNED_TASKS(op) \
    [FSN__F32] = op##_F32, [FSN__F64] = op##_F64, \
    [FSN__I8] = op##_I8, [FSN__I16] = op##_I16, [FSN__I32] = op##_I32, [FSN__I64] = op##_I64
#define UNSIGNED_TASKS(op) \
    [FSN__U8] = op##_U8, [FSN__U16] = op##_U16, [FSN__U32] = op##_U32, [FSN__U64] = op##_U64

static fsn__task *const relu_tasks[FSN__DTYPE_COUNT] = {SIGNED_TASKS(relu)};
static fsn__task *const clip_tasks[FSN__DTYPE_COUNT] = {SIGNED_TASKS(clip), UNSIGNED_TASKS(clip)};
/* clang-format on */

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const bool is_clip = ctx->op == &fsn__op_clip;
    struct job job = {
        .count = fsn__numel(x),
        .x = x->data,
        .y = ctx->out[0]->data,
        .low = is_clip && fsn__op_has_input(ctx, 1) ? ctx->in[1]->data : NULL,
        .high = is_clip && fsn__op_has_input(ctx, 2) ? ctx->in[2]->data : NULL,
    };

    (void)err;
    run(ctx->pool, (is_clip ? clip_tasks : relu_tasks)[x->dtype], &job);
    return FSN_OK;
}

/* ---- shapes ------------------------------------------------------------------------------------
 */

static enum fsn_status infer_like_input(const struct fsn__op_ctx *ctx, fsn__task *const *tasks,
                                        struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (!tasks[x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    return fsn__op_set_output(ctx, x->dtype, x->ndim, x->dim, err);
}

static enum fsn_status infer_relu(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return infer_like_input(ctx, relu_tasks, err);
}

static enum fsn_status infer_clip(const struct fsn__op_ctx *ctx, struct fsn_error *err)
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
    return infer_like_input(ctx, clip_tasks, err);
}

/* ---- backward ----------------------------------------------------------------------------------
 */

static void relu_back(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const float *restrict out = job->out, *restrict dy = job->dy;
    float *restrict dx = job->dx;
    int64_t begin, end;

    fsn__share(job->count, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float g = dy[i]; /* loaded always: lets the compiler vectorise */

        dx[i] += out[i] > 0.0F ? g : 0.0F;
    }
}

static void clip_back(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const float *restrict x = job->x, *restrict dy = job->dy;
    const float *low = job->low, *high = job->high;
    float *restrict dx = job->dx;
    int64_t begin, end;

    fsn__share(job->count, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        if (!(low && x[i] < *low) && !(high && x[i] > *high))
            dx[i] += dy[i];
}

static enum fsn_status backward_relu(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job;

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job = (struct job){.count = fsn__numel(ctx->out[0]),
                       .out = fsn__f32(ctx->out[0]),
                       .dy = fsn__f32(ctx->dout[0]),
                       .dx = fsn__f32(ctx->din[0])};
    run(ctx->pool, relu_back, &job);
    return FSN_OK;
}

static enum fsn_status backward_clip(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job;

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    job = (struct job){.count = fsn__numel(ctx->in[0]),
                       .x = ctx->in[0]->data,
                       .low = fsn__op_has_input(ctx, 1) ? ctx->in[1]->data : NULL,
                       .high = fsn__op_has_input(ctx, 2) ? ctx->in[2]->data : NULL,
                       .dy = fsn__f32(ctx->dout[0]),
                       .dx = fsn__f32(ctx->din[0])};
    run(ctx->pool, clip_back, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_relu = {
    .name = "Relu",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_out = 1 << 0,
    .infer = infer_relu,
    .forward = forward,
    .backward = backward_relu,
};

const struct fsn__op fsn__op_clip = {
    .name = "Clip",
    .domain = "",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1 | 1 << 2,
    .infer = infer_clip,
    .forward = forward,
    .backward = backward_clip,
};
