/* webhook_signature.h - secrets and signatures of Standard Webhooks 1.0 (standardwebhooks.com): a
 * message is signed by HMAC-SHA256 over "ID.TIMESTAMP.BODY". */
#ifndef SRV_BASE_WEBHOOK_SIGNATURE_H
#define SRV_BASE_WEBHOOK_SIGNATURE_H

#include "base/error.h"

#include <stdint.h>

/* "whsec_" and the base64 of the key. The specification asks for keys of 24 to 64 bytes. */
enum { SRV_WEBHOOK_KEY_LEAST = 24, SRV_WEBHOOK_KEY_MOST = 64 };
#define SRV_WEBHOOK_SECRET_SIZE 96
/* "v1," and the base64 of 32 bytes, with NUL. */
#define SRV_WEBHOOK_SIGNATURE_SIZE 48

/* A new secret of 32 bytes from the system's generator. Errors: IO when it gives none. */
FSN_NODISCARD enum fsn_status srv_webhook_secret_new(char out[SRV_WEBHOOK_SECRET_SIZE],
                                                     struct fsn_error *err);
bool srv_webhook_secret_valid(const char *secret);

/* The value of webhook-signature. time_s: seconds since 1970, as in webhook-timestamp. Errors:
 * INVALID (the secret). */
FSN_NODISCARD enum fsn_status srv_webhook_sign(const char *secret, const char *id, int64_t time_s,
                                               const char *body,
                                               char out[SRV_WEBHOOK_SIGNATURE_SIZE],
                                               struct fsn_error *err);

#endif
