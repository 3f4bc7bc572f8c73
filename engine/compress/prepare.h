/* prepare.h - from the network as it was exported to the form that is compressed and trained. */
#ifndef FSN_COMPRESS_PREPARE_H
#define FSN_COMPRESS_PREPARE_H

#include "graph/head.h"
#include "graph/restore_bn.h"

struct fsn__prepared {
    struct fsn__graph *graph; /* computes what the model computes; same inputs and outputs */
    bool has_head;
    struct fsn__head head;       /* of graph */
    int end_count;               /* values that detectors and distilled networks are trained by: */
    int end_at[FSN__MAX_IO];     /* which of the graph's outputs */
    struct fsn__bare_convs bare; /* of graph: to get batch norm */
};

/* A copy of the network with constant factors and terms folded into the convolutions before them
 * and Transposes cancelled, and what can be said of it: the head of a classifier (classes 0: number
 * not known; FSN__NO_HEAD: it is none) or the ends, values of the model that are outputs or become
 * inner ones, by which others are trained (none: all outputs are), and the convolutions that are
 * trained with batch norm put back (none when nothing is trained). An output that the spec
 * names and the network lacks is INVALID; without one that fits there is no head. Zero-initialise
 * *out; fsn__prepared_clear frees it, after a failure too. */
enum { FSN__NO_HEAD = -1 };
FSN_NODISCARD enum fsn_status fsn__prepare(const struct fsn__graph *model,
                                           const struct fsn_spec *spec, int64_t classes,
                                           const struct fsn__ends *ends, struct fsn__prepared *out,
                                           struct fsn_error *err);
/* The values that training starts from, in the prepared graph or one that was made of it: the ends,
 * or what the head writes; none: all outputs. */
void fsn__prepared_ends(const struct fsn__prepared *prepared, const struct fsn__graph *graph,
                        struct fsn__ends *out);
void fsn__prepared_clear(struct fsn__prepared *prepared);

#endif
