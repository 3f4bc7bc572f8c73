/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t srv_now_ms(void)
{
    return read_clock_ms(CLOCK_REALTIME);
}

int64_t srv_ticks_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

void srv_time_text(int64_t time_ms, char out[SRV_TIME_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    char date[24] = "";
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, SRV_TIME_SIZE, "%s.%03dZ", date, (int)(time_ms % 1000));
}
