/* evaluate_segmenter.c - how well a network tells the classes of pixels: mean IoU.
 *
 * Over all pixels of a split whose mask has a class, as Pascal VOC counts,
 *
 *     IoU of a class = |truth and said| / |truth or said|
 *
 * and their mean over the classes that occur in either. What the network says where the mask has no
 * class is not looked at. Pixels are those of the network's input, at which an image and its mask
 * have been brought to one size. */
#include "core/clock.h"
#include "train/pixel_scores.h"
#include "train/segmenter.h"
#include "train/train.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Small images in batches of MAX_BATCH, large ones in batches of about MAX_FLOATS input values. */
enum { MAX_BATCH = 64, MAX_FLOATS = 1 << 22 };

struct run {
    const struct fsn_dataset *data;
    enum fsn_split split;
    struct fsn__pool *pool;
    struct fsn__transform transform;
    struct fsn__segmenter network;
    struct fsn__pixel_shape shape;
    const int64_t *list; /* of images; NULL: the first ones */
    int64_t *index;      /* [batch] */
    uint8_t *masks;      /* [batch][H][W] */
    int32_t *choice;     /* [slices][H][W] */
    float *best;         /* [slices][W] */
    int64_t *counts;     /* [slices][3][K] truth, said, both */
    int64_t *none;       /* [slices] */
    int64_t n;           /* images of this batch */
};

static struct fsn__pixel_tally tally_of(const struct run *run, int slice)
{
    const int64_t k = run->shape.classes;
    int64_t *at = run->counts + 3 * k * slice;

    return (struct fsn__pixel_tally){at, at + k, at + 2 * k};
}

static void tally_share(void *arg, int slice, int slices)
{
    const struct run *run = arg;
    const struct fsn__pixel_shape *s = &run->shape;
    const int64_t area = s->mask_height * s->mask_width;
    struct fsn__pixel_tally tally = tally_of(run, slice);
    int32_t *choice = run->choice + slice * area;
    int64_t begin, end;

    fsn__share(run->n, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        fsn__pixel_choose(s, run->network.scores + i * s->classes * s->height * s->width,
                          run->best + slice * s->mask_width, choice);
        fsn__pixel_tally_add(s, run->masks + i * area, choice, &tally, &run->none[slice]);
    }
}

static enum fsn_status run_batch(struct run *run, struct fsn_error *err)
{
    enum fsn_status status =
        fsn__load_mask_batch(run->data, run->split, run->index, run->n, &run->transform, false, 0,
                             run->pool, run->network.images, run->masks, err);

    if (status == FSN_OK)
        status = fsn__segmenter_forward(&run->network, 0, err);
    if (status == FSN_OK)
        fsn__pool_run(run->pool, tally_share, run);
    return status;
}

static enum fsn_status run_all(struct run *run, int64_t images, const struct fsn__meter *meter,
                               struct fsn_error *err)
{
    const int64_t batch = run->network.batch;

    for (int64_t begin = 0, b = 0; begin < images; begin += batch, b++) {
        enum fsn_status status;

        run->n = images - begin < batch ? images - begin : batch;
        for (int64_t i = 0; i < run->n; i++)
            run->index[i] = run->list ? run->list[begin + i] : begin + i;
        status = run_batch(run, err);
        if (status == FSN_OK)
            status = fsn__meter_batch(meter, b, batch, images, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

/* Makes the network, and memory for its batches. */
static enum fsn_status open_run(struct fsn__graph *graph, const struct fsn_spec *spec,
                                int64_t images, struct run *run, struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = fsn__view_graph_batch(graph, images < MAX_BATCH ? images : MAX_BATCH, MAX_FLOATS),
        .pool = run->pool,
    };
    const size_t slices = (size_t)fsn__pool_slices(run->pool);
    enum fsn_status status = fsn__segmenter_create(graph, "evaluation", run->data, spec, &options,
                                                   true, &run->network, err);
    size_t area;

    if (status == FSN_OK)
        status = fsn__view_aim(run->network.graph, &run->transform, err);
    if (status != FSN_OK)
        return status;
    run->shape =
        (struct fsn__pixel_shape){run->network.classes, run->network.height, run->network.width,
                                  run->transform.height, run->transform.width};
    area = (size_t)(run->transform.height * run->transform.width);
    run->index = calloc((size_t)run->network.batch, sizeof *run->index);
    run->masks = calloc((size_t)run->network.batch, area);
    run->choice = calloc(slices, area * sizeof *run->choice);
    run->best = calloc(slices, (size_t)run->transform.width * sizeof *run->best);
    run->counts = calloc(slices, 3 * (size_t)run->shape.classes * sizeof *run->counts);
    run->none = calloc(slices, sizeof *run->none);
    return run->index && run->masks && run->choice && run->best && run->counts && run->none
               ? FSN_OK
               : FSN__NOMEM(err);
}

static void close_run(struct run *run)
{
    fsn__segmenter_clear(&run->network);
    free(run->index);
    free(run->masks);
    free(run->choice);
    free(run->best);
    free(run->counts);
    free(run->none);
}

/* The figures of what all slices have counted. */
static enum fsn_status take_figures(const struct run *run, struct fsn_segmentation_eval *out,
                                    struct fsn_error *err)
{
    const int slices = fsn__pool_slices(run->pool), classes = (int)run->shape.classes;
    int64_t right = 0;
    int occurring = 0;
    double sum = 0;

    *out = (struct fsn_segmentation_eval){.class_count = classes};
    out->classes = calloc((size_t)classes, sizeof *out->classes);
    if (!out->classes)
        return FSN__NOMEM(err);
    for (int c = 0; c < classes; c++) {
        struct fsn_segmentation_class *row = &out->classes[c];
        int64_t both = 0, either;

        for (int s = 0; s < slices; s++) {
            const struct fsn__pixel_tally tally = tally_of(run, s);

            row->pixels += tally.truth[c];
            row->predicted += tally.said[c];
            both += tally.both[c];
        }
        either = row->pixels + row->predicted - both;
        row->iou = either > 0 ? 100.0 * (double)both / (double)either : NAN;
        sum += either > 0 ? row->iou : 0;
        occurring += either > 0;
        right += both;
        out->pixels += row->pixels;
    }
    for (int s = 0; s < slices; s++)
        out->none += run->none[s];
    out->miou = occurring > 0 ? sum / occurring : NAN;
    out->pixel_accuracy = out->pixels > 0 ? 100.0 * (double)right / (double)out->pixels : NAN;
    return FSN_OK;
}

enum fsn_status fsn__evaluate_segmenter_images(
    struct fsn__graph *graph, const struct fsn_dataset *data, enum fsn_split split,
    const int64_t *list, int64_t images, const struct fsn_spec *spec, struct fsn__pool *pool,
    const struct fsn__meter *how, struct fsn_segmentation_eval *out, struct fsn_error *err)
{
    struct fsn__meter meter = *how;
    struct fsn_segmentation_eval eval;
    struct run run = {.data = data,
                      .split = split,
                      .pool = pool,
                      .transform = fsn__view_plain(data, spec),
                      .list = list};
    enum fsn_status status = fsn__view_check_images(split, images, err);

    if (status == FSN_OK)
        status = open_run(graph, spec, images, &run, err);
    if (status == FSN_OK) {
        fsn__meter_start(&meter, 0);
        status = run_all(&run, images, &meter, err);
    }
    if (status == FSN_OK)
        status = take_figures(&run, &eval, err);
    if (status == FSN_OK) {
        eval.images = images;
        eval.seconds = fsn__seconds() - meter.start_seconds;
        *out = eval;
    }
    close_run(&run);
    return status;
}

enum fsn_status fsn__evaluate_segmenter(struct fsn__graph *graph, const struct fsn_dataset *data,
                                        enum fsn_split split, const struct fsn_spec *spec,
                                        struct fsn__pool *pool, const struct fsn__meter *how,
                                        struct fsn_segmentation_eval *out, struct fsn_error *err)
{
    return fsn__evaluate_segmenter_images(graph, data, split, NULL, data->split[split].count, spec,
                                          pool, how, out, err);
}

void fsn_segmentation_eval_clear(struct fsn_segmentation_eval *eval)
{
    free(eval->classes);
    *eval = (struct fsn_segmentation_eval){0};
}
