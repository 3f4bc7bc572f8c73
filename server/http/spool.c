/* spool.c - see spool.h. */
#include "http/spool.h"

#include <stdlib.h>
#include <string.h>

void srv_spool_begin(struct srv_spool *spool, struct srv_offload *hasher, srv_spool_write_fn *write,
                     srv_spool_hash_fn *hash, void *arg)
{
    *spool = (struct srv_spool){.hasher = hasher, .write = write, .hash = hash, .arg = arg};
}

/* On the hasher's thread, while the other piece is filled. */
static void hash_piece(void *user)
{
    struct srv_spool *spool = user;

    spool->hash(spool->arg, spool->piece[!spool->filled], SRV_SPOOL_PIECE);
    uv_sem_post(&spool->hashed);
}

static void wait_for_hasher(struct srv_spool *spool)
{
    if (spool->away)
        uv_sem_wait(&spool->hashed);
    spool->away = false;
}

/* Writes the filled piece while the hasher has it; the other one is filled next. */
static void pass_on(struct srv_spool *spool)
{
    const char *piece = spool->piece[spool->filled];

    wait_for_hasher(spool);
    if (!spool->waits)
        spool->waits = spool->hasher && uv_sem_init(&spool->hashed, 0) == 0;
    spool->filled = !spool->filled;
    spool->used = 0;
    spool->away =
        spool->waits && srv_offload_submit(spool->hasher, hash_piece, NULL, spool) == FSN_OK;
    if (!spool->away)
        spool->hash(spool->arg, piece, SRV_SPOOL_PIECE);
    spool->failed = !spool->write(spool->arg, piece, SRV_SPOOL_PIECE);
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
        pass_on(spool);
        if (spool->failed)
            return false;
    }
    return true;
}

bool srv_spool_end(struct srv_spool *spool)
{
    wait_for_hasher(spool);
    if (!spool->failed && spool->used > 0) {
        spool->hash(spool->arg, spool->piece[spool->filled], spool->used);
        spool->failed = !spool->write(spool->arg, spool->piece[spool->filled], spool->used);
    }
    srv_spool_drop(spool);
    return !spool->failed;
}

void srv_spool_drop(struct srv_spool *spool)
{
    wait_for_hasher(spool);
    for (int i = 0; i < 2; i++) {
        free(spool->piece[i]);
        spool->piece[i] = NULL;
    }
    spool->used = 0;
    if (spool->waits)
        uv_sem_destroy(&spool->hashed);
    spool->waits = false;
}
