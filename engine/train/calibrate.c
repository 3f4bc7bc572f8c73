/* calibrate.c - mean and variance of what convolutions write, over some training images.
 *
 * A copy of the network gets, for each convolution's output y, two more nodes: the averages of y
 * and of y^2 over an image's pixels. Joined to one row they are the copy's only output, so one
 * ordinary inference pass brings all statistics of a batch; the rows are summed in double in the
 * order of the images:
 *
 *     mean = E y,   var = E y^2 - mean^2
 *
 * The images are augmented as training will see them: it is on such images that a network gathered
 * the statistics it was exported with. A folded ResNet-20 gets its scales and shifts back to one or
 * two per cent this way, and to twenty per cent only without the black borders of random crops.
 *
 * What is subtracted carries the rounding of float32, so a variance below 1e-6 E y^2 is taken as
 * that. It is a scale for training, not part of the function (graph/restore_bn.c).
 */
#include "train/calibrate.h"
#include "train/classifier.h"
#include "train/meter.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

/* Small images in batches of MAX_BATCH, large ones in batches of about MAX_FLOATS input values. */
enum { MAX_BATCH = 64, MAX_FLOATS = 1 << 21 };

struct calibration {
    const struct fsn__train_job *job;
    struct fsn__graph *view;
    struct fsn__exec *exec;
    int64_t images, batch, width; /* width: of a row of statistics */
    int64_t *order;
    int32_t *labels;
    double *sums; /* [width] */
};

static enum fsn_status apply(struct fsn__graph *graph, const char *op,
                             const struct fsn__attrs *attrs, int a, int b, int *out,
                             struct fsn_error *err)
{
    const int in[2] = {a, b};

    return fsn__graph_apply(graph, op, NULL, attrs, b < 0 ? 1 : 2, in, out, err);
}

/* *row, the values joined so far (-1: none), grows by the averages of y and y^2. */
static enum fsn_status add_probe(struct fsn__graph *graph, int y, int *row, struct fsn_error *err)
{
    struct fsn__attr item = {.name = "axis", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attrs axis = {.count = 1, .item = &item};
    enum fsn_status status;
    int mean = -1, square = -1;

    status = apply(graph, "GlobalAveragePool", NULL, y, -1, &mean, err);
    if (status == FSN_OK)
        status = apply(graph, "Mul", NULL, y, y, &square, err);
    if (status == FSN_OK)
        status = apply(graph, "GlobalAveragePool", NULL, square, -1, &square, err);
    if (status == FSN_OK)
        status = apply(graph, "Concat", &axis, mean, square, &mean, err);
    if (status == FSN_OK && *row >= 0)
        status = apply(graph, "Concat", &axis, *row, mean, &mean, err);
    if (status == FSN_OK)
        *row = mean;
    return status;
}

/* The copy with the probes. It holds no data of its own, and may go when the view is made. */
static enum fsn_status make_view(struct calibration *c, const struct fsn__bare_convs *bare,
                                 struct fsn_error *err)
{
    struct fsn__graph *probed = NULL;
    int row = -1;
    enum fsn_status status = fsn__graph_alias(c->job->student, &probed, err);

    for (int i = 0; i < bare->count && status == FSN_OK; i++)
        status = add_probe(probed, probed->nodes[bare->item[i].node].out[0], &row, err);
    if (status == FSN_OK)
        status = fsn__view_create(probed, "calibration", c->job->data, &row, 1, &c->view, err);
    fsn__graph_destroy(probed);
    return status;
}

static enum fsn_status prepare(struct calibration *c, struct fsn_error *err)
{
    const struct fsn__tensor *input = &c->view->values[c->view->inputs[0]].tensor;
    const int64_t train = c->job->data->split[FSN_SPLIT_TRAIN].count;
    struct fsn__exec_options options = {.pool = c->job->pool};
    enum fsn_status status;

    c->images = train < FSN__CALIBRATION_IMAGES ? train : FSN__CALIBRATION_IMAGES;
    c->batch = fsn__view_batch(input, MAX_BATCH, MAX_FLOATS);
    options.batch = c->batch;
    status = fsn__exec_create(c->view, &options, &c->exec, err);
    if (status != FSN_OK)
        return status;
    c->width = fsn__numel(fsn__exec_output(c->exec, 0)) / c->batch;
    c->order = calloc((size_t)train + 1, sizeof *c->order);
    c->labels = calloc((size_t)c->batch + 1, sizeof *c->labels);
    c->sums = calloc((size_t)c->width + 1, sizeof *c->sums);
    if (!c->order || !c->labels || !c->sums)
        return FSN__NOMEM(err);
    fsn__shuffle(c->order, train, c->job->spec->seed, 0);
    return FSN_OK;
}

static enum fsn_status run_batches(struct calibration *c, struct fsn_error *err)
{
    const struct fsn__train_job *job = c->job;
    struct fsn__transform transform = fsn__view_transform(job->data, job->spec);
    struct fsn__meter meter = {
        job->progress, job->user, FSN_STAGE_FIT, job->fraction_from, job->fraction_from, 0, 0};
    enum fsn_status status = fsn__view_aim(c->view, &transform, err);

    if (status != FSN_OK)
        return status;
    transform.cutout = false; /* the network need not have been trained with that */
    fsn__meter_start(&meter, 0);
    for (int64_t done = 0; done < c->images;) {
        int64_t n = c->images - done < c->batch ? c->images - done : c->batch;
        struct fsn_progress now = {.loss = NAN};

        status =
            fsn__load_batch(job->data, FSN_SPLIT_TRAIN, c->order + done, n, &transform, true, 0,
                            job->pool, fsn__f32(fsn__exec_input(c->exec, 0)), c->labels, err);
        if (status == FSN_OK)
            status = fsn__exec_forward(c->exec, 0, err);
        if (status != FSN_OK)
            return status;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < c->width; j++)
                c->sums[j] += fsn__f32(fsn__exec_output(c->exec, 0))[i * c->width + j];
        done += n;
        if (!fsn__meter_tell(&meter, 1, now))
            return FSN__FAIL(err, FSN_CANCELLED, "cancelled while calibrating batch norm");
    }
    return FSN_OK;
}

/* From the row of sums, in the order in which add_probe joined it. */
static enum fsn_status finish(const struct calibration *c, struct fsn__bare_convs *bare,
                              struct fsn_error *err)
{
    const double images = (double)c->images;
    const double *sums = c->sums;

    for (int i = 0; i < bare->count; i++) {
        struct fsn__bare_conv *conv = &bare->item[i];

        for (int64_t k = 0; k < conv->channels; k++) {
            double mean = sums[k] / images, square = sums[conv->channels + k] / images;

            if (!isfinite(mean) || !isfinite(square))
                return FSN__FAIL(err, FSN_DIVERGED,
                                 "Conv '%s' writes values that are not finite numbers on the "
                                 "training images",
                                 c->job->student->nodes[conv->node].name);
            conv->mean[k] = (float)mean;
            conv->var[k] = (float)fmax(square - mean * mean, 1e-6 * square);
        }
        sums += 2 * conv->channels;
    }
    return FSN_OK;
}

enum fsn_status fsn__calibrate(const struct fsn__train_job *job, struct fsn__bare_convs *bare,
                               struct fsn_error *err)
{
    struct calibration c = {.job = job};
    enum fsn_status status;

    if (bare->count == 0)
        return FSN_OK;
    if (job->data->split[FSN_SPLIT_TRAIN].count < 1)
        return FSN__FAIL(err, FSN_MISMATCH, "the data set has no images in its train split");
    status = make_view(&c, bare, err);
    if (status == FSN_OK)
        status = prepare(&c, err);
    if (status == FSN_OK)
        status = run_batches(&c, err);
    if (status == FSN_OK)
        status = finish(&c, bare, err);
    fsn__exec_destroy(c.exec);
    fsn__graph_destroy(c.view);
    free(c.order);
    free(c.labels);
    free(c.sums);
    return status;
}
