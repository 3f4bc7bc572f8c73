/* window.c - reads the window attributes of convolution and pooling; formulas in window.h. */
#include "ops/window.h"
#include "core/mem.h"
#include "ops/infer.h"

#include <string.h>

/* No attribute or size beyond this: products of two then stay far from overflow. */
#define WINDOW_MAX INT64_C(0x7fffffff)

enum auto_pad { PAD_NOTSET, PAD_VALID, PAD_SAME_UPPER, PAD_SAME_LOWER };

enum fsn_status fsn__window_check_input(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];

    if (x->ndim < 3 || x->ndim > 2 + FSN__WINDOW_AXES)
        return FSN__OP_FAIL(ctx, err, x->ndim < 3 ? FSN_SHAPE : FSN_UNSUPPORTED,
                            "its input has shape %s, expected batch, channels and 1 to %d spatial "
                            "dimensions",
                            FSN__SHAPE(x), FSN__WINDOW_AXES);
    return FSN_OK;
}

static enum fsn_status read_auto_pad(const struct fsn__op_ctx *ctx, enum auto_pad *out,
                                     struct fsn_error *err)
{
    static const char *const names[] = {
        [PAD_NOTSET] = "NOTSET",
        [PAD_VALID] = "VALID",
        [PAD_SAME_UPPER] = "SAME_UPPER",
        [PAD_SAME_LOWER] = "SAME_LOWER",
    };
    const char *text = fsn__attr_string(ctx->attrs, "auto_pad", "NOTSET");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum auto_pad)i;
            return FSN_OK;
        }
    }
    return FSN__OP_FAIL(ctx, err, FSN_INVALID, "auto_pad is '%s', which ONNX does not define",
                        text);
}

/* `count` integers of an attribute, each in [low, WINDOW_MAX]; all `fallback` when it is absent. */
static enum fsn_status read_ints(const struct fsn__op_ctx *ctx, const char *name, int count,
                                 int64_t low, int64_t fallback, int64_t *out, struct fsn_error *err)
{
    size_t given;
    const int64_t *ints = fsn__attr_ints(ctx->attrs, name, &given);

    if (ints && given != (size_t)count)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "%s has %zu values, expected %d", name, given,
                            count);
    for (int i = 0; i < count; i++) {
        out[i] = ints ? ints[i] : fallback;
        if (out[i] < low || out[i] > WINDOW_MAX)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "%s[%d] is %lld, outside %lld..%lld", name,
                                i, (long long)out[i], (long long)low, (long long)WINDOW_MAX);
    }
    return FSN_OK;
}

/* Sets out (and for SAME the padding) of one axis whose other members are set. */
static enum fsn_status size_axis(const struct fsn__op_ctx *ctx, struct fsn__window_axis *a,
                                 int number, enum auto_pad pad, bool ceil_mode,
                                 struct fsn_error *err)
{
    const int64_t extent = a->dilation * (a->taps - 1) + 1;
    int64_t room, total;

    if (pad == PAD_SAME_UPPER || pad == PAD_SAME_LOWER) {
        a->out = (a->in + a->stride - 1) / a->stride;
        total = (a->out - 1) * a->stride + extent - a->in;
        if (total < 0)
            total = 0;
        a->pad_begin = pad == PAD_SAME_UPPER ? total / 2 : total - total / 2;
        a->pad_end = total - a->pad_begin;
        return FSN_OK;
    }
    if (pad == PAD_VALID)
        a->pad_begin = a->pad_end = 0;
    room = a->in + a->pad_begin + a->pad_end - extent;
    if (room < 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "its window spans %lld elements of spatial axis %d, which with padding "
                            "has only %lld",
                            (long long)extent, number,
                            (long long)(a->in + a->pad_begin + a->pad_end));
    a->out = (ceil_mode ? room + a->stride - 1 : room) / a->stride + 1;
    if (ceil_mode && (a->out - 1) * a->stride >= a->in + a->pad_begin)
        a->out--;
    return FSN_OK;
}

/* One channel must be addressable by 31 bits before and after: BLAS counts in int, and max pooling
 * keeps the place of every maximum. */
static enum fsn_status check_size(const struct fsn__op_ctx *ctx, const struct fsn__window *w,
                                  struct fsn_error *err)
{
    int64_t in = 1, out = 1;

    for (int i = 0; i < FSN__WINDOW_AXES; i++) {
        if (!fsn__mul_i64(in, w->axis[i].in, &in) || !fsn__mul_i64(out, w->axis[i].out, &out) ||
            in > WINDOW_MAX || out > WINDOW_MAX)
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                                "one channel of its input or output has more than %lld elements",
                                (long long)WINDOW_MAX);
    }
    return FSN_OK;
}

/* The attributes that every window has, along the axes of in[0]; out->axis[].out is not set. */
static enum fsn_status read_axes(const struct fsn__op_ctx *ctx, const int64_t *taps,
                                 struct fsn__window *out, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int rank = x->ndim - 2, skip = FSN__WINDOW_AXES - rank;
    int64_t strides[FSN__WINDOW_AXES], dilations[FSN__WINDOW_AXES], pads[2 * FSN__WINDOW_AXES];
    enum fsn_status status = read_ints(ctx, "strides", rank, 1, 1, strides, err);

    if (status == FSN_OK)
        status = read_ints(ctx, "dilations", rank, 1, 1, dilations, err);
    if (status == FSN_OK)
        status = read_ints(ctx, "pads", 2 * rank, 0, 0, pads, err);
    for (int i = 0; i < FSN__WINDOW_AXES && status == FSN_OK; i++) {
        const int j = i - skip;

        if (j < 0) {
            out->axis[i] =
                (struct fsn__window_axis){.in = 1, .out = 1, .taps = 1, .stride = 1, .dilation = 1};
            continue;
        }
        if (x->dim[2 + j] < 1 || x->dim[2 + j] > WINDOW_MAX || taps[j] < 1 || taps[j] > WINDOW_MAX)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "spatial axis %d has %lld elements and %lld taps, both must be "
                                "1..%lld",
                                j, (long long)x->dim[2 + j], (long long)taps[j],
                                (long long)WINDOW_MAX);
        out->axis[i] = (struct fsn__window_axis){
            .in = x->dim[2 + j],
            .taps = taps[j],
            .stride = strides[j],
            .dilation = dilations[j],
            .pad_begin = pads[j],
            .pad_end = pads[rank + j],
        };
    }
    return status;
}

enum fsn_status fsn__window_read(const struct fsn__op_ctx *ctx, const int64_t *taps,
                                 struct fsn__window *out, struct fsn_error *err)
{
    const int skip = FSN__WINDOW_AXES - (ctx->in[0]->ndim - 2);
    const bool ceil_mode = fsn__attr_int(ctx->attrs, "ceil_mode", 0) != 0;
    struct fsn__window w;
    enum auto_pad pad = PAD_NOTSET;
    enum fsn_status status;

    status = read_auto_pad(ctx, &pad, err);
    if (status == FSN_OK)
        status = read_axes(ctx, taps, &w, err);
    for (int i = skip; i < FSN__WINDOW_AXES && status == FSN_OK; i++)
        status = size_axis(ctx, &w.axis[i], i - skip, pad, ceil_mode, err);
    if (status == FSN_OK)
        status = check_size(ctx, &w, err);
    if (status == FSN_OK)
        *out = w;
    return status;
}

/* ---- transposed convolution ------------------------------------------------------------------ */

/* Sets in, and for given or SAME sizes the padding, of one axis whose other members are set. given:
 * the size that output_shape asks for, or -1. */
static enum fsn_status grow_axis(const struct fsn__op_ctx *ctx, struct fsn__window_axis *a,
                                 int number, enum auto_pad pad, int64_t additional, int64_t given,
                                 struct fsn_error *err)
{
    const int64_t extent = a->dilation * (a->taps - 1) + 1;
    int64_t whole, total;

    if (!fsn__mul_i64(a->out - 1, a->stride, &whole) ||
        __builtin_add_overflow(whole, extent + additional, &whole))
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "spatial axis %d of its output is too long",
                            number);
    if (given < 0 && (pad == PAD_SAME_UPPER || pad == PAD_SAME_LOWER))
        given = a->out * a->stride;
    if (given >= 0) {
        total = whole > given ? whole - given : 0;
        a->pad_begin = pad == PAD_SAME_UPPER ? total / 2 : total - total / 2;
        a->pad_end = total - a->pad_begin;
        a->in = given;
    } else {
        if (pad == PAD_VALID)
            a->pad_begin = a->pad_end = 0;
        a->in = whole - a->pad_begin - a->pad_end;
    }
    if (a->in < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "spatial axis %d of its output would have %lld elements", number,
                            (long long)a->in);
    return FSN_OK;
}

/* output_shape into given[], -1 each when it is absent. Some exporters write batch and channels in
 * front of the spatial sizes. */
static enum fsn_status read_output_shape(const struct fsn__op_ctx *ctx, int rank, int64_t *given,
                                         struct fsn_error *err)
{
    size_t count;
    const int64_t *shape = fsn__attr_ints(ctx->attrs, "output_shape", &count);
    const int lead = shape && count == (size_t)rank + 2 ? 2 : 0;

    if (shape && count != (size_t)(rank + lead))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "output_shape has %zu values, expected %d", count,
                            rank);
    for (int i = 0; i < rank; i++) {
        given[i] = shape ? shape[lead + i] : -1;
        if (shape && (given[i] < 1 || given[i] > WINDOW_MAX))
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "output_shape[%d] is %lld", lead + i,
                                (long long)given[i]);
    }
    return FSN_OK;
}

enum fsn_status fsn__window_read_transposed(const struct fsn__op_ctx *ctx, const int64_t *taps,
                                            struct fsn__window *out, struct fsn_error *err)
{
    const int rank = ctx->in[0]->ndim - 2, skip = FSN__WINDOW_AXES - rank;
    int64_t additional[FSN__WINDOW_AXES], given[FSN__WINDOW_AXES];
    struct fsn__window w;
    enum auto_pad pad = PAD_NOTSET;
    enum fsn_status status;

    status = read_auto_pad(ctx, &pad, err);
    if (status == FSN_OK)
        status = read_axes(ctx, taps, &w, err);
    if (status == FSN_OK)
        status = read_ints(ctx, "output_padding", rank, 0, 0, additional, err);
    if (status == FSN_OK)
        status = read_output_shape(ctx, rank, given, err);
    for (int i = skip; i < FSN__WINDOW_AXES && status == FSN_OK; i++) {
        w.axis[i].out = w.axis[i].in;
        status =
            grow_axis(ctx, &w.axis[i], i - skip, pad, additional[i - skip], given[i - skip], err);
    }
    if (status == FSN_OK)
        status = check_size(ctx, &w, err);
    if (status == FSN_OK)
        *out = w;
    return status;
}

enum fsn_status fsn__window_read_pool(const struct fsn__op_ctx *ctx, struct fsn__window *out,
                                      struct fsn_error *err)
{
    int64_t taps[FSN__WINDOW_AXES];
    enum fsn_status status = fsn__window_check_input(ctx, err);

    if (status != FSN_OK)
        return status;
    if (!fsn__attr_find(ctx->attrs, "kernel_shape"))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "the attribute kernel_shape is missing");
    status = read_ints(ctx, "kernel_shape", ctx->in[0]->ndim - 2, 1, 1, taps, err);
    return status == FSN_OK ? fsn__window_read(ctx, taps, out, err) : status;
}

void fsn__window_out_dims(const struct fsn__window *w, int ndim, int64_t *dim)
{
    for (int i = 2; i < ndim; i++)
        dim[i] = w->axis[FSN__WINDOW_AXES - ndim + i].out;
}

int64_t fsn__window_in_size(const struct fsn__window *w)
{
    return w->axis[0].in * w->axis[1].in * w->axis[2].in;
}

int64_t fsn__window_out_size(const struct fsn__window *w)
{
    return w->axis[0].out * w->axis[1].out * w->axis[2].out;
}

int64_t fsn__window_taps(const struct fsn__window *w)
{
    return w->axis[0].taps * w->axis[1].taps * w->axis[2].taps;
}
