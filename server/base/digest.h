/* digest.h - SHA-256, or SHA-512 where a client asks for it, of bytes as they pass by and of whole
 * files (nettle), in lower-case hexadecimal. */
#ifndef SRV_BASE_DIGEST_H
#define SRV_BASE_DIGEST_H

#include "base/error.h"

#include <nettle/sha2.h>
#include <stdbool.h>

#define SRV_SHA256_SIZE 65  /* 64 hex digits + NUL */
#define SRV_SHA512_SIZE 129 /* 128 hex digits + NUL */

struct srv_digest {
    bool long_one; /* SHA-512 */
    union {
        struct sha256_ctx sha256;
        struct sha512_ctx sha512;
    } context;
};

void srv_digest_begin(struct srv_digest *digest);     /* SHA-256 */
void srv_digest_begin_512(struct srv_digest *digest); /* SHA-512 */
void srv_digest_add(struct srv_digest *digest, const void *bytes, size_t size);
/* out: SRV_SHA256_SIZE or SRV_SHA512_SIZE. */
void srv_digest_end(struct srv_digest *digest, char *out);

/* SHA-256 of bytes that are there at once. */
void srv_digest_bytes(const void *bytes, size_t size, char out[SRV_SHA256_SIZE]);

/* SHA-256 of a whole file; also its size. Errors: IO. */
FSN_NODISCARD enum fsn_status srv_digest_file(const char *path, char out[SRV_SHA256_SIZE],
                                              int64_t *size_bytes, struct fsn_error *err);
/* SHA-512 of a whole file. Errors: IO. */
FSN_NODISCARD enum fsn_status srv_digest_file_512(const char *path, char out[SRV_SHA512_SIZE],
                                                  struct fsn_error *err);

#endif
