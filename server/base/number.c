/* number.c - see number.h. */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool srv_number_parse(const char *text, bool units, int64_t min, int64_t max, int64_t *out)
{
    static const char suffixes[] = "KMG";
    const char *suffix;
    int64_t number;
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0)
        return false;
    if (units && *end != '\0' && (suffix = strchr(suffixes, *end))) {
        if (__builtin_mul_overflow(number, (int64_t)1024 << (10 * (suffix - suffixes)), &number))
            return false;
        end++;
    }
    *out = number;
    return *end == '\0' && number >= min && number <= max;
}
