/* pixel_cache.c - see pixel_cache.h. */
#include "data/pixel_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

struct fsn__pixel_cache {
    int64_t count;
    size_t max_bytes;
    uint64_t key;
    atomic_size_t bytes;
    _Atomic(uint8_t *) *pixels; /* [count] */
};

struct fsn__pixel_cache *fsn__pixel_cache_create(int64_t count, size_t max_bytes)
{
    struct fsn__pixel_cache *cache = calloc(1, sizeof *cache);

    if (!cache)
        return NULL;
    cache->pixels = calloc((size_t)count + 1, sizeof *cache->pixels);
    if (!cache->pixels) {
        free(cache);
        return NULL;
    }
    cache->count = count;
    cache->max_bytes = max_bytes;
    return cache;
}

static void forget_all(struct fsn__pixel_cache *cache)
{
    for (int64_t i = 0; i < cache->count; i++)
        free(atomic_exchange(&cache->pixels[i], NULL));
    atomic_store(&cache->bytes, 0);
}

void fsn__pixel_cache_destroy(struct fsn__pixel_cache *cache)
{
    if (!cache)
        return;
    forget_all(cache);
    free(cache->pixels);
    free(cache);
}

void fsn__pixel_cache_begin(struct fsn__pixel_cache *cache, uint64_t key)
{
    if (cache->key != key)
        forget_all(cache);
    cache->key = key;
}

const uint8_t *fsn__pixel_cache_find(const struct fsn__pixel_cache *cache, int64_t i)
{
    return atomic_load_explicit(&cache->pixels[i], memory_order_acquire);
}

bool fsn__pixel_cache_keep(struct fsn__pixel_cache *cache, int64_t i, uint8_t *pixels, size_t bytes)
{
    uint8_t *nothing = NULL;

    if (atomic_fetch_add(&cache->bytes, bytes) + bytes <= cache->max_bytes &&
        atomic_compare_exchange_strong(&cache->pixels[i], &nothing, pixels))
        return true;
    atomic_fetch_sub(&cache->bytes, bytes);
    return false;
}

size_t fsn__pixel_cache_bytes(const struct fsn__pixel_cache *cache)
{
    return atomic_load(&cache->bytes);
}
