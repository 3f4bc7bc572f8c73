/* conditional.c - an If is replaced by the branch that is taken (ONNX operators, "If").
 *
 * PyTorch writes one for squeeze(dim) where it does not know the size of the dimension, and for the
 * early ways out of its own functions. The condition then hangs on shapes alone: it is worked out
 * on an alias of what has been built so far, which must hold everything it reads, as ONNX has it
 * (nodes stand in order). A condition that hangs on the images is refused.
 */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

bool fsn__import_is_if(const FsnOnnx__NodeProto *node)
{
    return fsn__proto_is_onnx_domain(node->domain) &&
           strcmp(fsn__proto_text(node->op_type), "If") == 0;
}

/* Whether something in the graph waits for a node that has not been built yet. */
static bool is_complete(const struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].kind == FSN__VALUE_COMPUTED && graph->values[i].producer < 0)
            return false;
    return true;
}

/* The condition's value into *taken. */
static enum fsn_status decide(const struct fsn__importer *im, const struct fsn__draft *draft,
                              bool *taken, struct fsn_error *err)
{
    struct fsn__graph *part = NULL;
    const struct fsn__tensor *t;
    enum fsn_status status = fsn__graph_alias(im->graph, &part, err);

    if (status != FSN_OK)
        return status;
    part->outputs[0] = draft->in[0];
    part->output_count = 1;
    part->baked_batch = im->graph->baked_batch;
    status = fsn__graph_sort(part, err);
    if (status == FSN_OK)
        status = fsn__graph_prune(part, err);
    if (status == FSN_OK && !is_complete(part))
        status =
            FSN__FAIL(err, FSN_FORMAT,
                      "If '%s': its condition depends on nodes that stand behind it", draft->label);
    if (status == FSN_OK)
        status = fsn__graph_fold(part, im->limits.max_constants, err);
    if (status != FSN_OK)
        goto out;
    t = &part->values[part->outputs[0]].tensor;
    if (t->dtype != FSN__BOOL || (t->data && fsn__numel(t) != 1))
        status = FSN__FAIL(err, FSN_SHAPE, "If '%s': its condition is %s %s, expected one bool",
                           draft->label, fsn__dtype_name(t->dtype), FSN__SHAPE(t));
    else if (!t->data)
        status = FSN__FAIL(err, FSN_UNSUPPORTED,
                           "If '%s': its condition depends on the input; only one that follows "
                           "from shapes and constants can be decided",
                           draft->label);
    else
        *taken = *(const unsigned char *)t->data != 0;
out:
    fsn__graph_destroy(part);
    return status;
}

static enum fsn_status unpack_branch(const struct fsn__draft *draft, const char *name,
                                     FsnOnnx__GraphProto **out, struct fsn_error *err)
{
    char what[700];

    snprintf(what, sizeof what, "If '%s': %s", draft->label, name);
    for (size_t i = 0; i < draft->proto->n_attribute; i++) {
        const FsnOnnx__AttributeProto *attr = draft->proto->attribute[i];

        if (strcmp(fsn__proto_text(attr->name), name) == 0 && attr->has_g)
            return fsn__proto_unpack_graph(attr->g.data, attr->g.len, what, out, err);
    }
    return FSN__FAIL(err, FSN_FORMAT, "%s is missing", what);
}

static enum fsn_status put_in_place(struct fsn__importer *im, const struct fsn__scope *scope,
                                    const struct fsn__draft *draft,
                                    const FsnOnnx__GraphProto *branch, struct fsn_error *err)
{
    struct fsn__scope inner = {
        .call = scope->call,
        .around = scope,
        .depth = scope->depth + 1,
        .opset = scope->opset,
    };
    struct fsn__body body = {.kind = "If", .name = draft->label, .n_output = branch->n_output};
    enum fsn_status status = fsn__import_validate_branch(im, branch, err);

    if (status == FSN_OK && branch->n_output < (size_t)draft->n_out)
        status = FSN__FAIL(err, FSN_FORMAT, "If '%s': %d outputs, the branch that is taken has %zu",
                           draft->label, draft->n_out, branch->n_output);
    if (status != FSN_OK)
        return status;
    for (size_t i = 0; i < branch->n_output; i++)
        body.output[i] = fsn__proto_text(branch->output[i]->name);
    status = fsn__body_bind(im, &body, draft, &inner, err);
    if (status == FSN_OK)
        status = fsn__import_branch(im, &inner, branch, err);
    if (status == FSN_OK)
        status = fsn__body_connect(im, &body, &inner, err);
    fsn__names_free(&inner.values);
    fsn__names_free(&inner.results);
    return status;
}

enum fsn_status fsn__import_if(struct fsn__importer *im, const struct fsn__scope *scope,
                               const struct fsn__draft *draft, struct fsn_error *err)
{
    FsnOnnx__GraphProto *branch = NULL;
    enum fsn_status status;
    bool taken = false;

    if (draft->n_in != 1 || draft->in[0] < 0)
        return FSN__FAIL(err, FSN_FORMAT, "If '%s': %d inputs, expected its condition",
                         draft->label, draft->n_in);
    if (scope->depth >= FSN__MAX_CALL_DEPTH || im->conditionals++ >= FSN__MAX_CONDITIONALS)
        return FSN__FAIL(err, FSN_LIMIT,
                         "If '%s': more than %d conditionals, or nested deeper than %d",
                         draft->label, FSN__MAX_CONDITIONALS, FSN__MAX_CALL_DEPTH);
    status = decide(im, draft, &taken, err);
    if (status == FSN_OK)
        status = unpack_branch(draft, taken ? "then_branch" : "else_branch", &branch, err);
    if (status == FSN_OK)
        status = put_in_place(im, scope, draft, branch, err);
    fsn__proto_free(branch);
    return status;
}
