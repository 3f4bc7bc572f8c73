/* partials.h - uploads that come in parts: rows of table partial_uploads. */
#ifndef SRV_STORE_PARTIALS_H
#define SRV_STORE_PARTIALS_H

#include "base/page.h"
#include "store/uploads.h"

#define SRV_PARTIAL_ALL INT64_MAX

struct srv_partial {
    int64_t seq; /* place in the list; not for insert */
    char id[SRV_ID_SIZE];
    enum srv_upload_kind kind;
    char name[201];
    char format[16]; /* of a data set; "": by its content */
    char metadata[1025];
    int64_t length, created_at_ms, expires_at_ms;
    /* How many bytes of the file count: SRV_PARTIAL_ALL, or where the part begins that is not yet
     * what its checksum says. So it is dropped even if the server is killed meanwhile. */
    int64_t verified;
    char resource[SRV_ID_SIZE]; /* what it has become; "": nothing yet */
    char error_type[64];        /* why its content was refused; "": it was not */
    char error_detail[1025];
    char owner[SRV_TOKEN_ID_SIZE];
};

/* Whether it is whole and has become something, or was refused. */
bool srv_partial_is_judged(const struct srv_partial *partial);

/* *room false: nothing was inserted, since the owner's quota has no room for the length, other
 * partial uploads counted. */
FSN_NODISCARD enum fsn_status srv_partials_insert(struct srv_db *db,
                                                  const struct srv_partial *partial, bool *room,
                                                  struct fsn_error *err);
/* Bytes that the owner's unfinished uploads will have. */
FSN_NODISCARD enum fsn_status srv_partials_promised(struct srv_db *db, const char *owner,
                                                    int64_t *out, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_partials_get(struct srv_db *db, const char *id,
                                               struct srv_partial *out, bool *found,
                                               struct fsn_error *err);
/* The uploads of an owner, NULL: everybody's. *rows new: free(). *next is 0 on the last page. */
FSN_NODISCARD enum fsn_status srv_partials_list(struct srv_db *db, const char *owner,
                                                const struct srv_page *page,
                                                struct srv_partial **rows, size_t *count,
                                                int64_t *next, struct fsn_error *err);
/* Writes what can change: verified, expires_at_ms, resource, error_type, error_detail. */
FSN_NODISCARD enum fsn_status
srv_partials_update(struct srv_db *db, const struct srv_partial *partial, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_partials_delete(struct srv_db *db, const char *id,
                                                  struct fsn_error *err);
/* The first of those that expired before now_ms and whose id comes after `after`. */
FSN_NODISCARD enum fsn_status srv_partials_next_expired(struct srv_db *db, int64_t now_ms,
                                                        const char *after, char id[SRV_ID_SIZE],
                                                        bool *found, struct fsn_error *err);

#endif
