/* remote_digest.c - the SHA-256 of a file, and BASE64. */
#include "remote.h"

#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(REMOTE_SHA256_SIZE == BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1, "hex and NUL");

bool remote_digest(int file, char hex[REMOTE_SHA256_SIZE], int64_t *bytes)
{
    uint8_t block[1 << 16], digest[SHA256_DIGEST_SIZE];
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
    *bytes = size;
    return true;
}

void remote_digest_text(const char *text, char hex[REMOTE_SHA256_SIZE])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, strlen(text), (const uint8_t *)text);
    sha256_digest(&context, sizeof digest, digest);
    base16_encode_update(hex, sizeof digest, digest);
    hex[REMOTE_SHA256_SIZE - 1] = '\0';
}

char *remote_base64(const char *text)
{
    const size_t size = strlen(text);
    char *out = malloc(BASE64_ENCODE_RAW_LENGTH(size) + 1);

    if (!out)
        return NULL;
    base64_encode_raw(out, size, (const uint8_t *)text);
    out[BASE64_ENCODE_RAW_LENGTH(size)] = '\0';
    return out;
}
