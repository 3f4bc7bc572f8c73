/*
 * entry_name.c - what the names inside an archive may be.
 *
 * Names come from strangers: they are compared and shown, never used as a path. Both separators
 * count, for zips made on Windows. A NUL ends a name before it gets here (libarchive hands out
 * C strings).
 */
#include "data/entry_name.h"

#include <stdio.h>
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

bool fsn__name_lies_in(const char *name, const char *folder)
{
    const size_t before = (size_t)(fsn__base_name(name) - name), length = strlen(folder);

    return before >= length + 1 && strncmp(name + before - length - 1, folder, length) == 0 &&
           (before == length + 1 || is_separator(name[before - length - 2]));
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

bool fsn__name_is_image(const char *name)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png",  ".bmp", ".ppm",
                                           ".pgm", ".tif",  ".tiff", ".webp"};
    const char *suffix = strrchr(fsn__base_name(name), '.');

    for (size_t i = 0; suffix && i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcasecmp(suffix, suffixes[i]) == 0)
            return true;
    return false;
}

/* Bytes that follow the first one of a character (RFC 3629), or -1. *low, *high: range of the
 * second, which excludes overlong forms, surrogates and what lies past U+10FFFF. */
static int utf8_tail(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0)
            *low = 0xa0;
        if (first == 0xed)
            *high = 0x9f;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0)
            *low = 0x90;
        if (first == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return -1;
}

bool fsn__name_is_utf8(const char *name)
{
    const unsigned char *at = (const unsigned char *)name;

    while (*at) {
        unsigned char low, high;
        const int tail = utf8_tail(*at++, &low, &high);

        if (tail < 0 || (tail > 0 && (*at < low || *at > high)))
            return false;
        for (int i = 0; i < tail; i++, at++)
            if (*at < 0x80 || *at > 0xbf) /* also the end */
                return false;
    }
    return true;
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

void fsn__name_escaped(char *out, size_t size, const char *name)
{
    size_t n = 0;

    out[0] = 0;
    for (const unsigned char *at = (const unsigned char *)name; *at && n + 5 <= size; at++)
        n += (size_t)snprintf(out + n, size - n,
                              *at < ' ' || *at > '~' ? "\\x%02x"
                              : *at == '\\'          ? "\\\\"
                                                     : "%c",
                              *at);
}
