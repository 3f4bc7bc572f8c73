/* blob_files.h - where content lies below a blobs folder, that of a data folder or of a backup:
 * DIR/ab/abcdef... by its SHA-256. */
#ifndef SRV_STORE_BLOB_FILES_H
#define SRV_STORE_BLOB_FILES_H

#include "base/digest.h"
#include "base/files.h"

#include <stddef.h>

struct srv_blob_row {
    char sha256[SRV_SHA256_SIZE];
    int64_t size_bytes;
};
/* The row of this digest among those in order of sha256, borrowed, or NULL. */
const struct srv_blob_row *srv_blob_find(const struct srv_blob_row *rows, size_t count,
                                         const char *sha256);

FSN_NODISCARD enum fsn_status srv_blob_path(const char *dir, const char *sha256,
                                            char out[SRV_PATH_SIZE], struct fsn_error *err);
/* The same for a file that is about to be made: its folder is there afterwards. */
FSN_NODISCARD enum fsn_status srv_blob_place(const char *dir, const char *sha256,
                                             char out[SRV_PATH_SIZE], struct fsn_error *err);
/* Syncs dir (made at need) and the folders that these files lie in, so that their names last. */
FSN_NODISCARD enum fsn_status srv_blob_folders_sync(const char *dir,
                                                    const struct srv_blob_row *rows, size_t count,
                                                    struct fsn_error *err);

#endif
