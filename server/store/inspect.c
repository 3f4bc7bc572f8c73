/* inspect.c - see inspect.h. */
#include "store/inspect.h"

#include <stdio.h>
#include <string.h>

static enum fsn_status check_pages(struct srv_db *db, bool deep, srv_inspect_fn *found, void *user,
                                   struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, deep ? "PRAGMA integrity_check" : "PRAGMA quick_check");
    while (srv_query_row(&q)) {
        const char *text = srv_column_text(&q, 0);

        if (text && strcmp(text, "ok") != 0)
            found(text, user);
    }
    return srv_query_end(&q, err);
}

static enum fsn_status check_references(struct srv_db *db, srv_inspect_fn *found, void *user,
                                        struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT count(*), \"table\", parent FROM pragma_foreign_key_check"
                    " GROUP BY \"table\", parent");
    while (srv_query_row(&q)) {
        char table[64], parent[64], text[200];

        srv_column_copy(&q, 1, table, sizeof table);
        srv_column_copy(&q, 2, parent, sizeof parent);
        snprintf(text, sizeof text, "rows of %s that name one of %s that is not there: %lld", table,
                 parent, (long long)srv_column_int(&q, 0));
        found(text, user);
    }
    return srv_query_end(&q, err);
}

enum fsn_status srv_inspect_database(struct srv_db *db, bool deep, srv_inspect_fn *found,
                                     void *user, struct fsn_error *err)
{
    enum fsn_status status = check_pages(db, deep, found, user, err);

    if (status == FSN_OK)
        status = check_references(db, found, user, err);
    return status;
}
