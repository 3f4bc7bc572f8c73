/*
 * predict.c - the classes of single images.
 *
 * The network is seen as evaluation sees it (classifier.h): images in, logits out, whatever the
 * file has around them. A file's own Softmax or LogSoftmax is what is applied to the logits here,
 *
 *     p[c] = exp(z[c] - max z) / sum over d of exp(z[d] - max z)       in double
 *
 * and a Sigmoid is 1 / (1 + exp(-z[c])); what ends in logits gets the softmax too. Choices are in
 * the order of the logits, equal ones by class number, so that the first is argmax's.
 */
#include "train/predictor.h"

#include "data/source_image.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t constants_of(const struct fsn__graph *graph)
{
    size_t bytes = 0;

    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].tensor.data)
            bytes += fsn__tensor_bytes(&graph->values[i].tensor);
    return bytes;
}

static enum fsn_status open_classifier(const struct fsn_model *model, const char *output,
                                       struct fsn_predictor *predictor, struct fsn_error *err)
{
    /* Photographs: of any size, and of the channels that the network takes. */
    struct fsn__image_store none = {.fd = -1};
    const struct fsn_dataset any = {.format = "image", .store = &none};
    const struct fsn__exec_options options = {.batch = 1};
    struct fsn__head head = {0};
    enum fsn_status status = fsn__graph_find_head(model->graph, output, 0, &head, err);

    if (status == FSN_OK)
        status = fsn__classifier_create(model->graph, "prediction", &any, output, &options,
                                        &predictor->network, err);
    if (status != FSN_OK)
        return status;
    predictor->info.classes = predictor->network.classes;
    predictor->info.sigmoid = head.sigmoid;
    predictor->info.memory_bytes = fsn__classifier_memory(&predictor->network);
    return FSN_OK;
}

/* What runs. */
static const struct fsn__graph *graph_of(const struct fsn_predictor *predictor)
{
    return predictor->info.detects ? predictor->detector.graph : predictor->network.graph;
}

enum fsn_status fsn_predictor_create(const struct fsn_model *model, const struct fsn_spec *spec,
                                     struct fsn_predictor **out, struct fsn_error *err)
{
    struct fsn_predictor *made = calloc(1, sizeof *made);
    struct fsn__transform transform = {0};
    enum fsn_status status;

    if (!made)
        return FSN__NOMEM(err);
    status = fsn__predictor_detects(model->graph, spec)
                 ? fsn__predictor_open_detector(model, spec, made, err)
                 : open_classifier(model, spec->output, made, err);
    if (status == FSN_OK)
        status = fsn__view_aim(graph_of(made), &transform, err);
    if (status != FSN_OK) {
        fsn_predictor_destroy(made);
        return status;
    }
    made->info.channels = transform.channels;
    made->info.height = transform.height;
    made->info.width = transform.width;
    made->info.memory_bytes += constants_of(model->graph);
    *out = made;
    return FSN_OK;
}

void fsn_predictor_destroy(struct fsn_predictor *predictor)
{
    if (!predictor)
        return;
    fsn__classifier_clear(&predictor->network);
    fsn__detector_clear(&predictor->detector);
    free(predictor);
}

void fsn_predictor_info(const struct fsn_predictor *predictor, struct fsn_predictor_info *out)
{
    *out = predictor->info;
}

/* ---- the image ------------------------------------------------------------------------------- */

static float *input_of(struct fsn_predictor *predictor)
{
    return predictor->info.detects ? predictor->detector.images : predictor->network.images;
}

static enum fsn_status load_from_set(struct fsn_predictor *predictor, const struct fsn_image *image,
                                     const struct fsn__transform *transform,
                                     struct fsn__loaded_image *out, struct fsn_error *err)
{
    static const char *const names[FSN_SPLIT_COUNT] = {"train", "test"};
    const struct fsn_dataset *data = image->data;
    const struct fsn__images *split = &data->split[image->split];
    enum fsn_status status;
    int32_t label = 0;

    if (image->index < 0 || image->index >= split->count)
        return FSN__FAIL(err, FSN_INVALID, "the %s split has %lld images, there is no index %lld",
                         names[image->split], (long long)split->count, (long long)image->index);
    if (!split->file && (data->channels != transform->channels ||
                         data->height != transform->height || data->width != transform->width))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "the network takes images of %d x %d x %d (channels, height, width), "
                         "those of the data set are %d x %d x %d",
                         transform->channels, transform->height, transform->width, data->channels,
                         data->height, data->width);
    status = fsn__load_batch(data, image->split, &image->index, 1, transform, false, 0, NULL,
                             input_of(predictor), &label, err);
    if (status != FSN_OK)
        return status;
    out->label = data->detection || data->segmentation || data->classes == 0 ? -1 : label;
    out->width = out->resized_width = data->width;
    out->height = out->resized_height = data->height;
    if (split->file) {
        const struct fsn__image_info *info = &data->store->images[split->file[image->index]].info;

        out->width = info->width;
        out->height = info->height;
        fsn__resized_size(transform, info->width, info->height, &out->resized_width,
                          &out->resized_height);
    }
    return FSN_OK;
}

static enum fsn_status load_from_file(struct fsn_predictor *predictor,
                                      const struct fsn__image_file *file,
                                      const struct fsn__transform *transform,
                                      struct fsn__loaded_image *out, struct fsn_error *err)
{
    struct fsn__image_info info;
    enum fsn_status status = fsn__image_probe(file, &info, err);

    if (status != FSN_OK)
        return status;
    out->label = -1;
    out->width = info.width;
    out->height = info.height;
    return fsn__load_file(file, transform, input_of(predictor), &out->resized_width,
                          &out->resized_height, err);
}

enum fsn_status fsn__predictor_load(struct fsn_predictor *predictor,
                                    const struct fsn_preprocess *preprocess,
                                    const struct fsn_image *image, struct fsn__loaded_image *out,
                                    struct fsn_error *err)
{
    struct fsn__transform transform = {.preprocess = *preprocess};
    const struct fsn__image_file file = {image->name, image->bytes, image->size};
    enum fsn_status status;

    if (predictor->info.detects)
        fsn__view_whole(&transform);
    status = fsn__view_aim(graph_of(predictor), &transform, err);
    if (status != FSN_OK)
        return status;
    return image->bytes ? load_from_file(predictor, &file, &transform, out, err)
                        : load_from_set(predictor, image, &transform, out, err);
}

/* ---- the choices ----------------------------------------------------------------------------- */

/* Puts a choice where it belongs among the `most` largest so far, whose classes are lower. */
static void offer(struct fsn_prediction *result, int most, int64_t class_index, double logit)
{
    int place = result->count;

    while (place > 0 && result->choice[place - 1].logit < logit)
        place--;
    if (place == most)
        return;
    if (result->count < most)
        result->count++;
    memmove(&result->choice[place + 1], &result->choice[place],
            (size_t)(result->count - 1 - place) * sizeof *result->choice);
    result->choice[place] = (struct fsn_choice){.class_index = class_index, .logit = logit};
}

static enum fsn_status choose(const struct fsn_predictor *predictor, int most,
                              struct fsn_prediction *result, struct fsn_error *err)
{
    const float *logits = predictor->network.logits;
    double sum = 0;

    for (int64_t c = 0; c < predictor->info.classes; c++) {
        if (!isfinite(logits[c]))
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "the network's score of class %lld is %g for this image", (long long)c,
                             (double)logits[c]);
        offer(result, most, c, logits[c]);
    }
    for (int64_t c = 0; c < predictor->info.classes; c++)
        sum += exp(logits[c] - result->choice[0].logit);
    for (int i = 0; i < result->count; i++) {
        struct fsn_choice *choice = &result->choice[i];

        choice->probability = predictor->info.sigmoid
                                  ? 1 / (1 + exp(-choice->logit))
                                  : exp(choice->logit - result->choice[0].logit) / sum;
    }
    return FSN_OK;
}

enum fsn_status fsn_predict(struct fsn_predictor *predictor,
                            const struct fsn_preprocess *preprocess, const struct fsn_image *image,
                            int most, struct fsn_prediction *out, struct fsn_error *err)
{
    struct fsn_prediction result = {.label = -1};
    struct fsn__loaded_image loaded;
    enum fsn_status status;

    if (most < 1 || most > FSN_MAX_CHOICES)
        return FSN__FAIL(err, FSN_INVALID, "1 to %d choices can be asked for, not %d",
                         FSN_MAX_CHOICES, most);
    if (predictor->info.detects)
        return FSN__FAIL(err, FSN_MISMATCH, "the network finds objects; it classifies no images");
    status = fsn__predictor_load(predictor, preprocess, image, &loaded, err);
    if (status == FSN_OK)
        status = fsn__classifier_forward(&predictor->network, 0, err);
    if (status == FSN_OK)
        status = choose(predictor, most, &result, err);
    if (status != FSN_OK)
        return status;
    result.resized_width = loaded.resized_width;
    result.resized_height = loaded.resized_height;
    result.label = loaded.label;
    *out = result;
    return FSN_OK;
}
