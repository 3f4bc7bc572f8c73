/* op_batch_norm.c - batch normalisation over every axis but the channels'.
 *
 * ONNX operator BatchNormalization; Ioffe and Szegedy, arXiv 1502.03167. Symbols: x [N,C,...], m =
 * N times the spatial elements, eps inside the root. training:  mu = mean(x), var = mean((x -
 * mu)^2), xhat = (x - mu) / sqrt(var + eps) y = gamma xhat + beta; running = momentum running + (1
 * - momentum) batch inference: the same with the running statistics, which are constants then.
 *   backward (training):
 *     dbeta = sum dy, dgamma = sum dy xhat
 *     dx = gamma / sqrt(var + eps) (dy - dbeta / m - xhat dgamma / m)
 * The running variance takes the population variance, as ONNX says (PyTorch takes m/(m-1) of it).
 * Channels are split over the pool, sums run in double: results do not depend on the thread count.
 */
#include "ops/op.h"

#include <math.h>

static bool uses_batch_statistics(const struct fsn__op_ctx *ctx)
{
    return ctx->training || fsn__attr_int(ctx->attrs, "training_mode", 0) != 0;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"input", "scale", "bias", "mean", "variance"};
    const struct fsn__tensor *x = ctx->in[0];

    if (x->dtype != FSN__F32 || x->ndim < 2)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "BatchNormalization '%s': input is %s %s, expected float32 [N,C,...]",
                         ctx->name, fsn__dtype_name(x->dtype), FSN__SHAPE(x));
    for (int i = 1; i < 5; i++)
        if (ctx->in[i]->dtype != FSN__F32 || ctx->in[i]->ndim != 1 ||
            ctx->in[i]->dim[0] != x->dim[1])
            return FSN__FAIL(err, FSN_SHAPE,
                             "BatchNormalization '%s': %s is %s %s, expected float32 [%lld]",
                             ctx->name, names[i], fsn__dtype_name(ctx->in[i]->dtype),
                             FSN__SHAPE(ctx->in[i]), (long long)x->dim[1]);
    fsn__shape_copy(ctx->out[0], x);
    for (int i = 1; i < ctx->n_out; i++)
        if (ctx->out[i])
            fsn__shape_copy(ctx->out[i], ctx->in[1]);
    return FSN_OK;
}

struct pass {
    const struct fsn__op_ctx *ctx;
    int64_t n, c, area;
    float *mean, *scale; /* saved: [c] mean and 1 / sqrt(var + eps) of this batch */
    float epsilon, momentum;
    bool batch;
};

static struct pass make_pass(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct pass pass = {
        .ctx = ctx,
        .n = x->dim[0],
        .c = x->dim[1],
        .area = fsn__numel_range(x, 2, x->ndim),
        .mean = ctx->saved,
        .epsilon = fsn__attr_float(ctx->attrs, "epsilon", 1e-5f),
        .momentum = fsn__attr_float(ctx->attrs, "momentum", 0.9f),
        .batch = uses_batch_statistics(ctx),
    };

    pass.scale = pass.mean + pass.c;
    return pass;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    *work = 0;
    *saved = (size_t)ctx->in[0]->dim[1] * 2 * sizeof(float);
}

/* Four running sums: the compiler can keep them in one vector register, and the order of additions
 * is fixed by this source, not by the compiler. */
static double sum_of(const float *x, int64_t n)
{
    double s[4] = {0};
    int64_t i = 0;

    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++)
            s[j] += x[i + j];
    for (; i < n; i++)
        s[0] += x[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static double sum_of_squares(const float *x, float shift, int64_t n)
{
    double s[4] = {0};
    int64_t i = 0;

    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++) {
            double d = (double)x[i + j] - shift;

            s[j] += d * d;
        }
    for (; i < n; i++)
        s[0] += ((double)x[i] - shift) * ((double)x[i] - shift);
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* Mean and population variance of channel c. */
static void batch_statistics(const struct pass *pass, int64_t c, double *mean, double *var)
{
    const float *x = fsn__f32(pass->ctx->in[0]) + c * pass->area;
    double m = (double)(pass->n * pass->area);

    *mean = *var = 0.0;
    for (int64_t n = 0; n < pass->n; n++)
        *mean += sum_of(x + n * pass->c * pass->area, pass->area);
    *mean /= m;
    for (int64_t n = 0; n < pass->n; n++)
        *var += sum_of_squares(x + n * pass->c * pass->area, (float)*mean, pass->area);
    *var /= m;
}

static void forward_channels(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__op_ctx *ctx = pass->ctx;
    int64_t begin, end;

    fsn__share(pass->c, thread, threads, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        double mean = fsn__f32(ctx->in[3])[c], var = fsn__f32(ctx->in[4])[c];
        float a, b;

        if (pass->batch) {
            float *running_mean = fsn__f32(ctx->in[3]), *running_var = fsn__f32(ctx->in[4]);
            double old_mean = mean, old_var = var, keep = pass->momentum;

            batch_statistics(pass, c, &mean, &var);
            old_mean = keep * old_mean + (1.0 - keep) * mean;
            old_var = keep * old_var + (1.0 - keep) * var;
            if (ctx->training) {
                running_mean[c] = (float)old_mean;
                running_var[c] = (float)old_var;
            }
            if (ctx->n_out > 1 && ctx->out[1])
                fsn__f32(ctx->out[1])[c] = (float)old_mean;
            if (ctx->n_out > 2 && ctx->out[2])
                fsn__f32(ctx->out[2])[c] = (float)old_var;
        }
        pass->mean[c] = (float)mean;
        pass->scale[c] = (float)(1.0 / sqrt(var + pass->epsilon));
        a = fsn__f32(ctx->in[1])[c] * pass->scale[c];
        b = (float)(fsn__f32(ctx->in[2])[c] - mean * a);
        for (int64_t n = 0; n < pass->n; n++) {
            const float *x = fsn__f32(ctx->in[0]) + (n * pass->c + c) * pass->area;
            float *y = fsn__f32(ctx->out[0]) + (n * pass->c + c) * pass->area;

            for (int64_t i = 0; i < pass->area; i++)
                y[i] = a * x[i] + b;
        }
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = make_pass(ctx);

    (void)err;
    fsn__pool_run(ctx->pool, forward_channels, &pass);
    return FSN_OK;
}

/* sum dy and sum dy xhat over one row. */
static void gradient_sums(const float *x, const float *dy, int64_t n, float mean, float scale,
                          double *sum, double *sum_xhat)
{
    double s[4] = {0}, t[4] = {0};
    int64_t i = 0;

    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++) {
            s[j] += dy[i + j];
            t[j] += (double)dy[i + j] * ((x[i + j] - mean) * scale);
        }
    for (; i < n; i++) {
        s[0] += dy[i];
        t[0] += (double)dy[i] * ((x[i] - mean) * scale);
    }
    *sum += (s[0] + s[1]) + (s[2] + s[3]);
    *sum_xhat += (t[0] + t[1]) + (t[2] + t[3]);
}

static void backward_channels(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__op_ctx *ctx = pass->ctx;
    double m = (double)(pass->n * pass->area);
    int64_t begin, end;

    fsn__share(pass->c, thread, threads, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        float mean = pass->mean[c], scale = pass->scale[c], a, b, d;
        double dbeta = 0.0, dgamma = 0.0;

        for (int64_t n = 0; n < pass->n; n++) {
            int64_t at = (n * pass->c + c) * pass->area;

            gradient_sums(fsn__f32(ctx->in[0]) + at, fsn__f32(ctx->dout[0]) + at, pass->area, mean,
                          scale, &dbeta, &dgamma);
        }
        if (ctx->din[1])
            fsn__f32(ctx->din[1])[c] += (float)dgamma;
        if (ctx->din[2])
            fsn__f32(ctx->din[2])[c] += (float)dbeta;
        if (!ctx->din[0])
            continue;
        /* dx = a dy + b x + d, the formula of the header sorted by powers */
        a = fsn__f32(ctx->in[1])[c] * scale;
        b = pass->batch ? (float)(-a * scale * dgamma / m) : 0.0f;
        d = pass->batch ? (float)(-a * dbeta / m - (double)b * mean) : 0.0f;
        for (int64_t n = 0; n < pass->n; n++) {
            int64_t at = (n * pass->c + c) * pass->area;
            const float *x = fsn__f32(ctx->in[0]) + at, *dy = fsn__f32(ctx->dout[0]) + at;
            float *dx = fsn__f32(ctx->din[0]) + at;

            for (int64_t i = 0; i < pass->area; i++)
                dx[i] += a * dy[i] + b * x[i] + d;
        }
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pass pass = make_pass(ctx);

    (void)err;
    if (ctx->dout[0])
        fsn__pool_run(ctx->pool, backward_channels, &pass);
    return FSN_OK;
}

const struct fsn__op fsn__op_batch_normalization = {
    .name = "BatchNormalization",
    .domain = "",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    .backward_in = 1 << 0 | 1 << 1,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
