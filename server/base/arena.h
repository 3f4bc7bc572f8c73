/* arena.h - bump allocator: everything one request allocates is freed at once when it ends. */
#ifndef SRV_BASE_ARENA_H
#define SRV_BASE_ARENA_H

#include <stddef.h>

struct srv_arena_chunk;
struct srv_arena { /* zero-initialise */
    struct srv_arena_chunk *head;
};

/* size bytes, aligned for any type; NULL when out of memory. */
void *srv_arena_alloc(struct srv_arena *arena, size_t size);
char *srv_arena_strdup(struct srv_arena *arena, const char *text);
char *srv_arena_printf(struct srv_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void srv_arena_free(struct srv_arena *arena);

#endif
