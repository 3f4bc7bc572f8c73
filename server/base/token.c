/* token.c - see token.h. */
#include "base/token.h"

#include "base/id.h"

#include <errno.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define PREFIX "fsn_"
#define SCHEME "Bearer "
#define ID_DIGITS (SRV_TOKEN_ID_SIZE - 1)
#define SECRET_DIGITS 64

enum fsn_status srv_token_new(char text[SRV_TOKEN_SIZE], struct srv_token *out,
                              struct fsn_error *err)
{
    unsigned char random[(ID_DIGITS + SECRET_DIGITS) / 2];
    char hex[2 * sizeof random + 1];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return SRV_FAIL(err, FSN_IO, "getrandom: %s", strerror(errno));
    srv_hex(random, sizeof random, hex);
    snprintf(text, SRV_TOKEN_SIZE, PREFIX "%.*s_%s", ID_DIGITS, hex, hex + ID_DIGITS);
    snprintf(out->id, sizeof out->id, "%.*s", ID_DIGITS, hex);
    srv_digest_bytes(text, strlen(text), out->sha256);
    explicit_bzero(random, sizeof random);
    explicit_bzero(hex, sizeof hex);
    return FSN_OK;
}

static bool is_hex(const char *text, size_t digits)
{
    return strspn(text, "0123456789abcdef") >= digits;
}

bool srv_token_parse(const char *authorization, struct srv_token *out)
{
    const char *text, *id, *secret;

    if (strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
        return false;
    text = authorization + strlen(SCHEME);
    text += strspn(text, " ");
    if (strlen(text) != SRV_TOKEN_SIZE - 1 || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return false;
    id = text + strlen(PREFIX);
    secret = id + ID_DIGITS + 1;
    if (!is_hex(id, ID_DIGITS) || id[ID_DIGITS] != '_' || !is_hex(secret, SECRET_DIGITS))
        return false;
    memcpy(out->id, id, ID_DIGITS);
    out->id[ID_DIGITS] = '\0';
    srv_digest_bytes(text, strlen(text), out->sha256);
    return true;
}

bool srv_token_same(const char a[SRV_SHA256_SIZE], const char b[SRV_SHA256_SIZE])
{
    return memeql_sec(a, b, SRV_SHA256_SIZE) != 0;
}
