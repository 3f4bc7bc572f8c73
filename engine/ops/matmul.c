/* matmul.c - the shapes of a matrix product; see matmul.h. */
#include "ops/matmul.h"
#include "ops/infer.h"
#include "ops/walk.h"

/* The leading axes of a, as a shape of their own. */
static struct fsn__tensor leading_axes(const struct fsn__tensor *t)
{
    struct fsn__tensor lead = {0};

    fsn__shape_set(&lead, t->dtype, t->ndim > 2 ? t->ndim - 2 : 0, t->dim);
    return lead;
}

enum fsn_status fsn__matmul_infer(const struct fsn__op_ctx *ctx, const struct fsn__tensor *a,
                                  const struct fsn__tensor *b, enum fsn__dtype dtype,
                                  struct fsn_error *err)
{
    struct fsn__tensor lead_a, lead_b;
    int64_t dim[FSN_MAX_DIMS], m, n, k;
    int ndim;

    if (a->ndim < 1 || b->ndim < 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "it does not take scalars: shapes %s and %s",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    lead_a = leading_axes(a);
    lead_b = leading_axes(b);
    m = a->ndim > 1 ? a->dim[a->ndim - 2] : 1;
    k = a->dim[a->ndim - 1];
    n = b->ndim > 1 ? b->dim[b->ndim - 1] : 1;
    if (k != b->dim[b->ndim > 1 ? b->ndim - 2 : 0] ||
        !fsn__broadcast_shape(&lead_a, &lead_b, dim, &ndim))
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "A of shape %s and B of shape %s do not fit together", FSN__SHAPE(a),
                            FSN__SHAPE(b));
    if (k == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, FSN__LOSES_BATCH);
    if (m > INT32_MAX || n > INT32_MAX || k > INT32_MAX)
        return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "matrices of shapes %s and %s are too large",
                            FSN__SHAPE(a), FSN__SHAPE(b));
    if (a->ndim > 1)
        dim[ndim++] = m;
    if (b->ndim > 1)
        dim[ndim++] = n;
    return fsn__op_set_output(ctx, dtype, ndim, dim, err);
}

struct fsn__matmul fsn__matmul_read(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    const struct fsn__tensor lead_a = leading_axes(a), lead_b = leading_axes(b);
    struct fsn__matmul s = {.m = a->ndim > 1 ? a->dim[a->ndim - 2] : 1,
                            .n = b->ndim > 1 ? b->dim[b->ndim - 1] : 1,
                            .k = a->dim[a->ndim - 1],
                            .count = 1};

    (void)fsn__broadcast_shape(&lead_a, &lead_b, s.dim, &s.ndim); /* fits: infer has checked */
    if (lead_b.ndim == 0) {
        for (int i = 0; i < lead_a.ndim; i++)
            s.m *= lead_a.dim[i];
        s.ndim = 0;
        return s;
    }
    fsn__broadcast_strides(&lead_a, s.ndim, s.stride_a);
    fsn__broadcast_strides(&lead_b, s.ndim, s.stride_b);
    for (int i = 0; i < s.ndim; i++) {
        s.stride_a[i] *= s.m * s.k;
        s.stride_b[i] *= s.k * s.n;
        s.count *= s.dim[i];
    }
    return s;
}

void fsn__matmul_locate(const struct fsn__matmul *s, int64_t i, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int axis = s->ndim - 1; axis >= 0; axis--) {
        *a += i % s->dim[axis] * s->stride_a[axis];
        *b += i % s->dim[axis] * s->stride_b[axis];
        i /= s->dim[axis];
    }
}
