/* digest.c - see digest.h. */
#include "base/digest.h"

#include "base/id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void srv_digest_begin(struct srv_digest *digest)
{
    digest->long_one = false;
    sha256_init(&digest->context.sha256);
}

void srv_digest_begin_512(struct srv_digest *digest)
{
    digest->long_one = true;
    sha512_init(&digest->context.sha512);
}

void srv_digest_add(struct srv_digest *digest, const void *bytes, size_t size)
{
    if (digest->long_one)
        sha512_update(&digest->context.sha512, size, bytes);
    else
        sha256_update(&digest->context.sha256, size, bytes);
}

void srv_digest_end(struct srv_digest *digest, char *out)
{
    uint8_t bytes[SHA512_DIGEST_SIZE];
    const size_t size = digest->long_one ? SHA512_DIGEST_SIZE : SHA256_DIGEST_SIZE;

    if (digest->long_one)
        sha512_digest(&digest->context.sha512, size, bytes);
    else
        sha256_digest(&digest->context.sha256, size, bytes);
    srv_hex(bytes, size, out);
}

void srv_digest_bytes(const void *bytes, size_t size, char out[SRV_SHA256_SIZE])
{
    struct srv_digest digest;

    srv_digest_begin(&digest);
    srv_digest_add(&digest, bytes, size);
    srv_digest_end(&digest, out);
}

/* Adds a whole file to a digest that has been begun, and ends it. */
static enum fsn_status add_file(struct srv_digest *digest, const char *path, char *out,
                                int64_t *size_bytes, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    unsigned char buffer[65536];
    int64_t total = 0;
    size_t got;
    FILE *file = fopen(path, "rb");

    if (!file)
        return SRV_FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        srv_digest_add(digest, buffer, got);
        total += (int64_t)got;
    }
    if (ferror(file)) {
        status = SRV_FAIL(err, FSN_IO, "%s: cannot be read", path);
    } else {
        srv_digest_end(digest, out);
        *size_bytes = total;
    }
    fclose(file);
    return status;
}

enum fsn_status srv_digest_file(const char *path, char out[SRV_SHA256_SIZE], int64_t *size_bytes,
                                struct fsn_error *err)
{
    struct srv_digest digest;

    srv_digest_begin(&digest);
    return add_file(&digest, path, out, size_bytes, err);
}

enum fsn_status srv_digest_file_512(const char *path, char out[SRV_SHA512_SIZE],
                                    struct fsn_error *err)
{
    struct srv_digest digest;
    int64_t size_bytes;

    srv_digest_begin_512(&digest);
    return add_file(&digest, path, out, &size_bytes, err);
}
