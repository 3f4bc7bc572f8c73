/* body.h - takes a request body piece by piece: into memory (JSON) or into a temporary file that is
 * hashed on the way (uploads). A piece that does not fit the limit, or that cannot be written, ends
 * the taking; the rest is dropped and nothing stays. */
#ifndef SRV_HTTP_BODY_H
#define SRV_HTTP_BODY_H

#include "base/checksum.h"
#include "base/digest.h"
#include "base/id.h"
#include "http/router.h"
#include "http/spool.h"

#include <stdint.h>

struct srv_body {
    enum srv_body_kind kind;
    int64_t limit_bytes;
    int64_t size_bytes;     /* received, the dropped part included */
    enum fsn_status status; /* LIMIT: too large; FULL, IO, NOMEM: could not be kept */
    int cause;              /* errno of what could not be written; 0: none */
    char *bytes;            /* JSON; size_bytes of them */
    size_t capacity;
    int fd;                 /* FILE; -1: none */
    char *path;             /* of the temporary file, owned; NULL: none */
    struct srv_spool spool; /* of what goes to the file */
    struct srv_digest digest, digest_512;
    /* Set after srv_body_begin or srv_body_append, if at all: */
    bool wants_512;
    struct srv_offload *closer;   /* frees files that are large, borrowed; NULL: nobody else does */
    char sha256[SRV_SHA256_SIZE]; /* after srv_body_end */
    char sha512[SRV_SHA512_SIZE]; /* the same, if it is wanted */
    /* Of an appended body: where it begins in the file, and what it is to be. Until somebody has
     * said that it is (unchecked = false), it is taken back when the body is discarded. */
    int64_t start;
    struct srv_checksum checksum;
    bool unchecked;
    char target[SRV_ID_SIZE]; /* the id of what it is appended to */
};

/* hasher: a pool of one thread that hashes files (or NULL: no thread of its own does), borrowed.
 * Always leaves *body valid for srv_body_discard; it must stay where it is. Errors: FULL, IO,
 * NOMEM. */
FSN_NODISCARD enum fsn_status srv_body_begin(struct srv_body *body, enum srv_body_kind kind,
                                             int64_t limit_bytes, const char *temporary_dir,
                                             struct srv_offload *hasher, struct fsn_error *err);
/* Begins a body that is appended behind the `start` bytes of the file fd, which is taken over and
 * stays open, and locked if it was, until the body is discarded. checksum: begun. hasher: as above.
 */
void srv_body_append(struct srv_body *body, int fd, int64_t start, int64_t limit_bytes,
                     const struct srv_checksum *checksum, const char *target,
                     struct srv_offload *hasher);
void srv_body_add(struct srv_body *body, const void *bytes, size_t size);
void srv_body_end(struct srv_body *body);
/* Removes the temporary file, unless it has been moved away, and frees the memory. The file of an
 * appended body is not locked any more. */
void srv_body_discard(struct srv_body *body);
/* The same of a request that has ended: an appended body's file may stay locked for a moment. */
void srv_body_abandon(struct srv_body *body);

#endif
