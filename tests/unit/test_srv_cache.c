/* test_srv_cache.c - what is kept, what goes first, and that a thing has one holder. */
#include "base/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Things are letters; freed ones are counted. */
static char letters[] = "abc";
static int freed[3];

static void free_letter(void *thing)
{
    freed[(char *)thing - letters]++;
}

static struct srv_cache *new_cache(int64_t bytes)
{
    struct srv_cache *cache = NULL;

    for (int i = 0; i < 3; i++)
        freed[i] = 0;
    assert_int_equal(srv_cache_create(bytes, &cache, NULL), FSN_OK);
    return cache;
}

static void a_thing_is_taken_by_one_alone(void **state)
{
    struct srv_cache *cache = new_cache(10);

    (void)state;
    assert_null(srv_cache_take(cache, "a"));
    srv_cache_give(cache, "a", &letters[0], 4, free_letter);
    assert_null(srv_cache_take(cache, "b"));
    assert_ptr_equal(srv_cache_take(cache, "a"), &letters[0]);
    assert_null(srv_cache_take(cache, "a"));
    srv_cache_give(cache, "a", &letters[0], 4, free_letter);
    assert_int_equal(freed[0], 0);
    srv_cache_destroy(cache);
    assert_int_equal(freed[0], 1);
}

static void what_was_used_longest_ago_goes_first(void **state)
{
    struct srv_cache *cache = new_cache(10);

    (void)state;
    srv_cache_give(cache, "a", &letters[0], 5, free_letter);
    srv_cache_give(cache, "b", &letters[1], 5, free_letter);
    srv_cache_give(cache, "a", srv_cache_take(cache, "a"), 5, free_letter);
    srv_cache_give(cache, "c", &letters[2], 5, free_letter);
    assert_int_equal(freed[1], 1);
    assert_null(srv_cache_take(cache, "b"));
    assert_ptr_equal(srv_cache_take(cache, "a"), &letters[0]);
    assert_ptr_equal(srv_cache_take(cache, "c"), &letters[2]);
    srv_cache_destroy(cache);
    assert_int_equal(freed[0] + freed[2], 0); /* they are with who took them */
}

static void what_is_larger_than_the_cache_is_not_kept(void **state)
{
    struct srv_cache *cache = new_cache(10);

    (void)state;
    srv_cache_give(cache, "a", &letters[0], 10, free_letter);
    srv_cache_give(cache, "b", &letters[1], 11, free_letter);
    assert_int_equal(freed[1], 1);
    assert_ptr_equal(srv_cache_take(cache, "a"), &letters[0]);
    srv_cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thing_is_taken_by_one_alone),
        cmocka_unit_test(what_was_used_longest_ago_goes_first),
        cmocka_unit_test(what_is_larger_than_the_cache_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
