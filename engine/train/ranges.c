/*
 * ranges.c - see ranges.h.
 *
 * The observed values are the outputs of an alias of the network. A graph has few outputs and each
 * keeps its memory, so a network with many values is gone through group by group.
 */
#include "train/ranges.h"

#include "train/histogram.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

/* Values in a group; batches of at most MAX_BATCH images and about MAX_FLOATS input values. */
enum { GROUP = 32, MAX_BATCH = 32, MAX_FLOATS = 1 << 20 };

struct observation {
    const struct fsn__train_job *job;
    const struct fsn__graph *graph;
    int64_t images;
    int64_t *order;
    struct fsn__histogram *histogram; /* [GROUP] */
};

static enum fsn_status add_batch(struct observation *o, struct fsn__exec *exec, const int *value,
                                 int count, struct fsn_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct fsn__tensor *t =
            value[i] == o->graph->inputs[0] ? fsn__exec_input(exec, 0) : fsn__exec_output(exec, i);

        if (!fsn__histogram_add(&o->histogram[i], fsn__f32(t), fsn__numel(t)))
            return FSN__FAIL(err, FSN_DIVERGED, "'%s' is not finite on the training images",
                             o->graph->values[value[i]].name);
    }
    return FSN_OK;
}

static enum fsn_status run_group(struct observation *o, struct fsn__graph *view, const int *value,
                                 int count, struct fsn_error *err)
{
    const struct fsn__train_job *job = o->job;
    struct fsn__transform transform = fsn__view_plain(job->data, job->spec);
    const struct fsn__tensor *input = &view->values[view->inputs[0]].tensor;
    struct fsn__exec_options options = {.batch = fsn__view_batch(input, MAX_BATCH, MAX_FLOATS),
                                        .pool = job->pool};
    struct fsn__exec *exec = NULL;
    int32_t *labels = calloc((size_t)options.batch + 1, sizeof *labels);
    enum fsn_status status = labels ? fsn__view_aim(view, &transform, err) : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = fsn__exec_create(view, &options, &exec, err);
    /* Whole batches, so that no image counts twice, unless there is not one. */
    for (int64_t done = 0; status == FSN_OK && done < o->images; done += options.batch) {
        const struct fsn_progress now = {.stage = FSN_STAGE_VERIFY,
                                         .fraction = job->fraction_to,
                                         .loss = NAN,
                                         .seconds_left = -1};
        const int64_t n = o->images - done < options.batch ? o->images - done : options.batch;

        if (n < options.batch && done > 0)
            break;
        status = fsn__load_batch(job->data, FSN_SPLIT_TRAIN, o->order + done, n, &transform, false,
                                 0, job->pool, fsn__f32(fsn__exec_input(exec, 0)), labels, err);
        if (status == FSN_OK)
            status = fsn__exec_forward(exec, 0, err);
        if (status == FSN_OK)
            status = add_batch(o, exec, value, count, err);
        if (status == FSN_OK && job->progress && !job->progress(&now, job->user))
            status = FSN__FAIL(err, FSN_CANCELLED, "cancelled while observing activations");
    }
    fsn__exec_destroy(exec);
    free(labels);
    return status;
}

/* One that can be run. */
static int any_output(const struct fsn__graph *graph)
{
    int i = 0;

    while (i + 1 < graph->output_count && graph->values[graph->outputs[i]].late)
        i++;
    return graph->outputs[i];
}

static enum fsn_status observe(struct observation *o, const int *value, int count,
                               float (*range)[2], struct fsn_error *err)
{
    struct fsn__graph *view = NULL;
    int ends[GROUP];
    enum fsn_status status;

    for (int i = 0; i < count; i++) { /* images are read where they come in */
        ends[i] = value[i] == o->graph->inputs[0] ? any_output(o->graph) : value[i];
        o->histogram[i] = (struct fsn__histogram){0};
    }
    status = fsn__view_create(o->graph, "calibration", o->job->data, ends, count, &view, err);
    if (status == FSN_OK)
        status = run_group(o, view, value, count, err);
    for (int i = 0; status == FSN_OK && i < count; i++)
        fsn__histogram_range(&o->histogram[i], range[value[i]]);
    fsn__graph_destroy(view);
    return status;
}

enum fsn_status fsn__observe_ranges(const struct fsn__train_job *job,
                                    const struct fsn__graph *graph, const bool *wanted,
                                    float (*range)[2], struct fsn_error *err)
{
    const int64_t train = job->data->split[FSN_SPLIT_TRAIN].count;
    struct observation o = {.job = job,
                            .graph = graph,
                            .images = train < FSN__RANGE_IMAGES ? train : FSN__RANGE_IMAGES};
    int group[GROUP], count = 0;
    enum fsn_status status = FSN_OK;

    if (train < 1)
        return FSN__FAIL(err, FSN_MISMATCH, "the data set has no images in its train split");
    o.order = calloc((size_t)train + 1, sizeof *o.order);
    o.histogram = calloc(GROUP, sizeof *o.histogram);
    if (!o.order || !o.histogram)
        status = FSN__NOMEM(err);
    else
        fsn__shuffle(o.order, train, job->spec->seed, 0);
    for (int i = 0; status == FSN_OK && i < graph->value_count; i++) {
        if (wanted[i])
            group[count++] = i;
        if (count == GROUP || (count > 0 && i == graph->value_count - 1)) {
            status = observe(&o, group, count, range, err);
            count = 0;
        }
    }
    free(o.order);
    free(o.histogram);
    return status;
}
