/* copy.c - see copy.h. */
#include "base/copy.h"

#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static enum fsn_status copy_bytes(int in, const char *from, int out, const char *to,
                                  struct srv_digest *digest, int64_t *size_bytes,
                                  struct fsn_error *err)
{
    unsigned char buffer[65536];
    ssize_t got;

    while ((got = read(in, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SRV_FAIL(err, FSN_IO, "cannot read %s: %s", from, strerror(errno));
        srv_digest_add(digest, buffer, (size_t)got);
        *size_bytes += got;
        if (!srv_write_all(out, buffer, (size_t)got))
            return SRV_FAIL(err, FSN_IO, "cannot write %s: %s", to, strerror(errno));
    }
    if (fsync(out) != 0)
        return SRV_FAIL(err, FSN_IO, "cannot sync %s: %s", to, strerror(errno));
    return FSN_OK;
}

enum fsn_status srv_copy_file(const char *from, const char *to, char sha256[SRV_SHA256_SIZE],
                              int64_t *size_bytes, bool *found, struct fsn_error *err)
{
    enum fsn_status status;
    struct srv_digest digest;
    int in = open(from, O_RDONLY | O_CLOEXEC), out;

    *found = in >= 0 || errno != ENOENT;
    if (in < 0)
        return *found ? SRV_FAIL(err, FSN_IO, "cannot open %s: %s", from, strerror(errno)) : FSN_OK;
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (out < 0) {
        status = SRV_FAIL(err, FSN_IO, "cannot make %s: %s", to, strerror(errno));
        close(in);
        return status;
    }
    *size_bytes = 0;
    srv_digest_begin(&digest);
    status = copy_bytes(in, from, out, to, &digest, size_bytes, err);
    srv_digest_end(&digest, sha256);
    close(in);
    if (close(out) != 0 && status == FSN_OK)
        status = SRV_FAIL(err, FSN_IO, "cannot write %s: %s", to, strerror(errno));
    if (status != FSN_OK)
        unlink(to);
    return status;
}
