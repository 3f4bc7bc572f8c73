/*
 * migrate.c - forward-only schema migrations; see migrate.h.
 *
 * schema_migrations remembers each migration with the SHA-256 of its text. A file that has been
 * changed after it was applied somewhere would give two databases of the same version and different
 * shape, so that is refused at start, as is a database from the future.
 */
#include "store/migrate.h"

#include "base/clock.h"
#include "base/digest.h"

#include <string.h>

/* *stored is "" when the version has not been applied. */
static enum fsn_status stored_checksum(struct srv_db *db, int version, char stored[SRV_SHA256_SIZE],
                                       struct fsn_error *err)
{
    struct srv_query q;

    stored[0] = '\0';
    srv_query_begin(&q, db, "SELECT sha256 FROM schema_migrations WHERE version = ?");
    srv_query_int(&q, version);
    if (srv_query_row(&q))
        srv_column_copy(&q, 0, stored, SRV_SHA256_SIZE);
    return srv_query_end(&q, err);
}

static enum fsn_status apply(struct srv_db *db, const struct srv_migration *migration,
                             const char *sha256, struct fsn_error *err)
{
    enum fsn_status status = srv_db_begin(db, err);
    char stored[SRV_SHA256_SIZE];
    struct srv_query q;

    if (status != FSN_OK)
        return status;
    /* Another process may have been faster: `fsnetd token` beside a service that starts. */
    status = stored_checksum(db, migration->version, stored, err);
    if (status == FSN_OK && *stored != '\0')
        return srv_db_end(db, status, err);
    if (status == FSN_OK)
        status = srv_db_exec(db, migration->sql, err);
    if (status == FSN_OK) {
        srv_query_begin(&q, db,
                        "INSERT INTO schema_migrations (version, name, sha256, applied_at)"
                        " VALUES (?, ?, ?, ?)");
        srv_query_int(&q, migration->version);
        srv_query_text(&q, migration->name);
        srv_query_text(&q, sha256);
        srv_query_int(&q, srv_now_ms());
        status = srv_query_run(&q, NULL, err);
    }
    return srv_db_end(db, status, err);
}

/* Whether the migration is still to be applied; text_sha256 is that of its text. */
static enum fsn_status is_missing(struct srv_db *db, const struct srv_migration *migration,
                                  char text_sha256[SRV_SHA256_SIZE], bool *out,
                                  struct fsn_error *err)
{
    char stored[SRV_SHA256_SIZE];
    enum fsn_status status = stored_checksum(db, migration->version, stored, err);

    srv_digest_bytes(migration->sql, strlen(migration->sql), text_sha256);
    *out = *stored == '\0';
    if (status == FSN_OK && !*out && strcmp(stored, text_sha256) != 0)
        status = SRV_FAIL(err, FSN_UNSUPPORTED,
                          "migration %d (%s) has changed since it was applied to this database",
                          migration->version, migration->name);
    return status;
}

static enum fsn_status has_history(struct srv_db *db, bool *out, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'");
    *out = srv_query_row(&q);
    return srv_query_end(&q, err);
}

static enum fsn_status stored_version(struct srv_db *db, int *out, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT coalesce(max(version), 0) FROM schema_migrations");
    if (srv_query_row(&q))
        *out = (int)srv_column_int(&q, 0);
    return srv_query_end(&q, err);
}

enum fsn_status srv_schema_look(struct srv_db *db, const struct srv_migration *list,
                                struct srv_schema *out, struct fsn_error *err)
{
    struct srv_schema schema = {0};
    bool history = false;
    enum fsn_status status = has_history(db, &history, err);

    if (status == FSN_OK && history)
        status = stored_version(db, &schema.stored, err);
    for (const struct srv_migration *m = list; m->name; m++) {
        schema.known = m->version;
        schema.missing += !history;
    }
    if (status == FSN_OK && schema.stored > schema.known)
        status = SRV_FAIL(err, FSN_UNSUPPORTED,
                          "the database has schema version %d, this program knows %d: it was "
                          "written by a newer fsnetd",
                          schema.stored, schema.known);
    for (const struct srv_migration *m = list; status == FSN_OK && history && m->name; m++) {
        char sha256[SRV_SHA256_SIZE];
        bool missing = false;

        status = is_missing(db, m, sha256, &missing, err);
        schema.missing += missing;
    }
    if (status == FSN_OK)
        *out = schema;
    return status;
}

enum fsn_status srv_migrate(struct srv_db *db, const struct srv_migration *list, int *applied,
                            struct fsn_error *err)
{
    struct srv_schema schema = {0};
    enum fsn_status status = srv_schema_look(db, list, &schema, err);

    if (status == FSN_OK)
        status = srv_db_exec(db,
                             "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY"
                             " KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER"
                             " NOT NULL) STRICT",
                             err);
    for (const struct srv_migration *m = list; status == FSN_OK && m->name; m++) {
        char sha256[SRV_SHA256_SIZE];
        bool missing = false;

        status = is_missing(db, m, sha256, &missing, err);
        if (status == FSN_OK && missing)
            status = apply(db, m, sha256, err);
    }
    if (status == FSN_OK && applied)
        *applied = schema.missing;
    return status;
}
