/* lower_unary.c - lowering of activations other than Relu and Clip.
 *
 * A function with f(0) = 0 runs on blocked tensors as it does on plain ones: the lanes that are no
 * channels stay zero (lower.c lists such functions). Sigmoid has not, but x Sigmoid(x), as SiLU is
 * usually exported, is Swish: so a Sigmoid of a blocked tensor waits for the Mul.
 */
#include "graph/lowering.h"

static void emit_unary(struct fsn__lowering *l, const struct fsn__op *op,
                       const struct fsn__attrs *attrs, int x, int y)
{
    int z = fsn__solid_of(l, x), out = -1;

    fsn__emit(l, op, attrs, 1, &z, 1, &out);
    fsn__set_solid(l, y, out);
}

bool fsn__lower_unary(struct fsn__lowering *l, const struct fsn__node *node)
{
    if (!fsn__has_blocked(l, node->in[0]))
        return false;
    emit_unary(l, node->op, &node->attrs, node->in[0], node->out[0]);
    return true;
}

/* Left out: made plain if what reads it is not the Mul. */
bool fsn__lower_sigmoid(struct fsn__lowering *l, const struct fsn__node *node)
{
    return fsn__has_blocked(l, node->in[0]) && l->uses[node->out[0]] == 1;
}

/* Whether `gate` is a Sigmoid of x that was left out. */
static bool is_gate(const struct fsn__lowering *l, int gate, int x)
{
    const int producer = l->from->values[gate].producer;
    const struct fsn__node *node = producer >= 0 ? &l->from->nodes[producer] : NULL;

    return node && node->op == &fsn__op_sigmoid && node->in[0] == x && l->form[gate].plain < 0;
}

bool fsn__lower_mul(struct fsn__lowering *l, const struct fsn__node *node)
{
    const int a = node->in[0], b = node->in[1];
    const int x = is_gate(l, b, a) ? a : is_gate(l, a, b) ? b : -1;

    if (!fsn__has_blocked(l, x))
        return false;
    emit_unary(l, &fsn__op_swish, NULL, x, node->out[0]);
    return true;
}
