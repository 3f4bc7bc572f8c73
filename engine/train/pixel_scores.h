/* pixel_scores.h - scores of every pixel's classes on plain arrays: the loss by which they are
 * learned, and what they say. Scores of an image are [K][h][w], a mask is [H][W]. */
#ifndef FSN_TRAIN_PIXEL_SCORES_H
#define FSN_TRAIN_PIXEL_SCORES_H

#include "core/pool.h"

struct fsn__pixel_shape {
    int64_t classes, height, width;  /* K, h, w of scores */
    int64_t mask_height, mask_width; /* H, W */
};

/* Cross-entropy, a mean over the pixels of a batch that have a class below K, and its gradient in
 * dscores (NULL: not asked); 0 where none has. A score of another size than the mask is for the
 * mask's pixel at its middle. *pixels (may be NULL): how many there are. sums: [images], scratch.
 * Depends on neither threads nor slices. */
double fsn__pixel_loss(const struct fsn__pixel_shape *shape, const float *scores,
                       const uint8_t *masks, int64_t images, float *dscores, int64_t *pixels,
                       double *sums, struct fsn__pool *pool);

/* choice[H][W]: the class of the largest score (the lowest of equals) at each pixel of the mask,
 * the scores of another size being brought to that bilinearly, as PyTorch's interpolate has it
 * (align_corners false); -1 where a score is not a number. best: [W], scratch. */
void fsn__pixel_choose(const struct fsn__pixel_shape *shape, const float *scores, float *best,
                       int32_t *choice);

/* Of each class, pixels that are of it, that are said to be, and both. */
struct fsn__pixel_tally {
    int64_t *truth, *said, *both; /* [K] */
};
/* Adds an image; pixels without a class do not count. */
void fsn__pixel_tally_add(const struct fsn__pixel_shape *shape, const uint8_t *mask,
                          const int32_t *choice, struct fsn__pixel_tally *tally, int64_t *none);

#endif
