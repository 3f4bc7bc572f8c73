/* integrity.h - the digests that a client sends with a body (RFC 9530). */
#ifndef SRV_HTTP_INTEGRITY_H
#define SRV_HTTP_INTEGRITY_H

#include "http/request.h"

enum srv_digest_field {
    SRV_DIGEST_NONE, /* it has no sha-256, which is what is looked at */
    SRV_DIGEST_READ,
    SRV_DIGEST_BAD /* it is no dictionary, or its sha-256 is not the base64 of 32 bytes */
};

/* Reads a Content-Digest or Repr-Digest field into lower-case hexadecimal. */
enum srv_digest_field srv_digest_field_read(const char *field, char sha256[SRV_SHA256_SIZE]);

/* Whether the body, which has come whole, is what Content-Digest and Repr-Digest say, as far as
 * they were sent and have a sha-256; false: the request has been answered. A body is sent without a
 * coding, so both mean the same bytes. */
bool srv_check_integrity(struct srv_request *request);

#endif
