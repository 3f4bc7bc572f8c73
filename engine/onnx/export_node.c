/* export_node.c - one node of the graph in the forms of ONNX operator set 13.
 *
 * The engine speaks version 18. What 13 lacks is written in its terms where there are such terms
 * (export_terms.c), dropped where it only says the default, and refused by name otherwise.
 */
#include "onnx/export.h"

#include <math.h>
#include <string.h>

/* ---- attributes ------------------------------------------------------------------------------ */

/* Attributes that need not be written when they have this value (every element of a list). `strict`
 * marks those that version 13 does not know: any other value cannot be written. */
struct neutral {
    const char *op, *attr;
    double value; /* NAN: none */
    bool strict;
    const char *text; /* of a string */
};

static const struct neutral neutrals[] = {
    {"Conv", "group", 1, false, NULL},
    {"Conv", "dilations", 1, false, NULL},
    {"Conv", "strides", 1, false, NULL},
    {"Conv", "pads", 0, false, NULL},
    {"MaxPool", "dilations", 1, false, NULL},
    {"MaxPool", "strides", 1, false, NULL},
    {"MaxPool", "pads", 0, false, NULL},
    {"MaxPool", "ceil_mode", 0, false, NULL},
    {"MaxPool", "storage_order", 0, false, NULL},
    {"AveragePool", "dilations", 1, true, NULL},
    {"AveragePool", "strides", 1, false, NULL},
    {"AveragePool", "pads", 0, false, NULL},
    {"AveragePool", "ceil_mode", 0, false, NULL},
    {"AveragePool", "count_include_pad", 0, false, NULL},
    {"LpPool", "dilations", 1, true, NULL},
    {"LpPool", "ceil_mode", 0, true, NULL},
    {"BatchNormalization", "training_mode", 0, true, NULL},
    {"Cast", "saturate", 1, true, NULL},
    {"Gemm", "alpha", 1, false, NULL},
    {"Gemm", "beta", 1, false, NULL},
    {"Gemm", "transA", 0, false, NULL},
    {"Gemm", "transB", 0, false, NULL},
    {"Flatten", "axis", 1, false, NULL},
    {"Reshape", "allowzero", 0, true, NULL},
    {"Shape", "start", 0, true, NULL},
    {"Resize", "antialias", 0, true, NULL},
    {"Resize", "axes", (double)NAN, true, NULL},
    {"Resize", "keep_aspect_ratio_policy", 0, true, "stretch"},
    {"Softmax", "flatten", 0, true, NULL},
};

static bool is_neutral(const struct fsn__attr *attr, const struct neutral *neutral)
{
    const double value = neutral->value;

    switch (attr->type) {
    case FSN__ATTR_INT:
        return (double)attr->i == value;
    case FSN__ATTR_FLOAT:
        return (double)attr->f == value;
    case FSN__ATTR_INTS:
        for (size_t i = 0; i < attr->count; i++)
            if ((double)attr->ints[i] != value)
                return false;
        return true;
    case FSN__ATTR_STRING:
        return neutral->text && strcmp(attr->s, neutral->text) == 0;
    case FSN__ATTR_FLOATS:
    case FSN__ATTR_TENSOR:
        break;
    }
    return false;
}

static const struct neutral *find_neutral(const char *op, const char *attr)
{
    for (size_t i = 0; i < sizeof neutrals / sizeof neutrals[0]; i++)
        if (strcmp(neutrals[i].op, op) == 0 && strcmp(neutrals[i].attr, attr) == 0)
            return &neutrals[i];
    return NULL;
}

static void write_attr(struct fsn__exporter *ex, FsnOnnx__NodeProto *node,
                       const struct fsn__attr *from)
{
    FsnOnnx__AttributeProto *attr;

    switch (from->type) {
    case FSN__ATTR_INT:
        fsn__export_attr_int(ex, node, from->name, from->i);
        break;
    case FSN__ATTR_INTS:
        fsn__export_attr_ints(ex, node, from->name, from->count, from->ints);
        break;
    case FSN__ATTR_FLOAT:
        attr = fsn__export_attr(ex, node, from->name,
                                FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
        if (attr) {
            attr->has_f = true;
            attr->f = from->f;
        }
        break;
    case FSN__ATTR_FLOATS:
        attr = fsn__export_attr(ex, node, from->name,
                                FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
        if (attr) {
            attr->n_floats = from->count;
            attr->floats = (float *)(uintptr_t)from->floats;
        }
        break;
    case FSN__ATTR_STRING:
        attr = fsn__export_attr(ex, node, from->name,
                                FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
        if (attr) {
            attr->has_s = true;
            attr->s.len = strlen(from->s);
            attr->s.data = (uint8_t *)(uintptr_t)from->s;
        }
        break;
    case FSN__ATTR_TENSOR:
        attr = fsn__export_attr(ex, node, from->name,
                                FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
        if (attr)
            attr->t = fsn__export_tensor(ex, NULL, &from->tensor);
        break;
    }
}

enum fsn_status fsn__export_attrs(struct fsn__exporter *ex, const struct fsn__node *from,
                                  FsnOnnx__NodeProto *node, struct fsn_error *err)
{
    if (from->attrs.count > FSN__EXPORT_MAX_ATTRS)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': %zu attributes, at most %d can be written",
                         from->op->name, from->name, from->attrs.count, FSN__EXPORT_MAX_ATTRS);
    for (size_t i = 0; i < from->attrs.count; i++) {
        const struct fsn__attr *attr = &from->attrs.item[i];
        const struct neutral *neutral = find_neutral(from->op->name, attr->name);

        if (neutral && is_neutral(attr, neutral))
            continue;
        if (neutral && neutral->strict)
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "%s '%s': its attribute '%s' cannot be written in operator set "
                             "version %d",
                             from->op->name, from->name, attr->name, FSN__EXPORT_OPSET);
        write_attr(ex, node, attr);
    }
    return FSN_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Reshape's target, whose open batch (ops/op_reshape.c) becomes 0, "as many as before"; NULL: it
 * has none. */
static const char *open_target(struct fsn__exporter *ex, const struct fsn__node *from)
{
    const struct fsn__tensor *target;
    int64_t dim[FSN_MAX_DIMS];
    int64_t n;

    if (from->op != &fsn__op_reshape)
        return NULL;
    target = &ex->graph->values[from->in[1]].tensor;
    n = target->data ? fsn__numel(target) : 0;
    if (n < 1 || n > FSN_MAX_DIMS || fsn__i64(target)[0] != FSN_BATCH)
        return NULL;
    memcpy(dim, target->data, (size_t)n * sizeof *dim);
    dim[0] = 0;
    return fsn__export_ints(ex, (size_t)n, dim);
}

/* The node as it stands; without its name in the small form, where each byte counts. */
static enum fsn_status write_plain(struct fsn__exporter *ex, const struct fsn__node *from,
                                   size_t n_in, struct fsn_error *err)
{
    const char *in[FSN__MAX_IO], *out[FSN__MAX_IO];
    const char *target = open_target(ex, from);
    FsnOnnx__NodeProto *node;

    for (size_t i = 0; i < n_in; i++)
        in[i] = i == 1 && target ? target : fsn__export_value(ex, from->in[i]);
    for (int i = 0; i < from->n_out; i++)
        out[i] = fsn__export_value(ex, from->out[i]);
    node = fsn__export_node(ex, &ex->nodes, from->op->name, n_in, in, (size_t)from->n_out, out);
    if (!node)
        return FSN__NOMEM(err);
    if (ex->form != FSN_EXPORT_SMALL)
        node->name = (char *)(uintptr_t)from->name;
    return fsn__export_attrs(ex, from, node, err);
}

/* Whether a constant that the node reads holds the open batch, as folded from a Shape. */
static bool reads_batch(const struct fsn__graph *graph, const struct fsn__node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        const struct fsn__tensor *t = node->in[i] >= 0 ? &graph->values[node->in[i]].tensor : NULL;

        if (!t || !t->data || t->dtype != FSN__I64)
            continue;
        for (int64_t j = 0; j < fsn__numel(t); j++)
            if (fsn__i64(t)[j] == FSN_BATCH)
                return true;
    }
    return false;
}

/* What only inference knows how to write, of a node that was never inferred (graph/late.c). */
static enum fsn_status refuse_late(const struct fsn__graph *graph, int node, struct fsn_error *err)
{
    const struct fsn__node *from = &graph->nodes[node];

    if (!fsn__graph_is_late(graph, node))
        return FSN_OK;
    if (fsn__export_needs_terms(from))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s '%s': its shapes are known only when an image has been seen, so it "
                         "cannot be written in operator set version %d",
                         from->op->name, from->name, FSN__EXPORT_OPSET);
    if (reads_batch(graph, from))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s '%s': reads how many images there are, and its shapes are known only "
                         "when they have been seen: export the network with a fixed batch axis",
                         from->op->name, from->name);
    return FSN_OK;
}

enum fsn_status fsn__export_graph_node(struct fsn__exporter *ex, int node, struct fsn_error *err)
{
    const struct fsn__node *from = &ex->graph->nodes[node];
    size_t n_in = (size_t)from->n_in;
    enum fsn_status status;

    while (n_in > 0 && from->in[n_in - 1] < 0)
        n_in--;
    if (from->n_out == 0) /* removed, not pruned yet */
        return FSN_OK;
    if (from->op == &fsn__op_filter_summary)
        return fsn__export_filter_summary(ex, node, err);
    status = refuse_late(ex->graph, node, err);
    if (status != FSN_OK)
        return status;
    if (fsn__export_needs_terms(from))
        return fsn__export_in_terms(ex, from, err);
    if (from->op == &fsn__op_batch_normalization && from->n_out > 1)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "BatchNormalization '%s': its %d outputs cannot be written in operator "
                         "set version %d",
                         from->name, from->n_out, FSN__EXPORT_OPSET);
    if (from->op == &fsn__op_shape && fsn__attr_find(&from->attrs, "end"))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "Shape '%s': its attribute 'end' cannot be written in operator set "
                         "version %d",
                         from->name, FSN__EXPORT_OPSET);
    return write_plain(ex, from, n_in, err);
}
