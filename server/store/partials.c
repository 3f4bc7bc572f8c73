/* partials.c - see partials.h. */
#include "store/partials.h"

#include "store/tokens.h"

#include <string.h>

static enum fsn_status write_row(struct srv_db *db, const struct srv_partial *partial,
                                 struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO partial_uploads (id, kind, name, format, metadata, length,"
                    " created_at, expires_at, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
                    " nullif(?, ''))");
    srv_query_text(&q, partial->id);
    srv_query_text(&q, partial->kind == SRV_UPLOAD_MODEL ? "model" : "dataset");
    srv_query_text(&q, partial->name);
    srv_query_text(&q, partial->format);
    srv_query_text(&q, partial->metadata);
    srv_query_int(&q, partial->length);
    srv_query_int(&q, partial->created_at_ms);
    srv_query_int(&q, partial->expires_at_ms);
    srv_query_text(&q, partial->owner);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_partials_promised(struct srv_db *db, const char *owner, int64_t *out,
                                      struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT coalesce(sum(length), 0) FROM partial_uploads"
                    " WHERE owner = ? AND resource IS NULL AND error_type IS NULL");
    srv_query_text(&q, owner);
    *out = srv_query_row(&q) ? srv_column_int(&q, 0) : 0;
    return srv_query_end(&q, err);
}

enum fsn_status srv_partials_insert(struct srv_db *db, const struct srv_partial *partial,
                                    bool *room, struct fsn_error *err)
{
    struct srv_token_room left = {0};
    int64_t bytes = 0;
    bool fits = false;
    enum fsn_status status = srv_db_begin(db, err);

    if (status != FSN_OK)
        return status;
    status = write_row(db, partial, err);
    if (status == FSN_OK)
        status = srv_tokens_room(db, partial->owner, &left, err);
    if (status == FSN_OK)
        status = srv_partials_promised(db, partial->owner, &bytes, err);
    fits = status == FSN_OK && bytes <= left.bytes;
    if (status == FSN_OK && !fits) {
        *room = false;
        status = srv_db_end(db, FSN_LIMIT, err); /* which undoes it */
        return status == FSN_LIMIT ? FSN_OK : status;
    }
    status = srv_db_end(db, status, err);
    *room = fits;
    return status;
}

enum fsn_status srv_partials_get(struct srv_db *db, const char *id, struct srv_partial *out,
                                 bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT kind, name, format, metadata, length, created_at, expires_at,"
                    " resource, error_type, error_detail, owner FROM partial_uploads"
                    " WHERE id = ?");
    srv_query_text(&q, id);
    *found = srv_query_row(&q);
    if (*found) {
        *out = (struct srv_partial){
            .kind = strcmp(srv_column_text(&q, 0), "model") == 0 ? SRV_UPLOAD_MODEL
                                                                 : SRV_UPLOAD_DATASET,
            .length = srv_column_int(&q, 4),
            .created_at_ms = srv_column_int(&q, 5),
            .expires_at_ms = srv_column_int(&q, 6),
        };
        memcpy(out->id, id, strnlen(id, sizeof out->id - 1));
        srv_column_copy(&q, 1, out->name, sizeof out->name);
        srv_column_copy(&q, 2, out->format, sizeof out->format);
        srv_column_copy(&q, 3, out->metadata, sizeof out->metadata);
        srv_column_copy(&q, 7, out->resource, sizeof out->resource);
        srv_column_copy(&q, 8, out->error_type, sizeof out->error_type);
        srv_column_copy(&q, 9, out->error_detail, sizeof out->error_detail);
        srv_column_copy(&q, 10, out->owner, sizeof out->owner);
    }
    return srv_query_end(&q, err);
}

enum fsn_status srv_partials_update(struct srv_db *db, const struct srv_partial *partial,
                                    struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE partial_uploads SET expires_at = ?, resource = nullif(?, ''),"
                    " error_type = nullif(?, ''), error_detail = nullif(?, '') WHERE id = ?");
    srv_query_int(&q, partial->expires_at_ms);
    srv_query_text(&q, partial->resource);
    srv_query_text(&q, partial->error_type);
    srv_query_text(&q, partial->error_detail);
    srv_query_text(&q, partial->id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_partials_delete(struct srv_db *db, const char *id, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "DELETE FROM partial_uploads WHERE id = ?");
    srv_query_text(&q, id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_partials_next_expired(struct srv_db *db, int64_t now_ms, const char *after,
                                          char id[SRV_ID_SIZE], bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT id FROM partial_uploads WHERE expires_at < ? AND id > ?"
                    " ORDER BY id LIMIT 1");
    srv_query_int(&q, now_ms);
    srv_query_text(&q, after);
    *found = srv_query_row(&q);
    if (*found)
        srv_column_copy(&q, 0, id, SRV_ID_SIZE);
    return srv_query_end(&q, err);
}
