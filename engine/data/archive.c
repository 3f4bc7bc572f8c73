/*
 * archive.c - walks the files of an archive or a folder.
 *
 * libarchive does the unpacking; this file decides what is taken from it. An archive is an upload
 * of a stranger, so three things are held at every step:
 *
 *   names    Nothing is ever written under a name from an archive, yet absolute names, "..", links
 *            and special files have no place in a data set: the archive is refused, naming them.
 *   size     Bytes are counted as they come out, wanted or not, never trusted from a header. They
 *            are bounded absolutely and relative to the packed size (a zip bomb, also one whose
 *            layers are packed files inside the archive).
 *   content  What cannot be unpacked cleanly to its end is refused with libarchive's reason.
 *
 * A packed file inside the archive (train-images-idx3-ubyte.gz in a tar) is unpacked in place.
 */
#include "data/archive.h"
#include "core/file.h"
#include "core/mem.h"
#include "data/archive_reader.h"
#include "data/entry_name.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct walk {
    const struct fsn__entry_sink *sink;
    struct fsn_data_limits limits; /* defaults filled in */
    size_t entries;
    size_t packed;   /* bytes of the files read from outside */
    size_t unpacked; /* bytes that have come out of them so far */
    char shown[256]; /* name of the current entry, fit for a message */
    bool over;       /* a source that is no container, and nobody wants what it is */
};

static void walk_start(struct walk *walk, const struct fsn_data_limits *limits,
                       const struct fsn__entry_sink *sink)
{
    memset(walk, 0, sizeof *walk);
    walk->sink = sink;
    if (limits)
        walk->limits = *limits;
    if (walk->limits.max_entries == 0)
        walk->limits.max_entries = 1000000;
    if (walk->limits.max_bytes == 0)
        walk->limits.max_bytes = (size_t)8 << 30;
    if (!(walk->limits.max_expansion > 0))
        walk->limits.max_expansion = 1000;
}

static enum fsn_status count_entry(struct walk *walk, struct fsn_error *err)
{
    if (++walk->entries > walk->limits.max_entries)
        return FSN__FAIL(err, FSN_LIMIT, "more than %zu entries", walk->limits.max_entries);
    return FSN_OK;
}

static enum fsn_status count_unpacked(struct walk *walk, size_t size, struct fsn_error *err)
{
    if (size > walk->limits.max_bytes - walk->unpacked)
        return FSN__FAIL(err, FSN_LIMIT, "entry '%s': more than %zu bytes unpacked in all",
                         walk->shown, walk->limits.max_bytes);
    walk->unpacked += size;
    if ((double)walk->unpacked > walk->limits.max_expansion * (double)walk->packed)
        return FSN__FAIL(err, FSN_LIMIT,
                         "entry '%s': unpacks to more than %g times the packed size of %zu bytes",
                         walk->shown, walk->limits.max_expansion, walk->packed);
    return FSN_OK;
}

/* ---- entries ------------------------------------------------------------------------------- */

/* Reads the current entry to its end: into *buf, or only counting when buf is NULL. */
static enum fsn_status read_entry(struct walk *walk, const struct fsn__reader *reader,
                                  struct fsn__buf *buf, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    unsigned char *block = malloc(BLOCK_BYTES);

    if (!block)
        return FSN__NOMEM(err);
    while (status == FSN_OK) {
        la_ssize_t got = archive_read_data(reader->archive, block, BLOCK_BYTES);

        if (got == 0)
            break;
        if (got < 0)
            status = fsn__reader_fault(reader, walk->shown, err);
        else
            status = count_unpacked(walk, (size_t)got, err);
        if (status == FSN_OK && buf && !fsn__buf_append(buf, block, (size_t)got))
            status = FSN__NOMEM(err);
    }
    free(block);
    return status;
}

/* Hands buf's bytes to the sink, which gets a place for none too, and leaves buf empty. */
static enum fsn_status hand_over(struct walk *walk, const char *name, struct fsn__buf *buf,
                                 struct fsn_error *err)
{
    struct fsn__buf whole = *buf;

    memset(buf, 0, sizeof *buf);
    if (!whole.data && !(whole.data = malloc(1)))
        return FSN__NOMEM(err);
    return walk->sink->take(name, whole.data, whole.size, walk->sink->user, err);
}

/* Reads a packed source on to its end, for its checksum. */
static enum fsn_status read_rest(struct walk *walk, struct fsn__reader *reader, const char *what,
                                 struct fsn_error *err)
{
    enum fsn_status status;
    size_t size;

    do {
        status = fsn__reader_rest(reader, what, &size, err);
        if (status == FSN_OK)
            status = count_unpacked(walk, size, err);
    } while (status == FSN_OK && size > 0);
    return status;
}

/* Unpacks a packed file that was found inside an archive or a folder into *out. */
static enum fsn_status unpack(struct walk *walk, const void *bytes, size_t size,
                              struct fsn__buf *out, struct fsn_error *err)
{
    const struct fsn__source source = {.fd = -1, .bytes = bytes, .size = size};
    struct archive_entry *entry; /* borrowed from reader */
    struct fsn__reader reader;
    enum fsn_status status;
    int code;

    status = fsn__reader_open(&reader, FSN__READER_SINGLE_FILE, &source, walk->shown, err);
    if (status != FSN_OK)
        goto out;
    code = archive_read_next_header(reader.archive, &entry);
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN)
        status = read_entry(walk, &reader, out, err);
    else if (code != ARCHIVE_EOF)
        status = fsn__reader_fault(&reader, walk->shown, err);
out:
    fsn__reader_close(&reader);
    return status;
}

/* One regular file of the archive. */
static enum fsn_status take_file(struct walk *walk, const struct fsn__reader *reader,
                                 const char *name, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct fsn__buf buf = {.max = walk->limits.max_bytes};
    struct fsn__buf inner = {.max = walk->limits.max_bytes};
    bool packed, wanted;
    char *plain = fsn__plain_name(name, &packed);
    const char *fault;

    if (!plain)
        return FSN__NOMEM(err);
    /* Of a single packed file the reader has undone the packing already. */
    if (archive_format(reader->archive) == ARCHIVE_FORMAT_RAW)
        packed = false;
    fault = packed ? fsn__name_fault(plain) : NULL; /* "...gz" is ".." */
    if (fault) {
        free(plain);
        return FSN__FAIL(err, FSN_FORMAT, "entry '%s': %s when it is unpacked", walk->shown, fault);
    }
    wanted = walk->sink->wants(plain, walk->sink->user);
    walk->over = !wanted && archive_format(reader->archive) == ARCHIVE_FORMAT_RAW;
    if (!walk->over)
        status = read_entry(walk, reader, wanted ? &buf : NULL, err);
    if (status == FSN_OK && wanted && packed) {
        status = unpack(walk, buf.data, buf.size, &inner, err);
        if (status == FSN_OK)
            status = hand_over(walk, plain, &inner, err);
    } else if (status == FSN_OK && wanted) {
        status = hand_over(walk, plain, &buf, err);
    }
    fsn__buf_free(&inner);
    fsn__buf_free(&buf);
    free(plain);
    return status;
}

/* Checks name and kind of an entry; folders are fine and skipped. */
static enum fsn_status take_entry(struct walk *walk, const struct fsn__reader *reader,
                                  struct archive_entry *entry, const char *single_name,
                                  struct fsn_error *err)
{
    enum fsn_status status = count_entry(walk, err);
    const char *name, *fault;

    if (status != FSN_OK)
        return status;
    if (archive_format(reader->archive) == ARCHIVE_FORMAT_RAW) {
        fsn__name_printable(walk->shown, sizeof walk->shown, single_name);
        return take_file(walk, reader, single_name, err);
    }

    /* Names are held as stored or, from pax and zip headers, as UTF-8; what cannot be had one way
     * can the other, so no locale is needed. */
    name = archive_entry_pathname(entry);
    if (!name)
        name = archive_entry_pathname_utf8(entry);
    if (!name || !*name)
        return FSN__FAIL(err, FSN_FORMAT, "entry %zu has no readable name", walk->entries);
    fsn__name_printable(walk->shown, sizeof walk->shown, name);
    fault = fsn__name_fault(name);
    if (fault)
        return FSN__FAIL(err, FSN_FORMAT, "entry '%s': %s", walk->shown, fault);
    if (archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry) ||
        archive_entry_filetype(entry) == AE_IFLNK)
        return FSN__FAIL(err, FSN_FORMAT, "entry '%s' is a link; only files and folders are taken",
                         walk->shown);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return FSN_OK;
    if (archive_entry_filetype(entry) != AE_IFREG)
        return FSN__FAIL(err, FSN_FORMAT,
                         "entry '%s' is a special file; only files and folders are taken",
                         walk->shown);
    return take_file(walk, reader, name, err);
}

/* single_name: what a source that is no container is called. */
static enum fsn_status walk_source(struct walk *walk, const struct fsn__source *source,
                                   const char *single_name, struct fsn_error *err)
{
    struct archive_entry *entry; /* borrowed from reader */
    struct fsn__reader reader;
    enum fsn_status status;

    status = fsn__reader_open(&reader, FSN__READER_ARCHIVE, source, NULL, err);
    while (status == FSN_OK && !walk->over) {
        int code = archive_read_next_header(reader.archive, &entry);

        if (code == ARCHIVE_EOF) {
            status = read_rest(walk, &reader, NULL, err);
            break;
        }
        /* A warning concerns what is not used here, such as owners or times. */
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
            status = fsn__reader_fault(&reader, NULL, err);
        else
            status = take_entry(walk, &reader, entry, single_name, err);
    }
    fsn__reader_close(&reader);
    return status;
}

enum fsn_status fsn__archive_walk_memory(const void *bytes, size_t size, const char *name,
                                         const struct fsn_data_limits *limits,
                                         const struct fsn__entry_sink *sink, struct fsn_error *err)
{
    const struct fsn__source source = {.fd = -1, .bytes = bytes, .size = size};
    struct walk walk;

    walk_start(&walk, limits, sink);
    walk.packed = size;
    return walk_source(&walk, &source, name, err);
}

/* ---- folders ------------------------------------------------------------------------------- */

static enum fsn_status take_folder_file(struct walk *walk, const char *path, const char *name,
                                        struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct fsn__buf inner = {.max = walk->limits.max_bytes};
    unsigned char *bytes = NULL;
    bool packed;
    char *plain = fsn__plain_name(name, &packed);
    size_t size;

    if (!plain)
        return FSN__NOMEM(err);
    if (!walk->sink->wants(plain, walk->sink->user))
        goto out;
    status = fsn__file_read(path, walk->limits.max_bytes - walk->unpacked, &bytes, &size, err);
    if (status != FSN_OK)
        goto out;
    walk->packed += size;
    fsn__name_printable(walk->shown, sizeof walk->shown, name);
    status = count_unpacked(walk, size, err);
    if (status != FSN_OK)
        goto out;
    if (packed) {
        status = unpack(walk, bytes, size, &inner, err);
        if (status == FSN_OK)
            status = hand_over(walk, plain, &inner, err);
    } else {
        status = walk->sink->take(plain, bytes, size, walk->sink->user, err);
        bytes = NULL;
    }
out:
    fsn__buf_free(&inner);
    free(bytes);
    free(plain);
    return status;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A folder is the user's own, so links in it are followed; fts stops at cycles. */
static enum fsn_status walk_folder(struct walk *walk, const char *path, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    size_t root_length = strlen(path);
    char *root = strdup(path);
    char *roots[] = {root, NULL};
    FTS *fts = NULL;
    FTSENT *at;

    if (!root)
        return FSN__NOMEM(err);
    fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!fts) {
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    while (status == FSN_OK && (at = fts_read(fts))) {
        const char *name = at->fts_path + root_length;

        while (*name == '/')
            name++;
        if (at->fts_info == FTS_DNR || at->fts_info == FTS_ERR || at->fts_info == FTS_NS)
            status = FSN__FAIL(err, FSN_IO, "%s: %s", at->fts_path, strerror(at->fts_errno));
        else if (at->fts_info != FTS_DP)
            status = count_entry(walk, err);
        if (status == FSN_OK && at->fts_info == FTS_F)
            status = take_folder_file(walk, at->fts_path, name, err);
    }
out:
    if (fts)
        fts_close(fts);
    free(root);
    return status;
}

enum fsn_status fsn__archive_walk(const char *path, const struct fsn_data_limits *limits,
                                  const struct fsn__entry_sink *sink, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct fsn__source source = {0};
    struct stat info;
    struct walk walk;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    walk_start(&walk, limits, sink);
    if (fd < 0 || fstat(fd, &info) != 0) {
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (S_ISDIR(info.st_mode)) {
        status = walk_folder(&walk, path, err);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        status = FSN__FAIL(err, FSN_IO, "%s: neither a file nor a folder", path);
        goto out;
    }
    source.fd = fd;
    walk.packed = (size_t)info.st_size;
    status = walk_source(&walk, &source, fsn__base_name(path), err);
out:
    if (fd >= 0)
        close(fd);
    return status;
}
