/* named_noise.h - weights by a formula over the tensor's name, as tests/golden/named_noise.py has
 * it: a golden table then needs no weights beside it. */
#ifndef TESTS_SUPPORT_NAMED_NOISE_H
#define TESTS_SUPPORT_NAMED_NOISE_H

#include "graph/graph.h"

/* x[i] = offset + scale * (a number between -1 and 1 from the name and i) */
void named_noise(const struct fsn__tensor *t, const char *name, float offset, float scale);
/* All weights of the graph, each by its name: 1.5 / sqrt(fan-in) for convolutions and linear
 * layers, 0.1 for biases and means, 1 with 0.2 for a batch norm's scales and variances, 20 with 4
 * for the scales of a normalisation to length 1 ([C, 1, 1]). */
void named_noise_weights(struct fsn__graph *graph);

#endif
