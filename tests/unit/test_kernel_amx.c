/* test_kernel_amx.c - the matrix unit's convolution against the reference in double precision: all
 * passes, all hooks, odd shapes, one to three threads. Inputs are such that nothing is rounded to
 * bfloat16 (conv_case.c), so it must be as near as a kernel in floats is. Skipped where the CPU has
 * no such unit. */
#include "conv_case.h"
#include "kernels/amx_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TOLERANCE 4e-6

static const unsigned some_hooks[] = {
    0,
    CONV_LOAD_AFFINE | CONV_LOAD_RELU | CONV_SUMS | CONV_GRAD_LOAD,
    CONV_LOAD_RELU | CONV_BIAS | CONV_RESIDUAL | CONV_STORE_RELU | CONV_ACCUMULATE,
    CONV_LOAD_AFFINE | CONV_BIAS | CONV_STORE_RELU | CONV_SUMS | CONV_GRAD_LOAD | CONV_ACCUMULATE,
    CONV_JOINED | CONV_GRAD_LOAD | CONV_GRAD_SCALE,
    CONV_JOINED | CONV_ACCUMULATE | CONV_SUMS,
};
enum { SOME_HOOKS = sizeof some_hooks / sizeof *some_hooks };

static const struct fsn__kernels *kernels(void)
{
    const struct fsn__kernels *table = fsn__kernels_at(FSN__AMX, 0);

    if (!table) {
        print_message("this CPU has no AMX\n");
        skip();
    }
    return table;
}

static void check(struct fsn__conv_shape shape, unsigned hooks)
{
    struct conv_case *test;

    shape.bf16 = true;
    test = conv_case_create(&shape, hooks);
    assert_true(fsn__amx_takes(&shape));
    for (int threads = 1; threads <= 3; threads++)
        conv_case_check(test, kernels(), threads, TOLERANCE);
    conv_case_destroy(test);
}

static void check_some(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                       int64_t pad)
{
    for (int i = 0; i < SOME_HOOKS; i++)
        check(conv_case_shape(n, c, h, w, k, r, s, 1, pad, 1, 1), some_hooks[i]);
}

static void filters_3x3_agree_with_the_reference(void **state)
{
    (void)state;
    kernels();
    check_some(2, 16, 32, 32, 16, 3, 3, 1);
    check_some(5, 32, 16, 16, 32, 3, 3, 1);
    check_some(7, 64, 8, 8, 64, 3, 3, 1);
    check_some(1, 16, 1, 1, 16, 3, 3, 1);
    check_some(3, 48, 5, 7, 80, 3, 3, 1);
    check_some(2, 3, 9, 6, 18, 3, 3, 1);
    check_some(1, 33, 12, 19, 7, 3, 3, 2);
    check_some(2, 20, 6, 5, 40, 3, 3, 0);
}

static void pointwise_filters_agree_with_the_reference(void **state)
{
    (void)state;
    kernels();
    check_some(2, 16, 4, 4, 16, 1, 1, 0);
    check_some(40, 70, 1, 1, 35, 1, 1, 0);
    check_some(1, 8, 2, 301, 15, 1, 1, 0);
}

static void any_filter_agrees_with_the_reference(void **state)
{
    (void)state;
    kernels();
    check_some(1, 5, 6, 6, 16, 5, 5, 2);
    check_some(2, 18, 8, 15, 8, 1, 5, 0);
    check_some(1, 8, 9, 3, 40, 7, 1, 0);
    check_some(1, 34, 6, 5, 8, 2, 2, 1);
    check_some(3, 2, 4, 4, 8, 4, 2, 1);
}

static void paddings_of_the_sides_may_differ(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(3, 17, 6, 7, 16, 3, 3, 1, 0, 1, 1);

    (void)state;
    kernels();
    shape.pad_top = 1; /* top 1, bottom 0; left 0, right 2 */
    shape.p = 6 + 1 - 3 + 1;
    shape.q = 7 + 2 - 3 + 1;
    for (int i = 0; i < SOME_HOOKS; i++)
        check(shape, some_hooks[i]);
}

static void every_combination_of_hooks_agrees_with_the_reference(void **state)
{
    (void)state;
    kernels();
    for (unsigned hooks = 0; hooks < CONV_HOOKS; hooks++)
        check(conv_case_shape(2, 5, 3, 4, 18, 3, 3, 1, 1, 1, 1), hooks);
}

static void maps_larger_than_a_band_agree_with_the_reference(void **state)
{
    (void)state;
    kernels();
    check(conv_case_shape(2, 65, 70, 120, 17, 3, 3, 1, 1, 1, 1), some_hooks[1]);
    check(conv_case_shape(1, 300, 130, 32, 8, 1, 3, 1, 0, 1, 1), some_hooks[3]);
    check(conv_case_shape(1, 40, 40, 301, 8, 3, 3, 1, 1, 1, 1), some_hooks[4]);
}

/* Random floats lose what lies beyond 8 bits: that is what a caller allows. */
static void inputs_are_rounded_to_bfloat16(void **state)
{
    const struct fsn__conv_shape shape = conv_case_shape(2, 32, 8, 8, 32, 3, 3, 1, 1, 1, 1);
    const struct fsn__kernels *k = kernels(); /* skips where there are none */
    struct conv_case *test = conv_case_create(&shape, some_hooks[1]);

    (void)state;
    conv_case_check(test, k, 2, 0.02);
    conv_case_destroy(test);
}

static void other_shapes_are_left_to_others(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(1, 32, 8, 8, 32, 3, 3, 2, 1, 1, 1);

    (void)state;
    assert_false(fsn__amx_takes(&shape)); /* stride */
    shape = conv_case_shape(1, 32, 8, 8, 32, 3, 3, 1, 1, 2, 1);
    assert_false(fsn__amx_takes(&shape)); /* dilation */
    shape = conv_case_shape(1, 32, 8, 8, 32, 3, 3, 1, 1, 1, 2);
    assert_false(fsn__amx_takes(&shape)); /* groups */
    shape = conv_case_shape(1, 32, 32, 32, 32, 12, 12, 1, 0, 1, 1);
    assert_false(fsn__amx_takes(&shape)); /* more than 128 taps */
    shape = conv_case_shape(1, 32, 8, 8, 32, 3, 3, 1, 3, 1, 1);
    assert_false(fsn__amx_takes(&shape)); /* a border of nothing but padding */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_3x3_agree_with_the_reference),
        cmocka_unit_test(pointwise_filters_agree_with_the_reference),
        cmocka_unit_test(any_filter_agrees_with_the_reference),
        cmocka_unit_test(paddings_of_the_sides_may_differ),
        cmocka_unit_test(every_combination_of_hooks_agrees_with_the_reference),
        cmocka_unit_test(maps_larger_than_a_band_agree_with_the_reference),
        cmocka_unit_test(inputs_are_rounded_to_bfloat16),
        cmocka_unit_test(other_shapes_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
