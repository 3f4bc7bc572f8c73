/* disk.c - see disk.h. */
#include "base/disk.h"

#include <sys/statvfs.h>

bool srv_disk_look(const char *folder, struct srv_disk *out)
{
    struct statvfs disk;

    if (statvfs(folder, &disk) != 0)
        return false;
    *out = (struct srv_disk){
        .free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize,
        .size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
        .has_files = disk.f_files == 0 || disk.f_favail > 0, /* 0: as many as there is room for */
    };
    return true;
}
