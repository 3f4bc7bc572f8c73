/* manifest.h - what a backup says that it holds.
 *
 *     BACKUP/manifest.json    written last
 *     BACKUP/fsnetd.db        the database at one moment
 *     BACKUP/blobs/ab/...     every blob that it names, as in a data folder
 */
#ifndef SRV_COMMANDS_MANIFEST_H
#define SRV_COMMANDS_MANIFEST_H

#include "base/clock.h"
#include "store/blobs.h"

struct srv_manifest {
    char made_at[SRV_TIME_SIZE];
    char database_sha256[SRV_SHA256_SIZE];
    int64_t database_bytes;
    int schema;                 /* version of the database */
    struct srv_blob_row *blobs; /* in order of sha256 */
    size_t blob_count;
};

/* Writes BACKUP/manifest.json, synced. Errors: IO, NOMEM. */
FSN_NODISCARD enum fsn_status
srv_manifest_write(const char *backup, const struct srv_manifest *manifest, struct fsn_error *err);
/* Every digest read is 64 hex digits, in rising order. Errors: IO, INVALID (naming what is wrong),
 * UNSUPPORTED (of a newer program), LIMIT, NOMEM. *out: srv_manifest_clear. */
FSN_NODISCARD enum fsn_status srv_manifest_read(const char *backup, struct srv_manifest *out,
                                                struct fsn_error *err);
void srv_manifest_clear(struct srv_manifest *manifest);

#endif
