/* dataset.h - labelled images, and what turns them into batches.
 *
 * Images are of one of two kinds. Small sets of one size (CIFAR, IDX, NPZ) lie in memory as pixels.
 * Photographs stay encoded (image_store.h), have any size, and are decoded and brought to the
 * network's size when a batch needs them. */
#ifndef FSN_DATA_DATASET_H
#define FSN_DATA_DATASET_H

#include "core/error.h"
#include "core/pool.h"
#include "data/boxes.h"
#include "data/image_store.h"
#include "data/pixel_cache.h"

struct fsn__images {
    int64_t count;
    uint8_t *pixels;    /* [count][channels][height][width]; NULL when the images are files */
    int64_t *file;      /* [count]: places in the data set's store; NULL when they are pixels */
    int32_t *labels;    /* [count], 0 <= label < classes; 0 where there are no classes */
    int64_t *per_class; /* [classes] images; objects; pixels of a segmentation set */
    /* Of a detection set, else NULL: the objects of image i are objects[first_object[i] ..
     * first_object[i + 1]), those of all images one after the other. */
    struct fsn__object *objects;
    int64_t *first_object; /* [count + 1] */
    int64_t *mask;         /* [count]: of a segmentation set, places in the store; else NULL */
};

struct fsn_dataset {
    const char *format;                         /* static: "cifar10", "idx" */
    int channels, height, width;                /* height, width: 0 when the images are files */
    int classes;                                /* 0: images without labels (images.c) */
    struct fsn_range height_range, width_range; /* of all images */
    struct fsn__images split[FSN_SPLIT_COUNT];
    char **class_names;    /* [classes] or NULL */
    bool split_made;       /* the test split was taken from the train images (split.h) */
    int64_t unused_images; /* of a third split, or in no class */
    bool detection;        /* images have boxes; their labels are all 0 */
    struct fsn_object_counts objects[FSN_SPLIT_COUNT]; /* of a detection set */
    struct fsn_bad_boxes bad_boxes;                    /* of a detection set */
    int first_pixel;        /* of a Pascal VOC set: the number that boxes give it, 0 or 1 */
    char *first_pixel_file; /* the annotation with a side below 1, which says 0; or NULL */
    bool segmentation;      /* images have masks; their labels are all 0 */
    struct fsn_pixel_counts pixels[FSN_SPLIT_COUNT]; /* of a segmentation set */
    struct fsn__image_store *store;                  /* of images that are files, else NULL */
    struct fsn__pixel_cache *cache; /* by place in the store; NULL without a store */
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
    int channels, height, width;      /* of the network's input; 0: the data set's */
    int crop_padding; /* pad each side with pixels of value 0 *before* normalisation, as PyTorch's
                         RandomCrop on images does (so padding becomes (0 - mean) / std), and crop
                         to the network's size at a place uniform among all; 0: crop the centre */
    bool flip;        /* mirror left-right with probability 1/2, after the crop */
    bool cutout;      /* set a square to 0 (after normalisation), its centre uniform in the image */
    int cutout_size;  /* side of the square; 0: half of the shorter side */
    uint64_t seed;    /* stream (seed, FSN__RNG_AUGMENT, epoch, image index) */
};

/* order[count] = the images of a split in this epoch's order: a Fisher-Yates shuffle from stream
 * (seed, FSN__RNG_SHUFFLE, epoch, 0). */
void fsn__shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t epoch);

/* Fills x[n][C][H][W] and labels[n] with images index[0..n) of a split. augment false: crop the
 * centre and normalise. Work is split over the pool; the result does not depend on the thread
 * count, and an image's augmentation not on what else is in the batch. Only images that are files
 * can fail: FORMAT (names the file), LIMIT, IO, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__load_batch(const struct fsn_dataset *dataset,
                                              enum fsn_split split, const int64_t *index, int64_t n,
                                              const struct fsn__transform *transform, bool augment,
                                              uint64_t epoch, struct fsn__pool *pool, float *x,
                                              int32_t *labels, struct fsn_error *err);
/* The same of a segmentation set, and masks[n][H][W], the class of each pixel of x: FSN_MASK_VOID
 * where the mask has none, and beyond the image. The transform names the network's size. */
FSN_NODISCARD enum fsn_status
fsn__load_mask_batch(const struct fsn_dataset *dataset, enum fsn_split split, const int64_t *index,
                     int64_t n, const struct fsn__transform *transform, bool augment,
                     uint64_t epoch, struct fsn__pool *pool, float *x, uint8_t *masks,
                     struct fsn_error *err);
/* Fills x[C][H][W] from one encoded file, just as from such an image of a data set without
 * augmentation; the transform names the network's size. resized_height, resized_width: what the
 * centre was cut out of. Errors: FORMAT, UNSUPPORTED, LIMIT (all name the file), NOMEM. */
FSN_NODISCARD enum fsn_status fsn__load_file(const struct fsn__image_file *file,
                                             const struct fsn__transform *transform, float *x,
                                             int *resized_width, int *resized_height,
                                             struct fsn_error *err);

/* Mixes image i with image n - 1 - i of a batch x[n][size], in place:
 * x[i] = mix x[i] + (1 - mix) x[n-1-i], both of a pair from what they were. */
void fsn__mix_batch(float *x, int64_t n, int64_t size, double mix, struct fsn__pool *pool);
/* mix of a step: drawn from Beta(alpha, alpha), stream (seed, FSN__RNG_MIXUP, epoch, step). */
double fsn__draw_mix(double alpha, uint64_t seed, uint64_t epoch, uint64_t step);

#endif
