/* temporary.c - see temporary.h and fsnet.h. */
#include "core/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *fsn_temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");

    return folder && *folder ? folder : "/var/tmp";
}

/* Where the file system has none without a name, as overlayfs before Linux 6.1. */
static int open_and_unlink(const char *folder)
{
    char path[4096];
    int file;

    if (snprintf(path, sizeof path, "%s/fsnet-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

enum fsn_status fsn__temporary_file(int *fd, struct fsn_error *err)
{
    const char *folder = fsn_temporary_folder();
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        file = open_and_unlink(folder);
    if (file < 0)
        return FSN__FAIL(err, fsn_status_of_errno(errno),
                         "cannot make a temporary file in %s (TMPDIR): %s", folder,
                         strerror(errno));
    *fd = file;
    return FSN_OK;
}

enum fsn_status fsn_temporary_check(struct fsn_error *err)
{
    int fd = -1;
    enum fsn_status status = fsn__temporary_file(&fd, err);

    if (status == FSN_OK)
        close(fd);
    return status;
}
