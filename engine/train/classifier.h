/* classifier.h - a graph that classifies the images of a data set, ready to run. */
#ifndef FSN_TRAIN_CLASSIFIER_H
#define FSN_TRAIN_CLASSIFIER_H

#include "data/dataset.h"
#include "graph/shards.h"

struct fsn__classifier {
    struct fsn__exec *exec;     /* training; NULL for inference */
    struct fsn__shards *shards; /* inference; NULL for training */
    struct fsn__graph *graph;   /* what runs: an alias of the caller's graph (train/view.h) */
    int64_t batch, classes;
    float *images;       /* [batch][C][H][W], filled before a forward pass */
    size_t image_bytes;  /* of the whole batch */
    const float *logits; /* [batch][classes], read after it */
    float *dlogits;      /* [batch][classes], written before a backward pass; NULL: inference */
};

/* Makes the executor and checks that images go in and one logit a class comes out, of the output of
 * that name (NULL: chosen by shape; graph/head.h). The graph must outlive the classifier, and its
 * weights are trained in place. options->batch yields to a batch axis that the graph itself fixes,
 * unless training. Errors: MISMATCH ("student: input ..."), and what the executor raises. who names
 * the network in messages. Zero-initialise *out; fsn__classifier_clear frees. */
FSN_NODISCARD enum fsn_status
fsn__classifier_create(struct fsn__graph *graph, const char *who, const struct fsn_dataset *data,
                       const char *output, const struct fsn__exec_options *options,
                       struct fsn__classifier *out, struct fsn_error *err);
/* The same, with more values of the graph to be read after a forward pass, and given gradients
 * before a backward pass: fsn__classifier_value of 0 and on. */
FSN_NODISCARD enum fsn_status
fsn__classifier_create_with(struct fsn__graph *graph, const char *who,
                            const struct fsn_dataset *data, const char *output,
                            const struct fsn__exec_options *options, const int *values, int count,
                            struct fsn__classifier *out, struct fsn_error *err);
/* Whether images have classes to train and measure by. Errors: MISMATCH. */
FSN_NODISCARD enum fsn_status fsn__check_classes(const struct fsn_dataset *data, const char *who,
                                                 struct fsn_error *err);
const struct fsn__tensor *fsn__classifier_value(const struct fsn__classifier *classifier, int i);
float *fsn__classifier_value_grad(const struct fsn__classifier *classifier, int i);
/* From images to logits. step: as in fsn__exec_forward. */
FSN_NODISCARD enum fsn_status fsn__classifier_forward(struct fsn__classifier *classifier,
                                                      uint64_t step, struct fsn_error *err);
size_t fsn__classifier_memory(const struct fsn__classifier *classifier); /* bytes planned */
/* fsn__exec_memory_bound of all executors. */
FSN_NODISCARD enum fsn_status fsn__classifier_memory_bound(const struct fsn__classifier *classifier,
                                                           size_t *bytes, struct fsn_error *err);
void fsn__classifier_clear(struct fsn__classifier *classifier);

#endif
