/*
 * sharing.c - progressive sharing: W = (1 - t) W_baseline + t A F, t from 0 to 1 while training.
 *
 * At t = 0 the network is the baseline, which works, and F, which is the least-squares fit, does
 * not yet have to. As t rises, what F cannot say is taken away little by little, and training fills
 * the gap with what F can. At t = 1 the baseline's filters are read no more.
 */
#include "fs/fs.h"

float *fsn__fs_sharing(const struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (node->op == &fsn__op_filter_summary && node->n_in > FSN__FS_SHARE &&
            node->in[FSN__FS_SHARE] >= 0)
            return fsn__f32(&graph->values[node->in[FSN__FS_SHARE]].tensor);
    }
    return NULL;
}

enum fsn_status fsn__fs_end_sharing(struct fsn__graph *graph, struct fsn_error *err)
{
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node *node = &graph->nodes[i];

        if (node->op == &fsn__op_filter_summary && node->n_in > FSN__FS_BASE &&
            node->in[FSN__FS_BASE] >= 0) {
            node->in[FSN__FS_BASE] = node->in[FSN__FS_SHARE] = -1;
            while (node->in[node->n_in - 1] < 0)
                node->n_in--;
        }
    }
    return fsn__graph_prune(graph, err);
}
