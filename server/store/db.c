/*
 * db.c - SQLite connections and statements; see db.h.
 *
 * WAL mode lets readers go on while one writes; `synchronous = FULL` makes a commit survive power
 * loss, which the queue's promises rest on. Writers wait for each other up to the busy timeout.
 */
#include "store/db.h"

#include "base/counters.h"
#include "store/memo.h"
#include "store/statements.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BUSY_TIMEOUT_MS 20000
#define MAX_IDLE 16

struct srv_db {
    sqlite3 *handle;
    struct srv_statements statements;
    struct srv_memo memo;
    int64_t others, own; /* what had been written when the memo was empty, by whom */
    struct srv_db *next; /* while idle in a pool */
};

struct srv_db_pool {
    char *path;
    uv_mutex_t mutex;
    struct srv_db *idle; /* guarded by mutex */
    int idle_count;      /* guarded by mutex */
};

static enum fsn_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FSN_OK;
    case SQLITE_NOMEM:
        return FSN_NOMEM;
    case SQLITE_FULL:
        return FSN_FULL;
    case SQLITE_BUSY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_IOERR:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return FSN_IO;
    default:
        return FSN_INTERNAL;
    }
}

static enum fsn_status fail(struct srv_db *db, int code, struct fsn_error *err)
{
    return SRV_FAIL(err, status_of(code), "database: %s (%s)", sqlite3_errmsg(db->handle),
                    sqlite3_errstr(code));
}

/* SQLite asks after each failed try for a lock; 0: give up. As its own busy timeout, but counted.
 */
static int wait_for_lock(void *unused, int tries)
{
    const int grows = 7, longest_ms = 100; /* 1, 2, 4 ... 64, then 100 ms */
    const int waited_ms =
        tries < grows ? (1 << tries) - 1 : (1 << grows) - 1 + (tries - grows) * longest_ms;

    (void)unused;
    if (waited_ms >= BUSY_TIMEOUT_MS)
        return 0;
    srv_count(SRV_COUNT_BUSY_WAITS, NULL, 1);
    usleep((useconds_t)(tries < grows ? 1 << tries : longest_ms) * 1000);
    return 1;
}

static enum fsn_status open_with(const char *path, int flags, const char *pragmas,
                                 struct srv_db **out, struct fsn_error *err)
{
    enum fsn_status status;
    struct srv_db *db = calloc(1, sizeof *db);
    int code;

    if (!db)
        return SRV_NOMEM(err);
    code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        status = SRV_FAIL(err, status_of(code), "cannot open database %s: %s", path,
                          sqlite3_errstr(code));
        srv_db_close(db);
        return status;
    }
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, wait_for_lock, NULL);
    status = srv_db_exec(db, pragmas, err);
    if (status == FSN_OK)
        *out = db;
    else
        srv_db_close(db);
    return status;
}

enum fsn_status srv_db_open(const char *path, struct srv_db **out, struct fsn_error *err)
{
    return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
                     out, err);
}

enum fsn_status srv_db_open_readonly(const char *path, struct srv_db **out, struct fsn_error *err)
{
    return open_with(path, SQLITE_OPEN_READONLY, "PRAGMA trusted_schema = OFF;", out, err);
}

void srv_db_close(struct srv_db *db)
{
    if (!db)
        return;
    srv_statements_clear(&db->statements);
    srv_memo_clear(&db->memo);
    sqlite3_close(db->handle);
    free(db);
}

enum fsn_status srv_db_pool_create(const char *path, struct srv_db_pool **out,
                                   struct fsn_error *err)
{
    struct srv_db_pool *pool = calloc(1, sizeof *pool);

    if (!pool || !(pool->path = strdup(path)) || uv_mutex_init(&pool->mutex) != 0) {
        if (pool)
            free(pool->path);
        free(pool);
        return SRV_NOMEM(err);
    }
    *out = pool;
    return FSN_OK;
}

void srv_db_pool_destroy(struct srv_db_pool *pool)
{
    if (!pool)
        return;
    while (pool->idle) {
        struct srv_db *next = pool->idle->next;

        srv_db_close(pool->idle);
        pool->idle = next;
    }
    uv_mutex_destroy(&pool->mutex);
    free(pool->path);
    free(pool);
}

enum fsn_status srv_db_acquire(struct srv_db_pool *pool, struct srv_db **out, struct fsn_error *err)
{
    struct srv_db *db;

    uv_mutex_lock(&pool->mutex);
    db = pool->idle;
    if (db) {
        pool->idle = db->next;
        pool->idle_count--;
    }
    uv_mutex_unlock(&pool->mutex);
    if (!db)
        return srv_db_open(pool->path, out, err);
    *out = db;
    return FSN_OK;
}

void srv_db_release(struct srv_db_pool *pool, struct srv_db *db)
{
    bool keep;

    if (!db)
        return;
    uv_mutex_lock(&pool->mutex);
    keep = pool->idle_count < MAX_IDLE;
    if (keep) {
        db->next = pool->idle;
        pool->idle = db;
        pool->idle_count++;
    }
    uv_mutex_unlock(&pool->mutex);
    if (!keep)
        srv_db_close(db);
}

enum fsn_status srv_db_exec(struct srv_db *db, const char *sql, struct fsn_error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? FSN_OK : fail(db, code, err);
}

enum fsn_status srv_db_snapshot(struct srv_db *db, const char *path, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "VACUUM INTO ?");
    srv_query_text(&q, path);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_db_check(struct srv_db *db, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT count(*) FROM schema_migrations");
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_db_begin(struct srv_db *db, struct fsn_error *err)
{
    return srv_db_exec(db, "BEGIN IMMEDIATE", err);
}

enum fsn_status srv_db_begin_read(struct srv_db *db, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "BEGIN");
    return srv_query_run(&q, NULL, err);
}

void srv_db_end_read(struct srv_db *db)
{
    struct srv_query q;

    if (sqlite3_get_autocommit(db->handle))
        return;
    srv_query_begin(&q, db, "ROLLBACK");
    (void)!srv_query_run(&q, NULL, NULL);
}

enum fsn_status srv_db_memo(struct srv_db *db, struct srv_memo **out, struct fsn_error *err)
{
    const int64_t own = sqlite3_total_changes64(db->handle);
    int64_t others = db->others;
    struct srv_query q;
    enum fsn_status status;

    /* Changes with each commit of another connection, as far as this transaction sees it. */
    srv_query_begin(&q, db, "PRAGMA data_version");
    if (srv_query_row(&q))
        others = srv_column_int(&q, 0);
    status = srv_query_end(&q, err);
    if (status != FSN_OK || others != db->others || own != db->own)
        srv_memo_clear(&db->memo);
    db->others = others;
    db->own = own;
    *out = &db->memo;
    return status;
}

enum fsn_status srv_db_end(struct srv_db *db, enum fsn_status status, struct fsn_error *err)
{
    if (status == FSN_OK)
        status = srv_db_exec(db, "COMMIT", err);
    /* A failed commit may have ended the transaction by itself; then there is nothing to undo. */
    if (status != FSN_OK && !sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

void srv_query_begin(struct srv_query *query, struct srv_db *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    *query = (struct srv_query){.db = db};
    query->code = srv_statements_take(&db->statements, db->handle, sql, &statement);
    query->statement = statement;
}

void srv_query_text(struct srv_query *query, const char *text)
{
    if (query->code == SQLITE_OK)
        query->code =
            sqlite3_bind_text(query->statement, ++query->parameter, text, -1, SQLITE_TRANSIENT);
}

void srv_query_int(struct srv_query *query, int64_t number)
{
    if (query->code == SQLITE_OK)
        query->code = sqlite3_bind_int64(query->statement, ++query->parameter, number);
}

void srv_query_real(struct srv_query *query, double number)
{
    if (query->code != SQLITE_OK)
        return;
    query->parameter++;
    query->code = isfinite(number) ? sqlite3_bind_double(query->statement, query->parameter, number)
                                   : sqlite3_bind_null(query->statement, query->parameter);
}

bool srv_query_row(struct srv_query *query)
{
    if (query->code == SQLITE_OK || query->code == SQLITE_ROW)
        query->code = sqlite3_step(query->statement);
    return query->code == SQLITE_ROW;
}

enum fsn_status srv_query_end(struct srv_query *query, struct fsn_error *err)
{
    enum fsn_status status = status_of(query->code);

    if (status != FSN_OK)
        status = fail(query->db, query->code, err);
    srv_statements_give(&query->db->statements, query->statement);
    query->statement = NULL;
    return status;
}

enum fsn_status srv_query_run(struct srv_query *query, int64_t *changed, struct fsn_error *err)
{
    while (srv_query_row(query)) /* RETURNING rows that nobody wants */
        ;
    if (changed && query->code == SQLITE_DONE)
        *changed = sqlite3_changes64(query->db->handle);
    return srv_query_end(query, err);
}

const char *srv_column_text(struct srv_query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

char *srv_column_dup(struct srv_query *query, int column)
{
    const char *text = srv_column_text(query, column);
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        query->code = SQLITE_NOMEM;
    return copy;
}

bool srv_query_room(struct srv_query *query, void *rows, size_t used, size_t *room, size_t size)
{
    const size_t wanted = *room ? 2 * *room : 16;
    void *old, *grown;

    if (used < *room)
        return true;
    memcpy(&old, rows, sizeof old);
    grown = reallocarray(old, wanted, size);
    if (!grown) {
        query->code = SQLITE_NOMEM;
        return false;
    }
    memcpy(rows, &grown, sizeof grown);
    *room = wanted;
    return true;
}

void srv_column_copy(struct srv_query *query, int column, char *out, size_t size)
{
    const char *text = srv_column_text(query, column);
    size_t length = text ? strlen(text) : 0;

    if (length >= size)
        length = size - 1;
    memcpy(out, text ? text : "", length);
    out[length] = '\0';
}

int64_t srv_column_int(struct srv_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double srv_column_real(struct srv_query *query, int column)
{
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(query->statement, column);
}
