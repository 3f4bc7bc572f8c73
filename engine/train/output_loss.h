/* output_loss.h - how far what a network says of images is from what its teacher says.
 *
 * An output of a batch is [images][outer][length][inner]: of each image, outer x inner rows of
 * `length` values, `inner` apart. Rows matter for kl alone, each being one softmax.
 *
 *   mse     D(s, t) = |s - t|^2 / values of an image
 *   cosine  D(s, t) = 1 - s t / (|s| |t|), over all values of an image; 1 where one of them is 0
 *   kl      D(s, t) = T^2 mean over rows of KL(softmax(t / T) || softmax(s / T))
 *
 * and of several images the mean. How much that is depends on the output: on its scale, on how
 * alike the images are. Its measure is the spread, the D of the best that can be said without
 * looking at the image: of the mean of t (mse), of t / |t| (cosine), of softmax(t / T) (kl). D over
 * the spread is 1 for a student that says the same of all images, and 0 for the teacher. */
#ifndef FSN_TRAIN_OUTPUT_LOSS_H
#define FSN_TRAIN_OUTPUT_LOSS_H

#include "core/error.h"
#include "core/pool.h"

/* How an output is compared. */
struct fsn__measure {
    enum fsn_output_loss loss; /* not auto */
    double temperature;        /* T of kl */
    int64_t outer, length, inner;
};

static inline int64_t fsn__measure_values(const struct fsn__measure *measure)
{
    return measure->outer * measure->length * measure->inner;
}

/* D(s, t), and factor times its gradient by s in ds (NULL: not asked). scratch: [images]. Depends
 * on neither threads nor slices. */
double fsn__output_loss(const struct fsn__measure *measure, const float *s, const float *t,
                        int64_t images, double factor, float *ds, double *scratch,
                        struct fsn__pool *pool);

/* The spread of an output, from its values in batches. */
struct fsn__spread {
    double *sum; /* [values], owned */
    double own;  /* of all images: |t|^2, or (kl) sum over rows of sum p log p */
    int64_t images;
};

FSN_NODISCARD enum fsn_status fsn__spread_create(const struct fsn__measure *measure,
                                                 struct fsn__spread *out, struct fsn_error *err);
void fsn__spread_clear(struct fsn__spread *spread);
void fsn__spread_add(struct fsn__spread *spread, const struct fsn__measure *measure, const float *t,
                     int64_t images);
/* 0 where t is the same of all images, or of no more than rounding. */
double fsn__spread_of(const struct fsn__spread *spread, const struct fsn__measure *measure);

#endif
