/* lowering.h - the layout pass at work: what its files share (lower.c, lower_*.c).
 *
 * Values of the source graph ("from") have forms in the lowered one ("to"): plain, or blocked, or
 * both. A blocked form is lazy: x = relu?(a z + b), where z is what some node has written.
 * The pass walks the source in order. Whatever reads a value asks for the form it needs, and what
 * is missing is made then: Pack, Unpack or Join. A FilterSummary is lazy too: a fast convolution
 * reads its filters from F itself, and for another reader they are gathered when it asks.
 */
#ifndef FSN_GRAPH_LOWERING_H
#define FSN_GRAPH_LOWERING_H

#include "graph/lower.h"
#include "kernels/blocked.h"

/* Value indices of the lowered graph, -1 for none. */
struct fsn__form {
    int plain;
    int z, a, b; /* blocked; a, b -1: x = z */
    bool relu;
    int s1, s2; /* sums of z over a channel, when some node has them */
};

/* Like a builder: after a failure everything does nothing. */
struct fsn__lowering {
    const struct fsn__graph *from;
    struct fsn__graph *to;
    bool training;
    struct fsn__form *form; /* [from's values] */
    int *uses;              /* [from's values] times read */
    bool *trained;          /* [from's values] some PARAM lies before */
    bool *normalised;       /* [from's values] batch norm reads its channel sums */
    int *origin;            /* [to's nodes] */
    int origin_capacity;
    int node; /* of from, now being lowered */
    enum fsn_status status;
    struct fsn_error *err;
};

/* ---- emitting (lower_emit.c) ------------------------------------------------------------------
 */

/* Adds a node with its outputs, named after the source's node, and infers it. */
void fsn__emit(struct fsn__lowering *l, const struct fsn__op *op, const struct fsn__attrs *attrs,
               int n_in, const int *in, int n_out, int *out);

/* The source's node as it is, on plain tensors. */
void fsn__keep_node(struct fsn__lowering *l, const struct fsn__node *node);

/* The value in plain layout, made if need be; -1 for value -1. */
int fsn__plain_of(struct fsn__lowering *l, int value);
/* The value in blocked layout, lazy or not, made if need be. */
struct fsn__form fsn__blocked_form(struct fsn__lowering *l, int value);
/* The value written out in blocked layout: x = z. */
int fsn__solid_of(struct fsn__lowering *l, int value);

/* The value got a blocked form: x = z, or a lazy one. */
void fsn__set_solid(struct fsn__lowering *l, int value, int z);
void fsn__set_lazy(struct fsn__lowering *l, int value, const struct fsn__form *form);

static inline bool fsn__has_blocked(const struct fsn__lowering *l, int value)
{
    return value >= 0 && l->form[value].z >= 0;
}

static inline const struct fsn__tensor *fsn__from_tensor(const struct fsn__lowering *l, int value)
{
    return value >= 0 ? &l->from->values[value].tensor : NULL;
}

/* float32 [N,C,H,W] of known size. */
bool fsn__is_map(const struct fsn__lowering *l, int value);

/* The node that wrote a value's z, when it is a node of `op`, the value is nothing but its output
 * and the node now being lowered alone reads it: then it may be changed. Else NULL. */
struct fsn__node *fsn__own_producer(const struct fsn__lowering *l, int value,
                                    const struct fsn__op *op);
/* The integer attribute of a node that was emitted with it. */
struct fsn__attr *fsn__emitted_attr(const struct fsn__node *node, const char *name);

/* ---- patterns: each lowers the node and returns true, or leaves it alone ----------------------
 */

bool fsn__lower_filter_summary(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_conv(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_batch_norm(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_relu(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_clip(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_unary(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_sigmoid(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_mul(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_add(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_max_pool(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_average_pool(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_global_pool(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_concat(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_slice(struct fsn__lowering *l, const struct fsn__node *node);
bool fsn__lower_pad(struct fsn__lowering *l, const struct fsn__node *node);

/* A Concat along the channels of maps. */
bool fsn__is_channel_concat(const struct fsn__lowering *l, const struct fsn__node *node);

/* A Join of one or two blocked forms (second NULL: one). clip: bounds of the result, or NULL. */
int fsn__emit_join(struct fsn__lowering *l, const struct fsn__form *first,
                   const struct fsn__form *second, const float *clip);
/* The sums over the channels of the value's z, made if need be. Its form must be solid. */
void fsn__need_sums(struct fsn__lowering *l, int value);

#endif
