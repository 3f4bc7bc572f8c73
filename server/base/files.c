/* files.c - see files.h. */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fsn_status srv_path(char out[SRV_PATH_SIZE], struct fsn_error *err, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(out, SRV_PATH_SIZE, format, args);
    va_end(args);
    if (length < 0 || length >= SRV_PATH_SIZE)
        return SRV_FAIL(err, FSN_LIMIT, "path is longer than %d bytes: %.64s...", SRV_PATH_SIZE - 1,
                        out);
    return FSN_OK;
}

enum fsn_status srv_make_folders(const char *path, struct fsn_error *err)
{
    char part[SRV_PATH_SIZE];
    enum fsn_status status = srv_path(part, err, "%s", path);

    if (status != FSN_OK)
        return status;
    for (char *c = part + 1;; c++) {
        bool last = *c == '\0';

        if (*c != '/' && !last)
            continue;
        *c = '\0';
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return SRV_FAIL(err, fsn_status_of_errno(errno), "cannot make folder %s: %s", part,
                            strerror(errno));
        if (last)
            return FSN_OK;
        *c = '/';
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    /* Someone else may be removing the same tree. */
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum fsn_status srv_remove_tree(const char *path, struct fsn_error *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return SRV_FAIL(err, FSN_IO, "cannot remove %s: %s", path, strerror(errno));
    return FSN_OK;
}

/* Opening with O_RDONLY is enough for fsync, of a file as of a folder. */
bool srv_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = write(fd, at, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

enum fsn_status srv_sync_path(const char *path, struct fsn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;
    int cause = errno;

    if (fd >= 0)
        close(fd);
    return failed ? SRV_FAIL(err, fsn_status_of_errno(cause), "cannot sync %s: %s", path,
                             strerror(cause))
                  : FSN_OK;
}

enum fsn_status srv_move_durably(const char *from, const char *to, struct fsn_error *err)
{
    char folder[SRV_PATH_SIZE];
    enum fsn_status status = srv_path(folder, err, "%s", to);
    char *slash = strrchr(folder, '/');

    if (slash)
        slash[slash == folder] = '\0'; /* "/x" lies in "/" */
    if (status == FSN_OK)
        status = srv_sync_path(from, err);
    if (status == FSN_OK && rename(from, to) != 0)
        status = SRV_FAIL(err, fsn_status_of_errno(errno), "cannot move %s to %s: %s", from, to,
                          strerror(errno));
    if (status == FSN_OK)
        status = srv_sync_path(slash ? folder : ".", err);
    return status;
}
