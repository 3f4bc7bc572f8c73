/* dataset.h - labelled images in memory, and what turns them into batches. */
#ifndef FSN_DATA_DATASET_H
#define FSN_DATA_DATASET_H

#include "core/error.h"
#include "core/pool.h"

struct fsn__images {
    int64_t count;
    uint8_t *pixels;    /* [count][channels][height][width] */
    int32_t *labels;    /* [count], 0 <= label < classes */
    int64_t *per_class; /* [classes] */
};

struct fsn_dataset {
    const char *format; /* static: "cifar10", "idx" */
    int channels, height, width, classes;
    struct fsn__images split[FSN_SPLIT_COUNT];
    char **class_names; /* [classes] or NULL */
};

/* How pixels become the network's input. */
struct fsn__transform {
    struct fsn_preprocess preprocess;
    int crop_padding; /* pad each side with the value zero after normalisation's mean pixel (that is
                         pixel value 0), crop back at random; 0: off */
    bool flip;        /* mirror left-right with probability 1/2 */
    uint64_t seed;    /* stream (seed, FSN__RNG_AUGMENT, epoch, image index) */
};

/* order[count] = the images of a split in this epoch's order: a Fisher-Yates shuffle from stream
 * (seed, FSN__RNG_SHUFFLE, epoch, 0). */
void fsn__shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t epoch);

/* Fills x[n][C][H][W] and labels[n] with images index[0..n) of a split. augment false: only
 * normalise. Work is split over the pool; the result does not depend on the thread count. */
void fsn__load_batch(const struct fsn_dataset *dataset, enum fsn_split split, const int64_t *index,
                     int64_t n, const struct fsn__transform *transform, bool augment,
                     uint64_t epoch, struct fsn__pool *pool, float *x, int32_t *labels);

#endif
