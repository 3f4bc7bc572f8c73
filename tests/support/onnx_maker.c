/* onnx_maker.c - see onnx_maker.h. */
#include "onnx_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void *make(struct onnx_maker *m, size_t count, size_t size)
{
    void *block = fsn__arena_alloc(&m->arena, count, size);

    assert_non_null(block);
    return block;
}

static char *text(struct onnx_maker *m, const char *from)
{
    return strcpy(make(m, strlen(from) + 1, 1), from);
}

/* Appends to a repeated field of messages. */
#define APPEND(m, owner, field, message)                              \
    do {                                                              \
        if (!(owner)->field)                                          \
            (owner)->field = make(m, ONNX_MAKER_MAX, sizeof(void *)); \
        assert_true((owner)->n_##field < ONNX_MAKER_MAX);             \
        (owner)->field[(owner)->n_##field++] = (message);             \
    } while (0)

static char **split(struct onnx_maker *m, const char *list, size_t *count)
{
    char **items = make(m, ONNX_MAKER_MAX, sizeof *items);
    char *rest = text(m, list);

    *count = 0;
    if (!*list)
        return items;
    while (rest) {
        assert_true(*count < ONNX_MAKER_MAX);
        items[(*count)++] = strsep(&rest, ",");
    }
    return items;
}

static FsnOnnx__OperatorSetIdProto *opset_import(struct onnx_maker *m, const char *domain,
                                                 int64_t version)
{
    FsnOnnx__OperatorSetIdProto *opset = make(m, 1, sizeof *opset);

    fsn_onnx__operator_set_id_proto__init(opset);
    opset->domain = text(m, domain);
    opset->has_version = true;
    opset->version = version;
    return opset;
}

void onnx_begin(struct onnx_maker *m, int64_t opset)
{
    memset(m, 0, sizeof *m);
    fsn_onnx__model_proto__init(&m->model);
    fsn_onnx__graph_proto__init(&m->graph);
    m->model.has_ir_version = true;
    m->model.ir_version = 8;
    m->model.graph = &m->graph;
    m->graph.name = text(m, "test");
    if (opset > 0)
        APPEND(m, &m->model, opset_import, opset_import(m, "", opset));
}

void onnx_end(struct onnx_maker *m)
{
    fsn__arena_free(&m->arena);
}

void onnx_input(struct onnx_maker *m, const char *name, int32_t type, int ndim, const int64_t *dim)
{
    FsnOnnx__ValueInfoProto *info = make(m, 1, sizeof *info);
    FsnOnnx__TensorShapeProto *shape = make(m, 1, sizeof *shape);

    fsn_onnx__value_info_proto__init(info);
    fsn_onnx__tensor_shape_proto__init(shape);
    info->name = text(m, name);
    info->type = make(m, 1, sizeof *info->type);
    fsn_onnx__type_proto__init(info->type);
    info->type->value_case = FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    info->type->tensor_type = make(m, 1, sizeof *info->type->tensor_type);
    fsn_onnx__type_proto__tensor__init(info->type->tensor_type);
    info->type->tensor_type->has_elem_type = true;
    info->type->tensor_type->elem_type = type;
    info->type->tensor_type->shape = shape;
    for (int i = 0; i < ndim; i++) {
        FsnOnnx__TensorShapeProto__Dimension *d = make(m, 1, sizeof *d);

        fsn_onnx__tensor_shape_proto__dimension__init(d);
        if (dim[i] == ONNX_OPEN) {
            d->value_case = FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d->dim_param = text(m, "N");
        } else {
            d->value_case = FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = dim[i];
        }
        APPEND(m, shape, dim, d);
    }
    APPEND(m, &m->graph, input, info);
}

void onnx_output(struct onnx_maker *m, const char *name)
{
    FsnOnnx__ValueInfoProto *info = make(m, 1, sizeof *info);

    fsn_onnx__value_info_proto__init(info);
    info->name = text(m, name);
    APPEND(m, &m->graph, output, info);
}

static FsnOnnx__TensorProto *tensor(struct onnx_maker *m, const char *name, int32_t type, int ndim,
                                    const int64_t *dim, const void *bytes, size_t size)
{
    FsnOnnx__TensorProto *t = make(m, 1, sizeof *t);

    fsn_onnx__tensor_proto__init(t);
    t->name = text(m, name);
    t->has_data_type = true;
    t->data_type = type;
    t->n_dims = (size_t)ndim;
    t->dims = make(m, (size_t)ndim + 1, sizeof *t->dims);
    if (ndim > 0)
        memcpy(t->dims, dim, (size_t)ndim * sizeof *dim);
    if (bytes) {
        t->has_raw_data = true;
        t->raw_data.len = size;
        t->raw_data.data = make(m, size + 1, 1);
        memcpy(t->raw_data.data, bytes, size);
    }
    return t;
}

FsnOnnx__TensorProto *onnx_initialiser(struct onnx_maker *m, const char *name, int32_t type,
                                       int ndim, const int64_t *dim, const void *bytes, size_t size)
{
    FsnOnnx__TensorProto *t = tensor(m, name, type, ndim, dim, bytes, size);

    APPEND(m, &m->graph, initializer, t);
    return t;
}

void onnx_floats(struct onnx_maker *m, const char *name, int ndim, const int64_t *dim,
                 const float *values)
{
    size_t n = 1;

    for (int i = 0; i < ndim; i++)
        n *= (size_t)dim[i];
    onnx_initialiser(m, name, FSN__ONNX_FLOAT, ndim, dim, values, n * sizeof *values);
}

void onnx_ints(struct onnx_maker *m, const char *name, int64_t count, const int64_t *values)
{
    onnx_initialiser(m, name, FSN__ONNX_INT64, 1, &count, values, (size_t)count * sizeof *values);
}

static FsnOnnx__NodeProto *node(struct onnx_maker *m, const char *op, const char *in,
                                const char *out)
{
    FsnOnnx__NodeProto *n = make(m, 1, sizeof *n);
    size_t size = strlen(op) + strlen(out) + 2;

    fsn_onnx__node_proto__init(n);
    n->op_type = text(m, op);
    n->input = split(m, in, &n->n_input);
    n->output = split(m, out, &n->n_output);
    n->name = make(m, size, 1);
    snprintf(n->name, size, "%s_%s", op, n->n_output > 0 ? n->output[0] : "");
    return n;
}

FsnOnnx__NodeProto *onnx_node(struct onnx_maker *m, const char *op, const char *in, const char *out)
{
    FsnOnnx__NodeProto *n = node(m, op, in, out);

    APPEND(m, &m->graph, node, n);
    return n;
}

FsnOnnx__AttributeProto *onnx_attr(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name,
                                   FsnOnnx__AttributeProto__AttributeType type)
{
    FsnOnnx__AttributeProto *attr = make(m, 1, sizeof *attr);

    fsn_onnx__attribute_proto__init(attr);
    attr->name = text(m, name);
    attr->has_type = true;
    attr->type = type;
    APPEND(m, n, attribute, attr);
    return attr;
}

void onnx_attr_int(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name, int64_t value)
{
    FsnOnnx__AttributeProto *attr =
        onnx_attr(m, n, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

    attr->has_i = true;
    attr->i = value;
}

void onnx_attr_float(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name, float value)
{
    FsnOnnx__AttributeProto *attr =
        onnx_attr(m, n, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    attr->has_f = true;
    attr->f = value;
}

void onnx_attr_ints(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name, size_t count,
                    const int64_t *values)
{
    FsnOnnx__AttributeProto *attr =
        onnx_attr(m, n, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

    attr->n_ints = count;
    attr->ints = make(m, count + 1, sizeof *values);
    memcpy(attr->ints, values, count * sizeof *values);
}

void onnx_attr_ref(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name,
                   FsnOnnx__AttributeProto__AttributeType type, const char *reference)
{
    onnx_attr(m, n, name, type)->ref_attr_name = text(m, reference);
}

void onnx_attr_graph(struct onnx_maker *m, FsnOnnx__NodeProto *n, const char *name,
                     struct onnx_maker *branch)
{
    FsnOnnx__AttributeProto *attr =
        onnx_attr(m, n, name, FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH);

    attr->has_g = true;
    attr->g.len = fsn_onnx__graph_proto__get_packed_size(&branch->graph);
    attr->g.data = make(m, attr->g.len + 1, 1);
    fsn_onnx__graph_proto__pack(&branch->graph, attr->g.data);
    onnx_end(branch);
}

FsnOnnx__FunctionProto *onnx_function(struct onnx_maker *m, const char *domain, const char *name,
                                      const char *in, const char *out)
{
    FsnOnnx__FunctionProto *function = make(m, 1, sizeof *function);

    fsn_onnx__function_proto__init(function);
    function->domain = text(m, domain);
    function->name = text(m, name);
    function->input = split(m, in, &function->n_input);
    function->output = split(m, out, &function->n_output);
    APPEND(m, function, opset_import, opset_import(m, "", 13));
    APPEND(m, &m->model, functions, function);
    return function;
}

FsnOnnx__NodeProto *onnx_body_node(struct onnx_maker *m, FsnOnnx__FunctionProto *function,
                                   const char *op, const char *in, const char *out)
{
    FsnOnnx__NodeProto *n = node(m, op, in, out);

    APPEND(m, function, node, n);
    return n;
}

const unsigned char *onnx_bytes(struct onnx_maker *m, size_t *size)
{
    unsigned char *bytes = make(m, fsn_onnx__model_proto__get_packed_size(&m->model) + 1, 1);

    *size = fsn_onnx__model_proto__pack(&m->model, bytes);
    return bytes;
}

const unsigned char *onnx_tensor_bytes(struct onnx_maker *m, const FsnOnnx__TensorProto *t,
                                       size_t *size)
{
    unsigned char *bytes = make(m, fsn_onnx__tensor_proto__get_packed_size(t) + 1, 1);

    *size = fsn_onnx__tensor_proto__pack(t, bytes);
    return bytes;
}
