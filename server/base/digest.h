/* digest.h - SHA-256 of bytes as they pass by and of whole files (nettle). */
#ifndef SRV_BASE_DIGEST_H
#define SRV_BASE_DIGEST_H

#include "base/error.h"

#include <nettle/sha2.h>

#define SRV_SHA256_SIZE 65 /* 64 hex digits + NUL */

struct srv_digest {
    struct sha256_ctx context;
};

void srv_digest_begin(struct srv_digest *digest);
void srv_digest_add(struct srv_digest *digest, const void *bytes, size_t size);
void srv_digest_end(struct srv_digest *digest, char out[SRV_SHA256_SIZE]);

/* Of bytes that are there at once. */
void srv_digest_bytes(const void *bytes, size_t size, char out[SRV_SHA256_SIZE]);

/* Of a whole file; also its size. Errors: IO. */
FSN_NODISCARD enum fsn_status srv_digest_file(const char *path, char out[SRV_SHA256_SIZE],
                                              int64_t *size_bytes, struct fsn_error *err);

/* A digest as a field of RFC 9530: "sha-256=:BASE64:". sha256: 64 hex digits. */
#define SRV_DIGEST_FIELD_SIZE 56
void srv_digest_field(const char *sha256, char out[SRV_DIGEST_FIELD_SIZE]);

#endif
