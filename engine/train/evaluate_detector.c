/* evaluate_detector.c - how well a detector finds the objects of a split.
 *
 * Images are brought to the network's input without keeping their aspect, as in training; boxes are
 * fractions of the image on both sides, and overlaps are measured in pixels of the image as it is,
 * which is what the published tools do (detect/average_precision.h). What each image gives is kept
 * until the end, since average precision ranks the detections of all images together.
 *
 * Batches run as classification's do (evaluate.c); what the network says of each image is made into
 * detections on all slices, each image by itself, so that the order is that of the images. That may
 * take longer than running the network, where the spec has many boxes compared with one another: so
 * whether to stop is asked meanwhile.
 */
#include "data/detection_batch.h"
#include "train/detector.h"
#include "train/findings.h"
#include "train/train.h"
#include "train/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Small images in batches of MAX_BATCH, large ones in batches of about MAX_FLOATS input values. */
enum { MAX_BATCH = 128, MAX_FLOATS = 1 << 22 };

/* What was found in an image of a batch; the detections are its own. */
struct found {
    struct fsn__detection *detections;
    int64_t count;
    enum fsn_status status;
    struct fsn_error err;
};

/* ---- a batch --------------------------------------------------------------------------------- */

struct run {
    const struct fsn_dataset *data;
    enum fsn_split split;
    struct fsn__pool *pool;
    struct fsn__transform transform;
    struct fsn__nms_options nms;
    struct fsn__detector network;
    struct fsn__object_batch objects;
    int64_t *index;      /* [batch] */
    struct found *found; /* [batch] */
    int64_t n;           /* images of this batch, which is the b-th of those of `images` */
    int64_t b, images;
    struct fsn__findings findings;
    const struct fsn__meter *meter;
    pthread_t thread; /* the job's, on which alone progress is told */
    atomic_bool stopped;
};

/* Asked on all slices, and answered by what the job's thread was told last. */
static bool goes_on(void *user)
{
    struct run *run = user;

    if (pthread_equal(pthread_self(), run->thread) &&
        !fsn__meter_again(run->meter, run->b, run->network.batch, run->images))
        atomic_store(&run->stopped, true);
    return !atomic_load(&run->stopped);
}

static void detect_share(void *arg, int slice, int slices)
{
    struct run *run = arg;
    const struct fsn__detector_head *head = &run->network.head;
    int64_t begin, end;

    fsn__share(run->n, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        struct found *found = &run->found[i];

        found->status =
            fsn__detect(run->network.locations + i * head->boxes * 4,
                        run->network.confidences + i * head->boxes * (head->classes + 1),
                        head->standard, head->variance, head->boxes, head->classes, &run->nms,
                        &found->detections, &found->count, &found->err);
    }
}

/* From the network's outputs to the findings. */
static enum fsn_status take_batch(struct run *run, struct fsn_error *err)
{
    const struct fsn__images *images = &run->data->split[run->split];
    enum fsn_status status = FSN_OK;

    memset(run->found, 0, (size_t)run->n * sizeof *run->found);
    fsn__pool_run(run->pool, detect_share, run);
    for (int64_t i = 0; i < run->n; i++) {
        const int64_t first = run->objects.first[i];
        const struct fsn__stored_image *stored =
            &run->data->store->images[images->file[run->index[i]]];

        if (status == FSN_OK && run->found[i].status != FSN_OK) {
            status = run->found[i].status;
            if (err && err->status == FSN_OK)
                *err = run->found[i].err;
        }
        if (status == FSN_OK)
            status = fsn__findings_add(&run->findings, run->objects.objects + first,
                                       run->objects.first[i + 1] - first, run->found[i].detections,
                                       run->found[i].count, stored->info.width, stored->info.height,
                                       err);
        free(run->found[i].detections);
    }
    return status;
}

static enum fsn_status run_batch(struct run *run, struct fsn_error *err)
{
    enum fsn_status status =
        fsn__load_detection_batch(run->data, run->split, run->index, run->n, &run->transform, false,
                                  0, run->pool, run->network.images, &run->objects, err);

    if (status == FSN_OK)
        status = fsn__detector_forward(&run->network, 0, err);
    return status == FSN_OK ? take_batch(run, err) : status;
}

static enum fsn_status run_all(struct run *run, const int64_t *list, struct fsn_error *err)
{
    const int64_t images = run->images, batch = run->network.batch;
    const int64_t batches = (images + batch - 1) / batch;

    for (int64_t b = 0; b < batches; b++) {
        const int64_t begin = b * batch;
        enum fsn_status status;

        run->b = b;
        run->n = images - begin < batch ? images - begin : batch;
        for (int64_t i = 0; i < run->n; i++)
            run->index[i] = list ? list[begin + i] : begin + i;
        status = run_batch(run, err);
        if (status == FSN_OK)
            status = fsn__meter_batch(run->meter, b, batch, images, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

/* ---- evaluation -------------------------------------------------------------------------------
 */

/* Makes the network, and memory for its batches. */
static enum fsn_status open_run(struct fsn__graph *graph, const struct fsn_spec *spec,
                                struct run *run, struct fsn_error *err)
{
    const int64_t images = run->images;
    const struct fsn__exec_options options = {
        .batch = fsn__view_graph_batch(graph, images < MAX_BATCH ? images : MAX_BATCH, MAX_FLOATS),
        .pool = run->pool,
    };
    enum fsn_status status =
        fsn__detector_create(graph, "evaluation", run->data, spec, &options, &run->network, err);

    if (status == FSN_OK)
        status = fsn__detections_fit(spec, &run->network.head, images, err);
    if (status == FSN_OK)
        status = fsn__view_aim(run->network.graph, &run->transform, err);
    if (status != FSN_OK)
        return status;
    run->index = calloc((size_t)run->network.batch, sizeof *run->index);
    run->found = calloc((size_t)run->network.batch, sizeof *run->found);
    if (!run->index || !run->found)
        return FSN__NOMEM(err);
    return fsn__findings_create(images, &run->findings, err);
}

enum fsn_status fsn__evaluate_detector_images(struct fsn__graph *graph,
                                              const struct fsn_dataset *data, enum fsn_split split,
                                              const int64_t *list, int64_t images,
                                              const struct fsn_spec *spec, struct fsn__pool *pool,
                                              const struct fsn__meter *how,
                                              struct fsn__findings *keep,
                                              struct fsn_detection_eval *out, struct fsn_error *err)
{
    struct fsn_spec as_detector = *spec; /* also where its outputs are distilled */
    struct fsn__meter meter = *how;
    struct fsn_detection_eval eval;
    struct run run = {
        .data = data,
        .split = split,
        .pool = pool,
        .nms = fsn__detector_nms(spec),
        .images = images,
        .meter = &meter,
        .thread = pthread_self(),
    };
    enum fsn_status status;

    run.nms.go_on = goes_on;
    run.nms.user = &run;

    as_detector.task = FSN_TASK_DETECT;
    run.transform = fsn__view_plain(data, &as_detector);
    status = fsn__view_check_images(split, images, err);
    if (status != FSN_OK)
        return status;
    status = open_run(graph, spec, &run, err);
    if (status == FSN_OK) {
        fsn__meter_start(&meter, 0);
        status = run_all(&run, list, err);
    }
    if (status == FSN_OK)
        status = fsn__findings_judge(&run.findings, data->classes, NULL, images, &eval, NULL, err);
    if (status == FSN_OK) {
        eval.seconds = fsn__seconds() - meter.start_seconds;
        *out = eval;
    }
    if (status == FSN_OK && keep) {
        fsn__findings_clear(keep);
        *keep = run.findings;
        run.findings = (struct fsn__findings){0};
    }
    fsn__findings_clear(&run.findings);
    free(run.index);
    free(run.found);
    fsn__object_batch_clear(&run.objects);
    fsn__detector_clear(&run.network);
    return status;
}

enum fsn_status fsn__evaluate_detector(struct fsn__graph *graph, const struct fsn_dataset *data,
                                       enum fsn_split split, const struct fsn_spec *spec,
                                       struct fsn__pool *pool, const struct fsn__meter *meter,
                                       struct fsn_detection_eval *out, struct fsn_error *err)
{
    return fsn__evaluate_detector_images(graph, data, split, NULL, data->split[split].count, spec,
                                         pool, meter, NULL, out, err);
}
