/* checkpoint.c - one file holds all that a training run needs to go on as if never stopped.
 *
 * Layout, in the byte order of the machine (another one's file has another magic and is ignored):
 *
 *   header    magic, engine version, key of the run, rows, bytes of state
 *   rows      the training curve so far, one row an epoch
 *   state     parameters, statistics and momentum, as the caller lists them
 *   checksum  64-bit FNV-1a of everything before it
 *
 * The file is written whole to a temporary name and renamed, so a crash leaves the previous one. It
 * is checked whole before a byte of it is taken over. The engine's version is part of it because
 * another version's kernels may round differently, and then going on would not give the bytes of an
 * undisturbed run: such a file counts as no checkpoint.
 */
#include "train/checkpoint.h"
#include "core/file.h"
#include "core/mem.h"
#include "train/digest.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t MAGIC = UINT64_C(0x3354504b434e5346); /* the bytes "FSNCKPT3" */
static const size_t MAX_BYTES = (size_t)64 << 30;

struct header {
    uint64_t magic;
    char version[16];
    uint64_t key;
    uint64_t rows;
    uint64_t state_bytes;
};

struct row {
    int64_t epoch;
    double lr, train_loss, train_top1, teacher_top1, held_top1, held_loss, seconds;
    double images_per_second, matched;
};

_Static_assert(sizeof(struct header) == 48 && sizeof(struct row) == 80,
               "what is written has no padding");

static struct header make_header(uint64_t key, uint64_t rows, uint64_t state_bytes)
{
    struct header header = {.magic = MAGIC, .key = key, .rows = rows, .state_bytes = state_bytes};

    strncpy(header.version, FSN_VERSION, sizeof header.version - 1);
    return header;
}

/* Bytes of a whole file; false when they cannot be counted. */
static bool file_bytes(const struct header *header, size_t *size)
{
    size_t rows;

    return fsn__mul_size(header->rows, sizeof(struct row), &rows) &&
           fsn__add_size(rows, sizeof *header + sizeof(uint64_t), size) &&
           fsn__add_size(*size, header->state_bytes, size) && *size <= MAX_BYTES;
}

static uint64_t sum_spans(const struct fsn__span *spans, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += spans[i].size;
    return sum;
}

static unsigned char *put(unsigned char *at, const void *data, size_t size)
{
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

enum fsn_status fsn__checkpoint_write(const char *path, uint64_t key,
                                      const struct fsn__curve *curve, const struct fsn__span *spans,
                                      size_t count, struct fsn_error *err)
{
    struct header header = make_header(key, (uint64_t)curve->count, sum_spans(spans, count));
    enum fsn_status status;
    unsigned char *bytes, *at;
    uint64_t checksum;
    size_t size;

    if (!file_bytes(&header, &size))
        return FSN__FAIL(err, FSN_LIMIT,
                         "%s: the state of the run is larger than a checkpoint may be", path);
    bytes = malloc(size);
    if (!bytes)
        return FSN__NOMEM(err);
    at = put(bytes, &header, sizeof header);
    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *epoch = &curve->rows[i];
        struct row row = {epoch->epoch,      epoch->lr,           epoch->train_loss,
                          epoch->train_top1, epoch->teacher_top1, epoch->held_top1,
                          epoch->held_loss,  epoch->seconds,      epoch->images_per_second,
                          epoch->matched};

        at = put(at, &row, sizeof row);
    }
    for (size_t i = 0; i < count; i++)
        at = put(at, spans[i].data, spans[i].size);
    checksum = fsn__digest(FSN__DIGEST_START, bytes, (size_t)(at - bytes));
    put(at, &checksum, sizeof checksum);
    status = fsn__file_write(path, bytes, size, err);
    free(bytes);
    return status;
}

/* Whole, of this format and this engine version. */
static bool is_sound(const unsigned char *bytes, size_t size, struct header *header)
{
    struct header expected;
    uint64_t checksum;
    size_t want;

    if (size < sizeof *header + sizeof checksum)
        return false;
    memcpy(header, bytes, sizeof *header);
    expected = make_header(header->key, header->rows, header->state_bytes);
    if (memcmp(header, &expected, sizeof expected) != 0 || !file_bytes(header, &want) ||
        size != want)
        return false;
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    return checksum == fsn__digest(FSN__DIGEST_START, bytes, size - sizeof checksum);
}

static void take_rows(const unsigned char *at, int count, struct fsn__curve *curve)
{
    for (int i = 0; i < count; i++) {
        struct row row;

        memcpy(&row, at + (size_t)i * sizeof row, sizeof row);
        curve->rows[i] = (struct fsn_epoch){.epoch = (int)row.epoch,
                                            .lr = row.lr,
                                            .train_loss = row.train_loss,
                                            .train_top1 = row.train_top1,
                                            .teacher_top1 = row.teacher_top1,
                                            .held_top1 = row.held_top1,
                                            .held_loss = row.held_loss,
                                            .seconds = row.seconds,
                                            .images_per_second = row.images_per_second,
                                            .matched = row.matched};
    }
    curve->count = count;
}

enum fsn_status fsn__checkpoint_read(const char *path, uint64_t key, struct fsn__curve *curve,
                                     int max_rows, const struct fsn__span *spans, size_t count,
                                     bool *taken, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    unsigned char *bytes = NULL, *at;
    struct header header;
    size_t size = 0;

    *taken = false;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return FSN_OK;
    status = fsn__file_read(path, MAX_BYTES, &bytes, &size, err);
    if (status != FSN_OK)
        goto out;
    if (!is_sound(bytes, size, &header))
        goto out;
    if (header.key != key || header.rows > (uint64_t)max_rows ||
        header.state_bytes != sum_spans(spans, count)) {
        status = FSN__FAIL(err, FSN_INVALID,
                           "%s: this checkpoint belongs to another run (other settings, network, "
                           "data or number of threads); remove it to start over",
                           path);
        goto out;
    }
    at = bytes + sizeof header;
    take_rows(at, (int)header.rows, curve);
    at += header.rows * sizeof(struct row);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].size > 0)
            memcpy(spans[i].data, at, spans[i].size);
        at += spans[i].size;
    }
    *taken = true;
out:
    free(bytes);
    return status;
}
