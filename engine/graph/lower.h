/* lower.h - the layout pass: a graph rewritten for the fast kernels.
 *
 * The lowered graph computes what the original computes, with the CNN operators on channel-blocked
 * tensors (kernels/kernels.h) and Pack, Unpack at the borders. Batch norm and Relu are not carried
 * out: their result is known as (z, a, b, relu), and the convolution that reads it applies them
 * on load. Where no such reader comes, a Join writes the value out, which is also how residual
 * blocks end. For inference batch norm is folded into the weights before, and bias, residual
 * addition and Relu happen where a convolution stores its result. What the pass does not know
 * stays as it is, on the plain operators.
 */
#ifndef FSN_GRAPH_LOWER_H
#define FSN_GRAPH_LOWER_H

#include "graph/graph.h"

struct fsn__lowered {
    struct fsn__graph *graph;  /* what runs; inputs and outputs in the original's order */
    struct fsn__graph *source; /* what it was made from: an alias of the original, shapes known */
    int *value_of;             /* training: [original's values] this graph's, -1 for none */
    int *origin;               /* [nodes of graph] the source's node that it comes from */
};

/* The original must outlive the result: constants are borrowed, so that what training writes is
 * the original's. batch: what the symbolic batch axis becomes. */
FSN_NODISCARD enum fsn_status fsn__lower(const struct fsn__graph *original, int64_t batch,
                                         bool training, struct fsn__lowered **out,
                                         struct fsn_error *err);
void fsn__lowered_destroy(struct fsn__lowered *lowered);

#endif
