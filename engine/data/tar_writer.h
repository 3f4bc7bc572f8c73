/* tar_writer.h - a gzip-packed tar in memory, whose times, owners and gzip header are fixed: the
 * same contents give the same bytes. */
#ifndef FSN_DATA_TAR_WRITER_H
#define FSN_DATA_TAR_WRITER_H

#include "core/error.h"
#include "core/mem.h"

#include <archive.h>

/* *out goes into buf; archive_write_close when all is written, archive_write_free. */
FSN_NODISCARD enum fsn_status fsn__tar_open(struct fsn__buf *buf, struct archive **out,
                                            struct fsn_error *err);
/* A file of this size: archive_write_data has to follow. */
FSN_NODISCARD enum fsn_status fsn__tar_begin_file(struct archive *archive, const char *name,
                                                  int64_t size, struct fsn_error *err);
/* Why the archive's last call has failed. */
FSN_NODISCARD enum fsn_status fsn__tar_fault(struct archive *archive, struct fsn_error *err);

#endif
