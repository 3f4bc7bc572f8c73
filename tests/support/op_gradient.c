/* op_gradient.c - see op_gradient.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_gradient.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float step = 0x1p-8f;
static const float before = 3; /* what every gradient holds when backward starts */

struct bench {
    struct fsn__op_ctx ctx;
    struct fsn__tensor in[OP_CALL_INPUTS], din[OP_CALL_INPUTS];
    struct fsn__tensor out[OP_CALL_OUTPUTS], dout[OP_CALL_OUTPUTS];
    struct fsn__tensor *in_at[OP_CALL_INPUTS], *din_at[OP_CALL_INPUTS];
    struct fsn__tensor *out_at[OP_CALL_OUTPUTS], *dout_at[OP_CALL_OUTPUTS];
};

/* Between -1 and 1, without a pattern. */
static float noise(int64_t i)
{
    return (float)((uint32_t)(i + 1) * UINT32_C(2654435761) >> 8) / (1 << 23) - 1;
}

static void open_bench(struct bench *b, const struct op_call *call, const struct fsn__op *op,
                       unsigned wanted, struct fsn__pool *pool)
{
    struct fsn_error err = {.status = FSN_OK};
    size_t work = 0, saved = 0;

    *b = (struct bench){.ctx = {.op = op ? op : fsn__op_find("", call->op),
                                .name = "node",
                                .attrs = &call->attrs,
                                .n_in = call->n_in,
                                .n_out = call->n_out > 0 ? call->n_out : 1,
                                .pool = pool,
                                .training = !call->inference}};
    b->ctx.in = b->in_at;
    b->ctx.out = b->out_at;
    b->ctx.din = b->din_at;
    b->ctx.dout = b->dout_at;
    for (int i = 0; i < b->ctx.n_out; i++) {
        b->out_at[i] = &b->out[i];
        b->dout_at[i] = &b->dout[i];
    }
    for (int i = 0; i < call->n_in; i++) {
        if (call->in[i].ndim < 0)
            continue;
        assert_int_equal(fsn__tensor_clone(&b->in[i], &call->in[i], NULL), FSN_OK);
        b->in_at[i] = &b->in[i];
        if (!(wanted >> i & 1))
            continue;
        assert_int_equal(b->in[i].dtype, FSN__F32);
        assert_int_equal(fsn__tensor_clone(&b->din[i], &call->in[i], NULL), FSN_OK);
        b->din_at[i] = &b->din[i];
    }
    if (b->ctx.op->infer(&b->ctx, &err) != FSN_OK)
        fail_msg("refused: %s", err.text);
    for (int i = 0; i < b->ctx.n_out; i++) {
        assert_int_equal(b->out[i].dtype, FSN__F32);
        assert_int_equal(fsn__tensor_alloc(&b->out[i], NULL), FSN_OK);
        assert_int_equal(fsn__tensor_clone(&b->dout[i], &b->out[i], NULL), FSN_OK);
        for (int64_t j = 0; j < fsn__numel(&b->dout[i]); j++)
            fsn__f32(&b->dout[i])[j] = noise(j + 1000 * i);
    }
    if (b->ctx.op->sizes)
        b->ctx.op->sizes(&b->ctx, &work, &saved);
    b->ctx.work = fsn__aligned_calloc(work, 1);
    b->ctx.saved = fsn__aligned_calloc(saved, 1);
    assert_true(b->ctx.work && b->ctx.saved);
}

static void close_bench(struct bench *b)
{
    for (int i = 0; i < OP_CALL_INPUTS; i++) {
        free(b->in[i].data);
        free(b->din[i].data);
    }
    for (int i = 0; i < b->ctx.n_out; i++) {
        free(b->out[i].data);
        free(b->dout[i].data);
    }
    free(b->ctx.work);
    free(b->ctx.saved);
}

static double loss(struct bench *b)
{
    struct fsn_error err = {.status = FSN_OK};
    double sum = 0;

    if (b->ctx.op->forward(&b->ctx, &err) != FSN_OK)
        fail_msg("forward: %s", err.text);
    for (int i = 0; i < b->ctx.n_out; i++)
        for (int64_t j = 0; j < fsn__numel(&b->out[i]); j++)
            sum += (double)fsn__f32(&b->dout[i])[j] * (double)fsn__f32(&b->out[i])[j];
    return sum;
}

static void poison(struct fsn__tensor *t)
{
    if (t->data)
        memset(t->data, 0xff, fsn__tensor_bytes(t)); /* NaN, or -1 */
}

static void run_backward(struct bench *b)
{
    struct fsn_error err = {.status = FSN_OK};

    for (int i = 0; i < b->ctx.n_in; i++) {
        for (int64_t j = 0; b->din_at[i] && j < fsn__numel(&b->din[i]); j++)
            fsn__f32(&b->din[i])[j] = before;
        if (!(b->ctx.op->backward_in >> i & 1))
            poison(&b->in[i]);
    }
    for (int i = 0; i < b->ctx.n_out; i++)
        if (!(b->ctx.op->backward_out >> i & 1))
            poison(&b->out[i]);
    if (b->ctx.op->backward(&b->ctx, &err) != FSN_OK)
        fail_msg("backward: %s", err.text);
}

/* Input k: backward's gradient against the slopes. */
static double input_error(struct bench *b, const struct op_call *call, int k)
{
    double worst = 0;

    memcpy(b->in[k].data, call->in[k].data, fsn__tensor_bytes(&b->in[k]));
    for (int64_t i = 0; i < fsn__numel(&b->in[k]); i++) {
        float *x = &fsn__f32(&b->in[k])[i], kept = *x;
        double high, low, slope, got = (double)fsn__f32(&b->din[k])[i] - (double)before, error;

        *x = kept + step;
        high = loss(b);
        *x = kept - step;
        low = loss(b);
        *x = kept;
        slope = (high - low) / (2 * (double)step);
        error = fabs(got - slope) / fmax(1, fabs(slope));
        if (isnan(error) || error > worst) /* NaN stays: nothing is greater */
            worst = error;
    }
    return worst;
}

double op_gradient_error(const struct op_call *call, const struct fsn__op *op, unsigned wanted,
                         int threads)
{
    struct fsn__pool *pool = NULL;
    double worst = 0;
    struct bench b;

    assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
    open_bench(&b, call, op, wanted, pool);
    (void)loss(&b); /* backward follows a forward: it may have saved something */
    run_backward(&b);
    for (int i = 0; i < call->n_in; i++) /* what backward did not need, the slopes do */
        if (b.in_at[i])
            memcpy(b.in[i].data, call->in[i].data, fsn__tensor_bytes(&b.in[i]));
    for (int i = 0; i < call->n_in; i++) {
        double error = b.din_at[i] ? input_error(&b, call, i) : 0;

        if (isnan(error) || error > worst)
            worst = error;
    }
    fsn__pool_destroy(pool);
    close_bench(&b);
    return worst;
}

void op_check_gradient(const struct op_call *call, unsigned wanted)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        double error = op_gradient_error(call, NULL, wanted, threads);

        if (!(error < 2e-4))
            fail_msg("%s with %d threads: gradient is off by %g", call->op, threads, error);
    }
}
