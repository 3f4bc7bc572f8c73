/* order.c - topological order, reachability, renumbering. */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

/* Depth-first from every node in file order, inputs first: a file already in order stays as it is.
 * The stack is on the heap, since a file may chain 100,000 nodes. */
struct visit {
    int node;
    int next; /* input slot to look at next */
};

enum { WHITE, GREY, BLACK };

enum fsn_status fsn__graph_sort(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    size_t n = (size_t)graph->node_count;
    unsigned char *colour = calloc(n + 1, 1);
    struct visit *stack = calloc(n + 1, sizeof *stack);
    struct fsn__node *sorted = calloc(n + 1, sizeof *sorted);
    int done = 0;

    if (!colour || !stack || !sorted) {
        status = FSN__NOMEM(err);
        goto out;
    }
    for (int root = 0; root < graph->node_count; root++) {
        int depth = 0;

        if (colour[root] != WHITE)
            continue;
        stack[0] = (struct visit){.node = root};
        colour[root] = GREY;
        while (depth >= 0) {
            struct visit *top = &stack[depth];
            const struct fsn__node *node = &graph->nodes[top->node];
            int value, producer;

            if (top->next == node->n_in) {
                colour[top->node] = BLACK;
                sorted[done++] = *node;
                depth--;
                continue;
            }
            value = node->in[top->next++];
            producer = value >= 0 ? graph->values[value].producer : -1;
            if (producer < 0 || colour[producer] == BLACK)
                continue;
            if (colour[producer] == GREY) {
                status = FSN__FAIL(err, FSN_FORMAT, "%s '%s' lies on a cycle", node->op->name,
                                   node->name);
                goto out;
            }
            colour[producer] = GREY;
            stack[++depth] = (struct visit){.node = producer};
        }
    }
    if (n > 0) /* a graph of constants alone has no node to move, and no array of nodes */
        memcpy(graph->nodes, sorted, n * sizeof *sorted);
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].n_out; j++)
            if (graph->nodes[i].out[j] >= 0)
                graph->values[graph->nodes[i].out[j]].producer = i;
    fsn__names_free(&graph->node_names);
    for (int i = 0; i < graph->node_count; i++)
        if (!fsn__names_put(&graph->node_names, graph->nodes[i].name, i)) {
            status = FSN__NOMEM(err);
            goto out;
        }
out:
    free(colour);
    free(stack);
    free(sorted);
    return status;
}

void fsn__graph_remove_node(struct fsn__graph *graph, int node)
{
    struct fsn__node *gone = &graph->nodes[node];

    for (int i = 0; i < gone->n_out; i++)
        if (gone->out[i] >= 0 && graph->values[gone->out[i]].producer == node)
            graph->values[gone->out[i]].producer = -1;
    gone->n_in = gone->n_out = 0;
}

void fsn__graph_redirect(struct fsn__graph *graph, int from, int to)
{
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].n_in; j++)
            if (graph->nodes[i].in[j] == from)
                graph->nodes[i].in[j] = to;
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == from)
            graph->outputs[i] = to;
}

int *fsn__graph_count_uses(const struct fsn__graph *graph)
{
    int *uses = calloc((size_t)graph->value_count + 1, sizeof *uses);

    if (!uses)
        return NULL;
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].n_in; j++)
            if (graph->nodes[i].in[j] >= 0)
                uses[graph->nodes[i].in[j]]++;
    for (int i = 0; i < graph->output_count; i++)
        uses[graph->outputs[i]]++;
    return uses;
}

/* Marks what the outputs need: nodes stand in order, so one sweep backwards is enough. */
static void mark_needed(const struct fsn__graph *graph, bool *need_value, bool *need_node)
{
    for (int i = 0; i < graph->output_count; i++)
        need_value[graph->outputs[i]] = true;
    for (int i = 0; i < graph->input_count; i++)
        need_value[graph->inputs[i]] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &graph->nodes[i];

        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0 && need_value[node->out[j]])
                need_node[i] = true;
        if (!need_node[i])
            continue;
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0)
                need_value[node->out[j]] = true;
        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0)
                need_value[node->in[j]] = true;
    }
}

static void renumber(int *indices, int count, const int *map)
{
    for (int i = 0; i < count; i++)
        if (indices[i] >= 0)
            indices[i] = map[indices[i]];
}

/* An output beyond the operator's first ones that nothing reads is dropped from its node, so that
 * BatchNormalization or MaxPool does not keep work for it. Split keeps all of its own: how many it
 * has says how long each is. */
static void drop_unread_outputs(struct fsn__graph *graph, const int *uses)
{
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node *node = &graph->nodes[i];

        while (node->op != &fsn__op_split && node->n_out > node->op->min_out && node->n_out > 1 &&
               (node->out[node->n_out - 1] < 0 || uses[node->out[node->n_out - 1]] == 0))
            node->n_out--;
    }
}

enum fsn_status fsn__graph_prune(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    bool *need_value = calloc((size_t)graph->value_count + 1, sizeof *need_value);
    bool *need_node = calloc((size_t)graph->node_count + 1, sizeof *need_node);
    int *map = calloc((size_t)graph->value_count + 1, sizeof *map);
    int *uses = fsn__graph_count_uses(graph);
    int values = 0, nodes = 0;

    if (!need_value || !need_node || !map || !uses) {
        status = FSN__NOMEM(err);
        goto out;
    }
    drop_unread_outputs(graph, uses);
    mark_needed(graph, need_value, need_node);
    fsn__names_free(&graph->value_names);
    fsn__names_free(&graph->node_names);
    for (int i = 0; i < graph->value_count; i++) {
        if (!need_value[i]) {
            if (!graph->values[i].borrowed)
                free(graph->values[i].tensor.data);
            continue;
        }
        map[i] = values;
        graph->values[values] = graph->values[i];
        graph->values[values].producer = -1;
        values++;
    }
    graph->value_count = values;
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node node = graph->nodes[i];

        if (!need_node[i])
            continue;
        renumber(node.in, node.n_in, map);
        renumber(node.out, node.n_out, map);
        for (int j = 0; j < node.n_out; j++)
            if (node.out[j] >= 0)
                graph->values[node.out[j]].producer = nodes;
        graph->nodes[nodes++] = node;
    }
    graph->node_count = nodes;
    renumber(graph->inputs, graph->input_count, map);
    renumber(graph->outputs, graph->output_count, map);
    for (int i = 0; i < values && status == FSN_OK; i++)
        if (!fsn__names_put(&graph->value_names, graph->values[i].name, i))
            status = FSN__NOMEM(err);
    for (int i = 0; i < nodes && status == FSN_OK; i++)
        if (!fsn__names_put(&graph->node_names, graph->nodes[i].name, i))
            status = FSN__NOMEM(err);
out:
    free(need_value);
    free(need_node);
    free(map);
    free(uses);
    return status;
}
