/* graph_run.h - runs graphs on drawn inputs; every failure fails the test. */
#ifndef TESTS_SUPPORT_GRAPH_RUN_H
#define TESTS_SUPPORT_GRAPH_RUN_H

#include "graph/exec.h"

/* Output `output` on a batch of inputs, which are drawn from [-1, 1), the same for every graph of
 * as many elements. New, [*count], freed by free(). */
float *graph_run(struct fsn__graph *graph, int output, int64_t batch, int64_t *count);
/* Every output of both on the same images: the largest difference over the largest value of a's. */
double graph_difference(struct fsn__graph *a, struct fsn__graph *b, int64_t batch);
/* How many nodes run this operator. */
int graph_count(const struct fsn__graph *graph, const char *op);

#endif
