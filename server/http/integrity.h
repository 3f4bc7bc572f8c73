/* integrity.h - whether a body is what its client says of it (Content-Digest, Repr-Digest), and
 * what a client wants to hear of an answer's. */
#ifndef SRV_HTTP_INTEGRITY_H
#define SRV_HTTP_INTEGRITY_H

#include "http/request.h"

#define SRV_CONTENT_DIGEST "Content-Digest" /* of what is sent */
#define SRV_REPR_DIGEST "Repr-Digest"       /* of the whole, whichever part of it is sent */

/* What a client may ask of either. */
#define SRV_WANT_CONTENT_DIGEST "Want-" SRV_CONTENT_DIGEST
#define SRV_WANT_REPR_DIGEST "Want-" SRV_REPR_DIGEST

/* Whether by this field, one of the last two, the SHA-512 of a file is wanted and not its SHA-256.
 */
bool srv_integrity_wants_512(const struct srv_request *request, const char *field);

/* Whether the body's SHA-512 will be asked for, beside its SHA-256. */
bool srv_integrity_needs_512(const struct srv_request *request);

/* Whether the body, which has come whole, is what Content-Digest and Repr-Digest say, as far as
 * they were sent and have a sha-256 or a sha-512; false: the request has been answered. A body is
 * sent without a coding, so both mean the same bytes. */
bool srv_check_integrity(struct srv_request *request);

#endif
