/* import.h - what the files of the importer share; nobody else includes it. */
#ifndef FSN_ONNX_IMPORT_H
#define FSN_ONNX_IMPORT_H

#include "onnx/onnx.h"
#include "onnx/proto.h"

enum {
    FSN__OPSET_MIN = 1,  /* but see upgrade.c for the operators that changed up to version 7 */
    FSN__OPSET_MAX = 27, /* the newest whose forms of our operators were read; see upgrade.c */
    FSN__MAX_NODE_ATTRS = 32,
    FSN__MAX_CALL_DEPTH = 16,
    FSN__MAX_CONDITIONALS = 64 /* each has a part of the network worked out */
};

/* One import under way. */
struct fsn__importer {
    const FsnOnnx__ModelProto *model;
    struct fsn_import_limits limits;
    const struct fsn__binding *bindings;
    size_t binding_count;
    struct fsn__proto_tensor_limits tensors;
    size_t bytes_left;           /* of the constants; tensors.bytes_left points here */
    size_t nodes;                /* built or inlined so far */
    int conditionals;            /* decided so far */
    bool try_batch;              /* take the leading dimension of an image input as the batch */
    bool tried_batch;            /* that happened */
    char fixed_batch[256];       /* why it could not be done */
    struct fsn__arena arena;     /* keys of `functions` */
    struct fsn__names functions; /* "domain\nname" -> index in model->functions */
    struct fsn__graph *graph;
    struct fsn__box_tables boxes;
};

/* A model-local function being inlined; the chain of them is the call stack. */
struct fsn__call {
    const FsnOnnx__FunctionProto *function;
    const struct fsn__draft *node; /* the caller, its attributes resolved */
    const struct fsn__scope *outer;
    int depth;
};

/* What names mean in one graph or function body, or in a branch of a conditional, which sees the
 * names around it too. */
struct fsn__scope {
    struct fsn__names values;        /* name -> value index, or FSN__ABSENT */
    struct fsn__names results;       /* a function's outputs -> the caller's values */
    const struct fsn__call *call;    /* NULL in the model's own graph */
    const struct fsn__scope *around; /* of a branch */
    int depth;                       /* branches around it */
    int64_t opset;                   /* of ONNX's domain */
};
enum { FSN__ABSENT = -2 }; /* an optional input that the caller left out */

/* A node between the file and the graph: names resolved, attributes read. */
struct fsn__draft {
    const FsnOnnx__NodeProto *proto;
    const char *op, *domain;
    /* For messages: the node's name, that of the call it is in, or its first output's. */
    const char *label;
    int64_t opset;
    int n_in, n_out;
    int in[FSN__MAX_IO], out[FSN__MAX_IO];
    struct fsn__attrs attrs; /* over attr; strings lie in the graph's arena, tensors are owned */
    struct fsn__attr attr[FSN__MAX_NODE_ATTRS];
    /* attr[i] as it stands in the file, references resolved; what a function's body refers to */
    const FsnOnnx__AttributeProto *source[FSN__MAX_NODE_ATTRS];
};

/* Outputs of a body that is put in a node's place: a function's, or a branch's. */
struct fsn__body {
    const char *kind, *name; /* for messages: "function", its name */
    size_t n_output;
    const char *output[FSN__MAX_IO];
};

/* validate.c: all that can be said of a file before anything is built. */
FSN_NODISCARD enum fsn_status fsn__import_validate(struct fsn__importer *im, struct fsn_error *err);
/* Index of the model-local function, or -1. */
int fsn__import_find_function(const struct fsn__importer *im, const char *domain, const char *name);

/* The same of a branch: its names, its lists, its operators. */
FSN_NODISCARD enum fsn_status fsn__import_validate_branch(struct fsn__importer *im,
                                                          const FsnOnnx__GraphProto *branch,
                                                          struct fsn_error *err);

/* missing.c: whether the engine has every operator; all that it lacks are named at once. */
FSN_NODISCARD enum fsn_status fsn__import_check_operators(struct fsn__importer *im,
                                                          struct fsn_error *err);

FSN_NODISCARD enum fsn_status fsn__import_check_branch_operators(struct fsn__importer *im,
                                                                 const FsnOnnx__GraphProto *branch,
                                                                 struct fsn_error *err);

/* import_graph.c: the graph of im->model into im->graph. */
FSN_NODISCARD enum fsn_status fsn__import_graph(struct fsn__importer *im, struct fsn_error *err);
/* Once shapes are inferred: outputs that are late are what im->model declares. Errors: UNSUPPORTED.
 */
FSN_NODISCARD enum fsn_status fsn__import_late_outputs(const struct fsn__importer *im,
                                                       struct fsn_error *err);
/* Builds nodes in a scope: first every output gets a value, then every node is added. */
FSN_NODISCARD enum fsn_status fsn__import_nodes(struct fsn__importer *im, struct fsn__scope *scope,
                                                size_t count, FsnOnnx__NodeProto *const *nodes,
                                                struct fsn_error *err);
/* Initialisers and nodes of a branch. */
FSN_NODISCARD enum fsn_status fsn__import_branch(struct fsn__importer *im, struct fsn__scope *scope,
                                                 const FsnOnnx__GraphProto *branch,
                                                 struct fsn_error *err);

/* import_node.c: the value of a name in a scope and those around it; -1 for none. */
int fsn__scope_find(const struct fsn__scope *scope, const char *name);
FSN_NODISCARD enum fsn_status fsn__draft_read(struct fsn__importer *im,
                                              const struct fsn__scope *scope,
                                              const FsnOnnx__NodeProto *proto,
                                              struct fsn__draft *draft, struct fsn_error *err);
void fsn__draft_clear(struct fsn__draft *draft);
/* Sets or adds an int or string attribute (the string is borrowed); removes one. */
FSN_NODISCARD enum fsn_status fsn__draft_set_int(struct fsn__draft *draft, const char *name,
                                                 int64_t value, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__draft_set_string(struct fsn__draft *draft, const char *name,
                                                    const char *value, struct fsn_error *err);
void fsn__draft_remove(struct fsn__draft *draft, const char *name);
/* Counts numbers that a node brings along towards the limit on constants: a function's body may
 * hold a long list and be called often. */
FSN_NODISCARD enum fsn_status fsn__import_charge(struct fsn__importer *im,
                                                 const struct fsn__draft *draft, size_t numbers,
                                                 struct fsn_error *err);
/* A Constant node: its one output becomes a constant. */
FSN_NODISCARD enum fsn_status fsn__import_constant(struct fsn__importer *im,
                                                   struct fsn__draft *draft, struct fsn_error *err);

/* functions.c: outputs of a body wait in scope->results for the node that makes them; connecting
 * hands through those that no node of the body makes. */
FSN_NODISCARD enum fsn_status fsn__body_bind(struct fsn__importer *im, const struct fsn__body *body,
                                             const struct fsn__draft *node,
                                             struct fsn__scope *scope, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__body_connect(struct fsn__importer *im,
                                                const struct fsn__body *body,
                                                const struct fsn__scope *scope,
                                                struct fsn_error *err);
/* conditional.c */
bool fsn__import_is_if(const FsnOnnx__NodeProto *node);
/* Replaces an If by the branch that is taken. */
FSN_NODISCARD enum fsn_status fsn__import_if(struct fsn__importer *im,
                                             const struct fsn__scope *scope,
                                             const struct fsn__draft *draft, struct fsn_error *err);
/* Replaces a call by the function's body. */
FSN_NODISCARD enum fsn_status fsn__import_call(struct fsn__importer *im,
                                               const struct fsn__scope *scope,
                                               const struct fsn__draft *draft, int function,
                                               struct fsn_error *err);

/* inference_form.c: outputs of a BatchNormalization older than version 14, more than one of which
 * meant training. */
FSN_NODISCARD enum fsn_status fsn__import_batch_norm_outputs(struct fsn__draft *draft,
                                                             struct fsn_error *err);
/* Refuses a graph that reads one of those that have no place in the newer form. */
FSN_NODISCARD enum fsn_status fsn__import_check_made(const struct fsn__graph *graph,
                                                     struct fsn_error *err);
/* After folding: takes training mode from the nodes that give nothing but their first output. */
void fsn__import_inference_form(struct fsn__graph *graph);

/* upgrade.c: whether a node of ONNX's domain that is not in the operator table becomes one that is.
 */
bool fsn__import_renames(const char *op);
/* Brings a node of ONNX's domain from draft->opset to the form of op.h. */
FSN_NODISCARD enum fsn_status fsn__import_upgrade(struct fsn__importer *im,
                                                  struct fsn__draft *draft, struct fsn_error *err);
/* After inference: Softmax with `flatten` that means the same as one without loses it. */
void fsn__import_plain_softmax(struct fsn__graph *graph);

#endif
