/* view.c - the alias of a network that training, evaluation and calibration run.
 *
 * A network that takes [N,H,W,C] begins, nearly always, with a Transpose to [N,C,H,W]. The view
 * puts the inverse in front of it, and the two cancel (graph/transposes.c). */
#include "train/view.h"
#include "graph/transposes.h"
#include "train/task.h"

#include <string.h>

static bool is_colour_axis(int64_t dim)
{
    return dim == 1 || dim == 3;
}

static enum fsn__layout_of_images take_shape(const int64_t *dim, struct fsn__image_shape *shape)
{
    if (is_colour_axis(dim[1])) {
        *shape = (struct fsn__image_shape){(int)dim[1], (int)dim[2], (int)dim[3]};
        return FSN__IMAGES_NCHW;
    }
    if (is_colour_axis(dim[3])) {
        *shape = (struct fsn__image_shape){(int)dim[3], (int)dim[1], (int)dim[2]};
        return FSN__IMAGES_NHWC;
    }
    return FSN__IMAGES_OTHER;
}

enum fsn__layout_of_images fsn__layout_of_images(const struct fsn__tensor *input,
                                                 struct fsn__image_shape *shape)
{
    const int64_t *dim = input->dim;

    if (input->dtype != FSN__F32 || input->ndim != 4)
        return FSN__IMAGES_OTHER;
    if (shape->height == 0)
        return take_shape(dim, shape);
    if (dim[1] == shape->channels && dim[2] == shape->height && dim[3] == shape->width)
        return FSN__IMAGES_NCHW;
    if (dim[1] == shape->height && dim[2] == shape->width && dim[3] == shape->channels)
        return FSN__IMAGES_NHWC;
    return FSN__IMAGES_OTHER;
}

/* Makes input 0 [N,C,H,W], followed by a Transpose to what its readers take. */
static enum fsn_status turn_input(struct fsn__graph *graph, const struct fsn__image_shape *size,
                                  struct fsn_error *err)
{
    static const int64_t to_nhwc[4] = {0, 2, 3, 1};
    struct fsn__attr item = {.name = "perm", .type = FSN__ATTR_INTS, .count = 4, .ints = to_nhwc};
    const struct fsn__attrs attrs = {.count = 1, .item = &item};
    const int old = graph->inputs[0];
    struct fsn__tensor shape = {0};
    enum fsn_status status;
    int images, turned;

    fsn__shape_set(
        &shape, FSN__F32, 4,
        (int64_t[]){graph->values[old].tensor.dim[0], size->channels, size->height, size->width});
    status = fsn__graph_add_value(graph, "images", FSN__VALUE_INPUT, &shape, &images, err);
    if (status == FSN_OK)
        status = fsn__graph_apply(graph, "Transpose", NULL, &attrs, 1, &images, &turned, err);
    if (status != FSN_OK)
        return status;
    fsn__graph_redirect(graph, old, turned);
    graph->inputs[0] = images;
    status = fsn__graph_sort(graph, err);
    return status == FSN_OK ? fsn__graph_merge_transposes(graph, err) : status;
}

enum fsn_status fsn__view_create(const struct fsn__graph *graph, const char *who,
                                 const struct fsn_dataset *data, const int *outputs, int count,
                                 struct fsn__graph **out, struct fsn_error *err)
{
    struct fsn__image_shape shape = {data->channels, data->height, data->width};
    struct fsn__graph *view = NULL;
    enum fsn__layout_of_images layout;
    const struct fsn__value *input;
    enum fsn_status status;

    if (graph->input_count != 1 || graph->output_count < 1)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: one input (images) and an output are needed, the network has "
                         "%d and %d",
                         who, graph->input_count, graph->output_count);
    input = &graph->values[graph->inputs[0]];
    layout = fsn__layout_of_images(&input->tensor, &shape);
    if (layout == FSN__IMAGES_OTHER && data->store)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: input '%s' takes %s %s, photographs are float32 with 1 or 3 channels",
                         who, input->name, fsn__dtype_name(input->tensor.dtype),
                         FSN__SHAPE(&input->tensor));
    if (layout == FSN__IMAGES_OTHER)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: input '%s' takes %s %s, the images are [N,%d,%d,%d]", who,
                         input->name, fsn__dtype_name(input->tensor.dtype),
                         FSN__SHAPE(&input->tensor), data->channels, data->height, data->width);
    status = fsn__graph_alias(graph, &view, err);
    if (status != FSN_OK)
        return status;
    memcpy(view->outputs, outputs, (size_t)count * sizeof *outputs);
    view->output_count = count;
    view->inner_count = 0;
    if (layout == FSN__IMAGES_NHWC)
        status = turn_input(view, &shape, err);
    if (status == FSN_OK)
        status = fsn__graph_prune(view, err);
    if (status != FSN_OK) {
        fsn__graph_destroy(view);
        return status;
    }
    *out = view;
    return FSN_OK;
}

enum fsn_status fsn__view_fix_batch(const struct fsn__graph *graph, const char *who,
                                    struct fsn__exec_options *options, struct fsn_error *err)
{
    const int64_t fixed = graph->input_count > 0 ? graph->values[graph->inputs[0]].tensor.dim[0]
                                                 : FSN_BATCH; /* which the view refuses */

    if (fixed != FSN_BATCH && fixed != options->batch && options->training)
        return FSN__FAIL(
            err, FSN_MISMATCH,
            "%s: the network is made for batches of %lld images, training was to use "
            "%lld: set finetune.batch_size to that or export it with a free batch axis",
            who, (long long)fixed, (long long)options->batch);
    if (fixed != FSN_BATCH)
        options->batch = fixed;
    return FSN_OK;
}

enum fsn_status fsn__view_aim(const struct fsn__graph *view, struct fsn__transform *transform,
                              struct fsn_error *err)
{
    const int64_t *dim = view->values[view->inputs[0]].tensor.dim;
    const struct fsn_preprocess *preprocess = &transform->preprocess;

    if (preprocess->channels != 0 && preprocess->channels != dim[1])
        return FSN__FAIL(err, FSN_MISMATCH,
                         "preprocess: mean and std are given for %d channels, the images have %lld",
                         preprocess->channels, (long long)dim[1]);
    if (preprocess->resize > 0 && preprocess->resize < dim[2] && preprocess->resize < dim[3])
        return FSN__FAIL(err, FSN_MISMATCH,
                         "preprocess: resize to %d is less than the network's input of %lld x %lld",
                         preprocess->resize, (long long)dim[2], (long long)dim[3]);
    transform->channels = (int)dim[1];
    transform->height = (int)dim[2];
    transform->width = (int)dim[3];
    return FSN_OK;
}

int64_t fsn__view_batch(const struct fsn__tensor *input, int64_t most, int64_t floats)
{
    const int64_t batch = floats / fsn__numel_range(input, 1, 4);

    if (input->dim[0] != FSN_BATCH)
        return input->dim[0];
    return most < 1 || batch < 1 ? 1 : batch < most ? batch : most;
}

/* Whether boxes are looked at. */
static bool has_boxes(const struct fsn_dataset *data, const struct fsn_spec *spec)
{
    return data->detection && fsn__task_of(data, spec) != FSN__TASK_DISTILL;
}

const struct fsn__node *fsn__view_softmax(const struct fsn__graph *graph, int value, int *axis)
{
    const struct fsn__tensor *t = &graph->values[value].tensor;
    const int producer = graph->values[value].producer;
    const struct fsn__node *node = producer >= 0 ? &graph->nodes[producer] : NULL;
    int64_t at;

    if (!node ||
        (node->op != fsn__op_find("", "Softmax") && node->op != fsn__op_find("", "LogSoftmax")))
        return NULL;
    if (fsn__attr_int(&node->attrs, "flatten", 0) && t->ndim != 2)
        return NULL; /* over several axes at once */
    at = fsn__attr_int(&node->attrs, "axis", fsn__attr_int(&node->attrs, "flatten", 0) ? 1 : -1);
    at = at < 0 ? at + t->ndim : at;
    if (at < 1 || at >= t->ndim)
        return NULL;
    *axis = (int)at;
    return node;
}

int64_t fsn__view_graph_batch(const struct fsn__graph *graph, int64_t most, int64_t floats)
{
    const struct fsn__tensor *input =
        graph->input_count > 0 ? &graph->values[graph->inputs[0]].tensor : NULL;

    return input && input->ndim == 4 ? fsn__view_batch(input, most, floats) : 1;
}

enum fsn_status fsn__view_check_images(enum fsn_split split, int64_t images, struct fsn_error *err)
{
    static const char *const names[FSN_SPLIT_COUNT] = {"train", "test"};

    if (images < 1)
        return FSN__FAIL(err, FSN_MISMATCH, "the data set has no images in its %s split",
                         names[split]);
    return FSN_OK;
}

void fsn__view_whole(struct fsn__transform *transform)
{
    transform->preprocess.crop = FSN_CROP_NONE;
    transform->preprocess.resize = 0;
}

struct fsn__transform fsn__view_plain(const struct fsn_dataset *data, const struct fsn_spec *spec)
{
    struct fsn__transform transform = {.preprocess = spec->preprocess, .seed = spec->seed};

    if (has_boxes(data, spec) || data->segmentation)
        fsn__view_whole(&transform);
    return transform;
}

struct fsn__transform fsn__view_transform(const struct fsn_dataset *data,
                                          const struct fsn_spec *spec)
{
    struct fsn__transform transform = fsn__view_plain(data, spec);

    if (has_boxes(data, spec))
        return transform;
    transform.crop_padding = spec->finetune.crop_padding;
    transform.flip = spec->finetune.flip;
    transform.cutout = spec->finetune.cutout;
    transform.cutout_size = spec->finetune.cutout_size;
    return transform;
}
