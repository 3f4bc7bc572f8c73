/* op_join.c - Join: writes out what lay there as (z, a, b, relu), alone or added to another.
 *
 *   v_i = relu_i?(a_i z_i + b_i)         y = act(v_1 [+ v_2])
 *
 * Inputs: z1, a1, b1, z2, a2, b2; a and b are vectors that may be absent (v = z), z2 may be. The
 * end of a residual block is such a Join of two, with Relu; what a pooling layer or a plain
 * operator reads is one of a single value. Attributes: relu1, relu2; relu or clip (then low and
 * high, of a single value only) for act.
 *
 * Backward, with g = dy where act lets it pass (relu: y > 0; clip: low <= v <= high) and g_i = g
 * where relu_i does (a_i z_i + b_i > 0):
 *   dz_i += a_i g_i,  da_i += sum g_i z_i,  db_i += sum g_i
 *
 * Memory bound: one pass (elementwise.h). Backward goes over a plane once an operand; the second
 * time dy and y come from the cache.
 */
#include "kernels/blocked.h"
#include "kernels/elementwise.h"

#include <math.h>
#include <string.h>

enum { IN_COUNT = 6, OPERANDS = 2 };

struct operand {
    const float *z, *a, *b; /* z NULL: there is none; a NULL: 1 and 0 */
    float floor;            /* of v: 0 with relu, else -infinity */
    float *dz;              /* backward; NULL: not wanted */
    bool overwrite;
    bool sums; /* da and db are wanted */
};

struct join {
    const struct fsn__elementwise *loops;
    struct fsn__blocked size;
    struct operand operand[OPERANDS];
    float low, high; /* act: bounds of y */
    bool relu, clip;
    float *y;
    const float *dy;
    bool stream;   /* what is written is larger than the caches */
    double *parts; /* [threads][operand][da, db][Cb 16] */
};

/* The operand for a run that begins at float `at`, in channel block `block`. */
static struct fsn__operand_run operand_run(const struct operand *o, int64_t block, int64_t at)
{
    struct fsn__operand_run run = {.z = o->z + at, .floor = o->floor};

    for (int l = 0; l < FSN__LANES; l++) {
        run.a[l] = o->a ? o->a[block * FSN__LANES + l] : 1.0F;
        run.b[l] = o->a ? o->b[block * FSN__LANES + l] : 0.0F;
    }
    return run;
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct join *j = arg;
    int64_t begin, end;

    fsn__share(j->size.n * j->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t block = i % j->size.blocks, at = i * j->size.plane;
        struct fsn__join_run run = {.floats = j->size.plane,
                                    .operands = j->operand[1].z ? 2 : 1,
                                    .low = j->low,
                                    .high = j->high,
                                    .y = j->y + at,
                                    .stream = j->stream};

        for (int k = 0; k < run.operands; k++)
            run.operand[k] = operand_run(&j->operand[k], block, at);
        j->loops->join(&run);
    }
    j->loops->fence();
}

/* Operand k's gradients of plane i; adds to the block's da and db. */
static void backward_plane(const struct join *j, const struct operand *o, int64_t i, double *da,
                           double *db)
{
    const int64_t plane = i * j->size.plane;

    for (int64_t from = 0; from < j->size.plane; from += FSN__SUM_RUN) {
        const int64_t at = plane + from;
        struct fsn__join_back_run run = {
            .floats = fsn__run_end(from, j->size.plane) - from,
            .operand = operand_run(o, i % j->size.blocks, at),
            .y = j->y + at,
            .dy = j->dy + at,
            .relu = j->relu,
            .gate = j->clip || o->floor > -INFINITY,
            .sums = o->sums,
            .low = j->clip ? j->low : -INFINITY,
            .high = j->high,
            .dz = o->dz ? o->dz + at : NULL,
            .overwrite = o->overwrite,
            .stream = j->stream,
        };

        j->loops->join_back(&run);
        for (int l = 0; o->sums && l < FSN__LANES; l++) {
            da[l] += (double)run.da[l];
            db[l] += (double)run.db[l];
        }
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct join *j = arg;
    const int64_t channels = j->size.blocks * FSN__LANES;
    double *parts = j->parts + thread * OPERANDS * 2 * channels;
    int64_t begin, end;

    memset(parts, 0, OPERANDS * 2 * (size_t)channels * sizeof *parts);
    fsn__share(j->size.n * j->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        for (int k = 0; k < OPERANDS; k++) {
            const struct operand *o = &j->operand[k];
            double *da = parts + (2 * k) * channels + i % j->size.blocks * FSN__LANES;

            if (o->z && (o->dz || o->sums))
                backward_plane(j, o, i, da, da + channels);
        }
    j->loops->fence();
}

/* ---- the operator -----------------------------------------------------------------------------
 */

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *z = ctx->in[0];
    const struct fsn__elementwise *loops;
    enum fsn_status status = fsn__elementwise_get(&loops, err);

    for (int k = 0; k < OPERANDS && status == FSN_OK; k++) {
        if (k == 1 && !fsn__op_has_input(ctx, 3))
            continue;
        status = fsn__blocked_input(ctx, 3 * k, err);
        if (status == FSN_OK && !fsn__same_shape(z, ctx->in[3 * k]))
            return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "it adds %s and %s", FSN__SHAPE(z),
                                FSN__SHAPE(ctx->in[3 * k]));
        for (int i = 1; i < 3 && status == FSN_OK; i++)
            status = fsn__vector_input(ctx, 3 * k + i, z->dim[1] * FSN__LANES, err);
    }
    return status == FSN_OK
               ? fsn__blocked_output(ctx, z->dim[0], z->dim[1], z->dim[2], z->dim[3], err)
               : status;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const size_t channels = (size_t)(ctx->in[0]->dim[1] * FSN__LANES);

    *work = ctx->training
                ? OPERANDS * 2 * channels * sizeof(double) * (size_t)fsn__pool_slices(ctx->pool)
                : 0;
    *saved = ctx->finished ? fsn__join_sums_bytes(ctx->in[0]->dim[1]) : 0;
}

static int normalised(const struct fsn__op_ctx *ctx)
{
    return fsn__op_has_input(ctx, 1) ? 0 : fsn__op_has_input(ctx, 4) ? 1 : -1;
}

const struct fsn__tensor *fsn__join_normalised(const struct fsn__op_ctx *ctx)
{
    return normalised(ctx) < 0 ? NULL : ctx->in[3 * normalised(ctx)];
}

static void describe(const struct fsn__op_ctx *ctx, struct fsn__op_kernel *out)
{
    const bool relu = fsn__attr_int(ctx->attrs, "relu1", 0) | fsn__attr_int(ctx->attrs, "relu2", 0);

    out->load =
        fsn__fused(FSN__FUSED_BATCH_NORM, fsn__op_has_input(ctx, 1) || fsn__op_has_input(ctx, 4)) |
        fsn__fused(FSN__FUSED_RELU, relu);
    out->store = fsn__fused(FSN__FUSED_RESIDUAL, fsn__op_has_input(ctx, 3)) |
                 fsn__fused(FSN__FUSED_RELU, fsn__attr_int(ctx->attrs, "relu", 0) != 0) |
                 fsn__fused(FSN__FUSED_CLIP, fsn__attr_int(ctx->attrs, "clip", 0) != 0);
}

static enum fsn_status read_join(const struct fsn__op_ctx *ctx, struct join *j,
                                 struct fsn_error *err)
{
    static const char *const relu[OPERANDS] = {"relu1", "relu2"};

    *j = (struct join){.size = fsn__blocked_of(ctx->out[0]),
                       .low = -INFINITY,
                       .high = INFINITY,
                       .relu = fsn__attr_int(ctx->attrs, "relu", 0) != 0,
                       .clip = fsn__attr_int(ctx->attrs, "clip", 0) != 0,
                       .y = fsn__f32(ctx->out[0]),
                       .stream = fsn__tensor_bytes(ctx->out[0]) > FSN__STREAM_BYTES};
    for (int k = 0; k < OPERANDS; k++)
        j->operand[k] = (struct operand){
            .z = fsn__input_data(ctx, 3 * k),
            .a = fsn__input_data(ctx, 3 * k + 1),
            .b = fsn__input_data(ctx, 3 * k + 2),
            .floor = fsn__attr_int(ctx->attrs, relu[k], 0) != 0 ? 0.0F : -INFINITY};
    if (j->relu)
        j->low = 0.0F;
    if (j->clip) {
        j->low = fsn__attr_float(ctx->attrs, "low", -INFINITY);
        j->high = fsn__attr_float(ctx->attrs, "high", INFINITY);
    }
    return fsn__elementwise_get(&j->loops, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct join j;
    enum fsn_status status = read_join(ctx, &j, err);

    if (status == FSN_OK)
        fsn__pool_run(ctx->pool, forward_task, &j);
    return status;
}

/* The gradients of both operands lie where y's does: it is made g there, once for both, and whoever
 * reads it multiplies by a. finished: that has been done, with the sums. */
static void backward_in_place(const struct fsn__op_ctx *ctx, struct join *j)
{
    const int k = normalised(ctx), threads = fsn__pool_slices(ctx->pool);
    const int64_t channels = j->size.blocks * FSN__LANES;
    float *sums[2] = {fsn__input_grad(ctx, 3 * k + 1), fsn__input_grad(ctx, 3 * k + 2)};

    if (ctx->finished) {
        const float *done = ctx->saved;

        for (int i = 0; i < 2; i++)
            for (int64_t c = 0; c < channels; c++)
                sums[i][c] += done[i * channels + c];
        return;
    }
    j->operand[0] = (struct operand){.z = j->operand[k].z,
                                     .floor = -INFINITY,
                                     .dz = ctx->dout[0]->data,
                                     .overwrite = true,
                                     .sums = true};
    j->operand[1].z = NULL;
    j->stream = false; /* it is read right before */
    fsn__pool_run(ctx->pool, backward_task, j);
    for (int i = 0; i < 2; i++)
        fsn__combine_sums(j->parts + i * channels, threads, OPERANDS * 2 * channels, channels,
                          sums[i], true);
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    float *da[OPERANDS], *db[OPERANDS];
    int64_t channels;
    struct join j;
    enum fsn_status status = read_join(ctx, &j, err);

    if (status != FSN_OK || !ctx->dout[0])
        return status;
    j.dy = fsn__f32(ctx->dout[0]);
    j.parts = ctx->work;
    if (ctx->passes) {
        backward_in_place(ctx, &j);
        return FSN_OK;
    }
    channels = j.size.blocks * FSN__LANES;
    for (int k = 0; k < OPERANDS; k++) {
        struct operand *o = &j.operand[k];

        o->dz = fsn__input_grad_raw(ctx, 3 * k, &o->overwrite);
        da[k] = fsn__input_grad(ctx, 3 * k + 1);
        db[k] = fsn__input_grad(ctx, 3 * k + 2);
        o->sums = da[k] || db[k];
    }
    fsn__pool_run(ctx->pool, backward_task, &j);
    for (int k = 0; k < OPERANDS; k++) {
        const double *parts = j.parts + 2 * k * channels;
        const int64_t stride = OPERANDS * 2 * channels;
        const int threads = fsn__pool_slices(ctx->pool);

        fsn__combine_sums(parts, threads, stride, channels, da[k], true);
        fsn__combine_sums(parts + channels, threads, stride, channels, db[k], true);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_join = {
    .name = "Join",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = IN_COUNT,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .backward_in = (1 << IN_COUNT) - 1,
    .backward_out = 1 << 0,
    .infer = infer,
    .sizes = sizes,
    .describe = describe,
    .forward = forward,
    .backward = backward,
};
