/* statistics.h - batch norm's statistics, measured anew for weights that stand still. */
#ifndef FSN_TRAIN_STATISTICS_H
#define FSN_TRAIN_STATISTICS_H

#include "graph/graph.h"

struct fsn__statistics {
    int count, passes;
    struct fsn__norm *item; /* [count] pairs of running statistics */
    double *sums;           /* one block */
};

/* The running statistics of the graph's batch norms. Zero-initialise *out. */
FSN_NODISCARD enum fsn_status fsn__statistics_create(struct fsn__graph *graph,
                                                     struct fsn__statistics *out,
                                                     struct fsn_error *err);
void fsn__statistics_clear(struct fsn__statistics *statistics);
/* Around each forward pass in training mode, on batches of one size. */
void fsn__statistics_before(struct fsn__statistics *statistics);
void fsn__statistics_after(struct fsn__statistics *statistics);
/* Sets the graph's statistics to those of all images that passed. */
void fsn__statistics_finish(struct fsn__statistics *statistics);

#endif
