/* exec_compare.h - the executor's two ways to run a graph, held against each other. */
#ifndef TESTS_SUPPORT_EXEC_COMPARE_H
#define TESTS_SUPPORT_EXEC_COMPARE_H

#include "graph/exec.h"

struct exec_comparison {
    int64_t batch;
    bool training; /* backward too; gradients and running statistics are compared */
    int threads;
    bool bf16; /* of the lowered one (exec.h): such a unit's rounding is then the difference */
    double tolerance; /* of the root mean square of what is compared; 0: 1e-4 */
};

/* Runs the graph twice on the same drawn inputs, by the plain operators and lowered, two steps
 * each; fails the test where outputs, gradients of parameters or running statistics differ. The
 * graph itself is left as it is. */
void exec_compare(const struct fsn__graph *graph, struct exec_comparison how);

/* Every weight of one dimension (batch norm's, biases) moved a little, variances kept positive. */
void exec_disturb(struct fsn__graph *graph);
/* Batch norm's shifts to 4.5 standard deviations, some below zero. In a deep network some value is
 * always so close to zero that rounding decides whether Relu lets its gradient pass, and one such
 * value is seen in every gradient before it; this makes it rare. */
void exec_keep_from_zero(struct fsn__graph *graph);

#endif
