/* test_grad_fast.c - gradients of the blocked operators (engine/kernels/op_*.c) against central
 * differences, sign and all.
 *
 * loss = sum of c_i y_i over all outputs, with fixed c. Backward runs twice: adding to gradients
 * that hold 3, and overwriting fresh ones that hold NaN; what it does not declare to read is NaN
 * as well. Lanes that are no channels stay zero and have no gradient.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "kernels/blocked.h"
#include "op_call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IN = 7, MAX_OUT = 3 };

static const float STEP = 0x1p-7F, BEFORE = 3;

/* A tensor to draw: blocked [n, ceil(c / 16), h, w, 16] (n > 0, plain not set), plain [n, c, h, w],
 * vector [ceil(c / 16) * 16] (n == 0), list of c floats (n == 0, plain), absent (c == 0). */
struct spec {
    int64_t n, c, h, w;
    bool plain;
    float scale, offset; /* of the drawn values; scale 0: 1 */
    bool frozen;         /* no gradient is wanted */
};

struct fast_case {
    const struct fsn__op *op;
    int n_out;
    struct spec in[MAX_IN];
    struct fsn__attrs attrs;
};

struct bench {
    struct fsn__op_ctx ctx;
    const struct fast_case *c;
    struct fsn__tensor in[MAX_IN], kept[MAX_IN], din[MAX_IN], out[MAX_OUT], dout[MAX_OUT];
    struct fsn__tensor *in_at[MAX_IN], *din_at[MAX_IN], *out_at[MAX_OUT], *dout_at[MAX_OUT];
};

/* In [-1, 1], at least 0.2 from zero, neighbours apart by more than two steps. */
static float draw(int64_t i, int tensor)
{
    const float v = (float)((i * 37 + i / 101 * 7 + tensor * 23) % 101 - 50) / 62.5F;

    return v < 0 ? v - 0.2F : v + 0.2F;
}

/* The channel of element i; at or past c for a lane that is none. */
static int64_t channel_of(const struct spec *s, int64_t i)
{
    if (s->plain)
        return 0;
    if (s->n == 0)
        return i;
    return i / (s->h * s->w * FSN__LANES) % fsn__channel_blocks(s->c) * FSN__LANES + i % FSN__LANES;
}

static void make(struct fsn__tensor *t, const struct spec *s, int number)
{
    const int64_t blocks = fsn__channel_blocks(s->c);

    *t = (struct fsn__tensor){.dtype = FSN__F32};
    if (s->n == 0)
        fsn__shape_set(t, FSN__F32, 1, (int64_t[]){s->plain ? s->c : blocks * FSN__LANES});
    else if (s->plain)
        fsn__shape_set(t, FSN__F32, 4, (int64_t[]){s->n, s->c, s->h, s->w});
    else
        fsn__shape_set(t, FSN__F32, 5, (int64_t[]){s->n, blocks, s->h, s->w, FSN__LANES});
    assert_int_equal(fsn__tensor_alloc(t, NULL), FSN_OK);
    for (int64_t i = 0; i < fsn__numel(t); i++)
        if (channel_of(s, i) < s->c)
            fsn__f32(t)[i] = draw(i, number) * (s->scale != 0 ? s->scale : 1) + s->offset;
}

static void open_bench(struct bench *b, const struct fast_case *c, struct fsn__pool *pool)
{
    struct fsn_error err = {.status = FSN_OK};
    size_t work = 0, saved = 0;

    *b = (struct bench){.c = c,
                        .ctx = {.op = c->op,
                                .name = "node",
                                .attrs = &c->attrs,
                                .n_out = c->n_out,
                                .pool = pool,
                                .training = true}};
    b->ctx.in = b->in_at;
    b->ctx.out = b->out_at;
    b->ctx.din = b->din_at;
    b->ctx.dout = b->dout_at;
    for (int i = 0; i < MAX_IN; i++) {
        if (c->in[i].c == 0)
            continue;
        b->ctx.n_in = i + 1;
        make(&b->in[i], &c->in[i], i);
        make(&b->kept[i], &c->in[i], i);
        b->in_at[i] = &b->in[i];
        if (c->in[i].frozen)
            continue;
        make(&b->din[i], &c->in[i], i);
        b->din_at[i] = &b->din[i];
    }
    for (int i = 0; i < c->n_out; i++)
        b->out_at[i] = &b->out[i];
    if (c->op->infer(&b->ctx, &err) != FSN_OK)
        fail_msg("refused: %s", err.text);
    for (int i = 0; i < c->n_out; i++) {
        assert_int_equal(fsn__tensor_alloc(&b->out[i], NULL), FSN_OK);
        assert_int_equal(fsn__tensor_clone(&b->dout[i], &b->out[i], NULL), FSN_OK);
        b->dout_at[i] = &b->dout[i];
    }
    if (c->op->sizes)
        c->op->sizes(&b->ctx, &work, &saved);
    b->ctx.work = fsn__aligned_calloc(work, 1);
    b->ctx.saved = fsn__aligned_calloc(saved, 1);
    assert_true(b->ctx.work && b->ctx.saved);
}

static void close_bench(struct bench *b)
{
    for (int i = 0; i < MAX_IN; i++) {
        free(b->in[i].data);
        free(b->kept[i].data);
        free(b->din[i].data);
    }
    for (int i = 0; i < MAX_OUT; i++) {
        free(b->out[i].data);
        free(b->dout[i].data);
    }
    free(b->ctx.work);
    free(b->ctx.saved);
}

/* c_i, zero where the output is zero because it is no channel: consumers have no gradient there. */
static void draw_output_gradients(struct bench *b, int64_t channels)
{
    for (int k = 0; k < b->c->n_out; k++) {
        const struct fsn__tensor *t = &b->dout[k];
        const struct spec s = {.n = t->ndim == 5 ? t->dim[0] : 0,
                               .c = channels,
                               .h = t->ndim == 5 ? t->dim[2] : 0,
                               .w = t->ndim == 5 ? t->dim[3] : 0,
                               .plain = t->ndim == 4};

        for (int64_t i = 0; i < fsn__numel(t); i++)
            fsn__f32(t)[i] = channel_of(&s, i) < channels ? draw(i, 5 + k) : 0;
    }
}

static double loss(struct bench *b)
{
    struct fsn_error err = {.status = FSN_OK};
    double sum = 0;

    if (b->ctx.op->forward(&b->ctx, &err) != FSN_OK)
        fail_msg("forward: %s", err.text);
    for (int k = 0; k < b->c->n_out; k++)
        for (int64_t i = 0; i < fsn__numel(&b->out[k]); i++)
            sum += (double)fsn__f32(&b->dout[k])[i] * (double)fsn__f32(&b->out[k])[i];
    return sum;
}

static void fill(const struct fsn__tensor *t, float value)
{
    for (int64_t i = 0; t->data && i < fsn__numel(t); i++)
        fsn__f32(t)[i] = value;
}

static void run_backward(struct bench *b, bool fresh)
{
    static const bool all[MAX_IN] = {true, true, true, true, true, true, true};
    struct fsn_error err = {.status = FSN_OK};

    (void)loss(b);
    b->ctx.fresh = fresh ? all : NULL;
    for (int i = 0; i < b->ctx.n_in; i++) {
        fill(&b->din[i], fresh ? NAN : BEFORE);
        if (!(b->ctx.op->backward_in >> i & 1))
            fill(&b->in[i], NAN);
    }
    for (int k = 0; k < b->c->n_out; k++)
        if (!(b->ctx.op->backward_out >> k & 1))
            fill(&b->out[k], NAN);
    if (b->ctx.op->backward(&b->ctx, &err) != FSN_OK)
        fail_msg("backward: %s", err.text);
    for (int i = 0; i < b->ctx.n_in; i++)
        if (b->in_at[i])
            memcpy(b->in[i].data, b->kept[i].data, fsn__tensor_bytes(&b->in[i]));
}

static void compare_input(struct bench *b, int k, float before)
{
    const struct spec *s = &b->c->in[k];

    for (int64_t i = 0; i < fsn__numel(&b->in[k]); i++) {
        const double got = (double)fsn__f32(&b->din[k])[i] - (double)before;
        float *x = &fsn__f32(&b->in[k])[i], kept = *x;
        double slope;

        if (channel_of(s, i) >= s->c) {
            if (!(fabs(got) < 1e-6))
                fail_msg("%s: a lane without channel has gradient %g", b->c->op->name, got);
            continue;
        }
        *x = kept + STEP;
        slope = loss(b);
        *x = kept - STEP;
        slope = (slope - loss(b)) / (2 * (double)STEP);
        *x = kept;
        if (!(fabs(got - slope) <= 2e-3 * fmax(1, fabs(slope))))
            fail_msg("%s, input %d, element %lld: gradient %g, slope %g", b->c->op->name, k,
                     (long long)i, got, slope);
    }
}

/* channels: of the outputs. */
static void check(const struct fast_case *c, int64_t channels)
{
    for (int threads = 1; threads <= 3; threads += 2)
        for (int fresh = 0; fresh < 2; fresh++) {
            struct fsn__pool *pool = NULL;
            struct bench b;

            assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
            open_bench(&b, c, pool);
            draw_output_gradients(&b, channels);
            run_backward(&b, fresh);
            for (int i = 0; i < b.ctx.n_in; i++)
                if (b.din_at[i])
                    compare_input(&b, i, fresh ? 0 : BEFORE);
            close_bench(&b);
            fsn__pool_destroy(pool);
        }
}

#define SIZES(images, channels, height, width) \
    .n = (images), .c = (channels), .h = (height), .w = (width)
#define MAP(...)           \
    {                      \
        SIZES(__VA_ARGS__) \
    }
#define PLAIN(...)                        \
    {                                     \
        SIZES(__VA_ARGS__), .plain = true \
    }
/* Filters so small that the sums of squares keep their digits. */
#define FILTERS(...)                                      \
    {                                                     \
        SIZES(__VA_ARGS__), .plain = true, .scale = 0.05F \
    }
#define FACTORS(count)                           \
    {                                            \
        .c = (count), .scale = 0.3F, .offset = 1 \
    }
#define SHIFTS(count)                \
    {                                \
        .c = (count), .scale = 0.03F \
    }
#define LIST(count)                 \
    {                               \
        .c = (count), .plain = true \
    }
#define NONE   \
    {          \
        .c = 0 \
    }

/* ---- layout, sums, batch norm -----------------------------------------------------------------
 */

static void borders_pass_gradients(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_pack, 1, {PLAIN(2, 19, 3, 2)}, .attrs = {0}}, 19);
    check(
        &(struct fast_case){&fsn__op_unpack, 1, {MAP(2, 19, 3, 2)}, ATTRS(ATTR_I("channels", 19))},
        19);
}

static void sums_pass_gradients(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_channel_sums, 2, {MAP(2, 17, 3, 2)}, .attrs = {0}}, 17);
    check(&(struct fast_case){&fsn__op_concat_sums,
                              1,
                              {{.c = 3}, {.c = 17}, {.c = 12}},
                              ATTRS(ATTR_INTS("channels", 3, 17, 12))},
          32);
}

static void batch_norm_coefficients_pass_gradients(void **state)
{
    const struct fast_case c = {.op = &fsn__op_bn_coef,
                                .n_out = 2,
                                .in = {{.c = 18, .plain = true, .offset = 2},
                                       LIST(18),
                                       {.c = 18, .plain = true, .frozen = true},
                                       {.c = 18, .plain = true, .frozen = true, .offset = 2},
                                       {SIZES(2, 18, 3, 2), .frozen = true},
                                       {.c = 18, .scale = 2},
                                       {.c = 18, .scale = 3, .offset = 12}}};

    (void)state;
    check(&c, 18);
}

/* ---- convolution ------------------------------------------------------------------------------
 */

#define PADS_1 ATTR_INTS("pads", 1, 1, 1, 1)

/* Large enough for Winograd in every pass. */
static void winograd_convolutions_pass_gradients(void **state)
{
    const struct fast_case plain = {
        &fsn__op_fast_conv, 1, {MAP(1, 17, 8, 7), FILTERS(5, 17, 3, 3)}, ATTRS(PADS_1)};
    const struct fast_case full = {&fsn__op_fast_conv,
                                   3,
                                   {MAP(1, 18, 8, 8),
                                    FILTERS(17, 18, 3, 3),
                                    {.c = 17, .plain = true, .scale = 0.1F},
                                    FACTORS(18),
                                    SHIFTS(18),
                                    {SIZES(1, 17, 8, 8), .scale = 0.1F}},
                                   ATTRS(PADS_1, ATTR_I("load_relu", 1))};

    (void)state;
    check(&plain, 5);
    check(&full, 17);
}

static void direct_convolutions_pass_gradients(void **state)
{
    const struct fast_case pointwise = {
        &fsn__op_fast_conv,
        3,
        {MAP(2, 20, 4, 3), PLAIN(7, 20, 1, 1), NONE, FACTORS(20), SHIFTS(20)},
        ATTRS(ATTR_INTS("strides", 2, 2), ATTR_I("load_relu", 1))};
    const struct fast_case strided = {&fsn__op_fast_conv,
                                      1,
                                      {MAP(2, 3, 6, 5), PLAIN(18, 3, 3, 3), LIST(18)},
                                      ATTRS(PADS_1, ATTR_INTS("strides", 2, 2))};
    const struct fast_case depthwise = {
        &fsn__op_fast_conv,
        3,
        {MAP(2, 16, 5, 4), PLAIN(16, 1, 3, 3), NONE, FACTORS(16), SHIFTS(16)},
        ATTRS(PADS_1, ATTR_I("group", 16), ATTR_I("load_relu", 1))};

    (void)state;
    check(&pointwise, 7);
    check(&strided, 18);
    check(&depthwise, 16);
}

/* A geometry's integers (kernels/filters.h): layout, spacing; K, C, R, S; size; grid; strides. */
#define SUMMARY_1D(spacing, k, c, r, s, length) \
    ATTR_INTS("summary", FSN_LAYOUT_1D, spacing, k, c, r, s, length, 1, 1, 1, 1, 1, 1, 1, 1)
#define SUMMARY_3D(k, c, r, s, ...) \
    ATTR_INTS("summary", FSN_LAYOUT_3D, FSN_SPACING_EVEN, k, c, r, s, __VA_ARGS__)
#define SUMMARY(count)                              \
    {                                               \
        .c = (count), .plain = true, .scale = 0.05F \
    }

static void convolutions_of_filter_summaries_pass_gradients(void **state)
{
    const struct fast_case even = {
        &fsn__op_fast_conv,
        3,
        {MAP(1, 18, 6, 5), SUMMARY(331), NONE, FACTORS(18), SHIFTS(18)},
        ATTRS(PADS_1, ATTR_I("load_relu", 1), SUMMARY_1D(FSN_SPACING_EVEN, 17, 18, 3, 3, 331))};
    const struct fast_case reference = {&fsn__op_fast_conv,
                                        1,
                                        {MAP(2, 5, 6, 5), SUMMARY(40), LIST(18)},
                                        ATTRS(PADS_1, ATTR_INTS("strides", 2, 2),
                                              SUMMARY_1D(FSN_SPACING_REFERENCE, 18, 5, 3, 3, 40))};
    const struct fast_case block = {
        &fsn__op_fast_conv,
        1,
        {MAP(2, 18, 5, 6), SUMMARY(6 * 4 * 4), LIST(12)},
        ATTRS(PADS_1, SUMMARY_3D(12, 18, 3, 3, 6, 4, 4, 3, 2, 2, 2, 2, 2))};
    const struct fast_case depthwise = {
        &fsn__op_fast_conv,
        1,
        {MAP(2, 16, 5, 4), SUMMARY(50)},
        ATTRS(PADS_1, ATTR_I("group", 16), SUMMARY_1D(FSN_SPACING_EVEN, 16, 1, 3, 3, 50))};

    (void)state;
    check(&even, 17);
    check(&reference, 18);
    check(&block, 12);
    check(&depthwise, 16);
}

static void relu_on_load_needs_no_batch_norm(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_fast_conv,
                              1,
                              {MAP(1, 6, 5, 5), PLAIN(4, 6, 3, 3)},
                              ATTRS(PADS_1, ATTR_I("load_relu", 1))},
          4);
}

/* ---- join -------------------------------------------------------------------------------------
 */

static void joins_of_one_value_pass_gradients(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_join,
                              1,
                              {MAP(2, 18, 3, 3), FACTORS(18), SHIFTS(18)},
                              ATTRS(ATTR_I("relu1", 1))},
          18);
    check(&(struct fast_case){&fsn__op_join,
                              1,
                              {MAP(2, 18, 3, 3), FACTORS(18), SHIFTS(18)},
                              ATTRS(ATTR_I("relu", 1))},
          18);
    check(&(struct fast_case){&fsn__op_join,
                              1,
                              {{SIZES(2, 18, 3, 3), .scale = 4, .offset = 0.003F}},
                              ATTRS(ATTR_I("clip", 1),
                                    {.name = "low", .type = FSN__ATTR_FLOAT, .f = 0},
                                    {.name = "high", .type = FSN__ATTR_FLOAT, .f = 2.03F})},
          18);
}

static void joins_of_two_values_pass_gradients(void **state)
{
    /* The second is the larger, so that no sum is close to Relu's corner. */
    const struct spec large = {SIZES(2, 18, 3, 3), .scale = 10};

    (void)state;
    check(&(struct fast_case){&fsn__op_join,
                              1,
                              {MAP(2, 18, 3, 3), FACTORS(18), SHIFTS(18), large},
                              ATTRS(ATTR_I("relu", 1))},
          18);
    check(&(struct fast_case){&fsn__op_join,
                              1,
                              {MAP(2, 18, 3, 3), FACTORS(18), SHIFTS(18), large, FACTORS(18),
                               SHIFTS(18)},
                              ATTRS(ATTR_I("relu1", 1), ATTR_I("relu2", 1))},
          18);
    check(
        &(struct fast_case){&fsn__op_join, 1, {MAP(2, 18, 3, 3), NONE, NONE, large}, .attrs = {0}},
        18);
}

/* ---- pooling and copies -----------------------------------------------------------------------
 */

static void pooling_passes_gradients(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_fast_max_pool,
                              1,
                              {MAP(1, 17, 5, 4)},
                              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 1),
                                    ATTR_INTS("pads", 1, 0, 1, 1))},
          17);
    check(&(struct fast_case){&fsn__op_fast_average_pool,
                              1,
                              {MAP(2, 17, 5, 4)},
                              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 1),
                                    ATTR_INTS("pads", 1, 0, 1, 1))},
          17);
    check(
        &(struct fast_case){
            &fsn__op_fast_global_pool, 1, {MAP(2, 17, 3, 3)}, ATTRS(ATTR_I("channels", 17))},
        17);
}

static void copies_pass_gradients(void **state)
{
    (void)state;
    check(&(struct fast_case){&fsn__op_channel_copy,
                              1,
                              {MAP(2, 20, 5, 4)},
                              ATTRS(ATTR_I("channels", 36), ATTR_INTS("offsets", 7),
                                    ATTR_INTS("counts", 20), ATTR_INTS("starts", 1, 0),
                                    ATTR_INTS("steps", 2, 3), ATTR_INTS("sizes", 2, 2))},
          36);
    check(&(struct fast_case){&fsn__op_channel_copy,
                              1,
                              {MAP(2, 5, 2, 3), MAP(2, 17, 2, 3), MAP(2, 16, 2, 3)},
                              ATTRS(ATTR_I("channels", 38), ATTR_INTS("offsets", 0, 5, 22),
                                    ATTR_INTS("counts", 5, 17, 16), ATTR_INTS("starts", 0, 0),
                                    ATTR_INTS("steps", 1, 1), ATTR_INTS("sizes", 2, 3))},
          38);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borders_pass_gradients),
        cmocka_unit_test(sums_pass_gradients),
        cmocka_unit_test(batch_norm_coefficients_pass_gradients),
        cmocka_unit_test(winograd_convolutions_pass_gradients),
        cmocka_unit_test(direct_convolutions_pass_gradients),
        cmocka_unit_test(convolutions_of_filter_summaries_pass_gradients),
        cmocka_unit_test(relu_on_load_needs_no_batch_norm),
        cmocka_unit_test(joins_of_one_value_pass_gradients),
        cmocka_unit_test(joins_of_two_values_pass_gradients),
        cmocka_unit_test(pooling_passes_gradients),
        cmocka_unit_test(copies_pass_gradients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
