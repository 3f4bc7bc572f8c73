/* segmenter.h - a graph that says of what class every pixel of a data set's images is, ready to
 * run.
 *
 * Its class map is an output [N,K,h,w] of K scores for each of h w pixels, at least as many as the
 * data set has classes. Training and the loss take the scores that a final Softmax over them reads;
 * a measurement takes the output as the file has it. */
#ifndef FSN_TRAIN_SEGMENTER_H
#define FSN_TRAIN_SEGMENTER_H

#include "data/dataset.h"
#include "graph/shards.h"

struct fsn__class_map {
    int output;      /* value of the graph */
    int logits;      /* the same, or what its Softmax reads */
    int64_t classes; /* K */
};

/* Finds the output that spec->output names, or the only one of `classes` scores for each pixel, or
 * the only one of more. who names the network in messages. Errors: INVALID (no such output),
 * MISMATCH (it is no class map, or there is none, or several). */
FSN_NODISCARD enum fsn_status fsn__class_map_find(const struct fsn__graph *graph, const char *who,
                                                  int classes, const struct fsn_spec *spec,
                                                  struct fsn__class_map *out,
                                                  struct fsn_error *err);

struct fsn__segmenter {
    struct fsn__exec *exec;     /* training; NULL for inference */
    struct fsn__shards *shards; /* inference; NULL for training */
    struct fsn__graph *graph;   /* what runs: an alias of the caller's graph (train/view.h) */
    int64_t batch, classes, height, width; /* of the map */
    float *images;                         /* [batch][C][H][W], filled before a forward pass */
    const float *scores;                   /* [batch][K][h][w], read after it */
    float *dscores; /* the same, written before a backward pass; NULL: inference */
};

/* Finds the map and makes the executor. as_written: scores are the output as the file has it. The
 * graph must outlive the segmenter, and its weights are trained in place. options->batch yields to
 * a batch axis that the graph itself fixes, unless training. Errors: those of fsn__class_map_find,
 * MISMATCH ("training: the data set has no masks"), and what executors raise. Zero-initialise *out;
 * fsn__segmenter_clear frees. */
FSN_NODISCARD enum fsn_status
fsn__segmenter_create(struct fsn__graph *graph, const char *who, const struct fsn_dataset *data,
                      const struct fsn_spec *spec, const struct fsn__exec_options *options,
                      bool as_written, struct fsn__segmenter *out, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__segmenter_forward(struct fsn__segmenter *segmenter,
                                                     uint64_t step, struct fsn_error *err);
void fsn__segmenter_clear(struct fsn__segmenter *segmenter);

#endif
