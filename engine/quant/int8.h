/* int8.h - an inference graph in the form that integer runtimes take: QuantizeLinear and
 * DequantizeLinear pairs around convolutions and products, weights of 8 bits ("QDQ").
 *
 * Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference", 2018; where pairs stand: what ONNX Runtime's QDQ selectors
 * look for. With real numbers r = scale (q - zero),
 *
 *   activations  uint8, one scale and zero a tensor, from their range on images
 *   weights      int8 -127..127, zero 0, a scale for each output channel
 *   biases       int32, zero 0, scale_x scale_w[k], as an accumulator of products has it
 *
 * Relu, and Clip from 0, disappear: a uint8 whose zero is level 0 saturates where they cut. */
#ifndef FSN_QUANT_INT8_H
#define FSN_QUANT_INT8_H

#include "graph/graph.h"

/* What becomes integers. A value that `same` gives the index of another one has that one's
 * elements, moved or chosen among (MaxPool, Reshape, ...), and takes its scale. */
struct fsn__int8_places {
    bool *value; /* [value_count] becomes uint8 */
    int *same;   /* [value_count] -1: a scale of its own */
    bool *layer; /* [node_count] its weights become int8 */
};

/* Chooses them in a graph whose weights are constants and whose batch norm is folded: what integer
 * kernels read, and write for one another. What a network ends in stays float, and what comes
 * behind the ends. Zero-initialise *out; cleared by fsn__int8_places_clear, after a failure too.
 * Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__int8_choose(const struct fsn__graph *graph,
                                               const struct fsn__ends *ends,
                                               struct fsn__int8_places *out, struct fsn_error *err);
void fsn__int8_places_clear(struct fsn__int8_places *places);

/* Inserts the pairs and replaces weights and biases, in place, then sorts and prunes.
 * range[value]: the least and largest number that a value of the places is to hold; read where it
 * has a scale of its own. Errors: DIVERGED (a weight that is not finite), NOMEM. */
FSN_NODISCARD enum fsn_status fsn__int8_insert(struct fsn__graph *graph,
                                               const struct fsn__int8_places *places,
                                               const float (*range)[2], struct fsn_error *err);

/* The axis of output channels in the weights of a layer that places name. */
int fsn__int8_axis(const struct fsn__node *layer);
/* Whether a node is a Relu, or a Clip from 0, that alone reads its input. uses:
 * fsn__graph_count_uses. */
bool fsn__int8_is_cut(const struct fsn__graph *graph, const int *uses,
                      const struct fsn__node *node);

#endif
