/* export_node.c - one node of the graph in the forms of ONNX operator set 13.
 *
 * The engine speaks version 18. What 13 lacks is written in its terms where there are such terms
 * (Softmax over several axes as Flatten, Softmax, Reshape; Pad with axes as Pad of all axes),
 * dropped where it only says the default, and refused by name otherwise.
 */
#include "onnx/export.h"

#include <string.h>

/* ---- attributes ------------------------------------------------------------------------------ */

/* Attributes that need not be written when they have this value (every element of a list). `strict`
 * marks those that version 13 does not know: any other value cannot be written. */
struct neutral {
    const char *op, *attr;
    double value;
    bool strict;
};

static const struct neutral neutrals[] = {
    {"Conv", "group", 1, false},
    {"Conv", "dilations", 1, false},
    {"Conv", "strides", 1, false},
    {"Conv", "pads", 0, false},
    {"MaxPool", "dilations", 1, false},
    {"MaxPool", "strides", 1, false},
    {"MaxPool", "pads", 0, false},
    {"MaxPool", "ceil_mode", 0, false},
    {"MaxPool", "storage_order", 0, false},
    {"AveragePool", "dilations", 1, true},
    {"AveragePool", "strides", 1, false},
    {"AveragePool", "pads", 0, false},
    {"AveragePool", "ceil_mode", 0, false},
    {"AveragePool", "count_include_pad", 0, false},
    {"BatchNormalization", "training_mode", 0, true},
    {"Cast", "saturate", 1, true},
    {"Gemm", "alpha", 1, false},
    {"Gemm", "beta", 1, false},
    {"Gemm", "transA", 0, false},
    {"Gemm", "transB", 0, false},
    {"Flatten", "axis", 1, false},
    {"Reshape", "allowzero", 0, true},
    {"Shape", "start", 0, true},
    {"Softmax", "flatten", 0, true},
};

static bool all_equal(const struct fsn__attr *attr, double value)
{
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

static enum fsn_status write_attrs(struct fsn__exporter *ex, const struct fsn__node *from,
                                   FsnOnnx__NodeProto *node, struct fsn_error *err)
{
    if (from->attrs.count > FSN__EXPORT_MAX_ATTRS)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': %zu attributes, at most %d can be written",
                         from->op->name, from->name, from->attrs.count, FSN__EXPORT_MAX_ATTRS);
    for (size_t i = 0; i < from->attrs.count; i++) {
        const struct fsn__attr *attr = &from->attrs.item[i];
        const struct neutral *neutral = find_neutral(from->op->name, attr->name);

        if (neutral && all_equal(attr, neutral->value))
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

/* The node as it stands. Only layers keep their names in the small forms: reports speak of them. */
static enum fsn_status write_plain(struct fsn__exporter *ex, const struct fsn__node *from,
                                   size_t n_in, struct fsn_error *err)
{
    const char *in[FSN__MAX_IO], *out[FSN__MAX_IO];
    FsnOnnx__NodeProto *node;

    for (size_t i = 0; i < n_in; i++)
        in[i] = fsn__export_value(ex, from->in[i]);
    for (int i = 0; i < from->n_out; i++)
        out[i] = fsn__export_value(ex, from->out[i]);
    node = fsn__export_node(ex, &ex->nodes, from->op->name, n_in, in, (size_t)from->n_out, out);
    if (!node)
        return FSN__NOMEM(err);
    if (ex->form == FSN_EXPORT_DENSE || from->op == &fsn__op_conv || from->op == &fsn__op_gemm)
        node->name = (char *)(uintptr_t)from->name;
    return write_attrs(ex, from, node, err);
}

/* Version 13 normalises over one axis: y = Reshape(Softmax(Flatten(x)), shape of x). */
static enum fsn_status write_softmax(struct fsn__exporter *ex, const struct fsn__node *from,
                                     struct fsn_error *err)
{
    const struct fsn__tensor *x = &ex->graph->values[from->in[0]].tensor;
    const char *flat = fsn__export_new_name(ex), *soft = fsn__export_new_name(ex);
    const char *in[2] = {fsn__export_value(ex, from->in[0]), NULL};
    int64_t shape[FSN_MAX_DIMS];
    FsnOnnx__NodeProto *node;

    for (int i = 0; i < x->ndim; i++)
        shape[i] = x->dim[i] == FSN_BATCH ? -1 : x->dim[i];
    node = fsn__export_node(ex, &ex->nodes, "Flatten", 1, in, 1, &flat);
    fsn__export_attr_int(ex, node, "axis", fsn__attr_int(&from->attrs, "axis", 1));
    fsn__export_node(ex, &ex->nodes, "Softmax", 1, &flat, 1, &soft);
    in[0] = soft;
    in[1] = fsn__export_ints(ex, (size_t)x->ndim, shape);
    fsn__export_node(ex, &ex->nodes, "Reshape", 2, in, 1,
                     (const char *[]){fsn__export_value(ex, from->out[0])});
    return ex->out_of_memory ? FSN__NOMEM(err) : FSN_OK;
}

/* Version 13 pads all axes: the list of some is spread over all, zeros elsewhere. */
static enum fsn_status write_pad(struct fsn__exporter *ex, const struct fsn__node *from,
                                 struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    const struct fsn__tensor *pads = &values[from->in[1]].tensor;
    const struct fsn__tensor *axes = &values[from->in[3]].tensor;
    int64_t rank = values[from->in[0]].tensor.ndim, count, all[2 * FSN_MAX_DIMS] = {0};
    const char *in[3];
    FsnOnnx__NodeProto *node;

    if (!pads->data || !axes->data)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "Pad '%s': axes that are not constant cannot be written in operator set "
                         "version %d",
                         from->name, FSN__EXPORT_OPSET);
    count = fsn__numel(axes);
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = fsn__get_i64(axes, i);

        axis += axis < 0 ? rank : 0;
        all[axis] = fsn__get_i64(pads, i);
        all[axis + rank] = fsn__get_i64(pads, i + count);
    }
    in[0] = fsn__export_value(ex, from->in[0]);
    in[1] = fsn__export_ints(ex, (size_t)(2 * rank), all);
    in[2] = fsn__export_value(ex, from->in[2]);
    node = fsn__export_node(ex, &ex->nodes, "Pad", from->in[2] >= 0 ? 3 : 2, in, 1,
                            (const char *[]){fsn__export_value(ex, from->out[0])});
    return node ? write_attrs(ex, from, node, err) : FSN__NOMEM(err);
}

enum fsn_status fsn__export_graph_node(struct fsn__exporter *ex, int node, struct fsn_error *err)
{
    const struct fsn__node *from = &ex->graph->nodes[node];
    size_t n_in = (size_t)from->n_in;

    while (n_in > 0 && from->in[n_in - 1] < 0)
        n_in--;
    if (from->n_out == 0) /* removed, not pruned yet */
        return FSN_OK;
    if (from->op == &fsn__op_filter_summary)
        return fsn__export_filter_summary(ex, node, err);
    if (from->op == &fsn__op_softmax && fsn__attr_int(&from->attrs, "flatten", 0))
        return write_softmax(ex, from, err);
    if (from->op == &fsn__op_pad && n_in > 3)
        return write_pad(ex, from, err);
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
