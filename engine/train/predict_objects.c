/*
 * predict_objects.c - the objects in single images.
 *
 * The network is seen as evaluation sees it (detector.h): its raw outputs, whatever the file has
 * behind them, are decoded and suppressed as for a report (detect/nms.h), so that an image of a
 * test split has the detections that its average precision was computed of. Boxes are fractions of
 * the image there and pixels of it here.
 */
#include "train/predictor.h"

#include "graph/head.h"

#include <stdlib.h>

bool fsn__predictor_detects(const struct fsn__graph *graph, const struct fsn_spec *spec)
{
    struct fsn__head head;
    int pair[2];

    if (spec->task == FSN_TASK_DETECT || spec->detection.locations || spec->detection.confidences)
        return true;
    if (spec->task != FSN_TASK_AUTO || spec->output || graph->input_count != 1)
        return false;
    return fsn__detector_has_outputs(graph) ||
           (fsn__graph_find_head(graph, NULL, 0, &head, NULL) != FSN_OK &&
            fsn__detector_cut_find(graph, -1, pair) == 1);
}

enum fsn_status fsn__predictor_open_detector(const struct fsn_model *model,
                                             const struct fsn_spec *spec,
                                             struct fsn_predictor *predictor, struct fsn_error *err)
{
    /* Photographs of any size, with boxes of as many classes as the network has. */
    struct fsn__image_store none = {.fd = -1};
    const struct fsn_dataset any = {
        .format = "image", .store = &none, .detection = true, .classes = -1};
    const struct fsn__exec_options options = {.batch = 1};
    struct fsn_spec bound = *spec;
    enum fsn_status status;

    fsn__detector_bind_boxes(model, &bound.detection.default_boxes);
    status = fsn__detector_create(model->graph, "prediction", &any, &bound, &options,
                                  &predictor->detector, err);
    if (status != FSN_OK)
        return status;
    predictor->info.detects = true;
    predictor->info.classes = predictor->detector.head.classes;
    predictor->info.memory_bytes =
        fsn__detector_memory(&predictor->detector) +
        (size_t)predictor->detector.head.boxes * 4 * sizeof *predictor->detector.head.standard;
    return FSN_OK;
}

/* Into pixels of the image. */
static struct fsn_found_object in_pixels(const struct fsn__detection *found,
                                         const struct fsn__loaded_image *image)
{
    return (struct fsn_found_object){
        .class_index = found->label,
        .score = (double)found->score,
        .box = {(double)found->box.x0 * image->width, (double)found->box.y0 * image->height,
                (double)found->box.x1 * image->width, (double)found->box.y1 * image->height},
    };
}

static enum fsn_status detect(const struct fsn__detector *network, const struct fsn_spec *spec,
                              const struct fsn__loaded_image *image, struct fsn_found_objects *out,
                              struct fsn_error *err)
{
    const struct fsn__nms_options nms = fsn__detector_nms(spec);
    const struct fsn__detector_head *head = &network->head;
    struct fsn__detection *found = NULL;
    int64_t count = 0;
    enum fsn_status status =
        fsn__detect(network->locations, network->confidences, head->standard, head->variance,
                    head->boxes, head->classes, &nms, &found, &count, err);

    if (status != FSN_OK)
        return status;
    out->object = calloc((size_t)count + 1, sizeof *out->object);
    for (int64_t i = 0; out->object && i < count; i++)
        out->object[i] = in_pixels(&found[i], image);
    free(found);
    out->count = count;
    return out->object ? FSN_OK : FSN__NOMEM(err);
}

enum fsn_status fsn_predict_objects(struct fsn_predictor *predictor, const struct fsn_spec *spec,
                                    const struct fsn_image *image, struct fsn_found_objects *out,
                                    struct fsn_error *err)
{
    struct fsn_found_objects result = {.count = 0};
    struct fsn__loaded_image loaded;
    enum fsn_status status;

    if (!predictor->info.detects)
        return FSN__FAIL(err, FSN_MISMATCH, "the network classifies images; it finds no objects");
    status = fsn__predictor_load(predictor, &spec->preprocess, image, &loaded, err);
    if (status == FSN_OK)
        status = fsn__detector_forward(&predictor->detector, 0, err);
    if (status != FSN_OK)
        return status;
    result.width = loaded.width;
    result.height = loaded.height;
    status = detect(&predictor->detector, spec, &loaded, &result, err);
    if (status == FSN_OK)
        *out = result;
    return status;
}

void fsn_found_objects_clear(struct fsn_found_objects *found)
{
    free(found->object);
    *found = (struct fsn_found_objects){0};
}
