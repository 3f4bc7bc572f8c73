/* exec.h - runs a graph: plans memory once, then forward and backward without allocating. */
#ifndef FSN_GRAPH_EXEC_H
#define FSN_GRAPH_EXEC_H

#include "graph/graph.h"

struct fsn__exec;

struct fsn__exec_options {
    int64_t batch;          /* what the symbolic batch axis becomes */
    bool training;          /* keep what backward needs; allocate gradients */
    struct fsn__pool *pool; /* borrowed; NULL: one thread */
    uint64_t seed;
    bool bf16;      /* convolutions may multiply rounded numbers (kernels.h) */
    bool plan_only; /* no memory is had: the executor can be described and not run */
    bool reference; /* run the graph as it stands, by the plain operators; so does the environment
                       variable FSNET_FAST=0 */
};

/* Plans and allocates. The graph must outlive the exec and keep its structure; its constants' data
 * is read (and PARAM/STAT written) in place. Unless `reference`, a lowered form of it runs
 * (lower.h); for inference batch norm is folded into weights as they are now. */
FSN_NODISCARD enum fsn_status fsn__exec_create(struct fsn__graph *graph,
                                               const struct fsn__exec_options *options,
                                               struct fsn__exec **out, struct fsn_error *err);
void fsn__exec_destroy(struct fsn__exec *exec);

/* Tensors at the concrete batch, borrowed: fill inputs before forward, read outputs after it. */
struct fsn__tensor *fsn__exec_input(struct fsn__exec *exec, int i);
struct fsn__tensor *fsn__exec_output(struct fsn__exec *exec, int i);
/* Gradient of output i: write it between forward and backward. Zero at first. */
struct fsn__tensor *fsn__exec_output_grad(struct fsn__exec *exec, int i);
/* Gradient of a PARAM value after backward; NULL when it has none. Owned by exec. */
struct fsn__tensor *fsn__exec_param_grad(struct fsn__exec *exec, int value);

/* step: global training step, names dropout's random stream; ignored outside training. */
FSN_NODISCARD enum fsn_status fsn__exec_forward(struct fsn__exec *exec, uint64_t step,
                                                struct fsn_error *err);
/* What options.bf16 allows, taken back or given again. */
void fsn__exec_set_bf16(struct fsn__exec *exec, bool bf16);
/* Zeroes parameter gradients, then runs every node's backward in reverse order. */
FSN_NODISCARD enum fsn_status fsn__exec_backward(struct fsn__exec *exec, struct fsn_error *err);

/* Called after every node's forward and backward with the seconds it took, on the thread that runs
 * the pass. NULL, as at first: no clock is read. */
typedef void fsn__exec_timer_fn(const struct fsn__op *op, bool backward, double seconds,
                                void *user);
void fsn__exec_set_timer(struct fsn__exec *exec, fsn__exec_timer_fn *timer, void *user);

size_t fsn__exec_memory(const struct fsn__exec *exec); /* bytes of the planned blocks */
/* What no plan can do without: the values, gradients and saved state alive at once at the worst
 * moment, and the gradients of parameters. */
FSN_NODISCARD enum fsn_status fsn__exec_memory_bound(struct fsn__exec *exec, size_t *bytes,
                                                     struct fsn_error *err);

/* What runs, for those who describe it: whether the graph was lowered; how many nodes it has; node
 * i as its operator sees it, and the name of the caller's node that it comes from. Borrowed. */
bool fsn__exec_is_lowered(const struct fsn__exec *exec);
int fsn__exec_node_count(const struct fsn__exec *exec);
const struct fsn__op_ctx *fsn__exec_node(const struct fsn__exec *exec, int i);
const char *fsn__exec_node_name(const struct fsn__exec *exec, int i);

#endif
