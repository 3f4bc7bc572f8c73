/* statements.h - the prepared statements of one connection, kept for the next time that the same is
 * asked: to parse SQL and plan it takes longer than to find a row by its key. Part of db.c; the
 * other files of store/ see srv_query alone. */
#ifndef SRV_STORE_STATEMENTS_H
#define SRV_STORE_STATEMENTS_H

#include <sqlite3.h>

enum { SRV_STATEMENTS_KEPT = 32 };

struct srv_statements { /* zero-initialise; the one that was used last comes first */
    sqlite3_stmt *kept[SRV_STATEMENTS_KEPT];
};

/* A statement of this text for the caller alone, ready to be bound: one that was kept, or a new
 * one. SQLite's code; *out is NULL unless that is SQLITE_OK. */
int srv_statements_take(struct srv_statements *statements, sqlite3 *handle, const char *sql,
                        sqlite3_stmt **out);
/* Gives it back (NULL is fine), with what it held of the database and of its parameters. */
void srv_statements_give(struct srv_statements *statements, sqlite3_stmt *statement);
/* Before the connection is closed. */
void srv_statements_clear(struct srv_statements *statements);

#endif
