/* conv.c - the shapes of convolutions; see conv.h. */
#include "ops/conv.h"
#include "core/mem.h"
#include "ops/infer.h"

/* Elements of one thread's col; a bound far beyond any network that keeps sizes from overflow. */
#define MAX_PATCHES (INT64_C(1) << 40)

static enum fsn_status check_weight(const struct fsn__op_ctx *ctx, const struct fsn__tensor *w,
                                    int64_t groups, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t channels = x->dim[1];
    const int64_t *kernel;
    size_t count;

    if (w->ndim != x->ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has shape %s, input %s", FSN__SHAPE(w),
                            FSN__SHAPE(x));
    if (fsn__is_symbolic(w) || w->dim[0] < 1 || w->dim[1] < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "weight has no filters or channels: shape %s",
                            FSN__SHAPE(w));
    if (groups < 1 || channels % groups != 0 || w->dim[0] % groups != 0)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "group is %lld, which does not divide %lld channels and %lld filters",
                            (long long)groups, (long long)channels, (long long)w->dim[0]);
    if (channels / groups != w->dim[1]) {
        if (groups == 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "weight has %lld input channels, input has %lld",
                                (long long)w->dim[1], (long long)channels);
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "weight has %lld input channels in each of %lld groups, input has %lld",
                            (long long)w->dim[1], (long long)groups, (long long)channels);
    }
    kernel = fsn__attr_ints(ctx->attrs, "kernel_shape", &count);
    for (int i = 2; kernel && i < w->ndim; i++)
        if (count != (size_t)w->ndim - 2 || kernel[i - 2] != w->dim[i])
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "kernel_shape contradicts the weight's shape %s", FSN__SHAPE(w));
    return FSN_OK;
}

enum fsn_status fsn__conv_infer(const struct fsn__op_ctx *ctx, const struct fsn__tensor *w,
                                enum fsn__dtype dtype, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS] = {x->dim[0], w->dim[0]}, depth;
    struct fsn__window window;
    enum fsn_status status;

    status = fsn__window_check_input(ctx, err);
    if (status == FSN_OK)
        status = check_weight(ctx, w, fsn__attr_int(ctx->attrs, "group", 1), err);
    if (status == FSN_OK)
        status = fsn__window_read(ctx, w->dim + 2, &window, err);
    if (status != FSN_OK)
        return status;
    /* BLAS counts in 32 bits; the scratch of a thread must stay far from overflow. */
    depth = w->dim[1];
    for (int i = 2; i < w->ndim; i++)
        if (!fsn__mul_i64(depth, w->dim[i], &depth))
            depth = INT64_MAX;
    if (depth > INT32_MAX || w->dim[0] > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "weight of shape %s is too large", FSN__SHAPE(w));
    if (depth * fsn__window_out_size(&window) > MAX_PATCHES)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                            "%lld outputs of %lld terms each need too much scratch memory",
                            (long long)fsn__window_out_size(&window), (long long)depth);
    fsn__window_out_dims(&window, x->ndim, dim);
    return fsn__op_set_output(ctx, dtype, x->ndim, dim, err);
}

enum fsn_status fsn__conv_read(const struct fsn__op_ctx *ctx, const struct fsn__tensor *w,
                               struct fsn__conv_sizes *out, struct fsn_error *err)
{
    struct fsn__conv_sizes s = {.n = ctx->in[0]->dim[0], .pointwise = true};
    enum fsn_status status = fsn__window_read(ctx, w->dim + 2, &s.window, err);

    if (status != FSN_OK)
        return status;
    s.groups = fsn__attr_int(ctx->attrs, "group", 1);
    s.cg = w->dim[1];
    s.kg = w->dim[0] / s.groups;
    s.depth = s.cg * fsn__window_taps(&s.window);
    s.in = fsn__window_in_size(&s.window);
    s.out = fsn__window_out_size(&s.window);
    for (int i = 0; i < FSN__WINDOW_AXES; i++) {
        const struct fsn__window_axis *a = &s.window.axis[i];

        s.pointwise &= a->taps == 1 && a->stride == 1 && a->pad_begin == 0 && a->pad_end == 0;
    }
    *out = s;
    return FSN_OK;
}
