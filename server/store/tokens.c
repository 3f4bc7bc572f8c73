/* tokens.c - see tokens.h. */
#include "store/tokens.h"

#include <stdlib.h>

#define COLUMNS                                                   \
    "id, sha256, name, role, created_at, expires_at, revoked_at," \
    " max_stored_bytes, max_queued_jobs, max_running_jobs, rate_per_minute"

/* A role that this program does not know would be one that may do least; the schema has no other.
 */
static void read_row(struct srv_query *q, struct srv_token_row *out)
{
    const char *role = srv_column_text(q, 3);
    enum srv_role known = role ? srv_role_parse(role) : SRV_ROLE_COUNT;

    *out = (struct srv_token_row){.role = known < SRV_ROLE_COUNT ? known : SRV_ROLE_USER};
    srv_column_copy(q, 0, out->token.id, sizeof out->token.id);
    srv_column_copy(q, 1, out->token.sha256, sizeof out->token.sha256);
    srv_column_copy(q, 2, out->name, sizeof out->name);
    out->created_at_ms = srv_column_int(q, 4);
    out->expires_at_ms = srv_column_int(q, 5);
    out->revoked_at_ms = srv_column_int(q, 6);
    out->max_stored_bytes = srv_column_int(q, 7);
    out->max_queued_jobs = srv_column_int(q, 8);
    out->max_running_jobs = srv_column_int(q, 9);
    out->rate_per_minute = srv_column_int(q, 10);
}

enum fsn_status srv_tokens_insert(struct srv_db *db, const struct srv_token_row *row,
                                  struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO tokens (id, sha256, name, role, created_at, expires_at,"
                    " max_stored_bytes, max_queued_jobs, max_running_jobs, rate_per_minute) VALUES "
                    "(?, ?, ?, ?, ?,"
                    " nullif(?, 0), nullif(?, 0), nullif(?, 0), nullif(?, 0), nullif(?, 0))");
    srv_query_text(&q, row->token.id);
    srv_query_text(&q, row->token.sha256);
    srv_query_text(&q, row->name);
    srv_query_text(&q, srv_role_name(row->role));
    srv_query_int(&q, row->created_at_ms);
    srv_query_int(&q, row->expires_at_ms);
    srv_query_int(&q, row->max_stored_bytes);
    srv_query_int(&q, row->max_queued_jobs);
    srv_query_int(&q, row->max_running_jobs);
    srv_query_int(&q, row->rate_per_minute);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_tokens_find(struct srv_db *db, const char *id, struct srv_token_row *out,
                                bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT " COLUMNS " FROM tokens WHERE id = ?");
    srv_query_text(&q, id);
    *found = srv_query_row(&q);
    if (*found)
        read_row(&q, out);
    return srv_query_end(&q, err);
}

enum fsn_status srv_tokens_list(struct srv_db *db, struct srv_token_row **out, size_t *count,
                                struct fsn_error *err)
{
    struct srv_token_row *rows = NULL;
    size_t n = 0, capacity = 0;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT " COLUMNS " FROM tokens ORDER BY created_at, id");
    while (srv_query_row(&q) && srv_query_room(&q, &rows, n, &capacity, sizeof *rows)) {
        read_row(&q, &rows[n++]);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *out = rows;
        *count = n;
    } else {
        free(rows);
    }
    return status;
}

enum fsn_status srv_tokens_revoke(struct srv_db *db, const char *id, int64_t now_ms, bool *found,
                                  struct fsn_error *err)
{
    int64_t changed = 0;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db, "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?");
    srv_query_int(&q, now_ms);
    srv_query_text(&q, id);
    status = srv_query_run(&q, &changed, err);
    if (status == FSN_OK)
        *found = changed == 1;
    return status;
}

enum fsn_status srv_tokens_any(struct srv_db *db, bool *any, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT 1 FROM tokens LIMIT 1");
    *any = srv_query_row(&q);
    return srv_query_end(&q, err);
}

enum fsn_status srv_tokens_room(struct srv_db *db, const char *token_id, struct srv_token_room *out,
                                struct fsn_error *err)
{
    struct srv_token_room room = {.bytes = INT64_MAX, .jobs = INT64_MAX};
    enum fsn_status status;
    struct srv_query q;

    /* A sum is made only where there is a quota to hold it against. */
    srv_query_begin(
        &q, db,
        "SELECT max_stored_bytes, CASE WHEN max_stored_bytes IS NOT NULL THEN"
        " (SELECT coalesce(sum(size_bytes), 0) FROM uploads JOIN blobs USING (sha256)"
        " WHERE owner = ?1) + (SELECT coalesce(sum(size_bytes), 0) FROM artifacts JOIN blobs"
        " USING (sha256) WHERE job_id IN (SELECT id FROM jobs WHERE owner = ?1)) END,"
        " max_queued_jobs, CASE WHEN max_queued_jobs IS NOT NULL THEN"
        " (SELECT count(*) FROM jobs WHERE owner = ?1 AND status = 'queued') END"
        " FROM tokens WHERE id = ?1");
    srv_query_text(&q, token_id);
    if (srv_query_row(&q)) {
        room.most_bytes = srv_column_int(&q, 0);
        room.most_jobs = srv_column_int(&q, 2);
        if (room.most_bytes > 0)
            room.bytes = room.most_bytes - srv_column_int(&q, 1);
        if (room.most_jobs > 0)
            room.jobs = room.most_jobs - srv_column_int(&q, 3);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK)
        *out = room;
    return status;
}

const char *srv_token_void(const struct srv_token_row *row, int64_t now_ms)
{
    if (row->revoked_at_ms != 0)
        return "revoked";
    return row->expires_at_ms != 0 && row->expires_at_ms <= now_ms ? "expired" : NULL;
}

enum fsn_status srv_tokens_own(struct srv_db *db, const char *token_id, enum srv_owned kind,
                               const char *id, bool *owns, struct fsn_error *err)
{
    static const char *const statements[SRV_OWNED_COUNT] = {
        [SRV_OWNED_MODEL] = "SELECT 1 FROM uploads WHERE id = ? AND owner = ? AND kind = 'model'",
        [SRV_OWNED_DATASET] =
            "SELECT 1 FROM uploads WHERE id = ? AND owner = ? AND kind = 'dataset'",
        [SRV_OWNED_JOB] = "SELECT 1 FROM jobs WHERE id = ? AND owner = ?",
        [SRV_OWNED_PARTIAL] = "SELECT 1 FROM partial_uploads WHERE id = ? AND owner = ?",
    };
    struct srv_query q;

    srv_query_begin(&q, db, statements[kind]);
    srv_query_text(&q, id);
    srv_query_text(&q, token_id);
    *owns = srv_query_row(&q);
    return srv_query_end(&q, err);
}
