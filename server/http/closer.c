/* closer.c - see closer.h. */
#include "http/closer.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct closing {
    int fd;
    int64_t keep;
};

static void cut_and_close(const struct closing *closing)
{
    if (closing->keep != SRV_CLOSER_ALL && ftruncate(closing->fd, closing->keep) != 0)
        SRV_LOG(SRV_LOG_WARN, "a file could not be cut", SRV_TEXT("detail", strerror(errno)),
                SRV_INT("bytes", closing->keep));
    close(closing->fd);
}

static void run(void *user)
{
    cut_and_close(user);
    free(user);
}

static bool runs_elsewhere(struct srv_offload *closer, const struct closing *closing)
{
    struct closing *copy = malloc(sizeof *copy);

    if (!copy)
        return false;
    *copy = *closing;
    if (srv_offload_submit(closer, run, NULL, copy) == FSN_OK)
        return true;
    free(copy);
    return false;
}

void srv_closer_close(struct srv_offload *closer, int fd, int64_t keep, int64_t goes_bytes)
{
    const struct closing closing = {fd, keep};

    if (!closer || goes_bytes < SRV_CLOSER_LARGE || !runs_elsewhere(closer, &closing))
        cut_and_close(&closing);
}

/* A file that is open outlives its name: so nothing of it is freed by unlink, and none stays behind
 * whatever becomes of the process. */
void srv_closer_remove(struct srv_offload *closer, int fd, const char *path, int64_t size_bytes)
{
    if (fd < 0 && closer && size_bytes >= SRV_CLOSER_LARGE)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    if (fd >= 0)
        srv_closer_close(closer, fd, SRV_CLOSER_ALL, size_bytes);
}
