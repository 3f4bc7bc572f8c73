/* exec_residual.h - one gradient for a residual block: what exec_residual.c decides before memory
 * is planned. */
#ifndef FSN_GRAPH_EXEC_RESIDUAL_H
#define FSN_GRAPH_EXEC_RESIDUAL_H

#include "graph/exec_state.h"

/* Fills exec->place_of and what the contexts of the nodes concerned say of it (ops/op.h). Training
 * only, after it is known which gradients flow. */
void fsn__share_residual_gradients(struct fsn__exec *exec);

#endif
