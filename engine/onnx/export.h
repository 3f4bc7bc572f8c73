/* export.h - what the files of the exporter share; nobody else includes it.
 *
 * Messages are built in an arena and point into the graph's own data. An allocation that fails is
 * noted once in `out_of_memory` and turns all that follows into no-ops (helpers take NULL), so that
 * building reads straight on and the status is asked for at the end.
 */
#ifndef FSN_ONNX_EXPORT_H
#define FSN_ONNX_EXPORT_H

#include "onnx/onnx.h"
#include "onnx/proto.h"

enum { FSN__EXPORT_IR = 8, FSN__EXPORT_OPSET = 13 };
#define FSN__EXPORT_DOMAIN "fsnet" /* of model-local functions */

struct fsn__exporter {
    const struct fsn__graph *graph;
    enum fsn_export_form form;
    struct fsn__arena arena;
    bool out_of_memory;
    const char **value_name;     /* per value of the graph; NULL: not written yet */
    struct fsn__names taken;     /* names that invented ones must not meet */
    unsigned invented;           /* counts invented names */
    struct fsn__names constants; /* content of small constants -> their value */
    const char *one, *zero;      /* shared initialisers, once they are needed */
    struct fsn__buf shared;      /* the same: what export_fs.c writes once for several layers */
    /* arrays of message pointers */
    struct fsn__buf nodes, initialisers, functions;
    struct fsn__buf head;   /* nodes that come before all others */
    struct fsn__buf rest;   /* what export_rest.c writes at the end */
    struct fsn__buf levels; /* the same of export_levels.c */
};

/* export.c: names and initialisers. The name of a value; a constant is written as an initialiser
 * when it is first asked for. */
const char *fsn__export_value(struct fsn__exporter *ex, int value);
const char *fsn__export_new_name(struct fsn__exporter *ex);
void fsn__export_initialiser(struct fsn__exporter *ex, const char *name,
                             const struct fsn__tensor *t);
/* An int64 constant of `count` elements under an invented name. */
const char *fsn__export_ints(struct fsn__exporter *ex, size_t count, const int64_t *ints);

/* export_proto.c: pieces of messages. Names are borrowed. */
void *fsn__export_alloc(struct fsn__exporter *ex, size_t count, size_t size);
char *fsn__export_text(struct fsn__exporter *ex, const char *text);
void fsn__export_append(struct fsn__exporter *ex, struct fsn__buf *list, void *message);
FsnOnnx__TensorProto *fsn__export_tensor(struct fsn__exporter *ex, const char *name,
                                         const struct fsn__tensor *t);
/* late: its open dimensions have no name, and it may have no shape at all (graph/late.c). */
FsnOnnx__ValueInfoProto *fsn__export_value_info(struct fsn__exporter *ex, const char *name,
                                                const struct fsn__tensor *t, bool late);
FsnOnnx__OperatorSetIdProto *fsn__export_opset(struct fsn__exporter *ex, const char *domain,
                                               int64_t version);
/* Appends a node to `list`. An input or output NULL or "" is an absent one. */
FsnOnnx__NodeProto *fsn__export_node(struct fsn__exporter *ex, struct fsn__buf *list,
                                     const char *op, size_t n_in, const char *const *in,
                                     size_t n_out, const char *const *out);
/* Appends an attribute; a node has room for FSN__EXPORT_MAX_ATTRS. */
enum { FSN__EXPORT_MAX_ATTRS = 32 };
FsnOnnx__AttributeProto *fsn__export_attr(struct fsn__exporter *ex, FsnOnnx__NodeProto *node,
                                          const char *name,
                                          FsnOnnx__AttributeProto__AttributeType type);
void fsn__export_attr_int(struct fsn__exporter *ex, FsnOnnx__NodeProto *node, const char *name,
                          int64_t value);
void fsn__export_attr_ints(struct fsn__exporter *ex, FsnOnnx__NodeProto *node, const char *name,
                           size_t count, const int64_t *ints);

/* export_node.c: one node of the graph in the forms of opset 13, and a node's attributes. */
FSN_NODISCARD enum fsn_status fsn__export_attrs(struct fsn__exporter *ex,
                                                const struct fsn__node *from,
                                                FsnOnnx__NodeProto *node, struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__export_graph_node(struct fsn__exporter *ex, int node,
                                                     struct fsn_error *err);

/* export_rest.c: true where the constant will be written in fewer bytes, and what makes floats of
 * them has this name. */
bool fsn__export_as_rest(struct fsn__exporter *ex, const struct fsn__value *value,
                         const char *name);
/* Writes the short ones, all together; once, behind all nodes. */
void fsn__export_all_rest(struct fsn__exporter *ex);

/* export_terms.c: a node that opset 13 lacks, or has in another form, in the terms of opset 13. */
bool fsn__export_needs_terms(const struct fsn__node *from);
FSN_NODISCARD enum fsn_status
fsn__export_in_terms(struct fsn__exporter *ex, const struct fsn__node *from, struct fsn_error *err);

/* export_fs.c: a FilterSummary node, as ex->form says. */
FSN_NODISCARD enum fsn_status fsn__export_filter_summary(struct fsn__exporter *ex, int node,
                                                         struct fsn_error *err);

/* export_levels.c: writes the levels of all of them; once, behind all nodes. */
void fsn__export_all_levels(struct fsn__exporter *ex);

/* export_layers.c: nodes of layers that are alike become calls of one function; behind all nodes.
 */
void fsn__export_layers(struct fsn__exporter *ex);

#endif
