/*
 * test_op_batch_norm.c - BatchNormalization by its formula, on numbers whose roots come out even.
 *
 * Channel 0 of X is 1 3 5 7: mean 4, population variance 5; channel 1 is 0 0 8 8: mean 4, variance
 * 16. With epsilon 4 and 9 the roots are 3 and 5.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#include <math.h>

#define N FSN_BATCH
#define X F32((2, 2, 2), 1, 3, 0, 0, 5, 7, 8, 8)
#define SCALE F32((2), 3, -6)
#define BIAS F32((2), 10, 1)
#define MEAN F32((2), 2, -1)
#define VAR F32((2), 5, 12)

static void inference_uses_the_running_statistics(void **state)
{
    (void)state; /* y = 3 (x - 2) / 3 + 10 and -6 (x + 1) / 4 + 1 */
    op_expect(&(struct op_call){"BatchNormalization", IN(X, SCALE, BIAS, MEAN, VAR),
                                ATTRS(ATTR_F("epsilon", 4))},
              F32((2, 2, 2), 9, 11, -0.5f, -0.5f, 13, 15, -12.5f, -12.5f));
}

/* Elements of out within 1e-6 of want. */
static void assert_close(const struct fsn__tensor *got, const float *want, int64_t n)
{
    assert_int_equal(fsn__numel(got), n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(fsn__f32(got)[i] - want[i]) <= 1e-6f * fmaxf(1, fabsf(want[i]))))
            fail_msg("element %lld is %.9g, expected %.9g", (long long)i, (double)fsn__f32(got)[i],
                     (double)want[i]);
}

/* y = 3 (x - 4) / 3 + 10 and -6 (x - 4) / sqrt(20) + 1 */
static void assert_batch_statistics(const struct fsn__tensor *y)
{
    const float d = (float)(24 / sqrt(20));

    assert_close(y, (const float[]){7, 9, 1 + d, 1 + d, 11, 13, 1 - d, 1 - d}, 8);
}

static void training_normalises_by_the_batch_and_updates_in_place(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        struct op_run run = {.n_out = 1, .training = true, .threads = threads};

        op_run(&run, &(struct op_call){"BatchNormalization", IN(X, SCALE, BIAS, MEAN, VAR),
                                       ATTRS(ATTR_F("epsilon", 4), ATTR_F("momentum", 0.75f))});
        assert_batch_statistics(&run.out[0]);
        /* running = 0.75 running + 0.25 batch, the variance the population's */
        assert_close(&run.in[3], (const float[]){2.5f, 0.25f}, 2);
        assert_close(&run.in[4], (const float[]){5, 13}, 2);
        op_run_free(&run);
    }
}

static void momentum_is_nine_tenths_by_default(void **state)
{
    struct op_run run = {.n_out = 1, .training = true};

    (void)state;
    op_run(&run, &(struct op_call){"BatchNormalization", IN(X, SCALE, BIAS, MEAN, VAR)});
    assert_close(&run.in[3], (const float[]){2.2f, -0.5f}, 2);
    assert_close(&run.in[4], (const float[]){5, 12.4f}, 2);
    op_run_free(&run);
}

static void training_mode_outside_training_leaves_its_inputs(void **state)
{
    struct op_run run = {.n_out = 3};

    (void)state;
    op_run(&run, &(struct op_call){"BatchNormalization", IN(X, SCALE, BIAS, MEAN, VAR),
                                   ATTRS(ATTR_F("epsilon", 4), ATTR_F("momentum", 0.75f),
                                         ATTR_I("training_mode", 1))});
    assert_batch_statistics(&run.out[0]);
    assert_close(&run.out[1], (const float[]){2.5f, 0.25f}, 2);
    assert_close(&run.out[2], (const float[]){5, 13}, 2);
    assert_close(&run.in[3], (const float[]){2, -1}, 2);
    assert_close(&run.in[4], (const float[]){5, 12}, 2);
    op_run_free(&run);
}

/* x alternates 4096 +- 1/64 over 1201 pairs a row: a variance taken as E x^2 - (E x)^2 in float
 * would be lost. y is +-1 / sqrt(1 + 4096 epsilon). */
static void a_mean_far_from_zero_costs_no_accuracy(void **state)
{
    enum { PAIRS = 1201 };
    static float x[4 * PAIRS];
    const struct fsn__tensor in = {.ndim = 3, .dim = {2, 1, 2 * PAIRS}, .data = x};
    struct op_run run = {.n_out = 1, .training = true};

    (void)state;
    for (int i = 0; i < 4 * PAIRS; i++)
        x[i] = 4096 + (i % 2 ? 1.0f : -1.0f) / 64;
    op_run(&run, &(struct op_call){"BatchNormalization",
                                   IN(in, F32((1), 1), F32((1), 0), F32((1), 0), F32((1), 0)),
                                   ATTRS(ATTR_F("epsilon", 0x1p-14f), ATTR_F("momentum", 0))});
    for (int i = 0; i < 4 * PAIRS; i++)
        assert_true(fabs((double)fsn__f32(&run.out[0])[i] - (i % 2 ? 1 : -1) / sqrt(1.25)) < 1e-5);
    assert_close(&run.in[3], (const float[]){4096}, 1);
    assert_close(&run.in[4], (const float[]){0x1p-12f}, 1);
    op_run_free(&run);
}

static void a_matrix_has_one_element_a_channel_and_image(void **state)
{
    (void)state;
    op_expect(&(struct op_call){"BatchNormalization", IN(F32((1, 2), 5, 8), SCALE, BIAS, MEAN, VAR),
                                ATTRS(ATTR_F("epsilon", 4))},
              F32((1, 2), 13, -12.5f));
    op_expect(&(struct op_call){"BatchNormalization",
                                IN(SHAPE(F32, (N, 2, 4, 4)), SCALE, BIAS, MEAN, VAR)},
              SHAPE(F32, (N, 2, 4, 4)));
}

static void shapes_and_types_that_do_not_fit_are_refused(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 2, 4, 4));

    (void)state;
    op_refuse(&(struct op_call){"BatchNormalization", IN(x, SHAPE(F32, (3)), BIAS, MEAN, VAR)},
              FSN_SHAPE, "BatchNormalization 'node': scale has shape [3], input has 2 channels");
    op_refuse(&(struct op_call){"BatchNormalization", IN(x, SCALE, BIAS, MEAN, SHAPE(F32, (2, 1)))},
              FSN_SHAPE, "running variance has shape [2,1], input has 2 channels");
    op_refuse(&(struct op_call){"BatchNormalization", IN(x, SCALE, BIAS, SHAPE(F64, (2)), VAR)},
              FSN_UNSUPPORTED, "its running mean is float64, only float32 is supported");
    op_refuse(&(struct op_call){"BatchNormalization", IN(SHAPE(F32, (2)), SCALE, BIAS, MEAN, VAR)},
              FSN_SHAPE, "its input has shape [2], expected batch, channels, ...");
    op_refuse(&(struct op_call){"BatchNormalization", IN(x, SCALE, BIAS, MEAN, VAR),
                                ATTRS(ATTR_I("spatial", 0))},
              FSN_UNSUPPORTED, "spatial = 0 is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_uses_the_running_statistics),
        cmocka_unit_test(training_normalises_by_the_batch_and_updates_in_place),
        cmocka_unit_test(momentum_is_nine_tenths_by_default),
        cmocka_unit_test(training_mode_outside_training_leaves_its_inputs),
        cmocka_unit_test(a_mean_far_from_zero_costs_no_accuracy),
        cmocka_unit_test(a_matrix_has_one_element_a_channel_and_image),
        cmocka_unit_test(shapes_and_types_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
