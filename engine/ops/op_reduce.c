/*
 * op_reduce.c - reductions of some axes to one element each, over the n elements x_i that meet in
 * y.
 *
 *   ReduceSum        sum x_i               dx_i += dy
 *   ReduceMean       sum x_i / n           dx_i += dy / n
 *   ReduceL1         sum |x_i|             dx_i += sign(x_i) dy
 *   ReduceL2         sqrt(sum x_i^2)       dx_i += x_i / y dy, 0 where y = 0
 *   ReduceSumSquare  sum x_i^2             dx_i += 2 x_i dy
 *   ReduceLogSum     ln(sum x_i)           dx_i += e^-y dy
 *   ReduceLogSumExp  ln(sum e^x_i)         dx_i += e^(x_i - y) dy
 *   ReduceProd       product of x_i        dx_i += product of the others dy
 *   ReduceMax, Min   largest, smallest     dx_i += dy / k where x_i = y, in k places
 *
 * Input 1, optional: the axes; without any, all are reduced, or none with noop_with_empty_axes = 1
 * (each x_i is then a set of its own). Attribute keepdims = 1: they stay as sizes of 1. Of no
 * elements the sum is 0, the product 1, the largest the lowest of its type.
 *
 * Sums of floats are in double. Integers wrap around modulo 2^bits; a mean, root or logarithm of
 * them is truncated. NaN in, NaN out.
 */
#include "ops/reduce.h"
#include "ops/reduction.h"
#include "ops/typed.h"

#include <math.h>

/* ---- forward: runs that add to an accumulator --------------------------------------------------
 */

/* Operands: acc, x. `combine` is of a, what there is, and v, the next element. */
#define DEFINE_RUN(code, type, acc_type, op, combine)                                           \
    static void op##_##code(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                           \
        const struct fsn__reduce_job *job = arg;                                                \
        acc_type *acc = (acc_type *)(void *)job->acc + offset[0];                               \
        const type *x = (const type *)job->x + offset[1];                                       \
                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                       \
            const type v = x[i * stride[1]];                                                    \
            const acc_type a = acc[i * stride[0]];                                              \
                                                                                                \
            acc[i * stride[0]] = (combine);                                                     \
        }                                                                                       \
    }

FSN__REAL_TYPES(DEFINE_RUN, double, sum, a + (double)v)
FSN__INTEGER_TYPES(DEFINE_RUN, uint64_t, sum, a + (uint64_t)v)
FSN__REAL_TYPES(DEFINE_RUN, double, magnitudes, a + fabs((double)v))
FSN__SIGNED_TYPES(DEFINE_RUN, uint64_t, magnitudes, v < 0 ? a - (uint64_t)v : a + (uint64_t)v)
FSN__REAL_TYPES(DEFINE_RUN, double, squares, a + (double)v * (double)v)
FSN__INTEGER_TYPES(DEFINE_RUN, uint64_t, squares, a + (uint64_t)v * (uint64_t)v)
FSN__REAL_TYPES(DEFINE_RUN, double, product, (a) * (double)v)
FSN__INTEGER_TYPES(DEFINE_RUN, uint64_t, product, (a) * (uint64_t)v)
FSN__REAL_TYPES(DEFINE_RUN, double, largest, (double)v > a || v != v ? (double)v : a)
FSN__SIGNED_TYPES(DEFINE_RUN, int64_t, largest, v > a ? v : a)
FSN__UNSIGNED_TYPES(DEFINE_RUN, uint64_t, largest, v > a ? v : a)
FSN__REAL_TYPES(DEFINE_RUN, double, smallest, (double)v < a || v != v ? (double)v : a)
FSN__SIGNED_TYPES(DEFINE_RUN, int64_t, smallest, v < a ? v : a)
FSN__UNSIGNED_TYPES(DEFINE_RUN, uint64_t, smallest, v < a ? v : a)
FSN__NUMBER_TYPES(DEFINE_RUN, double, peak, (double)v > a ? (double)v : a)
FSN__NUMBER_TYPES(DEFINE_RUN, double, exponentials,
                  a + exp((double)v - job->shift[offset[0] + i * stride[0]]))

FSN__DEFINE_SUM(sum_magnitudes, fabsf(x[i]), const float *x)
FSN__DEFINE_SUM(sum_squares, x[i] * x[i], const float *x)

/* Dense runs of floats, which are most of what networks reduce, in lanes. */
#define DEFINE_LANES(op, sum_of)                                                               \
    static void op##_lanes(void *arg, const int64_t *offset, const int64_t *stride, int64_t n) \
    {                                                                                          \
        const struct fsn__reduce_job *job = arg;                                               \
                                                                                               \
        if (stride[0] == 0 && stride[1] == 1)                                                  \
            job->acc[offset[0]].real += sum_of((const float *)job->x + offset[1], n);          \
        else                                                                                   \
            op##_F32(arg, offset, stride, n);                                                  \
    }
DEFINE_LANES(sum, fsn__sum)
DEFINE_LANES(magnitudes, sum_magnitudes)
DEFINE_LANES(squares, sum_squares)

#define RUNS static fsn__walk_run *const
RUNS sum_runs[FSN__DTYPE_COUNT] = {
    [FSN__F32] = sum_lanes, [FSN__F64] = sum_F64, FSN__INTEGER_TYPES(FSN__ENTRY, sum)};
RUNS magnitude_runs[FSN__DTYPE_COUNT] = {[FSN__F32] = magnitudes_lanes,
                                         [FSN__F64] = magnitudes_F64,
                                         FSN__SIGNED_TYPES(FSN__ENTRY, magnitudes)
                                             FSN__UNSIGNED_TYPES(FSN__ENTRY, sum)};
RUNS square_runs[FSN__DTYPE_COUNT] = {
    [FSN__F32] = squares_lanes, [FSN__F64] = squares_F64, FSN__INTEGER_TYPES(FSN__ENTRY, squares)};
RUNS product_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, product)};
RUNS largest_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, largest)[FSN__BOOL] =
                                           largest_U8};
RUNS smallest_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, smallest)[FSN__BOOL] =
                                            smallest_U8};
RUNS peak_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, peak)};
RUNS exponential_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, exponentials)};

static fsn__walk_run *const *const runs[FSN__REDUCTIONS] = {
    [FSN__REDUCE_SUM] = sum_runs,
    [FSN__REDUCE_MEAN] = sum_runs,
    [FSN__REDUCE_L1] = magnitude_runs,
    [FSN__REDUCE_L2] = square_runs,
    [FSN__REDUCE_SUM_SQUARE] = square_runs,
    [FSN__REDUCE_LOG_SUM] = sum_runs,
    [FSN__REDUCE_LOG_SUM_EXP] = exponential_runs,
    [FSN__REDUCE_PROD] = product_runs,
    [FSN__REDUCE_MAX] = largest_runs,
    [FSN__REDUCE_MIN] = smallest_runs,
};

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const bool keep = fsn__attr_int(ctx->attrs, "keepdims", 1) != 0;
    bool reduced[FSN_MAX_DIMS];
    int64_t dim[FSN_MAX_DIMS];
    int ndim = 0;
    enum fsn_status status = fsn__reduction_axes(ctx, reduced, err);

    if (status != FSN_OK)
        return status;
    if (!runs[fsn__reduction_of(ctx->op)][x->dtype])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, which it does not take",
                            fsn__dtype_name(x->dtype));
    if (fsn__is_symbolic(x) && reduced[0])
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
    for (int i = 0; i < x->ndim; i++)
        if (keep || !reduced[i])
            dim[ndim++] = reduced[i] ? 1 : x->dim[i];
    return fsn__op_set_output(ctx, x->dtype, ndim, dim, err);
}

static bool is_real(enum fsn__dtype dtype)
{
    return dtype == FSN__F32 || dtype == FSN__F64;
}

static bool is_signed(enum fsn__dtype dtype)
{
    return dtype == FSN__I8 || dtype == FSN__I16 || dtype == FSN__I32 || dtype == FSN__I64;
}

/* Of no elements. */
static union fsn__reduced nothing(enum fsn__reduction kind, enum fsn__dtype dtype)
{
    const unsigned bits = dtype == FSN__BOOL ? 1 : (unsigned)fsn__dtype_bytes(dtype) * 8;
    const unsigned magnitude = is_signed(dtype) ? bits - 1 : bits;
    const uint64_t highest = UINT64_MAX >> (64 - magnitude);

    if (kind == FSN__REDUCE_LOG_SUM_EXP)
        return (union fsn__reduced){.real = 0};
    if (is_real(dtype))
        return (union fsn__reduced){.real = kind == FSN__REDUCE_PROD  ? 1
                                            : kind == FSN__REDUCE_MAX ? -INFINITY
                                            : kind == FSN__REDUCE_MIN ? INFINITY
                                                                      : 0};
    return (union fsn__reduced){.natural = kind == FSN__REDUCE_PROD                      ? 1
                                           : kind == FSN__REDUCE_MIN                     ? highest
                                           : kind == FSN__REDUCE_MAX && is_signed(dtype) ? ~highest
                                                                                         : 0};
}

/* The set's value in its type, from what its n elements came to. */
static union fsn__reduced finish_real(enum fsn__reduction kind, double acc, double n, double shift)
{
    return (union fsn__reduced){.real = kind == FSN__REDUCE_MEAN          ? acc / n
                                        : kind == FSN__REDUCE_L2          ? sqrt(acc)
                                        : kind == FSN__REDUCE_LOG_SUM     ? log(acc)
                                        : kind == FSN__REDUCE_LOG_SUM_EXP ? log(acc) + shift
                                                                          : acc};
}

static union fsn__reduced finish_integer(enum fsn__reduction kind, union fsn__reduced acc,
                                         int64_t n, double shift, bool with_sign)
{
    const double wide = with_sign ? (double)(int64_t)acc.natural : (double)acc.natural;
    double real;

    if (kind == FSN__REDUCE_MEAN && with_sign)
        return (union fsn__reduced){.natural = n > 0 ? (uint64_t)((int64_t)acc.natural / n) : 0};
    if (kind == FSN__REDUCE_MEAN)
        return (union fsn__reduced){.natural = n > 0 ? acc.natural / (uint64_t)n : 0};
    if (kind != FSN__REDUCE_L2 && kind != FSN__REDUCE_LOG_SUM && kind != FSN__REDUCE_LOG_SUM_EXP)
        return acc;
    real = finish_real(kind, kind == FSN__REDUCE_LOG_SUM_EXP ? acc.real : wide, 1, shift).real;
    return (union fsn__reduced){.natural =
                                    (uint64_t)FSN__SATURATE(real, int64_t, INT64_MIN, INT64_MAX)};
}

#define STORE(code, type, member)                  \
    case FSN__##code:                              \
        ((type *)y->data)[i] = (type)value.member; \
        break;

static void store(const struct fsn__tensor *y, int64_t i, union fsn__reduced value)
{
    switch (y->dtype) {
        FSN__REAL_TYPES(STORE, real)
        FSN__INTEGER_TYPES(STORE, natural)
        STORE(BOOL, uint8_t, natural)
    case FSN__DTYPE_COUNT:
        break;
    }
}

/* The largest of each set, so that no exponential overflows; 0 where it is infinite. */
static void find_shifts(const struct fsn__op_ctx *ctx, const struct fsn__walk *walk,
                        struct fsn__reduce_job *job, int64_t sets)
{
    struct fsn__reduce_job peaks = {.acc = (union fsn__reduced *)(void *)job->shift, .x = job->x};

    for (int64_t i = 0; i < sets; i++)
        job->shift[i] = -INFINITY;
    fsn__walk_sum(ctx->pool, walk, peak_runs[ctx->in[0]->dtype], &peaks);
    for (int64_t i = 0; i < sets; i++)
        if (isinf(job->shift[i]))
            job->shift[i] = 0;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];
    const enum fsn__reduction kind = fsn__reduction_of(ctx->op);
    const int64_t sets = fsn__numel(y);
    struct fsn__reduce_job job = fsn__reduction_job(ctx);
    struct fsn__walk walk;
    int64_t n;
    enum fsn_status status = fsn__op_no_batch(ctx, err);

    if (status == FSN_OK)
        status = fsn__reduction_walk(ctx, &walk, &n, err);
    if (status != FSN_OK)
        return status;
    for (int64_t i = 0; i < sets; i++) {
        job.acc[i] = nothing(kind, x->dtype);
        job.shift[i] = 0;
    }
    if (kind == FSN__REDUCE_LOG_SUM_EXP)
        find_shifts(ctx, &walk, &job, sets);
    fsn__walk_sum(ctx->pool, &walk, runs[kind][x->dtype], &job);
    for (int64_t i = 0; i < sets; i++)
        store(y, i,
              is_real(y->dtype)
                  ? finish_real(kind, job.acc[i].real, (double)n, job.shift[i])
                  : finish_integer(kind, job.acc[i], n, job.shift[i], is_signed(y->dtype)));
    return FSN_OK;
}

/* ---- the operators --------------------------------------------------------------------------- */

#define REDUCTION(symbol, ...)                                   \
    const struct fsn__op fsn__op_reduce_##symbol = {             \
        __VA_ARGS__,        .domain = "",                        \
        .min_in = 1,        .max_in = 2,                         \
        .min_out = 1,       .max_out = 1,                        \
        .infer = infer,     .sizes = fsn__reduction_sizes,       \
        .forward = forward, .backward = fsn__reduction_backward, \
    };

/* Backward asks input 1, the axes, in all of them. */
enum { X = 1, AXES = 2, Y = 1 };

REDUCTION(sum, .name = "ReduceSum", .backward_in = AXES)
REDUCTION(mean, .name = "ReduceMean", .backward_in = AXES)
REDUCTION(l1, .name = "ReduceL1", .backward_in = X | AXES)
REDUCTION(l2, .name = "ReduceL2", .backward_in = X | AXES, .backward_out = Y)
REDUCTION(sum_square, .name = "ReduceSumSquare", .backward_in = X | AXES)
REDUCTION(log_sum, .name = "ReduceLogSum", .backward_in = AXES, .backward_out = Y)
REDUCTION(log_sum_exp, .name = "ReduceLogSumExp", .backward_in = X | AXES, .backward_out = Y)
REDUCTION(prod, .name = "ReduceProd", .backward_in = X | AXES)
REDUCTION(max, .name = "ReduceMax", .backward_in = X | AXES, .backward_out = Y)
REDUCTION(min, .name = "ReduceMin", .backward_in = X | AXES, .backward_out = Y)
