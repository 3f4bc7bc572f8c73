/* test_histogram.c - the range that 256 levels should cover, against the samples themselves. */
#include "core/rng.h"
#include "train/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 200000 };

/* The sum of squared errors of samples in the levels of [low, high]. */
static double error_of(const float *x, double low, double high)
{
    const double scale = (high - low) / 255, zero = rint(-low / scale);
    double sum = 0;

    for (int i = 0; i < COUNT; i++) {
        const double level = fmin(fmax(rint(x[i] / scale) + zero, 0), 255);
        const double d = x[i] - (level - zero) * scale;

        sum += d * d;
    }
    return sum;
}

/* Sums of twelve uniform numbers, and one number far out on each side. */
static float *draw(float least, float largest)
{
    struct fsn__rng rng = fsn__rng_open(7, FSN__RNG_TEST, 0, 0);
    float *x = malloc(COUNT * sizeof *x);

    assert_non_null(x);
    for (int i = 0; i < COUNT; i++) {
        double sum = -6;

        for (int j = 0; j < 12; j++)
            sum += fsn__rng_uniform(&rng);
        x[i] = (float)sum;
    }
    x[10] = least;
    x[COUNT / 2] = largest;
    return x;
}

static void what_lies_far_out_is_cut_where_that_pays(void **state)
{
    struct fsn__histogram *h = calloc(1, sizeof *h);
    float *x = draw(-9, 14), range[2];
    double chosen, best = INFINITY;

    (void)state;
    assert_true(fsn__histogram_add(h, x, COUNT));
    assert_true(h->least == -9 && h->largest == 14);
    fsn__histogram_range(h, range);
    assert_true(range[0] > -9 && range[0] < -3 && range[1] > 3 && range[1] < 14);
    chosen = error_of(x, range[0], range[1]);
    for (double low = -9; low < -1; low += 0.25)
        for (double high = 1; high <= 14; high += 0.5)
            best = fmin(best, error_of(x, low, high));
    assert_true(chosen < error_of(x, -9, 14));
    assert_true(chosen < 1.02 * best);
    free(x);
    free(h);
}

static void numbers_on_one_side_of_zero_keep_the_other_end_at_it(void **state)
{
    static const float some[4] = {0, 0.5F, 1, 2}, none[3] = {0, 0, 0};
    struct fsn__histogram *h = calloc(1, sizeof *h);
    float range[2];

    (void)state;
    assert_true(fsn__histogram_add(h, none, 3));
    fsn__histogram_range(h, range);
    assert_true(range[0] == 0 && range[1] == 0);
    assert_true(fsn__histogram_add(h, some, 4));
    assert_int_equal(h->zeros, 4);
    fsn__histogram_range(h, range);
    assert_true(range[0] == 0 && range[1] > 1.9F && range[1] <= 2);
    free(h);
}

static void bins_are_the_same_in_whatever_order_numbers_come(void **state)
{
    struct fsn__histogram *rising = calloc(1, sizeof *rising), *falling = calloc(1, sizeof *rising);
    float small[1000], large[3] = {300, -1000, 4e-30F};

    (void)state;
    for (int i = 0; i < 1000; i++)
        small[i] = (float)(i - 400) / 128;
    assert_true(fsn__histogram_add(rising, small, 1000));
    assert_true(rising->width < 0.01);
    assert_true(fsn__histogram_add(rising, large, 3));
    assert_true(fsn__histogram_add(falling, large, 3));
    assert_true(fsn__histogram_add(falling, small, 1000));
    assert_true(rising->width == 0.5); /* 1000 / 2048, to the next power of two */
    assert_memory_equal(rising, falling, sizeof *rising);
    free(rising);
    free(falling);
}

static void what_is_not_a_number_is_refused(void **state)
{
    static const float odd[3][2] = {{1, NAN}, {INFINITY, 1}, {-INFINITY, 0}};
    struct fsn__histogram *h = calloc(1, sizeof *h);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_false(fsn__histogram_add(h, odd[i], 2));
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_far_out_is_cut_where_that_pays),
        cmocka_unit_test(numbers_on_one_side_of_zero_keep_the_other_end_at_it),
        cmocka_unit_test(bins_are_the_same_in_whatever_order_numbers_come),
        cmocka_unit_test(what_is_not_a_number_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
