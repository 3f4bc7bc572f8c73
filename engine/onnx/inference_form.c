/* inference_form.c - a network that was exported in training mode is read as it is used.
 *
 * torch.onnx.export(..., training=TrainingMode.TRAINING) writes BatchNormalization and Dropout with
 * training_mode = 1 (before version 14 a BatchNormalization of five outputs says the same). Taken
 * at its word such a file would normalise by the statistics of whatever batch comes in, and drop at
 * random. Nobody measures or deploys that: where nothing reads what a node gives in training mode
 * alone, the mode is taken away. While the engine trains, both operators do so by themselves.
 */
#include "onnx/import.h"

#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__import_batch_norm_outputs(struct fsn__draft *draft, struct fsn_error *err)
{
    if (draft->n_out == 1)
        return FSN_OK;
    if (draft->n_out > fsn__op_batch_normalization.max_out)
        draft->n_out = fsn__op_batch_normalization.max_out;
    return fsn__draft_set_int(draft, "training_mode", 1, err);
}

enum fsn_status fsn__import_check_made(const struct fsn__graph *graph, struct fsn_error *err)
{
    int *uses = fsn__graph_count_uses(graph);
    enum fsn_status status = uses ? FSN_OK : FSN__NOMEM(err);

    for (int i = 0; i < graph->value_count && status == FSN_OK; i++)
        if (uses[i] > 0 && graph->values[i].kind == FSN__VALUE_COMPUTED &&
            graph->values[i].producer < 0)
            status = FSN__FAIL(err, FSN_UNSUPPORTED,
                               "'%s', which a BatchNormalization saved for its gradient, is read: "
                               "only its running statistics can be",
                               graph->values[i].name);
    free(uses);
    return status;
}

static void remove_attr(struct fsn__attrs *attrs, const char *name)
{
    for (size_t i = 0; i < attrs->count; i++)
        if (strcmp(attrs->item[i].name, name) == 0) {
            attrs->item[i] = attrs->item[--attrs->count];
            return;
        }
}

static bool is_true(const struct fsn__tensor *t)
{
    return t->data && t->dtype == FSN__BOOL && fsn__numel(t) == 1 && *(const bool *)t->data;
}

void fsn__import_inference_form(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node *node = &graph->nodes[i];

        if (node->n_out > 1) /* folding has dropped what nothing reads */
            continue;
        if (node->op == &fsn__op_batch_normalization)
            remove_attr(&node->attrs, "training_mode");
        if (node->op == &fsn__op_dropout && node->n_in > 2 && node->in[2] >= 0 &&
            is_true(&graph->values[node->in[2]].tensor))
            node->n_in = 2;
    }
}
