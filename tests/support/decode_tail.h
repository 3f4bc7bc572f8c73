/* decode_tail.h - what exporters put behind a detector's raw outputs: boxes and scores, and the
 * suppression of overlapping boxes. */
#ifndef TESTS_SUPPORT_DECODE_TAIL_H
#define TESTS_SUPPORT_DECODE_TAIL_H

#include "graph/graph.h"

/* Boxes in corners [N,P,4] and probabilities [N,C,P] become the outputs of a network of the zoo's
 * ssd-lite for images of `size` pixels, in place of its own; its raw outputs get other names,
 * 'raw_boxes' and 'raw_scores'. suppress: the outputs are 'chosen' (rows of image, class and box),
 * 'kept' and 'kept_scores', of as many boxes as NonMaxSuppression leaves. Ends the program on
 * errors. */
void decode_tail(struct fsn__graph *graph, int size, bool suppress);

#endif
