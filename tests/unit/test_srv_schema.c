/* test_srv_schema.c - api/job-spec.schema.json says what the engine's table of settings says: the
 * same settings, the same bounds, choices and defaults, and the server's own keys beside them. Runs
 * in the root of the repository, as `make test` does. */
#include "fsnet.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static json_t *schema, *defaults;

static int load(void **state)
{
    struct fsn_spec spec;
    char *text = NULL;

    (void)state;
    schema = json_load_file("api/job-spec.schema.json", 0, NULL);
    assert_non_null(schema);
    fsn_spec_defaults(&spec);
    assert_int_equal(fsn_spec_to_json(&spec, &text, NULL), FSN_OK);
    defaults = json_loads(text, 0, NULL);
    assert_non_null(defaults);
    free(text);
    fsn_spec_clear(&spec);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(schema);
    json_decref(defaults);
    return 0;
}

/* The object at a JSON pointer: in values key by key, in schemas through "properties". */
static json_t *at(json_t *root, const char *pointer, bool in_schema)
{
    char path[128], *rest = path, *key;

    strncpy(path, pointer, sizeof path - 1);
    path[sizeof path - 1] = '\0';
    while (root && (key = strtok_r(rest, "/", &rest)))
        root = json_object_get(in_schema ? json_object_get(root, "properties") : root, key);
    return root;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void has_bounds(const struct fsn_spec_field *field, const json_t *entry)
{
    const json_t *either = json_object_get(entry, "anyOf");

    if (either) { /* zero, or a number in range */
        assert_true(field->or_zero);
        assert_true(number(json_array_get(either, 0), "const") == 0);
        entry = json_array_get(either, 1);
    }
    /* Whether zero is allowed may also be said by a minimum of zero, where 1 is the next number. */
    if (field->or_zero && !either)
        assert_true(field->min == 1 && number(entry, "minimum") == 0);
    else
        assert_true(number(entry, "minimum") == field->min);
    assert_true(number(entry, "maximum") == field->max);
}

static void has_choices(const struct fsn_spec_field *field, const json_t *choices)
{
    char joined[128] = "";
    const json_t *choice;
    size_t i;

    json_array_foreach(choices, i, choice)
    {
        char *text = json_is_string(choice) ? strdup(json_string_value(choice))
                                            : json_dumps(choice, JSON_ENCODE_ANY);

        if (i > 0)
            strcat(joined, "|");
        strncat(joined, text, 31);
        free(text);
    }
    assert_string_equal(joined, field->choices);
}

static void every_setting_of_the_engine_is_in_the_schema(void **state)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct fsn_spec_field *field = &fields[i];
        const json_t *entry = at(schema, field->pointer, true);

        if (!entry)
            fail_msg("%s is not in the schema", field->pointer);
        if (field->kind == FSN_FIELD_SET || (field->kind == FSN_FIELD_WHOLES && field->choices))
            has_choices(field, json_object_get(json_object_get(entry, "items"), "enum"));
        else if (field->kind == FSN_FIELD_CHANNELS || field->kind == FSN_FIELD_SHARES ||
                 field->kind == FSN_FIELD_NUMBERS || field->kind == FSN_FIELD_WHOLES)
            has_bounds(field, json_object_get(entry, "items"));
        else if (field->kind == FSN_FIELD_BOXES) /* a name, or a rule */
            has_choices(
                field, json_object_get(json_array_get(json_object_get(entry, "oneOf"), 0), "enum"));
        else if (field->kind == FSN_FIELD_OUTPUTS) /* names, or objects with a loss each */
            has_choices(
                field,
                json_object_get(
                    at(json_array_get(json_object_get(json_object_get(entry, "items"), "oneOf"), 1),
                       "/loss", true),
                    "enum"));
        else if (field->choices)
            has_choices(field, json_object_get(entry, "enum"));
        else if (field->kind != FSN_FIELD_NAME && field->kind != FSN_FIELD_NAMES)
            has_bounds(field, entry);
    }
}

static void defaults_are_those_of_the_engine(void **state)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const json_t *stated = json_object_get(at(schema, fields[i].pointer, true), "default");
        const json_t *real = at(defaults, fields[i].pointer, false);
        bool same = json_is_number(real) ? json_number_value(stated) == json_number_value(real)
                                         : json_equal(stated, real) != 0;

        if (!same)
            fail_msg("%s: the schema states another default", fields[i].pointer);
    }
}

/* Counts the settings below a schema; objects are groups. */
static size_t leaves(const json_t *object)
{
    json_t *properties = json_object_get(object, "properties"), *entry;
    size_t count = 0;
    const char *key;

    if (!properties)
        return 1;
    assert_true(json_is_false(json_object_get(object, "additionalProperties")));
    json_object_foreach(properties, key, entry) count += leaves(entry);
    return count;
}

static void the_schema_has_nothing_else_but_ids_and_what_clients_say(void **state)
{
    size_t count;

    (void)state;
    (void)fsn_spec_fields(&count);
    assert_non_null(at(schema, "/model_id", true));
    assert_non_null(at(schema, "/dataset_id", true));
    assert_non_null(at(schema, "/name", true));
    assert_non_null(at(schema, "/labels", true));
    assert_non_null(at(schema, "/priority", true));
    assert_non_null(at(schema, "/max_run_seconds", true));
    assert_non_null(at(schema, "/webhook/url", true));
    assert_non_null(at(schema, "/webhook/secret", true));
    assert_non_null(at(schema, "/webhook/events", true));
    assert_int_equal(leaves(schema), count + 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_of_the_engine_is_in_the_schema),
        cmocka_unit_test(defaults_are_those_of_the_engine),
        cmocka_unit_test(the_schema_has_nothing_else_but_ids_and_what_clients_say),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
