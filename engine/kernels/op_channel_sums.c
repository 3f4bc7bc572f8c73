/* op_channel_sums.c - the sums that batch norm needs of values no convolution just wrote.
 *
 *   ChannelSums: z blocked -> s1 = sum z, s2 = sum z^2, vectors;  dz += ds1 + 2 z ds2
 *   ConcatSums:  vectors of c0, c1, ... channels -> one of their concatenation's channels
 *                (attribute channels, ints);  each takes its part of the gradient
 *
 * The sums of a concatenation are the concatenated sums, so that dense blocks (Huang et al.,
 * arXiv 1608.06993) need no pass over their growing values.
 */
#include "kernels/blocked.h"
#include "kernels/elementwise.h"

#include <string.h>

/* ---- ChannelSums ------------------------------------------------------------------------------
 */

struct sums {
    const struct fsn__elementwise *loops;
    struct fsn__blocked size;
    const float *z, *ds1, *ds2;
    float *dz;
    bool overwrite;
    double *parts; /* [threads][2][Cb 16] */
};

static void sum_task(void *arg, int thread, int threads)
{
    const struct sums *job = arg;
    const int64_t channels = job->size.blocks * FSN__LANES;
    double *s1 = job->parts + 2 * channels * thread, *s2 = s1 + channels;
    int64_t begin, end;

    memset(s1, 0, 2 * (size_t)channels * sizeof *s1);
    fsn__share(job->size.n * job->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i % job->size.blocks * FSN__LANES;
        const float *z = job->z + i * job->size.plane;

        for (int64_t from = 0; from < job->size.plane; from += FSN__SUM_RUN) {
            float sum[FSN__LANES], squares[FSN__LANES];

            job->loops->sums(fsn__run_end(from, job->size.plane) - from, z + from, sum, squares);
            for (int l = 0; l < FSN__LANES; l++) {
                s1[first + l] += (double)sum[l];
                s2[first + l] += (double)squares[l];
            }
        }
    }
}

static void spread_task(void *arg, int thread, int threads)
{
    const struct sums *job = arg;
    int64_t begin, end;

    fsn__share(job->size.n * job->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i % job->size.blocks * FSN__LANES, at = i * job->size.plane;

        job->loops->sums_back(job->size.plane, job->z + at, job->ds1 + first, job->ds2 + first,
                              job->dz + at, job->overwrite);
    }
}

static enum fsn_status infer_sums(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__blocked_input(ctx, 0, err);

    if (status != FSN_OK)
        return status;
    fsn__vector_output(ctx, 0, ctx->in[0]->dim[1]);
    fsn__vector_output(ctx, 1, ctx->in[0]->dim[1]);
    return FSN_OK;
}

static void sizes_sums(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const size_t channels = (size_t)(ctx->in[0]->dim[1] * FSN__LANES);

    *work = 2 * channels * sizeof(double) * (size_t)fsn__pool_slices(ctx->pool);
    *saved = 0;
}

static enum fsn_status forward_sums(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int threads = fsn__pool_slices(ctx->pool);
    struct sums job = {
        .size = fsn__blocked_of(ctx->in[0]), .z = fsn__f32(ctx->in[0]), .parts = ctx->work};
    const int64_t channels = job.size.blocks * FSN__LANES;
    enum fsn_status status = fsn__elementwise_get(&job.loops, err);

    if (status != FSN_OK)
        return status;
    fsn__pool_run(ctx->pool, sum_task, &job);
    fsn__combine_sums(job.parts, threads, 2 * channels, channels, ctx->out[0]->data, false);
    fsn__combine_sums(job.parts + channels, threads, 2 * channels, channels, ctx->out[1]->data,
                      false);
    return FSN_OK;
}

static enum fsn_status backward_sums(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct sums job = {.size = fsn__blocked_of(ctx->in[0]),
                       .z = fsn__f32(ctx->in[0]),
                       .ds1 = fsn__output_grad(ctx, 0),
                       .ds2 = fsn__output_grad(ctx, 1)};
    enum fsn_status status = fsn__elementwise_get(&job.loops, err);

    if (status != FSN_OK || !job.ds1 || !job.ds2)
        return status;
    job.dz = fsn__input_grad_raw(ctx, 0, &job.overwrite);
    if (job.dz)
        fsn__pool_run(ctx->pool, spread_task, &job);
    return FSN_OK;
}

const struct fsn__op fsn__op_channel_sums = {
    .name = "ChannelSums",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 2,
    .max_out = 2,
    .flags = FSN__OVERWRITES,
    .backward_in = 1 << 0,
    .infer = infer_sums,
    .sizes = sizes_sums,
    .forward = forward_sums,
    .backward = backward_sums,
};

/* ---- ConcatSums -------------------------------------------------------------------------------
 */

static enum fsn_status infer_concat(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    size_t count;
    const int64_t *channels = fsn__attr_ints(ctx->attrs, "channels", &count);
    int64_t total = 0;

    if (count != (size_t)ctx->n_in)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "%zu channel counts for %d inputs", count,
                            ctx->n_in);
    for (int i = 0; i < ctx->n_in; i++) {
        enum fsn_status status =
            fsn__vector_input(ctx, i, fsn__channel_blocks(channels[i]) * FSN__LANES, err);

        if (status != FSN_OK)
            return status;
        total += channels[i];
    }
    fsn__vector_output(ctx, 0, fsn__channel_blocks(total));
    return FSN_OK;
}

static enum fsn_status forward_concat(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    size_t count;
    const int64_t *channels = fsn__attr_ints(ctx->attrs, "channels", &count);
    float *to = fsn__f32(ctx->out[0]);

    (void)err;
    memset(to, 0, fsn__tensor_bytes(ctx->out[0]));
    for (int i = 0; i < ctx->n_in; i++) {
        memcpy(to, fsn__f32(ctx->in[i]), (size_t)channels[i] * sizeof *to);
        to += channels[i];
    }
    return FSN_OK;
}

static enum fsn_status backward_concat(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    size_t count;
    const int64_t *channels = fsn__attr_ints(ctx->attrs, "channels", &count);
    const float *dy = fsn__output_grad(ctx, 0);

    (void)err;
    for (int i = 0; i < ctx->n_in && dy; i++) {
        float *dx = fsn__input_grad(ctx, i);

        for (int64_t c = 0; dx && c < channels[i]; c++)
            dx[c] += dy[c];
        dy += channels[i];
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_concat_sums = {
    .name = "ConcatSums",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = FSN__MAX_IO,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer_concat,
    .forward = forward_concat,
    .backward = backward_concat,
};
