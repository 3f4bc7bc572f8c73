/*
 * op_compare.c - comparison (Equal, Less, LessOrEqual, Greater, GreaterOrEqual) and logic (And, Or,
 * Xor, Not), with numpy's broadcasting. Truth values have no gradient.
 *
 * Shapes are computed with comparisons too (PyTorch's expand asks which sizes equal -1), and a
 * shape may hold the batch size, of which all that is known is that it is at least 1. So Equal
 * compares it with what is less than 1, and with itself; other comparisons with it are refused.
 */
#include "ops/binary.h"
#include "ops/unary.h"

FSN__NUMBER_TYPES(FSN__PREDICATE, equal, a == b)
FSN__PREDICATE(BOOL, uint8_t, equal, !a == !b)
FSN__NUMBER_TYPES(FSN__PREDICATE, less, a < b)
FSN__NUMBER_TYPES(FSN__PREDICATE, less_or_equal, a <= b)
FSN__NUMBER_TYPES(FSN__PREDICATE, greater, a > b)
FSN__NUMBER_TYPES(FSN__PREDICATE, greater_or_equal, a >= b)
FSN__PREDICATE(BOOL, uint8_t, and, a &&b)
FSN__PREDICATE(BOOL, uint8_t, or, a || b)
FSN__PREDICATE(BOOL, uint8_t, xor, !a != !b)

#define RUNS static fsn__walk_run *const
RUNS equal_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, equal)[FSN__BOOL] = equal_BOOL};
RUNS less_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, less)};
RUNS less_or_equal_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, less_or_equal)};
RUNS greater_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, greater)};
RUNS greater_or_equal_runs[FSN__DTYPE_COUNT] = {FSN__NUMBER_TYPES(FSN__ENTRY, greater_or_equal)};
RUNS and_runs[FSN__DTYPE_COUNT] = {[FSN__BOOL] = and_BOOL};
RUNS or_runs[FSN__DTYPE_COUNT] = {[FSN__BOOL] = or_BOOL};
RUNS xor_runs[FSN__DTYPE_COUNT] = {[FSN__BOOL] = xor_BOOL};

static fsn__walk_run *const *runs_of(const struct fsn__op *op)
{
    return op == &fsn__op_equal              ? equal_runs
           : op == &fsn__op_less             ? less_runs
           : op == &fsn__op_less_or_equal    ? less_or_equal_runs
           : op == &fsn__op_greater          ? greater_runs
           : op == &fsn__op_greater_or_equal ? greater_or_equal_runs
           : op == &fsn__op_and              ? and_runs
           : op == &fsn__op_or               ? or_runs
                                             : xor_runs;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_infer(ctx, runs_of(ctx->op), FSN__BOOL, err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__binary_forward(ctx, runs_of(ctx->op), err);
}

/* ---- Equal -------------------------------------------------------------------------------------
 */

/* Whether a holds the batch size, and b a number that it may equal. */
static bool undecided(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    const int64_t na = fsn__numel(a), nb = fsn__numel(b);
    bool batch = false, size = false;

    for (int64_t i = 0; i < na; i++)
        batch |= fsn__i64(a)[i] == FSN_BATCH;
    for (int64_t i = 0; i < nb && batch; i++)
        size |= fsn__i64(b)[i] >= 1;
    return batch && size;
}

static enum fsn_status equal_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *a = ctx->in[0], *b = ctx->in[1];

    if (a->dtype == FSN__I64 && (undecided(a, b) || undecided(b, a)))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "compares with the batch size, which is not fixed");
    fsn__binary_run(ctx->pool, equal_runs[a->dtype], ctx->out[0], a, b);
    return FSN_OK;
}

/* ---- Not ---------------------------------------------------------------------------------------
 */

FSN__UNARY_FORWARD(BOOL, uint8_t, not, !x)
static const struct fsn__unary negation = {.forward = {[FSN__BOOL] = not_BOOL}};

static enum fsn_status not_infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__unary_infer(ctx, &negation, err);
}

static enum fsn_status not_forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__unary_forward(ctx, &negation, err);
}

const struct fsn__op fsn__op_not = {
    .name = "Not",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT,
    .infer = not_infer,
    .forward = not_forward,
};

const struct fsn__op fsn__op_equal = {
    .name = "Equal",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = equal_forward,
};

const struct fsn__op fsn__op_less = {
    .name = "Less",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_less_or_equal = {
    .name = "LessOrEqual",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_greater = {
    .name = "Greater",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_greater_or_equal = {
    .name = "GreaterOrEqual",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_and = {
    .name = "And",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_or = {
    .name = "Or",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};

const struct fsn__op fsn__op_xor = {
    .name = "Xor",
    FSN__BINARY_MEMBERS,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .forward = forward,
};
