/* digest_field.h - the fields of RFC 9530: Content-Digest and Repr-Digest, as clients send them and
 * as answers have them, and Want-Content-Digest and Want-Repr-Digest. */
#ifndef SRV_HTTP_DIGEST_FIELD_H
#define SRV_HTTP_DIGEST_FIELD_H

#include "base/digest.h"

/* What a field says, in lower-case hexadecimal; "": it does not say. */
struct srv_digests {
    char sha256[SRV_SHA256_SIZE], sha512[SRV_SHA512_SIZE];
};

/* Reads a Content-Digest or Repr-Digest field. false: it is no dictionary, or what it has for
 * sha-256 or sha-512 is not the base64 of 32 or 64 bytes. */
bool srv_digest_field_read(const char *field, struct srv_digests *out);

/* "sha-256=:BASE64:" or, of 128 digits, "sha-512=:BASE64:". */
#define SRV_DIGEST_FIELD_SIZE 104
void srv_digest_field_write(const char *hex, char out[SRV_DIGEST_FIELD_SIZE]);

/* Whether a Want-Repr-Digest or Want-Content-Digest field (or NULL) prefers sha-512 to sha-256. */
bool srv_digest_field_wants_512(const char *field);

#endif
