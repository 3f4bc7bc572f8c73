/* spool.c - see spool.h. */
#include "http/spool.h"

#include <stdlib.h>
#include <string.h>

void srv_spool_begin(struct srv_spool *spool, struct srv_offload *writer, srv_spool_take_fn *take,
                     void *arg)
{
    *spool = (struct srv_spool){.writer = writer, .take = take, .arg = arg};
}

/* On the writer's thread, while the other piece is filled. */
static void take_piece(void *user)
{
    struct srv_spool *spool = user;

    if (!spool->failed)
        spool->failed = !spool->take(spool->arg, spool->piece[!spool->filled], SRV_SPOOL_PIECE);
    uv_sem_post(&spool->taken);
}

/* From here on nobody else looks at the spool. */
static void wait_for_writer(struct srv_spool *spool)
{
    if (spool->away)
        uv_sem_wait(&spool->taken);
    spool->away = false;
}

/* The filled piece goes to the writer, the other one is filled next. */
static void hand_over(struct srv_spool *spool)
{
    if (!spool->waits)
        spool->waits = spool->writer && uv_sem_init(&spool->taken, 0) == 0;
    spool->filled = !spool->filled;
    spool->away = spool->waits;
    if (!spool->waits || srv_offload_submit(spool->writer, take_piece, spool) != FSN_OK) {
        spool->away = false;
        spool->failed = !spool->take(spool->arg, spool->piece[!spool->filled], spool->used);
    }
    spool->used = 0;
}

bool srv_spool_add(struct srv_spool *spool, const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        char **piece = &spool->piece[spool->filled];
        size_t part = SRV_SPOOL_PIECE - spool->used;

        if (!*piece && !(*piece = malloc(SRV_SPOOL_PIECE)))
            return false;
        if (part > size)
            part = size;
        memcpy(*piece + spool->used, from, part);
        spool->used += part;
        from += part;
        size -= part;
        if (spool->used < SRV_SPOOL_PIECE)
            break;
        wait_for_writer(spool);
        if (spool->failed)
            return false;
        hand_over(spool);
    }
    return true;
}

bool srv_spool_end(struct srv_spool *spool)
{
    wait_for_writer(spool);
    if (!spool->failed && spool->used > 0)
        spool->failed = !spool->take(spool->arg, spool->piece[spool->filled], spool->used);
    srv_spool_drop(spool);
    return !spool->failed;
}

void srv_spool_drop(struct srv_spool *spool)
{
    wait_for_writer(spool);
    for (int i = 0; i < 2; i++) {
        free(spool->piece[i]);
        spool->piece[i] = NULL;
    }
    spool->used = 0;
    if (spool->waits)
        uv_sem_destroy(&spool->taken);
    spool->waits = false;
}
