/* pixel_cache.h - decoded images that are kept for the next epoch, within a bound.
 *
 * An epoch sees every image once, in an order that nobody knows before: no image is more likely to
 * come soon than another, and dropping one for another gains nothing (least recently used would
 * drop each just before it is needed). So what fits is kept and the rest decoded again each time.
 * What is in it never changes a result. Safe from several threads. */
#ifndef FSN_DATA_PIXEL_CACHE_H
#define FSN_DATA_PIXEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fsn__pixel_cache;

/* For images 0..count-1; new (fsn__pixel_cache_destroy), or NULL when out of memory. */
struct fsn__pixel_cache *fsn__pixel_cache_create(int64_t count, size_t max_bytes);
void fsn__pixel_cache_destroy(struct fsn__pixel_cache *cache);
/* Forgets everything unless `key` says that the pixels are made as they were before. Not while
 * other threads use the cache. */
void fsn__pixel_cache_begin(struct fsn__pixel_cache *cache, uint64_t key);
/* Pixels of image i, borrowed; or NULL. */
const uint8_t *fsn__pixel_cache_find(const struct fsn__pixel_cache *cache, int64_t i);
/* Whether the cache has taken pixels of so many bytes (free()); else they stay the caller's. */
bool fsn__pixel_cache_keep(struct fsn__pixel_cache *cache, int64_t i, uint8_t *pixels,
                           size_t bytes);
size_t fsn__pixel_cache_bytes(const struct fsn__pixel_cache *cache);

#endif
