/* blocked.c - which nodes keep gradients from weights that they should reach.
 *
 * A weight is stuck when the ends depend on it and no way back to it leads through operators that
 * all have a gradient: a truth value that picks between two branches does no harm, a QuantizeLinear
 * that everything passes does. Blamed are the nodes without a gradient that a stuck weight meets
 * first on its way to the ends. Nodes stand in order, so each question is one sweep. The same is
 * asked of what the ends need at all.
 */
#include "graph/graph.h"

#include <stdlib.h>

struct sweep {
    const struct fsn__graph *graph;
    bool *used;  /* [value_count] the ends depend on it */
    bool *back;  /* ... and a gradient comes back to it */
    bool *stuck; /* [value_count] depends on a stuck weight, and no gradient comes back to it */
};

static bool any(const bool *flags, const int *values, int count)
{
    for (int i = 0; i < count; i++)
        if (values[i] >= 0 && flags[values[i]])
            return true;
    return false;
}

void fsn__graph_mark_ends(const struct fsn__graph *graph, const struct fsn__ends *ends, bool *flag)
{
    const bool all = !ends || ends->count == 0;
    const int count = all ? graph->output_count : ends->count;

    for (int i = 0; i < count; i++)
        flag[all ? graph->outputs[i] : ends->value[i]] = true;
}

static void sweep_back(struct sweep *s, const struct fsn__ends *ends)
{
    fsn__graph_mark_ends(s->graph, ends, s->used);
    fsn__graph_mark_ends(s->graph, ends, s->back);
    for (int i = s->graph->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &s->graph->nodes[i];
        const bool used = any(s->used, node->out, node->n_out);
        const bool back = node->op->backward && any(s->back, node->out, node->n_out);

        for (int j = 0; j < node->n_in; j++) {
            const int value = node->in[j];

            if (value < 0)
                continue;
            s->used[value] |= used;
            s->back[value] |= back && s->graph->values[value].tensor.dtype == FSN__F32;
        }
    }
}

static int sweep_forward(struct sweep *s, bool *blocked)
{
    int count = 0;

    for (int i = 0; i < s->graph->value_count; i++)
        s->stuck[i] = s->graph->values[i].kind == FSN__VALUE_PARAM && s->used[i] && !s->back[i];
    for (int i = 0; i < s->graph->node_count; i++) {
        const struct fsn__node *node = &s->graph->nodes[i];

        blocked[i] = false;
        if (!any(s->stuck, node->in, node->n_in) || !any(s->used, node->out, node->n_out))
            continue;
        if (!node->op->backward) {
            blocked[i] = true;
            count++;
            continue;
        }
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0 && !s->back[node->out[j]])
                s->stuck[node->out[j]] = true;
    }
    return count;
}

int fsn__graph_find_needed(const struct fsn__graph *graph, const struct fsn__ends *ends,
                           bool *needed)
{
    bool *used = calloc((size_t)graph->value_count + 1, sizeof *used);
    int others = 0;

    if (!used)
        return -1;
    fsn__graph_mark_ends(graph, ends, used);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &graph->nodes[i];

        needed[i] = any(used, node->out, node->n_out);
        others += !needed[i];
        for (int j = 0; needed[i] && j < node->n_in; j++)
            if (node->in[j] >= 0)
                used[node->in[j]] = true;
    }
    free(used);
    return others;
}

int fsn__graph_find_blocked(const struct fsn__graph *graph, const struct fsn__ends *ends,
                            bool *blocked)
{
    const size_t values = (size_t)graph->value_count;
    bool *flags = calloc(3 * values + 1, sizeof *flags);
    struct sweep sweep = {.graph = graph};
    int count;

    if (!flags)
        return -1;
    sweep.used = flags;
    sweep.back = flags + values;
    sweep.stuck = flags + 2 * values;
    sweep_back(&sweep, ends);
    count = sweep_forward(&sweep, blocked);
    free(flags);
    return count;
}
