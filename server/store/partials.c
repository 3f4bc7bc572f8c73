/* partials.c - see partials.h. */
#include "store/partials.h"

#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

bool srv_partial_is_judged(const struct srv_partial *partial)
{
    return *partial->resource || *partial->error_type;
}

/* SRV_PARTIAL_ALL is NULL there. */
#define WRITE_VERIFIED "nullif(?, 9223372036854775807)"

static enum fsn_status write_row(struct srv_db *db, const struct srv_partial *partial,
                                 struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO partial_uploads (id, kind, name, format, metadata, length,"
                    " verified, created_at, expires_at, owner) VALUES (?, ?, ?, ?, ?, ?,"
                    " " WRITE_VERIFIED ", ?, ?, nullif(?, ''))");
    srv_query_text(&q, partial->id);
    srv_query_text(&q, partial->kind == SRV_UPLOAD_MODEL ? "model" : "dataset");
    srv_query_text(&q, partial->name);
    srv_query_text(&q, partial->format);
    srv_query_text(&q, partial->metadata);
    srv_query_int(&q, partial->length);
    srv_query_int(&q, partial->verified);
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

#define COLUMNS                                                                               \
    "seq, id, kind, name, format, metadata, length, coalesce(verified, 9223372036854775807)," \
    " created_at, expires_at, resource, error_type, error_detail, owner"

static void read_row(struct srv_query *q, struct srv_partial *out)
{
    *out = (struct srv_partial){
        .seq = srv_column_int(q, 0),
        .kind = strcmp(srv_column_text(q, 2), "model") == 0 ? SRV_UPLOAD_MODEL : SRV_UPLOAD_DATASET,
        .length = srv_column_int(q, 6),
        .verified = srv_column_int(q, 7),
        .created_at_ms = srv_column_int(q, 8),
        .expires_at_ms = srv_column_int(q, 9),
    };
    srv_column_copy(q, 1, out->id, sizeof out->id);
    srv_column_copy(q, 3, out->name, sizeof out->name);
    srv_column_copy(q, 4, out->format, sizeof out->format);
    srv_column_copy(q, 5, out->metadata, sizeof out->metadata);
    srv_column_copy(q, 10, out->resource, sizeof out->resource);
    srv_column_copy(q, 11, out->error_type, sizeof out->error_type);
    srv_column_copy(q, 12, out->error_detail, sizeof out->error_detail);
    srv_column_copy(q, 13, out->owner, sizeof out->owner);
}

enum fsn_status srv_partials_get(struct srv_db *db, const char *id, struct srv_partial *out,
                                 bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT " COLUMNS " FROM partial_uploads WHERE id = ?");
    srv_query_text(&q, id);
    *found = srv_query_row(&q);
    if (*found)
        read_row(&q, out);
    return srv_query_end(&q, err);
}

#define LIST(beyond, direction)                             \
    "SELECT " COLUMNS " FROM partial_uploads WHERE " beyond \
    " AND (?2 IS NULL OR owner = ?2) ORDER BY seq " direction " LIMIT ?3"

enum fsn_status srv_partials_list(struct srv_db *db, const char *owner, const struct srv_page *page,
                                  struct srv_partial **rows, size_t *count, int64_t *next,
                                  struct fsn_error *err)
{
    const size_t limit = (size_t)page->limit;
    struct srv_partial *list = calloc(limit + 1, sizeof *list);
    enum fsn_status status;
    struct srv_query q;
    size_t n = 0;

    if (!list)
        return SRV_NOMEM(err);
    srv_query_begin(&q, db,
                    page->oldest_first ? LIST("seq > ?1", "ASC") : LIST("seq < ?1", "DESC"));
    srv_query_int(&q, page->oldest_first ? page->after : page->before);
    srv_query_text(&q, owner);
    srv_query_int(&q, page->limit + 1); /* one more tells whether there is a next page */
    while (n <= limit && srv_query_row(&q))
        read_row(&q, &list[n++]);
    status = srv_query_end(&q, err);
    if (status != FSN_OK) {
        free(list);
        return status;
    }
    *next = n > limit ? list[limit - 1].seq : 0;
    *rows = list;
    *count = n > limit ? limit : n;
    return FSN_OK;
}

enum fsn_status srv_partials_update(struct srv_db *db, const struct srv_partial *partial,
                                    struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE partial_uploads SET verified = " WRITE_VERIFIED
                    ", expires_at = ?, resource = nullif(?, ''),"
                    " error_type = nullif(?, ''), error_detail = nullif(?, '') WHERE id = ?");
    srv_query_int(&q, partial->verified);
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
