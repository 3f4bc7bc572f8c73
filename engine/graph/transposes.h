/* transposes.h - fewer Transposes. */
#ifndef FSN_GRAPH_TRANSPOSES_H
#define FSN_GRAPH_TRANSPOSES_H

#include "graph/graph.h"

/* Makes one of two Transposes in a row, or none where the second undoes the first. What the network
 * computes stays the same, bit for bit; so do its inputs, outputs and constants. */
FSN_NODISCARD enum fsn_status fsn__graph_merge_transposes(struct fsn__graph *graph,
                                                          struct fsn_error *err);
/* The same after moving every Transpose behind the operators that do not care about the order of
 * axes. Constants that they read may be replaced by transposed ones. */
FSN_NODISCARD enum fsn_status fsn__graph_push_transposes(struct fsn__graph *graph,
                                                         struct fsn_error *err);

#endif
