/* blocked.c - see blocked.h. */
#include "kernels/blocked.h"

#include <string.h>

float *fsn__input_grad_raw(const struct fsn__op_ctx *ctx, int in, bool *fresh)
{
    *fresh = ctx->fresh && in < ctx->n_in && ctx->fresh[in];
    return in < ctx->n_in ? fsn__data_of(ctx->din[in]) : NULL;
}

float *fsn__input_grad(const struct fsn__op_ctx *ctx, int in)
{
    bool fresh;
    float *grad = fsn__input_grad_raw(ctx, in, &fresh);

    if (grad && fresh)
        memset(grad, 0, fsn__tensor_bytes(ctx->din[in]));
    return grad;
}

enum fsn_status fsn__blocked_input(const struct fsn__op_ctx *ctx, int in, struct fsn_error *err)
{
    const struct fsn__tensor *t = fsn__op_has_input(ctx, in) ? ctx->in[in] : NULL;

    if (!t || t->dtype != FSN__F32 || t->ndim != 5 || t->dim[4] != FSN__LANES)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "input %d is not in the blocked layout", in);
    return FSN_OK;
}

enum fsn_status fsn__vector_input(const struct fsn__op_ctx *ctx, int in, int64_t elements,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *t = fsn__op_has_input(ctx, in) ? ctx->in[in] : NULL;

    if (t && (t->dtype != FSN__F32 || t->ndim != 1 || t->dim[0] != elements))
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "input %d is %s, expected %lld floats", in,
                            FSN__SHAPE(t), (long long)elements);
    return FSN_OK;
}

enum fsn_status fsn__blocked_output(const struct fsn__op_ctx *ctx, int64_t n, int64_t blocks,
                                    int64_t h, int64_t w, struct fsn_error *err)
{
    return fsn__op_set_output(ctx, FSN__F32, 5, (int64_t[]){n, blocks, h, w, FSN__LANES}, err);
}

void fsn__vector_output(const struct fsn__op_ctx *ctx, int out, int64_t blocks)
{
    if (out < ctx->n_out && ctx->out[out])
        fsn__shape_set(ctx->out[out], FSN__F32, 1, (int64_t[]){blocks * FSN__LANES});
}

enum fsn_status fsn__conv_shape_read(const struct fsn__op_ctx *ctx, struct fsn__tensor *x,
                                     const struct fsn__tensor *w, struct fsn__conv_shape *out,
                                     struct fsn_error *err)
{
    struct fsn__op_ctx view = *ctx;
    struct fsn__window window;
    const struct fsn__window_axis *y_axis = &window.axis[1], *x_axis = &window.axis[2];
    enum fsn_status status;

    view.in = &x;
    status = fsn__window_read(&view, w->dim + 2, &window, err);
    if (status != FSN_OK)
        return status;
    *out = (struct fsn__conv_shape){
        .n = x->dim[0],
        .c = x->dim[1],
        .k = w->dim[0],
        .h = y_axis->in,
        .w = x_axis->in,
        .p = y_axis->out,
        .q = x_axis->out,
        .r = y_axis->taps,
        .s = x_axis->taps,
        .stride_y = y_axis->stride,
        .stride_x = x_axis->stride,
        .dilation_y = y_axis->dilation,
        .dilation_x = x_axis->dilation,
        .pad_top = y_axis->pad_begin,
        .pad_left = x_axis->pad_begin,
        .groups = fsn__attr_int(ctx->attrs, "group", 1),
    };
    return FSN_OK;
}

enum fsn_status fsn__blocked_window(const struct fsn__op_ctx *ctx, struct fsn__window *out,
                                    struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct fsn__tensor plain = {.data = NULL}, *in = &plain;
    struct fsn__op_ctx view = *ctx;

    fsn__shape_set(&plain, FSN__F32, 4,
                   (int64_t[]){x->dim[0], x->dim[1] * FSN__LANES, x->dim[2], x->dim[3]});
    view.in = &in;
    return fsn__window_read_pool(&view, out, err);
}

void fsn__combine_sums(const double *parts, int threads, int64_t stride, int64_t count, float *out,
                       bool accumulate)
{
    for (int64_t i = 0; out && i < count; i++) {
        double sum = accumulate ? (double)out[i] : 0.0;

        for (int t = 0; t < threads; t++)
            sum += parts[t * stride + i];
        out[i] = (float)sum;
    }
}
