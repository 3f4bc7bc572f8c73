/* model_runner.h - loads what an onnx_maker holds and runs it; a failure ends the test. */
#ifndef TESTS_SUPPORT_MODEL_RUNNER_H
#define TESTS_SUPPORT_MODEL_RUNNER_H

#include "graph/graph.h"
#include "onnx_maker.h"

/* Imports the file and ends the maker. The model is new, fsn_model_destroy. */
struct fsn_model *onnx_load(struct onnx_maker *m);
/* Output i of the graph, borrowed. */
const struct fsn__tensor *model_output(const struct fsn_model *model, int i);
/* "[N,3,2,2]" */
void assert_shape(const struct fsn__tensor *t, const char *shape);
/* Runs the model on its one input, one image, and compares the n values of its one output. */
void assert_computes(struct fsn_model *model, const float *x, int64_t n, const float *want);

#endif
