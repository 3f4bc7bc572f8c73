/* op_bn_coef.c - batch norm as the affine map x = a z + b of the layer that reads it.
 *
 *   BnCoef: (gamma, beta, mean, var [, z, s1, s2]) -> (a, b), vectors
 *       a = gamma s,  b = beta - mu a,  s = 1 / sqrt(v + epsilon)
 *       training:  mu = s1 / m, v = s2 / m - mu^2 over the m = N H W elements of a channel; the
 *                  running mean and var move towards them, in place (as op_batch_norm.c)
 *       inference: mu, v are the running ones; z, s1, s2 are absent
 *   backward, from da and db (Ioffe & Szegedy 2015, through the two sums):
 *       dbeta += db,  t = da - mu db,  dgamma += t s
 *       dv = -t a s^2 / 2,  dmu = -a db
 *       ds2 += dv / m,  ds1 += (dmu - 2 mu dv) / m
 *
 * s2 / m - mu^2 loses digits where the mean is far from zero: the error of s1 and s2, about 1e-7
 * (they are floats), grows mu^2 / v times. So where the variance is below 1/50 of mu^2 (a mean
 * seven deviations away, or a constant channel) it is taken again from z, about the mean, in
 * double. This costs a pass over the channel, and only there; the gradient is that of the same
 * function.
 */
#include "kernels/blocked.h"

#include <math.h>

enum { IN_GAMMA, IN_BETA, IN_MEAN, IN_VAR, IN_Z, IN_S1, IN_S2, IN_COUNT };

static const double CANCELLED = 0.02;

/* Kept for backward: per channel mu and s, in double. */
static double *saved_of(const struct fsn__op_ctx *ctx)
{
    return ctx->saved;
}

static bool from_batch(const struct fsn__op_ctx *ctx)
{
    return fsn__op_has_input(ctx, IN_S1);
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int64_t channels = ctx->in[IN_GAMMA]->ndim == 1 ? ctx->in[IN_GAMMA]->dim[0] : 0;
    const int64_t blocks = fsn__channel_blocks(channels);
    enum fsn_status status = FSN_OK;

    if (from_batch(ctx))
        status = fsn__blocked_input(ctx, IN_Z, err);
    if (status == FSN_OK && from_batch(ctx) &&
        (ctx->in[IN_Z]->dim[1] != blocks || !fsn__op_has_input(ctx, IN_S2)))
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "%lld channels do not fit z %s",
                            (long long)channels, FSN__SHAPE(ctx->in[IN_Z]));
    for (int i = 0; i < IN_COUNT && status == FSN_OK; i++)
        if (i != IN_Z)
            status = fsn__vector_input(ctx, i, i >= IN_S1 ? blocks * FSN__LANES : channels, err);
    if (status != FSN_OK)
        return status;
    fsn__vector_output(ctx, 0, blocks);
    fsn__vector_output(ctx, 1, blocks);
    return FSN_OK;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = from_batch(ctx) ? 2 * (size_t)ctx->in[IN_GAMMA]->dim[0] * sizeof(double) : 0;
}

/* Elements of one channel. */
static double count_of(const struct fsn__blocked *z)
{
    return (double)(z->n * z->h * z->w);
}

static double centred_variance(const struct fsn__op_ctx *ctx, int64_t c, double mean)
{
    const struct fsn__blocked z = fsn__blocked_of(ctx->in[IN_Z]);
    double sum = 0.0;

    for (int64_t n = 0; n < z.n; n++) {
        const float *x =
            fsn__f32(ctx->in[IN_Z]) + (n * z.blocks + c / FSN__LANES) * z.plane + c % FSN__LANES;

        for (int64_t p = 0; p < z.plane; p += FSN__LANES)
            sum += ((double)x[p] - mean) * ((double)x[p] - mean);
    }
    return sum / count_of(&z);
}

static void batch_statistics(const struct fsn__op_ctx *ctx, int64_t c, double *mean, double *var)
{
    const struct fsn__blocked z = fsn__blocked_of(ctx->in[IN_Z]);
    const double m = count_of(&z);

    *mean = (double)fsn__f32(ctx->in[IN_S1])[c] / m;
    *var = (double)fsn__f32(ctx->in[IN_S2])[c] / m - *mean * *mean;
    if (*var < CANCELLED * *mean * *mean)
        *var = centred_variance(ctx, c, *mean);
    if (*var < 0.0)
        *var = 0.0;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const double epsilon = (double)fsn__attr_float(ctx->attrs, "epsilon", 1e-5F);
    const double momentum = (double)fsn__attr_float(ctx->attrs, "momentum", 0.9F);
    const int64_t channels = ctx->in[IN_GAMMA]->dim[0], lanes = ctx->out[0]->dim[0];
    float *running_mean = fsn__f32(ctx->in[IN_MEAN]), *running_var = fsn__f32(ctx->in[IN_VAR]);
    float *a = fsn__f32(ctx->out[0]), *b = fsn__f32(ctx->out[1]);
    const bool batch = from_batch(ctx) && fsn__numel(ctx->in[IN_Z]) > 0;

    (void)err;
    for (int64_t c = 0; c < channels; c++) {
        double mean = (double)running_mean[c], var = (double)running_var[c], inverse, factor;

        if (batch) {
            batch_statistics(ctx, c, &mean, &var);
            running_mean[c] = (float)(momentum * (double)running_mean[c] + (1.0 - momentum) * mean);
            running_var[c] = (float)(momentum * (double)running_var[c] + (1.0 - momentum) * var);
        }
        inverse = 1.0 / sqrt(var + epsilon);
        if (from_batch(ctx)) {
            saved_of(ctx)[c] = mean;
            saved_of(ctx)[channels + c] = inverse;
        }
        factor = (double)fsn__f32(ctx->in[IN_GAMMA])[c] * inverse;
        a[c] = (float)factor;
        b[c] = (float)((double)fsn__f32(ctx->in[IN_BETA])[c] - mean * factor);
    }
    for (int64_t c = channels; c < lanes; c++)
        a[c] = b[c] = 0.0F;
    return FSN_OK;
}

/* The gradient reaches z through s1 and s2 alone; z itself has none. */
static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int64_t channels = ctx->in[IN_GAMMA]->dim[0];
    const float *da = fsn__output_grad(ctx, 0), *db = fsn__output_grad(ctx, 1);
    float *ds1 = fsn__input_grad(ctx, IN_S1), *ds2 = fsn__input_grad(ctx, IN_S2);
    float *dgamma = fsn__input_grad(ctx, IN_GAMMA), *dbeta = fsn__input_grad(ctx, IN_BETA);
    struct fsn__blocked z;
    double m;

    (void)err;
    (void)fsn__input_grad(ctx, IN_Z);
    if (!from_batch(ctx) || !da || !db)
        return FSN_OK;
    z = fsn__blocked_of(ctx->in[IN_Z]);
    m = count_of(&z);
    for (int64_t c = 0; c < channels; c++) {
        const double mean = saved_of(ctx)[c], inverse = saved_of(ctx)[channels + c];
        const double factor = (double)fsn__f32(ctx->in[IN_GAMMA])[c] * inverse;
        const double through = (double)da[c] - mean * (double)db[c];
        const double dvar = -0.5 * through * factor * inverse * inverse;
        const double dmean = -factor * (double)db[c];

        if (dbeta)
            dbeta[c] += db[c];
        if (dgamma)
            dgamma[c] += (float)(through * inverse);
        if (ds2)
            ds2[c] += (float)(dvar / m);
        if (ds1)
            ds1[c] += (float)((dmean - 2.0 * mean * dvar) / m);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_bn_coef = {
    .name = "BnCoef",
    .domain = FSN__FAST_DOMAIN,
    .min_in = IN_Z,
    .max_in = IN_COUNT,
    .min_out = 2,
    .max_out = 2,
    .flags = FSN__OVERWRITES,
    .backward_in = 1 << IN_GAMMA,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
