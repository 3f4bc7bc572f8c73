/* op_softmax.c - ONNX operator Softmax.
 *
 *   y_i = exp(x_i - max x) / sum_j exp(x_j - max x) along the axis; dx = y (dy - sum_j dy_j y_j)
 * Before opset 13 the input was seen as a matrix cut at the axis and each row normalised: the
 * importer's internal attribute flatten = 1.
 */
#include "ops/op.h"

#include <math.h>

struct rows {
    int64_t outer, length, inner;
};

static struct rows read_rows(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *x = ctx->in[0];
    bool flatten = fsn__attr_int(ctx->attrs, "flatten", 0) != 0;
    int64_t axis = fsn__attr_int(ctx->attrs, "axis", -1);
    int at = (int)(axis < 0 ? axis + x->ndim : axis);

    if (flatten)
        return (struct rows){fsn__numel_range(x, 0, at), fsn__numel_range(x, at, x->ndim), 1};
    return (struct rows){fsn__numel_range(x, 0, at), x->dim[at],
                         fsn__numel_range(x, at + 1, x->ndim)};
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t axis = fsn__attr_int(ctx->attrs, "axis", -1);

    if (x->dtype != FSN__F32)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Softmax '%s': input is %s, only float32", ctx->name,
                         fsn__dtype_name(x->dtype));
    if (axis < -x->ndim || axis >= x->ndim)
        return FSN__FAIL(err, FSN_SHAPE, "Softmax '%s': axis %lld of input %s", ctx->name,
                         (long long)axis, FSN__SHAPE(x));
    if (x->dim[0] == FSN_BATCH && (axis == 0 || axis == -x->ndim))
        return FSN__FAIL(err, FSN_UNSUPPORTED, "Softmax '%s': sums over the batch axis", ctx->name);
    fsn__shape_copy(ctx->out[0], x);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct rows r = read_rows(ctx);

    (void)err;
    for (int64_t i = 0; i < r.outer * r.inner; i++) {
        int64_t at = i / r.inner * r.length * r.inner + i % r.inner;
        const float *x = fsn__f32(ctx->in[0]) + at;
        float *y = fsn__f32(ctx->out[0]) + at;
        float most = -INFINITY;
        double sum = 0.0;

        for (int64_t j = 0; j < r.length; j++)
            most = fmaxf(most, x[j * r.inner]);
        for (int64_t j = 0; j < r.length; j++) {
            double e = exp((double)x[j * r.inner] - most);

            y[j * r.inner] = (float)e;
            sum += e;
        }
        for (int64_t j = 0; j < r.length; j++)
            y[j * r.inner] = (float)(y[j * r.inner] / sum);
    }
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct rows r = read_rows(ctx);

    (void)err;
    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    for (int64_t i = 0; i < r.outer * r.inner; i++) {
        int64_t at = i / r.inner * r.length * r.inner + i % r.inner;
        const float *y = fsn__f32(ctx->out[0]) + at, *dy = fsn__f32(ctx->dout[0]) + at;
        float *dx = fsn__f32(ctx->din[0]) + at;
        double sum = 0.0;

        for (int64_t j = 0; j < r.length; j++)
            sum += (double)dy[j * r.inner] * y[j * r.inner];
        for (int64_t j = 0; j < r.length; j++)
            dx[j * r.inner] += (float)(y[j * r.inner] * (dy[j * r.inner] - sum));
    }
    return FSN_OK;
}

/* backward_in: read_rows looks at the input's shape only */
const struct fsn__op fsn__op_softmax = {
    .name = "Softmax",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .backward_out = 1 << 0,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
