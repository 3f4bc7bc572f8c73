/* plan.c - the dry plan: what a job would do and how many bytes would come out, without data.
 *
 * The expected size is not estimated: the plan is carried out on the untrained student and exported
 * to memory. Training changes values, not the size of anything that is written. */
#include "compress/budget.h"
#include "compress/compress.h"
#include "onnx/onnx.h"
#include "quant/quant.h"
#include "train/detector.h"
#include "train/followed.h"
#include "train/task.h"
#include "train/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__finish_graph(struct fsn__graph *student, enum fsn_quant_range range,
                                  struct fsn_error *err)
{
    enum fsn_status status = fsn__quantize_graph(student, range, NULL, err);

    if (status == FSN_OK)
        status = fsn__graph_drop_identity(student, err);
    if (status == FSN_OK)
        status = fsn__graph_fold_bn(student, err);
    if (status == FSN_OK)
        status = fsn__round_scales(student, err);
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
    status = fsn__fs_convert(graph, plan, &options, &student.graph, err);
    if (status == FSN_OK)
        status = fsn__finish_graph(student.graph, FSN_RANGE_MIN_MAX, err);
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
static enum fsn_status check_gradients(const struct fsn__graph *graph, int logits,
                                       struct fsn_faults *faults, struct fsn_error *err)
{
    bool *blocked = calloc((size_t)graph->node_count + 1, sizeof *blocked);
    int count = blocked ? fsn__graph_find_blocked(graph, logits, blocked) : -1, named = 0;
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
    const int logits = fsn__prepared_logits(prepared);
    struct fsn_plan *plan = NULL;
    enum fsn_status status = FSN_OK, planned;

    if (spec->finetune.epochs > 0)
        status = check_gradients(graph, logits, faults, err);
    planned = fsn__plan_budget(graph, logits, spec,
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
    if (logits >= 0) {
        plan->output = strdup(graph->values[logits].name);
        if (!plan->output)
            status = FSN__NOMEM(err);
    }
    if (status != FSN_OK) {
        fsn_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FSN_OK;
}

/* Without data: any statistics give the same sizes. */
static enum fsn_status prepare_dry(const struct fsn_model *model, const struct fsn_spec *spec,
                                   struct fsn__prepared *prepared, struct fsn_faults *faults,
                                   struct fsn_error *err)
{
    struct fsn_error refused = {0};
    const bool other = spec->detection.locations || spec->task == FSN_TASK_DETECT ||
                       spec->task == FSN_TASK_DISTILL;
    const int64_t classes = other ? FSN__NO_HEAD : 0;
    enum fsn_status status = fsn__prepare(model->graph, spec, classes, prepared, &refused);

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
        status = fsn__plan_budget(prepared.graph, -1, spec, 0, NULL, &plan, faults, err);
    if (status == FSN_OK)
        status = fsn__fs_convert(prepared.graph, plan, &options, &student->graph, err);
    fsn_plan_destroy(plan);
    fsn__prepared_clear(&prepared);
    if (status != FSN_OK) {
        free(student);
        return status;
    }
    *out = student;
    return FSN_OK;
}

/* ---- data
 * ---------------------------------------------------------------------------------------- */

static void fit_input(const struct fsn__graph *graph, const struct fsn_dataset_info *data,
                      struct fsn_faults *faults)
{
    const struct fsn__value *input = &graph->values[graph->inputs[0]];
    const struct fsn__tensor *t = &input->tensor;
    struct fsn__image_shape shape = {data->channels, data->height, data->width};

    if (graph->input_count != 1) {
        fsn__fault(faults, "/model_id", "the model has %d inputs, expected one of images",
                   graph->input_count);
        return;
    }
    if (t->ndim != 4 || t->dtype != FSN__F32) {
        fsn__fault(faults, "/model_id",
                   "input '%s' is %s %s, expected float32 [N,C,H,W] or [N,H,W,C]", input->name,
                   fsn__dtype_name(t->dtype), FSN__SHAPE(t));
        return;
    }
    if (fsn__layout_of_images(t, &shape) == FSN__IMAGES_OTHER && data->height == 0)
        fsn__fault(faults, "/dataset_id",
                   "photographs have 1 or 3 channels, the model's input '%s' is %s", input->name,
                   FSN__SHAPE(t));
    else if (fsn__layout_of_images(t, &shape) == FSN__IMAGES_OTHER)
        fsn__fault(faults, "/dataset_id",
                   "images are %dx%dx%d (channels, height, width), the model's input '%s' is %s",
                   data->channels, data->height, data->width, input->name, FSN__SHAPE(t));
}

/* A network for batches of one size can be trained with that alone (train/classifier.c). */
static void fit_batch(const struct fsn_model *model, const struct fsn_spec *spec,
                      struct fsn_faults *faults)
{
    const struct fsn__value *input = &model->graph->values[model->graph->inputs[0]];
    const bool explained = model->fixed_batch[0] != 0;

    if (spec->finetune.epochs < 1 || input->tensor.ndim < 1 || input->tensor.dim[0] == FSN_BATCH ||
        input->tensor.dim[0] == spec->finetune.batch_size)
        return;
    fsn__fault(faults, "/finetune/batch_size",
               "the model's input '%.60s' takes %lld images at once and no other number%s%s%s: %d "
               "cannot be trained; export it with a free batch axis, or set this to %lld",
               input->name, (long long)input->tensor.dim[0], explained ? " (" : "",
               model->fixed_batch, explained ? ")" : "", spec->finetune.batch_size,
               (long long)input->tensor.dim[0]);
}

static void fit_output(const struct fsn__graph *graph, const struct fsn_spec *spec,
                       const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    struct fsn_error err = {0};
    struct fsn__head head;

    if (fsn__graph_find_head(graph, spec->output, data->classes, &head, &err) != FSN_OK)
        fsn__fault(faults, spec->output ? "/output" : "/model_id", "%s", err.text);
    else if (head.classes < data->classes)
        fsn__fault(faults, "/dataset_id",
                   "the data set has %d classes, the model's output '%s' only %lld", data->classes,
                   graph->values[graph->outputs[head.output]].name, (long long)head.classes);
}

/* What is for classifiers is refused, rather than left undone. */
static void fit_detector(const struct fsn__graph *graph, const struct fsn_spec *spec,
                         const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    static const char why[] =
        "is for classifiers; the data set has boxes, and detectors are trained "
        "with SSD's own augmentation and loss";
    struct fsn_error err = {0};
    struct fsn__detector_head head = {0};

    if (graph->input_count == 1) { /* else it was said already */
        if (fsn__detector_outputs_find(graph, "model", data->classes, spec, &head, &err) != FSN_OK)
            fsn__fault(faults, spec->detection.locations ? "/detection/locations" : "/model_id",
                       "%s", err.text);
        else if (fsn__detector_head_find(graph, "model", data->classes, spec, &head, &err) !=
                 FSN_OK)
            fsn__fault(faults, "/detection/default_boxes", "%s", err.text);
    }
    fsn__detector_head_clear(&head);
    if (spec->output)
        fsn__fault(faults, "/output", "%s: a detector's are detection.locations and confidences",
                   why);
    if (spec->finetune.mixup > 0)
        fsn__fault(faults, "/finetune/mixup", "%s", why);
    if (spec->finetune.label_smoothing > 0)
        fsn__fault(faults, "/finetune/label_smoothing", "%s", why);
    if (spec->finetune.cutout)
        fsn__fault(faults, "/finetune/augment", "cutout %s", why);
    if (spec->finetune.distill.feature > 0)
        fsn__fault(faults, "/finetune/distill/feature", "%s", why);
}

static void fit_preprocess(const struct fsn__graph *graph, const struct fsn_dataset_info *data,
                           const struct fsn_preprocess *preprocess, struct fsn_faults *faults)
{
    struct fsn__image_shape shape = {data->channels, data->height, data->width};
    int side;

    /* The network's own shape for photographs, which are brought to it. */
    if (fsn__layout_of_images(&graph->values[graph->inputs[0]].tensor, &shape) == FSN__IMAGES_OTHER)
        return;
    side = shape.height < shape.width ? shape.height : shape.width;
    if (preprocess->channels != 0 && preprocess->channels != shape.channels)
        fsn__fault(faults, "/preprocess/mean", "%d values, the images have %d channels",
                   preprocess->channels, shape.channels);
    if (preprocess->resize > 0 && preprocess->resize < side)
        fsn__fault(faults, "/preprocess/resize",
                   "%d is less than the shorter side of the model's input, %d", preprocess->resize,
                   side);
}

static bool has_classes(const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    if (data->detection)
        fsn__fault(faults, "/task",
                   "is classify, and the data set is one of boxes (%s), which are not classes of "
                   "images",
                   data->format);
    else if (data->classes == 0)
        fsn__fault(faults, "/task",
                   "is classify, and the data set has images without classes (%s): they serve to "
                   "distill a network",
                   data->format);
    return !data->detection && data->classes > 0;
}

static bool has_boxes(const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    if (!data->detection)
        fsn__fault(faults, "/task",
                   "is detect, and the data set has no boxes (%s): a detector needs objects with "
                   "boxes, as voc and coco sets have",
                   data->format);
    return data->detection;
}

static void fit_followed(const struct fsn__graph *graph, const struct fsn_spec *spec,
                         struct fsn_faults *faults)
{
    const struct fsn__conflict *conflict;
    struct fsn__followed_list list;
    struct fsn_error err = {0};
    char pointer[40] = "/model_id";
    int at = -1;

    for (int i = 0; (conflict = fsn__distill_conflict(spec, i)); i++)
        fsn__fault(faults, conflict->pointer, "%s", conflict->text);
    if (graph->input_count != 1 ||
        fsn__followed_find(graph, "model", spec, &list, &at, &err) == FSN_OK)
        return;
    if (at >= 0)
        snprintf(pointer, sizeof pointer, "/distill_outputs/%d", at);
    fsn__fault(faults, pointer, "%s", err.text);
}

void fsn_data_fits(const struct fsn_model *model, const struct fsn_dataset_info *data,
                   const struct fsn_spec *spec, struct fsn_faults *faults)
{

    if (model->graph->input_count < 1 || model->graph->output_count < 1) {
        fsn__fault(faults, "/model_id", "the model needs an input and an output");
        return;
    }
    fit_input(model->graph, data, faults);
    switch (fsn__task_for(spec->task, data->detection, data->classes)) {
    case FSN__TASK_CLASSIFY:
        if (has_classes(data, faults))
            fit_output(model->graph, spec, data, faults);
        break;
    case FSN__TASK_DETECT:
        if (has_boxes(data, faults))
            fit_detector(model->graph, spec, data, faults);
        break;
    case FSN__TASK_DISTILL:
        fit_followed(model->graph, spec, faults);
        break;
    }
    if (spec->task == FSN_TASK_AUTO && spec->distill_outputs.count > 0 &&
        (data->detection || data->classes > 0))
        fsn__fault(faults, "/distill_outputs",
                   "is for task distill; the data set has %s, so task auto is %s: state the task",
                   data->detection ? "boxes" : "classes", data->detection ? "detect" : "classify");
    fit_batch(model, spec, faults);
    fit_preprocess(model->graph, data, &spec->preprocess, faults);
    if (data->images[FSN_SPLIT_TEST] < 1)
        fsn__fault(faults, "/dataset_id", "the data set has no test images");
    if (data->images[FSN_SPLIT_TRAIN] < 1 && spec->finetune.epochs > 0)
        fsn__fault(faults, "/dataset_id", "the data set has no train images");
}
