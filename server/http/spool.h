/* spool.h - bytes on their way into a file: collected into pieces, each of which another thread
 * hashes while it is written and the next ones are received. Two pieces do where that thread keeps
 * up. Where the kernel lets it wait for a core, for some milliseconds at a time, more are taken,
 * SRV_SPOOL_PIECES at most: then the sender waits for it. What is written at once is less: for much
 * the kernel takes large blocks of memory, which on a virtual machine are those that its host took
 * back. */
#ifndef SRV_HTTP_SPOOL_H
#define SRV_HTTP_SPOOL_H

#include "http/offload.h"

#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

enum { SRV_SPOOL_PIECE = 256 << 10, SRV_SPOOL_PIECES = 8, SRV_SPOOL_WRITE = 32 << 10 };

/* Both take the pieces in their order. write, on the thread that adds: false when it failed, and no
 * other comes. hash, on any thread but one after the other. */
typedef bool srv_spool_write_fn(void *arg, const void *bytes, size_t size);
typedef void srv_spool_hash_fn(void *arg, const void *bytes, size_t size);

struct srv_spool;

struct srv_spool_piece {
    struct srv_spool *spool;
    char *bytes;      /* [SRV_SPOOL_PIECE]; NULL until needed */
    atomic_bool away; /* with the hasher */
};

struct srv_spool {
    struct srv_offload *hasher; /* borrowed; NULL: pieces are hashed where they are added */
    srv_spool_write_fn *write;
    srv_spool_hash_fn *hash;
    void *arg;
    struct srv_spool_piece piece[SRV_SPOOL_PIECES];
    struct srv_spool_piece *filled; /* one of them, or NULL */
    size_t used;                    /* bytes of it */
    int awaited;                    /* pieces given to the hasher and not waited for yet */
    bool waits;                     /* `hashed` is there */
    bool failed;
    uv_sem_t hashed; /* posted for each piece that comes back */
};

/* *spool must stay where it is until it has ended. */
void srv_spool_begin(struct srv_spool *spool, struct srv_offload *hasher, srv_spool_write_fn *write,
                     srv_spool_hash_fn *hash, void *arg);
/* false: something could not be written, or there was no memory. */
bool srv_spool_add(struct srv_spool *spool, const void *bytes, size_t size);
/* Writes the rest and waits until all is hashed; false as above. Frees; may be called again. */
bool srv_spool_end(struct srv_spool *spool);
/* Waits for what is away, and drops the rest. Zero-initialised and ended ones are fine. */
void srv_spool_drop(struct srv_spool *spool);

#endif
