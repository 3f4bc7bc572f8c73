/* functions.c - calls of model-local functions are replaced by the function's body (ONNX IR
 * specification, "Functions"): its inputs and outputs stand for the caller's values, its attribute
 * references (ref_attr_name) for the caller's attributes or the function's defaults. Inlining ends
 * because recursion is refused, depth is limited and every node made counts towards max_nodes.
 */
#include "onnx/import.h"

#include <string.h>

static enum fsn_status check_call(const struct fsn__call *call, struct fsn_error *err)
{
    const FsnOnnx__FunctionProto *function = call->function;
    const struct fsn__draft *node = call->node;
    const struct fsn__call *outer;

    if (call->depth > FSN__MAX_CALL_DEPTH)
        return FSN__FAIL(err, FSN_LIMIT, "%s '%s': functions are nested deeper than %d", node->op,
                         node->label, FSN__MAX_CALL_DEPTH);
    for (outer = call->outer->call; outer; outer = outer->outer->call)
        if (outer->function == function)
            return FSN__FAIL(err, FSN_FORMAT, "function '%s' (domain '%s') calls itself", node->op,
                             node->domain);
    if ((size_t)node->n_in > function->n_input || (size_t)node->n_out > function->n_output)
        return FSN__FAIL(
            err, FSN_FORMAT, "%s '%s': %d inputs and %d outputs, its function has %zu and %zu",
            node->op, node->label, node->n_in, node->n_out, function->n_input, function->n_output);
    return FSN_OK;
}

/* Inputs mean the caller's values. */
static enum fsn_status bind_inputs(const struct fsn__call *call, struct fsn__scope *scope,
                                   struct fsn_error *err)
{
    const FsnOnnx__FunctionProto *function = call->function;
    const struct fsn__draft *node = call->node;

    for (size_t i = 0; i < function->n_input; i++) {
        int value = i < (size_t)node->n_in && node->in[i] >= 0 ? node->in[i] : FSN__ABSENT;

        if (!*function->input[i] || fsn__names_find(&scope->values, function->input[i]) != -1)
            return FSN__FAIL(err, FSN_FORMAT, "function '%s': input %zu has no name of its own",
                             node->op, i);
        if (!fsn__names_put(&scope->values, function->input[i], value))
            return FSN__NOMEM(err);
    }
    return FSN_OK;
}

enum fsn_status fsn__body_bind(struct fsn__importer *im, const struct fsn__body *body,
                               const struct fsn__draft *node, struct fsn__scope *scope,
                               struct fsn_error *err)
{
    for (size_t i = 0; i < body->n_output; i++) {
        int value = i < (size_t)node->n_out ? node->out[i] : -1;
        enum fsn_status status;

        if (!body->output[i] || !*body->output[i] ||
            fsn__names_find(&scope->results, body->output[i]) != -1)
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': output %zu has no name of its own",
                             body->kind, body->name, i);
        if (value < 0) { /* the caller does not want it; the body may still read it */
            status = fsn__graph_add_value(im->graph, NULL, FSN__VALUE_COMPUTED, NULL, &value, err);
            if (status != FSN_OK)
                return status;
        }
        if (!fsn__names_put(&scope->results, body->output[i], value))
            return FSN__NOMEM(err);
    }
    return FSN_OK;
}

enum fsn_status fsn__body_connect(struct fsn__importer *im, const struct fsn__body *body,
                                  const struct fsn__scope *scope, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < body->n_output && status == FSN_OK; i++) {
        int wanted = fsn__names_find(&scope->results, body->output[i]);
        int made = fsn__scope_find(scope, body->output[i]);

        if (made < 0)
            return FSN__FAIL(err, FSN_FORMAT, "%s '%s': output '%s' is not made by any node",
                             body->kind, body->name, body->output[i]);
        if (made != wanted)
            status = fsn__graph_add_node(im->graph, &fsn__op_identity, NULL, NULL, 1, &made, 1,
                                         &wanted, NULL, err);
    }
    return status;
}

enum fsn_status fsn__import_call(struct fsn__importer *im, const struct fsn__scope *scope,
                                 const struct fsn__draft *draft, int function,
                                 struct fsn_error *err)
{
    const FsnOnnx__FunctionProto *proto = im->model->functions[function];
    struct fsn__call call = {
        .function = proto,
        .node = draft,
        .outer = scope,
        .depth = scope->call ? scope->call->depth + 1 : 1,
    };
    struct fsn__scope inner = {
        .call = &call,
        .opset = fsn__proto_opset(proto->n_opset_import, proto->opset_import),
    };
    struct fsn__body body = {.kind = "function", .name = draft->op, .n_output = proto->n_output};
    enum fsn_status status = check_call(&call, err);

    for (size_t i = 0; status == FSN_OK && i < proto->n_output && i < FSN__MAX_IO; i++)
        body.output[i] = proto->output[i];
    if (status == FSN_OK)
        status = bind_inputs(&call, &inner, err);
    if (status == FSN_OK)
        status = fsn__body_bind(im, &body, draft, &inner, err);
    if (status == FSN_OK)
        status = fsn__import_nodes(im, &inner, proto->n_node, proto->node, err);
    if (status == FSN_OK)
        status = fsn__body_connect(im, &body, &inner, err);
    fsn__names_free(&inner.values);
    fsn__names_free(&inner.results);
    return status;
}
