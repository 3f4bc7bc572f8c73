/* uploads.c - see uploads.h. */
#include "store/uploads.h"

#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                               \
    "u.id, u.name, u.format, u.sha256, b.size_bytes, u.summary, u.info, u.created_at, u.seq," \
    " u.owner"                                                                                \
    " FROM uploads u JOIN blobs b USING (sha256) "

static const char *const kind_names[] = {
    [SRV_UPLOAD_MODEL] = "model",
    [SRV_UPLOAD_DATASET] = "dataset",
};

void srv_upload_clear(struct srv_upload *upload)
{
    free(upload->name);
    free(upload->summary);
    free(upload->info);
    *upload = (struct srv_upload){0};
}

static void read_row(struct srv_query *q, enum srv_upload_kind kind, struct srv_upload *out)
{
    *out = (struct srv_upload){.kind = kind};
    srv_column_copy(q, 0, out->id, sizeof out->id);
    out->name = srv_column_dup(q, 1);
    srv_column_copy(q, 2, out->format, sizeof out->format);
    srv_column_copy(q, 3, out->sha256, sizeof out->sha256);
    out->size_bytes = srv_column_int(q, 4);
    out->summary = srv_column_dup(q, 5);
    out->info = srv_column_dup(q, 6);
    out->created_at_ms = srv_column_int(q, 7);
    out->seq = srv_column_int(q, 8);
    srv_column_copy(q, 9, out->owner, sizeof out->owner);
}

enum fsn_status srv_uploads_find_key(struct srv_db *db, enum srv_upload_kind kind,
                                     const struct srv_key *key, char id[SRV_ID_SIZE], bool *found,
                                     bool *same, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT id, request_sha256 FROM uploads"
                    " WHERE idempotency_key = ? AND kind = ? AND coalesce(owner, '') = ?");
    srv_query_text(&q, key->key);
    srv_query_text(&q, kind_names[kind]);
    srv_query_text(&q, key->owner);
    return srv_key_end(&q, key, id, found, same, err);
}

struct insertion {
    const struct srv_upload *upload;
    const struct srv_key *key;
    enum srv_upload_insert outcome;
};

static enum fsn_status write_row(struct srv_db *db, const struct srv_upload *upload,
                                 const struct srv_key *key, struct fsn_error *err)
{
    const bool has_key = key && key->key;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO uploads (id, kind, name, format, sha256, summary, info,"
                    " created_at, owner, idempotency_key, request_sha256)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, ?)");
    srv_query_text(&q, upload->id);
    srv_query_text(&q, kind_names[upload->kind]);
    srv_query_text(&q, upload->name);
    srv_query_text(&q, upload->format);
    srv_query_text(&q, upload->sha256);
    srv_query_text(&q, upload->summary);
    srv_query_text(&q, upload->info);
    srv_query_int(&q, upload->created_at_ms);
    srv_query_text(&q, upload->owner);
    srv_query_text(&q, has_key ? key->key : NULL);
    srv_query_text(&q, has_key ? key->request_sha256 : NULL);
    return srv_query_run(&q, NULL, err);
}

/* Inside the transaction, so that two uploads at once cannot both take the last of the room, nor
 * the key. */
static enum fsn_status write_upload(struct srv_db *db, void *user, struct fsn_error *err)
{
    struct insertion *insertion = user;
    const struct srv_upload *upload = insertion->upload;
    bool taken = false, same = false;
    struct srv_token_room room;
    enum fsn_status status = FSN_OK;
    char other[SRV_ID_SIZE];

    if (insertion->key && insertion->key->key)
        status = srv_uploads_find_key(db, upload->kind, insertion->key, other, &taken, &same, err);
    if (status == FSN_OK && !taken)
        status = write_row(db, upload, insertion->key, err);
    if (status == FSN_OK && !taken)
        status = srv_tokens_room(db, upload->owner, &room, err);
    if (status != FSN_OK)
        return status;
    insertion->outcome = taken            ? SRV_UPLOAD_KEY_TAKEN
                         : room.bytes < 0 ? SRV_UPLOAD_QUOTA
                                          : SRV_UPLOAD_INSERTED;
    /* A failure undoes all of it. */
    return insertion->outcome == SRV_UPLOAD_INSERTED ? FSN_OK : FSN_LIMIT;
}

enum fsn_status srv_uploads_insert(struct srv_blobs *blobs, struct srv_db *db,
                                   const struct srv_upload *upload, const char *path,
                                   const struct srv_key *key, enum srv_upload_insert *outcome,
                                   struct fsn_error *err)
{
    struct srv_blob blob = {path, upload->sha256, upload->size_bytes};
    struct insertion insertion = {upload, key, SRV_UPLOAD_INSERTED};
    enum fsn_status status = srv_blobs_store(blobs, db, &blob, 1, write_upload, &insertion, err);

    *outcome = insertion.outcome;
    return insertion.outcome == SRV_UPLOAD_INSERTED ? status : FSN_OK;
}

enum fsn_status srv_uploads_get(struct srv_db *db, enum srv_upload_kind kind, const char *id,
                                struct srv_upload *out, bool *found, struct fsn_error *err)
{
    struct srv_upload row = {0};
    enum fsn_status status;
    struct srv_query q;
    bool any;

    srv_query_begin(&q, db, "SELECT " COLUMNS "WHERE u.id = ? AND u.kind = ?");
    srv_query_text(&q, id);
    srv_query_text(&q, kind_names[kind]);
    any = srv_query_row(&q);
    if (any)
        read_row(&q, kind, &row);
    status = srv_query_end(&q, err);
    if (status != FSN_OK) {
        srv_upload_clear(&row);
        return status;
    }
    *out = row;
    *found = any;
    return FSN_OK;
}

#define LIST(beyond, direction)                                            \
    "SELECT " COLUMNS "WHERE u.kind = ?1 AND " beyond                      \
    " AND (?4 IS NULL OR u.owner = ?4) AND (?5 IS NULL OR u.name = ?5)"    \
    " AND (?6 IS NULL OR u.format = ?6) AND (?7 IS NULL OR u.sha256 = ?7)" \
    " ORDER BY u.seq " direction " LIMIT ?3"

enum fsn_status srv_uploads_list(struct srv_db *db, const struct srv_upload_filter *filter,
                                 const struct srv_page *page, struct srv_upload **out,
                                 size_t *count, int64_t *next, struct fsn_error *err)
{
    struct srv_upload *rows = calloc((size_t)page->limit + 1, sizeof *rows);
    enum fsn_status status;
    struct srv_query q;
    size_t n = 0;

    if (!rows)
        return SRV_NOMEM(err);
    srv_query_begin(&q, db,
                    page->oldest_first ? LIST("u.seq > ?2", "ASC") : LIST("u.seq < ?2", "DESC"));
    srv_query_text(&q, kind_names[filter->kind]);
    srv_query_int(&q, page->oldest_first ? page->after : page->before);
    srv_query_int(&q, page->limit + 1); /* one more tells whether there is a next page */
    srv_query_text(&q, filter->owner);
    srv_query_text(&q, filter->name);
    srv_query_text(&q, filter->format);
    srv_query_text(&q, filter->sha256);
    while (n <= (size_t)page->limit && srv_query_row(&q))
        read_row(&q, filter->kind, &rows[n++]);
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *next = n > (size_t)page->limit ? rows[page->limit - 1].seq : 0;
        if (*next)
            srv_upload_clear(&rows[--n]);
        *out = rows;
        *count = n;
        return FSN_OK;
    }
    while (n > 0)
        srv_upload_clear(&rows[--n]);
    free(rows);
    return status;
}

struct deletion {
    const char *id, *scope;
    struct srv_in_use in_use;
};

/* Inside one transaction, so that no job can begin to need the upload between check and delete. */
static enum fsn_status delete_unused(struct srv_db *db, void *user, struct fsn_error *err)
{
    struct deletion *deletion = user;
    struct srv_in_use *in_use = &deletion->in_use;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "WITH needing AS (SELECT id, seq, ?2 IS NULL OR owner IS ?2 AS own FROM jobs"
                    " WHERE status IN ('queued', 'running') AND (model_id = ?1 OR dataset_id = ?1))"
                    " SELECT (SELECT count(*) FROM needing WHERE own),"
                    " (SELECT count(*) FROM needing WHERE NOT own),"
                    " (SELECT group_concat(id, ', ') FROM"
                    " (SELECT id FROM needing WHERE own ORDER BY seq LIMIT ?3))");
    srv_query_text(&q, deletion->id);
    srv_query_text(&q, deletion->scope);
    srv_query_int(&q, SRV_IN_USE_MOST);
    if (srv_query_row(&q)) {
        in_use->own = srv_column_int(&q, 0);
        in_use->others = srv_column_int(&q, 1);
        srv_column_copy(&q, 2, in_use->ids, sizeof in_use->ids);
    }
    status = srv_query_end(&q, err);
    if (status != FSN_OK || in_use->own + in_use->others > 0)
        return status;
    srv_query_begin(&q, db, "DELETE FROM uploads WHERE id = ?");
    srv_query_text(&q, deletion->id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_uploads_delete(struct srv_blobs *blobs, struct srv_db *db,
                                   enum srv_upload_kind kind, const char *id, const char *scope,
                                   bool *found, struct srv_in_use *in_use, struct fsn_error *err)
{
    struct deletion deletion = {.id = id, .scope = scope};
    struct srv_upload upload = {0};
    enum fsn_status status = srv_uploads_get(db, kind, id, &upload, found, err);

    if (status == FSN_OK && *found)
        status = srv_blobs_drop(blobs, db, delete_unused, &deletion, err);
    if (status == FSN_OK)
        *in_use = deletion.in_use;
    srv_upload_clear(&upload);
    return status;
}
