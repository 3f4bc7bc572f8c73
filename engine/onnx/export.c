/* export.c - a model as ONNX bytes (IR 8, operator set 13), the same bytes for the same model.
 *
 * The file is meant to be small: values get names of one or two letters (graph inputs and outputs,
 * and what a job looks at inside, keep theirs), nodes none, shapes of values in between are left
 * out, attributes that only repeat a default are dropped, layers that are alike become calls of one
 * function, and equal small constants are written once (trained ones never: they would be one
 * parameter when the file is trained on). The dense form keeps every name, since it is what other
 * tools go on with.
 */
#include "onnx/export.h"

#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names and constants --------------------------------------------------------------------- */

/* a, b, ..., z, aa, ab, ...: the next that nobody has. */
const char *fsn__export_new_name(struct fsn__exporter *ex)
{
    char text[16];

    do {
        size_t at = sizeof text;
        unsigned rest = ++ex->invented;

        text[--at] = 0;
        for (; rest > 0; rest = (rest - 1) / 26)
            text[--at] = (char)('a' + (rest - 1) % 26);
        memmove(text, text + at, sizeof text - at);
    } while (fsn__names_find(&ex->taken, text) >= 0);
    return fsn__export_text(ex, text);
}

void fsn__export_initialiser(struct fsn__exporter *ex, const char *name,
                             const struct fsn__tensor *t)
{
    fsn__export_append(ex, &ex->initialisers, fsn__export_tensor(ex, name, t));
}

const char *fsn__export_ints(struct fsn__exporter *ex, size_t count, const int64_t *ints)
{
    struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 1, .dim = {(int64_t)count}};
    const char *name = fsn__export_new_name(ex);

    t.data = fsn__export_alloc(ex, count, sizeof *ints);
    if (!t.data || !name)
        return NULL;
    memcpy(t.data, ints, count * sizeof *ints);
    fsn__export_initialiser(ex, name, &t);
    return name;
}

/* Type, shape and bytes of a small constant as a text; "" for one that is not shared. Numbers that
 * training arrived at are alike by chance only, and a plan's file is to be no smaller for it. */
static void content_key(const struct fsn__value *value, char *key, size_t size)
{
    const unsigned char *bytes = value->tensor.data;
    size_t count = fsn__tensor_bytes(&value->tensor), used;

    key[0] = 0;
    if (value->kind != FSN__VALUE_CONST || count > 64 ||
        (value->tensor.dtype == FSN__F32 && count > 16))
        return;
    used =
        (size_t)snprintf(key, size, "%d%s", (int)value->tensor.dtype, FSN__SHAPE(&value->tensor));
    for (size_t i = 0; i < count && used + 3 < size; i++, used += 2)
        snprintf(key + used, size - used, "%02x", bytes[i]);
}

static const char *add_constant(struct fsn__exporter *ex, int value)
{
    const struct fsn__value *v = &ex->graph->values[value];
    char key[400];
    int same;

    content_key(v, key, sizeof key);
    if (key[0]) {
        const char *kept;

        same = fsn__names_find(&ex->constants, key);
        if (same >= 0)
            return ex->value_name[same];
        kept = fsn__export_text(ex, key);
        if (kept && !fsn__names_put(&ex->constants, kept, value))
            ex->out_of_memory = true;
    }
    ex->value_name[value] = ex->form == FSN_EXPORT_DENSE ? v->name : fsn__export_new_name(ex);
    if (ex->value_name[value] && !fsn__export_as_rest(ex, v, ex->value_name[value]))
        fsn__export_initialiser(ex, ex->value_name[value], &v->tensor);
    return ex->value_name[value];
}

const char *fsn__export_value(struct fsn__exporter *ex, int value)
{
    if (value < 0)
        return "";
    if (!ex->value_name[value]) {
        if (ex->graph->values[value].tensor.data)
            ex->value_name[value] = add_constant(ex, value);
        else
            ex->value_name[value] = ex->form == FSN_EXPORT_DENSE ? ex->graph->values[value].name
                                                                 : fsn__export_new_name(ex);
    }
    return ex->value_name[value];
}

/* Graph inputs and outputs keep their names, inner ones too; no invented name may meet them, nor,
 * in the dense form, any name at all. */
static void keep_names(struct fsn__exporter *ex)
{
    const struct fsn__graph *graph = ex->graph;

    for (int i = 0; i < graph->input_count; i++)
        ex->value_name[graph->inputs[i]] = graph->values[graph->inputs[i]].name;
    for (int i = 0; i < graph->output_count; i++)
        ex->value_name[graph->outputs[i]] = graph->values[graph->outputs[i]].name;
    for (int i = 0; i < graph->value_count; i++) {
        const char *name = graph->values[i].name;

        if ((ex->form == FSN_EXPORT_DENSE || ex->value_name[i]) &&
            !fsn__names_put(&ex->taken, name, i))
            ex->out_of_memory = true;
    }
    for (int i = 0; i < graph->output_count; i++) { /* an output that folded to a constant */
        const struct fsn__value *value = &graph->values[graph->outputs[i]];

        if (value->tensor.data)
            fsn__export_initialiser(ex, value->name, &value->tensor);
    }
}

/* ---- the model ------------------------------------------------------------------------------- */

static void fill_graph(struct fsn__exporter *ex, FsnOnnx__GraphProto *proto)
{
    const struct fsn__graph *graph = ex->graph;

    fsn_onnx__graph_proto__init(proto);
    proto->name = (char *)(uintptr_t) "network";
    proto->n_node = (ex->head.size + ex->nodes.size) / sizeof(void *);
    proto->node = fsn__export_alloc(ex, proto->n_node + 1, sizeof(void *));
    proto->n_initializer = ex->initialisers.size / sizeof(void *);
    proto->initializer = (FsnOnnx__TensorProto **)(void *)ex->initialisers.data;
    proto->n_input = (size_t)graph->input_count;
    proto->input = fsn__export_alloc(ex, FSN__MAX_IO, sizeof(void *));
    proto->n_output = (size_t)(graph->output_count - graph->inner_count);
    proto->output = fsn__export_alloc(ex, FSN__MAX_IO, sizeof(void *));
    if (ex->out_of_memory)
        return;
    if (ex->head.size > 0)
        memcpy(proto->node, ex->head.data, ex->head.size);
    if (ex->nodes.size > 0)
        memcpy((unsigned char *)proto->node + ex->head.size, ex->nodes.data, ex->nodes.size);
    for (int i = 0; i < graph->input_count; i++) {
        const struct fsn__value *value = &graph->values[graph->inputs[i]];

        proto->input[i] = fsn__export_value_info(ex, value->name, &value->tensor, value->late);
    }
    for (size_t i = 0; i < proto->n_output; i++) {
        const struct fsn__value *value = &graph->values[graph->outputs[i]];

        proto->output[i] = fsn__export_value_info(ex, value->name, &value->tensor, value->late);
    }
}

static enum fsn_status pack(struct fsn__exporter *ex, unsigned char **bytes, size_t *size,
                            struct fsn_error *err)
{
    FsnOnnx__ModelProto model = FSN_ONNX__MODEL_PROTO__INIT;
    FsnOnnx__GraphProto graph;
    FsnOnnx__OperatorSetIdProto *opsets[2];
    unsigned char *packed;

    fill_graph(ex, &graph);
    opsets[0] = fsn__export_opset(ex, "", FSN__EXPORT_OPSET);
    opsets[1] = fsn__export_opset(ex, FSN__EXPORT_DOMAIN, 1);
    if (ex->out_of_memory)
        return FSN__NOMEM(err);
    model.has_ir_version = true;
    model.ir_version = FSN__EXPORT_IR;
    model.producer_name = (char *)(uintptr_t) "fsnet";
    model.producer_version = (char *)(uintptr_t)FSN_VERSION;
    model.graph = &graph;
    model.n_opset_import = ex->functions.size > 0 ? 2 : 1;
    model.opset_import = opsets;
    model.n_functions = ex->functions.size / sizeof(void *);
    model.functions = (FsnOnnx__FunctionProto **)(void *)ex->functions.data;
    *size = fsn_onnx__model_proto__get_packed_size(&model);
    if (*size > INT32_MAX)
        return FSN__FAIL(err, FSN_LIMIT, "the model takes %zu bytes; an ONNX file ends at 2 GiB",
                         *size);
    packed = malloc(*size + 1);
    if (!packed)
        return FSN__NOMEM(err);
    fsn_onnx__model_proto__pack(&model, packed);
    *bytes = packed;
    return FSN_OK;
}

enum fsn_status fsn__onnx_export(const struct fsn_model *model, enum fsn_export_form form,
                                 unsigned char **bytes, size_t *size, struct fsn_error *err)
{
    struct fsn__exporter ex = {
        .graph = model->graph,
        .form = form,
        .nodes.max = SIZE_MAX,
        .initialisers.max = SIZE_MAX,
        .functions.max = SIZE_MAX,
        .head.max = SIZE_MAX,
        .rest.max = SIZE_MAX,
        .levels.max = SIZE_MAX,
        .shared.max = SIZE_MAX,
    };
    enum fsn_status status = FSN_OK;

    ex.value_name =
        fsn__export_alloc(&ex, (size_t)model->graph->value_count + 1, sizeof *ex.value_name);
    if (!ex.value_name) {
        status = FSN__NOMEM(err);
        goto out;
    }
    keep_names(&ex);
    for (int i = 0; i < model->graph->node_count && status == FSN_OK; i++)
        status = fsn__export_graph_node(&ex, i, err);
    if (status == FSN_OK && form == FSN_EXPORT_SMALL)
        fsn__export_layers(&ex);
    if (status == FSN_OK)
        fsn__export_all_rest(&ex);
    if (status == FSN_OK)
        fsn__export_all_levels(&ex);
    if (status == FSN_OK)
        status = pack(&ex, bytes, size, err);
out:
    fsn__names_free(&ex.taken);
    fsn__names_free(&ex.constants);
    fsn__buf_free(&ex.nodes);
    fsn__buf_free(&ex.initialisers);
    fsn__buf_free(&ex.functions);
    fsn__buf_free(&ex.head);
    fsn__buf_free(&ex.rest);
    fsn__buf_free(&ex.levels);
    fsn__buf_free(&ex.shared);
    fsn__arena_free(&ex.arena);
    return status;
}

enum fsn_status fsn_model_save(const struct fsn_model *model, const char *path,
                               enum fsn_export_form form, struct fsn_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    enum fsn_status status = fsn__onnx_export(model, form, &bytes, &size, err);

    if (status == FSN_OK)
        status = fsn__file_write(path, bytes, size, err);
    free(bytes);
    return status;
}
