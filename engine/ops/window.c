/* window.c - see window.h. Formulas: ONNX operator specification, Conv and MaxPool:
 *   out = floor((in + pads - ((kernel - 1) dilation + 1)) / stride) + 1   (ceil with ceil_mode)
 *   SAME: out = ceil(in / stride), pads what that needs, the odd one after (UPPER) or before
 * (LOWER).
 */
#include "ops/window.h"

#include <string.h>

enum { MOST = 1 << 20 }; /* of stride, dilation, padding, kernel: keeps every product in int64 */

static enum fsn_status read_axis_list(const struct fsn__op_ctx *ctx, const char *name, int count,
                                      int64_t least, int64_t *values, struct fsn_error *err)
{
    size_t given;
    const int64_t *list = fsn__attr_ints(ctx->attrs, name, &given);

    if (!list)
        return FSN_OK; /* the caller has put the default there */
    if (given != (size_t)count)
        return FSN__FAIL(err, FSN_SHAPE, "%s '%s': %s has %zu values, expected %d", ctx->op->name,
                         ctx->name, name, given, count);
    for (int i = 0; i < count; i++) {
        if (list[i] < least || list[i] > MOST)
            return FSN__FAIL(err, FSN_INVALID, "%s '%s': %s[%d] is %lld, expected %lld..%d",
                             ctx->op->name, ctx->name, name, i, (long long)list[i],
                             (long long)least, MOST);
        values[i] = list[i];
    }
    return FSN_OK;
}

enum fsn_status fsn__window_read(const struct fsn__op_ctx *ctx, const int64_t *kernel,
                                 bool ceil_mode, struct fsn__window *out, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const char *auto_pad = fsn__attr_string(ctx->attrs, "auto_pad", "NOTSET");
    bool upper = strcmp(auto_pad, "SAME_UPPER") == 0, lower = strcmp(auto_pad, "SAME_LOWER") == 0;
    struct fsn__window w = {.spatial = x->ndim - 2};
    int64_t pads[2 * FSN__MAX_SPATIAL] = {0};
    enum fsn_status status;

    if (w.spatial < 1 || w.spatial > FSN__MAX_SPATIAL)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s '%s': input is %s, expected 1 to %d spatial axes", ctx->op->name,
                         ctx->name, FSN__SHAPE(x), FSN__MAX_SPATIAL);
    if (!upper && !lower && strcmp(auto_pad, "NOTSET") != 0 && strcmp(auto_pad, "VALID") != 0)
        return FSN__FAIL(err, FSN_INVALID, "%s '%s': unknown auto_pad '%s'", ctx->op->name,
                         ctx->name, auto_pad);
    for (int i = 0; i < w.spatial; i++)
        w.stride[i] = w.dilation[i] = 1;
    status = read_axis_list(ctx, "strides", w.spatial, 1, w.stride, err);
    if (status == FSN_OK)
        status = read_axis_list(ctx, "dilations", w.spatial, 1, w.dilation, err);
    if (status == FSN_OK && strcmp(auto_pad, "NOTSET") == 0)
        status = read_axis_list(ctx, "pads", 2 * w.spatial, 0, pads, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < w.spatial; i++) {
        int64_t reach, room;

        w.in[i] = x->dim[i + 2];
        w.kernel[i] = kernel[i];
        if (kernel[i] < 1 || kernel[i] > MOST || w.in[i] < 1)
            return FSN__FAIL(err, FSN_SHAPE,
                             "%s '%s': kernel %lld over an axis of %lld cannot slide",
                             ctx->op->name, ctx->name, (long long)kernel[i], (long long)w.in[i]);
        reach = (kernel[i] - 1) * w.dilation[i] + 1;
        w.pad_begin[i] = pads[i];
        w.pad_end[i] = pads[i + w.spatial];
        if (upper || lower) {
            int64_t need;

            w.out[i] = (w.in[i] + w.stride[i] - 1) / w.stride[i];
            need = (w.out[i] - 1) * w.stride[i] + reach - w.in[i];
            need = need > 0 ? need : 0;
            w.pad_begin[i] = upper ? need / 2 : need - need / 2;
            w.pad_end[i] = need - w.pad_begin[i];
            continue;
        }
        room = w.in[i] + w.pad_begin[i] + w.pad_end[i] - reach;
        if (room < 0)
            return FSN__FAIL(err, FSN_SHAPE,
                             "%s '%s': a window of %lld does not fit into axis %d of %s with its "
                             "padding",
                             ctx->op->name, ctx->name, (long long)reach, i + 2, FSN__SHAPE(x));
        w.out[i] = (ceil_mode ? (room + w.stride[i] - 1) / w.stride[i] : room / w.stride[i]) + 1;
        /* A last window that starts in the padding after the input is left out (specification). */
        if (ceil_mode && (w.out[i] - 1) * w.stride[i] >= w.in[i] + w.pad_begin[i])
            w.out[i]--;
    }
    *out = w;
    return FSN_OK;
}
