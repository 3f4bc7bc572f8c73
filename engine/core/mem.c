/* mem.c - allocation helpers; see mem.h for the contracts. */
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From HUGE_PAGE on, a block asks for huge pages: a convolution that walks dozens of planes at once
 * needs more small ones than the CPU has translations for. The kernel may refuse; nothing is lost.
 */
enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

void *fsn__aligned_calloc(size_t count, size_t size)
{
    size_t bytes;
    void *block;

    if (!fsn__mul_size(count, size, &bytes))
        return NULL;
    if (!fsn__add_size(bytes, CACHE_LINE - 1, &bytes))
        return NULL;
    bytes &= ~(size_t)(CACHE_LINE - 1);
    if (bytes == 0)
        bytes = CACHE_LINE;
    /* A huge page that the end would fill by half is taken whole. */
    if (bytes % HUGE_PAGE >= HUGE_PAGE / 2 &&
        !fsn__add_size(bytes, HUGE_PAGE - bytes % HUGE_PAGE, &bytes))
        return NULL;
    if (posix_memalign(&block, bytes < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE, bytes) != 0)
        return NULL;
    if (bytes >= HUGE_PAGE)
        (void)madvise(block, bytes & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
    memset(block, 0, bytes);
    return block;
}

struct fsn__arena_chunk {
    struct fsn__arena_chunk *next;
    size_t used, capacity;
    _Alignas(16) unsigned char bytes[];
};

enum { ARENA_CHUNK_BYTES = 16 * 1024 };

void *fsn__arena_alloc(struct fsn__arena *arena, size_t count, size_t size)
{
    struct fsn__arena_chunk *chunk = arena->head;
    size_t bytes, capacity, total;
    void *block;

    if (!fsn__mul_size(count, size, &bytes) || !fsn__add_size(bytes, 15, &bytes))
        return NULL;
    bytes &= ~(size_t)15;
    if (!chunk || chunk->capacity - chunk->used < bytes) {
        capacity = bytes > ARENA_CHUNK_BYTES ? bytes : ARENA_CHUNK_BYTES;
        if (!fsn__add_size(capacity, sizeof *chunk, &total))
            return NULL;
        chunk = calloc(1, total);
        if (!chunk)
            return NULL;
        chunk->capacity = capacity;
        chunk->next = arena->head;
        arena->head = chunk;
    }
    block = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return block;
}

char *fsn__arena_strdup(struct fsn__arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fsn__arena_alloc(arena, size, 1);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void fsn__arena_free(struct fsn__arena *arena)
{
    struct fsn__arena_chunk *chunk = arena->head;

    while (chunk) {
        struct fsn__arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    arena->head = NULL;
}

bool fsn__buf_append(struct fsn__buf *buf, const void *bytes, size_t size)
{
    size_t need;

    if (!fsn__add_size(buf->size, size, &need) || need > buf->max)
        return false;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 4096;
        unsigned char *data;

        while (capacity < need)
            capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
        data = realloc(buf->data, capacity);
        if (!data)
            return false;
        buf->data = data;
        buf->capacity = capacity;
    }
    if (size > 0)
        memcpy(buf->data + buf->size, bytes, size);
    buf->size = need;
    return true;
}

void fsn__buf_free(struct fsn__buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->size = buf->capacity = 0;
}
