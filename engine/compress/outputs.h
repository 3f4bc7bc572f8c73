/* outputs.h - what a job says of the outputs of a network that is distilled. */
#ifndef FSN_COMPRESS_OUTPUTS_H
#define FSN_COMPRESS_OUTPUTS_H

#include "compress/job.h"

/* Names the outputs that follow, in the job's report. */
FSN_NODISCARD enum fsn_status fsn__outputs_open(struct fsn__job *job, struct fsn_error *err);
/* Measures the student as it has been fitted, before any training, and the files when they have
 * been read back; nothing where the job's task is another one. */
FSN_NODISCARD enum fsn_status fsn__outputs_measure_start(struct fsn__job *job,
                                                         struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__outputs_measure_files(struct fsn__job *job,
                                                         struct fsn_error *err);
/* The mean of the outputs' errors by their weights, of a network that has them all, on the listed
 * test images (NULL: the first ones); infinite where an output is not finite. Errors: MISMATCH
 * where the baseline says the same of all of them, and those of fsn__follow_measure. */
FSN_NODISCARD enum fsn_status fsn__outputs_mean_error(const struct fsn__job *job,
                                                      struct fsn__graph *student,
                                                      const int64_t *list, int64_t images,
                                                      const struct fsn__meter *meter, double *out,
                                                      struct fsn_error *err);
/* The rows of the report; null where the task is another one. New, NULL when out of memory. */
json_t *fsn__report_outputs_json(const struct fsn__report *report);

#endif
