/* spool.h - bytes on their way into a file: collected into pieces, which another thread hashes and
 * writes while the next one is received. Whoever sends more than one body's thread can write waits
 * for it; bytes beyond two pieces are never held. */
#ifndef SRV_HTTP_SPOOL_H
#define SRV_HTTP_SPOOL_H

#include "http/offload.h"

#include <stddef.h>
#include <uv.h>

enum { SRV_SPOOL_PIECE = 256 << 10 };

/* Takes a piece, the pieces in their order, on any thread but one after the other; false: it
 * failed, and no other comes. */
typedef bool srv_spool_take_fn(void *arg, const void *bytes, size_t size);

struct srv_spool {
    struct srv_offload *writer; /* borrowed; NULL: pieces are taken where they are added */
    srv_spool_take_fn *take;
    void *arg;
    char *piece[2]; /* NULL until needed */
    size_t used;    /* of the one that is filled */
    int filled;     /* which */
    bool away;      /* the other one is with the writer */
    bool waits;     /* `taken` is there */
    bool failed;
    uv_sem_t taken;
};

/* *spool must stay where it is until it has ended. */
void srv_spool_begin(struct srv_spool *spool, struct srv_offload *writer, srv_spool_take_fn *take,
                     void *arg);
/* false: something could not be taken, or there was no memory. */
bool srv_spool_add(struct srv_spool *spool, const void *bytes, size_t size);
/* Hands over the rest and waits until all is taken; false as above. Frees; may be called again. */
bool srv_spool_end(struct srv_spool *spool);
/* Waits for what is away, and drops the rest. Zero-initialised and ended ones are fine. */
void srv_spool_drop(struct srv_spool *spool);

#endif
