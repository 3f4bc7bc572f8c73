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
    int *place_of;               /* [values] whose gradient it shares a place with, or -1 */
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

/* When everything is alive, and its size: *count new blocks, freed by free(), of the values, of
 * their gradients and of the nodes' saved state, in this order. Also finds the scratch that the
 * largest node needs. NULL: out of memory. */
struct fsn__block *fsn__find_lifetimes(struct fsn__exec *exec, int *count);
/* Lists, for each node, the gradients that its backward is the first to write: those to be zeroed
 * before it, or told to it as fresh. */
FSN_NODISCARD enum fsn_status
fsn__schedule_clears(struct fsn__exec *exec, const struct fsn__block *grads, struct fsn_error *err);

#endif
