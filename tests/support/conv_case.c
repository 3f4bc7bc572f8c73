/* conv_case.c - a convolution beside its reference. */
#include "conv_case.h"
#include "conv_reference.h"
#include "core/mem.h"
#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD_BYTES = 1024 };

/* What the passes write: z, sum, sum_sq; dx, da, db; dw. */
enum result { Z, SUM, SUM_SQ, DX, DA, DB, DW, RESULTS };
static const char *const result_names[RESULTS] = {"z", "sum", "sum_sq", "dx", "da", "db", "dw"};

struct conv_case {
    struct fsn__conv_shape shape;
    unsigned hooks;
    struct fsn__load load;
    struct fsn__store store;
    struct fsn__grad_load grad;
    struct fsn__grad_store grad_store;
    float *x, *w, *dz, *a, *b, *bias, *residual, *z, *ds1, *ds2, *scale, *joined;
    int64_t size[RESULTS];
    float *start[RESULTS];   /* what is there before the pass */
    double *expect[RESULTS]; /* the reference */
};

struct fsn__conv_shape conv_case_shape(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k,
                                       int64_t r, int64_t s, int64_t stride, int64_t pad,
                                       int64_t dilation, int64_t groups)
{
    const struct fsn__conv_shape shape = {
        .n = n,
        .c = c,
        .k = k,
        .h = h,
        .w = w,
        .p = (h + 2 * pad - (r - 1) * dilation - 1) / stride + 1,
        .q = (w + 2 * pad - (s - 1) * dilation - 1) / stride + 1,
        .r = r,
        .s = s,
        .stride_y = stride,
        .stride_x = stride,
        .dilation_y = dilation,
        .dilation_x = dilation,
        .pad_top = pad,
        .pad_left = pad,
        .groups = groups,
    };

    return shape;
}

static void *room(int64_t count, size_t size)
{
    void *memory = fsn__aligned_calloc((size_t)count, size);

    if (!memory)
        abort();
    return memory;
}

/* From -1 to 1. Where a kernel may round to bfloat16 in quarters: what hooks make of them has no
 * more than 7 bits, so that nothing is rounded. */
static float drawn(struct fsn__rng *rng, bool quarters)
{
    const double value = 2 * fsn__rng_uniform(rng) - 1;

    return (float)(quarters ? round(4 * value) / 4 : value);
}

static float *draw(const struct conv_case *t, struct fsn__rng *rng, int64_t count, int64_t real)
{
    float *values = room(count, sizeof *values);

    for (int64_t i = 0; i < real; i++)
        values[i] = drawn(rng, t->shape.bf16);
    return values;
}

static float *draw_map(const struct conv_case *t, struct fsn__rng *rng, int64_t n, int64_t c,
                       int64_t h, int64_t w)
{
    float *map = room(conv_map_size(CONV_BLOCKED, n, c, h, w), sizeof *map);

    for (int64_t i = 0; i < n * c * h * w; i++) {
        const int64_t at =
            conv_map_at(CONV_BLOCKED, c, h, w, i / (c * h * w), i / (h * w) % c, i / w % h, i % w);

        map[at] = drawn(rng, t->shape.bf16);
    }
    return map;
}

static int64_t lanes(int64_t channels)
{
    return (channels + FSN__LANES - 1) / FSN__LANES * FSN__LANES;
}

static void draw_inputs(struct conv_case *t)
{
    const struct fsn__conv_shape *s = &t->shape;
    struct fsn__rng rng = fsn__rng_open(7, FSN__RNG_TEST, (uint64_t)(s->c * 64 + s->k), t->hooks);

    t->x = draw_map(t, &rng, s->n, s->c, s->h, s->w);
    t->dz = draw_map(t, &rng, s->n, s->k, s->p, s->q);
    t->z = draw_map(t, &rng, s->n, s->k, s->p, s->q);
    t->residual = draw_map(t, &rng, s->n, s->k, s->p, s->q);
    t->w = draw(t, &rng, t->size[DW], t->size[DW]);
    t->a = draw(t, &rng, lanes(s->c), s->c);
    t->b = draw(t, &rng, lanes(s->c), s->c);
    t->bias = draw(t, &rng, lanes(s->k), s->k);
    t->ds1 = draw(t, &rng, lanes(s->k), s->k);
    t->ds2 = draw(t, &rng, lanes(s->k), s->k);
    t->scale = draw(t, &rng, lanes(s->k), s->k);
    t->joined = draw_map(t, &rng, s->n, s->c, s->h, s->w);
    for (int i = 0; i < RESULTS; i++)
        t->start[i] = room(t->size[i], sizeof *t->start[i]);
    /* Gradients are added to what is there. */
    for (int64_t i = 0; i < t->size[DW]; i++)
        t->start[DW][i] = (float)fsn__rng_uniform(&rng);
    for (int64_t c = 0; c < s->c; c++)
        t->start[DA][c] = t->start[DB][c] = (float)fsn__rng_uniform(&rng);
    free(t->start[DX]);
    t->start[DX] = draw_map(t, &rng, s->n, s->c, s->h, s->w);
}

static void set_hooks(struct conv_case *t)
{
    const unsigned hooks = t->hooks;

    if (hooks & CONV_LOAD_AFFINE) {
        t->load.a = t->a;
        t->load.b = t->b;
    }
    t->load.relu = (hooks & CONV_LOAD_RELU) != 0;
    t->store.bias = hooks & CONV_BIAS ? t->bias : NULL;
    t->store.residual = hooks & CONV_RESIDUAL ? t->residual : NULL;
    t->store.relu = (hooks & CONV_STORE_RELU) != 0;
    if (hooks & CONV_GRAD_LOAD) {
        t->grad.z = t->z;
        t->grad.ds1 = t->ds1;
        t->grad.ds2 = t->ds2;
    }
    t->grad.scale = hooks & CONV_GRAD_SCALE ? t->scale : NULL;
    t->grad_store.joined = hooks & CONV_JOINED ? t->joined : NULL;
    t->grad_store.load = &t->load;
    t->grad_store.z = t->x;
    t->grad_store.accumulate = (hooks & CONV_ACCUMULATE) != 0;
}

struct conv_case *conv_case_create(const struct fsn__conv_shape *shape, unsigned hooks)
{
    struct conv_case *t = room(1, sizeof *t);
    double **e = t->expect;

    t->shape = *shape;
    t->hooks = hooks;
    t->size[Z] = conv_map_size(CONV_BLOCKED, shape->n, shape->k, shape->p, shape->q);
    t->size[DX] = conv_map_size(CONV_BLOCKED, shape->n, shape->c, shape->h, shape->w);
    t->size[SUM] = t->size[SUM_SQ] = lanes(shape->k);
    t->size[DA] = t->size[DB] = lanes(shape->c);
    t->size[DW] = shape->k * (shape->c / shape->groups) * shape->r * shape->s;
    draw_inputs(t);
    set_hooks(t);
    for (int i = 0; i < RESULTS; i++) {
        e[i] = room(t->size[i], sizeof *e[i]);
        for (int64_t j = 0; j < t->size[i]; j++)
            e[i][j] = (double)t->start[i][j];
    }
    conv_reference_forward(CONV_BLOCKED, shape, t->x, &t->load, t->w, e[Z], &t->store, e[SUM],
                           e[SUM_SQ]);
    conv_reference_backward_data(CONV_BLOCKED, shape, t->dz, &t->grad, t->w, e[DX], &t->grad_store,
                                 e[DA], e[DB]);
    conv_reference_backward_weights(CONV_BLOCKED, shape, t->x, &t->load, t->dz, &t->grad, e[DW]);
    return t;
}

void conv_case_destroy(struct conv_case *t)
{
    float *inputs[] = {t->x,        t->w, t->dz,  t->a,   t->b,     t->bias,
                       t->residual, t->z, t->ds1, t->ds2, t->scale, t->joined};

    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        free(inputs[i]);
    for (int i = 0; i < RESULTS; i++) {
        free(t->start[i]);
        free(t->expect[i]);
    }
    free(t);
}

/* All passes into out, which begins as `start`, with a work space of noise and a guard behind it;
 * apart: the two gradients one after the other. A case without hooks has none at all: NULL. */
static void run(const struct conv_case *t, const struct fsn__kernels *kernels,
                struct fsn__pool *pool, bool apart, float *const *out)
{
    const size_t bytes = kernels->work(&t->shape, fsn__pool_slices(pool));
    struct fsn__store store = t->store;
    struct fsn__grad_store grad_store = t->grad_store;
    const struct fsn__load *load = t->hooks ? &t->load : NULL;
    const struct fsn__filters w = {
        .geometry =
            fsn__filters_plain(t->shape.k, t->shape.c / t->shape.groups, t->shape.r, t->shape.s),
        .f = t->w,
    };
    struct fsn__conv_back back = {.x = t->x,
                                  .load = load,
                                  .w = &w,
                                  .dz = t->dz,
                                  .grad = t->hooks ? &t->grad : NULL,
                                  .dx = out[DX],
                                  .store = t->hooks ? &grad_store : NULL,
                                  .dw = out[DW]};
    unsigned char *work = room((int64_t)bytes + GUARD_BYTES, 1);

    memset(work, 0xff, bytes + GUARD_BYTES);
    for (int i = 0; i < RESULTS; i++)
        memcpy(out[i], t->start[i], (size_t)t->size[i] * sizeof *out[i]);
    if (t->hooks & CONV_SUMS) {
        store.sum = out[SUM];
        store.sum_sq = out[SUM_SQ];
    }
    if (t->hooks & (CONV_LOAD_AFFINE | CONV_JOINED)) {
        grad_store.da = out[DA];
        grad_store.db = out[DB];
    }
    kernels->forward(&t->shape, t->x, load, &w, out[Z], t->hooks ? &store : NULL, work, pool);
    if (apart) {
        back.dw = NULL;
        kernels->backward(&t->shape, &back, work, pool);
        back.dw = out[DW];
        back.dx = NULL;
    }
    kernels->backward(&t->shape, &back, work, pool);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(work[bytes + i], 0xff);
    free(work);
}

static void describe(const struct conv_case *t, const struct fsn__kernels *kernels, int threads,
                     const char *what, const char *fault)
{
    const struct fsn__conv_shape *s = &t->shape;

    print_error("%s, %d threads, N%lld C%lld K%lld %lldx%lld filter %lldx%lld stride %lld pad %lld "
                "dilation %lld groups %lld, hooks %#x: %s %s\n",
                kernels->isa, threads, (long long)s->n, (long long)s->c, (long long)s->k,
                (long long)s->h, (long long)s->w, (long long)s->r, (long long)s->s,
                (long long)s->stride_y, (long long)s->pad_top, (long long)s->dilation_y,
                (long long)s->groups, t->hooks, what, fault);
}

/* Whether a result is wanted at all under the case's hooks. */
static bool wanted(const struct conv_case *t, int result)
{
    if (result == SUM || result == SUM_SQ)
        return t->hooks & CONV_SUMS;
    if (result == DA || result == DB)
        return t->hooks & (CONV_LOAD_AFFINE | CONV_JOINED);
    return true;
}

/* The largest error over the root mean square; of a sum that cancels, over its terms'. */
static double worst(const struct conv_case *t, int result, const float *got)
{
    const struct fsn__conv_shape *s = &t->shape;
    double largest = 0, square = 0, real = 0, scale;

    for (int64_t i = 0; i < t->size[result]; i++) {
        const double expect = t->expect[result][i];
        const double error = fabs((double)got[i] - expect);

        if (!(error <= largest)) /* NaN too */
            largest = error;
        square += expect * expect;
        real += expect != 0;
    }
    scale = sqrt(square / (real > 0 ? real : 1));
    if (result == SUM) {
        square = 0;
        for (int64_t i = 0; i < t->size[SUM_SQ]; i++)
            square += t->expect[SUM_SQ][i];
        scale = sqrt(square / (double)s->k * (double)(s->n * s->p * s->q));
    }
    return scale > 0 ? largest / scale : largest;
}

static bool lanes_are_zero(const float *map, int64_t channels, int64_t maps, int64_t pixels)
{
    const int64_t blocks = lanes(channels) / FSN__LANES;

    for (int64_t i = 0; i < maps * blocks * pixels * FSN__LANES; i++) {
        const int64_t c = i / (pixels * FSN__LANES) % blocks * FSN__LANES + i % FSN__LANES;

        if (c >= channels && map[i] != 0.0f)
            return false;
    }
    return true;
}

void conv_case_check(const struct conv_case *t, const struct fsn__kernels *kernels, int threads,
                     double tolerance)
{
    const struct fsn__conv_shape *s = &t->shape;
    struct fsn__pool *pool = NULL;
    float *first[RESULTS], *second[RESULTS];
    bool good = true;

    if (threads > 1)
        assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
    for (int i = 0; i < RESULTS; i++) {
        first[i] = room(t->size[i], sizeof *first[i]);
        second[i] = room(t->size[i], sizeof *second[i]);
    }
    run(t, kernels, pool, false, first);
    run(t, kernels, pool, true, second);
    for (int i = 0; i < RESULTS; i++) {
        const double error = wanted(t, i) ? worst(t, i, first[i]) : 0;
        char text[64];

        snprintf(text, sizeof text, "is off by %.2e of its size", error);
        if (!(error <= tolerance)) {
            describe(t, kernels, threads, result_names[i], text);
            good = false;
        }
        if (memcmp(first[i], second[i], (size_t)t->size[i] * sizeof *first[i]) != 0) {
            describe(t, kernels, threads, result_names[i], "has other bits the second time");
            good = false;
        }
    }
    if (!lanes_are_zero(first[Z], s->k, s->n, s->p * s->q) ||
        !lanes_are_zero(first[DX], s->c, s->n, s->h * s->w)) {
        describe(t, kernels, threads, "z or dx", "has a lane past its channels that is not zero");
        good = false;
    }
    for (int i = 0; i < RESULTS; i++) {
        free(first[i]);
        free(second[i]);
    }
    fsn__pool_destroy(pool);
    if (!good)
        fail();
}
