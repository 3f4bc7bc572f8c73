/*
 * tail.c - runs what lies behind the ends of a network.
 *
 * The executor plans all memory before it has seen an image, and a tail may write as much as it
 * finds in one (graph/late.c). Constant folding has no such plan: it runs node after node, with
 * memory for each. So the network is run up to the ends, what they hold takes their place as
 * constants, and the tail is folded. That is slow, and enough for a few images.
 */
#include "compress/tail.h"

#include "compress/ends.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

enum { IMAGES = 4, MAX_BYTES = 1 << 30 };

/* The ends of a batch of test images, run; *n images of it are of the data set. */
static enum fsn_status run_ends(struct fsn__job *job, struct fsn__graph *graph,
                                const struct fsn__ends *ends, struct fsn__graph **view,
                                struct fsn__exec **exec, int64_t *n, struct fsn_error *err)
{
    struct fsn__exec_options options = {.batch = IMAGES, .pool = job->pool};
    struct fsn__transform transform = fsn__view_plain(job->data, job->spec);
    const int64_t count = job->report.data.images[FSN_SPLIT_TEST];
    const int64_t index[IMAGES] = {0, 1, 2, 3};
    int32_t labels[IMAGES];
    enum fsn_status status = fsn__view_fix_batch(graph, "verification", &options, err);

    if (status == FSN_OK)
        status =
            fsn__view_create(graph, "verification", job->data, ends->value, ends->count, view, err);
    if (status == FSN_OK)
        status = fsn__exec_create(*view, &options, exec, err);
    if (status == FSN_OK)
        status = fsn__view_aim(*view, &transform, err);
    if (status != FSN_OK)
        return status;
    *n = options.batch < count ? options.batch : count;
    *n = *n < IMAGES ? *n : IMAGES;
    status = fsn__load_batch(job->data, FSN_SPLIT_TEST, index, *n, &transform, false, 0, job->pool,
                             fsn__f32(fsn__exec_input(*exec, 0)), labels, err);
    return status == FSN_OK ? fsn__exec_forward(*exec, 0, err) : status;
}

/* *out is the model's graph with its outputs for some images as constants, as far as they can be
 * had. */
static enum fsn_status run_tail(struct fsn__job *job, struct fsn__graph *graph,
                                struct fsn__graph **out, int64_t *n, struct fsn_error *err)
{
    struct fsn__graph *view = NULL;
    struct fsn__exec *exec = NULL;
    struct fsn__ends ends;
    enum fsn_status status = fsn__find_ends(graph, job->report.task, job->report.data.classes,
                                            job->spec, &ends, NULL, err);
    int value;

    if (status == FSN_OK)
        status = run_ends(job, graph, &ends, &view, &exec, n, err);
    if (status == FSN_OK)
        status = fsn__graph_alias(graph, out, err);
    for (int i = 0; i < ends.count && status == FSN_OK; i++) {
        status = fsn__graph_add_const(*out, NULL, FSN__VALUE_CONST, fsn__exec_output(exec, i),
                                      &value, err);
        if (status == FSN_OK)
            fsn__graph_redirect(*out, ends.value[i], value);
    }
    if (status == FSN_OK && fsn__graph_fold(*out, MAX_BYTES, NULL) == FSN_NOMEM)
        status = FSN__NOMEM(err); /* any other refusal leaves outputs without a value */
    fsn__exec_destroy(exec);
    fsn__graph_destroy(view);
    return status;
}

/* Largest difference of a pair of outputs; INFINITY where they are not even of one shape. */
static double difference(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    double worst = 0;

    if (a->dtype != b->dtype || !fsn__same_shape(a, b))
        return INFINITY;
    for (int64_t i = 0; i < fsn__numel(a); i++)
        worst = fmax(worst, fabs(fsn__get_f64(a, i) - fsn__get_f64(b, i)));
    return worst;
}

enum fsn_status fsn__tail_compare(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report_tail *tail = &job->report.tail;
    struct fsn__graph *graphs[2] = {job->small->graph, job->dense->graph}, *ran[2] = {NULL, NULL};
    enum fsn_status status = FSN_OK;

    *tail = (struct fsn__report_tail){.outputs = 0};
    if (job->plan->cut_count == 0)
        return FSN_OK;
    for (int i = 0; i < 2 && status == FSN_OK; i++)
        status = run_tail(job, graphs[i], &ran[i], &tail->images, err);
    for (int o = 0; status == FSN_OK && o < ran[0]->output_count; o++) {
        const struct fsn__tensor *a = &ran[0]->values[ran[0]->outputs[o]].tensor;
        const struct fsn__tensor *b = &ran[1]->values[ran[1]->outputs[o]].tensor;

        if (!a->data || !b->data)
            continue;
        tail->outputs++;
        tail->max_difference = fmax(tail->max_difference, difference(a, b));
    }
    fsn__graph_destroy(ran[0]);
    fsn__graph_destroy(ran[1]);
    return status;
}

json_t *fsn__report_cut_json(const struct fsn__report *report)
{
    const struct fsn__report_tail *tail = &report->tail;
    const bool compared = tail->outputs > 0, shaped = isfinite(tail->max_difference);
    json_t *cut = fsn__plan_cut_json(report->plan);

    if (json_is_object(cut))
        json_object_set_new(
            cut, "outputs",
            json_pack("{s:i, s:I, s:b, s:o}", "compared", tail->outputs, "images",
                      (json_int_t)tail->images, "same_shapes", compared && shaped, "max_difference",
                      compared ? fsn__json_real(tail->max_difference) : json_null()));
    return cut;
}
