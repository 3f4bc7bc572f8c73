/* archive_maker.c - see archive_maker.h. */
#include "archive_maker.h"
#include "core/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

const char *made_packing_name(enum made_packing packing)
{
    static const char *const names[MADE_PACKINGS] = {
        [MADE_TAR] = "tar",         [MADE_TAR_GZ] = "tar.gz", [MADE_TAR_XZ] = "tar.xz",
        [MADE_TAR_BZ2] = "tar.bz2", [MADE_ZIP] = "zip",
    };

    return names[packing];
}

static la_ssize_t append(struct archive *archive, void *user, const void *bytes, size_t size)
{
    (void)archive;
    assert_true(fsn__buf_append(user, bytes, size));
    return (la_ssize_t)size;
}

static void add_entry(struct archive *archive, const struct made_entry *made)
{
    static const __LA_MODE_T modes[] = {
        [MADE_FILE] = AE_IFREG,     [MADE_FOLDER] = AE_IFDIR, [MADE_SYMLINK] = AE_IFLNK,
        [MADE_HARDLINK] = AE_IFREG, [MADE_FIFO] = AE_IFIFO,
    };
    struct archive_entry *entry = archive_entry_new();
    size_t size = made->kind == MADE_FILE ? made->size : 0;

    assert_non_null(entry);
    archive_entry_copy_pathname(entry, made->name);
    archive_entry_set_filetype(entry, modes[made->kind]);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (made->kind == MADE_SYMLINK)
        archive_entry_set_symlink(entry, made->bytes);
    if (made->kind == MADE_HARDLINK)
        archive_entry_set_hardlink(entry, made->bytes);
    assert_true(archive_write_header(archive, entry) >= ARCHIVE_WARN);
    if (size > 0)
        assert_int_equal(archive_write_data(archive, made->bytes, size), size);
    archive_entry_free(entry);
}

/* Writes entries in the format set before, packed. */
static struct made_bytes write_entries(struct archive *archive, enum made_packing packing,
                                       const struct made_entry *entries, size_t count)
{
    struct fsn__buf buf = {.max = SIZE_MAX / 2};

    if (packing == MADE_TAR_GZ)
        archive_write_add_filter_gzip(archive);
    if (packing == MADE_TAR_XZ)
        archive_write_add_filter_xz(archive);
    if (packing == MADE_TAR_BZ2)
        archive_write_add_filter_bzip2(archive);
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open(archive, &buf, NULL, append, NULL), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++)
        add_entry(archive, &entries[i]);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return (struct made_bytes){buf.data, buf.size};
}

struct made_bytes make_archive(enum made_packing packing, const struct made_entry *entries,
                               size_t count)
{
    struct archive *archive = archive_write_new();

    assert_non_null(archive);
    if (packing == MADE_ZIP)
        archive_write_set_format_zip(archive);
    else
        archive_write_set_format_pax_restricted(archive);
    return write_entries(archive, packing, entries, count);
}

struct made_bytes make_packed(enum made_packing packing, const void *bytes, size_t size)
{
    const struct made_entry entry = {.name = "data", .bytes = bytes, .size = size};
    struct archive *archive = archive_write_new();

    assert_non_null(archive);
    archive_write_set_format_raw(archive);
    return write_entries(archive, packing, &entry, 1);
}
