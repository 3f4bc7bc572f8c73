/* range.c - see range.h. Forms: "bytes=a-b", "bytes=a-", "bytes=-n" (the last n). */
#include "http/range.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char **at, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *out = strtoll(*at, &end, 10);
    *at = end;
    return errno == 0;
}

enum srv_range srv_range_parse(const char *header, int64_t size_bytes, int64_t *first,
                               int64_t *last)
{
    int64_t a = -1, b = -1;
    const char *at = header;
    bool has_first, has_last;

    if (!header || strncmp(header, "bytes=", 6) != 0)
        return SRV_RANGE_NONE;
    at += 6;
    has_first = number(&at, &a);
    if (*at++ != '-')
        return SRV_RANGE_NONE;
    has_last = number(&at, &b);
    if (*at != '\0' || (!has_first && !has_last) || (has_first && has_last && b < a))
        return SRV_RANGE_NONE;
    if (!has_first) {
        if (b == 0 || size_bytes == 0)
            return SRV_RANGE_BAD;
        *first = b < size_bytes ? size_bytes - b : 0;
        *last = size_bytes - 1;
        return SRV_RANGE_PART;
    }
    if (a >= size_bytes)
        return SRV_RANGE_BAD;
    *first = a;
    *last = has_last && b < size_bytes ? b : size_bytes - 1;
    return SRV_RANGE_PART;
}
