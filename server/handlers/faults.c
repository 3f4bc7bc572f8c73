/* faults.c - see faults.h. */
#include "handlers/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SHOWN = 80 }; /* bytes of a value */

/* As JSON has it, in ASCII, so that a cut goes through no character; what has members is only
 * named. New, NULL when out of memory. */
static char *describe(const json_t *value)
{
    char *text;

    if (json_is_object(value) || json_is_array(value))
        return strdup(json_is_object(value) ? "an object" : "an array");
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    if (text && strlen(text) > MOST_SHOWN)
        memcpy(text + MOST_SHOWN - 3, "...", sizeof "...");
    return text;
}

void srv_fault_got(struct fsn_faults *faults, const char *pointer, const json_t *got,
                   const char *format, ...)
{
    char text[sizeof faults->item->text];
    char *value = describe(got);
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    srv_fault(faults, pointer, "%s%s%s", text, value ? ", got " : "", value ? value : "");
    free(value);
}

void srv_fault_pointer(char *out, size_t size, const char *parent, const char *key)
{
    size_t used = (size_t)snprintf(out, size, "%s/", parent);

    for (; *key && used + sizeof "~1" <= size; key++) {
        const char *written = *key == '~' ? "~0" : *key == '/' ? "~1" : NULL;

        used += (size_t)snprintf(out + used, size - used, "%.*s", written ? 2 : 1,
                                 written ? written : key);
    }
}
