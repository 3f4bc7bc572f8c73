/* test_srv_proxies.c - whose word is taken for who asks, and who that is. */
#include "base/proxies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool has(const char *list, const char *text)
{
    struct srv_proxies proxies = {0};
    struct srv_address address;

    assert_true(srv_proxies_parse(list, &proxies));
    assert_true(srv_address_parse(text, &address));
    return srv_proxies_have(&proxies, &address);
}

static void proxies_are_addresses_and_networks(void **state)
{
    (void)state;
    assert_false(has("", "127.0.0.1"));
    assert_false(has(" , ", "::1"));
    assert_true(has("127.0.0.1", "127.0.0.1"));
    assert_false(has("127.0.0.1", "127.0.0.2"));
    assert_true(has("10.0.0.1,172.16.0.0/12", "172.31.255.255"));
    assert_false(has("10.0.0.1,172.16.0.0/12", "172.32.0.0"));
    assert_true(has("10.0.0.1 , 172.16.0.0/12", "10.0.0.1"));
    assert_true(has("10.1.2.3/8", "10.200.0.1"));
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("192.0.2.128/25", "192.0.2.255"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("fd00::/8", "fdff::1"));
    assert_false(has("fd00::/8", "fe00::1"));
    assert_true(has("2001:db8::1/128", "2001:db8:0::1"));
    assert_true(has("192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(has("::ffff:192.0.2.0/120", "192.0.2.7"));
}

static void what_is_no_list_of_them_is_refused(void **state)
{
    const char *bad[] = {"proxy",
                         "10.0.0.0/33",
                         "10.0.0.0/",
                         "10.0.0.0/-1",
                         "10.0.0.0/+8",
                         "10.0.0.0/8/8",
                         "10.0.0.0/0x8",
                         "10.0.0",
                         "10.0.0.1;10.0.0.2",
                         "fd00::/129",
                         "[::1]",
                         "::1%lo",
                         "/8",
                         "127.0.0.1, nonsense",
                         "10.0.0.1:80",
                         "10.0.0.1/99999999999999999999999999999999999999999999999999999999999"};
    struct srv_proxies proxies = {.count = 7};
    char many[(SRV_PROXIES_MOST + 1) * 4 + 1] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (srv_proxies_parse(bad[i], &proxies))
            fail_msg("'%s' is taken", bad[i]);
    for (int i = 0; i < SRV_PROXIES_MOST; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "::1,");
    assert_int_equal(proxies.count, 7);
    assert_true(srv_proxies_parse(many, &proxies));
    assert_int_equal(proxies.count, SRV_PROXIES_MOST);
    snprintf(many + strlen(many), sizeof many - strlen(many), "::1");
    assert_false(srv_proxies_parse(many, &proxies));
}

/* Who asks, of fields up to NULL, where 10.0.0.0/8 and fd00::/8 are proxies; "-": not known. */
static const char *asks(const char *const *fields)
{
    static char text[SRV_ADDRESS_SIZE];
    struct srv_forwarded forwarded = {0};
    struct srv_proxies proxies;

    assert_true(srv_proxies_parse("10.0.0.0/8, fd00::/8", &proxies));
    for (; *fields; fields++)
        srv_forwarded_read(&forwarded, &proxies, *fields);
    if (!forwarded.known)
        return "-";
    srv_address_write(&forwarded.address, text);
    return text;
}

#define ASKS(...) asks((const char *[]){__VA_ARGS__, NULL})

static void the_last_that_is_no_proxy_asks(void **state)
{
    (void)state;
    assert_string_equal(ASKS("203.0.113.9"), "203.0.113.9");
    assert_string_equal(ASKS("198.51.100.1, 203.0.113.9"), "203.0.113.9");
    assert_string_equal(ASKS("198.51.100.1, 203.0.113.9, 10.0.0.2, 10.0.0.1"), "203.0.113.9");
    assert_string_equal(ASKS("10.9.9.9, 203.0.113.9, fd00::1"), "203.0.113.9");
    assert_string_equal(ASKS("2001:DB8::0:1"), "2001:db8::1");
    assert_string_equal(ASKS("::ffff:203.0.113.9, ::ffff:10.0.0.1"), "203.0.113.9");
}

/* A client that sends a field of its own does not get before that of the proxy. */
static void several_fields_are_one(void **state)
{
    (void)state;
    assert_string_equal(ASKS("198.51.100.1", "203.0.113.9"), "203.0.113.9");
    assert_string_equal(ASKS("198.51.100.1", "203.0.113.9", "10.0.0.1"), "203.0.113.9");
    assert_string_equal(ASKS("198.51.100.1, 198.51.100.2", ""), "198.51.100.2");
}

static void of_proxies_alone_the_first_asks(void **state)
{
    (void)state;
    assert_string_equal(ASKS("10.0.0.3, 10.0.0.2", "10.0.0.1"), "10.0.0.3");
}

static void addresses_may_have_a_port(void **state)
{
    (void)state;
    assert_string_equal(ASKS("203.0.113.9:4711"), "203.0.113.9");
    assert_string_equal(ASKS("[2001:db8::1]:4711,10.0.0.1:80"), "2001:db8::1");
    assert_string_equal(ASKS("[2001:db8::1]"), "2001:db8::1");
}

static void what_is_no_address_is_not_passed_over(void **state)
{
    const char *none[] = {"unknown",
                          "_hidden",
                          "203.0.113",
                          "203.0.113.9:",
                          "203.0.113.9:x",
                          "[2001:db8::1",
                          "[203.0.113.9]",
                          "[2001:db8::1]x",
                          "203.0.113.9/32",
                          "2001:db8::1%eth",
                          "\"203.0.113.9\"",
                          "203.0.113.9\n",
                          "[]",
                          ":",
                          "[",
                          "\xff\xfe",
                          "203.0.113.9:123456"};
    char text[128], longer[4000];

    (void)state;
    assert_string_equal(ASKS(""), "-");
    assert_string_equal(ASKS(" ,, ,\t"), "-");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_string_equal(ASKS(none[i]), "-");
        snprintf(text, sizeof text, "198.51.100.1, %s", none[i]);
        assert_string_equal(ASKS(text), "-");
        snprintf(text, sizeof text, "198.51.100.1, %s, 10.0.0.1", none[i]);
        assert_string_equal(ASKS(text), "10.0.0.1");
        snprintf(text, sizeof text, "%s, 203.0.113.9, 10.0.0.1", none[i]);
        assert_string_equal(ASKS(text), "203.0.113.9");
    }
    memset(longer, '1', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_string_equal(ASKS("198.51.100.1", longer), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxies_are_addresses_and_networks),
        cmocka_unit_test(what_is_no_list_of_them_is_refused),
        cmocka_unit_test(the_last_that_is_no_proxy_asks),
        cmocka_unit_test(several_fields_are_one),
        cmocka_unit_test(of_proxies_alone_the_first_asks),
        cmocka_unit_test(addresses_may_have_a_port),
        cmocka_unit_test(what_is_no_address_is_not_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
