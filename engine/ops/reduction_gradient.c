/* reduction_gradient.c - the backward of reductions: dx_i += dy dy/dx_i, as op_reduce.c has it.
 *
 * The runs' operands are y (and dy, and the sets' scratch) and x (and dx).
 */
#include "ops/reduction.h"

#include <math.h>

#define DEFINE_GRADIENT(name, term)                                                           \
    static void name(void *arg, const int64_t *offset, const int64_t *stride, int64_t length) \
    {                                                                                         \
        const struct fsn__reduce_job *job = arg;                                              \
        const float n = job->count;                                                           \
                                                                                              \
        (void)n;                                                                              \
        for (int64_t i = 0; i < length; i++) {                                                \
            const int64_t set = offset[0] + i * stride[0], at = offset[1] + i * stride[1];    \
            const float x = ((const float *)job->x)[at], y = job->y[set], g = job->dy[set];   \
                                                                                              \
            (void)x, (void)y;                                                                 \
            job->dx[at] += (term);                                                            \
        }                                                                                     \
    }

DEFINE_GRADIENT(sum_gradient, g)
DEFINE_GRADIENT(mean_gradient, g / n)
DEFINE_GRADIENT(l1_gradient, x > 0 ? g : x < 0 ? -g : 0)
DEFINE_GRADIENT(l2_gradient, y > 0 ? x / y * g : 0)
DEFINE_GRADIENT(square_gradient, 2 * x * g)
DEFINE_GRADIENT(log_sum_gradient, expf(-y) * g)
DEFINE_GRADIENT(log_sum_exp_gradient, expf(x - y) * g)
/* acc: in how many places the extreme is. */
DEFINE_GRADIENT(extreme_gradient, x == y ? g / (float)job->acc[set].real : 0)
/* acc: the product of the elements that are not zero; shift: how many are. */
DEFINE_GRADIENT(product_gradient, job->shift[set] == 0 ? (float)(job->acc[set].real / (double)x) * g
                                  : job->shift[set] == 1 && x == 0 ? (float)job->acc[set].real * g
                                                                   : 0)

static void count_extremes(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct fsn__reduce_job *job = arg;

    for (int64_t i = 0; i < n; i++) {
        const int64_t set = offset[0] + i * stride[0];

        if (((const float *)job->x)[offset[1] + i * stride[1]] == job->y[set])
            job->acc[set].real += 1;
    }
}

static void split_product(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct fsn__reduce_job *job = arg;

    for (int64_t i = 0; i < n; i++) {
        const int64_t set = offset[0] + i * stride[0];
        const float x = ((const float *)job->x)[offset[1] + i * stride[1]];

        if (x == 0)
            job->shift[set] += 1;
        else
            job->acc[set].real *= (double)x;
    }
}

enum fsn_status fsn__reduction_backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const struct {
        fsn__walk_run *survey; /* before the gradient: what it needs to know of each set */
        fsn__walk_run *gradient;
    } passes[FSN__REDUCTIONS] = {
        [FSN__REDUCE_SUM] = {NULL, sum_gradient},
        [FSN__REDUCE_MEAN] = {NULL, mean_gradient},
        [FSN__REDUCE_L1] = {NULL, l1_gradient},
        [FSN__REDUCE_L2] = {NULL, l2_gradient},
        [FSN__REDUCE_SUM_SQUARE] = {NULL, square_gradient},
        [FSN__REDUCE_LOG_SUM] = {NULL, log_sum_gradient},
        [FSN__REDUCE_LOG_SUM_EXP] = {NULL, log_sum_exp_gradient},
        [FSN__REDUCE_PROD] = {split_product, product_gradient},
        [FSN__REDUCE_MAX] = {count_extremes, extreme_gradient},
        [FSN__REDUCE_MIN] = {count_extremes, extreme_gradient},
    };
    const enum fsn__reduction kind = fsn__reduction_of(ctx->op);
    const int64_t sets = fsn__numel(ctx->out[0]);
    struct fsn__reduce_job job = fsn__reduction_job(ctx);
    struct fsn__walk walk;
    int64_t n;
    enum fsn_status status;

    if (!ctx->dout[0] || !ctx->din[0])
        return FSN_OK;
    status = fsn__reduction_walk(ctx, &walk, &n, err);
    if (status != FSN_OK)
        return status;
    job.dy = fsn__f32(ctx->dout[0]);
    job.dx = fsn__f32(ctx->din[0]);
    job.count = (float)n;
    /* What the operator does not read may be gone; gradients of the same shape stand in for it. */
    if (!(ctx->op->backward_in & 1))
        job.x = job.dx;
    job.y = ctx->op->backward_out & 1 ? fsn__f32(ctx->out[0]) : job.dy;
    if (passes[kind].survey) {
        for (int64_t i = 0; i < sets; i++) {
            job.acc[i].real = kind == FSN__REDUCE_PROD;
            job.shift[i] = 0;
        }
        fsn__walk_sum(ctx->pool, &walk, passes[kind].survey, &job);
    }
    fsn__walk_each(ctx->pool, &walk, passes[kind].gradient, &job);
    return FSN_OK;
}
