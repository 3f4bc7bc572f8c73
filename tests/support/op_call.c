/* op_call.c - see op_call.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_call.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Infers and, if every input has data, runs; *out gets its own data then. */
static enum fsn_status run(const struct op_call *call, struct fsn__pool *pool,
                           struct fsn__tensor *out, struct fsn_error *err)
{
    struct fsn__tensor in[OP_CALL_INPUTS], *in_at[OP_CALL_INPUTS];
    struct fsn__op_ctx ctx = {
        .op = fsn__op_find("", call->op),
        .name = "node",
        .attrs = &call->attrs,
        .n_in = call->n_in,
        .n_out = 1,
        .in = in_at,
        .out = &out,
        .pool = pool,
    };
    size_t work = 0, saved = 0;
    bool complete = true;
    enum fsn_status status;

    assert_non_null(ctx.op);
    assert_in_range(call->n_in, ctx.op->min_in, ctx.op->max_in);
    for (int i = 0; i < call->n_in; i++) {
        in[i] = call->in[i];
        in_at[i] = in[i].ndim >= 0 ? &in[i] : NULL;
        complete &= in[i].ndim < 0 || in[i].data != NULL;
    }
    *out = (struct fsn__tensor){0};
    status = ctx.op->infer(&ctx, err);
    /* Shape reads no data, and its result is there even when the batch is symbolic. */
    if (status != FSN_OK || (!complete && strcmp(call->op, "Shape") != 0))
        return status;
    assert_int_equal(fsn__tensor_alloc(out, err), FSN_OK);
    memset(out->data, 0xa5, fsn__tensor_bytes(out)); /* nothing may be left as it was */
    if (ctx.op->sizes)
        ctx.op->sizes(&ctx, &work, &saved);
    ctx.work = fsn__aligned_calloc(work, 1);
    ctx.saved = fsn__aligned_calloc(saved, 1);
    assert_non_null(ctx.work);
    assert_non_null(ctx.saved);
    status = ctx.op->forward(&ctx, err);
    free(ctx.work);
    free(ctx.saved);
    return status;
}

static void compare_real(const struct op_call *call, int64_t i, double got, double want)
{
    if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= 1e-6 * fabs(want))
        return;
    fail_msg("%s: element %lld is %.9g, expected %.9g", call->op, (long long)i, got, want);
}

static void compare(const struct op_call *call, const struct fsn__tensor *got,
                    const struct fsn__tensor *want)
{
    if (got->dtype != want->dtype || !fsn__same_shape(got, want))
        fail_msg("%s gives %s %s, expected %s %s", call->op, fsn__dtype_name(got->dtype),
                 FSN__SHAPE(got), fsn__dtype_name(want->dtype), FSN__SHAPE(want));
    if (!want->data)
        return;
    assert_non_null(got->data);
    for (int64_t i = 0; i < fsn__numel(want); i++) {
        if (want->dtype == FSN__F32)
            compare_real(call, i, (double)fsn__f32(got)[i], (double)fsn__f32(want)[i]);
        else if (want->dtype == FSN__F64)
            compare_real(call, i, ((double *)got->data)[i], ((double *)want->data)[i]);
        else if (fsn__get_i64(got, i) != fsn__get_i64(want, i))
            fail_msg("%s: element %lld is %lld, expected %lld", call->op, (long long)i,
                     (long long)fsn__get_i64(got, i), (long long)fsn__get_i64(want, i));
    }
}

void op_expect(const struct op_call *call, struct fsn__tensor want)
{
    struct fsn__pool *pool = NULL;
    struct fsn_error err = {.status = FSN_OK};

    assert_int_equal(fsn__pool_create(3, &pool, NULL), FSN_OK);
    for (int threads = 1; threads <= 3; threads += 2) {
        struct fsn__tensor got;

        if (run(call, threads == 1 ? NULL : pool, &got, &err) != FSN_OK)
            fail_msg("refused: %s", err.text);
        compare(call, &got, &want);
        free(got.data);
    }
    fsn__pool_destroy(pool);
}

void op_refuse(const struct op_call *call, enum fsn_status status, const char *text)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__tensor got;
    enum fsn_status seen = run(call, NULL, &got, &err);

    free(got.data);
    if (seen == FSN_OK)
        fail_msg("%s was taken, expected: %s", call->op, text);
    if (seen != status || !strstr(err.text, text))
        fail_msg("%s: got %s `%s`, expected %s `%s`", call->op, fsn_status_name(seen), err.text,
                 fsn_status_name(status), text);
}
