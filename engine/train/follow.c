/* follow.c - see follow.h. */
#include "train/follow.h"
#include "train/meter.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Small images in batches of MAX_BATCH, large ones in batches of about MAX_FLOATS input values. */
enum { MAX_BATCH = 64, MAX_FLOATS = 1 << 22 };

struct run {
    const struct fsn__follow *order;
    struct fsn__followed teacher, student;
    struct fsn__transform transform;
    struct fsn__spread spread[FSN_MAX_DISTILL_OUTPUTS];
    double distance[FSN_MAX_DISTILL_OUTPUTS]; /* summed over images */
    int64_t *index;                           /* [batch] */
    int32_t *labels;
    double *scratch;
};

static enum fsn_status open_networks(struct run *run, struct fsn_error *err)
{
    const struct fsn__follow *order = run->order;
    const int64_t most = order->images < MAX_BATCH ? order->images : MAX_BATCH;
    const struct fsn__exec_options options = {
        .batch = fsn__view_graph_batch(order->teacher, most, MAX_FLOATS),
        .pool = order->pool,
    };
    enum fsn_status status =
        fsn__followed_create(order->teacher, "teacher", order->data, order->spec, &options,
                             order->as_written, &run->teacher, err);

    if (status == FSN_OK)
        status = fsn__view_aim(run->teacher.graph, &run->transform, err);
    if (status != FSN_OK || !order->student)
        return status;
    status = fsn__followed_create(order->student, "student", order->data, order->spec, &options,
                                  order->as_written, &run->student, err);
    return status == FSN_OK ? fsn__followed_check_pair(&run->teacher, &run->student, err) : status;
}

static enum fsn_status open_run(struct run *run, struct fsn_error *err)
{
    enum fsn_status status = open_networks(run, err);

    if (status != FSN_OK)
        return status;
    run->index = calloc((size_t)run->teacher.batch, sizeof *run->index);
    run->labels = calloc((size_t)run->teacher.batch, sizeof *run->labels);
    run->scratch = calloc((size_t)run->teacher.batch, sizeof *run->scratch);
    if (!run->index || !run->labels || !run->scratch)
        return FSN__NOMEM(err);
    for (int i = 0; status == FSN_OK && i < run->teacher.outputs.count; i++)
        status = fsn__spread_create(&run->teacher.measure[i], &run->spread[i], err);
    return status;
}

static void close_run(struct run *run)
{
    for (int i = 0; i < FSN_MAX_DISTILL_OUTPUTS; i++)
        fsn__spread_clear(&run->spread[i]);
    fsn__followed_clear(&run->teacher);
    fsn__followed_clear(&run->student);
    free(run->index);
    free(run->labels);
    free(run->scratch);
}

/* n images of the batch are there. */
static enum fsn_status run_batch(struct run *run, int64_t n, struct fsn_error *err)
{
    const struct fsn__follow *order = run->order;
    enum fsn_status status =
        fsn__load_batch(order->data, order->split, run->index, n, &run->transform, false, 0,
                        order->pool, run->teacher.images, run->labels, err);

    if (status == FSN_OK && order->student)
        memcpy(run->student.images, run->teacher.images, run->teacher.image_bytes);
    if (status == FSN_OK)
        status = fsn__followed_forward(&run->teacher, 0, err);
    if (status == FSN_OK && order->student)
        status = fsn__followed_forward(&run->student, 0, err);
    for (int i = 0; status == FSN_OK && i < run->teacher.outputs.count; i++) {
        const struct fsn__measure *measure = &run->teacher.measure[i];

        fsn__spread_add(&run->spread[i], measure, run->teacher.output[i], n);
        if (order->student)
            run->distance[i] += (double)n * fsn__output_loss(measure, run->student.output[i],
                                                             run->teacher.output[i], n, 0, NULL,
                                                             run->scratch, order->pool);
    }
    return status;
}

static enum fsn_status run_all(struct run *run, struct fsn_error *err)
{
    const struct fsn__follow *order = run->order;
    const int64_t images = order->images, batch = run->teacher.batch;
    struct fsn__meter meter = *order->meter;

    fsn__meter_start(&meter, 0);
    for (int64_t begin = 0, b = 0; begin < images; begin += batch, b++) {
        const int64_t n = images - begin < batch ? images - begin : batch;
        enum fsn_status status;

        for (int64_t i = 0; i < n; i++)
            run->index[i] = order->list ? order->list[begin + i] : begin + i;
        status = run_batch(run, n, err);
        if (status == FSN_OK)
            status = fsn__meter_batch(&meter, b, batch, images, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

static enum fsn_status take_figures(const struct run *run, struct fsn__following *out,
                                    struct fsn_error *err)
{
    const struct fsn__followed_list *outputs = &run->teacher.outputs;
    struct fsn__following made = {.count = outputs->count};
    bool whole = true;

    for (int i = 0; i < outputs->count; i++) {
        made.name[i] = strdup(outputs->item[i].name);
        whole = whole && made.name[i];
        made.loss[i] = outputs->item[i].loss;
        made.distance[i] =
            run->order->student ? run->distance[i] / (double)run->order->images : NAN;
        made.spread[i] = fsn__spread_of(&run->spread[i], &run->teacher.measure[i]);
    }
    if (!whole) {
        fsn__following_clear(&made);
        return FSN__NOMEM(err);
    }
    *out = made;
    return FSN_OK;
}

enum fsn_status fsn__follow_measure(const struct fsn__follow *follow, struct fsn__following *out,
                                    struct fsn_error *err)
{
    struct run run = {.order = follow, .transform = fsn__view_plain(follow->data, follow->spec)};
    enum fsn_status status = fsn__view_check_images(follow->split, follow->images, err);

    if (status == FSN_OK)
        status = open_run(&run, err);
    if (status == FSN_OK)
        status = run_all(&run, err);
    if (status == FSN_OK)
        status = take_figures(&run, out, err);
    close_run(&run);
    return status;
}

void fsn__following_clear(struct fsn__following *following)
{
    for (int i = 0; i < following->count; i++)
        free(following->name[i]);
    *following = (struct fsn__following){.count = 0};
}
