/* archive.h - the files inside an archive or a folder, one after the other, within limits. */
#ifndef FSN_DATA_ARCHIVE_H
#define FSN_DATA_ARCHIVE_H

#include "core/error.h"

/* Who gets the files. Names are relative ("cifar-10-batches-bin/test_batch.bin") and without the
 * suffix of a packed file (.gz, .xz, .bz2), whose bytes come unpacked. */
struct fsn__entry_sink {
    /* Whether take() shall see this file; the bytes of others are never kept. */
    bool (*wants)(const char *name, void *user);
    /* Receives a wanted file. bytes, never NULL, are the callee's from here on (free()), whatever
     * it returns; a status other than FSN_OK ends the walk with it. */
    enum fsn_status (*take)(const char *name, unsigned char *bytes, size_t size, void *user,
                            struct fsn_error *err);
    void *user;
};

/* Walks an archive (tar or zip; gzip, xz and bzip2 packed), a single plain or packed file, or a
 * folder with all below it. Order: as stored; a folder by name. limits may be NULL.
 * Errors: IO, NOMEM, LIMIT (names limit and entry), FORMAT (corrupt or truncated: with libarchive's
 * reason; an absolute name, "..", a control character, a link or a special file: with the entry).
 */
FSN_NODISCARD enum fsn_status fsn__archive_walk(const char *path,
                                                const struct fsn_data_limits *limits,
                                                const struct fsn__entry_sink *sink,
                                                struct fsn_error *err);
/* The same for an archive in memory; a single file in it is named `name`. */
FSN_NODISCARD enum fsn_status fsn__archive_walk_memory(const void *bytes, size_t size,
                                                       const char *name,
                                                       const struct fsn_data_limits *limits,
                                                       const struct fsn__entry_sink *sink,
                                                       struct fsn_error *err);

#endif
