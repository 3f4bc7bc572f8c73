/* activations.h - Filter Summaries fitted to what layers do on images. */
#ifndef FSN_COMPRESS_ACTIVATIONS_H
#define FSN_COMPRESS_ACTIVATIONS_H

#include "fs/fs.h"
#include "train/train.h"

/* Improves the Filter Summaries of job->student, which fsn__fs_convert made from `teacher` by this
 * plan: layer after layer, on training images, each from what the student so far hands it towards
 * what the teacher's layer writes. Batch norm behind a layer gets the statistics of what it now
 * writes. Writes activation_error into the plan's rows. Deterministic for a seed and a number of
 * slices. Of the job, student, data, spec, pool and progress are heeded. Errors: MISMATCH without
 * training images, CANCELLED, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__fit_activations(const struct fsn__train_job *job,
                                                   struct fsn__graph *teacher,
                                                   struct fsn_plan *plan, struct fsn_error *err);

#endif
