/* exec_residual.c - residual blocks whose gradients share one place.
 *
 *     z = Conv(...)     y = relu(a z + b + s)     s: what the block began with, or its shortcut
 *
 * Going back, the gradients of a z + b, of s, and of y where Relu let it pass are the same numbers,
 * g. Three maps for them would be written and read again, and maps are what a step of a small
 * network waits for. So they lie in one place, through a whole stage of blocks:
 *
 *   - whoever is the last to add to y's gradient makes it g on the way and takes the sums that
 * batch norm needs (kernels.h, "joined"), if its kernel can; else the Join does, in place;
 *   - Conv reads g times a in place of a gradient of its own (kernels.h, "scale");
 *   - the other readers of s add to g, which is then the gradient of s.
 *
 * This holds where nobody adds to g before Conv has read it. Backward runs from the last node to
 * the first, so: every other reader of s comes before Conv in the graph's order, and is not Conv
 * itself.
 */
#include "graph/exec_residual.h"
#include "kernels/blocked.h"

enum { JOIN_OPERAND = 3, JOIN_A = 1, JOIN_B = 2, BN_Z = 4, CONV_X = 0, CONV_A = 3 };

/* A Join that ends a block, and its operands. */
struct block {
    int join, conv; /* nodes */
    int y, z, s, a, b;
};

static bool flows(const struct fsn__exec *exec, int value)
{
    return value >= 0 && exec->wants[value] &&
           exec->graph->values[value].kind == FSN__VALUE_COMPUTED;
}

static bool is_output(const struct fsn__graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

/* In how many places node i reads the value; *slot: the last of them. */
static int reads(const struct fsn__node *node, int value, int *slot)
{
    int count = 0;

    for (int j = 0; j < node->n_in; j++)
        if (node->in[j] == value) {
            *slot = j;
            count++;
        }
    return count;
}

static int input(const struct fsn__node *node, int slot)
{
    return slot < node->n_in ? node->in[slot] : -1;
}

static bool is_relu_of_sum(const struct fsn__node *node)
{
    return node->op == &fsn__op_join && fsn__attr_int(&node->attrs, "relu", 0) != 0 &&
           fsn__attr_int(&node->attrs, "clip", 0) == 0 &&
           fsn__attr_int(&node->attrs, "relu1", 0) == 0 &&
           fsn__attr_int(&node->attrs, "relu2", 0) == 0;
}

/* The block that Join i ends with its operand k normalised and the other plain. */
static bool read_block(const struct fsn__exec *exec, int i, int k, struct block *block)
{
    const struct fsn__graph *graph = exec->graph;
    const struct fsn__node *join = &graph->nodes[i], *conv;
    const int main = JOIN_OPERAND * k, other = JOIN_OPERAND * (1 - k);

    *block = (struct block){.join = i,
                            .y = join->out[0],
                            .z = input(join, main),
                            .a = input(join, main + JOIN_A),
                            .b = input(join, main + JOIN_B),
                            .s = input(join, other)};
    if (!flows(exec, block->y) || !flows(exec, block->z) || !flows(exec, block->a) ||
        !flows(exec, block->b) || !flows(exec, block->s) || block->z == block->s ||
        input(join, other + JOIN_A) >= 0 || is_output(graph, block->y) ||
        is_output(graph, block->z) || is_output(graph, block->s))
        return false;
    block->conv = graph->values[block->z].producer;
    conv = &graph->nodes[block->conv];
    return conv->op == &fsn__op_fast_conv && conv->out[0] == block->z && conv->n_out == 3 &&
           flows(exec, conv->out[1]) && flows(exec, conv->out[2]);
}

/* Whether g may stay in one place until Conv has read it. */
static bool stays(const struct fsn__exec *exec, const struct block *block)
{
    for (int i = 0; i < exec->graph->node_count; i++) {
        const struct fsn__node *node = &exec->graph->nodes[i];
        int slot = -1;

        if (i == block->join || !exec->nodes[i].backward)
            continue;
        if (reads(node, block->s, &slot) > 0 && i >= block->conv)
            return false;
        if (reads(node, block->z, &slot) > 0 &&
            (node->op != &fsn__op_bn_coef || slot != BN_Z || reads(node, block->z, &slot) > 1))
            return false; /* batch norm's gradient comes through the sums */
    }
    return true;
}

/* The node that is the last to add to y's gradient. */
static int last_writer(const struct fsn__exec *exec, int y)
{
    int slot = -1;

    for (int i = 0; i < exec->graph->node_count; i++)
        if (exec->nodes[i].backward && reads(&exec->graph->nodes[i], y, &slot) > 0)
            return i;
    return -1;
}

/* A convolution that reads y as it is, by a kernel that can finish y's gradient. */
static bool can_finish(const struct fsn__exec *exec, int i, int y)
{
    const struct fsn__node *node = &exec->graph->nodes[i];
    int slot = -1;

    return node->op == &fsn__op_fast_conv && reads(node, y, &slot) == 1 && slot == CONV_X &&
           input(node, CONV_A) < 0 && fsn__attr_int(&node->attrs, "load_relu", 0) == 0 &&
           fsn__fast_conv_finishes(&exec->nodes[i].ctx);
}

static void share(struct fsn__exec *exec, const struct block *block)
{
    /* Where y is the s of a later block, that block's place: it has been dealt with before. */
    const int place = exec->place_of[block->y] >= 0 ? exec->place_of[block->y] : block->y;
    struct fsn__op_ctx *join = &exec->nodes[block->join].ctx;
    const int last = last_writer(exec, block->y);

    exec->place_of[block->z] = exec->place_of[block->s] = place;
    exec->nodes[block->conv].ctx.dout_scale = &exec->tensors[block->a];
    join->passes = true;
    if (last >= 0 && can_finish(exec, last, block->y)) {
        exec->nodes[last].ctx.finishes = join;
        join->finished = true;
    }
}

void fsn__share_residual_gradients(struct fsn__exec *exec)
{
    struct block block;

    for (int i = exec->graph->node_count - 1; i >= 0; i--)
        if (exec->nodes[i].backward && is_relu_of_sum(&exec->graph->nodes[i]))
            for (int k = 0; k < 2; k++)
                if (read_block(exec, i, k, &block) && stays(exec, &block)) {
                    share(exec, &block);
                    break;
                }
}
