/* disk.h - how full the disk of a folder is. */
#ifndef SRV_BASE_DISK_H
#define SRV_BASE_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct srv_disk {
    uint64_t free_bytes, size_bytes; /* free: for who is not root */
    bool has_files;                  /* another file can be made */
};

/* false: errno says why it cannot be asked. */
bool srv_disk_look(const char *folder, struct srv_disk *out);

#endif
