/*
 * entry_name.c - what the names inside an archive may be.
 *
 * Names come from strangers: they are compared and shown, never used as a path. Both separators
 * count, for zips made on Windows. A NUL ends a name before it gets here (libarchive hands out
 * C strings).
 */
#include "data/entry_name.h"

#include <string.h>

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

const char *fsn__base_name(const char *name)
{
    const char *base = name;

    for (const char *at = name; *at; at++)
        if (is_separator(*at))
            base = at + 1;
    return base;
}

static bool has_parent_step(const char *name)
{
    const char *at = name;

    while (*at) {
        size_t length = strcspn(at, "/\\");

        if (length == 2 && at[0] == '.' && at[1] == '.')
            return true;
        at += length;
        if (*at)
            at++;
    }
    return false;
}

const char *fsn__name_fault(const char *name)
{
    bool drive = ((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z') && name[1] == ':';

    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        if (*at < 32 || *at == 127)
            return "control character in the name";
    if (is_separator(name[0]) || drive)
        return "absolute name";
    if (has_parent_step(name))
        return "'..' in the name";
    return NULL;
}

char *fsn__plain_name(const char *name, bool *packed)
{
    static const char *const suffixes[] = {".gz", ".xz", ".bz2"};
    size_t length = strlen(name);

    *packed = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t tail = strlen(suffixes[i]);

        if (length > tail && strcasecmp(name + length - tail, suffixes[i]) == 0) {
            *packed = true;
            length -= tail;
            break;
        }
    }
    return strndup(name, length);
}

void fsn__name_printable(char *out, size_t size, const char *name)
{
    size_t n = 0;

    for (; n + 1 < size && name[n]; n++)
        out[n] = name[n] < ' ' || name[n] > '~' ? '?' : name[n];
    out[n] = 0;
}
