/* test_op_filter_summary.c - W[k] = (F[idx_k] - zero) * scale[k] for every kind of input. */
#include "ops/fs_geometry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { K = 5, C = 2, R = 3, S = 3, N = C * R * S, L = 23 };

/* One FilterSummary node of layout 1d and its tensors. */
struct node {
    struct fsn__attr item[2];
    int64_t shape[4];
    struct fsn__attrs attrs;
    struct fsn__tensor f, scale, zero, base, share, offset, w, dw, df, doffset;
    struct fsn__tensor *in[FSN__FS_INPUTS], *out[1], *din[FSN__FS_INPUTS], *dout[1];
    struct fsn__op_ctx ctx;
    float bases[K * N], share_value;
    float values[L], dvalues[L], scales[K], offsets[K], doffsets[K], zero_value, filters[K * N],
        dfilters[K * N];
    float work[64];
    uint8_t levels[L];
};

static void set_up(struct node *n)
{
    memset(n, 0, sizeof *n);
    memcpy(n->shape, (int64_t[]){K, C, R, S}, sizeof n->shape);
    n->item[0] = (struct fsn__attr){.name = "layout", .type = FSN__ATTR_STRING, .s = "1d"};
    n->item[1] =
        (struct fsn__attr){.name = "shape", .type = FSN__ATTR_INTS, .count = 4, .ints = n->shape};
    n->attrs = (struct fsn__attrs){.count = 2, .item = n->item};
    for (int i = 0; i < L; i++) {
        n->values[i] = (float)(i * 7 % 19) - 9;
        n->levels[i] = (uint8_t)(i * 37 % 256);
        n->dvalues[i] = 1; /* gradients are added to what is there */
    }
    for (int i = 0; i < K; i++)
        n->scales[i] = 0.5F * (float)(i - 1);
    for (int i = 0; i < K * N; i++)
        n->dfilters[i] = (float)(i * 5 % 23) - 11;
    n->zero_value = 4;
    for (int i = 0; i < K * N; i++)
        n->bases[i] = (float)(i * 3 % 29) - 14;
    n->share_value = 0.25F;
    memcpy(n->offsets, (float[]){0.25F, -1.5F, 0, 30.75F, -60}, sizeof n->offsets);
    for (int i = 0; i < K; i++)
        n->doffsets[i] = 2;
    fsn__shape_set(&n->offset, FSN__F32, 1, (int64_t[]){K});
    n->offset.data = n->offsets;
    n->doffset = n->offset;
    n->doffset.data = n->doffsets;
    fsn__shape_set(&n->base, FSN__F32, 4, n->shape);
    n->base.data = n->bases;
    fsn__shape_set(&n->share, FSN__F32, 0, NULL);
    n->share.data = &n->share_value;
    fsn__shape_set(&n->f, FSN__F32, 1, (int64_t[]){L});
    n->f.data = n->values;
    n->df = n->f;
    n->df.data = n->dvalues;
    fsn__shape_set(&n->scale, FSN__F32, 1, (int64_t[]){K});
    n->scale.data = n->scales;
    fsn__shape_set(&n->zero, FSN__F32, 0, NULL);
    n->zero.data = &n->zero_value;
    n->in[0] = &n->f;
    n->out[0] = &n->w;
    n->din[0] = &n->df;
    n->dout[0] = &n->dw;
    n->ctx = (struct fsn__op_ctx){.op = &fsn__op_filter_summary,
                                  .name = "layer",
                                  .attrs = &n->attrs,
                                  .n_in = FSN__FS_INPUTS,
                                  .n_out = 1,
                                  .in = n->in,
                                  .out = n->out,
                                  .din = n->din,
                                  .dout = n->dout,
                                  .work = n->work};
}

static void infer(struct node *n)
{
    struct fsn_error err = {.status = FSN_OK};
    size_t work, saved;

    if (fsn__op_filter_summary.infer(&n->ctx, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(n->w.dtype, FSN__F32);
    assert_int_equal(n->w.ndim, 4);
    assert_memory_equal(n->w.dim, n->shape, sizeof n->shape);
    fsn__op_filter_summary.sizes(&n->ctx, &work, &saved);
    assert_true(work <= sizeof n->work);
    n->dw = n->w;
    n->w.data = n->filters;
    n->dw.data = n->dfilters;
}

static void forward(struct node *n)
{
    struct fsn_error err = {.status = FSN_OK};

    infer(n);
    if (fsn__op_filter_summary.forward(&n->ctx, &err) != FSN_OK)
        fail_msg("%s", err.text);
}

/* Element i of F without end, minus the zero. */
static float element(const struct node *n, int i)
{
    const int at = (i % L + L) % L;
    const float x = n->f.dtype == FSN__U8 ? n->levels[at] : n->values[at];

    return n->in[2] ? x - n->zero_value : x;
}

/* The formula, with what is absent left out. */
static float expected(const struct node *n, int k, int e)
{
    const float offset = n->in[FSN__FS_OFFSET] ? n->offsets[k] : 0, part = offset - floorf(offset);
    const int at = k * L / K + e + (int)floorf(offset);
    float x = (1 - part) * element(n, at) + part * element(n, at + 1);

    if (n->in[3])
        x = (1 - n->share_value) * n->bases[k * N + e] + n->share_value * x;
    if (n->in[1])
        x *= n->scales[n->scale.dim[0] == 1 ? 0 : k];
    return x;
}

static void assert_forward(struct node *n)
{
    forward(n);
    for (int k = 0; k < K; k++)
        for (int e = 0; e < N; e++)
            assert_true(n->filters[k * N + e] == expected(n, k, e));
}

static void forward_follows_the_formula_for_every_combination_of_inputs(void **state)
{
    (void)state;
    for (int i = 0; i < 48; i++) {
        const bool levels = i & 1, zero = i & 2, blended = i & 4;
        const int scale = i / 8 % 3; /* none, one, one a filter */
        struct node n;

        set_up(&n);
        if (levels) {
            n.f.dtype = FSN__U8;
            n.f.data = n.levels;
        }
        if (scale == 1)
            n.scale.dim[0] = 1;
        n.in[1] = scale > 0 ? &n.scale : NULL;
        n.in[2] = zero ? &n.zero : NULL;
        n.in[3] = blended ? &n.base : NULL;
        n.in[4] = blended ? &n.share : NULL;
        n.in[FSN__FS_OFFSET] = i >= 24 ? &n.offset : NULL;
        assert_forward(&n);
    }
}

static void absent_inputs_may_also_be_missing_from_the_list(void **state)
{
    struct node n;

    (void)state;
    set_up(&n);
    n.ctx.n_in = 1;
    assert_forward(&n);
}

static void the_thread_count_does_not_change_the_result(void **state)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__pool *pool = NULL;
    struct node one, many;

    (void)state;
    set_up(&one);
    set_up(&many);
    one.in[1] = &one.scale;
    many.in[1] = &many.scale;
    assert_int_equal(fsn__pool_create(3, &pool, &err), FSN_OK);
    many.ctx.pool = pool;
    forward(&one);
    forward(&many);
    assert_memory_equal(one.filters, many.filters, sizeof one.filters);
    fsn__pool_destroy(pool);
}

static void backward_adds_the_scaled_gradient_at_each_place(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int scale = i % 3;
        const bool blended = i >= 3;
        struct fsn_error err = {.status = FSN_OK};
        float want[L];
        struct node n;

        set_up(&n);
        if (scale == 1)
            n.scale.dim[0] = 1;
        n.in[1] = scale > 0 ? &n.scale : NULL;
        n.in[3] = blended ? &n.base : NULL;
        n.in[4] = blended ? &n.share : NULL;
        infer(&n);
        for (int j = 0; j < L; j++)
            want[j] = 1;
        for (int k = 0; k < K; k++)
            for (int e = 0; e < N; e++)
                want[(k * L / K + e) % L] += n.dfilters[k * N + e] *
                                             (scale ? n.scales[scale == 1 ? 0 : k] : 1) *
                                             (blended ? n.share_value : 1);
        assert_int_equal(fsn__op_filter_summary.backward(&n.ctx, &err), FSN_OK);
        assert_memory_equal(n.dvalues, want, sizeof want); /* halves and wholes: exact */
    }
}

/* Each weight goes to two elements, and the offset gets its share of the slope between them. */
static void backward_of_filters_between_elements_is_that_of_the_interpolation(void **state)
{
    (void)state;
    for (int which = 1; which <= 3; which++) { /* dF, the offsets' gradient, both are wanted */
        struct fsn_error err = {.status = FSN_OK};
        float want[L], slope[K];
        struct node n;

        set_up(&n);
        n.in[FSN__FS_SCALE] = &n.scale;
        n.in[FSN__FS_OFFSET] = &n.offset;
        n.din[FSN__FS_F] = which & 1 ? &n.df : NULL;
        n.din[FSN__FS_OFFSET] = which & 2 ? &n.doffset : NULL;
        infer(&n);
        for (int j = 0; j < L; j++)
            want[j] = 1;
        for (int k = 0; k < K; k++) {
            const float part = n.offsets[k] - floorf(n.offsets[k]);

            slope[k] = 2;
            for (int e = 0; e < N; e++) {
                const int at = k * L / K + e + (int)floorf(n.offsets[k]) + 10 * L;
                const float d = n.scales[k] * n.dfilters[k * N + e];

                want[at % L] += (1 - part) * d;
                want[(at + 1) % L] += part * d;
                slope[k] += d * (element(&n, at + 1) - element(&n, at));
            }
        }
        assert_int_equal(fsn__op_filter_summary.backward(&n.ctx, &err), FSN_OK);
        for (int j = 0; j < L; j++)
            assert_true(n.dvalues[j] == (which & 1 ? want[j] : 1)); /* quarters: exact */
        for (int k = 0; k < K; k++)
            assert_true(n.doffsets[k] == (which & 2 ? slope[k] : 2));
    }
}

static void a_location_that_is_no_number_is_refused(void **state)
{
    struct fsn_error err = {.status = FSN_OK};
    struct node n;

    (void)state;
    set_up(&n);
    n.in[FSN__FS_OFFSET] = &n.offset;
    n.offsets[3] = INFINITY;
    infer(&n);
    assert_int_equal(fsn__op_filter_summary.forward(&n.ctx, &err), FSN_DIVERGED);
    assert_non_null(strstr(err.text, "the location of filter 3 is not a finite number"));
}

static void backward_without_a_gradient_to_give_or_take_does_nothing(void **state)
{
    struct fsn_error err = {.status = FSN_OK};
    struct node n;

    (void)state;
    set_up(&n);
    infer(&n);
    n.dout[0] = NULL;
    assert_int_equal(fsn__op_filter_summary.backward(&n.ctx, &err), FSN_OK);
    n.dout[0] = &n.dw;
    n.din[0] = NULL;
    assert_int_equal(fsn__op_filter_summary.backward(&n.ctx, &err), FSN_OK);
    for (int j = 0; j < L; j++)
        assert_true(n.dvalues[j] == 1);
}

static void filters_that_are_wholly_the_summarys_do_not_look_at_the_base(void **state)
{
    struct node n;

    (void)state;
    set_up(&n);
    n.in[3] = &n.base;
    n.in[4] = &n.share;
    n.share_value = 1;
    for (int i = 0; i < K * N; i++)
        n.bases[i] = NAN;
    forward(&n);
    n.in[3] = n.in[4] = NULL;
    for (int k = 0; k < K; k++)
        for (int e = 0; e < N; e++)
            assert_true(n.filters[k * N + e] == expected(&n, k, e));
}

static void assert_refused(struct node *n, const char *part)
{
    struct fsn_error err = {.status = FSN_OK};

    assert_int_not_equal(fsn__op_filter_summary.infer(&n->ctx, &err), FSN_OK);
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void inputs_of_the_wrong_kind_are_refused_by_name(void **state)
{
    struct node n;

    (void)state;
    set_up(&n);
    n.f.dtype = FSN__I64;
    assert_refused(&n, "FilterSummary 'layer': F is int64");
    set_up(&n);
    n.in[1] = &n.scale;
    n.scale.dim[0] = K - 1;
    assert_refused(&n, "scale must be float32 [1] or [5], is float32 [4]");
    n.scale.dim[0] = K;
    n.scale.dtype = FSN__F64;
    assert_refused(&n, "is float64 [5]");
    set_up(&n);
    n.in[3] = &n.base;
    assert_refused(&n, "only base is there");
    n.in[3] = NULL;
    n.in[4] = &n.share;
    assert_refused(&n, "only the share is there");
    n.in[3] = &n.base;
    n.base.dim[1] = C + 1;
    assert_refused(&n, "base must be float32 like the filters, is float32 [5,3,3,3]");
    n.base.dim[1] = C;
    n.share.ndim = 1;
    n.share.dim[0] = 2;
    assert_refused(&n, "the share must be one float32, is float32 [2]");
    set_up(&n);
    n.in[2] = &n.scale;
    assert_refused(&n, "zero must be one float32, is float32 [5]");
    set_up(&n);
    n.in[FSN__FS_OFFSET] = &n.offset;
    n.offset.dim[0] = K + 1;
    assert_refused(&n, "offset must be float32 [5], is float32 [6]");
    n.offset.dim[0] = K;
    n.offset.dtype = FSN__I64;
    assert_refused(&n, "offset must be float32 [5], is int64 [5]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_follows_the_formula_for_every_combination_of_inputs),
        cmocka_unit_test(absent_inputs_may_also_be_missing_from_the_list),
        cmocka_unit_test(the_thread_count_does_not_change_the_result),
        cmocka_unit_test(filters_that_are_wholly_the_summarys_do_not_look_at_the_base),
        cmocka_unit_test(backward_adds_the_scaled_gradient_at_each_place),
        cmocka_unit_test(backward_of_filters_between_elements_is_that_of_the_interpolation),
        cmocka_unit_test(a_location_that_is_no_number_is_refused),
        cmocka_unit_test(backward_without_a_gradient_to_give_or_take_does_nothing),
        cmocka_unit_test(inputs_of_the_wrong_kind_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
