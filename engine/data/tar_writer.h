/* tar_writer.h - a gzip-packed tar in memory, whose times, owners and gzip header are fixed: the
 * same contents give the same bytes. */
#ifndef FSN_DATA_TAR_WRITER_H
#define FSN_DATA_TAR_WRITER_H

#include "core/error.h"

#include <archive.h>

/* Adds to the archive with the functions below. */
typedef enum fsn_status fsn__tar_fill_fn(struct archive *archive, const void *user,
                                         struct fsn_error *err);
/* Writes what fill adds as the file `path`, whole or not at all. Errors: IO, NOMEM, those of fill.
 */
FSN_NODISCARD enum fsn_status fsn__tar_write(const char *path, fsn__tar_fill_fn *fill,
                                             const void *user, struct fsn_error *err);

/* A file with these bytes. */
FSN_NODISCARD enum fsn_status fsn__tar_add(struct archive *archive, const char *name,
                                           const void *bytes, size_t size, struct fsn_error *err);
/* A file of this size: archive_write_data has to follow. */
FSN_NODISCARD enum fsn_status fsn__tar_begin_file(struct archive *archive, const char *name,
                                                  int64_t size, struct fsn_error *err);
/* Why the archive's last call has failed. */
FSN_NODISCARD enum fsn_status fsn__tar_fault(struct archive *archive, struct fsn_error *err);

#endif
