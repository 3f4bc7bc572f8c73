/* int8.c - model-int8.onnx: the finished network in 8-bit integers, activations too. */
#include "compress/int8.h"

#include "compress/ends.h"
#include "onnx/onnx.h"
#include "quant/int8.h"
#include "train/ranges.h"

#include <stdlib.h>

static enum fsn_status convert(const struct fsn__train_job *job, struct fsn__graph *graph,
                               const struct fsn__ends *ends, struct fsn_error *err)
{
    struct fsn__int8_places places = {0};
    bool *observed = calloc((size_t)graph->value_count + 1, sizeof *observed);
    float(*range)[2] = calloc((size_t)graph->value_count + 1, sizeof *range);
    enum fsn_status status =
        observed && range ? fsn__int8_choose(graph, ends, &places, err) : FSN__NOMEM(err);

    for (int i = 0; status == FSN_OK && i < graph->value_count; i++)
        observed[i] = places.value[i] && places.same[i] < 0;
    if (status == FSN_OK)
        status = fsn__observe_ranges(job, graph, observed, range, err);
    if (status == FSN_OK)
        status = fsn__int8_insert(graph, &places, (const float(*)[2])range, err);
    fsn__int8_places_clear(&places);
    free(observed);
    free(range);
    return status;
}

enum fsn_status fsn__write_int8(const struct fsn__train_job *job, const struct fsn_model *dense,
                                const char *path, struct fsn_error *err)
{
    struct fsn_model model = {0};
    struct fsn__ends ends = {.count = 0};
    enum fsn_status status = fsn__graph_clone(dense->graph, &model.graph, err);
    int at;

    if (status == FSN_OK)
        status = fsn__find_ends(model.graph, fsn__task_of(job->data, job->spec), job->data->classes,
                                job->spec, &ends, NULL, err);
    for (int i = 0; i < ends.count && status == FSN_OK; i++)
        status = fsn__graph_add_inner(model.graph, ends.value[i], &at, err);
    if (status == FSN_OK)
        status = convert(job, model.graph, &ends, err);
    if (status == FSN_OK)
        status = fsn_model_save(&model, path, FSN_EXPORT_DENSE, err);
    fsn__graph_destroy(model.graph);
    return status;
}
