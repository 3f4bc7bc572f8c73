/* tail.h - the final outputs of a network that was cut: whether its files agree on them too. */
#ifndef FSN_COMPRESS_TAIL_H
#define FSN_COMPRESS_TAIL_H

#include "compress/job.h"

/* Where the graph was cut, compares what model.onnx and model-dense.onnx write in the end for some
 * test images; into the report. What cannot be run is left out. Errors: those of reading images,
 * NOMEM. */
FSN_NODISCARD enum fsn_status fsn__tail_compare(struct fsn__job *job, struct fsn_error *err);

#endif
