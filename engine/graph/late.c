/*
 * late.c - nodes whose output is as large as the values of their inputs say.
 *
 * NonMaxSuppression and NonZero write a row for each thing that they find. The executor plans all
 * memory before it has seen an image, so it runs none of what comes behind them. As the tail of a
 * network that is looked at in front of them, though, such nodes are welcome: they are read,
 * carried along and written again as they are. What they write is called late here, and so is all
 * that depends on it. Where the inputs are constants, nothing is late: folding runs these nodes
 * too.
 */
#include "graph/graph.h"

bool fsn__graph_is_late(const struct fsn__graph *graph, int node)
{
    const struct fsn__node *at = &graph->nodes[node];

    for (int i = 0; i < at->n_in; i++) {
        const struct fsn__value *value = at->in[i] >= 0 ? &graph->values[at->in[i]] : NULL;

        if (!value)
            continue;
        if (value->late)
            return true;
        if ((at->op->flags & FSN__COUNTS) && !value->tensor.data && fsn__numel(&value->tensor) != 0)
            return true;
    }
    return false;
}

enum fsn_status fsn__graph_refuse_late(const struct fsn__graph *graph, struct fsn_error *err)
{
    for (int i = 0; i < graph->node_count; i++)
        if (fsn__graph_is_late(graph, i))
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "%s '%.100s': how much it writes is known only when an image has been "
                             "seen, so networks are run up to there: name values in front of it by "
                             "detection.locations and detection.confidences, or by distill_outputs",
                             graph->nodes[i].op->name, graph->nodes[i].name);
    return FSN_OK;
}
