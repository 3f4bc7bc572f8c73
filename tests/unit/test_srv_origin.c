/* test_srv_origin.c - names of this machine, and pages of other sites. */
#include "http/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void names_of_this_machine(void **state)
{
    static const char *const hosts[] = {
        NULL,           "127.0.0.1", "127.0.0.1:8080", "127.1.2.3:1", "localhost",
        "localhost:80", "LocalHost", "[::1]",          "[::1]:8080",  "fsnet.localhost:8080"};

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_true(srv_host_is_loopback(hosts[i]));
}

static void names_that_may_lead_here_by_somebody_else(void **state)
{
    static const char *const hosts[] = {"",
                                        "evil.example",
                                        "evil.example:8080",
                                        "localhost.evil.example",
                                        ".localhost",
                                        "notlocalhost",
                                        "127.0.0.1.evil.com",
                                        "128.0.0.1",
                                        "0.0.0.0",
                                        "192.168.1.1:8080",
                                        "[::2]",
                                        "[fe80::1]:80",
                                        "::1",
                                        "127.evil.example:127",
                                        "127.1"};

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_false(srv_host_is_loopback(hosts[i]));
}

static void pages_of_other_sites(void **state)
{
    static const struct {
        const char *site, *origin, *host;
        bool foreign;
    } cases[] = {
        {NULL, NULL, "127.0.0.1:80", false},
        {NULL, NULL, NULL, false},
        {"same-origin", "http://a", "b", false},
        {"none", NULL, "a", false},
        {"same-site", "http://a", "a", true},
        {"cross-site", NULL, "a", true},
        {"something new", NULL, "a", true},
        {NULL, "http://localhost:8080", "LOCALHOST:8080", false},
        {NULL, "https://a.example", "a.example", false},
        {NULL, "http://localhost:8081", "localhost:8080", true},
        {NULL, "http://evil.example", "127.0.0.1", true},
        {NULL, "http://a.example", "a.example.org", true},
        {NULL, "http://a", NULL, true},
        {NULL, "null", "null", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(srv_origin_is_foreign(cases[i].site, cases[i].origin, cases[i].host),
                         cases[i].foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_this_machine),
        cmocka_unit_test(names_that_may_lead_here_by_somebody_else),
        cmocka_unit_test(pages_of_other_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
