/* validate.c - all that can be said of an ONNX file before anything is built: that there is a
 * graph, that its versions are known, that its names are text, that its lists are within limits,
 * and that the engine has every operator (missing.c).
 */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

/* ---- names --------------------------------------------------------------------------------- */

/* An error text holds 1023 bytes: an operator, its domain and a name fit together. */
enum { MAX_NAME_BYTES = 512, MAX_OPERATOR_BYTES = 128 };

static enum fsn_status check_text(const char *name, size_t max, const char *what, size_t index,
                                  struct fsn_error *err)
{
    if (!name)
        return FSN_OK;
    if (strlen(name) > max)
        return FSN__FAIL(err, FSN_LIMIT, "%s %zu: a name of %zu bytes, at most %zu are taken", what,
                         index, strlen(name), max);
    if (!fsn__proto_is_text(name))
        return FSN__FAIL(err, FSN_FORMAT, "%s %zu: a name is not valid UTF-8 text", what, index);
    return FSN_OK;
}

static enum fsn_status check_name(const char *name, const char *what, size_t index,
                                  struct fsn_error *err)
{
    return check_text(name, MAX_NAME_BYTES, what, index, err);
}

static enum fsn_status check_list(size_t count, size_t max, const char *what, const char *of,
                                  struct fsn_error *err)
{
    if (count > max)
        return FSN__FAIL(err, FSN_LIMIT, "%s: %zu %s, at most %zu are taken", of, count, what, max);
    return FSN_OK;
}

static enum fsn_status check_node_names(const FsnOnnx__NodeProto *node, size_t index,
                                        struct fsn_error *err)
{
    enum fsn_status status = check_name(node->name, "node", index, err);

    if (status == FSN_OK)
        status = check_text(node->op_type, MAX_OPERATOR_BYTES, "node", index, err);
    if (status == FSN_OK)
        status = check_text(node->domain, MAX_OPERATOR_BYTES, "node", index, err);
    for (size_t i = 0; i < node->n_input && status == FSN_OK; i++)
        status = check_name(node->input[i], "node", index, err);
    for (size_t i = 0; i < node->n_output && status == FSN_OK; i++)
        status = check_name(node->output[i], "node", index, err);
    for (size_t i = 0; i < node->n_attribute && status == FSN_OK; i++) {
        status = check_name(node->attribute[i]->name, "node", index, err);
        if (status == FSN_OK)
            status = check_name(node->attribute[i]->ref_attr_name, "node", index, err);
    }
    return status;
}

static enum fsn_status check_function_names(const FsnOnnx__FunctionProto *function, size_t index,
                                            struct fsn_error *err)
{
    enum fsn_status status = check_text(function->name, MAX_OPERATOR_BYTES, "function", index, err);

    if (status == FSN_OK)
        status = check_text(function->domain, MAX_OPERATOR_BYTES, "function", index, err);
    for (size_t i = 0; i < function->n_input && status == FSN_OK; i++)
        status = check_name(function->input[i], "function", index, err);
    for (size_t i = 0; i < function->n_output && status == FSN_OK; i++)
        status = check_name(function->output[i], "function", index, err);
    for (size_t i = 0; i < function->n_attribute_proto && status == FSN_OK; i++)
        status = check_name(function->attribute_proto[i]->name, "function", index, err);
    for (size_t i = 0; i < function->n_node && status == FSN_OK; i++)
        status = check_node_names(function->node[i], i, err);
    return status;
}

static enum fsn_status check_graph_names(const FsnOnnx__GraphProto *graph, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < graph->n_input && status == FSN_OK; i++)
        status = check_name(graph->input[i]->name, "graph input", i, err);
    for (size_t i = 0; i < graph->n_output && status == FSN_OK; i++)
        status = check_name(graph->output[i]->name, "graph output", i, err);
    for (size_t i = 0; i < graph->n_initializer && status == FSN_OK; i++)
        status = check_name(graph->initializer[i]->name, "initialiser", i, err);
    for (size_t i = 0; i < graph->n_node && status == FSN_OK; i++)
        status = check_node_names(graph->node[i], i, err);
    return status;
}

static enum fsn_status check_names(const FsnOnnx__ModelProto *model, struct fsn_error *err)
{
    enum fsn_status status = check_graph_names(model->graph, err);

    for (size_t i = 0; i < model->n_functions && status == FSN_OK; i++)
        status = check_function_names(model->functions[i], i, err);
    return status;
}

/* ---- counts and versions -----------------------------------------------------------------------
 */

static enum fsn_status check_graph_counts(const struct fsn__importer *im,
                                          const FsnOnnx__GraphProto *graph, const char *of,
                                          struct fsn_error *err)
{
    const struct fsn_import_limits *limits = &im->limits;
    enum fsn_status status = check_list(graph->n_node, limits->max_nodes, "nodes", of, err);

    if (status == FSN_OK)
        status = check_list(graph->n_initializer, limits->max_values, "initialisers", of, err);
    if (status == FSN_OK)
        status = check_list(graph->n_input, limits->max_values, "inputs", of, err);
    return status == FSN_OK ? check_list(graph->n_output, FSN__MAX_IO, "outputs", of, err) : status;
}

static enum fsn_status check_counts(const struct fsn__importer *im, struct fsn_error *err)
{
    const struct fsn_import_limits *limits = &im->limits;
    enum fsn_status status = check_graph_counts(im, im->model->graph, "the graph", err);

    if (status == FSN_OK)
        status =
            check_list(im->model->n_functions, limits->max_nodes, "functions", "the model", err);
    for (size_t i = 0; i < im->model->n_functions && status == FSN_OK; i++) {
        const FsnOnnx__FunctionProto *function = im->model->functions[i];

        status = check_list(function->n_input, FSN__MAX_IO, "inputs", "a function", err);
        if (status == FSN_OK)
            status = check_list(function->n_output, FSN__MAX_IO, "outputs", "a function", err);
        if (status == FSN_OK)
            status = check_list(function->n_node, limits->max_nodes, "nodes", "a function", err);
    }
    return status;
}

static enum fsn_status check_opset(int64_t opset, const char *where, struct fsn_error *err)
{
    if (opset >= FSN__OPSET_MIN && opset <= FSN__OPSET_MAX)
        return FSN_OK;
    return FSN__FAIL(err, FSN_UNSUPPORTED,
                     "%s is written for ONNX operator set version %lld; versions %d to %d can be "
                     "read",
                     where, (long long)opset, FSN__OPSET_MIN, FSN__OPSET_MAX);
}

static bool uses_onnx(size_t count, FsnOnnx__NodeProto *const *nodes)
{
    for (size_t i = 0; i < count; i++)
        if (fsn__proto_is_onnx_domain(nodes[i]->domain))
            return true;
    return false;
}

static enum fsn_status check_versions(const FsnOnnx__ModelProto *model, struct fsn_error *err)
{
    int64_t opset = fsn__proto_opset(model->n_opset_import, model->opset_import);
    enum fsn_status status = FSN_OK;

    if (uses_onnx(model->graph->n_node, model->graph->node)) {
        if (model->n_opset_import == 0 || opset == 0)
            return FSN__FAIL(err, FSN_FORMAT,
                             "the file does not say which ONNX operator set it is written for");
        status = check_opset(opset, "the file", err);
    }
    for (size_t i = 0; i < model->n_functions && status == FSN_OK; i++) {
        const FsnOnnx__FunctionProto *function = model->functions[i];

        if (!uses_onnx(function->n_node, function->node))
            continue;
        opset = fsn__proto_opset(function->n_opset_import, function->opset_import);
        if (opset == 0)
            return FSN__FAIL(err, FSN_FORMAT,
                             "function '%s' does not say which ONNX operator set it is written for",
                             fsn__proto_text(function->name));
        status = check_opset(opset, fsn__proto_text(function->name), err);
    }
    return status;
}

/* ---- functions ----------------------------------------------------------------------------- */

static enum fsn_status list_functions(struct fsn__importer *im, struct fsn_error *err)
{
    for (size_t i = 0; i < im->model->n_functions; i++) {
        const FsnOnnx__FunctionProto *function = im->model->functions[i];
        const char *domain = fsn__proto_text(function->domain);
        const char *name = fsn__proto_text(function->name);
        size_t size = strlen(domain) + strlen(name) + 2;
        char *key = fsn__arena_alloc(&im->arena, size, 1);

        if (!key)
            return FSN__NOMEM(err);
        snprintf(key, size, "%s\n%s", domain, name);
        if (fsn__names_find(&im->functions, key) >= 0)
            return FSN__FAIL(err, FSN_FORMAT, "function '%s' (domain '%s') is defined twice", name,
                             domain);
        if (!fsn__names_put(&im->functions, key, (int)i))
            return FSN__NOMEM(err);
    }
    return FSN_OK;
}

int fsn__import_find_function(const struct fsn__importer *im, const char *domain, const char *name)
{
    char key[2 * MAX_OPERATOR_BYTES + 2];

    if (im->functions.count == 0)
        return -1;
    snprintf(key, sizeof key, "%s\n%s", domain, name);
    return fsn__names_find(&im->functions, key);
}

enum fsn_status fsn__import_validate_branch(struct fsn__importer *im,
                                            const FsnOnnx__GraphProto *branch,
                                            struct fsn_error *err)
{
    enum fsn_status status = check_graph_counts(im, branch, "a branch", err);

    if (status == FSN_OK)
        status = check_graph_names(branch, err);
    return status == FSN_OK ? fsn__import_check_branch_operators(im, branch, err) : status;
}

enum fsn_status fsn__import_validate(struct fsn__importer *im, struct fsn_error *err)
{
    const FsnOnnx__GraphProto *graph = im->model->graph;
    enum fsn_status status;

    if (!graph)
        return FSN__FAIL(err, FSN_FORMAT, "the file holds no graph: it is no ONNX model");
    if (graph->n_output == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the graph has no outputs");
    status = check_counts(im, err);
    if (status == FSN_OK)
        status = check_names(im->model, err);
    if (status == FSN_OK)
        status = list_functions(im, err);
    if (status == FSN_OK)
        status = check_versions(im->model, err);
    if (status == FSN_OK)
        status = fsn__import_check_operators(im, err);
    return status;
}
