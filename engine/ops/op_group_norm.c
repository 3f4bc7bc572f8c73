/*
 * op_group_norm.c - InstanceNormalization (Ulyanov et al. 2016), GroupNormalization (Wu & He 2018),
 * LayerNormalization (Ba et al. 2016): rows of x brought to mean 0 and variance 1.
 *
 * All three cut x into rows of L consecutive elements, and scale and bias follow a pattern that
 * repeats every G rows; a row has K blocks of P elements (K P = L) that share one scale:
 *
 *     InstanceNormalization  a row is a channel                  G = C, K = 1, P pixels
 *     GroupNormalization     a row is C / groups channels        G = groups, K = C / groups, P
 * pixels; opset 18 has one scale a group      G = groups, K = 1, P = L LayerNormalization     a row
 * is all axes from `axis` on    G = 1, K = L, P = 1
 *
 * Row r with mean m and s = 1 / sqrt(variance + epsilon), block k, scale index i = (r mod G) K + k:
 *
 *     y = g_i (x - m) s + b_i,  xh = (x - m) s
 *     db_i = sum(dy), dg_i = sum(dy xh)
 *     dx = s (g dy - mean(g dy) - xh mean(g dy xh)), means over the row
 *
 * Threads share the rows, for the gradients of scale and bias the scales.
 */
#include "ops/infer.h"
#include "ops/reduce.h"

#include <math.h>

struct norm {
    int64_t rows, length;          /* L */
    int64_t groups, blocks, plane; /* G, K, P */
    float epsilon;
    const float *x, *scale, *bias; /* bias may be NULL */
    float *y, *mean, *inverse;     /* the last two an entry a row, or NULL */
    const float *dy;
    float *dx, *dscale, *dbias;
};

/* ---- forward -------------------------------------------------------------------------------- */

/* Mean and 1 / sqrt(population variance + epsilon) of a row; the variance is taken about the mean
 * rounded to float and corrected for the rounding. */
static void statistics(const struct norm *n, const float *x, float *centre, float *inverse)
{
    const double mean = fsn__sum(x, n->length) / (double)n->length;
    double var, off;

    *centre = (float)mean;
    off = mean - (double)*centre;
    var = fsn__sum_squares_about(x, *centre, n->length) / (double)n->length - off * off;
    *inverse = (float)(1.0 / sqrt((var > 0.0 ? var : 0.0) + (double)n->epsilon));
}

static void forward_rows(void *arg, int thread, int threads)
{
    const struct norm *n = arg;
    int64_t begin, end;

    fsn__share(n->rows, thread, threads, &begin, &end);
    for (int64_t r = begin; r < end; r++) {
        const float *x = n->x + r * n->length;
        float *y = n->y + r * n->length, centre, inverse;

        statistics(n, x, &centre, &inverse);
        if (n->mean)
            n->mean[r] = centre;
        if (n->inverse)
            n->inverse[r] = inverse;
        for (int64_t k = 0; k < n->blocks; k++) {
            const int64_t i = r % n->groups * n->blocks + k;
            const float factor = inverse * n->scale[i], offset = n->bias ? n->bias[i] : 0.0F;

            for (int64_t p = k * n->plane; p < (k + 1) * n->plane; p++)
                y[p] = (x[p] - centre) * factor + offset;
        }
    }
}

/* ---- backward ------------------------------------------------------------------------------- */

/* dx, and the statistics of every row for what follows. */
static void backward_rows(void *arg, int thread, int threads)
{
    const struct norm *n = arg;
    int64_t begin, end;

    fsn__share(n->rows, thread, threads, &begin, &end);
    for (int64_t r = begin; r < end; r++) {
        const float *x = n->x + r * n->length, *dy = n->dy + r * n->length;
        const float *scale = n->scale + r % n->groups * n->blocks;
        double sum = 0.0, products = 0.0;
        float centre, inverse, shift, slope;

        statistics(n, x, &centre, &inverse);
        n->mean[r] = centre;
        n->inverse[r] = inverse;
        if (!n->dx)
            continue;
        for (int64_t k = 0; k < n->blocks; k++)
            for (int64_t p = k * n->plane; p < (k + 1) * n->plane; p++) {
                const double g = (double)(scale[k] * dy[p]);

                sum += g;
                products += g * (double)(x[p] - centre);
            }
        shift = (float)(sum / (double)n->length);
        slope = (float)(products * (double)inverse * (double)inverse / (double)n->length);
        for (int64_t k = 0; k < n->blocks; k++)
            for (int64_t p = k * n->plane; p < (k + 1) * n->plane; p++)
                n->dx[r * n->length + p] +=
                    inverse * (scale[k] * dy[p] - shift - (x[p] - centre) * slope);
    }
}

/* dscale and dbias: each thread has some of the scales and goes through all rows. */
static void backward_scales(void *arg, int thread, int threads)
{
    const struct norm *n = arg;
    int64_t begin, end;

    fsn__share(n->groups * n->blocks, thread, threads, &begin, &end);
    for (int64_t r = 0; r < n->rows; r++) {
        const int64_t first = r % n->groups * n->blocks;
        const float *x = n->x + r * n->length, *dy = n->dy + r * n->length;

        for (int64_t i = begin > first ? begin : first; i < end && i < first + n->blocks; i++) {
            double sum = 0.0, products = 0.0;

            for (int64_t p = (i - first) * n->plane; p < (i - first + 1) * n->plane; p++) {
                sum += (double)dy[p];
                products += (double)(dy[p] * (x[p] - n->mean[r]));
            }
            if (n->dbias)
                n->dbias[i] += (float)sum;
            if (n->dscale)
                n->dscale[i] += (float)(products * (double)n->inverse[r]);
        }
    }
}

/* ---- what the three have in common ------------------------------------------------------------
 */

static enum fsn_status check_floats(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"input", "scale", "bias"};
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < ctx->n_in && status == FSN_OK; i++)
        if (ctx->in[i])
            status = fsn__op_float_input(ctx, i, names[i], err);
    return status;
}

/* Fails unless x has channels and scale and bias have one element for each of `count`. */
static enum fsn_status check_channels(const struct fsn__op_ctx *ctx, int64_t count,
                                      const char *what, struct fsn_error *err)
{
    for (int i = 1; i < 3; i++)
        if (ctx->in[i]->ndim != 1 || ctx->in[i]->dim[0] != count)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "%s has shape %s, expected %lld %s",
                                i == 1 ? "scale" : "bias", FSN__SHAPE(ctx->in[i]), (long long)count,
                                what);
    return FSN_OK;
}

static enum fsn_status check_input(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (x->ndim < 3)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its input has shape %s, expected batch, channels and spatial "
                            "dimensions",
                            FSN__SHAPE(x));
    return check_floats(ctx, err);
}

static enum fsn_status set_same_output(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__op_set_output(ctx, FSN__F32, ctx->in[0]->ndim, ctx->in[0]->dim, err);
}

/* How rows and scales lie; each operator's own. */
typedef void read_layout(const struct fsn__op_ctx *ctx, struct norm *n);

static struct norm read_norm(const struct fsn__op_ctx *ctx, read_layout *layout)
{
    struct norm n = {
        .epsilon = fsn__attr_float(ctx->attrs, "epsilon", 1e-5F),
        .x = fsn__f32(ctx->in[0]),
        .scale = fsn__f32(ctx->in[1]),
        .bias = fsn__op_has_input(ctx, 2) ? fsn__f32(ctx->in[2]) : NULL,
    };
    const int64_t total = fsn__numel(ctx->in[0]);

    layout(ctx, &n);
    n.length = n.blocks * n.plane;
    n.rows = n.length > 0 ? total / n.length : 0;
    return n;
}

static enum fsn_status run_forward(const struct fsn__op_ctx *ctx, read_layout *layout)
{
    struct norm n = read_norm(ctx, layout);

    n.y = fsn__f32(ctx->out[0]);
    n.mean = ctx->n_out > 1 && ctx->out[1] ? fsn__f32(ctx->out[1]) : NULL;
    n.inverse = ctx->n_out > 2 && ctx->out[2] ? fsn__f32(ctx->out[2]) : NULL;
    fsn__pool_run(ctx->pool, forward_rows, &n);
    return FSN_OK;
}

/* The statistics of all rows, while training. */
static void run_sizes(const struct fsn__op_ctx *ctx, read_layout *layout, size_t *work,
                      size_t *saved)
{
    const struct norm n = read_norm(ctx, layout);

    *work = ctx->training ? 2 * (size_t)n.rows * sizeof(float) : 0;
    *saved = 0;
}

static enum fsn_status run_backward(const struct fsn__op_ctx *ctx, read_layout *layout)
{
    struct norm n = read_norm(ctx, layout);

    if (!ctx->dout[0])
        return FSN_OK;
    n.mean = ctx->work;
    n.inverse = n.mean + n.rows;
    n.dy = fsn__f32(ctx->dout[0]);
    n.dx = ctx->din[0] ? fsn__f32(ctx->din[0]) : NULL;
    n.dscale = ctx->din[1] ? fsn__f32(ctx->din[1]) : NULL;
    n.dbias = n.bias && ctx->din[2] ? fsn__f32(ctx->din[2]) : NULL;
    fsn__pool_run(ctx->pool, backward_rows, &n);
    if (n.dscale || n.dbias)
        fsn__pool_run(ctx->pool, backward_scales, &n);
    return FSN_OK;
}

/* ---- InstanceNormalization ------------------------------------------------------------------ */

static enum fsn_status instance_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = check_input(ctx, err);

    if (status == FSN_OK)
        status = check_channels(ctx, ctx->in[0]->dim[1], "channels", err);
    return status == FSN_OK ? set_same_output(ctx, err) : status;
}

static void instance_layout(const struct fsn__op_ctx *ctx, struct norm *n)
{
    n->groups = ctx->in[0]->dim[1];
    n->blocks = 1;
    n->plane = fsn__numel_range(ctx->in[0], 2, ctx->in[0]->ndim);
}

static void instance_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    run_sizes(ctx, instance_layout, work, saved);
}

static enum fsn_status instance_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_forward(ctx, instance_layout);
}

static enum fsn_status instance_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_backward(ctx, instance_layout);
}

/* ---- GroupNormalization --------------------------------------------------------------------- */

static enum fsn_status group_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const int64_t groups = fsn__attr_int(ctx->attrs, "num_groups", 0);
    int64_t channels;
    enum fsn_status status = check_input(ctx, err);

    if (status != FSN_OK)
        return status;
    channels = ctx->in[0]->dim[1];
    if (groups < 1 || channels % groups != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "num_groups is %lld, which does not divide %lld channels",
                            (long long)groups, (long long)channels);
    if (ctx->in[1]->ndim == 1 && ctx->in[1]->dim[0] == groups)
        status = check_channels(ctx, groups, "groups", err);
    else
        status = check_channels(ctx, channels, "channels", err);
    return status == FSN_OK ? set_same_output(ctx, err) : status;
}

static void group_layout(const struct fsn__op_ctx *ctx, struct norm *n)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t channels = x->dim[1];

    n->groups = fsn__attr_int(ctx->attrs, "num_groups", 1);
    n->blocks = ctx->in[1]->dim[0] / n->groups;
    n->plane = channels / n->groups * fsn__numel_range(x, 2, x->ndim);
    if (n->blocks > 0)
        n->plane /= n->blocks;
}

static void group_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    run_sizes(ctx, group_layout, work, saved);
}

static enum fsn_status group_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_forward(ctx, group_layout);
}

static enum fsn_status group_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_backward(ctx, group_layout);
}

/* ---- LayerNormalization --------------------------------------------------------------------- */

static enum fsn_status layer_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];
    int axis;
    enum fsn_status status =
        fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", -1), x->ndim, &axis, err);

    if (status == FSN_OK)
        status = check_floats(ctx, err);
    if (status != FSN_OK)
        return status;
    if (x->dim[axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "normalises over the batch axis, which is not supported");
    for (int i = 1; i < ctx->n_in; i++) {
        const struct fsn__tensor *t = ctx->in[i];
        const int lead = t ? t->ndim - (x->ndim - axis) : 0; /* dimensions of 1 in front */
        bool fits = lead >= 0;

        for (int j = 0; t && fits && j < t->ndim; j++)
            fits = t->dim[j] == (j < lead ? 1 : x->dim[axis + j - lead]);
        if (!fits)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "%s has shape %s, input %s is normalised from axis %d on",
                                i == 1 ? "scale" : "bias", FSN__SHAPE(t), FSN__SHAPE(x), axis);
    }
    for (int i = 0; i < x->ndim; i++)
        dim[i] = i < axis ? x->dim[i] : 1;
    status = fsn__op_set_output_at(ctx, 1, FSN__F32, x->ndim, dim, err);
    if (status == FSN_OK)
        status = fsn__op_set_output_at(ctx, 2, FSN__F32, x->ndim, dim, err);
    return status == FSN_OK ? set_same_output(ctx, err) : status;
}

static void layer_layout(const struct fsn__op_ctx *ctx, struct norm *n)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t axis = fsn__attr_int(ctx->attrs, "axis", -1);

    n->groups = n->plane = 1;
    n->blocks = fsn__numel_range(x, (int)(axis < 0 ? axis + x->ndim : axis), x->ndim);
}

static void layer_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    run_sizes(ctx, layer_layout, work, saved);
}

static enum fsn_status layer_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_forward(ctx, layer_layout);
}

static enum fsn_status layer_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    (void)err;
    return run_backward(ctx, layer_layout);
}

const struct fsn__op fsn__op_instance_normalization = {
    .name = "InstanceNormalization",
    .domain = "",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* x, scale */
    .infer = instance_infer,
    .sizes = instance_sizes,
    .forward = instance_forward,
    .backward = instance_backward,
};

const struct fsn__op fsn__op_group_normalization = {
    .name = "GroupNormalization",
    .domain = "",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 0 | 1 << 1, /* x, scale */
    .infer = group_infer,
    .sizes = group_sizes,
    .forward = group_forward,
    .backward = group_backward,
};

const struct fsn__op fsn__op_layer_normalization = {
    .name = "LayerNormalization",
    .domain = "",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .backward_in = 1 << 0 | 1 << 1, /* x, scale */
    .infer = layer_infer,
    .sizes = layer_sizes,
    .forward = layer_forward,
    .backward = layer_backward,
};
