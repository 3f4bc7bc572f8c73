/*
 * integrity.c - see integrity.h.
 *
 * The fields are dictionaries of structured fields (RFC 8941): "sha-256=:BASE64:,
 * sha-512=:BASE64:". A receiver may ignore algorithms that it does not know; here all but sha-256,
 * which is computed for every upload anyway.
 */
#include "http/integrity.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <string.h>

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
}

static bool decode(const char *text, size_t length, char sha256[SRV_SHA256_SIZE])
{
    uint8_t bytes[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE))];
    struct base64_decode_ctx base64;
    size_t size = sizeof bytes;

    base64_decode_init(&base64);
    if (length > BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) ||
        !base64_decode_update(&base64, &size, bytes, length, text) ||
        !base64_decode_final(&base64) || size != SHA256_DIGEST_SIZE)
        return false;
    srv_hex(bytes, size, sha256);
    return true;
}

enum srv_digest_field srv_digest_field_read(const char *field, char sha256[SRV_SHA256_SIZE])
{
    static const char wanted[] = "sha-256";
    enum srv_digest_field result = SRV_DIGEST_NONE;
    const char *at = skip_spaces(field);

    for (;;) {
        const char *key = at, *text;
        size_t key_size = 0, size;

        while (islower((unsigned char)key[key_size]) || isdigit((unsigned char)key[key_size]) ||
               (key[key_size] && strchr("_-.*", key[key_size])))
            key_size++;
        if (key_size == 0 || strncmp(key + key_size, "=:", 2) != 0)
            return SRV_DIGEST_BAD;
        text = key + key_size + 2;
        size = strcspn(text, ":");
        if (text[size] != ':')
            return SRV_DIGEST_BAD;
        if (key_size == sizeof wanted - 1 && memcmp(key, wanted, key_size) == 0) {
            if (!decode(text, size, sha256))
                return SRV_DIGEST_BAD;
            result = SRV_DIGEST_READ;
        }
        at = skip_spaces(text + size + 1);
        if (*at == '\0')
            return result;
        if (*at != ',')
            return SRV_DIGEST_BAD;
        at = skip_spaces(at + 1);
    }
}

static bool holds(struct srv_request *request, const char *name, const char *got)
{
    const char *field = srv_request_header(request, name);
    char said[SRV_SHA256_SIZE];

    switch (field ? srv_digest_field_read(field, said) : SRV_DIGEST_NONE) {
    case SRV_DIGEST_NONE:
        return true;
    case SRV_DIGEST_BAD:
        srv_reply_problem(request, SRV_PROBLEM_BAD_HEADER,
                          "%s: expected sha-256=:BASE64 OF 32 BYTES:, got '%.200s'", name, field);
        return false;
    case SRV_DIGEST_READ:
        break;
    }
    if (strcmp(said, got) == 0)
        return true;
    srv_reply_problem(request, SRV_PROBLEM_DIGEST,
                      "%s says that the body has the SHA-256 %s, what came has %s", name, said,
                      got);
    return false;
}

bool srv_check_integrity(struct srv_request *request)
{
    const struct srv_body *body = &request->body;
    char sha256[SRV_SHA256_SIZE];
    const char *got = body->sha256;

    if (body->kind != SRV_BODY_FILE && body->kind != SRV_BODY_JSON)
        return true; /* none, or a part, which has a checksum of its own */
    if (body->kind == SRV_BODY_JSON) {
        srv_digest_bytes(body->bytes ? body->bytes : "", (size_t)body->size_bytes, sha256);
        got = sha256;
    }
    return holds(request, "Content-Digest", got) && holds(request, "Repr-Digest", got);
}
