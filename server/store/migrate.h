/* migrate.h - brings a database file to the schema this program was built with. */
#ifndef SRV_STORE_MIGRATE_H
#define SRV_STORE_MIGRATE_H

#include "store/db.h"

/* One migrations/NNNN_name.sql, embedded at build time. */
struct srv_migration {
    int version; /* NNNN */
    const char *name;
    const char *sql;
};

/* Generated from migrations/ (see the Makefile): in order of version, ended by name NULL. */
extern const struct srv_migration srv_migrations[];

/* What srv_migrate would find, without a change. */
struct srv_schema {
    int stored;  /* version of the database, 0 for an empty one */
    int known;   /* newest of the list */
    int missing; /* migrations that would be applied */
};
/* Errors: those of srv_migrate. */
FSN_NODISCARD enum fsn_status srv_schema_look(struct srv_db *db, const struct srv_migration *list,
                                              struct srv_schema *out, struct fsn_error *err);

/* Applies what is missing of list, each in one transaction, and records it with its SHA-256.
 * *applied (may be NULL): how many. Errors: those of the database; UNSUPPORTED when the file holds
 * a migration that the list lacks (it is of a newer program) or one whose text has changed. */
FSN_NODISCARD enum fsn_status srv_migrate(struct srv_db *db, const struct srv_migration *list,
                                          int *applied, struct fsn_error *err);

#endif
