/*
 * logit_store.c - see logit_store.h.
 *
 * Batches and what augmentation does to them depend on (seed, epoch, index) alone, so every file
 * that a job makes of one baseline sees the same images in the same steps, and the teacher says the
 * same of them: its forward pass, a fifth of a step's work, is needed once.
 *
 * The file is an array of records, one a step of the run: a digest of key, step and bytes, then the
 * logits, float32 as they were computed. A record that is not whole (never written, torn by a
 * crash, of another run) does not match its digest and is computed anew; so nothing is synced, and
 * no order is kept.
 */
#include "train/logit_store.h"

#include "core/mem.h"
#include "train/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ResNet-20's sixty epochs on CIFAR-10 have 120 MB; where there are a thousand classes and a
 * million images, computing is the cheaper way. */
static const size_t MAX_BYTES = (size_t)4 << 30;

struct fsn__logit_store {
    int fd;
    uint64_t key;
    int64_t steps;
    size_t logit_bytes;  /* of a step */
    size_t record_bytes; /* with the digest */
    unsigned char *record;
    bool full; /* the disk: nothing more is written */
};

static bool sizes(int64_t steps, int64_t numbers, struct fsn__logit_store *store)
{
    size_t all;

    store->steps = steps;
    return fsn__mul_size((size_t)numbers, sizeof(float), &store->logit_bytes) &&
           fsn__add_size(store->logit_bytes, sizeof(uint64_t), &store->record_bytes) &&
           fsn__mul_size(store->record_bytes, (size_t)steps, &all) && all <= MAX_BYTES;
}

enum fsn_status fsn__logit_store_open(const char *path, uint64_t key, int64_t steps,
                                      int64_t numbers, struct fsn__logit_store **out,
                                      struct fsn_error *err)
{
    struct fsn__logit_store *store = calloc(1, sizeof *store);

    if (!store)
        return FSN__NOMEM(err);
    if (!sizes(steps, numbers, store)) {
        free(store);
        *out = NULL;
        return FSN_OK;
    }
    store->key = key;
    store->record = malloc(store->record_bytes);
    store->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (!store->record || store->fd < 0) {
        const enum fsn_status status = store->record
                                           ? FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno))
                                           : FSN__NOMEM(err);

        fsn__logit_store_close(store);
        return status;
    }
    *out = store;
    return FSN_OK;
}

void fsn__logit_store_close(struct fsn__logit_store *store)
{
    if (!store)
        return;
    if (store->fd >= 0)
        close(store->fd);
    free(store->record);
    free(store);
}

static uint64_t digest_of(const struct fsn__logit_store *store, int64_t step)
{
    uint64_t digest = fsn__digest(FSN__DIGEST_START, &store->key, sizeof store->key);

    digest = fsn__digest(digest, &store->logit_bytes, sizeof store->logit_bytes);
    digest = fsn__digest(digest, &step, sizeof step);
    return fsn__digest(digest, store->record + sizeof digest, store->logit_bytes);
}

static off_t place_of(const struct fsn__logit_store *store, int64_t step)
{
    return (off_t)((size_t)step * store->record_bytes);
}

bool fsn__logit_store_get(const struct fsn__logit_store *store, int64_t step, float *logits)
{
    uint64_t digest;

    if (step < 0 || step >= store->steps ||
        pread(store->fd, store->record, store->record_bytes, place_of(store, step)) !=
            (ssize_t)store->record_bytes)
        return false;
    memcpy(&digest, store->record, sizeof digest);
    if (digest != digest_of(store, step))
        return false;
    memcpy(logits, store->record + sizeof digest, store->logit_bytes);
    return true;
}

void fsn__logit_store_put(struct fsn__logit_store *store, int64_t step, const float *logits)
{
    uint64_t digest;

    if (store->full || step < 0 || step >= store->steps)
        return;
    memcpy(store->record + sizeof digest, logits, store->logit_bytes);
    digest = digest_of(store, step);
    memcpy(store->record, &digest, sizeof digest);
    store->full = pwrite(store->fd, store->record, store->record_bytes, place_of(store, step)) !=
                  (ssize_t)store->record_bytes;
}
