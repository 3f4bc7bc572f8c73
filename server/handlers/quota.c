/* quota.c - see quota.h. */
#include "handlers/quota.h"

#include "store/partials.h"
#include "store/tokens.h"

#include <inttypes.h>
#include <stdio.h>

enum fsn_status srv_reply_quota_bytes(struct srv_request *request, struct srv_db *db,
                                      int64_t wanted, bool promises, struct fsn_error *err)
{
    char this[48] = "", under_way[80] = "";
    int64_t promised = 0;
    struct srv_token_room room;
    enum fsn_status status = srv_tokens_room(db, request->caller.token_id, &room, err);

    if (status == FSN_OK && promises)
        status = srv_partials_promised(db, request->caller.token_id, &promised, err);
    if (status != FSN_OK)
        return status;
    if (wanted >= 0)
        snprintf(this, sizeof this, ", this has %" PRId64, wanted);
    if (promised > 0)
        snprintf(under_way, sizeof under_way, ", uploads under way are to have %" PRId64, promised);
    srv_reply_problem(request, SRV_PROBLEM_QUOTA,
                      "this would be more bytes than the token may store: it may store %" PRId64
                      " and has %" PRId64 "%s%s; delete models, data sets or jobs of it",
                      room.most_bytes, room.most_bytes - room.bytes, under_way, this);
    return FSN_OK;
}

enum fsn_status srv_reply_quota_jobs(struct srv_request *request, struct srv_db *db,
                                     struct fsn_error *err)
{
    struct srv_token_room room;
    enum fsn_status status = srv_tokens_room(db, request->caller.token_id, &room, err);

    if (status == FSN_OK)
        srv_reply_problem(request, SRV_PROBLEM_QUOTA,
                          "as many jobs of this token wait as may: %" PRId64 " of %" PRId64
                          "; cancel one or wait until one is taken up",
                          room.most_jobs - room.jobs, room.most_jobs);
    return status;
}
