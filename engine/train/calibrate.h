/* calibrate.h - what convolutions write on real images. */
#ifndef FSN_TRAIN_CALIBRATE_H
#define FSN_TRAIN_CALIBRATE_H

#include "data/dataset.h"
#include "graph/restore_bn.h"
#include "train/train.h"

/* Fills the mean and variance of what each listed convolution of job->student writes, over the
 * first images of the first epoch's order (FSN__CALIBRATION_IMAGES or all that there are),
 * unaugmented. Deterministic for a seed and a number of threads. */
enum { FSN__CALIBRATION_IMAGES = 1024 };
FSN_NODISCARD enum fsn_status fsn__calibrate(const struct fsn__train_job *job,
                                             struct fsn__bare_convs *bare, struct fsn_error *err);

#endif
