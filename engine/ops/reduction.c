/* reduction.c - the sets of elements of a reduction; see reduction.h for the contracts. */
#include "ops/reduction.h"

enum fsn__reduction fsn__reduction_of(const struct fsn__op *op)
{
    static const struct fsn__op *const ops[FSN__REDUCTIONS] = {
        [FSN__REDUCE_SUM] = &fsn__op_reduce_sum,
        [FSN__REDUCE_MEAN] = &fsn__op_reduce_mean,
        [FSN__REDUCE_L1] = &fsn__op_reduce_l1,
        [FSN__REDUCE_L2] = &fsn__op_reduce_l2,
        [FSN__REDUCE_SUM_SQUARE] = &fsn__op_reduce_sum_square,
        [FSN__REDUCE_LOG_SUM] = &fsn__op_reduce_log_sum,
        [FSN__REDUCE_LOG_SUM_EXP] = &fsn__op_reduce_log_sum_exp,
        [FSN__REDUCE_PROD] = &fsn__op_reduce_prod,
        [FSN__REDUCE_MAX] = &fsn__op_reduce_max,
        [FSN__REDUCE_MIN] = &fsn__op_reduce_min,
    };
    enum fsn__reduction kind = FSN__REDUCE_SUM;

    while (ops[kind] != op)
        kind++;
    return kind;
}

enum fsn_status fsn__reduction_axes(const struct fsn__op_ctx *ctx, bool *reduced,
                                    struct fsn_error *err)
{
    const int ndim = ctx->in[0]->ndim;
    int64_t given[FSN_MAX_DIMS];
    int count = 0, axes[FSN_MAX_DIMS];
    enum fsn_status status = FSN_OK;

    if (fsn__op_has_input(ctx, 1))
        status = fsn__op_ints(ctx, 1, "axes", FSN_MAX_DIMS, given, &count, err);
    if (status == FSN_OK)
        status = fsn__op_axes(ctx, given, count, ndim, axes, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < ndim; i++)
        reduced[i] = count == 0 && fsn__attr_int(ctx->attrs, "noop_with_empty_axes", 0) == 0;
    for (int i = 0; i < count; i++)
        reduced[axes[i]] = true;
    return FSN_OK;
}

enum fsn_status fsn__reduction_walk(const struct fsn__op_ctx *ctx, struct fsn__walk *walk,
                                    int64_t *count, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    bool reduced[FSN_MAX_DIMS];
    int64_t step = 1;
    enum fsn_status status = fsn__reduction_axes(ctx, reduced, err);

    if (status != FSN_OK)
        return status;
    *walk = fsn__walk_over(x);
    *count = 1;
    for (int i = x->ndim - 1; i >= 0; i--) {
        walk->stride[0][i] = reduced[i] ? 0 : step;
        *(reduced[i] ? count : &step) *= x->dim[i];
    }
    fsn__dense_strides(x, walk->stride[1]);
    return FSN_OK;
}

void fsn__reduction_sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    (void)saved;
    *work = (size_t)fsn__numel(ctx->out[0]) * (sizeof(union fsn__reduced) + sizeof(double));
}

struct fsn__reduce_job fsn__reduction_job(const struct fsn__op_ctx *ctx)
{
    union fsn__reduced *acc = ctx->work;

    return (struct fsn__reduce_job){
        .acc = acc,
        .shift = (double *)(void *)(acc + fsn__numel(ctx->out[0])),
        .x = ctx->in[0]->data,
    };
}
