/* run_key.h - one number for everything that determines the result of a training run. */
#ifndef FSN_TRAIN_RUN_KEY_H
#define FSN_TRAIN_RUN_KEY_H

#include "train/train.h"

/* Call before the first step: the networks' weights are part of it. */
uint64_t fsn__run_key(const struct fsn__train_job *job);

#endif
