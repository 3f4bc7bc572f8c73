/* file.c - whole files in and out. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fsn_status fsn__file_read(const char *path, size_t max, unsigned char **bytes, size_t *size,
                               struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    unsigned char *data = NULL;
    struct stat info;
    size_t want, have = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0) {
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        status = FSN__FAIL(err, FSN_IO, "%s: not a regular file", path);
        goto out;
    }
    if ((uintmax_t)info.st_size > max) {
        status = FSN__FAIL(err, FSN_LIMIT, "%s: %lld bytes, the limit is %zu", path,
                           (long long)info.st_size, max);
        goto out;
    }
    want = (size_t)info.st_size;
    data = malloc(want + 1);
    if (!data) {
        status = FSN__NOMEM(err);
        goto out;
    }
    while (have < want) {
        ssize_t got = read(fd, data + have, want - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
            goto out;
        }
        if (got == 0)
            break; /* shorter than it was: what is there counts */
        have += (size_t)got;
    }
    data[have] = 0;
    *bytes = data;
    *size = have;
    data = NULL;
out:
    free(data);
    if (fd >= 0)
        close(fd);
    return status;
}

static void sync_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int fd;

    if (!slash)
        snprintf(folder, sizeof folder, ".");
    else
        snprintf(folder, sizeof folder, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* best effort: not every file system can sync a folder */
        close(fd);
    }
}

enum fsn_status fsn__file_write(const char *path, const void *bytes, size_t size,
                                struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    char temporary[4096];
    size_t done = 0;
    int fd;

    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", temporary, strerror(errno));
    while (done < size) {
        ssize_t put = write(fd, (const unsigned char *)bytes + done, size - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            status =
                FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", temporary, strerror(errno));
            goto out;
        }
        done += (size_t)put;
    }
    if (fchmod(fd, 0644) != 0 || fsync(fd) != 0) {
        status = FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", temporary, strerror(errno));
        goto out;
    }
    if (rename(temporary, path) != 0) {
        status = FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", path, strerror(errno));
        goto out;
    }
    sync_folder_of(path);
out:
    close(fd);
    if (status != FSN_OK)
        unlink(temporary);
    return status;
}

enum fsn_status fsn__file_copy(const char *from, const char *to, struct fsn_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    enum fsn_status status = fsn__file_read(from, SIZE_MAX - 1, &bytes, &size, err);

    if (status == FSN_OK)
        status = fsn__file_write(to, bytes, size, err);
    free(bytes);
    return status;
}

enum fsn_status fsn__make_folders(const char *path, struct fsn_error *err)
{
    char part[4096];

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", path);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", part, strerror(errno));
        *at = '/';
    }
    if (mkdir(part, 0755) != 0 && errno != EEXIST)
        return FSN__FAIL(err, fsn_status_of_errno(errno), "%s: %s", part, strerror(errno));
    return FSN_OK;
}
