/* test_kernel_filters.c - the convolutions of every instruction set read their filters in a Filter
 * Summary as they read the same filters written out: the same bits forward and back. (That those
 * are right is what test_kernel_winograd and test_kernel_direct hold.) */
#include "conv_case.h"
#include "conv_reference.h"
#include "core/mem.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How filters lie: 1d of a quarter of their elements, 1d shorter than one filter, 3d with rings
 * that close in every direction, a quarter with the filters in reverse. */
enum lie { QUARTER, REFERENCE, SHORT, BLOCK, PLACED, LIES };

enum { MOST_FILTERS = 512 };
static int64_t reversed[MOST_FILTERS]; /* its last k elements: k-1 .. 0 */

static struct fsn__fs_geometry lay(enum lie lie, int64_t k, int64_t c, int64_t r, int64_t s)
{
    struct fsn__fs_geometry g = fsn__filters_plain(k, c, r, s);

    if (lie == QUARTER || lie == REFERENCE || lie == PLACED)
        g.fs_dim[0] = k * c * r * s / 4 + 1;
    if (lie == REFERENCE)
        g.spacing = FSN_SPACING_REFERENCE;
    if (lie == SHORT)
        g.fs_dim[0] = c * r * s * 2 / 3 + 1;
    if (lie == BLOCK) {
        g.layout = FSN_LAYOUT_3D;
        for (int i = 0; i < 3; i++) {
            g.grid[i] = i == 0 ? (k + 5) / 6 : 4 - i;
            g.stride[i] = i == 0 ? 1 : 2;
            g.fs_dim[i] = g.grid[i] * g.stride[i];
        }
    }
    if (lie == PLACED) {
        assert_true(k <= MOST_FILTERS);
        for (int64_t i = 0; i < MOST_FILTERS; i++)
            reversed[i] = MOST_FILTERS - 1 - i;
        g.slot = reversed + MOST_FILTERS - k;
    }
    return g;
}

static float *draw(struct fsn__rng *rng, int64_t count)
{
    float *x = fsn__aligned_calloc((size_t)count, sizeof *x);

    assert_non_null(x);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)(2 * fsn__rng_uniform(rng) - 1);
    return x;
}

struct result {
    float *z, *dx;
    int64_t z_size, dx_size;
};

static struct result run(const struct fsn__kernels *kernels, const struct fsn__conv_shape *s,
                         const struct fsn__filters *w, const float *x, const float *dz,
                         struct fsn__pool *pool)
{
    struct result out = {
        .z_size = conv_map_size(CONV_BLOCKED, s->n, s->k, s->p, s->q),
        .dx_size = conv_map_size(CONV_BLOCKED, s->n, s->c, s->h, s->w),
    };
    const size_t bytes = kernels->work(s, fsn__pool_slices(pool));
    void *work = fsn__aligned_calloc(bytes, 1);

    out.z = fsn__aligned_calloc((size_t)out.z_size, sizeof *out.z);
    out.dx = fsn__aligned_calloc((size_t)out.dx_size, sizeof *out.dx);
    assert_true(work && out.z && out.dx);
    memset(work, 0xff, bytes);
    kernels->forward(s, x, NULL, w, out.z, NULL, work, pool);
    kernels->backward(s, &(struct fsn__conv_back){.x = x, .w = w, .dz = dz, .dx = out.dx}, work,
                      pool);
    free(work);
    return out;
}

/* share: 1, or how much of the filters is the Filter Summary's. */
static void check(const struct fsn__kernels *kernels, const struct fsn__conv_shape *s, enum lie lie,
                  bool scaled, float share, int threads)
{
    const int64_t cg = s->c / s->groups, n = cg * s->r * s->s;
    struct fsn__filters summary = {.geometry = lay(lie, s->k, cg, s->r, s->s)};
    struct fsn__filters plain = {.geometry = fsn__filters_plain(s->k, cg, s->r, s->s)};
    struct fsn__rng rng = fsn__rng_open(3, FSN__RNG_TEST, (uint64_t)(s->c * 64 + s->k), lie);
    float *f = draw(&rng, fsn__fs_size(&summary.geometry)), *scale = draw(&rng, s->k);
    float *x = draw(&rng, conv_map_size(CONV_BLOCKED, s->n, s->c, s->h, s->w));
    float *dz = draw(&rng, conv_map_size(CONV_BLOCKED, s->n, s->k, s->p, s->q));
    float *w = draw(&rng, s->k * n), *base = draw(&rng, s->k * n);
    struct fsn__pool *pool = NULL;
    struct result want, got;

    assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
    fsn__fs_gather(&summary.geometry, f, w);
    for (int64_t i = 0; share < 1 && i < s->k * n; i++)
        w[i] = (1 - share) * base[i] + share * w[i];
    for (int64_t i = 0; scaled && i < s->k * n; i++)
        w[i] *= scale[i / n];
    summary.share = share;
    summary.base = share < 1 ? base : NULL;
    summary.f = f;
    summary.scale = scaled ? scale : NULL;
    plain.f = w;
    want = run(kernels, s, &plain, x, dz, pool);
    got = run(kernels, s, &summary, x, dz, pool);
    if (memcmp(got.z, want.z, (size_t)want.z_size * sizeof *want.z) != 0 ||
        memcmp(got.dx, want.dx, (size_t)want.dx_size * sizeof *want.dx) != 0)
        fail_msg("%s, K%lld C%lld %lldx%lld, %d threads, filters lie in way %d: other bits",
                 kernels->isa, (long long)s->k, (long long)s->c, (long long)s->r, (long long)s->s,
                 threads, (int)lie);
    fsn__pool_destroy(pool);
    free(want.z);
    free(want.dx);
    free(got.z);
    free(got.dx);
    free(f);
    free(scale);
    free(x);
    free(dz);
    free(w);
    free(base);
}

static void check_all(enum fsn__algorithm algorithm, const struct fsn__conv_shape *shape)
{
    for (int level = 0; fsn__isa_name(level); level++) {
        const struct fsn__kernels *kernels = fsn__kernels_at(algorithm, level);

        for (int lie = 0; kernels && lie < LIES; lie++) {
            check(kernels, shape, (enum lie)lie, false, 1, 1);
            check(kernels, shape, (enum lie)lie, true, 1, 3);
            check(kernels, shape, (enum lie)lie, false, 0.375F, 2);
            check(kernels, shape, (enum lie)lie, true, 0, 1);
        }
    }
}

static void winograd_reads_filters_where_they_lie(void **state)
{
    /* N, C, K, height, width; the last two by the way of many filters */
    static const int64_t shapes[][5] = {{1, 1, 1, 3, 3},   {2, 3, 5, 5, 4},   {1, 16, 16, 6, 5},
                                        {1, 17, 33, 4, 7}, {1, 64, 48, 4, 4}, {1, 176, 180, 5, 6},
                                        {1, 72, 410, 4, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t *s = shapes[i];
        const struct fsn__conv_shape shape =
            conv_case_shape(s[0], s[1], s[3], s[4], s[2], 3, 3, 1, 1, 1, 1);

        check_all(FSN__WINOGRAD, &shape);
    }
}

static void direct_convolutions_read_filters_where_they_lie(void **state)
{
    /* C, K, R, S, stride, padding, groups: pointwise, few channels, strided, grouped, depthwise */
    static const int64_t shapes[][7] = {{33, 40, 1, 1, 1, 0, 1}, {3, 20, 7, 7, 2, 3, 1},
                                        {4, 5, 1, 3, 1, 0, 1},   {18, 35, 3, 3, 2, 1, 1},
                                        {65, 17, 5, 2, 1, 1, 1}, {32, 32, 3, 3, 1, 1, 2},
                                        {19, 19, 3, 3, 1, 1, 19}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t *s = shapes[i];
        const struct fsn__conv_shape shape =
            conv_case_shape(2, s[0], 8, 7, s[1], s[2], s[3], s[4], s[5], 1, s[6]);

        assert_true(fsn__direct_takes(&shape));
        check_all(FSN__DIRECT, &shape);
    }
}

static void gradients_reach_a_filter_summary_alike_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int lie = 0; lie < LIES; lie++) {
        const struct fsn__fs_geometry g = lay((enum lie)lie, 13, 5, 3, 3);
        const int64_t size = fsn__fs_size(&g);
        struct fsn__rng rng = fsn__rng_open(5, FSN__RNG_TEST, (uint64_t)lie, 0);
        float *dw = draw(&rng, 13 * 45), *start = draw(&rng, size);
        float *want = draw(&rng, size), *got = draw(&rng, size);

        memcpy(want, start, (size_t)size * sizeof *want);
        fsn__fs_scatter_add(&g, dw, want);
        for (int threads = 1; threads <= 3; threads++) {
            struct fsn__pool *pool = NULL;

            assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
            memcpy(got, start, (size_t)size * sizeof *got);
            fsn__filters_scatter(&(struct fsn__filters){.geometry = g}, dw, got, pool);
            assert_memory_equal(got, want, (size_t)size * sizeof *got);
            fsn__pool_destroy(pool);
        }
        free(dw);
        free(start);
        free(want);
        free(got);
    }
}

static void the_gradient_of_blended_filters_is_their_share_of_it(void **state)
{
    const struct fsn__filters half = {
        .geometry = lay(QUARTER, 13, 5, 3, 3), .base = (float[]){0}, .share = 0.5F};
    const int64_t size = fsn__fs_size(&half.geometry), all = 13 * 5 * 9;
    struct fsn__rng rng = fsn__rng_open(9, FSN__RNG_TEST, 0, 0);
    float *dw = draw(&rng, all), *want = draw(&rng, size), *got = draw(&rng, size);

    (void)state;
    memset(want, 0, (size_t)size * sizeof *want);
    memset(got, 0, (size_t)size * sizeof *got);
    fsn__fs_scatter_add(&half.geometry, dw, want);
    fsn__filters_scatter(&half, dw, got, NULL);
    for (int64_t j = 0; j < size; j++)
        assert_true(got[j] == want[j] / 2); /* halves are exact */
    free(dw);
    free(want);
    free(got);
}

static void a_geometry_survives_as_integers(void **state)
{
    (void)state;
    for (int lie = 0; lie < LIES; lie++) {
        const struct fsn__fs_geometry g = lay((enum lie)lie, 13, 5, 3, 1);
        int64_t ints[FSN__GEOMETRY_INTS];
        struct fsn__fs_geometry back;

        fsn__geometry_to_ints(&g, ints);
        back = fsn__geometry_of_ints(ints);
        assert_int_equal(back.layout, g.layout);
        assert_int_equal(back.spacing, g.spacing);
        assert_int_equal(back.k, g.k);
        assert_int_equal(back.c, g.c);
        assert_int_equal(back.r, g.r);
        assert_int_equal(back.s, g.s);
        assert_memory_equal(back.fs_dim, g.fs_dim, sizeof g.fs_dim);
        assert_memory_equal(back.grid, g.grid, sizeof g.grid);
        assert_memory_equal(back.stride, g.stride, sizeof g.stride);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(winograd_reads_filters_where_they_lie),
        cmocka_unit_test(direct_convolutions_read_filters_where_they_lie),
        cmocka_unit_test(gradients_reach_a_filter_summary_alike_for_any_number_of_threads),
        cmocka_unit_test(the_gradient_of_blended_filters_is_their_share_of_it),
        cmocka_unit_test(a_geometry_survives_as_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
