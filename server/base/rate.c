/*
 * rate.c - see rate.h.
 *
 * The generic cell rate algorithm (ITU-T I.371, annex A): of each id one number is kept, the time
 * at which its bucket will be full again,
 *
 *     full' = max(full, now) + 60 s / per_minute      and a request passes while full' <= now + 60
 * s
 *
 * in microseconds. An id whose bucket is full is forgotten, so there are as many as have come
 * within a minute.
 */
#include "base/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { ID_SIZE = 32, FIRST_ROOM = 16 };
static const int64_t MINUTE_US = 60 * 1000000LL;

struct bucket {
    char id[ID_SIZE];
    int64_t full_us;
};

struct srv_rates {
    uv_mutex_t mutex;
    struct bucket *buckets;
    size_t count, room;
};

enum fsn_status srv_rates_create(struct srv_rates **out, struct fsn_error *err)
{
    struct srv_rates *rates = calloc(1, sizeof *rates);

    if (!rates || uv_mutex_init(&rates->mutex) != 0) {
        free(rates);
        return SRV_NOMEM(err);
    }
    *out = rates;
    return FSN_OK;
}

void srv_rates_destroy(struct srv_rates *rates)
{
    if (!rates)
        return;
    uv_mutex_destroy(&rates->mutex);
    free(rates->buckets);
    free(rates);
}

static void forget_full(struct srv_rates *rates, int64_t now_us)
{
    size_t kept = 0;

    for (size_t i = 0; i < rates->count; i++)
        if (rates->buckets[i].full_us > now_us)
            rates->buckets[kept++] = rates->buckets[i];
    rates->count = kept;
}

/* NULL when out of memory. */
static struct bucket *bucket_of(struct srv_rates *rates, const char *id, int64_t now_us)
{
    struct bucket *bucket;

    for (size_t i = 0; i < rates->count; i++)
        if (strcmp(rates->buckets[i].id, id) == 0)
            return &rates->buckets[i];
    if (rates->count == rates->room)
        forget_full(rates, now_us);
    if (rates->count == rates->room) {
        const size_t room = rates->room ? 2 * rates->room : FIRST_ROOM;
        struct bucket *more = realloc(rates->buckets, room * sizeof *more);

        if (!more)
            return NULL;
        rates->buckets = more;
        rates->room = room;
    }
    bucket = &rates->buckets[rates->count++];
    snprintf(bucket->id, sizeof bucket->id, "%s", id);
    bucket->full_us = now_us;
    return bucket;
}

struct srv_rate srv_rates_take(struct srv_rates *rates, const char *id, int64_t per_minute,
                               int64_t now_ms)
{
    const int64_t most = per_minute < 1               ? 1
                         : per_minute > SRV_RATE_MOST ? SRV_RATE_MOST
                                                      : per_minute;
    const int64_t now_us = now_ms * 1000, step_us = MINUTE_US / most;
    struct srv_rate rate = {.allowed = true, .remaining = most - 1};
    struct bucket *bucket;
    int64_t full_us;

    uv_mutex_lock(&rates->mutex);
    bucket = bucket_of(rates, id, now_us);
    if (bucket) {
        full_us = (bucket->full_us > now_us ? bucket->full_us : now_us) + step_us;
        rate.allowed = full_us <= now_us + MINUTE_US;
        if (rate.allowed) {
            bucket->full_us = full_us;
            rate.remaining = (now_us + MINUTE_US - full_us) / step_us;
        } else {
            rate.remaining = 0;
            rate.retry_s = (full_us - MINUTE_US - now_us + 999999) / 1000000;
        }
    }
    uv_mutex_unlock(&rates->mutex);
    return rate;
}
