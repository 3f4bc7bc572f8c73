/*
 * archive_reader.c - which containers and packers are on, and how they are stacked.
 *
 *     source -> gunzip (zlib) or filter (libarchive: xz, bzip2) -> archive (tar, zip, single file)
 *
 * The unpacking is a stage of its own because libarchive stops reading when the tar ends, and so
 * never comes to the checksum behind it; here the rest can be read. Only what is named here is on:
 * libarchive's "all" would include readers of little use for data sets, and packers that it runs as
 * external programs.
 */
#include "data/archive_reader.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024, MAGIC_BYTES = 6 };

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_OTHER };

static enum packing packing_of(const struct fsn__source *source)
{
    unsigned char magic[MAGIC_BYTES] = {0};

    if (source->fd < 0 && source->size >= MAGIC_BYTES)
        memcpy(magic, source->bytes, MAGIC_BYTES);
    else if (source->fd >= 0 && pread(source->fd, magic, MAGIC_BYTES, 0) < 0)
        return PACKING_NONE; /* reading it will say why */
    if (memcmp(magic, "\x1f\x8b", 2) == 0)
        return PACKING_GZIP;
    if (memcmp(magic, "BZh", 3) == 0 || memcmp(magic,
                                               "\xfd"
                                               "7zXZ\0",
                                               6) == 0)
        return PACKING_OTHER;
    return PACKING_NONE;
}

static enum fsn_status raise_from(struct archive *archive, const char *what, struct fsn_error *err)
{
    const char *reason = archive_error_string(archive);
    int code = archive_errno(archive);
    enum fsn_status status = code == ENOMEM ? FSN_NOMEM : code == EIO ? FSN_IO : FSN_FORMAT;

    if (!reason)
        reason = "unreadable";
    if (what)
        return FSN__FAIL(err, status, "entry '%s' is corrupt or cut short: %s", what, reason);
    return FSN__FAIL(err, status, "the archive is corrupt or cut short: %s", reason);
}

enum fsn_status fsn__reader_fault(const struct fsn__reader *reader, const char *what,
                                  struct fsn_error *err)
{
    return raise_from(reader->archive, what, err);
}

static int open_source(struct archive *archive, const struct fsn__source *source)
{
    if (source->fd >= 0)
        return archive_read_open_fd(archive, source->fd, BLOCK_BYTES);
    return archive_read_open_memory(archive, source->bytes, source->size);
}

/* ---- the unpacking stage -----------------------------------------------------------------------
 */

/* The archive_read_callback of the xz and bzip2 stage. */
static la_ssize_t filter_read(struct archive *archive, void *user, const void **block)
{
    struct fsn__reader *reader = user;
    la_ssize_t got = archive_read_data(reader->filter, reader->block, BLOCK_BYTES);

    if (got < 0) {
        archive_set_error(archive, archive_errno(reader->filter), "%s",
                          archive_error_string(reader->filter));
        return -1;
    }
    *block = reader->block;
    return got;
}

static enum fsn_status open_filter(struct fsn__reader *reader, const struct fsn__source *source,
                                   const char *what, struct fsn_error *err)
{
    struct archive_entry *entry;

    reader->filter = archive_read_new();
    reader->block = malloc(BLOCK_BYTES);
    if (!reader->filter || !reader->block)
        return FSN__NOMEM(err);
    archive_read_support_filter_bzip2(reader->filter);
    archive_read_support_filter_xz(reader->filter);
    archive_read_support_format_raw(reader->filter);
    if (open_source(reader->filter, source) != ARCHIVE_OK ||
        archive_read_next_header(reader->filter, &entry) != ARCHIVE_OK)
        return raise_from(reader->filter, what, err);
    return FSN_OK;
}

/* ---- the reader --------------------------------------------------------------------------------
 */

enum fsn_status fsn__reader_open(struct fsn__reader *reader, enum fsn__reader_kind kind,
                                 const struct fsn__source *source, const char *what,
                                 struct fsn_error *err)
{
    enum packing packing = packing_of(source);
    enum fsn_status status;
    int code;

    memset(reader, 0, sizeof *reader);
    reader->archive = archive_read_new();
    if (!reader->archive)
        return FSN__NOMEM(err);
    archive_read_support_format_raw(reader->archive);
    archive_read_support_format_empty(reader->archive);
    if (kind == FSN__READER_ARCHIVE) {
        archive_read_support_format_tar(reader->archive);
        archive_read_support_format_zip(reader->archive);
    }
    if (packing == PACKING_GZIP) {
        reader->gunzip = fsn__gunzip_open(source);
        if (!reader->gunzip)
            return FSN__NOMEM(err);
        code = archive_read_open(reader->archive, reader->gunzip, NULL, fsn__gunzip_read, NULL);
    } else if (packing == PACKING_OTHER) {
        status = open_filter(reader, source, what, err);
        if (status != FSN_OK)
            return status;
        code = archive_read_open(reader->archive, reader, NULL, filter_read, NULL);
    } else {
        code = open_source(reader->archive, source);
    }
    return code == ARCHIVE_OK ? FSN_OK : fsn__reader_fault(reader, what, err);
}

void fsn__reader_close(struct fsn__reader *reader)
{
    archive_read_free(reader->archive);
    archive_read_free(reader->filter);
    fsn__gunzip_close(reader->gunzip);
    free(reader->block);
    memset(reader, 0, sizeof *reader);
}

enum fsn_status fsn__reader_rest(struct fsn__reader *reader, const char *what, size_t *size,
                                 struct fsn_error *err)
{
    const void *block;
    la_ssize_t got = 0;

    if (reader->gunzip)
        got = fsn__gunzip_read(reader->archive, reader->gunzip, &block);
    else if (reader->filter)
        got = filter_read(reader->archive, reader, &block);
    if (got < 0)
        return fsn__reader_fault(reader, what, err);
    *size = (size_t)got;
    return FSN_OK;
}
