/* data_dir.h - the folder that one server owns while it runs.
 *
 *     DIR/lock            held by the running server
 *     DIR/fsnetd.db       SQLite (and its -wal, -shm)
 *     DIR/blobs/ab/...    content by SHA-256
 *     DIR/tmp             uploads on their way in; emptied at start
 *     DIR/partial/ID      uploads that come in parts
 *     DIR/work/JOB        checkpoint and output of a job that is not finished
 */
#ifndef SRV_BASE_DATA_DIR_H
#define SRV_BASE_DATA_DIR_H

#include "base/files.h"

struct srv_data_dir {
    char database[SRV_PATH_SIZE];
    char blobs[SRV_PATH_SIZE];
    char temporary[SRV_PATH_SIZE];
    char partial[SRV_PATH_SIZE];
    char work[SRV_PATH_SIZE];
    int lock_fd;
};

/* The paths alone, for who only looks; nothing is made, lock_fd is -1. Errors: LIMIT. */
FSN_NODISCARD enum fsn_status srv_data_dir_paths(const char *path, struct srv_data_dir *out,
                                                 struct fsn_error *err);

/* Makes the folders, takes the lock, empties tmp. Errors: IO (another server runs on it, among
 * others), LIMIT (the path is too long). Close with srv_data_dir_close. */
FSN_NODISCARD enum fsn_status srv_data_dir_open(const char *path, struct srv_data_dir *out,
                                                struct fsn_error *err);
void srv_data_dir_close(struct srv_data_dir *dir);

#endif
