/* parameters.h - what the trainer changes in a graph, and what the optimiser remembers of it. */
#ifndef FSN_TRAIN_PARAMETERS_H
#define FSN_TRAIN_PARAMETERS_H

#include "train/checkpoint.h"

struct fsn__parameter {
    const char *name; /* borrowed from the graph */
    float *w, *v;     /* weights (the graph's) and momentum */
    float *grad;      /* the executor's */
    int64_t size;     /* elements */
    bool decay;       /* weight decay applies; else that of batch norm and biases */
    bool location;    /* where filters lie: neither decays, and finetune.location_lr applies */
    double square;    /* sum of the squared gradient */
};

struct fsn__parameters {
    int count;
    struct fsn__parameter *item;
    float *momentum;      /* one block */
    bool has_locations;   /* any of the items is one */
    bool locations_fixed; /* steps leave them as they are */
    /* All state of training, for checkpoints: PARAM and STAT values in the graph's order, momentum,
     * what the trainer appends. */
    size_t span_count, state_count; /* the first ones are PARAM and STAT values, without momentum */
    struct fsn__span *spans;
};

/* The PARAM values of the graph that get a gradient from exec. Zero-initialise *out;
 * fsn__parameters_clear frees it, after a failure too. */
FSN_NODISCARD enum fsn_status fsn__parameters_collect(struct fsn__graph *graph,
                                                      struct fsn__exec *exec,
                                                      struct fsn__parameters *out,
                                                      struct fsn_error *err);
/* There is room for these. */
enum { FSN__MORE_SPANS = 4 };
void fsn__parameters_append(struct fsn__parameters *parameters, struct fsn__span span);
void fsn__parameters_clear(struct fsn__parameters *parameters);

/* One SGD step on all of them, split over the pool; the result does not depend on how. */
void fsn__parameters_step(struct fsn__parameters *parameters, const struct fsn_spec *spec,
                          double lr, struct fsn__pool *pool);
/* Locations to whole numbers. */
void fsn__parameters_round_locations(struct fsn__parameters *parameters);
/* Scales all gradients, those of locations aside (they have another unit), by max_norm / (norm +
 * 1e-6) when their norm together, which is returned, is larger (Pascanu et al., arXiv 1211.5063, as
 * PyTorch's clip_grad_norm_). Depends on neither threads nor slices. */
double fsn__parameters_clip(struct fsn__parameters *parameters, double max_norm,
                            struct fsn__pool *pool);
/* The name of the first parameter that holds a value that is not finite, or NULL. */
const char *fsn__parameters_find_bad(const struct fsn__parameters *parameters);

#endif
