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

/* fsn_dataset_open for an archive that lies in memory. */
FSN_NODISCARD enum fsn_status fsn__dataset_open_memory(const void *bytes, size_t size,
                                                       const char *format,
                                                       const struct fsn_data_limits *limits,
                                                       struct fsn_dataset **out,
                                                       struct fsn_error *err);

/* How pixels become the network's input. */
struct fsn__transform {
    struct fsn_preprocess preprocess; /* channels: the data set's, or 0 for mean 0, std 1 */
    int crop_padding; /* pad each side with pixels of value 0 *before* normalisation, as PyTorch's
                         RandomCrop on images does (so padding becomes (0 - mean) / std), and crop
                         back to size at an offset uniform in 0..2 crop_padding each way; 0: off */
    bool flip;        /* mirror left-right with probability 1/2, after the crop */
    uint64_t seed;    /* stream (seed, FSN__RNG_AUGMENT, epoch, image index) */
};

/* order[count] = the images of a split in this epoch's order: a Fisher-Yates shuffle from stream
 * (seed, FSN__RNG_SHUFFLE, epoch, 0). */
void fsn__shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t epoch);

/* Fills x[n][C][H][W] and labels[n] with images index[0..n) of a split. augment false: only
 * normalise. Work is split over the pool; the result does not depend on the thread count, and an
 * image's augmentation not on what else is in the batch. */
void fsn__load_batch(const struct fsn_dataset *dataset, enum fsn_split split, const int64_t *index,
                     int64_t n, const struct fsn__transform *transform, bool augment,
                     uint64_t epoch, struct fsn__pool *pool, float *x, int32_t *labels);

#endif
