/* mask.h - the classes of an image's pixels, where the network sees them. */
#ifndef FSN_DATA_MASK_H
#define FSN_DATA_MASK_H

#include "data/source_image.h"

/* Where the corner of what the network sees lies in the resized image, and whether it is mirrored
 * (batch.c). */
struct fsn__mask_view {
    int64_t top, left;
    bool flip;
};

/* out[H][W] = the mask of image i of a split of a segmentation set, resized as `source` has been,
 * to the nearest pixel, and seen as `view` says under a completed transform; FSN_MASK_VOID beyond
 * the image. keep: for the cache. Errors: those of decoding. */
FSN_NODISCARD enum fsn_status
fsn__mask_load(const struct fsn_dataset *dataset, enum fsn_split split, int64_t i,
               const struct fsn__transform *transform, const struct fsn__source_image *source,
               struct fsn__mask_view view, bool keep, uint8_t *out, struct fsn_error *err);

/* Pixels of each value in some masks. */
struct fsn__mask_counts {
    int64_t pixels[256];
};
/* Counts the masks that lie in `files` of a store, each in counts[group[i]], on all cores. A value
 * of `limit` or more, FSN_MASK_VOID apart, is FORMAT; declared: what has set the limit, for the
 * message ("names.txt"). Errors: those of decoding too. */
FSN_NODISCARD enum fsn_status fsn__mask_count(const struct fsn__image_store *store,
                                              const int64_t *files, const int *group, int64_t n,
                                              int limit, const char *declared,
                                              struct fsn__mask_counts counts[FSN_SPLIT_COUNT],
                                              struct fsn_error *err);

#endif
