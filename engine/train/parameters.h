/* parameters.h - what the trainer changes in a graph, and what the optimiser remembers of it. */
#ifndef FSN_TRAIN_PARAMETERS_H
#define FSN_TRAIN_PARAMETERS_H

#include "train/checkpoint.h"

struct fsn__parameter {
    const char *name;  /* borrowed from the graph */
    float *w, *v;      /* weights (the graph's) and momentum */
    const float *grad; /* the executor's */
    int64_t size;      /* elements */
    bool decay;        /* weight decay applies */
};

struct fsn__parameters {
    int count;
    struct fsn__parameter *item;
    float *momentum; /* one block */
    /* All state of training, for checkpoints: PARAM and STAT values in the graph's order, momentum.
     */
    size_t span_count;
    struct fsn__span *spans;
};

/* The PARAM values of the graph that get a gradient from exec. Zero-initialise *out;
 * fsn__parameters_clear frees it, after a failure too. */
FSN_NODISCARD enum fsn_status fsn__parameters_collect(struct fsn__graph *graph,
                                                      struct fsn__exec *exec,
                                                      struct fsn__parameters *out,
                                                      struct fsn_error *err);
void fsn__parameters_clear(struct fsn__parameters *parameters);

/* One SGD step on all of them, split over the pool; the result does not depend on how. */
void fsn__parameters_step(struct fsn__parameters *parameters, const struct fsn_spec *spec,
                          double lr, struct fsn__pool *pool);
/* The name of the first parameter that holds a value that is not finite, or NULL. */
const char *fsn__parameters_find_bad(const struct fsn__parameters *parameters);

#endif
