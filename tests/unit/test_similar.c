/* test_similar.c - edit distances worked out by hand. */
#include "fsnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void distances_are_the_fewest_edits(void **state)
{
    (void)state;
    assert_int_equal(fsn_edit_distance("", ""), 0);
    assert_int_equal(fsn_edit_distance("conv1", "conv1"), 0);
    assert_int_equal(fsn_edit_distance("conv1", "conv2"), 1);
    assert_int_equal(fsn_edit_distance("conv", "conv1"), 1);
    assert_int_equal(fsn_edit_distance("conv1", "onv1"), 1);
    assert_int_equal(fsn_edit_distance("", "abc"), 3);
    assert_int_equal(fsn_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(fsn_edit_distance("sitting", "kitten"), 3);
    assert_int_equal(fsn_edit_distance("ab", "ba"), 2);
}

static void a_name_that_is_too_long_is_like_nothing(void **state)
{
    char text[FSN_SIMILAR_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof text);
    text[FSN_SIMILAR_MAX] = '\0';
    assert_int_equal(fsn_edit_distance(text, "a"), FSN_SIMILAR_MAX - 1);
    text[FSN_SIMILAR_MAX] = 'a';
    text[FSN_SIMILAR_MAX + 1] = '\0';
    assert_true(fsn_edit_distance(text, "a") == SIZE_MAX);
    assert_true(fsn_edit_distance("a", text) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_the_fewest_edits),
        cmocka_unit_test(a_name_that_is_too_long_is_like_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
