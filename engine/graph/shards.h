/* shards.h - inference on a batch in shares that know nothing of each other.
 *
 * Each slice of the pool takes its share of the images through the whole network with an executor
 * of its own: no barrier between nodes, and maps small enough for the caches of one core. What is
 * paid for that is one transformation of the filters for each share, so a network whose weights are
 * large beside its maps runs in one piece, all slices together on every node. */
#ifndef FSN_GRAPH_SHARDS_H
#define FSN_GRAPH_SHARDS_H

#include "graph/exec.h"

struct fsn__shards;

/* As fsn__exec_create, for inference: options->training must be false, the graph has one input. The
 * graph's batch axis is split only when it is free. */
FSN_NODISCARD enum fsn_status fsn__shards_create(struct fsn__graph *graph,
                                                 const struct fsn__exec_options *options,
                                                 struct fsn__shards **out, struct fsn_error *err);
void fsn__shards_destroy(struct fsn__shards *shards);

/* The whole batch, borrowed: fill the input before forward, read output 0 after it. */
struct fsn__tensor *fsn__shards_input(struct fsn__shards *shards);
struct fsn__tensor *fsn__shards_output(struct fsn__shards *shards);
/* Output i, of a network with several, which always runs in one piece. */
struct fsn__tensor *fsn__shards_output_of(struct fsn__shards *shards, int i);
FSN_NODISCARD enum fsn_status fsn__shards_forward(struct fsn__shards *shards,
                                                  struct fsn_error *err);

int fsn__shards_count(const struct fsn__shards *shards);
/* fsn__exec_set_timer of the first share. */
void fsn__shards_set_timer(struct fsn__shards *shards, fsn__exec_timer_fn *timer, void *user);
size_t fsn__shards_memory(const struct fsn__shards *shards); /* bytes planned, of all shares */
/* The sum of fsn__exec_memory_bound. */
FSN_NODISCARD enum fsn_status fsn__shards_memory_bound(struct fsn__shards *shards, size_t *bytes,
                                                       struct fsn_error *err);

#endif
