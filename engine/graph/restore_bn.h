/* restore_bn.h - batch norm for networks that were exported without theirs. */
#ifndef FSN_GRAPH_RESTORE_BN_H
#define FSN_GRAPH_RESTORE_BN_H

#include "graph/graph.h"

/* A convolution that is to get batch norm, and what it writes (bias included). */
struct fsn__bare_conv {
    int node;
    int64_t channels;
    float *mean, *var; /* [channels], in the list's block; 0 and 1 until somebody measures */
};

struct fsn__bare_convs {
    int count;
    struct fsn__bare_conv *item;
    float *statistics;
};

/* Lists the convolutions that fsn__graph_restore_bn would follow with batch norm: those on the way
 * to the ends but the last ones, with a weight of their own and no batch norm yet. rule AUTO takes
 * those with a bias, ALL the others too, NONE none. Zero-initialise *out; fsn__bare_convs_free
 * frees it. */
FSN_NODISCARD enum fsn_status fsn__graph_find_bare_convs(const struct fsn__graph *graph,
                                                         const struct fsn__ends *ends,
                                                         enum fsn_restore_bn rule,
                                                         struct fsn__bare_convs *out,
                                                         struct fsn_error *err);
void fsn__bare_convs_free(struct fsn__bare_convs *bare);

/* Puts a BatchNormalization with the listed statistics behind each; what the network computes at
 * inference stays the same but for rounding, whatever they are. The list's nodes are not valid
 * afterwards. */
FSN_NODISCARD enum fsn_status fsn__graph_restore_bn(struct fsn__graph *graph,
                                                    const struct fsn__bare_convs *bare,
                                                    struct fsn_error *err);

#endif
