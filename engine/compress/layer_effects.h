/* layer_effects.h - what each layer costs the network when it alone is compressed. */
#ifndef FSN_COMPRESS_LAYER_EFFECTS_H
#define FSN_COMPRESS_LAYER_EFFECTS_H

#include "train/train.h"

/* NaN where nothing was measured: dense layers, and networks that blow up. */
struct fsn__layer_effect {
    double divergence; /* mean KL(baseline || network with this layer's fit), nats an image */
    double top1_drop;  /* training images that the baseline gets right and it does not, in points */
    double ratio;      /* of the plan that this was measured with; 0: as in the even one */
};

/* For every row of the plan: the network of job->student with this layer's weights (of all the rows
 * that read them) fitted as the row says, everything else as it is, against job->teacher on at most
 * FSN__EFFECT_IMAGES training images, fewer where that would take minutes. Batch norm uses the
 * statistics of the batch, since fine-tuning would bring it there; like_with_like: that of the
 * baseline does too, and a layer that loses nothing costs nothing. Of the job, student, teacher,
 * data, spec, pool and the progress callback (stage plan) are used; no graph changes. *out: new
 * [plan->layer_count], freed by free(). *baseline_top1: per cent of these images that the baseline
 * gets right. Deterministic for a seed and a number of slices. Errors: CANCELLED, and what running
 * networks raises. */
enum { FSN__EFFECT_IMAGES = 512 };
FSN_NODISCARD enum fsn_status fsn__measure_layers(const struct fsn__train_job *job,
                                                  const struct fsn_plan *plan, bool like_with_like,
                                                  struct fsn__layer_effect **out,
                                                  double *baseline_top1, struct fsn_error *err);

#endif
