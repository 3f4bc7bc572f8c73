/* arena.c - chunks in a list, the newest first; a request that is too large gets its own chunk. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)1024) /* what a short request needs */

struct srv_arena_chunk {
    struct srv_arena_chunk *next;
    size_t used, capacity;
    alignas(max_align_t) unsigned char bytes[];
};

void *srv_arena_alloc(struct srv_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct srv_arena_chunk *chunk = arena->head;
    void *block;

    if (size > SIZE_MAX - sizeof *chunk - align)
        return NULL;
    size = (size + align - 1) / align * align;
    if (!chunk || chunk->capacity - chunk->used < size) {
        size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;

        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        chunk->used = 0;
        chunk->capacity = capacity;
        chunk->next = arena->head;
        arena->head = chunk;
    }
    block = chunk->bytes + chunk->used;
    chunk->used += size;
    return block;
}

char *srv_arena_strdup(struct srv_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = srv_arena_alloc(arena, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *srv_arena_printf(struct srv_arena *arena, const char *format, ...)
{
    va_list args, again;
    char *text = NULL;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    if (length >= 0)
        text = srv_arena_alloc(arena, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void srv_arena_free(struct srv_arena *arena)
{
    while (arena->head) {
        struct srv_arena_chunk *next = arena->head->next;

        free(arena->head);
        arena->head = next;
    }
}
