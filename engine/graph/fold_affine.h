/* fold_affine.h - constant factors and terms behind convolutions. */
#ifndef FSN_GRAPH_FOLD_AFFINE_H
#define FSN_GRAPH_FOLD_AFFINE_H

#include "graph/graph.h"

/* Folds every Mul, Div, Add or Sub with a constant per channel (or one for all) that alone reads a
 * convolution's output into that convolution's weight and bias. A weight that something else reads
 * too is left alone. */
FSN_NODISCARD enum fsn_status fsn__graph_fold_affine(struct fsn__graph *graph,
                                                     struct fsn_error *err);

#endif
