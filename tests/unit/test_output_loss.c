/* test_output_loss.c - distances of outputs from a teacher's, their gradients, and the spread that
 * they are measured by. Values are by hand, or those of PyTorch's definitions (mse_loss,
 * cosine_similarity, kl_div of log_softmax and softmax, times T^2). */
#include "train/output_loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 3, MOST = 64 };

static void assert_near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.12g, expected %.12g", got, want);
}

static double loss_of(const struct fsn__measure *m, const float *s, const float *t, int64_t images,
                      double factor, float *ds)
{
    double scratch[IMAGES + 1];

    return fsn__output_loss(m, s, t, images, factor, ds, scratch, NULL);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void mse_is_the_mean_of_squares(void **state)
{
    const struct fsn__measure m = {FSN_OUTPUT_MSE, 1, 1, 2, 1};
    const float s[] = {1, 2, 5, 5}, t[] = {0, 4, 5, 2};
    float ds[4];

    (void)state;
    /* ((1 + 4) + (0 + 9)) / 4; 2 (s - t) / 4, times 10 */
    assert_near(loss_of(&m, s, t, 2, 10, ds), 3.5, 1e-12);
    assert_near(ds[0], 5, 1e-6);
    assert_near(ds[1], -10, 1e-6);
    assert_near(ds[2], 0, 1e-6);
    assert_near(ds[3], 15, 1e-6);
}

static void cosine_is_of_all_values_of_an_image(void **state)
{
    const struct fsn__measure m = {FSN_OUTPUT_COSINE, 1, 1, 2, 1};
    const float s[] = {3, 4, 0, 2, 1, 0}, t[] = {8, 6, 0, 7, -5, 0}, nothing[2] = {0, 0};
    float ds[6];

    (void)state;
    /* (3 8 + 4 6) / (5 10) = 0.96, then 1 and -1 */
    assert_near(loss_of(&m, s, t, 1, 1, ds), 0.04, 1e-12);
    assert_near(loss_of(&m, s, t, 3, 1, ds), (0.04 + 0 + 2) / 3, 1e-12);
    assert_near(loss_of(&m, nothing, t, 1, 1, ds), 1, 0);
    assert_true(ds[0] == 0 && ds[1] == 0);
    assert_near(loss_of(&m, s, nothing, 1, 1, ds), 1, 0);
}

/* p = (3/4, 1/4), q = (1/2, 1/2): 3/4 ln 3/2 + 1/4 ln 1/2, times T^2 = 4. */
static void kl_is_of_softmaxes_at_a_temperature(void **state)
{
    const struct fsn__measure m = {FSN_OUTPUT_KL, 2, 1, 2, 1};
    const float s[] = {0, 0}, t[] = {(float)(2 * log(3)), 0};
    const double want = 4 * (0.75 * log(1.5) + 0.25 * log(0.5));
    float ds[2];

    (void)state;
    assert_near(loss_of(&m, s, t, 1, 1, ds), want, 1e-6);
    /* T^2 (q - p) / T */
    assert_near(ds[0], 2 * (0.5 - 0.75), 1e-6);
    assert_near(ds[1], 2 * (0.5 - 0.25), 1e-6);
    assert_near(loss_of(&m, t, t, 1, 1, ds), 0, 1e-12);
}

/* The same two rows, one behind the other and value by value: the mean of both. */
static void rows_of_kl_may_lie_apart(void **state)
{
    const struct fsn__measure behind = {FSN_OUTPUT_KL, 1, 2, 3, 1};
    const struct fsn__measure apart = {FSN_OUTPUT_KL, 1, 1, 3, 2};
    const float s[] = {1, 2, 3, 0, -1, 4}, t[] = {2, 0, 1, 5, 5, 5};
    const float s2[] = {1, 0, 2, -1, 3, 4}, t2[] = {2, 5, 0, 5, 1, 5};
    float ds[6], ds2[6];

    (void)state;
    assert_near(loss_of(&apart, s2, t2, 1, 1, ds2), loss_of(&behind, s, t, 1, 1, ds), 1e-12);
    for (int row = 0; row < 2; row++)
        for (int c = 0; c < 3; c++)
            assert_near(ds2[2 * c + row], ds[3 * row + c], 1e-7);
}

static void large_logits_do_not_overflow(void **state)
{
    const struct fsn__measure m = {FSN_OUTPUT_KL, 1, 1, 2, 1};
    const float s[] = {3e38f, -3e38f}, t[] = {3e38f, -3e38f};
    float ds[2];

    (void)state;
    assert_near(loss_of(&m, s, t, 1, 1, ds), 0, 0);
    assert_true(ds[0] == 0 && ds[1] == 0);
}

static void what_is_no_number_is_seen(void **state)
{
    const float s[] = {NAN, 1}, t[] = {1, 2};

    (void)state;
    for (int loss = FSN_OUTPUT_MSE; loss <= FSN_OUTPUT_KL; loss++) {
        const struct fsn__measure m = {(enum fsn_output_loss)loss, 1, 1, 2, 1};

        assert_true(isnan(loss_of(&m, s, t, 1, 1, NULL)));
    }
}

/* ---- gradients ------------------------------------------------------------------------------- */

/* Numbers of about -2..2 that are not alike. */
static void fill(float *x, int64_t n, double seed)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(2 * sin(seed + 1.7 * (double)i * (double)i + (double)i));
}

static void gradients_are_those_of_differences(void **state)
{
    (void)state;
    for (int loss = FSN_OUTPUT_MSE; loss <= FSN_OUTPUT_KL; loss++) {
        const struct fsn__measure m = {(enum fsn_output_loss)loss, 1.5, 2, 3, 2};
        const int64_t n = IMAGES * fsn__measure_values(&m);
        float s[MOST], t[MOST], ds[MOST];

        fill(s, n, 0.3);
        fill(t, n, 4.1);
        loss_of(&m, s, t, IMAGES, 1, ds);
        for (int64_t i = 0; i < n; i++) {
            const float was = s[i], step = 1e-2f;
            double up, down;

            s[i] = was + step;
            up = loss_of(&m, s, t, IMAGES, 1, NULL);
            s[i] = was - step;
            down = loss_of(&m, s, t, IMAGES, 1, NULL);
            s[i] = was;
            assert_near(ds[i], (up - down) / (2 * (double)step), 2e-5);
        }
    }
}

static void results_do_not_depend_on_slices(void **state)
{
    struct fsn__pool *pool;
    const struct fsn__measure m = {FSN_OUTPUT_KL, 4, 2, 3, 2};
    float s[MOST], t[MOST], one[MOST], more[MOST];
    double scratch[IMAGES];
    const int64_t n = IMAGES * fsn__measure_values(&m);

    (void)state;
    fill(s, n, 1);
    fill(t, n, 2);
    assert_int_equal(fsn__pool_create(2, &pool, NULL), FSN_OK);
    assert_true(fsn__output_loss(&m, s, t, IMAGES, 1, more, scratch, pool) ==
                loss_of(&m, s, t, IMAGES, 1, one));
    assert_memory_equal(one, more, (size_t)n * sizeof *one);
    fsn__pool_destroy(pool);
}

/* ---- spread ---------------------------------------------------------------------------------- */

static double spread_of(const struct fsn__measure *m, const float *t, int64_t images)
{
    const int64_t values = fsn__measure_values(m);
    struct fsn__spread spread;
    double all;

    assert_int_equal(fsn__spread_create(m, &spread, NULL), FSN_OK);
    for (int64_t i = 0; i < images; i++) /* image by image, as batches come */
        fsn__spread_add(&spread, m, t + i * values, 1);
    all = fsn__spread_of(&spread, m);
    fsn__spread_clear(&spread);
    return all;
}

/* What is said of all images alike, best: the mean of t, of t / |t|, of softmax(t / T) (here as
 * logits). */
static void say_the_best(const struct fsn__measure *m, const float *t, float *best)
{
    const int64_t values = fsn__measure_values(m);

    for (int64_t j = 0; j < values; j++) {
        double sum = 0;

        for (int i = 0; i < IMAGES; i++) {
            const float *image = t + i * values;
            double all = 0;

            if (m->loss == FSN_OUTPUT_MSE)
                sum += image[j];
            for (int64_t k = 0; m->loss == FSN_OUTPUT_COSINE && k < values; k++)
                all += (double)image[k] * image[k];
            if (m->loss == FSN_OUTPUT_COSINE)
                sum += image[j] / sqrt(all);
            for (int64_t k = 0; m->loss == FSN_OUTPUT_KL && k < values; k++)
                all += exp(image[k] / m->temperature); /* one row */
            if (m->loss == FSN_OUTPUT_KL)
                sum += exp(image[j] / m->temperature) / all;
        }
        best[j] =
            (float)(m->loss == FSN_OUTPUT_KL ? m->temperature * log(sum / IMAGES) : sum / IMAGES);
    }
}

static void spread_is_the_least_that_a_constant_misses(void **state)
{
    (void)state;
    for (int loss = FSN_OUTPUT_MSE; loss <= FSN_OUTPUT_KL; loss++) {
        const struct fsn__measure m = {(enum fsn_output_loss)loss, 2, 1, 5, 1};
        float t[IMAGES * 5], s[IMAGES * 5];

        fill(t, IMAGES * 5, 0.9);
        for (int i = 0; i < IMAGES; i++)
            say_the_best(&m, t, s + 5 * i);
        assert_near(spread_of(&m, t, IMAGES), loss_of(&m, s, t, IMAGES, 1, NULL), 1e-6);
        for (int j = 0; j < 5; j++)
            for (int sign = -1; sign <= 1; sign += 2) {
                for (int i = 0; i < IMAGES; i++)
                    s[5 * i + j] += 0.1f * (float)sign;
                assert_true(loss_of(&m, s, t, IMAGES, 1, NULL) > spread_of(&m, t, IMAGES));
                for (int i = 0; i < IMAGES; i++)
                    s[5 * i + j] -= 0.1f * (float)sign;
            }
    }
}

/* Variances 1 and 4 of two values. */
static void spread_of_mse_is_the_variance(void **state)
{
    const struct fsn__measure m = {FSN_OUTPUT_MSE, 1, 1, 2, 1};
    const float t[] = {1, 10, 3, 14};

    (void)state;
    assert_near(spread_of(&m, t, 2), 2.5, 1e-12);
}

static void what_is_always_the_same_has_no_spread(void **state)
{
    const float t[] = {0.1f, -3, 7, 0.1f, -3, 7, 0.1f, -3, 7};

    (void)state;
    for (int loss = FSN_OUTPUT_MSE; loss <= FSN_OUTPUT_KL; loss++) {
        const struct fsn__measure m = {(enum fsn_output_loss)loss, 3, 1, 3, 1};

        assert_true(spread_of(&m, t, 3) == 0);
        assert_true(spread_of(&m, t, 0) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mse_is_the_mean_of_squares),
        cmocka_unit_test(cosine_is_of_all_values_of_an_image),
        cmocka_unit_test(kl_is_of_softmaxes_at_a_temperature),
        cmocka_unit_test(rows_of_kl_may_lie_apart),
        cmocka_unit_test(large_logits_do_not_overflow),
        cmocka_unit_test(what_is_no_number_is_seen),
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(results_do_not_depend_on_slices),
        cmocka_unit_test(spread_is_the_least_that_a_constant_misses),
        cmocka_unit_test(spread_of_mse_is_the_variance),
        cmocka_unit_test(what_is_always_the_same_has_no_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
