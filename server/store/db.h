/* db.h - SQLite connections and statements. The store/ folder is the only place that knows SQL. */
#ifndef SRV_STORE_DB_H
#define SRV_STORE_DB_H

#include "base/error.h"

#include <stdint.h>

struct srv_memo;
struct srv_db;      /* one connection, used by one thread at a time */
struct srv_db_pool; /* idle connections to one file */

/* WAL, foreign keys on, a busy timeout. Errors: IO, NOMEM, INTERNAL. *out new: srv_db_close. */
FSN_NODISCARD enum fsn_status srv_db_open(const char *path, struct srv_db **out,
                                          struct fsn_error *err);
/* For looking at the database of a server that may run: nothing is written, made or migrated.
 * Errors: IO (no such file, among others), NOMEM. *out new: srv_db_close. */
FSN_NODISCARD enum fsn_status srv_db_open_readonly(const char *path, struct srv_db **out,
                                                   struct fsn_error *err);
void srv_db_close(struct srv_db *db);

/* A pool hands out idle connections and opens new ones at need; every one goes back by release. */
FSN_NODISCARD enum fsn_status srv_db_pool_create(const char *path, struct srv_db_pool **out,
                                                 struct fsn_error *err);
void srv_db_pool_destroy(struct srv_db_pool *pool);
FSN_NODISCARD enum fsn_status srv_db_acquire(struct srv_db_pool *pool, struct srv_db **out,
                                             struct fsn_error *err);
void srv_db_release(struct srv_db_pool *pool, struct srv_db *db); /* NULL is fine */

/* Transactions take the write lock at their start, so that they cannot fail half-way for it.
 * srv_db_end commits when status is FSN_OK, else rolls back; it returns what became of it. */
FSN_NODISCARD enum fsn_status srv_db_begin(struct srv_db *db, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_db_end(struct srv_db *db, enum fsn_status status,
                                         struct fsn_error *err);

/* For several queries of one moment, which take less time together than each by itself. Nothing may
 * be written until the end. */
FSN_NODISCARD enum fsn_status srv_db_begin_read(struct srv_db *db, struct fsn_error *err);
void srv_db_end_read(struct srv_db *db); /* fine where none was begun */
/* Within a read transaction: what this connection remembers of the database (store/memo.h), empty
 * if anything in it has been written since the last call, by whomever. Borrowed from db. */
FSN_NODISCARD enum fsn_status srv_db_memo(struct srv_db *db, struct srv_memo **out,
                                          struct fsn_error *err);

/* Writes the database as it is at this moment into a new file, while others read and write it; the
 * file is whole, but not synced. Errors: IO (the file is there already, among others). */
FSN_NODISCARD enum fsn_status srv_db_snapshot(struct srv_db *db, const char *path,
                                              struct fsn_error *err);

/* Runs statements that neither take parameters nor give rows. */
FSN_NODISCARD enum fsn_status srv_db_exec(struct srv_db *db, const char *sql,
                                          struct fsn_error *err);

/* Whether the database answers. */
FSN_NODISCARD enum fsn_status srv_db_check(struct srv_db *db, struct fsn_error *err);

/* One statement: begin, bind the parameters in order, step through rows, end. A failure sticks: the
 * calls after it do nothing, srv_query_row gives false, and srv_query_end reports it. Texts and
 * columns are borrowed until the next row or the end.
 *
 *     srv_query_begin(&q, db, "SELECT name FROM uploads WHERE id = ?");
 *     srv_query_text(&q, id);
 *     found = srv_query_row(&q) && copy(srv_column_text(&q, 0), &name);
 *     status = srv_query_end(&q, err);
 */
struct srv_query {
    struct srv_db *db;
    void *statement;
    int parameter; /* last one bound */
    int code;      /* SQLite's */
};
void srv_query_begin(struct srv_query *query, struct srv_db *db, const char *sql);
void srv_query_text(struct srv_query *query, const char *text); /* NULL binds NULL */
void srv_query_int(struct srv_query *query, int64_t number);
void srv_query_real(struct srv_query *query, double number); /* not finite binds NULL */
bool srv_query_row(struct srv_query *query);
FSN_NODISCARD enum fsn_status srv_query_end(struct srv_query *query, struct fsn_error *err);
/* Steps once and ends; *changed (may be NULL) is the number of rows written. */
FSN_NODISCARD enum fsn_status srv_query_run(struct srv_query *query, int64_t *changed,
                                            struct fsn_error *err);

const char *srv_column_text(struct srv_query *query, int column); /* NULL for NULL */
/* A copy, new (free()); NULL for NULL. Out of memory sticks to the query like any failure. */
char *srv_column_dup(struct srv_query *query, int column);
void srv_column_copy(struct srv_query *query, int column, char *out, size_t size); /* "" for NULL */
/* Room for one more row behind the `used` in *rows (the address of a pointer to rows of `size`
 * bytes, from malloc), of which there is place for *room. false: out of memory, which sticks to the
 * query too; the rows are still the caller's. */
bool srv_query_room(struct srv_query *query, void *rows, size_t used, size_t *room, size_t size);
int64_t srv_column_int(struct srv_query *query, int column);
double srv_column_real(struct srv_query *query, int column); /* NaN for NULL */

#endif
