/* op_non_zero.c - NonZero: where a constant is not zero.
 *
 * y int64 [rank of x, number of such elements], a column each, in the order of x. Exporters make an
 * index range of it, NonZero(ConstantOfShape(n)); since the size of y hangs on the values of x, x
 * must be known when shapes are. */
#include "ops/infer.h"

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[2] = {x->ndim, 0};
    int64_t n = fsn__numel(x);

    if (!x->data && n != 0)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "its input must be constant: the size of the output depends on it");
    for (int64_t i = 0; i < n; i++)
        dim[1] += fsn__get_f64(x, i) != 0;
    return fsn__op_set_output(ctx, FSN__I64, 2, dim, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];
    const int64_t n = fsn__numel(x), columns = y->dim[1];
    int64_t column = 0;

    (void)err;
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i;

        if (fsn__get_f64(x, i) == 0)
            continue;
        for (int axis = x->ndim - 1; axis >= 0; axis--) {
            fsn__i64(y)[axis * columns + column] = rest % x->dim[axis];
            rest /= x->dim[axis];
        }
        column++;
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_non_zero = {
    .name = "NonZero",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT | FSN__COUNTS,
    .infer = infer,
    .forward = forward,
};
