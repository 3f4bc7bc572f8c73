/* import_node.c - one NodeProto to a draft: names resolved to values, attributes read, references
 * to a function's attributes followed. Constant nodes become constants here.
 */
#include "onnx/import.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes ------------------------------------------------------------------------------ */

enum { MAX_FILE_ATTRS = FSN__MAX_NODE_ATTRS - 2 }; /* an upgrade may add two */

/* Files older than IR 3 leave the type out: then the field that is filled tells. */
static int attr_type(const FsnOnnx__AttributeProto *proto)
{
    if (proto->type != FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
        return (int)proto->type;
    if (proto->has_f)
        return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (proto->has_i)
        return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (proto->has_s)
        return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (proto->t)
        return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (proto->n_floats > 0)
        return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    return FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
}

static enum fsn_status read_string(struct fsn__importer *im, const FsnOnnx__AttributeProto *proto,
                                   struct fsn__attr *attr, struct fsn_error *err)
{
    char *text = fsn__arena_alloc(&im->graph->arena, proto->s.len + 1, 1);

    if (!text)
        return FSN__NOMEM(err);
    if (proto->s.len > 0)
        memcpy(text, proto->s.data, proto->s.len);
    attr->s = text;
    return FSN_OK;
}

/* Numbers are borrowed from the message, which outlives the draft. */
static enum fsn_status read_attr(struct fsn__importer *im, const struct fsn__draft *draft,
                                 const FsnOnnx__AttributeProto *proto, struct fsn__attr *attr,
                                 struct fsn_error *err)
{
    char what[1200];

    switch (attr_type(proto)) {
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        attr->type = FSN__ATTR_INT;
        attr->i = proto->i;
        return FSN_OK;
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        attr->type = FSN__ATTR_FLOAT;
        attr->f = proto->f;
        return FSN_OK;
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        attr->type = FSN__ATTR_STRING;
        return read_string(im, proto, attr, err);
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        attr->type = FSN__ATTR_INTS;
        attr->count = proto->n_ints;
        attr->ints = proto->ints;
        return FSN_OK;
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        attr->type = FSN__ATTR_FLOATS;
        attr->count = proto->n_floats;
        attr->floats = proto->floats;
        return FSN_OK;
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        attr->type = FSN__ATTR_TENSOR;
        if (!proto->t)
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': attribute '%s' holds no tensor", draft->op,
                             draft->label, attr->name);
        snprintf(what, sizeof what, "%s '%s': attribute '%s'", draft->op, draft->label, attr->name);
        return fsn__proto_tensor(proto->t, &im->tensors, what, &attr->tensor, err);
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
    case FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS:
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s '%s': attribute '%s' is a sub-graph, which is not supported",
                         draft->op, draft->label, attr->name);
    default:
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s '%s': attribute '%s' has a type that is not supported (%d)", draft->op,
                         draft->label, attr->name, attr_type(proto));
    }
}

/* What an attribute of a node in a function's body refers to: the caller's attribute, else the
 * function's default, else nothing (then the attribute is simply absent). */
static const FsnOnnx__AttributeProto *follow(const struct fsn__call *call, const char *name)
{
    const FsnOnnx__FunctionProto *function = call->function;

    for (size_t i = 0; i < call->node->attrs.count; i++)
        if (strcmp(call->node->attr[i].name, name) == 0)
            return call->node->source[i];
    for (size_t i = 0; i < function->n_attribute_proto; i++)
        if (strcmp(fsn__proto_text(function->attribute_proto[i]->name), name) == 0)
            return function->attribute_proto[i];
    return NULL;
}

static enum fsn_status read_attrs(struct fsn__importer *im, const struct fsn__scope *scope,
                                  struct fsn__draft *draft, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    if (draft->proto->n_attribute > MAX_FILE_ATTRS)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': %zu attributes, at most %d are taken", draft->op,
                         draft->label, draft->proto->n_attribute, MAX_FILE_ATTRS);
    for (size_t i = 0; i < draft->proto->n_attribute && status == FSN_OK; i++) {
        const FsnOnnx__AttributeProto *proto = draft->proto->attribute[i];
        struct fsn__attr *attr = &draft->attr[draft->attrs.count];
        const char *name = fsn__proto_text(proto->name);
        const char *reference = fsn__proto_text(proto->ref_attr_name);

        if (proto->has_g && fsn__import_is_if(draft->proto))
            continue; /* its branches: conditional.c */
        if (fsn__attr_find(&draft->attrs, name))
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': attribute '%s' is given twice", draft->op,
                             draft->label, name);
        if (*reference) {
            if (!scope->call)
                return FSN__FAIL(err, FSN_FORMAT,
                                 "%s '%s': attribute '%s' refers to a function's '%s', but stands "
                                 "in no function",
                                 draft->op, draft->label, name, reference);
            proto = follow(scope->call, reference);
            if (!proto)
                continue;
        }
        memset(attr, 0, sizeof *attr);
        attr->name = name;
        draft->source[draft->attrs.count] = proto;
        draft->attrs.count++;
        status = fsn__import_charge(im, draft, proto->n_ints + proto->n_floats, err);
        if (status == FSN_OK)
            status = read_attr(im, draft, proto, attr, err);
    }
    return status;
}

enum fsn_status fsn__import_charge(struct fsn__importer *im, const struct fsn__draft *draft,
                                   size_t numbers, struct fsn_error *err)
{
    if (numbers > im->bytes_left / sizeof(int64_t))
        return FSN__FAIL(err, FSN_LIMIT,
                         "%s '%s': the model's constants take more than %zu bytes together",
                         draft->op, draft->label, im->limits.max_constants);
    im->bytes_left -= numbers * sizeof(int64_t);
    return FSN_OK;
}

int fsn__scope_find(const struct fsn__scope *scope, const char *name)
{
    int value = -1;

    for (; scope && value == -1; scope = scope->around)
        value = fsn__names_find(&scope->values, name);
    return value;
}

/* ---- the node ----------------------------------------------------------------------------------
 */

static enum fsn_status resolve(const struct fsn__scope *scope, struct fsn__draft *draft,
                               struct fsn_error *err)
{
    const FsnOnnx__NodeProto *proto = draft->proto;

    if (proto->n_input > FSN__MAX_IO || proto->n_output > FSN__MAX_IO)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': %zu inputs and %zu outputs, at most %d each",
                         draft->op, draft->label, proto->n_input, proto->n_output, FSN__MAX_IO);
    for (size_t i = 0; i < proto->n_input; i++) {
        int value = -1;

        if (*proto->input[i]) {
            value = fsn__scope_find(scope, proto->input[i]);
            if (value == -1)
                return FSN__FAIL(err, FSN_FORMAT,
                                 "%s '%s': input '%s' is defined nowhere in the file", draft->op,
                                 draft->label, proto->input[i]);
        }
        draft->in[draft->n_in++] = value == FSN__ABSENT ? -1 : value;
    }
    for (size_t i = 0; i < proto->n_output; i++)
        draft->out[draft->n_out++] =
            *proto->output[i] ? fsn__names_find(&scope->values, proto->output[i]) : -1;
    /* Trailing absent inputs and outputs are as good as none. */
    while (draft->n_in > 0 && draft->in[draft->n_in - 1] < 0)
        draft->n_in--;
    while (draft->n_out > 0 && draft->out[draft->n_out - 1] < 0)
        draft->n_out--;
    return FSN_OK;
}

enum fsn_status fsn__draft_read(struct fsn__importer *im, const struct fsn__scope *scope,
                                const FsnOnnx__NodeProto *proto, struct fsn__draft *draft,
                                struct fsn_error *err)
{
    enum fsn_status status;

    draft->proto = proto;
    draft->op = fsn__proto_text(proto->op_type);
    draft->domain = fsn__proto_text(proto->domain);
    draft->label = fsn__proto_text(proto->name);
    if (!*draft->label && scope->call)
        draft->label = scope->call->node->label;
    else if (!*draft->label && proto->n_output > 0)
        draft->label = proto->output[0];
    draft->opset = scope->opset;
    draft->n_in = draft->n_out = 0;
    draft->attrs.count = 0;
    draft->attrs.item = draft->attr;
    status = resolve(scope, draft, err);
    return status == FSN_OK ? read_attrs(im, scope, draft, err) : status;
}

void fsn__draft_clear(struct fsn__draft *draft)
{
    for (size_t i = 0; i < draft->attrs.count; i++)
        if (draft->attr[i].type == FSN__ATTR_TENSOR)
            free(draft->attr[i].tensor.data);
    draft->attrs.count = 0;
}

/* The place of an attribute, new or cleared of what it held. */
static enum fsn_status make_place(struct fsn__draft *draft, const char *name,
                                  struct fsn__attr **out, struct fsn_error *err)
{
    size_t i = 0;

    while (i < draft->attrs.count && strcmp(draft->attr[i].name, name) != 0)
        i++;
    if (i == FSN__MAX_NODE_ATTRS)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': too many attributes", draft->op, draft->label);
    if (i == draft->attrs.count)
        draft->attrs.count++;
    else if (draft->attr[i].type == FSN__ATTR_TENSOR)
        free(draft->attr[i].tensor.data);
    *out = &draft->attr[i];
    return FSN_OK;
}

enum fsn_status fsn__draft_set_int(struct fsn__draft *draft, const char *name, int64_t value,
                                   struct fsn_error *err)
{
    struct fsn__attr *attr = NULL;
    enum fsn_status status = make_place(draft, name, &attr, err);

    if (status == FSN_OK)
        *attr = (struct fsn__attr){.name = name, .type = FSN__ATTR_INT, .i = value};
    return status;
}

enum fsn_status fsn__draft_set_string(struct fsn__draft *draft, const char *name, const char *value,
                                      struct fsn_error *err)
{
    struct fsn__attr *attr = NULL;
    enum fsn_status status = make_place(draft, name, &attr, err);

    if (status == FSN_OK)
        *attr = (struct fsn__attr){.name = name, .type = FSN__ATTR_STRING, .s = value};
    return status;
}

void fsn__draft_remove(struct fsn__draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->attrs.count; i++) {
        if (strcmp(draft->attr[i].name, name) != 0)
            continue;
        if (draft->attr[i].type == FSN__ATTR_TENSOR)
            free(draft->attr[i].tensor.data);
        draft->attr[i] = draft->attr[--draft->attrs.count];
        return;
    }
}

/* ---- Constant ----------------------------------------------------------------------------------
 */

enum fsn_status fsn__import_constant(struct fsn__importer *im, struct fsn__draft *draft,
                                     struct fsn_error *err)
{
    struct fsn__attr *attr = &draft->attr[0];
    struct fsn__tensor t = {.dtype = FSN__F32};
    struct fsn__value *value;
    enum fsn_status status;
    const void *from = NULL;

    if (draft->n_out != 1 || draft->out[0] < 0 || draft->n_in != 0 || draft->attrs.count != 1)
        return FSN__FAIL(err, FSN_FORMAT,
                         "Constant '%s': expected no input, one output and one attribute",
                         draft->label);
    if (strcmp(attr->name, "value") == 0 && attr->type == FSN__ATTR_TENSOR) {
        t = attr->tensor;
        attr->tensor.data = NULL;
    } else if (strcmp(attr->name, "value_float") == 0 && attr->type == FSN__ATTR_FLOAT) {
        from = &attr->f;
    } else if (strcmp(attr->name, "value_int") == 0 && attr->type == FSN__ATTR_INT) {
        t.dtype = FSN__I64;
        from = &attr->i;
    } else if (strcmp(attr->name, "value_floats") == 0 && attr->type == FSN__ATTR_FLOATS) {
        t.ndim = 1;
        t.dim[0] = (int64_t)attr->count;
        from = attr->floats;
    } else if (strcmp(attr->name, "value_ints") == 0 && attr->type == FSN__ATTR_INTS) {
        t.dtype = FSN__I64;
        t.ndim = 1;
        t.dim[0] = (int64_t)attr->count;
        from = attr->ints;
    } else {
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "Constant '%s': attribute '%s' (of this type) is not supported",
                         draft->label, attr->name);
    }
    if (!t.data) { /* a list: counted when its attribute was read */
        status = fsn__tensor_alloc(&t, err);
        if (status != FSN_OK)
            return status;
        if (fsn__tensor_bytes(&t) > 0)
            memcpy(t.data, from, fsn__tensor_bytes(&t));
    }
    value = &im->graph->values[draft->out[0]];
    value->kind = FSN__VALUE_CONST;
    value->tensor = t;
    return FSN_OK;
}
