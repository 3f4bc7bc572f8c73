/* data_fits.c - do a model, a data set and a spec go together? Asked before anything is run, and
 * answered with every fault at once, each with its place. */
#include "compress/compress.h"
#include "compress/ends.h"
#include "train/detector.h"
#include "train/followed.h"
#include "train/segmenter.h"
#include "train/task.h"
#include "train/view.h"

#include <stdio.h>
#include <string.h>

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

/* What was said of this setting without the data set, whose classes were not known then, gives
 * way. */
static void fault_of_setting(struct fsn_faults *faults, const char *pointer, const char *text)
{
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->item[i].pointer, pointer) == 0 && strcmp(pointer, "/model_id") != 0) {
            snprintf(faults->item[i].text, sizeof faults->item[i].text, "%.*s",
                     (int)sizeof faults->item[i].text - 1, text);
            return;
        }
    fsn__fault(faults, pointer, "%s", text);
}

/* Of a split; -1: they are not known, as where only what lists show of a data set is at hand. */
static int64_t countable_objects(const struct fsn_dataset_info *data, int split)
{
    const struct fsn_object_counts *objects = &data->objects[split];
    int64_t all = 0;

    for (int c = 0; data->per_class[split] && c < data->classes; c++)
        all += data->per_class[split][c];
    if (!data->per_class[split] || objects->count < all)
        return -1;
    return objects->count - objects->difficult;
}

/* Objects to learn from, and to search by; without a search a job may go unmeasured (judge.c). */
static void fit_objects(const struct fsn_spec *spec, const struct fsn_dataset_info *data,
                        struct fsn_faults *faults)
{
    static const char *const names[FSN_SPLIT_COUNT] = {"train", "test"};

    for (int split = 0; split < FSN_SPLIT_COUNT; split++) {
        const int64_t objects = data->objects[split].count;

        if (data->images[split] < 1 || countable_objects(data, split) != 0 ||
            (split == FSN_SPLIT_TRAIN ? spec->finetune.epochs < 1
                                      : spec->budget.max_accuracy_drop == 0))
            continue;
        if (objects > 0)
            fsn__fault(faults, "/dataset_id",
                       "no countable object in %lld %s images: all %lld are difficult or crowds",
                       (long long)data->images[split], names[split], (long long)objects);
        else
            fsn__fault(faults, "/dataset_id", "no object in %lld %s images",
                       (long long)data->images[split], names[split]);
    }
}

static void fit_detector(const struct fsn_model *model, const struct fsn_spec *spec,
                         const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    struct fsn_error err = {0};
    const struct fsn__graph *graph = model->graph;
    struct fsn__detector_head head = {0};
    struct fsn_spec bound = *spec;

    fsn__detector_bind_boxes(model, &bound.detection.default_boxes);
    fit_objects(spec, data, faults);
    if (graph->input_count != 1) /* said already */
        return;
    if (fsn__detector_outputs_find(graph, "model", data->classes, spec, &head, &err) != FSN_OK)
        fault_of_setting(faults, fsn__ends_pointer(FSN__TASK_DETECT, spec, -1).text, err.text);
    else if (fsn__detections_fit(spec, &head, data->images[FSN_SPLIT_TEST], &err) != FSN_OK)
        fsn__fault(faults, "/detection/keep", "%s", err.text);
    else if (fsn__detector_head_find(graph, "model", data->classes, &bound, &head, &err) != FSN_OK)
        fsn__fault(faults, "/detection/default_boxes", "%s", err.text);
    fsn__detector_head_clear(&head);
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
    else if (data->segmentation)
        fsn__fault(
            faults, "/task",
            "is classify, and the data set is one of masks (%s), whose classes are of pixels: "
            "they serve to distill a network, or to train one without compressing it",
            data->format);
    else if (data->classes == 0)
        fsn__fault(faults, "/task",
                   "is classify, and the data set has images without classes (%s): they serve to "
                   "distill a network",
                   data->format);
    return !data->detection && !data->segmentation && data->classes > 0;
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

/* A class map that is named must be one; without a name a network may have none. */
static void fit_map(const struct fsn__graph *graph, const struct fsn_spec *spec,
                    const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    struct fsn__class_map map;
    struct fsn_error err = {0};

    if (fsn__class_map_find(graph, "model", data->classes, spec, &map, &err) != FSN_OK)
        fsn__fault(faults, "/output", "%s", err.text);
}

static void fit_followed(const struct fsn__graph *graph, const struct fsn_spec *spec,
                         const struct fsn_dataset_info *data, struct fsn_faults *faults)
{
    const struct fsn__conflict *conflict;
    struct fsn__followed_list list;
    struct fsn_error err = {0};
    int at = -1;

    for (int i = 0; (conflict = fsn__distill_conflict(spec, i)); i++)
        fsn__fault(faults, conflict->pointer, "%s", conflict->text);
    if (spec->output && !data->segmentation)
        fsn__fault(
            faults, "/output",
            "is for classifiers, and for the class map of data sets with masks: outputs that "
            "are distilled are named by distill_outputs");
    else if (spec->output)
        fit_map(graph, spec, data, faults);
    if (graph->input_count != 1 ||
        fsn__followed_find(graph, "model", spec, &list, &at, &err) == FSN_OK)
        return;
    fsn__fault(faults, fsn__ends_pointer(FSN__TASK_DISTILL, spec, at).text, "%s", err.text);
}

void fsn_data_fits(const struct fsn_model *model, const struct fsn_dataset_info *data,
                   const struct fsn_spec *spec, struct fsn_faults *faults)
{
    const enum fsn__task task =
        fsn__task_for(spec->task, data->detection, data->classes > 0 && !data->segmentation);

    if (model->graph->input_count < 1 || model->graph->output_count < 1) {
        fsn__fault(faults, "/model_id", "the model needs an input and an output");
        return;
    }
    fit_input(model->graph, data, faults);
    if (spec->files.detections != FSN_DETECTIONS_OFF && task != FSN__TASK_DETECT)
        fsn__fault(faults, "/files/detections",
                   "files.detections is for detectors, whose data set has boxes; this job %s",
                   data->detection ? "distills outputs" : "has none");
    switch (task) {
    case FSN__TASK_CLASSIFY:
        if (has_classes(data, faults))
            fit_output(model->graph, spec, data, faults);
        break;
    case FSN__TASK_DETECT:
        if (has_boxes(data, faults))
            fit_detector(model, spec, data, faults);
        break;
    case FSN__TASK_DISTILL:
    case FSN__TASK_SEGMENT:
        fit_followed(model->graph, spec, data, faults);
        break;
    }
    if (spec->task == FSN_TASK_AUTO && spec->distill_outputs.count > 0 && !data->segmentation &&
        (data->detection || data->classes > 0))
        fsn__fault(faults, "/distill_outputs",
                   "is for task distill; the data set has %s, so task auto is %s: state the task",
                   data->detection ? "boxes" : "classes", data->detection ? "detect" : "classify");
    fsn_unused_settings(data, spec, true, faults);
    fit_batch(model, spec, faults);
    fit_preprocess(model->graph, data, &spec->preprocess, faults);
    if (data->images[FSN_SPLIT_TEST] < 1)
        fsn__fault(faults, "/dataset_id", "the data set has no test images");
    if (data->images[FSN_SPLIT_TRAIN] < 1 && spec->finetune.epochs > 0)
        fsn__fault(faults, "/dataset_id", "the data set has no train images");
}
