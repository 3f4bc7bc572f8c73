/* checksum.c - see checksum.h. */
#include "base/checksum.h"

#include "base/base64.h"

#include <nettle/base64.h>
#include <stdint.h>
#include <string.h>

static size_t digest_size(const struct srv_checksum *checksum)
{
    return checksum->algorithm == SRV_CHECKSUM_SHA1 ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE;
}

bool srv_checksum_begin(struct srv_checksum *checksum, const char *field)
{
    uint8_t bytes[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE))];
    size_t size;

    *checksum = (struct srv_checksum){.algorithm = SRV_CHECKSUM_NONE};
    if (!field)
        return true;
    if (strncmp(field, "sha1 ", 5) == 0) {
        checksum->algorithm = SRV_CHECKSUM_SHA1;
        sha1_init(&checksum->state.sha1);
        field += 5;
    } else if (strncmp(field, "sha256 ", 7) == 0) {
        checksum->algorithm = SRV_CHECKSUM_SHA256;
        sha256_init(&checksum->state.sha256);
        field += 7;
    } else {
        return false;
    }
    if (!srv_base64_decode(field, strlen(field), bytes, sizeof bytes, &size) ||
        size != digest_size(checksum))
        return false;
    memcpy(checksum->expected, bytes, size);
    return true;
}

void srv_checksum_add(struct srv_checksum *checksum, const void *bytes, size_t size)
{
    if (checksum->algorithm == SRV_CHECKSUM_SHA1)
        sha1_update(&checksum->state.sha1, size, bytes);
    else if (checksum->algorithm == SRV_CHECKSUM_SHA256)
        sha256_update(&checksum->state.sha256, size, bytes);
}

bool srv_checksum_holds(struct srv_checksum *checksum)
{
    uint8_t got[SHA256_DIGEST_SIZE];

    if (checksum->algorithm == SRV_CHECKSUM_NONE)
        return true;
    if (checksum->algorithm == SRV_CHECKSUM_SHA1)
        sha1_digest(&checksum->state.sha1, SHA1_DIGEST_SIZE, got);
    else
        sha256_digest(&checksum->state.sha256, SHA256_DIGEST_SIZE, got);
    return memcmp(got, checksum->expected, digest_size(checksum)) == 0;
}
