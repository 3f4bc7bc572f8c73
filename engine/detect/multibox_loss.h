/* multibox_loss.h - what a detector is trained with: the loss of SSD, and distillation. */
#ifndef FSN_DETECT_MULTIBOX_LOSS_H
#define FSN_DETECT_MULTIBOX_LOSS_H

#include "core/error.h"
#include "core/pool.h"
#include "data/boxes.h"

struct fsn__multibox_options {
    float threshold;           /* IoU from which on a default box is matched */
    int32_t negatives;         /* hard boxes for each matched one */
    bool difficult;            /* difficult objects are learned too */
    double alpha, temperature; /* the teacher's share of the loss, and its temperature */
    float variance[4];
};
/* 0.5, 3, without difficult objects, 0.9, 4 (as in the distillation of classifiers), and
 * fsn__ssd_variance. */
extern const struct fsn__multibox_options fsn__ssd_multibox;

/* P default boxes of C classes, N images; all borrowed. Row 0 of C + 1 logits is the background.
 * Labels lie in 0..C-1. */
struct fsn__multibox_batch {
    int64_t images;                 /* N, at most what was created for */
    const float *locations;         /* [N][P][4] offsets (detect/box_codec.h) */
    const float *confidences;       /* [N][P][C + 1] logits */
    const float *teacher_locations; /* both NULL: alpha is taken as 0 */
    const float *teacher_confidences;
    const struct fsn__object *objects; /* of image i: first_object[i] <= j < first_object[i + 1] */
    const int64_t *first_object;       /* [N + 1] */
};

/* loss = (1 - alpha) (location + confidence) + alpha (teacher_location + teacher_confidence) */
struct fsn__multibox_terms {
    double loss;
    double location, confidence;                 /* smooth L1, cross-entropy */
    double teacher_location, teacher_confidence; /* the same two to what it says, with T^2 KL */
    int64_t matched, hard;                       /* default boxes, of the whole batch */
};

/* How far apart two offsets are: the sum over their four numbers of d^2 / 2 below 1, and of
 * |d| - 1/2 from there on. Adds weight times its gradient by l to dl (may be NULL). */
double fsn__smooth_l1(const float *l, const float *g, double weight, float *dl);

struct fsn__multibox; /* what a loss works with: memory for batches of a size */

/* standard: [P][4] default boxes (cx, cy, w, h), copied. pool (may be NULL) is borrowed until the
 * end. Errors: LIMIT (sizes), NOMEM. */
FSN_NODISCARD enum fsn_status
fsn__multibox_create(const float *standard, int64_t boxes, int32_t classes, int64_t most_images,
                     const struct fsn__multibox_options *options, struct fsn__pool *pool,
                     struct fsn__multibox **out, struct fsn_error *err);
void fsn__multibox_destroy(struct fsn__multibox *multibox);

/* The loss of a batch and its gradients, which are written as a whole (both may be NULL). Allocates
 * nothing; depends on neither threads nor slices. A batch without a matched box has the loss 0 and
 * gradients of 0. */
struct fsn__multibox_terms fsn__multibox_loss(struct fsn__multibox *multibox,
                                              const struct fsn__multibox_batch *batch,
                                              float *dlocations, float *dconfidences);

#endif
