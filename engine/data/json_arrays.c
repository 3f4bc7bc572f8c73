/*
 * json_arrays.c - see json_arrays.h.
 *
 * Where an element ends is found by its brackets and strings; what it is, jansson says, so nothing
 * is taken that is no JSON.
 */
#include "data/json_arrays.h"
#include "data/entry_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *what, *begin, *at, *end;
    const struct fsn__json_array *arrays;
    int count;
    void *user;
    struct fsn_error *err;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The line of the file that a place is in. */
static int line_of(const struct reader *reader, const char *place)
{
    int line = 1;

    for (const char *at = reader->begin; at < place; at++)
        line += *at == '\n';
    return line;
}

static enum fsn_status fail_here(const struct reader *reader, const char *expected)
{
    char came[2] = {reader->at < reader->end ? *reader->at : '\0', '\0'};

    fsn__name_printable(came, sizeof came, came);
    return FSN__FAIL(reader->err, FSN_FORMAT, "%s: line %d: expected %s, not %s%s%s", reader->what,
                     line_of(reader, reader->at), expected, *came ? "'" : "the end of the file",
                     came, *came ? "'" : "");
}

/* The next character that is no space; '\0' at the end. */
static char peek(struct reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at))
        reader->at++;
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool skip(struct reader *reader, char c)
{
    if (peek(reader) != c)
        return false;
    reader->at++;
    return true;
}

/* Past the string that begins here; false: it has no end. */
static bool skip_string(struct reader *reader)
{
    for (reader->at++; reader->at < reader->end; reader->at++) {
        if (*reader->at == '"') {
            reader->at++;
            return true;
        }
        if (*reader->at == '\\')
            reader->at++;
    }
    reader->at = reader->end;
    return false;
}

static void skip_scalar(struct reader *reader)
{
    while (reader->at < reader->end && !is_space(*reader->at) && !strchr(",:[]{}\"", *reader->at))
        reader->at++;
}

/* Past the value that begins here. */
static enum fsn_status skip_value(struct reader *reader)
{
    const char *from = reader->at;
    size_t depth = 0;

    do {
        const char c = peek(reader);

        if (c == '"') {
            if (!skip_string(reader))
                return fail_here(reader, "the end of a string");
        } else if (c == '[' || c == '{') {
            depth++;
            reader->at++;
        } else if (depth > 0 && (c == ']' || c == '}')) {
            depth--;
            reader->at++;
        } else if (depth > 0 && (c == ',' || c == ':')) {
            reader->at++;
        } else {
            const char *scalar = reader->at;

            skip_scalar(reader);
            if (reader->at == scalar)
                return fail_here(reader, depth > 0 ? "the end of a bracket" : "a value");
        }
    } while (depth > 0);
    return reader->at > from ? FSN_OK : fail_here(reader, "a value");
}

static enum fsn_status take_element(struct reader *reader, const struct fsn__json_array *array,
                                    size_t index)
{
    const struct fsn__json_place place = {reader->what, array->name, index};
    const char *from = (peek(reader), reader->at);
    enum fsn_status status = skip_value(reader);
    const size_t size = (size_t)(reader->at - from);
    json_error_t error;
    json_t *element;

    if (status != FSN_OK)
        return status;
    if (size > FSN__JSON_MAX_ELEMENT)
        return FSN__JSON_FAIL(reader->err, FSN_LIMIT, &place,
                              "%zu bytes of text, at most %d are taken", size,
                              FSN__JSON_MAX_ELEMENT);
    element = json_loadb(from, size, JSON_DECODE_ANY, &error);
    if (!element && json_error_code(&error) == json_error_out_of_memory)
        return FSN__NOMEM(reader->err);
    if (!element)
        return FSN__FAIL(reader->err, FSN_FORMAT, "%s: line %d: %s", reader->what,
                         line_of(reader, from) + error.line - 1, error.text);
    status = array->take(&place, element, reader->user, reader->err);
    json_decref(element);
    return status;
}

static enum fsn_status read_array(struct reader *reader, const struct fsn__json_array *array)
{
    enum fsn_status status = FSN_OK;

    if (!skip(reader, '['))
        return FSN__FAIL(reader->err, FSN_FORMAT, "%s: line %d: '%s' is no array", reader->what,
                         line_of(reader, reader->at), array->name);
    if (skip(reader, ']'))
        return FSN_OK;
    for (size_t i = 0; status == FSN_OK; i++) {
        status = take_element(reader, array, i);
        if (status == FSN_OK && skip(reader, ']'))
            return FSN_OK;
        if (status == FSN_OK && !skip(reader, ','))
            status = fail_here(reader, "',' or ']'");
    }
    return status;
}

/* The array that a key, in its quotes, is the name of; -1: none. */
static int find_array(const struct reader *reader, const char *key, size_t length)
{
    for (int i = 0; i < reader->count; i++)
        if (strlen(reader->arrays[i].name) + 2 == length &&
            strncmp(key + 1, reader->arrays[i].name, length - 2) == 0)
            return i;
    return -1;
}

static enum fsn_status read_member(struct reader *reader, bool *seen)
{
    const char *key = (peek(reader), reader->at);
    int found;

    if (peek(reader) != '"')
        return fail_here(reader, "a name in quotes");
    if (!skip_string(reader))
        return fail_here(reader, "the end of a string");
    found = find_array(reader, key, (size_t)(reader->at - key));
    if (!skip(reader, ':'))
        return fail_here(reader, "':'");
    peek(reader);
    if (found < 0)
        return skip_value(reader);
    if (seen[found])
        return FSN__FAIL(reader->err, FSN_FORMAT, "%s: line %d: a second array '%s'", reader->what,
                         line_of(reader, key), reader->arrays[found].name);
    seen[found] = true;
    return read_array(reader, &reader->arrays[found]);
}

enum fsn_status fsn__json_arrays_read(const void *bytes, size_t size, const char *what,
                                      const struct fsn__json_array *arrays, int count, void *user,
                                      struct fsn_error *err)
{
    const char *text = bytes;
    struct reader reader = {what, text, text, text + size, arrays, count, user, err};
    bool seen[FSN__JSON_MAX_ARRAYS] = {false};
    enum fsn_status status = FSN_OK;

    if (!skip(&reader, '{'))
        return fail_here(&reader, "'{', an object");
    if (!skip(&reader, '}')) {
        do
            status = read_member(&reader, seen);
        while (status == FSN_OK && skip(&reader, ','));
        if (status == FSN_OK && !skip(&reader, '}'))
            status = fail_here(&reader, "',' or '}'");
    }
    if (status == FSN_OK && (peek(&reader), reader.at < reader.end))
        status = fail_here(&reader, "nothing more");
    for (int i = 0; i < count && status == FSN_OK; i++)
        if (!seen[i])
            status = FSN__FAIL(err, FSN_FORMAT, "%s: there is no array '%s'", what, arrays[i].name);
    return status;
}

const char *fsn__json_shown(const json_t *value, char *out, size_t size)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

    fsn__name_printable(out, size, text ? text : "nothing");
    free(text);
    return out;
}
