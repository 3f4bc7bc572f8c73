/* lower.c - the layout pass: walks the source and lowers node by node (lower.h, lowering.h). */
#include "graph/lowering.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const struct fsn__op *op;
    bool (*lower)(struct fsn__lowering *l, const struct fsn__node *node);
} patterns[] = {
    {&fsn__op_filter_summary, fsn__lower_filter_summary},
    {&fsn__op_conv, fsn__lower_conv},
    {&fsn__op_batch_normalization, fsn__lower_batch_norm},
    {&fsn__op_relu, fsn__lower_relu},
    {&fsn__op_clip, fsn__lower_clip},
    {&fsn__op_leaky_relu, fsn__lower_unary},
    {&fsn__op_thresholded_relu, fsn__lower_unary},
    {&fsn__op_elu, fsn__lower_unary},
    {&fsn__op_celu, fsn__lower_unary},
    {&fsn__op_selu, fsn__lower_unary},
    {&fsn__op_swish, fsn__lower_unary},
    {&fsn__op_hard_swish, fsn__lower_unary},
    {&fsn__op_tanh, fsn__lower_unary},
    {&fsn__op_softsign, fsn__lower_unary},
    {&fsn__op_mish, fsn__lower_unary},
    {&fsn__op_gelu, fsn__lower_unary},
    {&fsn__op_sigmoid, fsn__lower_sigmoid},
    {&fsn__op_mul, fsn__lower_mul},
    {&fsn__op_add, fsn__lower_add},
    {&fsn__op_max_pool, fsn__lower_max_pool},
    {&fsn__op_average_pool, fsn__lower_average_pool},
    {&fsn__op_global_average_pool, fsn__lower_global_pool},
    {&fsn__op_concat, fsn__lower_concat},
    {&fsn__op_slice, fsn__lower_slice},
    {&fsn__op_pad, fsn__lower_pad},
};

/* ---- the source -------------------------------------------------------------------------------
 */

/* An alias of the original with every shape known; for inference in its shortest form. */
static enum fsn_status make_source(const struct fsn__graph *original, int64_t batch, bool training,
                                   struct fsn__graph **out, struct fsn_error *err)
{
    struct fsn__graph *source = NULL;
    enum fsn_status status = fsn__graph_alias(original, &source, err);

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < source->input_count; i++) {
        struct fsn__tensor *t = &source->values[source->inputs[i]].tensor;

        if (t->ndim > 0 && t->dim[0] == FSN_BATCH)
            t->dim[0] = batch;
    }
    status = fsn__graph_infer(source, err);
    if (status == FSN_OK && !training)
        status = fsn__graph_drop_identity(source, err);
    if (status == FSN_OK && !training)
        status = fsn__graph_fold_bn(source, err);
    if (status != FSN_OK) {
        fsn__graph_destroy(source);
        return status;
    }
    *out = source;
    return FSN_OK;
}

/* ---- what is known of it beforehand -----------------------------------------------------------
 */

static void find_trained(struct fsn__lowering *l)
{
    const struct fsn__graph *from = l->from;

    for (int i = 0; i < from->value_count; i++)
        l->trained[i] = from->values[i].kind == FSN__VALUE_PARAM;
    for (int i = 0; i < from->node_count; i++) {
        const struct fsn__node *node = &from->nodes[i];
        bool any = false;

        for (int j = 0; j < node->n_in; j++)
            any |= node->in[j] >= 0 && l->trained[node->in[j]];
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0)
                l->trained[node->out[j]] = any;
    }
}

/* Batch norm reads a value itself, or as part of a concatenation. */
static void find_normalised(struct fsn__lowering *l)
{
    for (int i = l->from->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &l->from->nodes[i];

        if (node->op == &fsn__op_batch_normalization)
            l->normalised[node->in[0]] = true;
        else if (fsn__is_channel_concat(l, node) && l->normalised[node->out[0]])
            for (int j = 0; j < node->n_in; j++)
                l->normalised[node->in[j]] = true;
    }
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

static void lower_node(struct fsn__lowering *l, const struct fsn__node *node)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (patterns[i].op == node->op && patterns[i].lower(l, node))
            return;
    fsn__keep_node(l, node);
}

static void lower_graph(struct fsn__lowering *l)
{
    const struct fsn__graph *from = l->from;

    for (int i = 0; i < from->value_count; i++)
        l->form[i] = (struct fsn__form){.plain = -1, .z = -1, .a = -1, .b = -1, .s1 = -1, .s2 = -1};
    for (int i = 0; i < from->input_count && l->status == FSN_OK; i++) {
        const struct fsn__value *input = &from->values[from->inputs[i]];

        l->status = fsn__graph_add_input(l->to, input->name, &input->tensor,
                                         &l->form[from->inputs[i]].plain, l->err);
    }
    for (l->node = 0; l->node < from->node_count && l->status == FSN_OK; l->node++)
        lower_node(l, &from->nodes[l->node]);
    l->node = from->node_count - 1; /* what the outputs still need comes from the end */
    for (int i = 0; i < from->output_count; i++) {
        int plain = fsn__plain_of(l, from->outputs[i]);

        if (l->status == FSN_OK)
            l->status = fsn__graph_add_output(l->to, plain, l->err);
    }
}

/* ---- public -----------------------------------------------------------------------------------
 */

static enum fsn_status lower_source(struct fsn__lowered *lowered, bool training,
                                    struct fsn_error *err)
{
    struct fsn__lowering l = {
        .from = lowered->source, .to = lowered->graph, .training = training, .err = err};
    const size_t values = (size_t)l.from->value_count + 1;

    l.form = calloc(values, sizeof *l.form);
    l.uses = fsn__graph_count_uses(l.from);
    l.trained = calloc(values, sizeof *l.trained);
    l.normalised = calloc(values, sizeof *l.normalised);
    lowered->value_of = calloc(values, sizeof *lowered->value_of);
    if (!l.form || !l.uses || !l.trained || !l.normalised || !lowered->value_of) {
        l.status = FSN__NOMEM(err);
        goto out;
    }
    find_trained(&l);
    find_normalised(&l);
    lower_graph(&l);
    for (int i = 0; i < l.from->value_count; i++)
        lowered->value_of[i] = l.from->values[i].tensor.data ? l.form[i].plain : -1;
out:
    lowered->origin = l.origin;
    free(l.form);
    free(l.uses);
    free(l.trained);
    free(l.normalised);
    return l.status;
}

enum fsn_status fsn__lower(const struct fsn__graph *original, int64_t batch, bool training,
                           struct fsn__lowered **out, struct fsn_error *err)
{
    struct fsn__lowered *lowered = calloc(1, sizeof *lowered);
    enum fsn_status status;

    if (!lowered)
        return FSN__NOMEM(err);
    status = make_source(original, batch, training, &lowered->source, err);
    if (status == FSN_OK)
        status = fsn__graph_create(&lowered->graph, err);
    if (status == FSN_OK)
        status = lower_source(lowered, training, err);
    if (status != FSN_OK) {
        fsn__lowered_destroy(lowered);
        return status;
    }
    *out = lowered;
    return FSN_OK;
}

void fsn__lowered_destroy(struct fsn__lowered *lowered)
{
    if (!lowered)
        return;
    fsn__graph_destroy(lowered->graph); /* before the source, whose constants it borrows */
    fsn__graph_destroy(lowered->source);
    free(lowered->value_of);
    free(lowered->origin);
    free(lowered);
}
