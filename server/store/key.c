/* key.c - see key.h. */
#include "store/key.h"

#include <string.h>

enum fsn_status srv_key_end(struct srv_query *query, const struct srv_key *key,
                            char id[SRV_ID_SIZE], bool *found, bool *same, struct fsn_error *err)
{
    char sha256[SRV_SHA256_SIZE];

    *found = srv_query_row(query);
    if (*found) {
        srv_column_copy(query, 0, id, SRV_ID_SIZE);
        srv_column_copy(query, 1, sha256, sizeof sha256);
        *same = strcmp(sha256, key->request_sha256) == 0;
    }
    return srv_query_end(query, err);
}
