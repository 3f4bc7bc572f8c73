/* plan.c - the dry plan: what a job would do and how many bytes would come out, without data.
 *
 * The expected size is not estimated: the plan is carried out on the untrained student and exported
 * to memory. Training changes values, not the size of anything that is written. */
#include "compress/budget.h"
#include "compress/compress.h"
#include "compress/ends.h"
#include "onnx/onnx.h"
#include "quant/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__finish_graph(struct fsn__graph *student, const struct fsn_spec *spec,
                                  enum fsn_quant_range range, struct fsn_error *err)
{
    enum fsn_status status = fsn__quantize_graph(student, range, NULL, err);

    if (status == FSN_OK)
        status = fsn__graph_drop_identity(student, err);
    if (status == FSN_OK)
        status = fsn__graph_fold_bn(student, err);
    if (status == FSN_OK && spec->quantize.bits < 32 && spec->quantize.rest_bits < 32)
        status = fsn__round_rest(student, spec->quantize.rest_bits, err);
    return status;
}

struct fsn__fs_options fsn__fs_options_of(const struct fsn_spec *spec)
{
    return (struct fsn__fs_options){.spacing = spec->filter_summary.spacing,
                                    .start = spec->filter_summary.start,
                                    .seed = spec->seed};
}

enum fsn_status fsn__plan_measure(const struct fsn__graph *graph, const struct fsn_spec *spec,
                                  struct fsn_plan *plan, struct fsn_error *err)
{
    struct fsn_model student = {0};
    unsigned char *bytes = NULL;
    size_t size = 0;
    struct fsn__fs_options options = fsn__fs_options_of(spec);
    enum fsn_status status;

    options.sketch = true;
    options.range = spec->quantize.range;
    status = fsn__fs_convert(graph, plan, &options, &student.graph, err);
    if (status == FSN_OK)
        status = fsn__finish_graph(student.graph, spec, FSN_RANGE_MIN_MAX, err);
    if (status == FSN_OK)
        status = fsn__onnx_export(&student, FSN_EXPORT_SMALL, &bytes, &size, err);
    if (status == FSN_OK)
        plan->expected_bytes = (int64_t)size;
    free(bytes);
    fsn__graph_destroy(student.graph);
    return status;
}

/* Counts are those of the user's network: what the rewrites take away or put in comes back, or goes
 * again, at export. */
static void count_as(const struct fsn__graph *model, struct fsn_plan *plan)
{
    int64_t more = fsn__graph_parameters(model) - plan->parameters;

    plan->parameters += more;
    plan->compressed_parameters += more;
    plan->effective_parameters += more;
    plan->macs = fsn__graph_macs(model);
}

/* A weight that no gradient reaches would stay as it was fitted. All the nodes in the way are named
 * that a fault has room for. */
static enum fsn_status check_gradients(const struct fsn__graph *graph, const struct fsn__ends *ends,
                                       struct fsn_faults *faults, struct fsn_error *err)
{
    bool *blocked = calloc((size_t)graph->node_count + 1, sizeof *blocked);
    int count = blocked ? fsn__graph_find_blocked(graph, ends, blocked) : -1, named = 0;
    char names[240] = "";
    size_t used = 0;
    enum fsn_status status = count < 0 ? FSN__NOMEM(err) : FSN_OK;

    for (int i = 0; i < graph->node_count && count > 0; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        char one[120];
        int length;

        if (!blocked[i])
            continue;
        length = snprintf(one, sizeof one, "%s%s '%.60s'", named > 0 ? ", " : "", node->op->name,
                          node->name);
        if (length < 0 || used + (size_t)length >= sizeof names)
            break;
        memcpy(names + used, one, (size_t)length + 1);
        used += (size_t)length;
        named++;
    }
    if (count > 0) {
        char more[32] = "";

        if (count > named)
            snprintf(more, sizeof more, " and %d more nodes", count - named);
        fsn__fault(faults, "/finetune/epochs",
                   "weights cannot be trained, for no gradient comes back through %s%s: only 0 "
                   "epochs are possible",
                   names, more);
        status = FSN__FAIL(err, FSN_UNSUPPORTED,
                           "weights cannot be trained, for no gradient comes back through %s%s",
                           names, more);
    }
    free(blocked);
    return status;
}

enum fsn_status fsn__plan_prepared(const struct fsn_model *model,
                                   const struct fsn__prepared *prepared,
                                   const struct fsn_spec *spec,
                                   const struct fsn__layer_effect *effects, struct fsn_plan **out,
                                   struct fsn_faults *faults, struct fsn_error *err)
{
    const struct fsn__graph *graph = prepared->graph;
    struct fsn__ends ends;
    struct fsn_plan *plan = NULL;
    enum fsn_status status = FSN_OK, planned;

    fsn__prepared_ends(prepared, graph, &ends);
    if (spec->finetune.epochs > 0)
        status = check_gradients(graph, &ends, faults, err);
    planned = fsn__plan_budget(graph, &ends, spec,
                               fsn__graph_parameters(model->graph) - fsn__graph_parameters(graph),
                               effects, &plan, faults, err);
    if (status == FSN_OK)
        status = planned;
    if (status != FSN_OK) {
        fsn_plan_destroy(plan);
        return status;
    }
    count_as(model->graph, plan);
    plan->baseline_bytes = model->file_bytes;
    plan->restored_bn = prepared->bare.count;
    if (prepared->has_head) {
        plan->output = strdup(graph->values[ends.value[0]].name);
        if (!plan->output)
            status = FSN__NOMEM(err);
    }
    if (status == FSN_OK)
        status = fsn__note_cut(graph, &ends, plan, err);
    if (status != FSN_OK) {
        fsn_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FSN_OK;
}

/* Whether the output that is named has scores of pixels, which masks are for. */
static bool names_map(const struct fsn__graph *graph, const struct fsn_spec *spec)
{
    const int value = spec->output ? fsn__graph_find_computed(graph, spec->output) : -1;

    return value >= 0 && graph->values[value].tensor.ndim == 4 &&
           !fsn__graph_is_vector(&graph->values[value].tensor, NULL);
}

/* A network whose boxes are decoded inside is a detector, others must be called one; one whose
 * class map is named is distilled, as data sets with masks ask for. */
static enum fsn__task dry_task(const struct fsn__graph *graph, const struct fsn_spec *spec)
{
    int pair[2];

    if (spec->task == FSN_TASK_AUTO && (spec->distill_outputs.count > 0 || names_map(graph, spec)))
        return FSN__TASK_DISTILL;
    return fsn__task_for(spec->task,
                         spec->detection.locations || spec->detection.confidences ||
                             (!spec->output && fsn__detector_cut_find(graph, -1, pair) == 1),
                         1);
}

/* Without data the spec alone says what the task is, and names may be missing: then all outputs are
 * ends, as far as a plan goes. Where values are named, they must be there. */
static enum fsn_status find_ends_dry(const struct fsn__graph *graph, enum fsn__task task,
                                     const struct fsn_spec *spec, struct fsn__ends *ends,
                                     struct fsn_faults *faults, struct fsn_error *err)
{
    const bool named =
        spec->detection.locations || spec->detection.confidences || spec->distill_outputs.count > 0;
    struct fsn_error none = {0};
    int at = -1;
    const enum fsn_status status = fsn__find_ends(graph, task, -1, spec, ends, &at, &none);

    if (status == FSN_OK || (!named && status != FSN_NOMEM))
        return FSN_OK;
    fsn__fault(faults, fsn__ends_pointer(task, spec, at).text, "%s", none.text);
    return FSN__FAIL(err, status, "%s", none.text);
}

/* Without data: any statistics give the same sizes. */
static enum fsn_status prepare_dry(const struct fsn_model *model, const struct fsn_spec *spec,
                                   struct fsn__prepared *prepared, struct fsn_faults *faults,
                                   struct fsn_error *err)
{
    struct fsn_error refused = {0};
    const enum fsn__task task = dry_task(model->graph, spec);
    const int64_t classes = task == FSN__TASK_CLASSIFY ? 0 : FSN__NO_HEAD;
    struct fsn__ends ends;
    enum fsn_status status = find_ends_dry(model->graph, task, spec, &ends, faults, err);

    if (status != FSN_OK)
        return status;
    status = fsn__prepare(model->graph, spec, classes, &ends, prepared, &refused);
    if (status != FSN_OK) {
        if (spec->output && (status == FSN_INVALID || status == FSN_MISMATCH))
            fsn__fault(faults, "/output", "%s", refused.text);
        return FSN__FAIL(err, status, "%s", refused.text);
    }
    return fsn__graph_restore_bn(prepared->graph, &prepared->bare, err);
}

/* The smallest file of a sweep, which is the one that may be out of reach; faults of its value are
 * the list's. */
static enum fsn_status plan_sweep(const struct fsn_model *model,
                                  const struct fsn__prepared *prepared, const struct fsn_spec *spec,
                                  struct fsn_plan **out, struct fsn_faults *faults,
                                  struct fsn_error *err)
{
    const struct fsn__swept *kind = fsn__swept(spec);
    const int smallest = kind->falling ? fsn__sweep_count(spec) - 1 : 0;
    const size_t before = faults ? faults->count : 0;
    struct fsn_spec one = *spec;
    enum fsn_status status;

    fsn__sweep_set(spec, smallest, &one);
    status = fsn__plan_prepared(model, prepared, &one, NULL, out, faults, err);
    for (size_t i = before; faults && i < faults->count && i < FSN_MAX_FAULTS; i++) {
        struct fsn_fault *fault = &faults->item[i];

        if (strcmp(fault->pointer, kind->single) == 0)
            snprintf(fault->pointer, sizeof fault->pointer, "%s/%d", kind->pointer, smallest);
    }
    return status;
}

enum fsn_status fsn_plan_create(const struct fsn_model *model, const struct fsn_spec *spec,
                                struct fsn_plan **out, struct fsn_faults *faults,
                                struct fsn_error *err)
{
    struct fsn__prepared prepared = {0};
    enum fsn_status status = prepare_dry(model, spec, &prepared, faults, err);

    if (status == FSN_OK && fsn__sweep_count(spec) > 0)
        status = plan_sweep(model, &prepared, spec, out, faults, err);
    else if (status == FSN_OK)
        status = fsn__plan_prepared(model, &prepared, spec, NULL, out, faults, err);
    fsn__prepared_clear(&prepared);
    return status;
}

enum fsn_status fsn_student_create(const struct fsn_model *model, const struct fsn_spec *spec,
                                   struct fsn_model **out, struct fsn_faults *faults,
                                   struct fsn_error *err)
{
    struct fsn__prepared prepared = {0};
    struct fsn_plan *plan = NULL;
    struct fsn_model *student = calloc(1, sizeof *student);
    const struct fsn__fs_options options = fsn__fs_options_of(spec);
    enum fsn_status status = student ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = prepare_dry(model, spec, &prepared, faults, err);
    if (status == FSN_OK)
        status = fsn__plan_budget(prepared.graph, NULL, spec, 0, NULL, &plan, faults, err);
    if (status == FSN_OK)
        status = fsn__fs_convert(prepared.graph, plan, &options, &student->graph, err);
    if (status == FSN_OK)
        fsn__graph_drop_inner(student->graph); /* nobody looks at it inside */
    fsn_plan_destroy(plan);
    fsn__prepared_clear(&prepared);
    if (status != FSN_OK) {
        free(student);
        return status;
    }
    *out = student;
    return FSN_OK;
}
