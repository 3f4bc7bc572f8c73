/* inspect.h - whether a database is sound, by SQLite's own checks. */
#ifndef SRV_STORE_INSPECT_H
#define SRV_STORE_INSPECT_H

#include "store/db.h"

/* Called for each fault, in words. */
typedef void srv_inspect_fn(const char *fault, void *user);

/* PRAGMA quick_check, or integrity_check (indexes against tables, slower) when deep, and
 * foreign_key_check. SQLite stops after 100 faults. Errors: IO when the file is so damaged
 * that it cannot be looked at. */
FSN_NODISCARD enum fsn_status srv_inspect_database(struct srv_db *db, bool deep,
                                                   srv_inspect_fn *found, void *user,
                                                   struct fsn_error *err);

#endif
