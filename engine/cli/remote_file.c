/* remote_file.c - files that are sent. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int remote_open_file(const struct cli_command *command, const char *path, const char *instead,
                     int64_t *bytes)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    if (file < 0 || fstat(file, &info) != 0)
        cli_error(command, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        cli_error(command, "%s is a folder; %s", path, instead);
    else if (!S_ISREG(info.st_mode))
        cli_error(command, "%s is no file", path);
    else if (info.st_size == 0)
        cli_error(command, "%s is empty", path);
    else {
        if (bytes)
            *bytes = info.st_size;
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}
