/* test_srv_rate.c - a minute's worth at once, then an even pace; each id by itself. */
#include "base/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static struct srv_rates *rates;

static int set_up(void **state)
{
    (void)state;
    return srv_rates_create(&rates, NULL) == FSN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    srv_rates_destroy(rates);
    return 0;
}

static void a_minutes_worth_passes_at_once_and_then_the_pace_is_even(void **state)
{
    int64_t now_ms = 1000000;

    (void)state;
    for (int i = 0; i < 6; i++) { /* six a minute: one in ten seconds */
        const struct srv_rate rate = srv_rates_take(rates, "a", 6, now_ms);

        assert_true(rate.allowed);
        assert_int_equal(rate.remaining, 5 - i);
    }
    for (int i = 0; i < 3; i++) { /* refusals cost nothing */
        const struct srv_rate rate = srv_rates_take(rates, "a", 6, now_ms + 1);

        assert_false(rate.allowed);
        assert_int_equal(rate.remaining, 0);
        assert_int_equal(rate.retry_s, 10);
    }
    assert_int_equal(srv_rates_take(rates, "a", 6, now_ms + 9001).retry_s, 1);
    assert_true(srv_rates_take(rates, "a", 6, now_ms + 10000).allowed);
    assert_false(srv_rates_take(rates, "a", 6, now_ms + 10001).allowed);
    assert_int_equal(srv_rates_take(rates, "a", 6, now_ms + 200000).remaining, 5);
}

static void ids_do_not_share(void **state)
{
    (void)state;
    assert_true(srv_rates_take(rates, "a", 1, 0).allowed);
    assert_false(srv_rates_take(rates, "a", 1, 0).allowed);
    assert_true(srv_rates_take(rates, "b", 1, 0).allowed);
}

static void many_ids_are_remembered_and_forgotten_when_their_minute_is_over(void **state)
{
    char id[16];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++) {
            snprintf(id, sizeof id, "%d", i);
            assert_int_equal(srv_rates_take(rates, id, 1, 59999 * round).allowed, round == 0);
        }
    for (int i = 100; i < 1000; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_true(srv_rates_take(rates, id, 1, 120000).allowed);
    }
    assert_true(srv_rates_take(rates, "0", 1, 120000).allowed);
}

/* No rate divides by zero, whatever is stored. */
static void rates_without_sense_count_as_the_nearest_with_it(void **state)
{
    (void)state;
    assert_true(srv_rates_take(rates, "a", INT64_MAX, 0).allowed);
    assert_int_equal(srv_rates_take(rates, "b", 60000001, 0).remaining, SRV_RATE_MOST - 1);
    assert_true(srv_rates_take(rates, "c", 0, 0).allowed);
    assert_false(srv_rates_take(rates, "c", -1, 0).allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_minutes_worth_passes_at_once_and_then_the_pace_is_even,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(rates_without_sense_count_as_the_nearest_with_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ids_do_not_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            many_ids_are_remembered_and_forgotten_when_their_minute_is_over, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
