/* cache.h - things that are dear to make and kept for the next who needs them, up to so many bytes;
 * what was used longest ago goes first. Who takes a thing has it alone until it is given back, so
 * that things which serve one thread at a time need no lock; a second taker makes another one. */
#ifndef SRV_BASE_CACHE_H
#define SRV_BASE_CACHE_H

#include "base/error.h"

#include <stdint.h>

struct srv_cache;
typedef void srv_cache_free_fn(void *thing);

FSN_NODISCARD enum fsn_status srv_cache_create(int64_t capacity_bytes, struct srv_cache **out,
                                               struct fsn_error *err);
/* Frees what is in it; nothing is taken any more. NULL is fine. */
void srv_cache_destroy(struct srv_cache *cache);

/* NULL: there is none under this key. */
void *srv_cache_take(struct srv_cache *cache, const char *key);
/* The cache has the thing from now on, and may free it at once: it is larger than the cache, or
 * there is no memory to keep it. */
void srv_cache_give(struct srv_cache *cache, const char *key, void *thing, int64_t bytes,
                    srv_cache_free_fn *free_thing);

#endif
