/* import.c - ONNX bytes to a model: validate, build, sort, fold constants, judge shapes.
 *
 * Element types. float16 and bfloat16 are held as float32. float64 stays what it is where it only
 * serves a constant sub-graph or a Cast, but the layers compute in float32: a model that takes
 * float64 inputs, or reads float64 weights in a layer, is narrowed to float32 as a whole (inputs,
 * initialisers, constants, targets of Cast).
 *
 * Batch. The first dimension of an input is the batch when the file leaves it open. A 4-D input
 * whose first dimension is fixed comes from an export with that many example images: it is read
 * with an open batch first, where a Reshape to [that number, ...] keeps the batch, and with the
 * fixed number if the network does not bear that (a batch that is folded into another axis, say).
 */
#include "onnx/import.h"

#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fsn_import_limits limits_or_default(const struct fsn_import_limits *limits)
{
    const struct fsn_import_limits fallback = {
        .max_bytes = INT32_MAX,
        .max_nodes = 100000,
        .max_values = 200000,
        .max_elements = (size_t)1 << 30,
        .max_constants = (size_t)8 << 30,
    };
    struct fsn_import_limits l = limits ? *limits : fallback;

    if (l.max_bytes == 0 || l.max_bytes > INT32_MAX)
        l.max_bytes = fallback.max_bytes; /* protobuf's own limit */
    if (l.max_nodes == 0)
        l.max_nodes = fallback.max_nodes;
    if (l.max_values == 0)
        l.max_values = fallback.max_values;
    if (l.max_elements == 0)
        l.max_elements = fallback.max_elements;
    if (l.max_constants == 0)
        l.max_constants = fallback.max_constants;
    return l;
}

/* ---- float64 --------------------------------------------------------------------------------- */

static bool is_layer(const FsnOnnx__NodeProto *node)
{
    static const char *const layers[] = {"Conv", "Gemm", "MatMul", "BatchNormalization"};

    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (fsn__proto_is_onnx_domain(node->domain) &&
            strcmp(fsn__proto_text(node->op_type), layers[i]) == 0)
            return true;
    return false;
}

/* Whether the model computes in float64; *out is meaningful only on success. */
static enum fsn_status computes_in_f64(const FsnOnnx__GraphProto *graph, bool *out,
                                       struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct fsn__names initialisers = {0};

    *out = false;
    for (size_t i = 0; i < graph->n_initializer && status == FSN_OK; i++) {
        const FsnOnnx__TensorProto *t = graph->initializer[i];

        if (!fsn__names_put(&initialisers, fsn__proto_text(t->name),
                            t->data_type == FSN__ONNX_DOUBLE))
            status = FSN__NOMEM(err);
    }
    for (size_t i = 0; i < graph->n_input && status == FSN_OK; i++) {
        const FsnOnnx__TypeProto *type = graph->input[i]->type;

        if (fsn__names_find(&initialisers, fsn__proto_text(graph->input[i]->name)) == -1 && type &&
            type->value_case == FSN_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && type->tensor_type &&
            type->tensor_type->elem_type == FSN__ONNX_DOUBLE)
            *out = true;
    }
    for (size_t i = 0; i < graph->n_node && status == FSN_OK; i++)
        for (size_t j = 0; j < graph->node[i]->n_input && is_layer(graph->node[i]); j++)
            *out |= fsn__names_find(&initialisers, graph->node[i]->input[j]) == 1;
    fsn__names_free(&initialisers);
    return status;
}

/* ---- after building -------------------------------------------------------------------------- */

static enum fsn_status check_shapes(const struct fsn__importer *im, struct fsn_error *err)
{
    const struct fsn__graph *graph = im->graph;

    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];
        int64_t n = fsn__numel_bound(&value->tensor);

        if (n < 0 || (uint64_t)n > im->limits.max_elements)
            return FSN__FAIL(err, FSN_LIMIT, "value '%s' of shape %s has more than %zu elements",
                             value->name, FSN__SHAPE(&value->tensor), im->limits.max_elements);
    }
    return FSN_OK;
}

/* A batch that we only assumed must reach every output as its first dimension; of late ones nobody
 * knows. */
static bool batch_reaches_outputs(const struct fsn__graph *graph)
{
    for (int i = 0; i < graph->output_count; i++) {
        const struct fsn__tensor *t = &graph->values[graph->outputs[i]].tensor;

        if (graph->values[graph->outputs[i]].late)
            continue;
        if (t->ndim == 0 || t->dim[0] != FSN_BATCH)
            return false;
    }
    return true;
}

/* Before anything is folded. */
static enum fsn_status keep_box_tables(struct fsn__importer *im, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    fsn__box_tables_clear(&im->boxes); /* of an attempt before */
    for (int i = 0; i < im->graph->value_count && status == FSN_OK; i++)
        status = fsn__box_tables_add(&im->boxes, im->graph->values[i].name,
                                     &im->graph->values[i].tensor, err);
    return status;
}

static enum fsn_status build_once(struct fsn__importer *im, struct fsn_error *err)
{
    enum fsn_status status;

    fsn__graph_destroy(im->graph);
    im->graph = NULL;
    im->nodes = 0;
    im->conditionals = 0;
    im->bytes_left = im->limits.max_constants;
    im->tried_batch = false;
    status = fsn__graph_create(&im->graph, err);
    if (status == FSN_OK)
        status = fsn__import_graph(im, err);
    if (status == FSN_OK)
        status = keep_box_tables(im, err);
    if (status == FSN_OK)
        status = fsn__import_check_made(im->graph, err);
    if (status == FSN_OK)
        status = fsn__graph_sort(im->graph, err);
    if (status == FSN_OK)
        status = fsn__graph_fold(im->graph, im->limits.max_constants, err);
    if (status == FSN_OK)
        status = fsn__import_late_outputs(im, err);
    if (status == FSN_OK)
        status = check_shapes(im, err);
    if (status == FSN_OK)
        im->graph->baked_batch = 0;
    if (status == FSN_OK && im->tried_batch && !batch_reaches_outputs(im->graph))
        status = FSN__FAIL(err, FSN_SHAPE, "the batch does not reach every output");
    return status;
}

static enum fsn_status build(struct fsn__importer *im, struct fsn_error *err)
{
    struct fsn_error attempt = {.status = FSN_OK};
    enum fsn_status status;

    im->try_batch = true;
    status = build_once(im, &attempt);
    if (status == FSN_OK)
        return FSN_OK;
    if (!im->tried_batch || status == FSN_NOMEM) {
        if (err && err->status == FSN_OK)
            *err = attempt;
        return status;
    }
    im->try_batch = false;
    snprintf(im->fixed_batch, sizeof im->fixed_batch, "%.250s", attempt.text);
    return build_once(im, err);
}

static enum fsn_status finish(struct fsn__importer *im, size_t size, struct fsn_model **out,
                              struct fsn_error *err)
{
    struct fsn_model *model = calloc(1, sizeof *model);

    if (!model)
        return FSN__NOMEM(err);
    fsn__import_plain_softmax(im->graph);
    fsn__import_inference_form(im->graph);
    fsn__graph_mark_trainable(im->graph);
    model->graph = im->graph;
    im->graph = NULL;
    model->boxes = im->boxes;
    im->boxes = (struct fsn__box_tables){NULL, 0, 0};
    model->file_bytes = (int64_t)size;
    model->opset = fsn__proto_opset(im->model->n_opset_import, im->model->opset_import);
    model->ir = im->model->ir_version;
    snprintf(model->producer, sizeof model->producer, "%s",
             fsn__proto_text(im->model->producer_name));
    if (!fsn__proto_is_text(model->producer))
        model->producer[0] = 0;
    memcpy(model->fixed_batch, im->fixed_batch, sizeof model->fixed_batch);
    *out = model;
    return FSN_OK;
}

/* An unpacked file of `size` bytes to a model. */
static enum fsn_status import_model(const FsnOnnx__ModelProto *model, size_t size,
                                    struct fsn__importer *im, struct fsn_model **out,
                                    struct fsn_error *err)
{
    enum fsn_status status;

    im->model = model;
    im->tensors.max_elements = im->limits.max_elements;
    im->tensors.bytes_left = &im->bytes_left;
    status = fsn__import_validate(im, err);
    if (status == FSN_OK)
        status = computes_in_f64(model->graph, &im->tensors.narrow, err);
    if (status == FSN_OK)
        status = build(im, err);
    if (status == FSN_OK)
        status = finish(im, size, out, err);
    fsn__graph_destroy(im->graph);
    fsn__box_tables_clear(&im->boxes);
    fsn__names_free(&im->functions);
    fsn__arena_free(&im->arena);
    return status;
}

/* Why a file of the largest size that protobuf has is too large, behind the figures. */
static const char *limit_reason(const struct fsn_import_limits *limits)
{
    return limits->max_bytes == INT32_MAX
               ? ": an ONNX file is one protobuf message, which holds less than 2 GiB"
               : "";
}

enum fsn_status fsn__onnx_import(const void *bytes, size_t size,
                                 const struct fsn_import_limits *limits,
                                 const struct fsn__binding *bindings, size_t binding_count,
                                 struct fsn_model **out, struct fsn_error *err)
{
    struct fsn__importer im = {
        .limits = limits_or_default(limits),
        .bindings = bindings,
        .binding_count = binding_count,
    };
    FsnOnnx__ModelProto *model = NULL;
    enum fsn_status status;

    if (size > im.limits.max_bytes)
        return FSN__FAIL(err, FSN_LIMIT, "the model has %zu bytes, the limit is %zu%s", size,
                         im.limits.max_bytes, limit_reason(&im.limits));
    status = fsn__proto_unpack_model(bytes, size, "the model", &model, err);
    if (status == FSN_OK)
        status = import_model(model, size, &im, out, err);
    fsn__proto_free(model);
    return status;
}

enum fsn_status fsn_model_load_memory(const void *bytes, size_t size,
                                      const struct fsn_import_limits *limits,
                                      struct fsn_model **out, struct fsn_error *err)
{
    return fsn__onnx_import(bytes, size, limits, NULL, 0, out, err);
}

static enum fsn_status read_file(const char *path, const struct fsn_import_limits *limits,
                                 unsigned char **bytes, size_t *size, struct fsn_error *err)
{
    struct fsn_error why = {.status = FSN_OK};
    enum fsn_status status = fsn__file_read(path, limits->max_bytes, bytes, size, &why);

    if (status == FSN_LIMIT)
        return FSN__FAIL(err, status, "%s%s", why.text, limit_reason(limits));
    if (status != FSN_OK && err && err->status == FSN_OK)
        *err = why;
    return status;
}

/* The file's bytes are given back before the graph is built, so that a large model is in memory
 * twice at most: bytes and messages, then messages and graph. */
enum fsn_status fsn_model_load(const char *path, const struct fsn_import_limits *limits,
                               struct fsn_model **out, struct fsn_error *err)
{
    struct fsn__importer im = {.limits = limits_or_default(limits)};
    FsnOnnx__ModelProto *model = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;
    enum fsn_status status = read_file(path, &im.limits, &bytes, &size, err);

    if (status == FSN_OK)
        status = fsn__proto_unpack_model(bytes, size, "the model", &model, err);
    free(bytes);
    if (status == FSN_OK)
        status = import_model(model, size, &im, out, err);
    fsn__proto_free(model);
    return status;
}

void fsn_model_destroy(struct fsn_model *model)
{
    if (!model)
        return;
    fsn__graph_destroy(model->graph);
    fsn__box_tables_clear(&model->boxes);
    free(model);
}
