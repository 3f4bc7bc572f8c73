/*
 * digest_field.c - see digest_field.h.
 *
 * The fields are dictionaries of structured fields (RFC 8941), "sha-256=:BASE64:, sha-512=:BASE64:"
 * and "sha-512=3, sha-256=10". A receiver may ignore algorithms that it does not know; here all but
 * these two.
 */
#include "http/digest_field.h"

#include "base/base64.h"
#include "base/id.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sha256_key[] = "sha-256", sha512_key[] = "sha-512";

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
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

/* Calls read for every member, with its key's length and what comes behind it. false: the field is
 * no dictionary, or read gave false. */
static bool each_member(const char *field,
                        bool (*read)(const char *key, size_t size, const char *value, void *user),
                        void *user)
{
    const char *at = skip_spaces(field);

    for (;;) {
        const size_t size = key_length(at);

        if (size == 0 || !read(at, size, at + size, user))
            return false;
        at = member_end(at + size);
        if (*at == '\0')
            return true;
        at = skip_spaces(at + 1);
    }
}

static bool is_key(const char *wanted, const char *key, size_t size)
{
    return strlen(wanted) == size && memcmp(wanted, key, size) == 0;
}

/* Whether a member may end here: parameters, which nobody knows, may follow. */
static bool ends(const char *behind)
{
    behind = skip_spaces(behind);
    return *behind == '\0' || *behind == ',' || *behind == ';';
}

/* "=:BASE64:" of so many bytes. */
static bool read_bytes(const char *value, size_t wanted, char *hex)
{
    uint8_t bytes[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(SHA512_DIGEST_SIZE))];
    const char *text = value + 2;
    size_t length, size;

    if (strncmp(value, "=:", 2) != 0)
        return false;
    length = strcspn(text, ":");
    if (text[length] != ':' || !ends(text + length + 1) ||
        !srv_base64_decode(text, length, bytes, sizeof bytes, &size) || size != wanted)
        return false;
    srv_hex(bytes, size, hex);
    return true;
}

static bool read_digest(const char *key, size_t size, const char *value, void *user)
{
    struct srv_digests *digests = user;

    if (is_key(sha256_key, key, size))
        return read_bytes(value, SHA256_DIGEST_SIZE, digests->sha256);
    if (is_key(sha512_key, key, size))
        return read_bytes(value, SHA512_DIGEST_SIZE, digests->sha512);
    return true;
}

bool srv_digest_field_read(const char *field, struct srv_digests *out)
{
    *out = (struct srv_digests){"", ""};
    return each_member(field, read_digest, out);
}

void srv_digest_field_write(const char *hex, char out[SRV_DIGEST_FIELD_SIZE])
{
    uint8_t bytes[SHA512_DIGEST_SIZE];
    char text[BASE64_ENCODE_RAW_LENGTH(SHA512_DIGEST_SIZE) + 1] = "";
    const bool long_one = strlen(hex) == SRV_SHA512_SIZE - 1;
    const size_t size = long_one ? SHA512_DIGEST_SIZE : SHA256_DIGEST_SIZE;

    for (size_t i = 0; i < size; i++) {
        const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};

        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    base64_encode_raw(text, size, bytes);
    snprintf(out, SRV_DIGEST_FIELD_SIZE, "%s=:%s:", long_one ? sha512_key : sha256_key, text);
}

/* A preference: "=" and 0 to 10. */
static bool read_preference(const char *key, size_t size, const char *value, void *user)
{
    int *preferences = user;
    char *behind;
    long preference;

    if (!is_key(sha256_key, key, size) && !is_key(sha512_key, key, size))
        return true;
    if (*value != '=' || !isdigit((unsigned char)value[1]))
        return false;
    preference = strtol(value + 1, &behind, 10);
    if (preference > 10 || !ends(behind))
        return false;
    preferences[is_key(sha512_key, key, size)] = (int)preference;
    return true;
}

bool srv_digest_field_wants_512(const char *field)
{
    int preferences[2] = {0, 0}; /* sha-256, sha-512; not named is not wanted */

    return field && each_member(field, read_preference, preferences) &&
           preferences[1] > preferences[0];
}
