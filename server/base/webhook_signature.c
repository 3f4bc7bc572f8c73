/* webhook_signature.c - see webhook_signature.h. */
#include "base/webhook_signature.h"

#include "base/base64.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PREFIX "whsec_"
#define VERSION "v1,"
enum { NEW_KEY = 32 };

_Static_assert(sizeof PREFIX + BASE64_ENCODE_RAW_LENGTH(SRV_WEBHOOK_KEY_MOST) <=
                   SRV_WEBHOOK_SECRET_SIZE,
               "the longest secret fits");
_Static_assert(sizeof VERSION + BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) ==
                   SRV_WEBHOOK_SIGNATURE_SIZE,
               "a signature fits");

enum fsn_status srv_webhook_secret_new(char out[SRV_WEBHOOK_SECRET_SIZE], struct fsn_error *err)
{
    uint8_t key[NEW_KEY];
    char text[BASE64_ENCODE_RAW_LENGTH(NEW_KEY) + 1] = "";

    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return SRV_FAIL(err, FSN_IO, "no random bytes: %s", strerror(errno));
    base64_encode_raw(text, sizeof key, key);
    snprintf(out, SRV_WEBHOOK_SECRET_SIZE, PREFIX "%s", text);
    return FSN_OK;
}

/* The bytes of the key; false: it is no secret. */
static bool read_key(const char *secret, uint8_t key[SRV_WEBHOOK_SECRET_SIZE], size_t *size)
{
    const size_t prefix = sizeof PREFIX - 1, length = strlen(secret);

    return strncmp(secret, PREFIX, prefix) == 0 && length < SRV_WEBHOOK_SECRET_SIZE &&
           srv_base64_decode(secret + prefix, length - prefix, key, SRV_WEBHOOK_SECRET_SIZE,
                             size) &&
           *size >= SRV_WEBHOOK_KEY_LEAST && *size <= SRV_WEBHOOK_KEY_MOST;
}

bool srv_webhook_secret_valid(const char *secret)
{
    uint8_t key[SRV_WEBHOOK_SECRET_SIZE];
    size_t size;

    return read_key(secret, key, &size);
}

enum fsn_status srv_webhook_sign(const char *secret, const char *id, int64_t time_s,
                                 const char *body, char out[SRV_WEBHOOK_SIGNATURE_SIZE],
                                 struct fsn_error *err)
{
    uint8_t key[SRV_WEBHOOK_SECRET_SIZE], digest[SHA256_DIGEST_SIZE];
    struct hmac_sha256_ctx context;
    char time[24];
    size_t size;

    if (!read_key(secret, key, &size))
        return SRV_FAIL(err, FSN_INVALID, "a webhook's secret is not " PREFIX " and base64");
    snprintf(time, sizeof time, ".%" PRId64 ".", time_s);
    hmac_sha256_set_key(&context, size, key);
    hmac_sha256_update(&context, strlen(id), (const uint8_t *)id);
    hmac_sha256_update(&context, strlen(time), (const uint8_t *)time);
    hmac_sha256_update(&context, strlen(body), (const uint8_t *)body);
    hmac_sha256_digest(&context, sizeof digest, digest);
    memcpy(out, VERSION, sizeof VERSION - 1);
    base64_encode_raw(out + sizeof VERSION - 1, sizeof digest, digest);
    out[SRV_WEBHOOK_SIGNATURE_SIZE - 1] = '\0';
    return FSN_OK;
}
