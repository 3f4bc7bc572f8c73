/* head.h - where a network's class scores come out.
 *
 * Files end in logits, or in a Softmax, LogSoftmax or Sigmoid over them; with a vector an image, or
 * with the classes along one axis of several ([N,C,1,1] of a convolution, [N,1,C]); with one output
 * or with auxiliary ones beside it. The head says which value holds the logits. The file's outputs
 * stay what they are: training and evaluation look at the logits through an alias. */
#ifndef FSN_GRAPH_HEAD_H
#define FSN_GRAPH_HEAD_H

#include "graph/graph.h"

struct fsn__head {
    int output;      /* which of the graph's outputs */
    int logits;      /* value: the output, or what its final activation reads */
    int64_t classes; /* elements an image */
    /* The file ends in a Sigmoid: each class is judged alone, and several may hold. */
    bool sigmoid;
};

/* Finds the head: the output called `name`, or (NULL) the only one, or the first that gives exactly
 * `classes` numbers an image (0: not known, any count), or the first that gives at least as many.
 * Errors: INVALID (no such output), MISMATCH (no output of one score a class). */
FSN_NODISCARD enum fsn_status fsn__graph_find_head(const struct fsn__graph *graph, const char *name,
                                                   int64_t classes, struct fsn__head *out,
                                                   struct fsn_error *err);

/* "'a' float32 [N,10], 'b' ...": the graph's outputs, as many as fit, for messages. */
const char *fsn__graph_list_outputs(const struct fsn__graph *graph, char text[400]);
#define FSN__LIST_OUTPUTS(graph) fsn__graph_list_outputs((graph), (char[400]){0})

/* Whether a value holds one vector an image: float32, a batch axis and at most one other dimension
 * that is not 1. *classes (may be NULL): the vector's length. */
bool fsn__graph_is_vector(const struct fsn__tensor *t, int64_t *classes);

#endif
