/* exec_lifetimes.c - when each value, gradient and saved state of a run is alive.
 *
 * Time runs in steps: node i's forward is step i, its backward step 2n-1-i (n nodes). What is read
 * in backward is said by the operators (backward_in, backward_out).
 */
#include "graph/exec_state.h"

#include <stdlib.h>

static void extend(struct fsn__block *block, int step)
{
    if (step > block->death)
        block->death = step;
}

static bool bit(uint64_t mask, int i)
{
    return mask >> i & 1; /* i < FSN__MAX_IO = 64 */
}

static void value_lifetimes(const struct fsn__exec *exec, struct fsn__block *values)
{
    const struct fsn__graph *graph = exec->graph;
    int n = graph->node_count, last = exec->steps;

    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];

        if (value->kind != FSN__VALUE_INPUT && value->kind != FSN__VALUE_COMPUTED)
            continue;
        values[i].size = fsn__tensor_bytes(&exec->tensors[i]);
        if (values[i].size == 0)
            values[i].size = 1; /* an empty tensor still has an address */
        values[i].birth = values[i].death = value->producer;
        if (value->kind == FSN__VALUE_INPUT) { /* filled by the caller, read again at will */
            values[i].birth = 0;
            values[i].death = last;
        }
    }
    for (int i = 0; i < n; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        bool backward = exec->nodes[i].backward;

        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0)
                extend(&values[node->in[j]],
                       backward && bit(node->op->backward_in, j) ? 2 * n - 1 - i : i);
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0 && backward && bit(node->op->backward_out, j))
                extend(&values[node->out[j]], 2 * n - 1 - i);
    }
    for (int i = 0; i < n; i++) {
        const struct fsn__tensor *scale = exec->nodes[i].ctx.dout_scale;

        if (scale)
            extend(&values[scale - exec->tensors], 2 * n - 1 - i);
    }
    for (int i = 0; i < graph->output_count; i++)
        values[graph->outputs[i]].death = last;
}

/* A gradient is born when its value's last reader runs backward (an output's: when forward ends)
 * and dies with its producer's backward. */
static void gradient_lifetimes(const struct fsn__exec *exec, struct fsn__block *grads)
{
    const struct fsn__graph *graph = exec->graph;
    int n = graph->node_count;

    for (int i = 0; i < graph->value_count; i++) {
        if (!exec->wants[i] || graph->values[i].kind != FSN__VALUE_COMPUTED)
            continue;
        grads[i].size = fsn__tensor_bytes(&exec->tensors[i]);
        grads[i].birth = grads[i].death = 2 * n - 1 - graph->values[i].producer;
    }
    for (int i = 0; i < n; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0 && exec->nodes[i].backward && grads[node->in[j]].size > 0 &&
                2 * n - 1 - i < grads[node->in[j]].birth)
                grads[node->in[j]].birth = 2 * n - 1 - i;
    }
    for (int i = 0; i < graph->output_count; i++)
        if (grads[graph->outputs[i]].size > 0)
            grads[graph->outputs[i]].birth = n - 1;
    for (int i = 0; i < graph->value_count; i++)
        if (grads[i].size > 0 && grads[i].birth == grads[i].death)
            grads[i].size = 0; /* nothing reads the value, so no gradient comes */
}

/* A place is taken for as long as any of those who share it is alive. grads begin at block `first`.
 */
static void share_places(const struct fsn__exec *exec, struct fsn__block *grads, int first)
{
    for (int i = 0; i < exec->graph->value_count; i++) {
        const int host = exec->place_of[i];

        if (host < 0)
            continue;
        grads[i].guest_of = first + host + 1;
        extend(&grads[host], grads[i].death);
    }
}

/* Also finds the scratch that the largest node needs. */
static void saved_lifetimes(struct fsn__exec *exec, struct fsn__block *saved)
{
    int n = exec->graph->node_count;

    for (int i = 0; i < n; i++) {
        struct fsn__exec_node *node = &exec->nodes[i];
        size_t work = 0, keep = 0;

        if (node->ctx.op->sizes)
            node->ctx.op->sizes(&node->ctx, &work, &keep);
        if (work > exec->work_size)
            exec->work_size = work;
        saved[i].size = keep;
        saved[i].birth = i;
        saved[i].death = node->backward ? 2 * n - 1 - i : i;
    }
}

struct fsn__block *fsn__find_lifetimes(struct fsn__exec *exec, int *count)
{
    const int values = exec->graph->value_count, nodes = exec->graph->node_count;
    struct fsn__block *blocks = calloc((size_t)values * 2 + (size_t)nodes + 1, sizeof *blocks);

    *count = values * 2 + nodes;
    if (!blocks)
        return NULL;
    value_lifetimes(exec, blocks);
    if (exec->training) {
        gradient_lifetimes(exec, blocks + values);
        share_places(exec, blocks + values, values);
    }
    saved_lifetimes(exec, blocks + 2 * values);
    return blocks;
}

/* Node i overwrites what is fresh: its operator can, and has a gradient for every output, so that
 * there is something to write. */
static bool overwrites(const struct fsn__graph *graph, int i, const struct fsn__block *grads)
{
    const struct fsn__node *node = &graph->nodes[i];

    if (!(node->op->flags & FSN__OVERWRITES))
        return false;
    for (int j = 0; j < node->n_out; j++)
        if (node->out[j] >= 0 && grads[node->out[j]].size == 0)
            return false;
    return true;
}

/* The places in node i's inputs of gradients born in its backward, each once: x + x reads x twice.
 * Their number. */
static int first_writes(const struct fsn__graph *graph, int i, const struct fsn__block *grads,
                        int *slots)
{
    const struct fsn__node *node = &graph->nodes[i];
    int count = 0;

    for (int j = 0; j < node->n_in; j++) {
        int value = node->in[j];
        bool listed = false;

        if (value < 0 || grads[value].size == 0 ||
            grads[value].birth != 2 * graph->node_count - 1 - i)
            continue;
        for (int k = 0; k < count; k++)
            listed |= node->in[slots[k]] == value;
        if (!listed)
            slots[count++] = j;
    }
    return count;
}

enum fsn_status fsn__schedule_clears(struct fsn__exec *exec, const struct fsn__block *grads,
                                     struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;
    int at = 0;

    exec->clear = fsn__arena_alloc(&exec->arena, (size_t)graph->value_count + 1, sizeof(int));
    if (!exec->clear)
        return FSN__NOMEM(err);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct fsn__exec_node *node = &exec->nodes[i];
        int slots[FSN__MAX_IO], count;
        bool *fresh;

        node->clear_first = at;
        if (!node->backward)
            continue;
        count = first_writes(graph, i, grads, slots);
        if (!overwrites(graph, i, grads)) {
            for (int k = 0; k < count; k++)
                exec->clear[at++] = graph->nodes[i].in[slots[k]];
            node->clear_count = count;
            continue;
        }
        fresh = fsn__arena_alloc(&exec->arena, (size_t)graph->nodes[i].n_in, sizeof *fresh);
        if (!fresh)
            return FSN__NOMEM(err);
        for (int k = 0; k < count; k++)
            fresh[slots[k]] = true;
        node->ctx.fresh = fresh;
    }
    return FSN_OK;
}
