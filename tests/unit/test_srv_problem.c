/* test_srv_problem.c - every engine status leads to a problem, and problems are RFC 9457 objects.
 */
#include "http/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* What the issue of each status is for a client: written down here a second time, on purpose. */
static const struct {
    enum fsn_status status;
    unsigned http;
} expected[] = {
    {FSN_OK, 500},       {FSN_NOMEM, 503},    {FSN_INVALID, 422},     {FSN_IO, 500},
    {FSN_FULL, 507},     {FSN_FORMAT, 422},   {FSN_UNSUPPORTED, 422}, {FSN_SHAPE, 422},
    {FSN_LIMIT, 422},    {FSN_MISMATCH, 422}, {FSN_BUDGET, 422},      {FSN_CANCELLED, 409},
    {FSN_DIVERGED, 422}, {FSN_INTERNAL, 500},
};

static void every_engine_status_has_its_http_status(void **state)
{
    (void)state;
    assert_int_equal(sizeof expected / sizeof *expected, FSN_STATUS_COUNT);
    for (size_t i = 0; i < FSN_STATUS_COUNT; i++)
        assert_int_equal(srv_problem_http_status(srv_problem_of_status(expected[i].status)),
                         expected[i].http);
}

static void a_status_outside_the_list_is_an_internal_problem(void **state)
{
    (void)state;
    assert_int_equal(srv_problem_of_status(FSN_STATUS_COUNT), SRV_PROBLEM_INTERNAL);
}

/* But for FSN_OK, which is no failure, no two statuses look the same to a client. */
static void different_statuses_have_different_types(void **state)
{
    (void)state;
    for (int a = 1; a < FSN_STATUS_COUNT; a++)
        for (int b = 1; b < a; b++)
            assert_string_not_equal(srv_problem_type(srv_problem_of_status((enum fsn_status)a)),
                                    srv_problem_type(srv_problem_of_status((enum fsn_status)b)));
}

static void every_problem_is_an_object_with_type_title_status_and_detail(void **state)
{
    (void)state;
    for (int p = 0; p < SRV_PROBLEM_COUNT; p++) {
        json_t *body = srv_problem_json((enum srv_problem)p, "because", NULL);
        const char *type, *title, *detail;
        int http;

        assert_int_equal(json_unpack(body, "{ss ss si ss !}", "type", &type, "title", &title,
                                     "status", &http, "detail", &detail),
                         0);
        assert_memory_equal(type, "urn:fsnet:problem:", 18);
        assert_true(strlen(type) > 18);
        assert_true(strlen(title) > 0);
        assert_in_range(http, 400, 599);
        assert_string_equal(detail, "because");
        json_decref(body);
    }
}

static void faults_are_listed_with_pointer_and_detail(void **state)
{
    struct fsn_faults faults = {
        .count = 2,
        .item = {{"/seed", "must be a number"}, {"", "does not fit"}},
    };
    json_t *body = srv_problem_json(SRV_PROBLEM_INVALID_SPEC, "two", &faults);
    json_t *errors = json_object_get(body, "errors");

    (void)state;
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "pointer")),
                        "/seed");
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 1), "detail")),
                        "does not fit");
    json_decref(body);
}

static void text_that_is_not_utf8_is_still_shown(void **state)
{
    json_t *body = srv_problem_json(SRV_PROBLEM_MALFORMED, "node 'a\xff' is odd", NULL);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(body, "detail")), "node 'a?' is odd");
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_engine_status_has_its_http_status),
        cmocka_unit_test(a_status_outside_the_list_is_an_internal_problem),
        cmocka_unit_test(different_statuses_have_different_types),
        cmocka_unit_test(every_problem_is_an_object_with_type_title_status_and_detail),
        cmocka_unit_test(faults_are_listed_with_pointer_and_detail),
        cmocka_unit_test(text_that_is_not_utf8_is_still_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
