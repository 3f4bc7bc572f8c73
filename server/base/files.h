/* files.h - paths, folders and durable moves. */
#ifndef SRV_BASE_FILES_H
#define SRV_BASE_FILES_H

#include "base/error.h"

#define SRV_PATH_SIZE 4096

/* printf into a path buffer. Errors: LIMIT when it does not fit. */
FSN_NODISCARD enum fsn_status srv_path(char out[SRV_PATH_SIZE], struct fsn_error *err,
                                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* mkdir -p with mode 0750. Errors: FULL, IO. */
FSN_NODISCARD enum fsn_status srv_make_folders(const char *path, struct fsn_error *err);

/* rm -r; nothing there is fine. Errors: IO. */
FSN_NODISCARD enum fsn_status srv_remove_tree(const char *path, struct fsn_error *err);

/* All of the bytes, however many writes it takes; false: errno says why not. */
bool srv_write_all(int fd, const void *bytes, size_t size);

/* fsync of a file or a folder. Errors: FULL, IO. */
FSN_NODISCARD enum fsn_status srv_sync_path(const char *path, struct fsn_error *err);

/* fsync of the file, rename, fsync of the target's folder: after a crash the target is whole or
 * absent. Errors: FULL, IO. */
FSN_NODISCARD enum fsn_status srv_move_durably(const char *from, const char *to,
                                               struct fsn_error *err);

#endif
