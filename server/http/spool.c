/* spool.c - see spool.h. */
#include "http/spool.h"

#include <stdlib.h>
#include <string.h>

void srv_spool_begin(struct srv_spool *spool, struct srv_offload *hasher, srv_spool_write_fn *write,
                     srv_spool_hash_fn *hash, void *arg)
{
    *spool = (struct srv_spool){.hasher = hasher, .write = write, .hash = hash, .arg = arg};
}

/* On the hasher's thread. */
static void hash_piece(void *user)
{
    struct srv_spool_piece *piece = user;
    struct srv_spool *spool = piece->spool;

    spool->hash(spool->arg, piece->bytes, SRV_SPOOL_PIECE);
    atomic_store(&piece->away, false);
    uv_sem_post(&spool->hashed);
}

static void wait_for_one(struct srv_spool *spool)
{
    uv_sem_wait(&spool->hashed);
    spool->awaited--;
}

static void wait_for_hasher(struct srv_spool *spool)
{
    while (spool->awaited > 0)
        wait_for_one(spool);
}

/* The first piece that is here: while the hasher keeps up, always one of the same two. */
static struct srv_spool_piece *piece_here(struct srv_spool *spool)
{
    for (;;) {
        for (int i = 0; i < SRV_SPOOL_PIECES; i++)
            if (!atomic_load(&spool->piece[i].away))
                return &spool->piece[i];
        wait_for_one(spool);
    }
}

/* false: there is no memory for a piece. */
static bool open_piece(struct srv_spool *spool)
{
    struct srv_spool_piece *piece = piece_here(spool);

    if (!piece->bytes)
        piece->bytes = malloc(SRV_SPOOL_PIECE);
    piece->spool = spool;
    spool->used = 0;
    spool->filled = piece->bytes ? piece : NULL;
    return piece->bytes != NULL;
}

static bool hash_elsewhere(struct srv_spool *spool, struct srv_spool_piece *piece)
{
    if (!spool->waits)
        spool->waits = spool->hasher && uv_sem_init(&spool->hashed, 0) == 0;
    if (!spool->waits)
        return false;
    atomic_store(&piece->away, true);
    if (srv_offload_submit(spool->hasher, hash_piece, NULL, piece) == FSN_OK) {
        spool->awaited++;
        return true;
    }
    atomic_store(&piece->away, false);
    wait_for_hasher(spool); /* pieces are hashed in their order */
    return false;
}

static void write_out(struct srv_spool *spool, const struct srv_spool_piece *piece, size_t size)
{
    for (size_t at = 0; at < size && !spool->failed; at += SRV_SPOOL_WRITE) {
        const size_t part = size - at < SRV_SPOOL_WRITE ? size - at : SRV_SPOOL_WRITE;

        spool->failed = !spool->write(spool->arg, piece->bytes + at, part);
    }
}

/* Writes the filled piece while the hasher has it, too. */
static void pass_on(struct srv_spool *spool)
{
    struct srv_spool_piece *piece = spool->filled;

    spool->filled = NULL;
    if (!hash_elsewhere(spool, piece))
        spool->hash(spool->arg, piece->bytes, SRV_SPOOL_PIECE);
    write_out(spool, piece, SRV_SPOOL_PIECE);
}

bool srv_spool_add(struct srv_spool *spool, const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        size_t part;

        if (!spool->filled && !open_piece(spool))
            return false;
        part = SRV_SPOOL_PIECE - spool->used;
        if (part > size)
            part = size;
        memcpy(spool->filled->bytes + spool->used, from, part);
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
    if (!spool->failed && spool->filled) {
        spool->hash(spool->arg, spool->filled->bytes, spool->used);
        write_out(spool, spool->filled, spool->used);
    }
    srv_spool_drop(spool);
    return !spool->failed;
}

void srv_spool_drop(struct srv_spool *spool)
{
    wait_for_hasher(spool);
    for (int i = 0; i < SRV_SPOOL_PIECES; i++) {
        free(spool->piece[i].bytes);
        spool->piece[i].bytes = NULL;
    }
    spool->filled = NULL;
    if (spool->waits)
        uv_sem_destroy(&spool->hashed);
    spool->waits = false;
}
