/* op_pack.c - Pack and Unpack: the borders between the plain and the blocked layout.
 *
 *   Pack:    x [N,C,H,W] -> y [N,Cb,H,W,16], lanes past C zero;   dx += dy unpacked
 *   Unpack:  x [N,Cb,H,W,16] -> y [N,C,H,W] (attribute channels);  dx += dy packed
 *
 * A block of one image is a small transposition, 16 channels against H W pixels.
 */
#include "kernels/blocked.h"
#include "ops/walk.h"

struct job {
    int64_t n, channels, blocks, pixels;
    float *plain, *blocked; /* one is read, the other written */
    bool add;               /* to what is written, instead of overwriting it */
};

/* Where block i of all images' blocks lies in the plain tensor, and how many channels it has. */
static float *plain_at(const struct job *job, int64_t i, int64_t *lanes)
{
    const int64_t n = i / job->blocks, first = i % job->blocks * FSN__LANES;

    *lanes = job->channels - first < FSN__LANES ? job->channels - first : FSN__LANES;
    return job->plain + (n * job->channels + first) * job->pixels;
}

static void pack_task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    int64_t begin, end, lanes;

    fsn__share(job->n * job->blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *restrict x = plain_at(job, i, &lanes);
        float *restrict y = job->blocked + i * job->pixels * FSN__LANES;

        for (int64_t p = 0; p < job->pixels; p++) {
            float *to = y + p * FSN__LANES;

            for (int64_t l = 0; l < lanes; l++)
                to[l] = x[l * job->pixels + p] + (job->add ? to[l] : 0.0F);
            for (int64_t l = lanes; l < FSN__LANES && !job->add; l++)
                to[l] = 0.0F;
        }
    }
}

static void unpack_task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    int64_t begin, end, lanes;

    fsn__share(job->n * job->blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *restrict x = job->blocked + i * job->pixels * FSN__LANES;
        float *restrict y = plain_at(job, i, &lanes);

        for (int64_t l = 0; l < lanes; l++) {
            float *to = y + l * job->pixels;

            for (int64_t p = 0; p < job->pixels; p++)
                to[p] = x[p * FSN__LANES + l] + (job->add ? to[p] : 0.0F);
        }
    }
}

/* plain: a tensor [N,C,H,W]. */
static void run(const struct fsn__op_ctx *ctx, const struct fsn__tensor *plain,
                const struct fsn__tensor *blocked, fsn__task *task, bool add)
{
    struct job job = {.n = plain->dim[0],
                      .channels = plain->dim[1],
                      .blocks = blocked->dim[1],
                      .pixels = plain->dim[2] * plain->dim[3],
                      .plain = plain->data,
                      .blocked = blocked->data,
                      .add = add};

    fsn__pool_run(fsn__numel(blocked) < FSN__SERIAL_BELOW ? NULL : ctx->pool, task, &job);
}

static enum fsn_status infer_pack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (x->dtype != FSN__F32 || x->ndim != 4)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL,
                            "its input is %s %s, expected float32 [N,C,H,W]",
                            fsn__dtype_name(x->dtype), FSN__SHAPE(x));
    return fsn__blocked_output(ctx, x->dim[0], fsn__channel_blocks(x->dim[1]), x->dim[2], x->dim[3],
                               err);
}

static enum fsn_status infer_unpack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int64_t channels = fsn__attr_int(ctx->attrs, "channels", 0);
    const struct fsn__tensor *x = ctx->in[0];
    enum fsn_status status = fsn__blocked_input(ctx, 0, err);

    if (status != FSN_OK)
        return status;
    if (fsn__channel_blocks(channels) != x->dim[1])
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "%lld channels do not fill %lld blocks",
                            (long long)channels, (long long)x->dim[1]);
    return fsn__op_set_output(ctx, FSN__F32, 4,
                              (int64_t[]){x->dim[0], channels, x->dim[2], x->dim[3]}, err);
}

static enum fsn_status forward_pack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    run(ctx, ctx->in[0], ctx->out[0], pack_task, false);
    return FSN_OK;
}

static enum fsn_status backward_pack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    bool fresh;

    (void)err;
    if (ctx->dout[0] && fsn__input_grad_raw(ctx, 0, &fresh))
        run(ctx, ctx->din[0], ctx->dout[0], unpack_task, !fresh);
    return FSN_OK;
}

static enum fsn_status forward_unpack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    run(ctx, ctx->out[0], ctx->in[0], unpack_task, false);
    return FSN_OK;
}

static enum fsn_status backward_unpack(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    bool fresh;

    (void)err;
    if (ctx->dout[0] && fsn__input_grad_raw(ctx, 0, &fresh))
        run(ctx, ctx->dout[0], ctx->din[0], pack_task, !fresh);
    return FSN_OK;
}

const struct fsn__op fsn__op_pack = {
    .name = "Pack",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer_pack,
    .forward = forward_pack,
    .backward = backward_pack,
};

const struct fsn__op fsn__op_unpack = {
    .name = "Unpack",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer_unpack,
    .forward = forward_unpack,
    .backward = backward_unpack,
};
