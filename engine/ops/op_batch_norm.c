/*
 * op_batch_norm.c - BatchNormalization (Ioffe & Szegedy 2015; ONNX opset 15).
 *
 * Symbols: x, y [N,C,P] (P: all spatial elements), per channel scale g, bias b, running mean rm and
 * variance rv; m = N P elements a channel; e = epsilon.
 *   inference: y = g (x - rm) / sqrt(rv + e) + b
 *   training:  mu = mean(x), var = mean((x - mu)^2), s = 1 / sqrt(var + e)
 *              xh = (x - mu) s,  y = g xh + b
 *              rm = momentum rm + (1 - momentum) mu, rv likewise with var, in place
 *   backward:  db = sum(dy), dg = sum(dy xh)
 *              training:  dx = g s (dy - db / m - xh dg / m)
 *              inference: dx = g s dy
 * The running variance takes the population variance, as ONNX says since opset 14 (PyTorch takes
 * the unbiased one, m / (m-1) times as large, there).
 *
 * Batch statistics are used while the engine trains or where the node says training_mode = 1; in
 * the latter case alone the inputs stay as they are, and only outputs 1 and 2 get the new running
 * statistics. Each channel belongs to one thread, so results do not depend on their number.
 */
#include "ops/infer.h"
#include "ops/reduce.h"

#include <math.h>

struct norm {
    int64_t n, channels, plane; /* N, C, P */
    bool batch_statistics;
    float epsilon;
    double momentum;
    const float *x, *scale, *bias, *mean, *var;
    float *y;
    float *next_mean[2], *next_var[2]; /* where the new running statistics go, or NULL */
    float *saved;                      /* [2][C]: mu, s of the batch */
    const float *dy;
    float *dx, *dscale, *dbias;
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"input", "scale", "bias", "running mean",
                                        "running variance"};
    const struct fsn__tensor *x = ctx->in[0];
    enum fsn_status status;

    if (x->ndim < 2)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels, ...", FSN__SHAPE(x));
    for (int i = 0; i < 5; i++) {
        const struct fsn__tensor *t = ctx->in[i];

        status = fsn__op_float_input(ctx, i, names[i], err);
        if (status != FSN_OK)
            return status;
        if (i > 0 && (t->ndim != 1 || t->dim[0] != x->dim[1]))
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "%s has shape %s, input has %lld channels",
                                names[i], FSN__SHAPE(t), (long long)x->dim[1]);
    }
    if (fsn__attr_int(ctx->attrs, "spatial", 1) != 1)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "spatial = 0 is not supported");
    for (int i = 1; i < ctx->n_out; i++)
        if (ctx->out[i])
            fsn__shape_set(ctx->out[i], FSN__F32, 1, &x->dim[1]);
    return fsn__op_set_output(ctx, FSN__F32, x->ndim, x->dim, err);
}

static bool uses_batch_statistics(const struct fsn__op_ctx *ctx)
{
    return ctx->training || fsn__attr_int(ctx->attrs, "training_mode", 0) != 0;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = uses_batch_statistics(ctx) ? 2 * (size_t)ctx->in[0]->dim[1] * sizeof(float) : 0;
}

static void read_norm(const struct fsn__op_ctx *ctx, struct norm *b)
{
    const struct fsn__tensor *x = ctx->in[0];

    *b = (struct norm){
        .n = x->dim[0],
        .channels = x->dim[1],
        .plane = fsn__numel_range(x, 2, x->ndim),
        .batch_statistics = uses_batch_statistics(ctx),
        .epsilon = fsn__attr_float(ctx->attrs, "epsilon", 1e-5F),
        .momentum = (double)fsn__attr_float(ctx->attrs, "momentum", 0.9F),
        .x = fsn__f32(x),
        .scale = fsn__f32(ctx->in[1]),
        .bias = fsn__f32(ctx->in[2]),
        .mean = fsn__f32(ctx->in[3]),
        .var = fsn__f32(ctx->in[4]),
        .saved = ctx->saved,
    };
}

/* ---- forward ---------------------------------------------------------------------------------
 */

/* Mean and population variance of channel c. The variance is taken about the mean rounded to float
 * and corrected for the rounding: E (x - a)^2 = var + (mean - a)^2. */
static void batch_statistics(const struct norm *b, int64_t c, double *mean, double *var)
{
    const double m = (double)(b->n * b->plane);
    double sum = 0.0, squares = 0.0;
    float centre;

    for (int64_t n = 0; n < b->n; n++)
        sum += fsn__sum(b->x + (n * b->channels + c) * b->plane, b->plane);
    *mean = sum / m;
    centre = (float)*mean;
    for (int64_t n = 0; n < b->n; n++)
        squares +=
            fsn__sum_squares_about(b->x + (n * b->channels + c) * b->plane, centre, b->plane);
    *var = squares / m - (*mean - (double)centre) * (*mean - (double)centre);
    if (*var < 0.0)
        *var = 0.0;
}

static void update_running(const struct norm *b, int64_t c, double mean, double var)
{
    const float rm = (float)(b->momentum * (double)b->mean[c] + (1.0 - b->momentum) * mean);
    const float rv = (float)(b->momentum * (double)b->var[c] + (1.0 - b->momentum) * var);

    for (int i = 0; i < 2; i++) {
        if (b->next_mean[i])
            b->next_mean[i][c] = rm;
        if (b->next_var[i])
            b->next_var[i][c] = rv;
    }
}

static float inverse_deviation(double var, float epsilon)
{
    return (float)(1.0 / sqrt(var + (double)epsilon));
}

static void forward_task(void *arg, int thread, int threads)
{
    const struct norm *b = arg;
    int64_t begin, end;

    fsn__share(b->channels, thread, threads, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        double mean = (double)b->mean[c], var = (double)b->var[c];
        float centre, factor, offset;

        if (b->batch_statistics && b->n * b->plane > 0) {
            batch_statistics(b, c, &mean, &var);
            update_running(b, c, mean, var);
        }
        centre = (float)mean;
        factor = inverse_deviation(var, b->epsilon);
        if (b->batch_statistics) {
            b->saved[c] = centre;
            b->saved[b->channels + c] = factor;
        }
        factor *= b->scale[c];
        offset = b->bias[c];
        for (int64_t n = 0; n < b->n; n++) {
            const float *restrict x = b->x + (n * b->channels + c) * b->plane;
            float *restrict y = b->y + (n * b->channels + c) * b->plane;

            for (int64_t p = 0; p < b->plane; p++)
                y[p] = (x[p] - centre) * factor + offset;
        }
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct norm b;

    (void)err;
    read_norm(ctx, &b);
    b.y = fsn__f32(ctx->out[0]);
    if (ctx->training) {
        b.next_mean[0] = fsn__f32(ctx->in[3]);
        b.next_var[0] = fsn__f32(ctx->in[4]);
    }
    b.next_mean[1] = ctx->n_out > 1 && ctx->out[1] ? fsn__f32(ctx->out[1]) : NULL;
    b.next_var[1] = ctx->n_out > 2 && ctx->out[2] ? fsn__f32(ctx->out[2]) : NULL;
    if (!b.batch_statistics)
        for (int i = 1; i < 3; i++) /* nothing new: the outputs are what the inputs are */
            if (ctx->n_out > i && ctx->out[i])
                for (int64_t c = 0; c < b.channels; c++)
                    fsn__f32(ctx->out[i])[c] = fsn__f32(ctx->in[2 + i])[c];
    fsn__pool_run(ctx->pool, forward_task, &b);
    return FSN_OK;
}

/* ---- backward --------------------------------------------------------------------------------
 */

static void backward_task(void *arg, int thread, int threads)
{
    const struct norm *b = arg;
    const double m = (double)(b->n * b->plane);
    int64_t begin, end;

    fsn__share(b->channels, thread, threads, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        const float centre = b->batch_statistics ? b->saved[c] : b->mean[c];
        const float inverse = b->batch_statistics
                                  ? b->saved[b->channels + c]
                                  : inverse_deviation((double)b->var[c], b->epsilon);
        const float factor = b->scale[c] * inverse;
        double dbias = 0.0, dscale = 0.0;
        float shift = 0.0F, slope = 0.0F; /* dx = factor dy - slope (x - mu) - shift */

        for (int64_t n = 0; n < b->n; n++) {
            const int64_t at = (n * b->channels + c) * b->plane;

            dbias += fsn__sum(b->dy + at, b->plane);
            dscale += fsn__sum_products_about(b->dy + at, b->x + at, centre, b->plane);
        }
        dscale *= (double)inverse;
        if (b->dbias)
            b->dbias[c] += (float)dbias;
        if (b->dscale)
            b->dscale[c] += (float)dscale;
        if (b->batch_statistics) {
            shift = (float)((double)factor * dbias / m);
            slope = (float)((double)factor * (double)inverse * dscale / m);
        }
        for (int64_t n = 0; n < b->n && b->dx; n++) {
            const int64_t at = (n * b->channels + c) * b->plane;
            const float *restrict x = b->x + at, *restrict dy = b->dy + at;
            float *restrict dx = b->dx + at;

            for (int64_t p = 0; p < b->plane; p++)
                dx[p] += factor * dy[p] - slope * (x[p] - centre) - shift;
        }
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct norm b;

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    read_norm(ctx, &b);
    b.dy = fsn__f32(ctx->dout[0]);
    b.dx = ctx->din[0] ? fsn__f32(ctx->din[0]) : NULL;
    b.dscale = ctx->din[1] ? fsn__f32(ctx->din[1]) : NULL;
    b.dbias = ctx->din[2] ? fsn__f32(ctx->din[2]) : NULL;
    fsn__pool_run(ctx->pool, backward_task, &b);
    return FSN_OK;
}

const struct fsn__op fsn__op_batch_normalization = {
    .name = "BatchNormalization",
    .domain = "",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    .backward_in = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4, /* x, scale, running statistics */
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
