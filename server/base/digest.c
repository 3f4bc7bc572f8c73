/* digest.c - see digest.h. */
#include "base/digest.h"

#include "base/id.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void srv_digest_begin(struct srv_digest *digest)
{
    sha256_init(&digest->context);
}

void srv_digest_add(struct srv_digest *digest, const void *bytes, size_t size)
{
    sha256_update(&digest->context, size, bytes);
}

void srv_digest_end(struct srv_digest *digest, char out[SRV_SHA256_SIZE])
{
    uint8_t bytes[SHA256_DIGEST_SIZE];

    sha256_digest(&digest->context, sizeof bytes, bytes);
    srv_hex(bytes, sizeof bytes, out);
}

void srv_digest_bytes(const void *bytes, size_t size, char out[SRV_SHA256_SIZE])
{
    struct srv_digest digest;

    srv_digest_begin(&digest);
    srv_digest_add(&digest, bytes, size);
    srv_digest_end(&digest, out);
}

enum fsn_status srv_digest_file(const char *path, char out[SRV_SHA256_SIZE], int64_t *size_bytes,
                                struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    unsigned char buffer[65536];
    struct srv_digest digest;
    int64_t total = 0;
    size_t got;
    FILE *file = fopen(path, "rb");

    if (!file)
        return SRV_FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    srv_digest_begin(&digest);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        srv_digest_add(&digest, buffer, got);
        total += (int64_t)got;
    }
    if (ferror(file)) {
        status = SRV_FAIL(err, FSN_IO, "%s: cannot be read", path);
    } else {
        srv_digest_end(&digest, out);
        *size_bytes = total;
    }
    fclose(file);
    return status;
}

void srv_digest_field(const char *sha256, char out[SRV_DIGEST_FIELD_SIZE])
{
    uint8_t bytes[SHA256_DIGEST_SIZE];
    char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = "";

    for (size_t i = 0; i < sizeof bytes; i++) {
        const char pair[] = {sha256[2 * i], sha256[2 * i + 1], '\0'};

        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    base64_encode_raw(text, sizeof bytes, bytes);
    snprintf(out, SRV_DIGEST_FIELD_SIZE, "sha-256=:%s:", text);
}
