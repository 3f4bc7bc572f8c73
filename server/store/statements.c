/*
 * statements.c - see statements.h.
 *
 * A statement that is in use is not among those kept, so a query within another of the same text
 * gets one of its own. When the schema changes SQLite itself prepares a kept one again.
 */
#include "store/statements.h"

#include <string.h>

enum { LAST = SRV_STATEMENTS_KEPT - 1 };

int srv_statements_take(struct srv_statements *statements, sqlite3 *handle, const char *sql,
                        sqlite3_stmt **out)
{
    sqlite3_stmt **kept = statements->kept;

    for (size_t i = 0; i < SRV_STATEMENTS_KEPT && kept[i]; i++) {
        if (strcmp(sqlite3_sql(kept[i]), sql) != 0)
            continue;
        *out = kept[i];
        memmove(&kept[i], &kept[i + 1], (LAST - i) * sizeof *kept);
        kept[LAST] = NULL;
        return SQLITE_OK;
    }
    *out = NULL;
    return sqlite3_prepare_v3(handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

void srv_statements_give(struct srv_statements *statements, sqlite3_stmt *statement)
{
    sqlite3_stmt **kept = statements->kept;

    if (!statement)
        return;
    sqlite3_reset(statement); /* which tells once more how its last step ended */
    sqlite3_clear_bindings(statement);
    sqlite3_finalize(kept[LAST]);
    memmove(&kept[1], &kept[0], LAST * sizeof *kept);
    kept[0] = statement;
}

void srv_statements_clear(struct srv_statements *statements)
{
    for (size_t i = 0; i < SRV_STATEMENTS_KEPT; i++) {
        sqlite3_finalize(statements->kept[i]);
        statements->kept[i] = NULL;
    }
}
