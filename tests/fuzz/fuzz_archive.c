/* fuzz_archive.c - any bytes as an archive (tar, zip, gzip, xz, bzip2, one plain file): never a
 * crash or a leak, no more unpacked than the limits allow, and no name that leads out of a folder.
 */
#include "data/archive.h"
#include "fuzz_main.h"

#include <string.h>

static const struct fsn_data_limits limits = {
    .max_entries = 64, .max_bytes = 1 << 18, .max_expansion = 1000};

struct seen {
    size_t files, bytes;
};

static bool wants(const char *name, void *user)
{
    (void)user;
    return name[0] != 'x';
}

static enum fsn_status take(const char *name, unsigned char *bytes, size_t size, void *user,
                            struct fsn_error *err)
{
    struct seen *seen = user;
    volatile unsigned char sink = 0;

    (void)err;
    if (!bytes || name[0] == '/' || strncmp(name, "../", 3) == 0 || strstr(name, "/../") ||
        strcmp(name, "..") == 0)
        abort();
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ')
            abort();
    for (size_t i = 0; i < size; i++)
        sink ^= bytes[i];
    (void)sink;
    seen->files++;
    seen->bytes += size;
    free(bytes);
    return FSN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0};
    const struct fsn__entry_sink sink = {wants, take, &seen};
    struct fsn_error err = {0};

    if (fsn__archive_walk_memory(data, size, "data", &limits, &sink, &err) != FSN_OK &&
        (err.status == FSN_OK || err.text[0] == '\0'))
        abort();
    if (seen.files > limits.max_entries || seen.bytes > limits.max_bytes)
        abort();
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/archive");
