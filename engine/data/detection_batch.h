/* detection_batch.h - batches of images with their objects. */
#ifndef FSN_DATA_DETECTION_BATCH_H
#define FSN_DATA_DETECTION_BATCH_H

#include "data/dataset.h"

/* The objects of a batch: those of image i are objects[first[i] .. first[i + 1]), boxes being
 * fractions of what the network sees. Zero-initialise; room is kept from batch to batch. */
struct fsn__object_batch {
    int64_t *first; /* [n + 1] */
    struct fsn__object *objects;
    int64_t image_capacity, object_capacity, slice_capacity;
    /* While a batch is loaded: */
    int64_t *counts;          /* [n] objects of each image */
    struct fsn_error *errors; /* [slices] */
};

/* Makes room for any n images of a split, so that loading them allocates nothing but what decoding
 * takes. Errors: LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__object_batch_reserve(struct fsn__object_batch *objects,
                                                        const struct fsn_dataset *dataset,
                                                        enum fsn_split split, int64_t n,
                                                        struct fsn__pool *pool,
                                                        struct fsn_error *err);

/* Fills x[n][C][H][W] and the objects with images index[0..n) of a split of a detection set. An
 * image is brought to the network's size without keeping its aspect, as SSD does, and normalised;
 * the transform names the size and has preprocess and seed, its other fields are not looked at.
 * augment: the augmentations of augment_boxes.h, drawn from stream (seed, FSN__RNG_AUGMENT, epoch,
 * image index). Work is split over the pool; neither the thread count nor the rest of the batch
 * changes an image. Errors: FORMAT (names the file), LIMIT, IO, NOMEM. */
FSN_NODISCARD enum fsn_status
fsn__load_detection_batch(const struct fsn_dataset *dataset, enum fsn_split split,
                          const int64_t *index, int64_t n, const struct fsn__transform *transform,
                          bool augment, uint64_t epoch, struct fsn__pool *pool, float *x,
                          struct fsn__object_batch *objects, struct fsn_error *err);
void fsn__object_batch_clear(struct fsn__object_batch *objects);

#endif
