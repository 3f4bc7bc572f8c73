/* network.c - see network.h. */
#include "train/network.h"

#include "core/softmax.h"
#include "detect/multibox_loss.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>

static enum fsn_status open_classifier(struct fsn__graph *graph, const char *who,
                                       const struct fsn_dataset *data, const struct fsn_spec *spec,
                                       const struct fsn__exec_options *options,
                                       struct fsn__network *out, struct fsn_error *err)
{
    struct fsn__classifier *c = &out->classifier;
    const enum fsn_status status =
        fsn__classifier_create(graph, who, data, spec->output, options, c, err);

    if (status != FSN_OK)
        return status;
    out->batch = c->batch;
    out->images = c->images;
    out->image_bytes = c->image_bytes;
    out->graph = c->graph;
    out->count = 1;
    out->output[0] = c->logits;
    out->floats[0] = out->classes = c->classes;
    return FSN_OK;
}

static enum fsn_status open_detector(struct fsn__graph *graph, const char *who,
                                     const struct fsn_dataset *data, const struct fsn_spec *spec,
                                     const struct fsn__exec_options *options,
                                     struct fsn__network *out, struct fsn_error *err)
{
    struct fsn__detector *d = &out->detector;
    const enum fsn_status status = fsn__detector_create(graph, who, data, spec, options, d, err);

    if (status != FSN_OK)
        return status;
    out->batch = d->batch;
    out->images = d->images;
    out->image_bytes = d->image_bytes;
    out->graph = d->graph;
    out->classes = d->head.classes + 1;
    out->count = 2;
    out->output[0] = d->locations;
    out->floats[0] = 4 * d->head.boxes;
    out->output[1] = d->confidences;
    out->floats[1] = out->classes * d->head.boxes;
    return FSN_OK;
}

static enum fsn_status open_followed(struct fsn__graph *graph, const char *who,
                                     const struct fsn_dataset *data, const struct fsn_spec *spec,
                                     const struct fsn__exec_options *options,
                                     struct fsn__network *out, struct fsn_error *err)
{
    struct fsn__followed *f = &out->followed;
    const enum fsn_status status =
        fsn__followed_create(graph, who, data, spec, options, false, f, err);

    if (status != FSN_OK)
        return status;
    out->batch = f->batch;
    out->images = f->images;
    out->image_bytes = f->image_bytes;
    out->graph = f->graph;
    out->count = f->outputs.count;
    for (int i = 0; i < out->count; i++) {
        out->output[i] = f->output[i];
        out->floats[i] = fsn__measure_values(&f->measure[i]);
    }
    return FSN_OK;
}

enum fsn_status fsn__network_create(struct fsn__graph *graph, const char *who,
                                    const struct fsn_dataset *data, const struct fsn_spec *spec,
                                    const struct fsn__exec_options *options,
                                    struct fsn__network *out, struct fsn_error *err)
{
    out->task = fsn__task_of(data, spec);
    switch (out->task) {
    case FSN__TASK_DETECT:
        return open_detector(graph, who, data, spec, options, out, err);
    case FSN__TASK_DISTILL:
        return open_followed(graph, who, data, spec, options, out, err);
    case FSN__TASK_CLASSIFY:
    case FSN__TASK_SEGMENT:
        break;
    }
    return open_classifier(graph, who, data, spec, options, out, err);
}

enum fsn_status fsn__network_forward(struct fsn__network *network, uint64_t step,
                                     struct fsn_error *err)
{
    switch (network->task) {
    case FSN__TASK_DETECT:
        return fsn__detector_forward(&network->detector, step, err);
    case FSN__TASK_DISTILL:
        return fsn__followed_forward(&network->followed, step, err);
    case FSN__TASK_CLASSIFY:
    case FSN__TASK_SEGMENT:
        break;
    }
    return fsn__classifier_forward(&network->classifier, step, err);
}

void fsn__network_clear(struct fsn__network *network)
{
    fsn__classifier_clear(&network->classifier);
    fsn__detector_clear(&network->detector);
    fsn__followed_clear(&network->followed);
    *network = (struct fsn__network){.batch = 0};
}

/* Of an image's default boxes; see network.h. */
static double between_boxes(const struct fsn__network *network, int64_t image,
                            const float *const reference[FSN__NETWORK_OUTPUTS])
{
    const int64_t boxes = network->detector.head.boxes, classes = network->classes;
    const int64_t l = image * network->floats[0], c = image * network->floats[1];
    double sum = 0;

    for (int64_t b = 0; b < boxes; b++) {
        const float *was = reference[1] + c + b * classes;
        const double seen = 1 - exp(was[0] - fsn__log_sum_exp(was, classes, 1));
        const double moved =
            fsn__smooth_l1(network->output[0] + l + 4 * b, reference[0] + l + 4 * b, 0, NULL);

        sum += seen * moved + fsn__softmax_divergence(network->output[1] + c + b * classes, was,
                                                      classes, 1, 0, NULL);
    }
    return sum;
}

/* Of a batch; see network.h. */
static double between_outputs(const struct fsn__network *network,
                              const float *const reference[FSN__NETWORK_OUTPUTS])
{
    double *scratch = calloc((size_t)network->batch, sizeof *scratch), sum = 0, weights = 0;

    for (int i = 0; scratch && i < network->count; i++) {
        const struct fsn__measure *measure = &network->followed.measure[i];
        const double weight = network->followed.outputs.item[i].weight;
        struct fsn__spread spread;
        double all;

        if (fsn__spread_create(measure, &spread, NULL) != FSN_OK) {
            free(scratch);
            return NAN;
        }
        fsn__spread_add(&spread, measure, reference[i], network->batch);
        all = fsn__spread_of(&spread, measure);
        sum += weight / (all > 0 ? all : 1) *
               fsn__output_loss(measure, network->output[i], reference[i], network->batch, 0, NULL,
                                scratch, NULL);
        weights += weight;
        fsn__spread_clear(&spread);
    }
    sum = scratch ? sum / weights : NAN;
    free(scratch);
    return sum;
}

double fsn__network_divergence(const struct fsn__network *network,
                               const float *const reference[FSN__NETWORK_OUTPUTS])
{
    double sum = 0;

    if (network->task == FSN__TASK_DISTILL)
        return between_outputs(network, reference);
    for (int64_t i = 0; i < network->batch; i++)
        sum += network->task == FSN__TASK_DETECT
                   ? between_boxes(network, i, reference)
                   : fsn__softmax_divergence(network->output[0] + i * network->classes,
                                             reference[0] + i * network->classes, network->classes,
                                             1, 0, NULL);
    return sum / (double)network->batch;
}

int64_t fsn__network_hits(const struct fsn__network *network, const int32_t *labels)
{
    int64_t hits = -1;

    if (network->task == FSN__TASK_CLASSIFY)
        fsn__distill_loss(network->output[0], NULL, labels, network->batch, network->classes, 0, 1,
                          NULL, &hits);
    return hits;
}
