/* quota.h - answers to what a token's quota has no room for. */
#ifndef SRV_HANDLERS_QUOTA_H
#define SRV_HANDLERS_QUOTA_H

#include "handlers/api.h"

/* 429: what the token may store, what it has, and what this would be on top. wanted: bytes, below
 * 0: not known. promises: what uploads under way are to have counts, too. */
FSN_NODISCARD enum fsn_status srv_reply_quota_bytes(struct srv_request *request, struct srv_db *db,
                                                    int64_t wanted, bool promises,
                                                    struct fsn_error *err);
/* 429: how many jobs may wait, and do. */
FSN_NODISCARD enum fsn_status srv_reply_quota_jobs(struct srv_request *request, struct srv_db *db,
                                                   struct fsn_error *err);

#endif
