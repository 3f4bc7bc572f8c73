/* describe.c - models and plans as JSON text: what the command line prints and the service answers.
 */
#include "compress/compress.h"
#include "ops/integer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *fsn__json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

enum fsn_status fsn__json_text(json_t *root, char **json, struct fsn_error *err)
{
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(root);
    if (!text)
        return FSN__NOMEM(err);
    *json = text;
    return FSN_OK;
}

/* ---- models
 * -------------------------------------------------------------------------------------- */

/* [64,3,3,3]; the symbolic batch axis is "N", and a dimension that is in the data "?". */
static json_t *shape_json(const struct fsn__value *value)
{
    const struct fsn__tensor *t = &value->tensor;
    json_t *array = json_array();

    for (int i = 0; i < t->ndim; i++)
        json_array_append_new(array, t->dim[i] == FSN_BATCH ? json_string(value->late ? "?" : "N")
                                                            : json_integer(t->dim[i]));
    return array;
}

static json_t *values_json(const struct fsn__graph *graph, const int *indices, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++) {
        const struct fsn__value *value = &graph->values[indices[i]];

        json_array_append_new(array, json_pack("{s:s, s:s, s:o}", "name", value->name, "type",
                                               fsn__dtype_name(value->tensor.dtype), "shape",
                                               shape_json(value)));
    }
    return array;
}

static json_t *operators_json(const struct fsn__graph *graph)
{
    json_t *counts = json_object();

    for (int i = 0; i < graph->node_count; i++) {
        const char *name = graph->nodes[i].op->name;

        json_object_set_new(counts, name,
                            json_integer(json_integer_value(json_object_get(counts, name)) + 1));
    }
    return counts;
}

static bool is_integer(const struct fsn__node *node)
{
    return node->op == &fsn__op_conv_integer || node->op == &fsn__op_mat_mul_integer ||
           node->op == &fsn__op_qlinear_conv || node->op == &fsn__op_qlinear_mat_mul;
}

static int64_t constant_elements(const struct fsn__graph *graph, const struct fsn__node *node,
                                 int in)
{
    if (in >= node->n_in || node->in[in] < 0 || !graph->values[node->in[in]].tensor.data)
        return 0;
    return fsn__numel(&graph->values[node->in[in]].tensor);
}

/* Of the weights and the bias of a layer, where they are constant. */
static int64_t layer_parameters(const struct fsn__graph *graph, const struct fsn__node *node)
{
    int64_t total = constant_elements(graph, node, fsn__graph_weight_input(node));

    if (node->op == &fsn__op_qlinear_conv)
        total += constant_elements(graph, node, FSN__QL_BIAS);
    else if (!is_integer(node))
        total += constant_elements(graph, node, 2);
    return total;
}

/* The plan's row for a Conv node, NULL when there is none. Rows stand in graph order: *at moves on.
 */
static const struct fsn_plan_layer *row_of(const struct fsn_plan *plan, const char *name,
                                           size_t *at)
{
    for (size_t i = *at; plan && i < plan->layer_count; i++)
        if (strcmp(plan->layers[i].name, name) == 0) {
            *at = i + 1;
            return &plan->layers[i];
        }
    return NULL;
}

static const char *dense_reason(const struct fsn__node *node)
{
    if (is_integer(node))
        return "computes with integers: quantised already";
    if (node->op == &fsn__op_conv_transpose)
        return "transposed: not compressed";
    return "only convolutions are compressed";
}

static json_t *layers_json(const struct fsn__graph *graph, const struct fsn_plan *rows)
{
    json_t *array = json_array();
    size_t at = 0;

    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const int weight = fsn__graph_weight_input(node);
        const struct fsn_plan_layer *row = NULL;
        const char *reason;

        if (weight < 0)
            continue;
        if (node->op == &fsn__op_conv)
            row = row_of(rows, node->name, &at);
        reason = row ? row->note : dense_reason(node);
        json_array_append_new(
            array,
            json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:b, s:s?}", "name", node->name, "op",
                      node->op->name, "weight_shape", shape_json(&graph->values[node->in[weight]]),
                      "output_shape", shape_json(&graph->values[node->out[0]]), "parameters",
                      (json_int_t)layer_parameters(graph, node), "macs",
                      (json_int_t)fsn__graph_node_macs(graph, i), "compressible",
                      row && row->layout != FSN_LAYOUT_DENSE, "reason", reason));
    }
    return array;
}

/* The nodes for which the model can be measured and not trained; NULL when out of memory. */
static json_t *blocked_json(const struct fsn__graph *graph)
{
    bool *blocked = calloc((size_t)graph->node_count + 1, sizeof *blocked);
    struct fsn__ends ends = {.count = 0};
    json_t *array = NULL;

    if (fsn__detector_cut_find(graph, -1, ends.value) == 1)
        ends.count = 2; /* a job looks no further */
    if (blocked && fsn__graph_find_blocked(graph, &ends, blocked) >= 0) {
        array = json_array();
        for (int i = 0; i < graph->node_count; i++)
            if (blocked[i])
                json_array_append_new(array, json_pack("{s:s, s:s}", "name", graph->nodes[i].name,
                                                       "op", graph->nodes[i].op->name));
    }
    free(blocked);
    return array;
}

static bool any_compressible(const struct fsn_plan *rows)
{
    for (size_t i = 0; i < rows->layer_count; i++)
        if (rows->layers[i].layout != FSN_LAYOUT_DENSE)
            return true;
    return false;
}

enum fsn_status fsn_model_summary_json(const struct fsn_model *model, char **json,
                                       struct fsn_error *err)
{
    const struct fsn__graph *graph = model->graph;
    struct fsn_plan *rows = NULL;
    struct fsn_spec spec;
    enum fsn_status status;
    int64_t trainable = 0;
    json_t *root;

    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].kind == FSN__VALUE_PARAM)
            trainable += fsn__numel(&graph->values[i].tensor);
    fsn_spec_defaults(&spec);
    status = fsn__fs_rows(graph, &spec, &rows, err);
    fsn_spec_clear(&spec);
    if (status != FSN_OK)
        return status;
    root = json_pack("{s:o, s:o, s:I, s:I, s:s, s:I, s:i, s:o, s:I, s:I, s:I, s:b, s:o, s:o}",
                     "inputs", values_json(graph, graph->inputs, graph->input_count), "outputs",
                     values_json(graph, graph->outputs, graph->output_count), "opset",
                     (json_int_t)model->opset, "ir", (json_int_t)model->ir, "producer",
                     model->producer, "file_bytes", (json_int_t)model->file_bytes, "nodes",
                     graph->node_count, "operators", operators_json(graph), "parameters",
                     (json_int_t)fsn__graph_parameters(graph), "trainable_parameters",
                     (json_int_t)trainable, "macs", (json_int_t)fsn__graph_macs(graph),
                     "compressible", any_compressible(rows), "blocks_training", blocked_json(graph),
                     "layers", layers_json(graph, rows));
    fsn_plan_destroy(rows);
    return fsn__json_text(root, json, err);
}

/* ---- plans
 * --------------------------------------------------------------------------------------- */

static json_t *triple(const int64_t *v, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_integer(v[i]));
    return array;
}

json_t *fsn__plan_layers_json(const struct fsn_plan *plan)
{
    static const char *const layouts[] = {"dense", "1d", "3d", "learned"};
    json_t *array = json_array();

    for (size_t i = 0; i < plan->layer_count; i++) {
        const struct fsn_plan_layer *l = &plan->layers[i];
        bool is_3d = l->layout == FSN_LAYOUT_3D;
        json_t *row = json_pack(
            "{s:s, s:[I,I,I,I], s:I, s:s, s:o, s:I, s:f, s:i, s:I, s:s?}", "name", l->name, "shape",
            (json_int_t)l->filters, (json_int_t)l->channels, (json_int_t)l->height,
            (json_int_t)l->width, "groups", (json_int_t)l->groups, "layout", layouts[l->layout],
            "fs_shape",
            l->layout == FSN_LAYOUT_DENSE ? json_null() : triple(l->fs_dim, is_3d ? 3 : 1),
            "fs_size", (json_int_t)l->fs_size, "ratio", l->ratio, "bits", l->bits, "segment",
            (json_int_t)l->segment, "note", l->note);

        if (is_3d) {
            json_object_set_new(row, "grid", triple(l->grid, 3));
            json_object_set_new(row, "strides", triple(l->stride, 3));
        }
        json_object_set_new(row, "fit_error", fsn__json_real(l->fit_error));
        json_object_set_new(row, "activation_error", fsn__json_real(l->activation_error));
        json_object_set_new(row, "quant_error", fsn__json_real(l->quant_error));
        json_object_set_new(row, "start_quant_error", fsn__json_real(l->start_quant_error));
        json_object_set_new(row, "output_error", fsn__json_real(l->output_error));
        json_object_set_new(row, "start_output_error", fsn__json_real(l->start_output_error));
        json_object_set_new(row, "alone_divergence", fsn__json_real(l->alone_divergence));
        json_object_set_new(row, "alone_top1_drop", fsn__json_real(l->alone_top1_drop));
        if (l->layout == FSN_LAYOUT_LEARNED)
            json_object_set_new(row, "moved", fsn__json_real(l->moved));
        json_array_append_new(array, row);
    }
    return array;
}

json_t *fsn__plan_cut_json(const struct fsn_plan *plan)
{
    json_t *names = plan->cut_count > 0 ? json_array() : NULL;

    for (size_t i = 0; i < plan->cut_count; i++)
        json_array_append_new(names, json_string(plan->cut[i]));
    return names ? json_pack("{s:o, s:i}", "values", names, "tail_nodes", plan->tail_nodes)
                 : json_null();
}

enum fsn_status fsn_plan_json(const struct fsn_plan *plan, char **json, struct fsn_error *err)
{
    json_t *root = json_pack(
        "{s:s?, s:o, s:b, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "output", plan->output, "cut",
        fsn__plan_cut_json(plan), "measured", plan->measured, "restored_bn", plan->restored_bn,
        "parameters", (json_int_t)plan->parameters, "compressed_parameters",
        (json_int_t)plan->compressed_parameters, "effective_parameters",
        (json_int_t)plan->effective_parameters, "macs", (json_int_t)plan->macs, "baseline_bytes",
        (json_int_t)plan->baseline_bytes, "expected_bytes", (json_int_t)plan->expected_bytes,
        "layers", fsn__plan_layers_json(plan));

    return fsn__json_text(root, json, err);
}
