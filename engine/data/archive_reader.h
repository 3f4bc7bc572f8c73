/* archive_reader.h - libarchive, opened the way that data sets need it. */
#ifndef FSN_DATA_ARCHIVE_READER_H
#define FSN_DATA_ARCHIVE_READER_H

#include "core/error.h"
#include "data/gunzip.h"

struct fsn__reader {
    struct archive *archive; /* libarchive's own calls apply */
    /* What unpacks a packed source before the archive sees it; at most one is not NULL. */
    struct fsn__gunzip *gunzip;
    struct archive *filter;
    unsigned char *block; /* of filter */
};

enum fsn__reader_kind {
    FSN__READER_ARCHIVE,    /* tar and zip; else the source is one file (ARCHIVE_FORMAT_RAW) */
    FSN__READER_SINGLE_FILE /* always one file */
};

/* Opens a source, packed by gzip, xz, bzip2 or not at all. `what` names it in errors, as in
 * fsn__reader_fault. Closed by fsn__reader_close, also after a failure. */
FSN_NODISCARD enum fsn_status fsn__reader_open(struct fsn__reader *reader,
                                               enum fsn__reader_kind kind,
                                               const struct fsn__source *source, const char *what,
                                               struct fsn_error *err);
void fsn__reader_close(struct fsn__reader *reader);
/* Raises what libarchive complains about; what: the entry, or NULL for the archive as a whole. */
enum fsn_status fsn__reader_fault(const struct fsn__reader *reader, const char *what,
                                  struct fsn_error *err);
/* After the last entry: reads a packed source on, so that its checksum, which comes last, is
 * verified. *size: bytes that came, 0 at the end. */
FSN_NODISCARD enum fsn_status fsn__reader_rest(struct fsn__reader *reader, const char *what,
                                               size_t *size, struct fsn_error *err);

#endif
