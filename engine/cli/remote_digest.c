/* remote_digest.c - the SHA-256 of a file, in hex and as Content-Digest has it (RFC 9530). */
#include "remote.h"

#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <unistd.h>

_Static_assert(REMOTE_SHA256_SIZE == BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1, "hex and NUL");

bool remote_digest(int file, char hex[REMOTE_SHA256_SIZE], char field[REMOTE_DIGEST_FIELD_SIZE],
                   int64_t *bytes)
{
    uint8_t block[1 << 16], digest[SHA256_DIGEST_SIZE];
    char base64[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";
    struct sha256_ctx context;
    int64_t size = 0;
    ssize_t n;

    sha256_init(&context);
    while ((n = pread(file, block, sizeof block, (off_t)size)) > 0) {
        sha256_update(&context, (size_t)n, block);
        size += n;
    }
    if (n < 0)
        return false;
    sha256_digest(&context, sizeof digest, digest);
    base16_encode_update(hex, sizeof digest, digest);
    hex[REMOTE_SHA256_SIZE - 1] = '\0';
    base64_encode_raw(base64, sizeof digest, digest);
    snprintf(field, REMOTE_DIGEST_FIELD_SIZE, "sha-256=:%s:", base64);
    *bytes = size;
    return true;
}
