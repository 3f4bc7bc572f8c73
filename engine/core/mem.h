/* mem.h - checked sizes, aligned blocks, an arena and a bounded growing buffer. */
#ifndef FSN_CORE_MEM_H
#define FSN_CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a*b, a+b into *out; false on overflow (and *out untouched). */
static inline bool fsn__mul_size(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static inline bool fsn__add_size(size_t a, size_t b, size_t *out)
{
    size_t r;

    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static inline bool fsn__mul_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;

    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

/* 64-byte aligned, zeroed; NULL when out of memory or size overflows. size 0 gives a valid block.
 * Freed by free(). */
void *fsn__aligned_calloc(size_t count, size_t size);

/* Bump allocator; everything it gave lives until fsn__arena_free. Zeroed memory. */
struct fsn__arena {
    struct fsn__arena_chunk *head;
};
void *fsn__arena_alloc(struct fsn__arena *arena, size_t count, size_t size);
char *fsn__arena_strdup(struct fsn__arena *arena, const char *text);
void fsn__arena_free(struct fsn__arena *arena);

/* A byte buffer that grows to at most `max`. Zero-initialise and set max; fsn__buf_free frees. */
struct fsn__buf {
    unsigned char *data;
    size_t size, capacity, max;
};
bool fsn__buf_append(struct fsn__buf *buf, const void *bytes, size_t size);
void fsn__buf_free(struct fsn__buf *buf);

#endif
