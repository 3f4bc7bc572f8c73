/* detections_file.h - model-detections.onnx: the finished detector with what makes boxes and scores
 * of its outputs, for those who want to run nothing of their own behind it. */
#ifndef FSN_COMPRESS_DETECTIONS_FILE_H
#define FSN_COMPRESS_DETECTIONS_FILE_H

#include "compress/job.h"

/* Writes it in the small form, by the job's spec. */
FSN_NODISCARD enum fsn_status fsn__write_detections(struct fsn__job *job, const char *path,
                                                    struct fsn_error *err);
/* Notes in the report how large the file is that was read back, and how far its boxes and scores
 * are, on a batch of test images, from those that the engine makes of model.onnx's outputs. What
 * NonMaxSuppression leaves is not run: it is known only when an image has been seen. */
FSN_NODISCARD enum fsn_status fsn__compare_detections(struct fsn__job *job, struct fsn_error *err);

#endif
