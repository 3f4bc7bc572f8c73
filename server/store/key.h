/* key.h - what makes a request that is sent twice one thing. */
#ifndef SRV_STORE_KEY_H
#define SRV_STORE_KEY_H

#include "base/digest.h"
#include "base/id.h"
#include "store/db.h"

/* Of an owner ("": none), and with the digest of what was asked for. key NULL: the request has none
 * and is always another. */
struct srv_key {
    const char *key, *request_sha256, *owner;
};

/* Ends a query for the id and the request's digest of what was made under the key. *found: there is
 * such a row; *same: by the same request. */
FSN_NODISCARD enum fsn_status srv_key_end(struct srv_query *query, const struct srv_key *key,
                                          char id[SRV_ID_SIZE], bool *found, bool *same,
                                          struct fsn_error *err);

#endif
