/* quant.h - the linear 8-bit quantiser of a Filter Summary.
 *
 * Source: Yang et al., the paper's "-WQ": 2^bits levels from min to max of F, min moved to the
 * nearest level so that zero is one. value = (q - zero) * scale, q in 0 .. 2^bits - 1, rounding
 * half to even. */
#ifndef FSN_QUANT_QUANT_H
#define FSN_QUANT_QUANT_H

#include "graph/graph.h"

struct fsn__quantizer {
    int bits;
    float scale; /* > 0 */
    int zero;    /* the level that stands for 0.0 */
};

/* From the range of x[n] (0 is always inside it). All zeros: scale 1, zero 0. */
struct fsn__quantizer fsn__quantizer_fit(const float *x, int64_t n, int bits);
uint8_t fsn__quantize(const struct fsn__quantizer *q, float x);
float fsn__dequantize(const struct fsn__quantizer *q, uint8_t level);

/* In a graph: replaces every F (input 0 of a FilterSummary node, f32) by its uint8 levels and sets
 * the node's `scale` (input 1, [1]; multiplied into a scale [K] that is already there) and `zero`
 * (input 2, f32 scalar). rel_error[i] of the i-th FilterSummary node in graph order: |F -
 * Q(F)|/|F|; may be NULL. */
FSN_NODISCARD enum fsn_status fsn__quantize_graph(struct fsn__graph *graph, int bits,
                                                  double *rel_error, struct fsn_error *err);

#endif
