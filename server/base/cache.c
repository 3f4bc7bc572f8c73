/* cache.c - see cache.h. A few entries, so a list in order of use is all it takes. */
#include "base/cache.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct entry {
    struct entry *next; /* used before it */
    void *thing;
    int64_t bytes;
    srv_cache_free_fn *free_thing;
    char key[];
};

struct srv_cache {
    uv_mutex_t mutex;
    int64_t capacity_bytes;
    struct entry *first; /* guarded by mutex */
};

enum fsn_status srv_cache_create(int64_t capacity_bytes, struct srv_cache **out,
                                 struct fsn_error *err)
{
    struct srv_cache *cache = calloc(1, sizeof *cache);

    if (!cache || uv_mutex_init(&cache->mutex) != 0) {
        free(cache);
        return SRV_NOMEM(err);
    }
    cache->capacity_bytes = capacity_bytes;
    *out = cache;
    return FSN_OK;
}

/* A chain of entries that nobody else can see. */
static void free_chain(struct entry *entry)
{
    while (entry) {
        struct entry *next = entry->next;

        entry->free_thing(entry->thing);
        free(entry);
        entry = next;
    }
}

void srv_cache_destroy(struct srv_cache *cache)
{
    if (!cache)
        return;
    free_chain(cache->first);
    uv_mutex_destroy(&cache->mutex);
    free(cache);
}

void *srv_cache_take(struct srv_cache *cache, const char *key)
{
    struct entry **link = &cache->first, *found;
    void *thing;

    uv_mutex_lock(&cache->mutex);
    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    found = *link;
    if (found)
        *link = found->next;
    uv_mutex_unlock(&cache->mutex);
    thing = found ? found->thing : NULL;
    free(found);
    return thing;
}

/* Unlinks what was used longest ago, until the rest fits. */
static struct entry *cut_excess(struct srv_cache *cache)
{
    struct entry **link = &cache->first, *cut;
    int64_t kept = 0;

    while (*link && (*link)->bytes <= cache->capacity_bytes - kept) {
        kept += (*link)->bytes;
        link = &(*link)->next;
    }
    cut = *link;
    *link = NULL;
    return cut;
}

void srv_cache_give(struct srv_cache *cache, const char *key, void *thing, int64_t bytes,
                    srv_cache_free_fn *free_thing)
{
    const size_t size = strlen(key) + 1;
    struct entry *entry = bytes <= cache->capacity_bytes ? malloc(sizeof *entry + size) : NULL;
    struct entry *excess;

    if (!entry) {
        free_thing(thing);
        return;
    }
    *entry = (struct entry){.thing = thing, .bytes = bytes, .free_thing = free_thing};
    memcpy(entry->key, key, size);
    uv_mutex_lock(&cache->mutex);
    entry->next = cache->first;
    cache->first = entry;
    excess = cut_excess(cache);
    uv_mutex_unlock(&cache->mutex);
    free_chain(excess);
}
