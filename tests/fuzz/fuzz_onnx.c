/* fuzz_onnx.c - any bytes as an ONNX file: never a crash, a leak or more than the limits; and a
 * model that loads can be written in every form it has one for, and read back. */
#include "fsnet.h"
#include "fuzz_main.h"
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
    export_and_read_back(model, FSN_EXPORT_SMALL);
    export_and_read_back(model, FSN_EXPORT_WRITTEN);
    export_and_read_back(model, FSN_EXPORT_DENSE);
    fsn_model_destroy(model);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/onnx");
