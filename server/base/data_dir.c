/* data_dir.c - see data_dir.h. The lock is flock(2): it goes with the process, however that ends.
 */
#include "base/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NAME_ROOM 128 /* for the longest name below the folder */

static enum fsn_status take_lock(const char *root, int *fd, struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    enum fsn_status status = srv_path(path, err, "%s/lock", root);
    int lock;

    if (status != FSN_OK)
        return status;
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock < 0)
        return SRV_FAIL(err, FSN_IO, "cannot open %s: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK
                     ? SRV_FAIL(err, FSN_IO, "another fsnetd runs on data folder %s", root)
                     : SRV_FAIL(err, FSN_IO, "cannot lock %s: %s", path, strerror(errno));
        close(lock);
        return status;
    }
    *fd = lock;
    return FSN_OK;
}

enum fsn_status srv_data_dir_paths(const char *root, struct srv_data_dir *out,
                                   struct fsn_error *err)
{
    struct srv_data_dir dir = {.lock_fd = -1};
    enum fsn_status status;

    if (strlen(root) > SRV_PATH_SIZE - NAME_ROOM)
        return SRV_FAIL(err, FSN_LIMIT, "data folder: the path is longer than %d bytes",
                        SRV_PATH_SIZE - NAME_ROOM);
    status = srv_path(dir.database, err, "%s/fsnetd.db", root);
    if (status == FSN_OK)
        status = srv_path(dir.blobs, err, "%s/blobs", root);
    if (status == FSN_OK)
        status = srv_path(dir.temporary, err, "%s/tmp", root);
    if (status == FSN_OK)
        status = srv_path(dir.partial, err, "%s/partial", root);
    if (status == FSN_OK)
        status = srv_path(dir.work, err, "%s/work", root);
    if (status == FSN_OK)
        *out = dir;
    return status;
}

enum fsn_status srv_data_dir_open(const char *root, struct srv_data_dir *out, struct fsn_error *err)
{
    struct srv_data_dir dir = {.lock_fd = -1};
    enum fsn_status status = srv_data_dir_paths(root, &dir, err);

    if (status == FSN_OK)
        status = srv_make_folders(root, err);
    if (status == FSN_OK)
        status = take_lock(root, &dir.lock_fd, err);
    if (status == FSN_OK)
        status = srv_remove_tree(dir.temporary, err);
    if (status == FSN_OK)
        status = srv_make_folders(dir.temporary, err);
    if (status == FSN_OK)
        status = srv_make_folders(dir.partial, err);
    if (status == FSN_OK)
        status = srv_make_folders(dir.work, err);
    if (status == FSN_OK)
        *out = dir;
    else
        srv_data_dir_close(&dir);
    return status;
}

void srv_data_dir_close(struct srv_data_dir *dir)
{
    if (dir->lock_fd >= 0)
        close(dir->lock_fd);
    dir->lock_fd = -1;
}
