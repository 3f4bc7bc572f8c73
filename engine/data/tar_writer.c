/* tar_writer.c - see tar_writer.h. */
#include "data/tar_writer.h"

#include "core/file.h"
#include "core/mem.h"

#include <archive_entry.h>
#include <errno.h>

enum fsn_status fsn__tar_fault(struct archive *archive, struct fsn_error *err)
{
    const char *reason = archive_error_string(archive);

    if (archive_errno(archive) == ENOMEM)
        return FSN__NOMEM(err);
    return FSN__FAIL(err, FSN_INTERNAL, "writing the archive: %s", reason ? reason : "unknown");
}

static la_ssize_t append(struct archive *archive, void *user, const void *bytes, size_t size)
{
    struct fsn__buf *buf = user;

    if (!fsn__buf_append(buf, bytes, size)) {
        archive_set_error(archive, ENOMEM, "out of memory");
        return -1;
    }
    return (la_ssize_t)size;
}

enum fsn_status fsn__tar_begin_file(struct archive *archive, const char *name, int64_t size,
                                    struct fsn_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    enum fsn_status status = FSN_OK;

    if (!entry)
        return FSN__NOMEM(err);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_size(entry, size);
    if (archive_write_header(archive, entry) != ARCHIVE_OK)
        status = fsn__tar_fault(archive, err);
    archive_entry_free(entry);
    return status;
}

enum fsn_status fsn__tar_add(struct archive *archive, const char *name, const void *bytes,
                             size_t size, struct fsn_error *err)
{
    enum fsn_status status = fsn__tar_begin_file(archive, name, (int64_t)size, err);

    if (status == FSN_OK && archive_write_data(archive, bytes, size) != (la_ssize_t)size)
        status = fsn__tar_fault(archive, err);
    return status;
}

/* *out goes into buf; archive_write_close when all is written, archive_write_free. */
static enum fsn_status open_archive(struct fsn__buf *buf, struct archive **out,
                                    struct fsn_error *err)
{
    struct archive *archive = archive_write_new();
    enum fsn_status status;

    if (!archive)
        return FSN__NOMEM(err);
    if (archive_write_set_format_ustar(archive) == ARCHIVE_OK &&
        archive_write_add_filter_gzip(archive) == ARCHIVE_OK &&
        archive_write_set_options(archive, "gzip:!timestamp") == ARCHIVE_OK &&
        archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
        archive_write_open(archive, buf, NULL, append, NULL) == ARCHIVE_OK) {
        *out = archive;
        return FSN_OK;
    }
    status = fsn__tar_fault(archive, err);
    archive_write_free(archive);
    return status;
}

enum fsn_status fsn__tar_write(const char *path, fsn__tar_fill_fn *fill, const void *user,
                               struct fsn_error *err)
{
    struct fsn__buf buf = {.max = SIZE_MAX / 2};
    struct archive *archive = NULL;
    enum fsn_status status = open_archive(&buf, &archive, err);

    if (status == FSN_OK)
        status = fill(archive, user, err);
    if (status == FSN_OK && archive_write_close(archive) != ARCHIVE_OK)
        status = fsn__tar_fault(archive, err);
    if (status == FSN_OK)
        status = fsn__file_write(path, buf.data, buf.size, err);
    archive_write_free(archive);
    fsn__buf_free(&buf);
    return status;
}
