/* test_srv_router.c - which route answers, what its parameters are, what Allow lists. */
#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct srv_route routes[] = {
    {.method = "GET", .pattern = "/"},
    {.method = "POST", .pattern = "/v1/models"},
    {.method = "GET", .pattern = "/v1/models"},
    {.method = "GET", .pattern = "/v1/models/{id}"},
    {.method = "DELETE", .pattern = "/v1/models/{id}"},
    {.method = "GET", .pattern = "/v1/jobs/{id}/artifacts/{name}"},
    {.method = NULL},
};

struct fixture {
    struct srv_arena arena;
    struct srv_match match;
};

static const struct srv_route *find(struct fixture *f, const char *method, const char *path)
{
    assert_int_equal(srv_route_find(routes, method, path, &f->arena, &f->match, NULL), FSN_OK);
    return f->match.route;
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){0};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    srv_arena_free(&f->arena);
    return 0;
}

static void the_method_chooses_among_routes_of_one_path(void **state)
{
    assert_ptr_equal(find(*state, "POST", "/v1/models"), &routes[1]);
    assert_ptr_equal(find(*state, "GET", "/v1/models"), &routes[2]);
    assert_ptr_equal(find(*state, "GET", "/"), &routes[0]);
}

static void a_segment_in_braces_is_a_parameter(void **state)
{
    struct fixture *f = *state;

    assert_ptr_equal(find(f, "GET", "/v1/jobs/job_1/artifacts/model.onnx"), &routes[5]);
    assert_string_equal(f->match.params[0].name, "id");
    assert_string_equal(f->match.params[0].value, "job_1");
    assert_string_equal(f->match.params[1].name, "name");
    assert_string_equal(f->match.params[1].value, "model.onnx");
}

static void head_is_answered_by_the_route_of_get(void **state)
{
    assert_ptr_equal(find(*state, "HEAD", "/v1/models/a"), &routes[3]);
}

static void unknown_paths_match_nothing(void **state)
{
    static const char *const paths[] = {
        "",
        "v1/models",
        "/v1",
        "/v1/model",
        "/v1/modelss",
        "/v1/models/",
        "/v1/models/a/",
        "/v1/models/a/b",
        "//v1/models",
        "/v1/jobs//artifacts/x",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(find(f, "GET", paths[i]));
        assert_string_equal(f->match.allow, "");
    }
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    struct fixture *f = *state;

    assert_null(find(f, "PUT", "/v1/models/a"));
    assert_string_equal(f->match.allow, "GET, HEAD, DELETE");
    assert_null(find(f, "get", "/v1/models")); /* methods are case-sensitive (RFC 9110, 9.1) */
    assert_string_equal(f->match.allow, "POST, GET, HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_method_chooses_among_routes_of_one_path, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_segment_in_braces_is_a_parameter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_is_answered_by_the_route_of_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_paths_match_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_method_is_told_the_right_ones, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
