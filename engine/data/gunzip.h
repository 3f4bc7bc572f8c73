/* gunzip.h - gzip unpacked as a source of blocks for libarchive. */
#ifndef FSN_DATA_GUNZIP_H
#define FSN_DATA_GUNZIP_H

#include <archive.h>
#include <stddef.h>

/* Where packed bytes come from: a file from its current position on, or memory. */
struct fsn__source {
    int fd; /* -1: memory */
    const unsigned char *bytes;
    size_t size;
};

struct fsn__gunzip;

/* new (fsn__gunzip_close), or NULL when out of memory. The source's bytes or fd stay the caller's.
 */
struct fsn__gunzip *fsn__gunzip_open(const struct fsn__source *source);
void fsn__gunzip_close(struct fsn__gunzip *gunzip);
/* An archive_read_callback: the next block, 0 at the end; negative with the archive's error set
 * when the stream is damaged, cut short or fails its checksum. user: struct fsn__gunzip. */
la_ssize_t fsn__gunzip_read(struct archive *archive, void *user, const void **block);

#endif
