/* detections_file.c - see detections_file.h. */
#include "compress/detections_file.h"

#include "core/softmax.h"
#include "detect/box_codec.h"
#include "detect/tail.h"
#include "onnx/onnx.h"
#include "train/view.h"

#include <math.h>
#include <string.h>

/* ---- the file -------------------------------------------------------------------------------- */

static enum fsn_status append(const struct fsn__job *job, struct fsn__graph *graph,
                              struct fsn_error *err)
{
    const struct fsn__nms_options nms = fsn__detector_nms(job->spec);
    struct fsn__detector_head head = {.standard = NULL};
    struct fsn__tail tail;
    enum fsn_status status = fsn__detector_head_find(
        graph, "model-detections.onnx", job->report.data.classes, job->spec, &head, err);

    if (status != FSN_OK)
        return status;
    tail = (struct fsn__tail){
        .locations = head.locations,
        .confidences = head.confidences,
        .standard = head.standard,
        .variance = head.variance,
        .suppress = job->spec->files.detections == FSN_DETECTIONS_NMS ? &nms : NULL,
    };
    status = fsn__append_detector_tail(graph, &tail, err);
    if (status == FSN_OK)
        status = fsn__graph_prune(graph, err);
    fsn__detector_head_clear(&head);
    return status;
}

enum fsn_status fsn__write_detections(struct fsn__job *job, const char *path, struct fsn_error *err)
{
    struct fsn_model model = {0};
    enum fsn_status status = fsn__graph_clone(job->student.graph, &model.graph, err);

    if (status == FSN_OK)
        status = append(job, model.graph, err);
    if (status == FSN_OK)
        status = fsn_model_save(&model, path, FSN_EXPORT_SMALL, err);
    fsn__graph_destroy(model.graph);
    return status;
}

/* ---- how right it is ------------------------------------------------------------------------- */

/* What the operator reads from which, along first inputs, the value comes; -1: none. */
static int read_by(const struct fsn__graph *graph, int value, const char *op)
{
    while (value >= 0 && graph->values[value].producer >= 0) {
        const struct fsn__node *node = &graph->nodes[graph->values[value].producer];

        if (node->op == fsn__op_find("", op))
            return node->in[0];
        value = node->n_in > 0 ? node->in[0] : -1;
    }
    return -1;
}

/* Makes boxes and scores the outputs of what is looked at: they are the file's, or what the
 * candidates of its suppression, which comes last, are taken from (detect/tail.c). */
static enum fsn_status show_boxes(struct fsn__graph *graph, struct fsn_error *err)
{
    int boxes = -1, scores = -1;
    enum fsn_status status;

    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == fsn__op_find("", "NonMaxSuppression")) {
            boxes = read_by(graph, graph->nodes[i].in[0], "GatherND");
            scores = read_by(graph, graph->nodes[i].in[1], "TopK");
        }
    if (boxes < 0 || scores < 0)
        return FSN_OK;
    graph->output_count = 0;
    status = fsn__graph_add_output(graph, boxes, err);
    if (status == FSN_OK)
        status = fsn__graph_add_output(graph, scores, err);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}

/* The same batch in both. */
struct pair {
    struct fsn__detector raw;
    struct fsn__followed decoded; /* [N,P,4] and [N,C,P] */
    int64_t images;
};

static double box_difference(const struct pair *pair, int64_t image, int64_t box)
{
    const struct fsn__detector_head *head = &pair->raw.head;
    const int64_t row = image * head->boxes + box;
    const struct fsn__box at =
        fsn__box_decode(pair->raw.locations + 4 * row, head->standard + 4 * box, head->variance);
    const float want[4] = {at.x0, at.y0, at.x1, at.y1};
    double worst = 0;

    for (int i = 0; i < 4; i++)
        worst = fmax(worst, fabs((double)fminf(fmaxf(want[i], 0), 1) -
                                 pair->decoded.output[0][4 * row + i]));
    return worst;
}

static double score_difference(const struct pair *pair, int64_t image, int64_t box)
{
    const struct fsn__detector_head *head = &pair->raw.head;
    const float *logit = pair->raw.confidences + (image * head->boxes + box) * (head->classes + 1);
    const float *scores = pair->decoded.output[1] + image * head->classes * head->boxes;
    const double sum = fsn__log_sum_exp(logit, head->classes + 1, 1);
    double worst = 0;

    for (int c = 0; c < head->classes; c++)
        worst = fmax(worst, fabs(exp(logit[c + 1] - sum) - scores[c * head->boxes + box]));
    return worst;
}

static enum fsn_status run_both(struct fsn__job *job, struct fsn__graph *file, struct pair *pair,
                                struct fsn_error *err)
{
    enum { BATCH = 16 };
    struct fsn_spec spec = *job->spec;
    struct fsn__transform transform = fsn__view_plain(job->data, job->spec);
    const int64_t count = job->report.data.images[FSN_SPLIT_TEST];
    const struct fsn__exec_options options = {.batch = count < BATCH ? count : BATCH,
                                              .pool = job->pool};
    int64_t index[BATCH];
    int32_t labels[BATCH];
    enum fsn_status status = fsn__detector_create(job->small->graph, "model.onnx", job->data, &spec,
                                                  &options, &pair->raw, err);

    memset(&spec.distill_outputs, 0, sizeof spec.distill_outputs); /* all of them */
    if (status == FSN_OK)
        status = fsn__followed_create(file, "model-detections.onnx", job->data, &spec, &options,
                                      true, &pair->decoded, err);
    if (status == FSN_OK)
        status = fsn__view_aim(pair->raw.graph, &transform, err);
    if (status != FSN_OK)
        return status;
    for (int64_t i = 0; i < BATCH; i++)
        index[i] = i;
    pair->images = pair->raw.batch < options.batch ? pair->raw.batch : options.batch;
    status = fsn__load_batch(job->data, FSN_SPLIT_TEST, index, pair->images, &transform, false, 0,
                             job->pool, pair->raw.images, labels, err);
    if (status == FSN_OK) {
        memcpy(pair->decoded.images, pair->raw.images, pair->raw.image_bytes);
        status = fsn__detector_forward(&pair->raw, 0, err);
    }
    return status == FSN_OK ? fsn__followed_forward(&pair->decoded, 0, err) : status;
}

enum fsn_status fsn__compare_detections(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__graph *file = NULL;
    struct pair pair = {.images = 0};
    double worst = 0;
    enum fsn_status status = fsn__graph_alias(job->detections->graph, &file, err);

    if (status == FSN_OK)
        status = show_boxes(file, err);
    if (status == FSN_OK)
        status = run_both(job, file, &pair, err);
    for (int64_t i = 0; status == FSN_OK && i < pair.images; i++)
        for (int64_t b = 0; b < pair.raw.head.boxes; b++)
            worst = fmax(worst, fmax(box_difference(&pair, i, b), score_difference(&pair, i, b)));
    job->report.detections_bytes = job->detections->file_bytes;
    job->report.detections_difference = worst;
    fsn__detector_clear(&pair.raw);
    fsn__followed_clear(&pair.decoded);
    fsn__graph_destroy(file);
    return status;
}
