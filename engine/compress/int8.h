/* int8.h - the file for integer runtimes. */
#ifndef FSN_COMPRESS_INT8_H
#define FSN_COMPRESS_INT8_H

#include "train/train.h"

/* Writes `dense` (filters written out, batch norm folded) with weights and activations of 8 bits
 * to `path`, in QuantizeLinear and DequantizeLinear pairs (quant/int8.h). Of the job, what
 * fsn__observe_ranges heeds. */
FSN_NODISCARD enum fsn_status fsn__write_int8(const struct fsn__train_job *job,
                                              const struct fsn_model *dense, const char *path,
                                              struct fsn_error *err);

#endif
