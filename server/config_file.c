/* config_file.c - see config_file.h. */
#include "config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define BLANKS " \t\r"

/* The whole file, ended by a NUL. */
static enum fsn_status read_text(const char *path, char **out, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    FILE *file = fopen(path, "rb");
    char *text;
    size_t size;

    if (!file)
        return SRV_FAIL(err, FSN_IO, "settings file %s: %s", path, strerror(errno));
    text = malloc(MAX_FILE_BYTES + 2);
    if (!text) {
        fclose(file);
        return SRV_NOMEM(err);
    }
    size = fread(text, 1, MAX_FILE_BYTES + 1, file);
    text[size] = '\0';
    if (ferror(file))
        status = SRV_FAIL(err, FSN_IO, "settings file %s: %s", path, strerror(errno));
    else if (size > MAX_FILE_BYTES)
        status =
            SRV_FAIL(err, FSN_LIMIT, "settings file %s: more than %zu bytes", path, MAX_FILE_BYTES);
    else if (strlen(text) != size)
        status = SRV_FAIL(err, FSN_INVALID, "settings file %s: it is not text", path);
    fclose(file);
    if (status == FSN_OK)
        *out = text;
    else
        free(text);
    return status;
}

/* text without blanks around it, cut in place. */
static char *trim(char *text)
{
    size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* A # begins a comment where a line begins or a blank stands before it: paths may contain one. */
static void cut_comment(char *line)
{
    for (char *c = line; (c = strchr(c, '#')); c++)
        if (c == line || strchr(BLANKS, c[-1])) {
            *c = '\0';
            return;
        }
}

static enum fsn_status read_line(const char *path, char *text, int number,
                                 srv_config_line_fn *visit, void *user, struct fsn_error *err)
{
    char *equals, *key, *value;

    cut_comment(text);
    key = trim(text);
    if (*key == '\0')
        return FSN_OK;
    equals = strchr(key, '=');
    if (!equals || equals == key)
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: expected 'key = value', got '%s'", path, number,
                        key);
    *equals = '\0';
    key = trim(key);
    value = trim(equals + 1);
    if (*value == '"' || *value == '\'') /* they would become part of a path */
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: %s: expected a value without quotes, got %s",
                        path, number, key, value);
    return visit(key, value, number, user, err);
}

enum fsn_status srv_config_file_read(const char *path, srv_config_line_fn *visit, void *user,
                                     char **text, struct fsn_error *err)
{
    enum fsn_status status = read_text(path, text, err);
    char *line = status == FSN_OK ? *text : NULL;

    for (int number = 1; status == FSN_OK && line; number++) {
        char *end = strchr(line, '\n');

        if (end)
            *end++ = '\0';
        status = read_line(path, line, number, visit, user, err);
        line = end;
    }
    return status;
}
