/* fuzz_onnx.c - any bytes as an ONNX file: never a crash, a leak or more than the limits; and a
 * model that loads can be described, planned, written in every form it has one for and read back,
 * and run, forward and backward, by the plain operators and by the fast ones.
 *
 * Of the corpus, OPERATOR-old.onnx and -new.onnx are the smallest of ONNX's own operator cases up
 * to operator set 10 and beyond, all inputs but the first bound as initialisers. */
#include "fsnet.h"
#include "fuzz_main.h"
#include "graph/exec.h"
#include "onnx/onnx.h"

#include <string.h>

static const struct fsn_import_limits limits = {
    .max_nodes = 200,
    .max_values = 1000,
    .max_elements = 1 << 16,
    .max_constants = 1 << 20,
};

static void export_and_read_back(const struct fsn_model *model, enum fsn_export_form form)
{
    struct fsn_error err = {0};
    struct fsn_model *back = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;

    if (fsn__onnx_export(model, form, &bytes, &size, &err) != FSN_OK) {
        if (err.text[0] == '\0' || bytes)
            abort();
        return;
    }
    if (fsn_model_load_memory(bytes, size, NULL, &back, &err) != FSN_OK) {
        fprintf(stderr, "what was written cannot be read: %s\n", err.text);
        abort();
    }
    if (back->graph->input_count != model->graph->input_count ||
        back->graph->output_count != model->graph->output_count)
        abort();
    fsn_model_destroy(back);
    free(bytes);
}

static void plan(const struct fsn_model *model)
{
    struct fsn_faults faults = {0};
    struct fsn_error err = {0};
    struct fsn_spec spec;
    struct fsn_plan *made = NULL;
    char *json = NULL;

    fsn_spec_defaults(&spec);
    if (fsn_plan_create(model, &spec, &made, &faults, &err) == FSN_OK &&
        fsn_plan_json(made, &json, &err) == FSN_OK)
        free(json);
    fsn_plan_destroy(made);
    fsn_spec_clear(&spec);
}

/* Inputs are small numbers, whole ones where the type has no others. */
static void fill(struct fsn__tensor *t, size_t seed)
{
    const size_t count = (size_t)fsn__numel(t);

    memset(t->data, 0, fsn__tensor_bytes(t));
    for (size_t i = 0; i < count && t->dtype == FSN__F32; i++)
        ((float *)t->data)[i] = (float)((i * 7 + seed) % 13) / 4.0f - 1.5f;
    for (size_t i = 0; i < count && t->dtype == FSN__I64; i++)
        ((int64_t *)t->data)[i] = (int64_t)((i + seed) % 3);
}

/* What a pass may cost here: it would not tell more with more. */
static bool is_small(const struct fsn__exec *exec, const struct fsn_model *model)
{
    return fsn__exec_memory(exec) <= (size_t)16 << 20 && fsn__graph_macs(model->graph) <= 1 << 20;
}

static void run(const struct fsn_model *model, bool training, bool reference)
{
    struct fsn__exec_options options = {
        .batch = 2, .training = training, .reference = reference, .plan_only = true};
    struct fsn_error err = {0};
    struct fsn__exec *exec = NULL;
    bool small;

    if (fsn__exec_create(model->graph, &options, &exec, &err) != FSN_OK)
        return;
    small = is_small(exec, model);
    fsn__exec_destroy(exec);
    options.plan_only = false;
    if (!small || fsn__exec_create(model->graph, &options, &exec, &err) != FSN_OK)
        return;
    for (int i = 0; i < model->graph->input_count; i++)
        fill(fsn__exec_input(exec, i), (size_t)i);
    if (fsn__exec_forward(exec, 0, &err) == FSN_OK && training)
        (void)!fsn__exec_backward(exec, &err);
    fsn__exec_destroy(exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    char *json = NULL;

    if (fsn_model_load_memory(data, size, &limits, &model, &err) != FSN_OK) {
        if (err.status == FSN_OK || err.text[0] == '\0' || model)
            abort(); /* a failure says why and gives nothing */
        return 0;
    }
    if (fsn_model_summary_json(model, &json, &err) == FSN_OK)
        free(json);
    plan(model);
    export_and_read_back(model, FSN_EXPORT_SMALL);
    export_and_read_back(model, FSN_EXPORT_WRITTEN);
    export_and_read_back(model, FSN_EXPORT_DENSE);
    for (int way = 0; way < 4; way++)
        run(model, way & 1, way & 2);
    fsn_model_destroy(model);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/onnx");
