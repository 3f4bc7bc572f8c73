/* test_srv_range.c - Range headers; cases from RFC 9110, section 14.1.2 (content of 10,000 bytes).
 */
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void parts_of_the_content(void **state)
{
    static const struct {
        const char *header;
        int64_t first, last;
    } cases[] = {
        {"bytes=0-499", 0, 499},     {"bytes=500-999", 500, 999}, {"bytes=-500", 9500, 9999},
        {"bytes=9500-", 9500, 9999}, {"bytes=0-0", 0, 0},         {"bytes=-1", 9999, 9999},
        {"bytes=0-99999", 0, 9999},  {"bytes=-20000", 0, 9999},   {"bytes=9999-9999", 9999, 9999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = -1, last = -1;

        assert_int_equal(srv_range_parse(cases[i].header, 10000, &first, &last), SRV_RANGE_PART);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(last, cases[i].last);
    }
}

static void what_is_no_single_range_is_ignored(void **state)
{
    static const char *const headers[] = {
        "",           "bytes",
        "bytes=",     "bytes=-",
        "bytes=5",    "bytes=a-b",
        "bytes=9-5",  "bytes=1-2,5-6",
        "lines=1-2",  "bytes=1-2 ",
        "bytes= 1-2", "bytes=--1",
        "bytes=+1-2", "bytes=1-99999999999999999999x",
    };
    int64_t first, last;

    (void)state;
    assert_int_equal(srv_range_parse(NULL, 10000, &first, &last), SRV_RANGE_NONE);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(srv_range_parse(headers[i], 10000, &first, &last), SRV_RANGE_NONE);
}

static void ranges_outside_the_content_cannot_be_satisfied(void **state)
{
    int64_t first, last;

    (void)state;
    assert_int_equal(srv_range_parse("bytes=10000-", 10000, &first, &last), SRV_RANGE_BAD);
    assert_int_equal(srv_range_parse("bytes=10000-10001", 10000, &first, &last), SRV_RANGE_BAD);
    assert_int_equal(srv_range_parse("bytes=-0", 10000, &first, &last), SRV_RANGE_BAD);
    assert_int_equal(srv_range_parse("bytes=0-", 0, &first, &last), SRV_RANGE_BAD);
    assert_int_equal(srv_range_parse("bytes=-5", 0, &first, &last), SRV_RANGE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_the_content),
        cmocka_unit_test(what_is_no_single_range_is_ignored),
        cmocka_unit_test(ranges_outside_the_content_cannot_be_satisfied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
