/* tail.h - what follows a detector's raw outputs, as nodes of its graph: offsets become boxes,
 * logits scores, and, if asked for, NonMaxSuppression takes the best. */
#ifndef FSN_DETECT_TAIL_H
#define FSN_DETECT_TAIL_H

#include "detect/nms.h"
#include "graph/graph.h"

struct fsn__tail {
    int locations, confidences;              /* values [N,P,4] of offsets and [N,P,C+1] of logits */
    const float *standard;                   /* [P][4] default boxes (cx, cy, w, h); not owned */
    const float *variance;                   /* [4] */
    const struct fsn__nms_options *suppress; /* NULL: decode alone */
};

/* Appends the tail and makes its values the outputs of the graph, which has no others then:
 *
 *   detection_boxes   float32 [N,P,4]   corners x0, y0, x1, y1, fractions of the image, clipped to
 * it detection_scores  float32 [N,C,P]   of each class, without the background
 *
 * or, where suppression is asked for, a row of each box that is found, image by image, the best
 * first:
 *
 *   detection_images   int64 [found]     which of the batch
 *   detection_classes  int64 [found]     from 0
 *   detection_scores   float32 [found]
 *   detection_boxes    float32 [found,4]
 *
 * with the limits of candidates and of what an image keeps, as fsn__nms() has them. What was there
 * before and is an output no more stays for the next prune. Errors: NOMEM, LIMIT. */
FSN_NODISCARD enum fsn_status fsn__append_detector_tail(struct fsn__graph *graph,
                                                        const struct fsn__tail *tail,
                                                        struct fsn_error *err);

#endif
