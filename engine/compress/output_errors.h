/* output_errors.h - what of each layer's output compression has changed. */
#ifndef FSN_COMPRESS_OUTPUT_ERRORS_H
#define FSN_COMPRESS_OUTPUT_ERRORS_H

#include "train/train.h"

/* Sums over pairs of what two networks write into one channel: x the one, y the reference. */
struct fsn__channel_sums {
    double n, x, y, xx, yy, xy;
};
void fsn__channel_sums_add(struct fsn__channel_sums *sums, const float *x, const float *y,
                           int64_t n);
/* The relative error of a layer, 0 to 1, after the best scale and shift of each channel
 * (output_errors.c has the formula). NaN where the reference is constant, or a sum not finite. */
double fsn__output_error(const struct fsn__channel_sums *channels, int64_t count);

/* How the two networks of a measurement run. */
struct fsn__output_probe {
    const struct fsn__graph *reference, *network;
    /* Batch norm of both uses the statistics of each batch; the running ones change. */
    bool batch_statistics;
    enum fsn_stage stage; /* that progress is told */
    double fraction;      /* of the whole job, told with it */
};

/* error[layer_count]: of what each row's convolution writes in `network`, by the same convolution
 * of `reference`, over the same test images, at most FSN__OUTPUT_IMAGES and fewer where that would
 * take minutes. NaN for a convolution that is not in both. Of the job, data, spec, pool and the
 * progress callback are heeded. Deterministic for a seed and a number of slices. Errors: CANCELLED,
 * and what running networks raises. */
enum { FSN__OUTPUT_IMAGES = 256 };
FSN_NODISCARD enum fsn_status fsn__measure_outputs(const struct fsn__train_job *job,
                                                   const struct fsn_plan *plan,
                                                   const struct fsn__output_probe *probe,
                                                   double *error, struct fsn_error *err);

#endif
