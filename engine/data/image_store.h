/* image_store.h - the encoded images of a data set, kept outside memory. */
#ifndef FSN_DATA_IMAGE_STORE_H
#define FSN_DATA_IMAGE_STORE_H

#include "data/image.h"

struct fsn__stored_image {
    char *name; /* in the archive, as it was */
    int64_t offset;
    size_t size;
    uint32_t crc; /* of the encoded bytes (CRC-32) */
    struct fsn__image_info info;
};

/* Zeroed memory with fd -1 is an empty one. Reading is safe from several threads. */
struct fsn__image_store {
    int fd; /* -1 before the first image */
    int64_t bytes, count, capacity;
    struct fsn__stored_image *images; /* [count] */
};

/* new (fsn__image_store_destroy), or NULL when out of memory. */
struct fsn__image_store *fsn__image_store_create(void);
void fsn__image_store_destroy(struct fsn__image_store *store);
/* Checks the header and appends the file; its bytes stay the caller's. Errors: those of
 * fsn__image_probe, IO, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__image_store_add(struct fsn__image_store *store, const char *name,
                                                   const void *bytes, size_t size,
                                                   struct fsn_error *err);
/* Appends the images of another store, which keeps none. Errors: IO, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__image_store_append(struct fsn__image_store *store,
                                                      struct fsn__image_store *from,
                                                      struct fsn_error *err);
/* Decodes image i. */
FSN_NODISCARD enum fsn_status fsn__image_store_decode(const struct fsn__image_store *store,
                                                      int64_t i, int channels,
                                                      struct fsn__image *out,
                                                      struct fsn_error *err);
/* Decodes it as a mask (fsn__mask_decode). */
FSN_NODISCARD enum fsn_status fsn__image_store_decode_mask(const struct fsn__image_store *store,
                                                           int64_t i, struct fsn__image *out,
                                                           struct fsn_error *err);

#endif
