/* class_names.c - see class_names.h. */
#include "data/class_names.h"
#include "data/entry_name.h"
#include "data/image_roles.h"

#include <stdlib.h>
#include <string.h>

/* ---- one name -------------------------------------------------------------------------------- */

/* The character that begins at *at, in good UTF-8; *at moves past it. */
static uint32_t next_character(const unsigned char **at)
{
    const unsigned char first = *(*at)++;
    const int tail = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t character = tail == 0 ? first : first & (0x3fu >> tail);

    for (int i = 0; i < tail; i++)
        character = character << 6 | (*(*at)++ & 0x3f);
    return character;
}

/* C0 and C1, and what breaks lines (Unicode's Zl and Zp). */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* Those of UAX 9 that have no shape: marks, embeddings, overrides, isolates. */
static bool turns_direction(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

const char *fsn__class_name_fault(const char *name)
{
    const unsigned char *at = (const unsigned char *)name;

    if (!*name)
        return "is empty";
    if (!fsn__name_is_utf8(name))
        return "is not UTF-8";
    while (*at) {
        const uint32_t c = next_character(&at);

        if (is_control(c))
            return "has a control character";
        if (turns_direction(c))
            return "has a character that turns the direction of text";
    }
    return NULL;
}

enum fsn_status fsn__class_name_check(const char *name, const char *where, struct fsn_error *err)
{
    const char *fault = fsn__class_name_fault(name);
    char shown[128];

    if (!fault)
        return FSN_OK;
    fsn__name_escaped(shown, sizeof shown, name);
    return FSN__FAIL(err, FSN_FORMAT, "%s: the class name '%s' %s", where, shown, fault);
}

/* ---- files of names -------------------------------------------------------------------------- */

bool fsn__class_names_file(const char *name)
{
    const char *base = fsn__base_name(name);

    return (strcmp(base, "names.txt") == 0 || strcmp(base, "labels.txt") == 0) &&
           !fsn__name_is_litter(name);
}

/* The next line with text, without its end; NULL: there is none. *at moves past it. */
static const char *next_line(const struct fsn__part *part, size_t *at, size_t *length)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of byte order, which some editors put first */
    const char *text = (const char *)part->bytes;

    if (*at == 0 && part->size >= 3 && memcmp(text, mark, 3) == 0)
        *at = 3;
    while (*at < part->size) {
        const char *line = text + *at, *newline = memchr(line, '\n', part->size - *at);

        *length = newline ? (size_t)(newline - line) : part->size - *at;
        *at += *length + (newline != NULL);
        *length -= *length > 0 && line[*length - 1] == '\r';
        if (*length > 0)
            return line;
    }
    return NULL;
}

int fsn__class_names_count(const struct fsn__part *part)
{
    size_t at = 0, length;
    int count = 0;

    while (next_line(part, &at, &length))
        count++;
    return count;
}

enum fsn_status fsn__class_names_read(const struct fsn__part *part, int classes,
                                      struct fsn_dataset *dataset, struct fsn_error *err)
{
    const int count = fsn__class_names_count(part);
    enum fsn_status status = FSN_OK;
    size_t at = 0, length;

    if (count != classes)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %d class names, expected %d", part->name, count,
                         classes);
    dataset->class_names = calloc((size_t)classes + 1, sizeof *dataset->class_names);
    if (!dataset->class_names)
        return FSN__NOMEM(err);
    for (int c = 0; c < classes && status == FSN_OK; c++) {
        const char *line = next_line(part, &at, &length);

        dataset->class_names[c] = strndup(line, length);
        if (!dataset->class_names[c])
            return FSN__NOMEM(err);
        if (strlen(dataset->class_names[c]) < length)
            return FSN__FAIL(err, FSN_FORMAT, "%s: class %d: a byte of value 0", part->name, c);
        status = fsn__class_name_check(dataset->class_names[c], part->name, err);
    }
    return status;
}
