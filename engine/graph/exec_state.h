/* exec_state.h - what the executor's two files share: exec.c runs, exec_lifetimes.c says what is
 * alive when. */
#ifndef FSN_GRAPH_EXEC_STATE_H
#define FSN_GRAPH_EXEC_STATE_H

#include "graph/exec.h"
#include "graph/lower.h"
#include "graph/memory_plan.h"

struct fsn__exec_node {
    struct fsn__op_ctx ctx;
    bool backward;   /* some input wants a gradient */
    int clear_first; /* this node's backward zeroes gradients clear[clear_first ... + clear_count)
                      */
    int clear_count;
};

struct fsn__exec {
    struct fsn__graph *graph;     /* what runs: the caller's or the lowered one */
    struct fsn__lowered *lowered; /* NULL: the caller's graph runs as it is */
    struct fsn__arena arena;
    int steps; /* n, or 2n when training */
    bool training;
    struct fsn__tensor *tensors; /* [values] at the concrete batch */
    struct fsn__tensor *grads;   /* [values]; data NULL: none */
    bool *wants;                 /* [values] a gradient flows here */
    struct fsn__exec_node *nodes;
    int *clear;   /* value indices, grouped by the node that clears them */
    void *buffer; /* the planned block */
    size_t buffer_size;
    float *param_grads;      /* one block */
    size_t param_grads_size; /* bytes */
    void *work;
    size_t work_size;
    fsn__exec_timer_fn *timer; /* NULL: nodes are not timed */
    void *timer_user;
};

/* When values, their gradients and the nodes' saved state are alive, and their sizes: into blocks
 * of zeros. The last also finds the scratch that the largest node needs. */
void fsn__value_lifetimes(const struct fsn__exec *exec, struct fsn__block *values);
void fsn__gradient_lifetimes(const struct fsn__exec *exec, struct fsn__block *grads);
void fsn__saved_lifetimes(struct fsn__exec *exec, struct fsn__block *saved);
/* Lists, for each node, the gradients that its backward is the first to write: those to be zeroed
 * before it, or told to it as fresh. */
FSN_NODISCARD enum fsn_status
fsn__schedule_clears(struct fsn__exec *exec, const struct fsn__block *grads, struct fsn_error *err);

#endif
