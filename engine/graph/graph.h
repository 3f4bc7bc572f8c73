/* graph.h - the network: values, nodes, and what may be done to them.
 *
 * A graph owns everything in it. Values and nodes are named by index; nodes stand in topological
 * order at all times. Values are inputs, constants (weights among them) or computed by one node.
 */
#ifndef FSN_GRAPH_GRAPH_H
#define FSN_GRAPH_GRAPH_H

#include "core/mem.h"
#include "graph/box_tables.h"
#include "graph/names.h"
#include "ops/op.h"

enum fsn__value_kind {
    FSN__VALUE_INPUT,
    FSN__VALUE_CONST,   /* data known; not trained */
    FSN__VALUE_PARAM,   /* data known; trained */
    FSN__VALUE_STAT,    /* data known; running statistics that batch norm's forward updates */
    FSN__VALUE_COMPUTED /* output of a node */
};

/* Elements that are the cubes of whole numbers, from -127 to 127 or from 0 to 255, times a step:
 * those of a group share both (quant/round_rest.c). step 0: they are not. */
struct fsn__cubes {
    float step;
    bool positive;
    uint8_t group;
};

struct fsn__value {
    const char *name; /* unique in the graph; arena */
    enum fsn__value_kind kind;
    struct fsn__tensor tensor; /* data owned by the graph (malloc'ed) for CONST, PARAM, STAT */
    bool borrowed;             /* ... unless it belongs to another graph, which lives longer */
    int producer;              /* node index, -1 for none */
    bool decay;                /* PARAM: weight decay applies (weights and F; not BN, not biases) */
    bool location;           /* PARAM: where filters lie; trained at a rate of its own, no decay */
    struct fsn__cubes cubes; /* CONST */
    bool late; /* COMPUTED: its shape is known when images have been seen (late.c); the tensor
                * says what the file declares, FSN_BATCH for what it leaves open */
};

struct fsn__node {
    const struct fsn__op *op;
    const char *name; /* arena; unique, made up when the file has none */
    int n_in, n_out;
    int *in, *out; /* value indices, -1 for an absent optional one; arena */
    struct fsn__attrs attrs;
};

struct fsn__graph {
    struct fsn__arena arena;
    int value_count, value_capacity;
    struct fsn__value *values;
    int node_count, node_capacity;
    struct fsn__node *nodes;
    int input_count, output_count;
    int inputs[FSN__MAX_IO], outputs[FSN__MAX_IO];
    /* The last so many outputs are values inside the network that a job looks at. Nothing may
     * change what they are; files keep their names and do not list them as outputs. */
    int inner_count;
    struct fsn__names value_names, node_names;
    unsigned invented; /* counts made-up names */
    /* While folding: the batch that the file was exported with and that is open now; Reshape's
     * target may have it baked in. 0: none. */
    int64_t baked_batch;
};

/* Values of a graph that a job trains and judges by; none, or NULL: all its outputs. */
struct fsn__ends {
    int count;
    int value[FSN__MAX_IO];
};

/* What the public header calls a model. */
struct fsn_model {
    struct fsn__graph *graph;
    struct fsn__box_tables boxes; /* of the file, whatever reads them, if anything does */
    int64_t file_bytes;           /* size of the ONNX file it was read from, 0 for none */
    int64_t opset, ir;            /* as read; 0 for none */
    char producer[64];            /* as read */
    char fixed_batch[256]; /* why the file's batch could not be opened; "" where it was, or is open
                            */
};

/* ---- build --------------------------------------------------------------------------------- */

FSN_NODISCARD enum fsn_status fsn__graph_create(struct fsn__graph **out, struct fsn_error *err);
void fsn__graph_destroy(struct fsn__graph *graph);
/* Deep copy. Value and node indices stay the same. */
FSN_NODISCARD enum fsn_status fsn__graph_clone(const struct fsn__graph *graph,
                                               struct fsn__graph **out, struct fsn_error *err);
/* The same, but constants borrow the data of the original, which must live longer. */
FSN_NODISCARD enum fsn_status fsn__graph_alias(const struct fsn__graph *graph,
                                               struct fsn__graph **out, struct fsn_error *err);

/* Adds a value; name is copied, made unique if taken, NULL or "": invented. shape may be NULL for
 * COMPUTED (inference sets it). Index into *out. The tensor's data pointer is ignored. */
FSN_NODISCARD enum fsn_status fsn__graph_add_value(struct fsn__graph *graph, const char *name,
                                                   enum fsn__value_kind kind,
                                                   const struct fsn__tensor *shape, int *out,
                                                   struct fsn_error *err);
/* Adds a constant (or PARAM, STAT): data (may be NULL: zeros) is copied. */
FSN_NODISCARD enum fsn_status fsn__graph_add_const(struct fsn__graph *graph, const char *name,
                                                   enum fsn__value_kind kind,
                                                   const struct fsn__tensor *tensor, int *out,
                                                   struct fsn_error *err);
/* The same, but the graph takes the data over, which is malloc'ed; freed on failure too. */
FSN_NODISCARD enum fsn_status fsn__graph_add_owned(struct fsn__graph *graph, const char *name,
                                                   enum fsn__value_kind kind,
                                                   const struct fsn__tensor *tensor, int *out,
                                                   struct fsn_error *err);
/* Adds a constant (or PARAM, STAT) whose data is that of `tensor` itself, borrowed. */
FSN_NODISCARD enum fsn_status fsn__graph_add_borrowed(struct fsn__graph *graph, const char *name,
                                                      enum fsn__value_kind kind,
                                                      const struct fsn__tensor *tensor, int *out,
                                                      struct fsn_error *err);
/* Appends a node reading `in` and writing `out` (indices; copied). Attributes are deep-copied into
 * the graph's arena. attrs may be NULL. Does not infer. Node index into *node unless NULL. */
FSN_NODISCARD enum fsn_status fsn__graph_add_node(struct fsn__graph *graph,
                                                  const struct fsn__op *op, const char *name,
                                                  const struct fsn__attrs *attrs, int n_in,
                                                  const int *in, int n_out, const int *out,
                                                  int *node, struct fsn_error *err);
/* The common case: one output, made here (named like the node) and inferred at once. *out: its
 * value index. */
FSN_NODISCARD enum fsn_status fsn__graph_apply(struct fsn__graph *graph, const char *op,
                                               const char *name, const struct fsn__attrs *attrs,
                                               int n_in, const int *in, int *out,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__graph_add_input(struct fsn__graph *graph, const char *name,
                                                   const struct fsn__tensor *shape, int *out,
                                                   struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__graph_add_output(struct fsn__graph *graph, int value,
                                                    struct fsn_error *err);

/* Which of the outputs the value is (*at); one more, an inner one, if it is none yet. */
FSN_NODISCARD enum fsn_status fsn__graph_add_inner(struct fsn__graph *graph, int value, int *at,
                                                   struct fsn_error *err);
/* The inner ones are none any more. */
void fsn__graph_drop_inner(struct fsn__graph *graph);

int fsn__graph_find_value(const struct fsn__graph *graph, const char *name); /* -1: none */
/* The same among what nodes write. */
int fsn__graph_find_computed(const struct fsn__graph *graph, const char *name);

/* ---- order, shapes, constants -----------------------------------------------------------------
 */

/* Sorts nodes topologically (stable). FSN_FORMAT naming a node on the cycle when there is one. */
FSN_NODISCARD enum fsn_status fsn__graph_sort(struct fsn__graph *graph, struct fsn_error *err);
/* Infers node i's outputs from its inputs' shapes (and constants); or marks them late. */
FSN_NODISCARD enum fsn_status fsn__graph_infer_node(struct fsn__graph *graph, int node,
                                                    struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__graph_infer(struct fsn__graph *graph, struct fsn_error *err);
/* Infers in order and runs every node whose inputs are all constant (Shape of a known shape counts;
 * a symbolic batch passes through Gather, Concat, Slice, ... as FSN_BATCH), replacing its outputs
 * by constants; then drops what nothing reads. max_bytes bounds all constants together. */
FSN_NODISCARD enum fsn_status fsn__graph_fold(struct fsn__graph *graph, size_t max_bytes,
                                              struct fsn_error *err);
/* Drops nodes and constants that no output needs; renumbers values and nodes. */
FSN_NODISCARD enum fsn_status fsn__graph_prune(struct fsn__graph *graph, struct fsn_error *err);

/* Whether the shapes of node i's outputs are known only when images have been seen; see late.c. */
bool fsn__graph_is_late(const struct fsn__graph *graph, int node);
/* UNSUPPORTED, naming the node from which on nothing can be run, if there is one. */
FSN_NODISCARD enum fsn_status fsn__graph_refuse_late(const struct fsn__graph *graph,
                                                     struct fsn_error *err);

/* How many times each value is read; being an output of the graph counts as one more. New array of
 * value_count, freed by free(); NULL when out of memory. */
int *fsn__graph_count_uses(const struct fsn__graph *graph);
/* Node i no longer writes or reads anything; the next prune removes it. */
void fsn__graph_remove_node(struct fsn__graph *graph, int node);

/* Makes every reader of value `from` (nodes and graph outputs) read `to`. */
void fsn__graph_redirect(struct fsn__graph *graph, int from, int to);
/* Sets input `slot` of a node, growing its list with absent inputs if it is shorter. */
FSN_NODISCARD enum fsn_status fsn__graph_set_input(struct fsn__graph *graph, int node, int slot,
                                                   int value, struct fsn_error *err);

/* Turns weights, biases, F, BN scale and shift into PARAM, BN statistics into STAT (rewrite.c). */
void fsn__graph_mark_trainable(struct fsn__graph *graph);
/* Folds every BatchNormalization that follows a Conv (alone reading its output) with constant
 * weights into that Conv's weights and bias, for inference. Where the weight comes from a
 * FilterSummary node, into its `scale` input instead. A weight that several nodes read is not
 * copied: their batch norm stays. */
FSN_NODISCARD enum fsn_status fsn__graph_fold_bn(struct fsn__graph *graph, struct fsn_error *err);
/* Removes Dropout and Identity (inference form). */
FSN_NODISCARD enum fsn_status fsn__graph_drop_identity(struct fsn__graph *graph,
                                                       struct fsn_error *err);

/* Sets flag[value_count] at the ends. */
void fsn__graph_mark_ends(const struct fsn__graph *graph, const struct fsn__ends *ends, bool *flag);
/* Marks in needed[node_count] the nodes that the ends depend on. How many others there are; -1 when
 * out of memory. */
int fsn__graph_find_needed(const struct fsn__graph *graph, const struct fsn__ends *ends,
                           bool *needed);
/* Marks in blocked[node_count] the nodes without a gradient that keep it from a PARAM which the
 * ends depend on. How many they are; -1 when out of memory. */
int fsn__graph_find_blocked(const struct fsn__graph *graph, const struct fsn__ends *ends,
                            bool *blocked);

/* Parameters as the reference counts them: every float constant that a Conv, Gemm, MatMul, ...
 * reads as a weight, each once, and 4c + 1 per batch norm. */
int64_t fsn__graph_parameters(const struct fsn__graph *graph);
/* The place of the weights in the inputs of a layer (a convolution or product of matrices, those of
 * integers too); -1 for all other nodes. */
int fsn__graph_weight_input(const struct fsn__node *node);
/* Multiply-adds of one image: of one layer (others 0), of all of them. */
int64_t fsn__graph_node_macs(const struct fsn__graph *graph, int node);
int64_t fsn__graph_macs(const struct fsn__graph *graph);

#endif
