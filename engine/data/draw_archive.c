/*
 * draw_archive.c - writes drawn images as a CIFAR-10 binary archive (see cifar.c for the layout),
 * so that a demo or a test takes the very way that a downloaded data set takes.
 *
 * Times, owners and the gzip header are fixed: the same seed gives the same bytes.
 */
#include "core/file.h"
#include "core/mem.h"
#include "data/draw.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RECORD = 1 + FSN__DRAW_PIXELS, TRAIN_FILES = 5, MAX_IMAGES = 1000000 };

static enum fsn_status write_fault(struct archive *archive, struct fsn_error *err)
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

static enum fsn_status begin_file(struct archive *archive, const char *name, int64_t size,
                                  struct fsn_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    enum fsn_status status = FSN_OK;
    char path[64];

    if (!entry)
        return FSN__NOMEM(err);
    snprintf(path, sizeof path, "cifar-10-batches-bin/%s", name);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_size(entry, size);
    if (archive_write_header(archive, entry) != ARCHIVE_OK)
        status = write_fault(archive, err);
    archive_entry_free(entry);
    return status;
}

static enum fsn_status write_names(struct archive *archive, struct fsn_error *err)
{
    enum fsn_status status;
    char text[512];
    int length = 0;

    for (int i = 0; i < FSN__DRAW_CLASSES; i++)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "%s\n", fsn__draw_class_name(i));
    status = begin_file(archive, "batches.meta.txt", length, err);
    if (status == FSN_OK && archive_write_data(archive, text, (size_t)length) != length)
        status = write_fault(archive, err);
    return status;
}

/* Writes images first..last-1 of a split as one file. */
static enum fsn_status write_batch(struct archive *archive, const char *name, uint64_t seed,
                                   enum fsn_split split, int64_t first, int64_t last,
                                   struct fsn_error *err)
{
    enum fsn_status status = begin_file(archive, name, (last - first) * RECORD, err);
    uint8_t record[RECORD];

    for (int64_t i = first; status == FSN_OK && i < last; i++) {
        record[0] = (uint8_t)fsn__draw_image(seed, split, i, record + 1);
        if (archive_write_data(archive, record, RECORD) != RECORD)
            status = write_fault(archive, err);
    }
    return status;
}

static enum fsn_status write_all(struct archive *archive, int64_t train_images, int64_t test_images,
                                 uint64_t seed, struct fsn_error *err)
{
    enum fsn_status status = write_names(archive, err);

    for (int64_t i = 0; status == FSN_OK && i < TRAIN_FILES; i++) {
        char name[32];

        snprintf(name, sizeof name, "data_batch_%d.bin", (int)i + 1);
        status = write_batch(archive, name, seed, FSN_SPLIT_TRAIN, train_images * i / TRAIN_FILES,
                             train_images * (i + 1) / TRAIN_FILES, err);
    }
    if (status == FSN_OK)
        status = write_batch(archive, "test_batch.bin", seed, FSN_SPLIT_TEST, 0, test_images, err);
    if (status == FSN_OK && archive_write_close(archive) != ARCHIVE_OK)
        status = write_fault(archive, err);
    return status;
}

/* A gzip-packed tar that goes into buf. */
static enum fsn_status open_writer(struct fsn__buf *buf, struct archive **out,
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
    status = write_fault(archive, err);
    archive_write_free(archive);
    return status;
}

enum fsn_status fsn_dataset_draw(const char *path, int64_t train_images, int64_t test_images,
                                 uint64_t seed, struct fsn_error *err)
{
    const int64_t counts[FSN_SPLIT_COUNT] = {train_images, test_images};
    struct fsn__buf buf = {.max = SIZE_MAX / 2};
    struct archive *archive = NULL;
    enum fsn_status status;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        if (counts[s] < FSN__DRAW_CLASSES || counts[s] > MAX_IMAGES)
            return FSN__FAIL(err, FSN_INVALID, "%s images must be %d..%d, got %lld",
                             s == FSN_SPLIT_TRAIN ? "train" : "test", FSN__DRAW_CLASSES, MAX_IMAGES,
                             (long long)counts[s]);
    status = open_writer(&buf, &archive, err);
    if (status == FSN_OK)
        status = write_all(archive, train_images, test_images, seed, err);
    if (status == FSN_OK)
        status = fsn__file_write(path, buf.data, buf.size, err);
    archive_write_free(archive);
    fsn__buf_free(&buf);
    return status;
}
