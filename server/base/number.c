/* number.c - see number.h. */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

/* The largest first. */
static const struct {
    char name;
    int64_t ms;
} units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
#define UNIT_COUNT (sizeof units / sizeof *units)
#define LONGEST_MS ((int64_t)36500 * 86400000)

bool srv_duration_parse(const char *text, int64_t *out_ms)
{
    int64_t number, unit_ms = 0;
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (number == 0 && *end == '\0') {
        *out_ms = 0;
        return true;
    }
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (end[0] == units[i].name && end[1] == '\0')
            unit_ms = units[i].ms;
    if (errno != 0 || unit_ms == 0 || number > LONGEST_MS / unit_ms)
        return false;
    *out_ms = number * unit_ms;
    return true;
}

void srv_duration_text(int64_t ms, char out[SRV_DURATION_SIZE])
{
    size_t unit = 0;

    while (unit < UNIT_COUNT - 1 && ms % units[unit].ms != 0)
        unit++;
    if (ms == 0)
        snprintf(out, SRV_DURATION_SIZE, "0");
    else
        snprintf(out, SRV_DURATION_SIZE, "%" PRId64 "%c", ms / units[unit].ms, units[unit].name);
}
