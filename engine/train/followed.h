/* followed.h - a network whose outputs follow those of another one, or are followed: which outputs
 * these are, and how they are compared (output_loss.h). What they mean need not be known. */
#ifndef FSN_TRAIN_FOLLOWED_H
#define FSN_TRAIN_FOLLOWED_H

#include "data/dataset.h"
#include "graph/shards.h"
#include "train/output_loss.h"

/* An output that is compared. */
struct fsn__followed_output {
    const char *name; /* of the file's output, or the value inside; borrowed from the graph */
    int value;        /* of the graph: the output, or what its final Softmax reads */
    enum fsn_output_loss loss;
    double weight;
    int axis; /* of kl's softmax */
};

struct fsn__followed_list {
    int count;
    struct fsn__followed_output item[FSN_MAX_DISTILL_OUTPUTS];
};

/* Finds the outputs, or values inside the network, that spec->distill_outputs names, or all of
 * float32 that have a batch axis and that a gradient comes back through. who names the network in
 * messages. Errors: INVALID (no such output), MISMATCH (none can be followed, one that is named
 * cannot, or too many). The pointer of the setting at fault, in the spec, goes into *at (may be
 * NULL): -1, or which of the list. */
FSN_NODISCARD enum fsn_status fsn__followed_find(const struct fsn__graph *graph, const char *who,
                                                 const struct fsn_spec *spec,
                                                 struct fsn__followed_list *out, int *at,
                                                 struct fsn_error *err);

struct fsn__followed {
    struct fsn__followed_list outputs;
    struct fsn__exec *exec;     /* training; NULL for inference */
    struct fsn__shards *shards; /* inference; NULL for training */
    struct fsn__graph *graph;   /* what runs: an alias of the caller's graph (train/view.h) */
    int64_t batch;
    float *images;      /* [batch][C][H][W], filled before a forward pass */
    size_t image_bytes; /* of the whole batch */
    /* Of output i: how it is compared; [batch][values], read after a forward pass; the gradient,
     * written before a backward pass, NULL: inference. */
    struct fsn__measure measure[FSN_MAX_DISTILL_OUTPUTS];
    const float *output[FSN_MAX_DISTILL_OUTPUTS];
    float *doutput[FSN_MAX_DISTILL_OUTPUTS];
};

/* Finds the outputs and makes the executor. as_written: they are compared as the file has them, by
 * mse, which the relative error of a report comes from. The graph must outlive the network, and its
 * weights are trained in place. options->batch yields to a batch axis that the graph itself fixes,
 * unless training. Errors: those of fsn__followed_find, MISMATCH ("student: output ..."), and what
 * executors raise. Zero-initialise *out; fsn__followed_clear frees. */
FSN_NODISCARD enum fsn_status
fsn__followed_create(struct fsn__graph *graph, const char *who, const struct fsn_dataset *data,
                     const struct fsn_spec *spec, const struct fsn__exec_options *options,
                     bool as_written, struct fsn__followed *out, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__followed_forward(struct fsn__followed *network, uint64_t step,
                                                    struct fsn_error *err);
void fsn__followed_clear(struct fsn__followed *network);

/* Whether the two can be compared, output by output. Errors: MISMATCH. */
FSN_NODISCARD enum fsn_status fsn__followed_check_pair(const struct fsn__followed *teacher,
                                                       const struct fsn__followed *student,
                                                       struct fsn_error *err);

#endif
