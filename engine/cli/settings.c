/* settings.c - the job spec of a command line: the file of --spec with the options set over it. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a job of the service says beyond the spec. */
static const char *const of_the_service[] = {"model_id", "dataset_id", "name", NULL};

enum { MAX_SPEC_BYTES = 1 << 20 };

/* The file's text, NUL past its end; NULL after saying why. */
static char *read_text(const struct cli_command *command, const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(MAX_SPEC_BYTES + 1);

    if (!file || !text) {
        cli_error(command, "%s: %s", path, file ? "out of memory" : strerror(errno));
        goto fail;
    }
    *size = fread(text, 1, MAX_SPEC_BYTES + 1, file);
    if (ferror(file)) {
        cli_error(command, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (*size > MAX_SPEC_BYTES) {
        cli_error(command, "%s: larger than %d bytes", path, MAX_SPEC_BYTES);
        goto fail;
    }
    text[*size] = 0;
    fclose(file);
    return text;
fail:
    if (file)
        fclose(file);
    free(text);
    return NULL;
}

/* "4" -> 4, "0.5" -> 0.5, anything else a string, for the engine to refuse with its own words. */
static json_t *word_json(const char *text, size_t size)
{
    char word[64];
    char *end;
    long long whole;
    double number;

    if (size == 0 || size >= sizeof word)
        return json_stringn(text, size);
    memcpy(word, text, size);
    word[size] = 0;
    errno = 0;
    whole = strtoll(word, &end, 10);
    if (!*end && errno == 0)
        return json_integer(whole);
    number = strtod(word, &end);
    if (!*end && number == number && number <= 1e308 && number >= -1e308)
        return json_real(number);
    return json_stringn(text, size);
}

static json_t *list_json(const char *text, bool numbers)
{
    json_t *array = json_array();

    for (const char *at = text; array && *at;) {
        size_t size = strcspn(at, ",");
        json_t *item = numbers ? word_json(at, size) : json_stringn(at, size);

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            return NULL;
        }
        at += size + (at[size] == ',');
    }
    return array;
}

/* A rule written out, or the name of one; what is neither is for the engine to refuse. */
static json_t *boxes_json(const char *text)
{
    json_t *rule = *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    return rule ? rule : json_string(text);
}

/* Outputs written out, or their names; what is neither is for the engine to refuse. */
static json_t *outputs_json(const char *text)
{
    json_t *outputs = *text == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    return outputs ? outputs : list_json(text, false);
}

static json_t *setting_json(const struct fsn_spec_field *field, const char *text)
{
    switch (field->kind) {
    case FSN_FIELD_INT:
    case FSN_FIELD_NUMBER:
    case FSN_FIELD_SEED:
        return word_json(text, strlen(text));
    case FSN_FIELD_CHANNELS:
    case FSN_FIELD_SHARES:
    case FSN_FIELD_NUMBERS:
    case FSN_FIELD_WHOLES:
        return list_json(text, true);
    case FSN_FIELD_SET:
        return list_json(text, false);
    case FSN_FIELD_CHOICE:
    case FSN_FIELD_NAME:
    case FSN_FIELD_NAMES: /* one; the caller appends */
        return json_string(text);
    case FSN_FIELD_BOXES:
        return boxes_json(text);
    case FSN_FIELD_OUTPUTS:
        return outputs_json(text);
    }
    return NULL;
}

/* Sets (or, for names given before, appends) the value at the field's pointer; takes the value. */
static bool put(json_t *root, const struct fsn_spec_field *field, json_t *value, bool again)
{
    const char *word = field->pointer + 1;
    json_t *object = root, *list;

    for (size_t size = strcspn(word, "/"); word[size]; size = strcspn(word, "/")) {
        char name[64];
        json_t *next;

        snprintf(name, sizeof name, "%.*s", (int)size, word);
        next = json_object_get(object, name);
        if (!next) {
            next = json_object();
            if (json_object_set_new(object, name, next) != 0)
                next = NULL;
        }
        if (!json_is_object(next)) { /* out of memory, or the file has something else there */
            json_decref(value);
            return next != NULL;
        }
        object = next;
        word += size + 1;
    }
    if (field->kind != FSN_FIELD_NAMES)
        return json_object_set_new(object, word, value) == 0;
    list = again ? json_object_get(object, word) : NULL;
    if (list)
        return json_array_append_new(list, value) == 0;
    list = json_array();
    if (json_object_set_new(object, word, list) != 0) {
        json_decref(value);
        return false;
    }
    return json_array_append_new(list, value) == 0;
}

/* Whether an option set this place; otherwise the file did, or nobody. */
static bool was_given(const struct cli_setting *given, size_t count, const char *pointer)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(given[i].option->more);

        if (strncmp(pointer, given[i].option->more, size) == 0 &&
            (!pointer[size] || pointer[size] == '/'))
            return true;
    }
    return false;
}

static int apply(json_t *root, const struct cli_setting *given, size_t count)
{
    size_t field_count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&field_count);

    for (size_t i = 0; i < count; i++) {
        bool again = was_given(given, i, given[i].option->more);

        for (size_t f = 0; f < field_count; f++)
            if (strcmp(fields[f].pointer, given[i].option->more) == 0 &&
                !put(root, &fields[f], setting_json(&fields[f], given[i].text), again))
                return CLI_FAILURE;
    }
    return CLI_OK;
}

/* The file's text, or "{}" without one, with the options set in it; new, of *size. What is not
 * JSON, or not an object, cannot carry options and stays as it is. */
static int merge(const struct cli_command *command, const char *path,
                 const struct cli_setting *given, size_t count, char **out, size_t *size)
{
    char *text = path ? read_text(command, path, size) : NULL;
    json_t *root = NULL;
    int code = CLI_OK;

    if (path && !text)
        return CLI_FAILURE;
    root = path ? json_loadb(text, *size, JSON_REJECT_DUPLICATES, NULL) : json_object();
    if (!path || json_is_object(root)) {
        free(text);
        code = root ? apply(root, given, count) : CLI_FAILURE;
        text = code == CLI_OK ? json_dumps(root, JSON_REAL_PRECISION(17)) : NULL;
        *size = text ? strlen(text) : 0;
    }
    json_decref(root);
    if (!text) {
        cli_error(command, "out of memory");
        return CLI_FAILURE;
    }
    *out = text;
    return CLI_OK;
}

int cli_build_spec(const struct cli_command *command, const char *path,
                   const struct cli_setting *given, size_t count, struct fsn_spec *spec)
{
    struct fsn_error err = {0};
    struct fsn_faults faults = {0};
    char *text = NULL;
    size_t size = 0;
    int code = merge(command, path, given, count, &text, &size);

    if (code != CLI_OK)
        return code;
    /* Of what carries no options, the engine says what is wrong. */
    if (fsn_spec_from_json(text, size, of_the_service, spec, &faults, &err) == FSN_OK)
        goto out;
    code = CLI_USAGE;
    if (faults.count == 0)
        cli_error(command, "%s%s%s", path ? path : "", path ? ": " : "", err.text);
    for (size_t i = 0; i < faults.count; i++) {
        bool from_file = path && !was_given(given, count, faults.item[i].pointer);

        cli_fault(command, from_file ? path : NULL, &faults.item[i]);
    }
out:
    free(text);
    return code;
}

int cli_build_order(const struct cli_command *command, const char *path,
                    const struct cli_setting *given, size_t count, json_t **order)
{
    json_error_t at;
    json_t *root;
    char *text = NULL;
    size_t size = 0;
    int code = merge(command, path, given, count, &text, &size);

    if (code != CLI_OK)
        return code;
    root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    free(text);
    if (json_is_object(root)) {
        *order = root;
        return CLI_OK;
    }
    if (root)
        cli_error(command, "%s: must be a JSON object", path);
    else
        cli_error(command, "%s:%d:%d: %s", path ? path : "--spec", at.line, at.column, at.text);
    json_decref(root);
    return CLI_USAGE;
}

bool cli_take_label(struct cli_args *args, bool away, const char *text)
{
    const size_t size = strcspn(text, "=");
    char *key = strndup(text, size);
    bool done = false;

    if (!args->labels)
        args->labels = json_object();
    if (!key || !args->labels)
        cli_error(args->command, "out of memory");
    else if (size == 0 || away == (text[size] == '='))
        cli_error(args->command, "%s, got '%s'",
                  away ? "--remove-label must be KEY" : "--label must be KEY=VALUE", text);
    else if (json_object_set_new(args->labels, key,
                                 away ? json_null() : json_string(text + size + 1)) != 0)
        cli_error(args->command, "a label must be UTF-8");
    else
        done = true;
    free(key);
    return done;
}
