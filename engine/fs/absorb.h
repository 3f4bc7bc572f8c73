/* absorb.h - the batch norm behind a convolution, which takes up any factor of its filters. */
#ifndef FSN_FS_ABSORB_H
#define FSN_FS_ABSORB_H

#include "graph/graph.h"

/* y = gamma (z - mean) / sqrt(var + epsilon) + beta of what a convolution writes, by channel. */
struct fsn__absorber {
    int node; /* of the batch norm */
    int64_t channels;
    float *gamma, *mean, *var; /* the graph's own, read by this node alone */
    const float *beta;
    float epsilon;
};

/* Whether batch norm alone reads what node `conv` writes, with constants of its own, and neither
 * the weight has another reader nor the convolution a bias. uses: fsn__graph_count_uses. */
bool fsn__find_absorber(const struct fsn__graph *graph, int conv, const int *uses,
                        struct fsn__absorber *out);
/* |gamma| / sqrt(var + epsilon) of channel k: by so much the batch norm magnifies an error. */
float fsn__absorber_factor(const struct fsn__absorber *bn, int64_t k);
/* The convolution will write z / scale[k]; the batch norm is changed so that y stays the same.
 * scale: [channels], not 0. */
void fsn__absorb(const struct fsn__absorber *bn, const float *scale);

#endif
