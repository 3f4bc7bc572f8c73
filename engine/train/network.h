/* network.h - a network of whatever task a job has, ready to run: what of its outputs the task
 * looks at, and how far apart two networks' are.
 *
 * Training and evaluation know their task (classifier.h, detector.h). What compares networks with
 * each other, layer by layer or file by file, need not: it goes by this. */
#ifndef FSN_TRAIN_NETWORK_H
#define FSN_TRAIN_NETWORK_H

#include "train/classifier.h"
#include "train/detector.h"
#include "train/followed.h"
#include "train/task.h"

enum { FSN__NETWORK_OUTPUTS = FSN_MAX_DISTILL_OUTPUTS };

struct fsn__network {
    enum fsn__task task;
    int64_t batch;
    float *images; /* [batch][C][H][W], filled before a forward pass */
    size_t image_bytes;
    int count; /* outputs */
    /* Read after it: [batch] of so many floats. Logits; or locations and confidences; or outputs
     * that are distilled. */
    const float *output[FSN__NETWORK_OUTPUTS];
    int64_t floats[FSN__NETWORK_OUTPUTS];
    int64_t classes;          /* scores of one softmax: of an image, or of a default box */
    struct fsn__graph *graph; /* what runs: an alias of the caller's graph (train/view.h) */
    struct fsn__classifier classifier; /* the one that runs: of the task */
    struct fsn__detector detector;
    struct fsn__followed followed;
};

/* Makes the network of the task; errors, and what options mean, as in fsn__classifier_create,
 * fsn__detector_create and fsn__followed_create. Zero-initialise *out; fsn__network_clear frees.
 */
FSN_NODISCARD enum fsn_status fsn__network_create(struct fsn__graph *graph, const char *who,
                                                  const struct fsn_dataset *data,
                                                  const struct fsn_spec *spec,
                                                  const struct fsn__exec_options *options,
                                                  struct fsn__network *out, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__network_forward(struct fsn__network *network, uint64_t step,
                                                   struct fsn_error *err);
void fsn__network_clear(struct fsn__network *network);

/* How far the outputs of a batch are from those of a reference, as training measures it; a mean
 * over the images, >= 0 but for rounding. Of classifiers: KL(reference || network) of the classes.
 *
 * Of detectors, summed over the default boxes: KL of what is in each, and the smooth L1 distance of
 * its offsets as far as the reference sees something there, 1 - p(background).
 *
 * Of networks that are distilled: the mean of the outputs by their weights, each by its own measure
 * over the reference's spread in the batch (output_loss.h); NaN when out of memory.
 *
 * reference[i]: [batch][floats[i]], as `output`. */
double fsn__network_divergence(const struct fsn__network *network,
                               const float *const reference[FSN__NETWORK_OUTPUTS]);

/* Of classifiers, how many images of a batch have their largest logit at the label; else -1. */
int64_t fsn__network_hits(const struct fsn__network *network, const int32_t *labels);

#endif
