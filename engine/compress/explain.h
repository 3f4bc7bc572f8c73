/* explain.h - what the report says of each layer, so that one knows what to leave out. */
#ifndef FSN_COMPRESS_EXPLAIN_H
#define FSN_COMPRESS_EXPLAIN_H

#include "compress/job.h"

/* The rows of the job's plan get what each layer costs alone as the plan has it now. */
FSN_NODISCARD enum fsn_status fsn__explain_alone(struct fsn__job *job, struct fsn_error *err);

/* They get start_output_error, of the student as it was fitted; output_error, of model.onnx as it
 * was read back. */
FSN_NODISCARD enum fsn_status fsn__explain_start(struct fsn__job *job, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__explain_result(struct fsn__job *job, struct fsn_error *err);

/* The report gets the layers to exclude first, if there are any, with the bytes that each costs.
 * Needs both sides measured. */
FSN_NODISCARD enum fsn_status fsn__explain_exclusions(struct fsn__job *job, struct fsn_error *err);

/* Of the rows of a plan, those to exclude first, the costliest before; how many. weight[rows]: the
 * same number for rows that share their weights, of which the first stands for all. */
int fsn__choose_exclusions(const struct fsn_plan *plan, const int *weight,
                           size_t row[FSN__MAX_EXCLUSIONS]);

#endif
