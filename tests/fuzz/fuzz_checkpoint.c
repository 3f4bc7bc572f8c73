/* fuzz_checkpoint.c - any bytes as a checkpoint: never a crash, and nothing is touched unless the
 * whole file is taken.
 *
 * Nearly every file fails at its magic number, version or checksum, so one that begins with '!'
 * gets those of this engine. */
#include "fuzz_main.h"
#include "temp_dir.h"
#include "train/checkpoint.h"
#include "train/digest.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 3, VALUES = 4, HEAD = 24 /* magic and version: checkpoint.c */ };

/* A file without a name in any folder; the path stands for it while it is open. */
static int make_file(const uint8_t *data, size_t size, uint64_t digest, char *path, size_t room)
{
    const int fd = memfd_create("checkpoint", 0);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
        write(fd, &digest, sizeof digest) != (ssize_t)sizeof digest)
        abort();
    snprintf(path, room, "/proc/self/fd/%d", fd);
    return fd;
}

/* What every checkpoint of this engine begins with. */
static const unsigned char *head(void)
{
    static unsigned char bytes[HEAD];
    const struct fsn__curve empty = {.count = 0};
    struct fsn_error err = {0};
    struct temp_dir dir;
    unsigned char *file;
    size_t size;

    if (bytes[0])
        return bytes;
    temp_dir_create(&dir);
    if (fsn__checkpoint_write(temp_dir_path(&dir, "c"), 1, &empty, NULL, 0, &err) != FSN_OK ||
        fsn__file_read(temp_dir_path(&dir, "c"), SIZE_MAX, &file, &size, &err) != FSN_OK ||
        size < HEAD)
        abort();
    memcpy(bytes, file, HEAD);
    free(file);
    temp_dir_remove(&dir);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn_epoch rows[ROWS] = {{0}};
    struct fsn__curve curve = {.count = 0, .rows = rows};
    float values[VALUES] = {7, 7, 7, 7};
    const struct fsn__span span = {values, sizeof values};
    struct fsn_error err = {0};
    uint8_t *bytes = malloc(size + 1);
    uint64_t digest = 0;
    bool taken = false;
    char path[64];
    int fd;

    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (size > HEAD && data[0] == '!') {
        memcpy(bytes, data + 1, --size);
        memcpy(bytes, head(), HEAD);
        digest = fsn__digest(FSN__DIGEST_START, bytes, size);
    }
    fd = make_file(bytes, size, digest, path, sizeof path);
    free(bytes);
    if (fsn__checkpoint_read(path, 1, &curve, ROWS, &span, 1, &taken, &err) != FSN_OK &&
        (err.status == FSN_OK || taken))
        abort();
    if (curve.count < 0 || curve.count > ROWS)
        abort();
    for (int i = 0; i < VALUES && !taken; i++)
        if (values[i] != 7 || curve.count != 0)
            abort();
    close(fd);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/checkpoint");
