/* folder.c - see folder.h. */
#include "core/folder.h"

#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fsn_status fsn__join_path(char path[FSN__PATH_BYTES], const char *folder, const char *name,
                               struct fsn_error *err)
{
    if (snprintf(path, FSN__PATH_BYTES, "%s/%s", folder, name) >= FSN__PATH_BYTES)
        return FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", folder);
    return FSN_OK;
}

/* Calls `visit` for each regular file of the folder. */
static enum fsn_status each_file(DIR *folder, const char *path,
                                 enum fsn_status (*visit)(const char *file, const char *name,
                                                          const char *to, struct fsn_error *err),
                                 const char *to, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    const struct dirent *entry;

    while (status == FSN_OK && (errno = 0, entry = readdir(folder))) {
        char file[FSN__PATH_BYTES];
        struct stat info;

        status = fsn__join_path(file, path, entry->d_name, err);
        if (status == FSN_OK && lstat(file, &info) == 0 && S_ISREG(info.st_mode))
            status = visit(file, entry->d_name, to, err);
    }
    if (status == FSN_OK && errno != 0)
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    return status;
}

static enum fsn_status copy_file(const char *file, const char *name, const char *to,
                                 struct fsn_error *err)
{
    char path[FSN__PATH_BYTES];
    enum fsn_status status = fsn__join_path(path, to, name, err);

    return status == FSN_OK ? fsn__file_copy(file, path, err) : status;
}

static enum fsn_status remove_file(const char *file, const char *name, const char *to,
                                   struct fsn_error *err)
{
    (void)name;
    (void)to;
    if (unlink(file) != 0)
        return FSN__FAIL(err, FSN_IO, "%s: %s", file, strerror(errno));
    return FSN_OK;
}

enum fsn_status fsn__folder_copy(const char *from, const char *to, struct fsn_error *err)
{
    DIR *folder = opendir(from);
    enum fsn_status status;

    if (!folder)
        return FSN__FAIL(err, FSN_IO, "%s: %s", from, strerror(errno));
    status = each_file(folder, from, copy_file, to, err);
    closedir(folder);
    return status;
}

enum fsn_status fsn__folder_remove(const char *path, struct fsn_error *err)
{
    DIR *folder = opendir(path);
    enum fsn_status status;

    if (!folder && errno == ENOENT)
        return FSN_OK;
    if (!folder)
        return FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    status = each_file(folder, path, remove_file, NULL, err);
    closedir(folder);
    if (status == FSN_OK && rmdir(path) != 0)
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    return status;
}
