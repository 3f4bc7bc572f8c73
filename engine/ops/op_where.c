/*
 * op_where.c - Where: y = x where the condition holds, z elsewhere, with numpy's broadcasting.
 *
 *   dx += dy where the condition holds      dz += dy elsewhere
 *
 * Elements of any type are moved as they are, so a shape that holds the batch size passes.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <string.h>

enum { CONDITION, YES, NO };

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    enum fsn_status status = fsn__op_one_type(ctx, YES, err);

    if (status != FSN_OK)
        return status;
    if (ctx->in[CONDITION]->dtype != FSN__BOOL)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its condition is %s, expected bool",
                            fsn__dtype_name(ctx->in[CONDITION]->dtype));
    return fsn__op_broadcast_output(ctx, ctx->in[YES]->dtype, err);
}

struct choice {
    const uint8_t *condition;
    const char *yes, *no;
    char *y;
    size_t bytes;
};

/* A copy of constant size compiles to one load and one store, whatever the type behind it. */
#define CHOOSE(size)                                                                               \
    for (int64_t i = 0; i < n; i++)                                                                \
    memcpy(c->y + (offset[0] + i * stride[0]) * (size),                                            \
           c->condition[offset[1] + i * stride[1]] ? c->yes + (offset[2] + i * stride[2]) * (size) \
                                                   : c->no + (offset[3] + i * stride[3]) * (size), \
           (size))

static void choose(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct choice *c = arg;

    if (c->bytes == 1)
        CHOOSE(1);
    else if (c->bytes == 2)
        CHOOSE(2);
    else if (c->bytes == 4)
        CHOOSE(4);
    else
        CHOOSE(8);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *y = ctx->out[0];
    struct choice choice = {ctx->in[CONDITION]->data, ctx->in[YES]->data, ctx->in[NO]->data,
                            y->data, fsn__dtype_bytes(y->dtype)};
    struct fsn__walk walk = fsn__walk_over(y);

    (void)err;
    walk.operands = 4;
    fsn__dense_strides(y, walk.stride[0]);
    for (int i = 0; i < 3; i++)
        fsn__broadcast_strides(ctx->in[i], y->ndim, walk.stride[1 + i]);
    fsn__walk_each(ctx->pool, &walk, choose, &choice);
    return FSN_OK;
}

struct route {
    float *d;
    const float *dy;
    const uint8_t *condition;
    bool wanted; /* the condition under which y came from this input */
};

/* Operands: d, dy, condition. */
static void route_back(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct route *r = arg;

    for (int64_t i = 0; i < n; i++)
        if ((r->condition[offset[2] + i * stride[2]] != 0) == r->wanted)
            r->d[offset[0] + i * stride[0]] += r->dy[offset[1] + i * stride[1]];
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *dy = ctx->dout[0];

    (void)err;
    for (int k = YES; k <= NO && dy; k++) {
        struct fsn__walk walk = fsn__walk_over(dy);
        struct route route;

        if (!ctx->din[k])
            continue;
        walk.operands = 3;
        fsn__broadcast_strides(ctx->din[k], dy->ndim, walk.stride[0]);
        fsn__dense_strides(dy, walk.stride[1]);
        fsn__broadcast_strides(ctx->in[CONDITION], dy->ndim, walk.stride[2]);
        route =
            (struct route){fsn__f32(ctx->din[k]), fsn__f32(dy), ctx->in[CONDITION]->data, k == YES};
        fsn__walk_sum(ctx->pool, &walk, route_back, &route);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_where = {
    .name = "Where",
    .domain = "",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << CONDITION,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
