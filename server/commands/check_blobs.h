/* check_blobs.h - the files under blobs/ against the rows of the database. */
#ifndef SRV_COMMANDS_CHECK_BLOBS_H
#define SRV_COMMANDS_CHECK_BLOBS_H

#include "base/error.h"
#include "commands/findings.h"
#include "store/db.h"

/* Every blob that the database names must be there with its size (deep: and its content); files
 * that nothing names are warnings. Right beside a running service too. Errors: IO, NOMEM: it could
 * not be looked at. */
FSN_NODISCARD enum fsn_status srv_check_blobs(struct srv_db *db, const char *blobs_dir, bool deep,
                                              struct srv_findings *findings, struct fsn_error *err);

#endif
