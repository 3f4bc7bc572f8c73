/* import_graph.c - graph inputs, initialisers, nodes and outputs into the engine's graph.
 *
 * A scope (the graph, or a function's body) is built in two passes. First everything that has a
 * name gets a value, so that nodes may stand in any order and a name that is defined twice or
 * nowhere is found; then the nodes are added. fsn__graph_sort finds cycles.
 */
#include "onnx/import.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* ---- inputs and initialisers -------------------------------------------------------------------
 */

static enum fsn_status define(struct fsn__importer *im, struct fsn__names *names, const char *name,
                              int value, struct fsn_error *err)
{
    if ((size_t)im->graph->value_count > im->limits.max_values)
        return FSN__FAIL(err, FSN_LIMIT, "the graph has more than %zu values",
                         im->limits.max_values);
    return fsn__names_put(names, name, value) ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status add_initialiser(struct fsn__importer *im, struct fsn__scope *scope,
                                       const FsnOnnx__TensorProto *proto, struct fsn_error *err)
{
    const char *name = fsn__proto_text(proto->name);
    char what[600];
    struct fsn__tensor t = {0};
    enum fsn_status status;
    int value;

    if (!*name)
        return FSN__FAIL(err, FSN_FORMAT, "an initialiser has no name");
    if (fsn__names_find(&scope->values, name) != -1)
        return FSN__FAIL(err, FSN_FORMAT, "initialiser '%s' is defined twice", name);
    snprintf(what, sizeof what, "initialiser '%s'", name);
    status = fsn__proto_tensor(proto, &im->tensors, what, &t, err);
    if (status == FSN_OK)
        status = fsn__graph_add_owned(im->graph, name, FSN__VALUE_CONST, &t, &value, err);
    return status == FSN_OK ? define(im, &scope->values, name, value, err) : status;
}

/* Dimension i of a graph input. Only the first may be open: it becomes the batch axis. */
static enum fsn_status read_dim(const FsnOnnx__TensorShapeProto__Dimension *dim, int i,
                                const char *name, int64_t *out, struct fsn_error *err)
{
    bool known = dim->value_case == FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    const char *symbol = "";

    if (known && dim->dim_value >= 0) {
        *out = dim->dim_value;
        return FSN_OK;
    }
    if (known && dim->dim_value != -1) /* some exporters write -1 for an open dimension */
        return FSN__FAIL(err, FSN_FORMAT, "graph input '%s': dimension %d is %lld", name, i,
                         (long long)dim->dim_value);
    if (i == 0) {
        *out = FSN_BATCH;
        return FSN_OK;
    }
    if (dim->value_case == FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
        symbol = fsn__proto_text(dim->dim_param);
    return FSN__FAIL(err, FSN_UNSUPPORTED,
                     "graph input '%s': dimension %d ('%.100s') is not fixed; only the first one, "
                     "the batch, may be open",
                     name, i, symbol);
}

static enum fsn_status read_input_type(struct fsn__importer *im,
                                       const FsnOnnx__ValueInfoProto *input, const char *name,
                                       struct fsn__tensor *t, struct fsn_error *err)
{
    const FsnOnnx__TypeProto__Tensor *type;
    enum fsn_status status = FSN_OK;

    if (!input->type || input->type->value_case != FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        !input->type->tensor_type)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "graph input '%s' is not declared as a tensor",
                         name);
    type = input->type->tensor_type;
    if (!fsn__proto_dtype(type->elem_type, im->tensors.narrow, &t->dtype))
        return FSN__FAIL(err, FSN_UNSUPPORTED, "graph input '%s': element type %s is not supported",
                         name, FSN__PROTO_DTYPE(type->elem_type));
    if (!type->shape)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "graph input '%s' has no shape", name);
    if (type->shape->n_dim > FSN_MAX_DIMS)
        return FSN__FAIL(err, FSN_LIMIT,
                         "graph input '%s': %zu dimensions, at most %d can be taken", name,
                         type->shape->n_dim, FSN_MAX_DIMS);
    t->ndim = (int)type->shape->n_dim;
    for (int i = 0; i < t->ndim && status == FSN_OK; i++)
        status = read_dim(type->shape->dim[i], i, name, &t->dim[i], err);
    if (status == FSN_OK &&
        (fsn__numel_bound(t) < 0 || (uint64_t)fsn__numel_bound(t) > im->limits.max_elements))
        return FSN__FAIL(err, FSN_LIMIT, "graph input '%s': shape %s has more than %zu elements",
                         name, FSN__SHAPE(t), im->limits.max_elements);
    /* An export made with some example images: their number is the batch, if the network bears it.
     */
    if (status == FSN_OK && im->try_batch && t->ndim == 4 && t->dim[0] >= 1 &&
        t->dtype == FSN__F32 &&
        (im->graph->baked_batch == 0 || im->graph->baked_batch == t->dim[0])) {
        im->graph->baked_batch = t->dim[0];
        t->dim[0] = FSN_BATCH;
        im->tried_batch = true;
    }
    return status;
}

/* What is bound to an input must be of its declared type and shape, where the file declares them.
 */
static enum fsn_status check_binding(const struct fsn__importer *im,
                                     const FsnOnnx__ValueInfoProto *input,
                                     const struct fsn__tensor *bound, struct fsn_error *err)
{
    struct fsn__tensor declared = {0};
    const FsnOnnx__TypeProto__Tensor *type;
    bool fits;

    if (!input->type || input->type->value_case != FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        !input->type->tensor_type || !input->type->tensor_type->shape)
        return FSN_OK;
    type = input->type->tensor_type;
    fits = fsn__proto_dtype(type->elem_type, im->tensors.narrow, &declared.dtype) &&
           declared.dtype == bound->dtype && type->shape->n_dim == (size_t)bound->ndim;
    for (size_t i = 0; i < type->shape->n_dim && i < FSN_MAX_DIMS; i++) {
        const FsnOnnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
        bool known = dim->value_case == FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;

        declared.dim[declared.ndim++] = known ? dim->dim_value : FSN_BATCH;
        fits = fits && (!known || dim->dim_value == bound->dim[i]);
    }
    if (fits)
        return FSN_OK;
    return FSN__FAIL(err, FSN_MISMATCH, "graph input '%s' is %s %s, its data is %s %s",
                     fsn__proto_text(input->name), FSN__PROTO_DTYPE(type->elem_type),
                     FSN__SHAPE(&declared), fsn__dtype_name(bound->dtype), FSN__SHAPE(bound));
}

static enum fsn_status add_input(struct fsn__importer *im, struct fsn__scope *scope,
                                 const FsnOnnx__ValueInfoProto *input, struct fsn_error *err)
{
    const char *name = fsn__proto_text(input->name);
    struct fsn__tensor t = {0};
    enum fsn_status status;
    int value = fsn__names_find(&scope->values, name);

    if (!*name)
        return FSN__FAIL(err, FSN_FORMAT, "a graph input has no name");
    if (value >= 0 && im->graph->values[value].kind == FSN__VALUE_CONST)
        return FSN_OK; /* an initialiser listed as an input too (IR 3), or named by a binding */
    if (value >= 0)
        return FSN__FAIL(err, FSN_FORMAT, "graph input '%s' is defined twice", name);
    for (size_t i = 0; i < im->binding_count; i++) {
        if (strcmp(im->bindings[i].name, name) != 0)
            continue;
        status = check_binding(im, input, im->bindings[i].tensor, err);
        if (status == FSN_OK)
            status = fsn__graph_add_const(im->graph, name, FSN__VALUE_CONST, im->bindings[i].tensor,
                                          &value, err);
        return status == FSN_OK ? define(im, &scope->values, name, value, err) : status;
    }
    status = read_input_type(im, input, name, &t, err);
    if (status == FSN_OK)
        status = fsn__graph_add_input(im->graph, name, &t, &value, err);
    return status == FSN_OK ? define(im, &scope->values, name, value, err) : status;
}

/* ---- nodes -------------------------------------------------------------------------------------
 */

/* Gives every output of every node its value. */
static enum fsn_status declare_outputs(struct fsn__importer *im, struct fsn__scope *scope,
                                       size_t count, FsnOnnx__NodeProto *const *nodes,
                                       struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < nodes[i]->n_output; j++) {
            const char *name = nodes[i]->output[j];
            int value;

            if (!*name)
                continue;
            if (fsn__names_find(&scope->values, name) != -1)
                return FSN__FAIL(err, FSN_FORMAT, "output '%s' of node '%s' is defined twice", name,
                                 fsn__proto_text(nodes[i]->name));
            value = fsn__names_find(&scope->results, name);
            if (value < 0) {
                status =
                    fsn__graph_add_value(im->graph, name, FSN__VALUE_COMPUTED, NULL, &value, err);
                if (status != FSN_OK)
                    return status;
            }
            status = define(im, &scope->values, name, value, err);
            if (status != FSN_OK)
                return status;
        }
    }
    return status;
}

static enum fsn_status add_node(struct fsn__importer *im, const struct fsn__scope *scope,
                                const FsnOnnx__NodeProto *proto, struct fsn_error *err)
{
    struct fsn__draft draft;
    enum fsn_status status;
    int function;

    if (im->nodes++ >= im->limits.max_nodes)
        return FSN__FAIL(err, FSN_LIMIT, "more than %zu nodes (with functions written out)",
                         im->limits.max_nodes);
    status = fsn__draft_read(im, scope, proto, &draft, err);
    if (status != FSN_OK)
        goto out;
    if (fsn__import_is_if(proto)) {
        status = fsn__import_if(im, scope, &draft, err);
        goto out;
    }
    function = fsn__import_find_function(im, draft.domain, draft.op);
    if (function >= 0) {
        status = fsn__import_call(im, scope, &draft, function, err);
        goto out;
    }
    if (fsn__proto_is_onnx_domain(draft.domain)) {
        if (strcmp(draft.op, "Constant") == 0) {
            status = fsn__import_constant(im, &draft, err);
            goto out;
        }
        status = fsn__import_upgrade(im, &draft, err);
        if (status != FSN_OK)
            goto out;
    }
    status = fsn__graph_add_node(im->graph, fsn__op_find(draft.domain, draft.op),
                                 fsn__proto_text(proto->name), &draft.attrs, draft.n_in, draft.in,
                                 draft.n_out, draft.out, NULL, err);
out:
    fsn__draft_clear(&draft);
    return status;
}

enum fsn_status fsn__import_branch(struct fsn__importer *im, struct fsn__scope *scope,
                                   const FsnOnnx__GraphProto *branch, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < branch->n_initializer && status == FSN_OK; i++)
        status = add_initialiser(im, scope, branch->initializer[i], err);
    return status == FSN_OK ? fsn__import_nodes(im, scope, branch->n_node, branch->node, err)
                            : status;
}

enum fsn_status fsn__import_nodes(struct fsn__importer *im, struct fsn__scope *scope, size_t count,
                                  FsnOnnx__NodeProto *const *nodes, struct fsn_error *err)
{
    enum fsn_status status = declare_outputs(im, scope, count, nodes, err);

    for (size_t i = 0; i < count && status == FSN_OK; i++)
        status = add_node(im, scope, nodes[i], err);
    return status;
}

/* ---- the whole graph ---------------------------------------------------------------------------
 */

static enum fsn_status add_outputs(struct fsn__importer *im, const struct fsn__scope *scope,
                                   struct fsn_error *err)
{
    const FsnOnnx__GraphProto *graph = im->model->graph;
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < graph->n_output && status == FSN_OK; i++) {
        const char *name = fsn__proto_text(graph->output[i]->name);
        int value = fsn__names_find(&scope->values, name);

        if (value < 0)
            return FSN__FAIL(err, FSN_FORMAT, "graph output '%s' is not made by any node", name);
        for (int j = 0; j < im->graph->output_count; j++)
            if (im->graph->outputs[j] == value)
                return FSN__FAIL(err, FSN_FORMAT, "graph output '%s' is listed twice", name);
        status = fsn__graph_add_output(im->graph, value, err);
    }
    return status;
}

/* What the file declares of an output whose shape is in the data; without a shape: none. */
static enum fsn_status declare_late(const struct fsn__importer *im,
                                    const FsnOnnx__ValueInfoProto *proto, struct fsn__tensor *t,
                                    struct fsn_error *err)
{
    const FsnOnnx__TypeProto__Tensor *type =
        proto->type && proto->type->value_case == FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? proto->type->tensor_type
            : NULL;

    if (!type || !fsn__proto_dtype(type->elem_type, im->tensors.narrow, &t->dtype))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "graph output '%s' depends on what is found in an image, and is not "
                         "declared as a tensor of an element type that is supported",
                         fsn__proto_text(proto->name));
    t->ndim = 0;
    if (!type->shape || type->shape->n_dim > FSN_MAX_DIMS)
        return FSN_OK;
    for (size_t i = 0; i < type->shape->n_dim; i++) {
        const FsnOnnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
        const bool known =
            dim->value_case == FSN_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;

        t->dim[t->ndim++] = known && dim->dim_value >= 0 ? dim->dim_value : FSN_BATCH;
    }
    return FSN_OK;
}

enum fsn_status fsn__import_late_outputs(const struct fsn__importer *im, struct fsn_error *err)
{
    struct fsn__graph *graph = im->graph;
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < graph->output_count && status == FSN_OK; i++)
        if (graph->values[graph->outputs[i]].late)
            status = declare_late(im, im->model->graph->output[i],
                                  &graph->values[graph->outputs[i]].tensor, err);
    return status;
}

enum fsn_status fsn__import_graph(struct fsn__importer *im, struct fsn_error *err)
{
    const FsnOnnx__GraphProto *graph = im->model->graph;
    struct fsn__scope scope = {
        .opset = fsn__proto_opset(im->model->n_opset_import, im->model->opset_import),
    };
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < graph->n_initializer && status == FSN_OK; i++)
        status = add_initialiser(im, &scope, graph->initializer[i], err);
    for (size_t i = 0; i < graph->n_input && status == FSN_OK; i++)
        status = add_input(im, &scope, graph->input[i], err);
    if (status == FSN_OK)
        status = fsn__import_nodes(im, &scope, graph->n_node, graph->node, err);
    if (status == FSN_OK)
        status = add_outputs(im, &scope, err);
    fsn__names_free(&scope.values);
    fsn__names_free(&scope.results);
    return status;
}
