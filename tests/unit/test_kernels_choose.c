/* test_kernels_choose.c - the algorithm chosen for shapes whose best one is beyond doubt, because
 * one of them does several times the work of the other or does not take the shape. */
#include "conv_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum fsn__algorithm choice(int64_t c, int64_t side, int64_t k, int64_t filter,
                                  int64_t stride, int64_t pad, int64_t groups)
{
    const struct fsn__conv_shape shape =
        conv_case_shape(8, c, side, side, k, filter, filter, stride, pad, 1, groups);

    return fsn__choose_algorithm(&shape);
}

static void filters_3x3_of_stride_one_go_to_winograd(void **state)
{
    (void)state;
    assert_int_equal(choice(16, 32, 16, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 8, 64, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(512, 7, 512, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 30, 96, 3, 1, 0, 1), FSN__WINOGRAD);
}

static void first_layers_are_direct(void **state)
{
    (void)state;
    assert_int_equal(choice(3, 32, 16, 3, 1, 1, 1), FSN__DIRECT);
    assert_int_equal(choice(3, 32, 64, 3, 1, 1, 1), FSN__DIRECT);
    assert_int_equal(choice(1, 28, 32, 3, 1, 1, 1), FSN__DIRECT);
}

static void a_map_smaller_than_a_tile_is_direct(void **state)
{
    (void)state;
    assert_int_equal(choice(64, 1, 64, 3, 1, 1, 1), FSN__DIRECT);
}

static void what_winograd_does_not_take_is_direct(void **state)
{
    (void)state;
    assert_int_equal(choice(64, 32, 128, 3, 2, 1, 1), FSN__DIRECT);
    assert_int_equal(choice(64, 32, 256, 1, 1, 0, 1), FSN__DIRECT);
    assert_int_equal(choice(64, 32, 128, 1, 2, 0, 1), FSN__DIRECT);
    assert_int_equal(choice(3, 224, 64, 7, 2, 3, 1), FSN__DIRECT);
    assert_int_equal(choice(96, 16, 96, 3, 1, 1, 96), FSN__DIRECT);
    assert_int_equal(choice(64, 16, 64, 3, 1, 1, 4), FSN__DIRECT);
}

static void what_neither_takes_is_im2col(void **state)
{
    (void)state;
    assert_int_equal(choice(64, 16, 64, 3, 1, 1, 8), FSN__IM2COL);
    assert_int_equal(choice(16, 40, 16, 13, 1, 0, 1), FSN__IM2COL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_3x3_of_stride_one_go_to_winograd),
        cmocka_unit_test(first_layers_are_direct),
        cmocka_unit_test(a_map_smaller_than_a_tile_is_direct),
        cmocka_unit_test(what_winograd_does_not_take_is_direct),
        cmocka_unit_test(what_neither_takes_is_im2col),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
