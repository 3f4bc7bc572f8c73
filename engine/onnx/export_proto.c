/* export_proto.c - pieces of ONNX messages, built in the exporter's arena. */
#include "onnx/export.h"

#include <string.h>

void *fsn__export_alloc(struct fsn__exporter *ex, size_t count, size_t size)
{
    void *block = ex->out_of_memory ? NULL : fsn__arena_alloc(&ex->arena, count, size);

    if (!block)
        ex->out_of_memory = true;
    return block;
}

char *fsn__export_text(struct fsn__exporter *ex, const char *text)
{
    char *copy = fsn__export_alloc(ex, strlen(text) + 1, 1);

    if (copy)
        memcpy(copy, text, strlen(text) + 1);
    return copy;
}

void fsn__export_append(struct fsn__exporter *ex, struct fsn__buf *list, void *message)
{
    if (message && !fsn__buf_append(list, &message, sizeof message))
        ex->out_of_memory = true;
}

/* protobuf-c takes char * for what it only reads. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* Small numbers take a byte each as varints, eight as they are in memory. */
static void as_varints(struct fsn__exporter *ex, const struct fsn__tensor *t,
                       FsnOnnx__TensorProto *proto)
{
    const int64_t n = fsn__numel(t);

    for (int64_t i = 0; i < n; i++)
        if (fsn__i64(t)[i] < 0 || fsn__i64(t)[i] >= INT64_C(1) << 49) /* eight bytes and more */
            return;
    proto->int64_data = fsn__export_alloc(ex, (size_t)n + 1, sizeof *proto->int64_data);
    if (!proto->int64_data)
        return;
    memcpy(proto->int64_data, t->data, (size_t)n * sizeof *proto->int64_data);
    proto->n_int64_data = (size_t)n;
    proto->has_raw_data = false;
    proto->raw_data.len = 0;
}

FsnOnnx__TensorProto *fsn__export_tensor(struct fsn__exporter *ex, const char *name,
                                         const struct fsn__tensor *t)
{
    FsnOnnx__TensorProto *proto = fsn__export_alloc(ex, 1, sizeof *proto);
    int64_t *dims = fsn__export_alloc(ex, FSN_MAX_DIMS, sizeof *dims);

    if (!proto || !dims)
        return NULL;
    fsn_onnx__tensor_proto__init(proto);
    memcpy(dims, t->dim, (size_t)t->ndim * sizeof *dims);
    proto->name = borrow(name);
    proto->n_dims = (size_t)t->ndim;
    proto->dims = dims;
    proto->has_data_type = true;
    proto->data_type = fsn__proto_dtype_of(t->dtype);
    proto->has_raw_data = true;
    proto->raw_data.len = fsn__tensor_bytes(t);
    proto->raw_data.data = t->data;
    if (t->dtype == FSN__I64 && t->data && fsn__numel(t) > 0)
        as_varints(ex, t, proto);
    return proto;
}

FsnOnnx__ValueInfoProto *fsn__export_value_info(struct fsn__exporter *ex, const char *name,
                                                const struct fsn__tensor *t, bool late)
{
    FsnOnnx__ValueInfoProto *info = fsn__export_alloc(ex, 1, sizeof *info);
    FsnOnnx__TypeProto *type = fsn__export_alloc(ex, 1, sizeof *type);
    FsnOnnx__TypeProto__Tensor *tensor = fsn__export_alloc(ex, 1, sizeof *tensor);
    FsnOnnx__TensorShapeProto *shape = fsn__export_alloc(ex, 1, sizeof *shape);
    FsnOnnx__TensorShapeProto__Dimension **dims =
        fsn__export_alloc(ex, FSN_MAX_DIMS, sizeof(FsnOnnx__TensorShapeProto__Dimension *));

    if (!info || !type || !tensor || !shape || !dims)
        return NULL;
    fsn_onnx__value_info_proto__init(info);
    fsn_onnx__type_proto__init(type);
    fsn_onnx__type_proto__tensor__init(tensor);
    fsn_onnx__tensor_shape_proto__init(shape);
    info->name = borrow(name);
    info->type = type;
    type->value_case = FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = true;
    tensor->elem_type = fsn__proto_dtype_of(t->dtype);
    tensor->shape = late && t->ndim == 0 ? NULL : shape;
    shape->n_dim = (size_t)t->ndim;
    shape->dim = dims;
    for (int i = 0; i < t->ndim; i++) {
        dims[i] = fsn__export_alloc(ex, 1, sizeof *dims[i]);
        if (!dims[i])
            return NULL;
        fsn_onnx__tensor_shape_proto__dimension__init(dims[i]);
        if (t->dim[i] == FSN_BATCH && late)
            continue; /* left open */
        if (t->dim[i] == FSN_BATCH) {
            dims[i]->value_case = FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dims[i]->dim_param = borrow("N");
        } else {
            dims[i]->value_case = FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dims[i]->dim_value = t->dim[i];
        }
    }
    return info;
}

FsnOnnx__OperatorSetIdProto *fsn__export_opset(struct fsn__exporter *ex, const char *domain,
                                               int64_t version)
{
    FsnOnnx__OperatorSetIdProto *proto = fsn__export_alloc(ex, 1, sizeof *proto);

    if (!proto)
        return NULL;
    fsn_onnx__operator_set_id_proto__init(proto);
    proto->domain = borrow(domain);
    proto->has_version = true;
    proto->version = version;
    return proto;
}

static char **copy_names(struct fsn__exporter *ex, size_t count, const char *const *names)
{
    char **copy = fsn__export_alloc(ex, count, sizeof *copy);

    for (size_t i = 0; copy && i < count; i++)
        copy[i] = borrow(names[i] ? names[i] : "");
    return copy;
}

FsnOnnx__NodeProto *fsn__export_node(struct fsn__exporter *ex, struct fsn__buf *list,
                                     const char *op, size_t n_in, const char *const *in,
                                     size_t n_out, const char *const *out)
{
    FsnOnnx__NodeProto *node = fsn__export_alloc(ex, 1, sizeof *node);

    if (!node)
        return NULL;
    fsn_onnx__node_proto__init(node);
    node->op_type = borrow(op);
    node->n_input = n_in;
    node->input = copy_names(ex, n_in, in);
    node->n_output = n_out;
    node->output = copy_names(ex, n_out, out);
    if (!node->input || !node->output)
        return NULL;
    fsn__export_append(ex, list, node);
    return node;
}

FsnOnnx__AttributeProto *fsn__export_attr(struct fsn__exporter *ex, FsnOnnx__NodeProto *node,
                                          const char *name,
                                          FsnOnnx__AttributeProto__AttributeType type)
{
    FsnOnnx__AttributeProto *attr = fsn__export_alloc(ex, 1, sizeof *attr);

    if (!attr || !node)
        return NULL;
    if (!node->attribute)
        node->attribute = fsn__export_alloc(ex, FSN__EXPORT_MAX_ATTRS, sizeof(void *));
    if (!node->attribute)
        return NULL;
    fsn_onnx__attribute_proto__init(attr);
    attr->name = borrow(name);
    attr->has_type = true;
    attr->type = type;
    node->attribute[node->n_attribute++] = attr;
    return attr;
}

void fsn__export_attr_int(struct fsn__exporter *ex, FsnOnnx__NodeProto *node, const char *name,
                          int64_t value)
{
    FsnOnnx__AttributeProto *attr =
        fsn__export_attr(ex, node, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    if (attr) {
        attr->has_i = true;
        attr->i = value;
    }
}

void fsn__export_attr_ints(struct fsn__exporter *ex, FsnOnnx__NodeProto *node, const char *name,
                           size_t count, const int64_t *ints)
{
    FsnOnnx__AttributeProto *attr =
        fsn__export_attr(ex, node, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = fsn__export_alloc(ex, count, sizeof *copy);

    if (!attr || !copy)
        return;
    if (count > 0)
        memcpy(copy, ints, count * sizeof *copy);
    attr->n_ints = count;
    attr->ints = copy;
}
