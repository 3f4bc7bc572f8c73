/* ranges.h - what numbers the values of a network hold on training images. */
#ifndef FSN_TRAIN_RANGES_H
#define FSN_TRAIN_RANGES_H

#include "train/train.h"

/* No more than so many training images are looked at. */
enum { FSN__RANGE_IMAGES = 512 };

/* range[value] of each value that `wanted` names (float; inputs and computed ones): where 256
 * levels are best for what it holds (fsn__histogram_range). The images, unaugmented, are the first
 * of the first epoch's order. Of the job, data, spec, pool and progress are heeded (told as the
 * stage VERIFY at fraction_to). Errors: DIVERGED (names the value), CANCELLED, what evaluation
 * raises. */
FSN_NODISCARD enum fsn_status fsn__observe_ranges(const struct fsn__train_job *job,
                                                  const struct fsn__graph *graph,
                                                  const bool *wanted, float (*range)[2],
                                                  struct fsn_error *err);

#endif
