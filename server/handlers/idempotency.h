/* idempotency.h - Idempotency-Key: a request that is sent again, since its answer was lost, does
 * nothing twice. */
#ifndef SRV_HANDLERS_IDEMPOTENCY_H
#define SRV_HANDLERS_IDEMPOTENCY_H

#include "handlers/api.h"
#include "store/key.h"

#define SRV_KEY_HEADER "Idempotency-Key"

/* The caller's key, key->key NULL where none was sent; request_sha256 is for the caller to fill.
 * false: it is not of visible ASCII, which has been answered. */
bool srv_key_read(struct srv_request *request, struct srv_key *key);
/* Says that the answer is to a request that was made before. */
void srv_key_replayed(struct srv_request *request);
/* 409: `id` was made under the key by a request for something else. */
void srv_key_reused(struct srv_request *request, const char *id);

#endif
