/* source_image.h - an image of a data set, of the size from which the network's input is cropped.
 */
#ifndef FSN_DATA_SOURCE_IMAGE_H
#define FSN_DATA_SOURCE_IMAGE_H

#include "data/dataset.h"

struct fsn__source_image {
    const uint8_t *planes; /* [channels][height][width] */
    int height, width;
    uint8_t *owned; /* free() when done with planes; NULL when they are borrowed */
};

/* The transform with the data set's own size where it names none. */
struct fsn__transform fsn__complete_transform(const struct fsn__transform *transform,
                                              const struct fsn_dataset *dataset);
/* Size to which an image is resized before it is cropped. */
void fsn__resized_size(const struct fsn__transform *transform, int width, int height,
                       int *out_width, int *out_height);
/* Before images are prepared in this way; not while others are. */
void fsn__source_begin(const struct fsn_dataset *dataset, const struct fsn__transform *transform);
/* Image i of a split, under a completed transform. keep: for the cache. */
FSN_NODISCARD enum fsn_status fsn__source_get(const struct fsn_dataset *dataset,
                                              enum fsn_split split, int64_t i,
                                              const struct fsn__transform *transform, bool keep,
                                              struct fsn__source_image *out, struct fsn_error *err);
/* An encoded file that is in no data set, under a transform that names the network's size. */
FSN_NODISCARD enum fsn_status fsn__source_decode(const struct fsn__image_file *file,
                                                 const struct fsn__transform *transform,
                                                 struct fsn__source_image *out,
                                                 struct fsn_error *err);

#endif
