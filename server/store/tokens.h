/* tokens.h - rows of table tokens, and what tokens own. They are looked up anew for each request:
 * `fsnetd token` changes them from another process, and what it says holds at once. */
#ifndef SRV_STORE_TOKENS_H
#define SRV_STORE_TOKENS_H

#include "base/caller.h"
#include "store/db.h"

#define SRV_TOKEN_NAME_SIZE 101

struct srv_token_row {
    struct srv_token token;
    char name[SRV_TOKEN_NAME_SIZE]; /* for people; need not be unique */
    enum srv_role role;
    int64_t created_at_ms, expires_at_ms, revoked_at_ms;         /* the last two 0: never, not */
    int64_t max_stored_bytes, max_queued_jobs, max_running_jobs; /* 0: no quota */
    int64_t rate_per_minute;                                     /* 0: the service's */
};

FSN_NODISCARD enum fsn_status srv_tokens_insert(struct srv_db *db, const struct srv_token_row *row,
                                                struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_tokens_find(struct srv_db *db, const char *id,
                                              struct srv_token_row *out, bool *found,
                                              struct fsn_error *err);
/* Oldest first. *out: an array, new, of *count. */
FSN_NODISCARD enum fsn_status srv_tokens_list(struct srv_db *db, struct srv_token_row **out,
                                              size_t *count, struct fsn_error *err);
/* From now on; one that was revoked stays so since then. *found false: there is no such token. */
FSN_NODISCARD enum fsn_status srv_tokens_revoke(struct srv_db *db, const char *id, int64_t now_ms,
                                                bool *found, struct fsn_error *err);
/* Whether there is a token, or has been one. */
FSN_NODISCARD enum fsn_status srv_tokens_any(struct srv_db *db, bool *any, struct fsn_error *err);

/* How much the token may have beyond what it has: bytes of its uploads and of its jobs' files, each
 * counted in full even where equal content is stored once, and jobs that wait. INT64_MAX where
 * there is no quota, below 0 where it is exceeded; the quotas themselves, 0 where there is none. */
struct srv_token_room {
    int64_t bytes, jobs;
    int64_t most_bytes, most_jobs;
};
FSN_NODISCARD enum fsn_status srv_tokens_room(struct srv_db *db, const char *token_id,
                                              struct srv_token_room *out, struct fsn_error *err);

/* NULL while the token may be used, else why it may not: "revoked", "expired". */
const char *srv_token_void(const struct srv_token_row *row, int64_t now_ms);

enum srv_owned {
    SRV_OWNED_MODEL,
    SRV_OWNED_DATASET,
    SRV_OWNED_JOB,
    SRV_OWNED_PARTIAL,
    SRV_OWNED_COUNT
};
/* Whether the token made the thing of this kind and id. What is not there is nobody's. */
FSN_NODISCARD enum fsn_status srv_tokens_own(struct srv_db *db, const char *token_id,
                                             enum srv_owned kind, const char *id, bool *owns,
                                             struct fsn_error *err);

#endif
