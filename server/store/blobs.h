/* blobs.h - content by its SHA-256: files under DIR/blobs/ab/abcdef..., rows in table blobs.
 *
 * A blob is stored once, however many uploads and artifacts name it, and goes when the last of them
 * goes. File and row change together under one lock: put the file, then the row; drop the row, then
 * the file. What a crash leaves between the two is a file without a row; the sweep removes it. */
#ifndef SRV_STORE_BLOBS_H
#define SRV_STORE_BLOBS_H

#include "store/blob_files.h"
#include "store/db.h"

struct srv_blobs;

/* dir is made at need. *out new: srv_blobs_destroy. */
FSN_NODISCARD enum fsn_status srv_blobs_create(const char *dir, struct srv_blobs **out,
                                               struct fsn_error *err);
void srv_blobs_destroy(struct srv_blobs *blobs);

FSN_NODISCARD enum fsn_status srv_blobs_path(const struct srv_blobs *blobs, const char *sha256,
                                             char out[SRV_PATH_SIZE], struct fsn_error *err);

/* A file on its way in: moved away from path when it is stored, over the same bytes if they are
 * there already. */
struct srv_blob {
    const char *path;
    const char *sha256;
    int64_t size_bytes;
};

/* Writes rows that name blobs, inside the transaction that stores or drops the blobs. */
typedef enum fsn_status srv_blobs_write_fn(struct srv_db *db, void *user, struct fsn_error *err);

/* Moves the files in, then inserts their rows and calls write in one transaction. After a failure
 * (write's included) neither rows nor unreferenced files remain. */
FSN_NODISCARD enum fsn_status srv_blobs_store(struct srv_blobs *blobs, struct srv_db *db,
                                              const struct srv_blob *items, size_t count,
                                              srv_blobs_write_fn *write, void *user,
                                              struct fsn_error *err);

/* Calls write, which deletes rows, and drops every blob that nothing names any more. */
FSN_NODISCARD enum fsn_status srv_blobs_drop(struct srv_blobs *blobs, struct srv_db *db,
                                             srv_blobs_write_fn *write, void *user,
                                             struct fsn_error *err);

/* All rows of table blobs, in order of sha256. *out: an array, new (free()), of *count. */
FSN_NODISCARD enum fsn_status srv_blobs_list(struct srv_db *db, struct srv_blob_row **out,
                                             size_t *count, struct fsn_error *err);
/* Whether there is such a row now. */
FSN_NODISCARD enum fsn_status srv_blobs_has(struct srv_db *db, const char *sha256, bool *out,
                                            struct fsn_error *err);

/* Removes files that have no row; *removed (may be NULL) counts them. For the start. */
FSN_NODISCARD enum fsn_status srv_blobs_sweep(struct srv_blobs *blobs, struct srv_db *db,
                                              int *removed, struct fsn_error *err);

#endif
