/* file.h - whole files in and out. */
#ifndef FSN_CORE_FILE_H
#define FSN_CORE_FILE_H

#include "core/error.h"

/* Reads a regular file of at most max bytes; *bytes new (freed by free()), one NUL past its end.
 * Errors: IO (names path and reason), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__file_read(const char *path, size_t max, unsigned char **bytes,
                                             size_t *size, struct fsn_error *err);
/* Writes atomically: a temporary file beside it, fsync, rename, fsync of the folder. A crash leaves
 * the old file or the new one, never a part. Errors: FULL, IO. */
FSN_NODISCARD enum fsn_status fsn__file_write(const char *path, const void *bytes, size_t size,
                                              struct fsn_error *err);
/* Copies a regular file, as fsn__file_write writes. */
FSN_NODISCARD enum fsn_status fsn__file_copy(const char *from, const char *to,
                                             struct fsn_error *err);
/* mkdir -p. */
FSN_NODISCARD enum fsn_status fsn__make_folders(const char *path, struct fsn_error *err);

#endif
