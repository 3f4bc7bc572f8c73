/* test_kernels_choose.c - the algorithm chosen for shapes whose best one is beyond doubt, because
 * one of them takes much longer than the other (bench_conv) or does not take the shape. */
#include "conv_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum fsn__algorithm choice_of(enum fsn__pass pass, int64_t c, int64_t side, int64_t k,
                                     int64_t filter, int64_t stride, int64_t pad, int64_t groups)
{
    const struct fsn__conv_shape shape =
        conv_case_shape(8, c, side, side, k, filter, filter, stride, pad, 1, groups);

    return fsn__choose_algorithm(&shape, pass);
}

/* The one choice for all passes. */
static enum fsn__algorithm choice(int64_t c, int64_t side, int64_t k, int64_t filter,
                                  int64_t stride, int64_t pad, int64_t groups)
{
    const enum fsn__algorithm forward =
        choice_of(FSN__FORWARD, c, side, k, filter, stride, pad, groups);

    for (enum fsn__pass pass = FSN__BACKWARD_DATA; pass < FSN__PASS_COUNT; pass++)
        assert_int_equal(choice_of(pass, c, side, k, filter, stride, pad, groups), forward);
    return forward;
}

static void filters_3x3_of_stride_one_go_to_winograd(void **state)
{
    (void)state;
    assert_int_equal(choice(16, 32, 16, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 8, 64, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(512, 7, 512, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 30, 96, 3, 1, 0, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 3, 64, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(32, 5, 32, 3, 1, 1, 1), FSN__WINOGRAD);
}

static void filters_3x3_of_stride_two_go_to_winograd(void **state)
{
    (void)state;
    assert_int_equal(choice(16, 32, 32, 3, 2, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(64, 32, 128, 3, 2, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(256, 8, 512, 3, 2, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice(256, 4, 512, 3, 2, 1, 1), FSN__DIRECT); /* a quarter of a tile */
}

/* Forward sums over three channels, a fifth of the products of a whole block; the gradient of the
 * filters by Winograd would work out sixteen. */
static void first_layers_are_winograd_forward_and_direct_for_their_filters(void **state)
{
    (void)state;
    assert_int_equal(choice_of(FSN__FORWARD, 3, 32, 16, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice_of(FSN__FORWARD, 3, 32, 64, 3, 1, 1, 1), FSN__WINOGRAD);
    assert_int_equal(choice_of(FSN__BACKWARD_WEIGHTS, 3, 32, 16, 3, 1, 1, 1), FSN__DIRECT);
    assert_int_equal(choice_of(FSN__BACKWARD_WEIGHTS, 3, 32, 64, 3, 1, 1, 1), FSN__DIRECT);
    assert_int_equal(choice_of(FSN__BACKWARD_WEIGHTS, 1, 28, 32, 3, 1, 0, 1), FSN__DIRECT);
}

/* The same with the roles of channels and filters exchanged. */
static void the_data_gradient_of_few_filters_is_direct(void **state)
{
    (void)state;
    assert_int_equal(choice_of(FSN__BACKWARD_DATA, 16, 32, 3, 3, 1, 1, 1), FSN__DIRECT);
    assert_int_equal(choice_of(FSN__FORWARD, 16, 32, 3, 3, 1, 1, 1), FSN__WINOGRAD);
}

static void a_map_smaller_than_a_tile_is_direct(void **state)
{
    (void)state;
    assert_int_equal(choice(64, 1, 64, 3, 1, 1, 1), FSN__DIRECT);
}

static void what_winograd_does_not_take_is_direct(void **state)
{
    (void)state;
    assert_int_equal(choice(64, 32, 128, 3, 2, 0, 1), FSN__DIRECT);
    assert_int_equal(choice(60, 32, 120, 3, 2, 1, 1), FSN__DIRECT);
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

/* Of a unit that this CPU may lack. */
static void products_that_may_be_rounded_go_to_the_matrix_unit(void **state)
{
    struct fsn__conv_shape shape = conv_case_shape(8, 16, 32, 32, 16, 3, 3, 1, 1, 1, 1);
    struct fsn__conv_shape small = conv_case_shape(8, 512, 4, 4, 512, 3, 3, 1, 1, 1, 1);
    struct fsn__conv_shape strided = conv_case_shape(8, 16, 32, 32, 32, 3, 3, 2, 1, 1, 1);

    (void)state;
    shape.bf16 = small.bf16 = strided.bf16 = true;
    for (enum fsn__pass pass = FSN__FORWARD; pass < FSN__PASS_COUNT; pass++) {
        assert_int_equal(fsn__choose_algorithm(&shape, pass),
                         fsn__amx_usable() ? FSN__AMX : FSN__WINOGRAD);
        assert_int_equal(fsn__choose_algorithm(&small, pass), FSN__WINOGRAD);
        assert_int_equal(fsn__choose_algorithm(&strided, pass), FSN__WINOGRAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_3x3_of_stride_one_go_to_winograd),
        cmocka_unit_test(filters_3x3_of_stride_two_go_to_winograd),
        cmocka_unit_test(first_layers_are_winograd_forward_and_direct_for_their_filters),
        cmocka_unit_test(the_data_gradient_of_few_filters_is_direct),
        cmocka_unit_test(a_map_smaller_than_a_tile_is_direct),
        cmocka_unit_test(what_winograd_does_not_take_is_direct),
        cmocka_unit_test(what_neither_takes_is_im2col),
        cmocka_unit_test(products_that_may_be_rounded_go_to_the_matrix_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
