/* body.c - see body.h. */
#include "http/body.h"

#include "base/files.h"
#include "http/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool goes_to_file(enum srv_body_kind kind)
{
    return kind == SRV_BODY_FILE || kind == SRV_BODY_IMAGE;
}

static bool write_piece(void *user, const void *bytes, size_t size)
{
    struct srv_body *body = user;

    if (srv_write_all(body->fd, bytes, size))
        return true;
    body->cause = errno;
    return false;
}

/* Why the spool has failed: a write did, or there was no memory for a piece. */
static enum fsn_status status_of_cause(const struct srv_body *body)
{
    return body->cause ? fsn_status_of_errno(body->cause) : FSN_NOMEM;
}

/* On the hasher's thread. */
static void hash_piece(void *user, const void *bytes, size_t size)
{
    struct srv_body *body = user;

    if (body->kind == SRV_BODY_APPEND) {
        srv_checksum_add(&body->checksum, bytes, size);
        return;
    }
    srv_digest_add(&body->digest, bytes, size);
    if (body->wants_512)
        srv_digest_add(&body->digest_512, bytes, size);
}

enum fsn_status srv_body_begin(struct srv_body *body, enum srv_body_kind kind, int64_t limit_bytes,
                               const char *temporary_dir, struct srv_offload *hasher,
                               struct fsn_error *err)
{
    *body = (struct srv_body){.kind = kind, .limit_bytes = limit_bytes, .fd = -1};
    if (!goes_to_file(kind))
        return FSN_OK;
    srv_spool_begin(&body->spool, hasher, write_piece, hash_piece, body);
    srv_digest_begin(&body->digest);
    srv_digest_begin_512(&body->digest_512);
    if (asprintf(&body->path, "%s/upload-XXXXXX", temporary_dir) < 0) {
        body->path = NULL;
        body->status = SRV_NOMEM(err);
        return body->status;
    }
    body->fd = mkostemp(body->path, O_CLOEXEC);
    if (body->fd < 0)
        body->status =
            SRV_FAIL(err, fsn_status_of_errno(errno), "cannot make a temporary file in %s: %s",
                     temporary_dir, strerror(errno));
    return body->status;
}

void srv_body_append(struct srv_body *body, int fd, int64_t start, int64_t limit_bytes,
                     const struct srv_checksum *checksum, const char *target,
                     struct srv_offload *hasher)
{
    *body = (struct srv_body){.kind = SRV_BODY_APPEND,
                              .limit_bytes = limit_bytes,
                              .fd = fd,
                              .start = start,
                              .checksum = *checksum,
                              .unchecked = checksum->algorithm != SRV_CHECKSUM_NONE};
    snprintf(body->target, sizeof body->target, "%s", target);
    srv_spool_begin(&body->spool, hasher, write_piece, hash_piece, body);
}

static bool append(struct srv_body *body, const void *bytes, size_t size)
{
    size_t used = (size_t)body->size_bytes;

    if (body->capacity - used < size) {
        size_t wanted = body->capacity ? 2 * body->capacity : 4096;
        char *grown;

        while (wanted - used < size)
            wanted *= 2;
        grown = realloc(body->bytes, wanted);
        if (!grown)
            return false;
        body->bytes = grown;
        body->capacity = wanted;
    }
    memcpy(body->bytes + used, bytes, size);
    return true;
}

/* closer: who frees what is large; NULL: this thread. */
static void let_go(struct srv_body *body, struct srv_offload *closer)
{
    /* What was received of an appended body stays: its sender goes on from there. */
    if (body->fd >= 0 && body->kind == SRV_BODY_APPEND && !body->unchecked &&
        !srv_spool_end(&body->spool))
        body->status = status_of_cause(body);
    srv_spool_drop(&body->spool);
    if (body->path)
        srv_closer_remove(closer, body->fd, body->path, body->size_bytes);
    else if (body->fd >= 0 && body->unchecked)
        srv_closer_close(closer, body->fd, body->start, body->size_bytes);
    else if (body->fd >= 0)
        close(body->fd);
    body->fd = -1;
    free(body->path);
    body->path = NULL;
    free(body->bytes);
    body->bytes = NULL;
    body->capacity = 0;
}

void srv_body_discard(struct srv_body *body)
{
    let_go(body, goes_to_file(body->kind) ? body->closer : NULL);
}

void srv_body_abandon(struct srv_body *body)
{
    let_go(body, body->closer);
}

void srv_body_add(struct srv_body *body, const void *bytes, size_t size)
{
    if (body->status == FSN_OK && (int64_t)size > body->limit_bytes - body->size_bytes &&
        body->kind != SRV_BODY_NONE)
        body->status = FSN_LIMIT;
    if (body->status == FSN_OK && body->kind == SRV_BODY_JSON && !append(body, bytes, size))
        body->status = FSN_NOMEM;
    if (body->status == FSN_OK && body->fd >= 0 && !srv_spool_add(&body->spool, bytes, size))
        body->status = status_of_cause(body);
    if (body->status != FSN_OK)
        srv_body_discard(body);
    body->size_bytes += (int64_t)size;
}

void srv_body_end(struct srv_body *body)
{
    if (body->fd < 0)
        return;
    if (!srv_spool_end(&body->spool)) {
        body->status = status_of_cause(body);
        srv_body_discard(body);
        return;
    }
    if (body->kind == SRV_BODY_APPEND) /* stays open */
        return;
    srv_digest_end(&body->digest, body->sha256);
    if (body->wants_512)
        srv_digest_end(&body->digest_512, body->sha512);
    if (close(body->fd) != 0) {
        body->cause = errno;
        body->status = status_of_cause(body);
    }
    body->fd = -1;
}
