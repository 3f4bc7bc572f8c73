/*
 * image_store.c - encoded images in one temporary file.
 *
 * A set of photographs may be larger than memory, so what the archive held goes, file behind file,
 * into a temporary file without a name: it is gone with the process, however that ends, and the
 * system keeps in memory what of it is in use.
 */
#include "data/image_store.h"
#include "core/mem.h"
#include "core/temporary.h"
#include "data/entry_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

struct fsn__image_store *fsn__image_store_create(void)
{
    struct fsn__image_store *store = calloc(1, sizeof *store);

    if (store)
        store->fd = -1;
    return store;
}

void fsn__image_store_destroy(struct fsn__image_store *store)
{
    if (!store)
        return;
    for (int64_t i = 0; i < store->count; i++)
        free(store->images[i].name);
    free(store->images);
    if (store->fd >= 0)
        close(store->fd);
    free(store);
}

static enum fsn_status append(struct fsn__image_store *store, const void *bytes, size_t size,
                              struct fsn_error *err)
{
    const unsigned char *at = bytes;

    while (size > 0) {
        ssize_t wrote = pwrite(store->fd, at, size, store->bytes);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return FSN__FAIL(err, wrote < 0 ? fsn_status_of_errno(errno) : FSN_FULL,
                             "writing the data set's temporary file: %s",
                             wrote < 0 ? strerror(errno) : "no room");
        at += wrote;
        size -= (size_t)wrote;
        store->bytes += wrote;
    }
    return FSN_OK;
}

static bool make_room(struct fsn__image_store *store)
{
    size_t more = store->capacity ? 2 * (size_t)store->capacity : 64;
    struct fsn__stored_image *images;

    if (store->count < store->capacity)
        return true;
    images = reallocarray(store->images, more, sizeof *images);
    if (!images)
        return false;
    store->images = images;
    store->capacity = (int64_t)more;
    return true;
}

enum fsn_status fsn__image_store_add(struct fsn__image_store *store, const char *name,
                                     const void *bytes, size_t size, struct fsn_error *err)
{
    char shown[256];
    const struct fsn__image_file file = {shown, bytes, size};
    struct fsn__stored_image image = {.offset = store->bytes, .size = size};
    enum fsn_status status;

    fsn__name_printable(shown, sizeof shown, name);
    status = fsn__image_probe(&file, &image.info, err);
    if (status == FSN_OK && store->fd < 0)
        status = fsn__temporary_file(&store->fd, err);
    if (status == FSN_OK)
        status = append(store, bytes, size, err);
    if (status != FSN_OK)
        return status;
    image.crc = (uint32_t)crc32_z(0, bytes, size);
    image.name = strdup(name);
    if (!image.name || !make_room(store)) {
        free(image.name);
        return FSN__NOMEM(err);
    }
    store->images[store->count++] = image;
    return FSN_OK;
}

static enum fsn_status read_file(const struct fsn__image_store *store,
                                 const struct fsn__stored_image *image, unsigned char *bytes,
                                 struct fsn_error *err)
{
    size_t done = 0;

    while (done < image->size) {
        ssize_t got =
            pread(store->fd, bytes + done, image->size - done, image->offset + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FSN__FAIL(err, FSN_IO, "reading the data set's temporary file: %s",
                             got < 0 ? strerror(errno) : "it is cut short");
        done += (size_t)got;
    }
    return FSN_OK;
}

/* Takes the image's name. */
static enum fsn_status append_image(struct fsn__image_store *store,
                                    const struct fsn__image_store *from,
                                    struct fsn__stored_image *image, struct fsn_error *err)
{
    struct fsn__stored_image moved = *image;
    unsigned char *bytes = malloc(image->size);
    enum fsn_status status = bytes && make_room(store) ? FSN_OK : FSN__NOMEM(err);

    moved.offset = store->bytes;
    if (status == FSN_OK)
        status = read_file(from, image, bytes, err);
    if (status == FSN_OK)
        status = append(store, bytes, image->size, err);
    if (status == FSN_OK) {
        store->images[store->count++] = moved;
        image->name = NULL;
    }
    free(bytes);
    return status;
}

enum fsn_status fsn__image_store_append(struct fsn__image_store *store,
                                        struct fsn__image_store *from, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    if (store->fd < 0) { /* an empty one: nothing is to be copied */
        const struct fsn__image_store empty = *store;

        *store = *from;
        *from = empty;
        return FSN_OK;
    }
    for (int64_t i = 0; status == FSN_OK && i < from->count; i++)
        status = append_image(store, from, &from->images[i], err);
    for (int64_t i = 0; i < from->count; i++)
        free(from->images[i].name);
    from->count = 0;
    return status;
}

typedef enum fsn_status decode_fn(const struct fsn__image_file *file, int channels,
                                  struct fsn__image *out, struct fsn_error *err);

static enum fsn_status decode_by(decode_fn *decode, const struct fsn__image_store *store, int64_t i,
                                 int channels, struct fsn__image *out, struct fsn_error *err)
{
    const struct fsn__stored_image *image = &store->images[i];
    unsigned char *bytes = malloc(image->size);
    struct fsn__image_file file = {.bytes = bytes, .size = image->size};
    enum fsn_status status;
    char shown[256];

    if (!bytes)
        return FSN__NOMEM(err);
    fsn__name_printable(shown, sizeof shown, image->name);
    file.name = shown;
    status = read_file(store, image, bytes, err);
    if (status == FSN_OK)
        status = decode(&file, channels, out, err);
    free(bytes);
    return status;
}

enum fsn_status fsn__image_store_decode(const struct fsn__image_store *store, int64_t i,
                                        int channels, struct fsn__image *out, struct fsn_error *err)
{
    return decode_by(fsn__image_decode, store, i, channels, out, err);
}

static enum fsn_status decode_mask(const struct fsn__image_file *file, int channels,
                                   struct fsn__image *out, struct fsn_error *err)
{
    (void)channels;
    return fsn__mask_decode(file, out, err);
}

enum fsn_status fsn__image_store_decode_mask(const struct fsn__image_store *store, int64_t i,
                                             struct fsn__image *out, struct fsn_error *err)
{
    return decode_by(decode_mask, store, i, 1, out, err);
}
