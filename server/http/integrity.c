/*
 * integrity.c - see integrity.h.
 *
 * The fields are dictionaries of structured fields (RFC 8941): "sha-256=:BASE64:,
 * sha-512=:BASE64:". A receiver may ignore algorithms that it does not know; here all but sha-256,
 * which is computed for every upload anyway.
 */
#include "http/integrity.h"

#include "base/base64.h"

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
    size_t size;

    if (!srv_base64_decode(text, length, bytes, sizeof bytes, &size) || size != SHA256_DIGEST_SIZE)
        return false;
    srv_hex(bytes, size, sha256);
    return true;
}

/* The end of a member: a comma outside of a quoted text, or the end of the field. */
static const char *member_end(const char *at)
{
    bool quoted = false;

    for (; *at && (quoted || *at != ','); at++)
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
    return at;
}

static size_t key_length(const char *at)
{
    size_t size = 0;

    while (islower((unsigned char)at[size]) || isdigit((unsigned char)at[size]) ||
           (at[size] && strchr("_-.*", at[size])))
        size++;
    return size;
}

/* A member of sha-256 from its value on: "=:BASE64:", and parameters that nobody knows. */
static bool read_sha256(const char *value, char sha256[SRV_SHA256_SIZE])
{
    const char *text = value + 2, *behind;
    size_t size;

    if (strncmp(value, "=:", 2) != 0)
        return false;
    size = strcspn(text, ":");
    if (text[size] != ':' || !decode(text, size, sha256))
        return false;
    behind = skip_spaces(text + size + 1);
    return *behind == '\0' || *behind == ',' || *behind == ';';
}

enum srv_digest_field srv_digest_field_read(const char *field, char sha256[SRV_SHA256_SIZE])
{
    static const char wanted[] = "sha-256";
    enum srv_digest_field result = SRV_DIGEST_NONE;
    const char *at = skip_spaces(field);

    for (;;) {
        const size_t size = key_length(at);

        if (size == 0)
            return SRV_DIGEST_BAD;
        if (size == sizeof wanted - 1 && memcmp(at, wanted, size) == 0) {
            if (!read_sha256(at + size, sha256))
                return SRV_DIGEST_BAD;
            result = SRV_DIGEST_READ;
        }
        at = member_end(at + size);
        if (*at == '\0')
            return result;
        at = skip_spaces(at + 1);
    }
}

static bool holds(struct srv_request *request, const char *name)
{
    const struct srv_body *body = &request->body;
    const char *field = srv_request_header(request, name);
    char said[SRV_SHA256_SIZE], got[SRV_SHA256_SIZE];

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
    if (body->kind == SRV_BODY_JSON) /* which is not hashed as it comes */
        srv_digest_bytes(body->bytes ? body->bytes : "", (size_t)body->size_bytes, got);
    else
        memcpy(got, body->sha256, sizeof got);
    if (strcmp(said, got) == 0)
        return true;
    srv_reply_problem(request, SRV_PROBLEM_DIGEST,
                      "%s says that the body has the SHA-256 %s, what came has %s", name, said,
                      got);
    return false;
}

bool srv_check_integrity(struct srv_request *request)
{
    const enum srv_body_kind kind = request->body.kind;

    if (kind != SRV_BODY_FILE && kind != SRV_BODY_JSON)
        return true; /* none, or a part, which has a checksum of its own */
    return holds(request, "Content-Digest") && holds(request, "Repr-Digest");
}
