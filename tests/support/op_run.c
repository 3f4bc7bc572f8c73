/* op_run.c - see op_run.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void op_run(struct op_run *run, const struct op_call *call)
{
    struct fsn__tensor *in[OP_CALL_INPUTS], *out[OP_RUN_OUTPUTS];
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__op_ctx ctx = {.op = fsn__op_find("", call->op),
                              .name = "node",
                              .attrs = &call->attrs,
                              .n_in = call->n_in,
                              .n_out = run->n_out,
                              .in = in,
                              .out = out,
                              .training = run->training,
                              .step = run->step};
    size_t work = 0, saved = 0;

    assert_non_null(ctx.op);
    assert_in_range(run->n_out, ctx.op->min_out, ctx.op->max_out);
    assert_int_equal(fsn__pool_create(run->threads > 0 ? run->threads : 1, &ctx.pool, NULL),
                     FSN_OK);
    for (int i = 0; i < call->n_in; i++) {
        in[i] = call->in[i].ndim >= 0 ? &run->in[i] : NULL;
        if (in[i])
            assert_int_equal(fsn__tensor_clone(in[i], &call->in[i], NULL), FSN_OK);
    }
    for (int i = 0; i < run->n_out; i++) {
        run->out[i] = (struct fsn__tensor){0};
        out[i] = &run->out[i];
    }
    if (ctx.op->infer(&ctx, &err) != FSN_OK)
        fail_msg("refused: %s", err.text);
    for (int i = 0; i < run->n_out; i++) {
        assert_int_equal(fsn__tensor_alloc(out[i], NULL), FSN_OK);
        memset(out[i]->data, 0xa5, fsn__tensor_bytes(out[i])); /* nothing may be left as it was */
    }
    if (ctx.op->sizes)
        ctx.op->sizes(&ctx, &work, &saved);
    ctx.work = fsn__aligned_calloc(work, 1);
    ctx.saved = saved > 0 ? fsn__aligned_calloc(saved, 1) : NULL;
    assert_true(ctx.work && (ctx.saved || saved == 0));
    if (ctx.op->forward(&ctx, &err) != FSN_OK)
        fail_msg("forward: %s", err.text);
    free(ctx.work);
    free(ctx.saved);
    fsn__pool_destroy(ctx.pool);
}

void op_run_free(struct op_run *run)
{
    for (int i = 0; i < OP_CALL_INPUTS; i++)
        free(run->in[i].data);
    for (int i = 0; i < OP_RUN_OUTPUTS; i++)
        free(run->out[i].data);
}

void op_expect_near(const struct op_call *call, struct fsn__tensor want, double tolerance)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        struct op_run run = {.n_out = 1, .threads = threads};

        op_run(&run, call);
        if (run.out[0].dtype != FSN__F32 || !fsn__same_shape(&run.out[0], &want))
            fail_msg("%s gives %s %s, expected float32 %s", call->op,
                     fsn__dtype_name(run.out[0].dtype), FSN__SHAPE(&run.out[0]), FSN__SHAPE(&want));
        for (int64_t i = 0; i < fsn__numel(&want); i++) {
            const double got = (double)fsn__f32(&run.out[0])[i], right = (double)fsn__f32(&want)[i];

            if (!(fabs(got - right) <= tolerance))
                fail_msg("%s: element %lld is %.9g, expected %.9g", call->op, (long long)i, got,
                         right);
        }
        op_run_free(&run);
    }
}
