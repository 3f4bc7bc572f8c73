/* explain.c - what the report says of each layer, so that one knows what to leave out.
 *
 * A layer's figures follow it through the job: what it costs alone, the error of its filters' fit,
 * what of its output was lost with the fit and is lost in the file, the error of the quantiser.
 *
 * The layers to exclude first. Compression has cost accuracy that shows: more than half a point,
 * and more than one standard error of the baseline's figure, and the baseline does not guess. A
 * layer is named when it costs far more than the others do, each alone: twice the median of the
 * divergences, and a point of top-1 on the training images that this is measured on (five images of
 * the 512); of a detector, which has no such figure on so few, four times the median. What
 * excluding it costs is not estimated: the plan is exported once more with that layer as it was and
 * all others as they are; where that more than doubles the file, a lower ratio is the better
 * advice, and the layer is not named.
 */
#include "compress/explain.h"

#include "compress/output_errors.h"

#include <math.h>
#include <stdlib.h>

static const double SEEN_DROP = 0.5, LEAST_ALONE = 1, OVER_MEDIAN = 2, FAR_OVER = 4;

enum fsn_status fsn__explain_alone(struct fsn__job *job, struct fsn_error *err)
{
    const struct fsn__train_job train = fsn__training(job, job->prepared.graph);
    struct fsn__layer_effect *effects = NULL;
    double unused;
    enum fsn_status status = fsn__measure_layers(&train, job->plan, true, &effects, &unused, err);

    for (size_t i = 0; status == FSN_OK && i < job->plan->layer_count; i++) {
        job->plan->layers[i].alone_divergence = effects[i].divergence;
        job->plan->layers[i].alone_top1_drop = effects[i].top1_drop;
    }
    free(effects);
    return status;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static enum fsn_status note_outputs(struct fsn__job *job, const struct fsn__output_probe *probe,
                                    bool start, struct fsn_error *err)
{
    const struct fsn__train_job train = fsn__training(job, NULL);
    struct fsn_plan *plan = job->plan;
    double *error = calloc(plan->layer_count + 1, sizeof *error);
    enum fsn_status status =
        error ? fsn__measure_outputs(&train, plan, probe, error, err) : FSN__NOMEM(err);

    for (size_t i = 0; status == FSN_OK && i < plan->layer_count; i++)
        *(start ? &plan->layers[i].start_output_error : &plan->layers[i].output_error) = error[i];
    free(error);
    return status;
}

/* A copy that can run by the statistics of batches: all filters are F's, nothing is dropped. */
static enum fsn_status copy_plain(const struct fsn__graph *graph, struct fsn__graph **out,
                                  struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_clone(graph, out, err);

    if (status == FSN_OK)
        status = fsn__fs_end_sharing(*out, err);
    return status == FSN_OK ? fsn__graph_drop_identity(*out, err) : status;
}

/* Fitted filters have no statistics yet, so both networks use those of each batch. */
enum fsn_status fsn__explain_start(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__graph *fitted = NULL, *baseline = NULL;
    enum fsn_status status = copy_plain(job->student.graph, &fitted, err);

    if (status == FSN_OK)
        status = copy_plain(job->prepared.graph, &baseline, err);
    if (status == FSN_OK) {
        const struct fsn__output_probe probe = {.reference = baseline,
                                                .network = fitted,
                                                .batch_statistics = true,
                                                .stage = FSN_STAGE_FIT,
                                                .fraction = job->quick};

        status = note_outputs(job, &probe, true, err);
    }
    fsn__graph_destroy(fitted);
    fsn__graph_destroy(baseline);
    return status;
}

/* The dense file has the filters of the small one, and its layers have their names. */
enum fsn_status fsn__explain_result(struct fsn__job *job, struct fsn_error *err)
{
    const struct fsn__output_probe probe = {.reference = job->teacher,
                                            .network = job->dense->graph,
                                            .stage = FSN_STAGE_VERIFY,
                                            .fraction = job->last + job->quick};

    return note_outputs(job, &probe, false, err);
}

/* ---- what to exclude first ------------------------------------------------------------------- */

/* Compressed and measured, and the first of the rows that read its weight. */
static bool is_candidate(const struct fsn_plan *plan, const int *weight, size_t row)
{
    const struct fsn_plan_layer *layer = &plan->layers[row];

    if (layer->layout == FSN_LAYOUT_DENSE || !isfinite(layer->alone_divergence))
        return false;
    for (size_t i = 0; i < row; i++)
        if (weight[i] == weight[row])
            return false;
    return true;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts value; 0 of none. */
static double median(double *value, size_t count)
{
    qsort(value, count, sizeof *value, by_size);
    return count > 0 ? (value[count / 2] + value[(count - 1) / 2]) / 2 : 0;
}

/* Puts a row in its place among those that cost most. */
static int insert(const struct fsn_plan *plan, size_t next, size_t *row, int count)
{
    const double cost = plan->layers[next].alone_divergence;
    int at = count < FSN__MAX_EXCLUSIONS ? count : FSN__MAX_EXCLUSIONS - 1;

    if (count == FSN__MAX_EXCLUSIONS && plan->layers[row[at]].alone_divergence >= cost)
        return count;
    for (; at > 0 && plan->layers[row[at - 1]].alone_divergence < cost; at--)
        row[at] = row[at - 1];
    row[at] = next;
    return count < FSN__MAX_EXCLUSIONS ? count + 1 : count;
}

/* Whether a layer costs enough alone to be worth naming. */
static bool costs_much(const struct fsn_plan_layer *layer, double median_cost)
{
    if (isnan(layer->alone_top1_drop))
        return layer->alone_divergence >= FAR_OVER * median_cost;
    return layer->alone_divergence >= OVER_MEDIAN * median_cost &&
           layer->alone_top1_drop >= LEAST_ALONE;
}

int fsn__choose_exclusions(const struct fsn_plan *plan, const int *weight,
                           size_t row[FSN__MAX_EXCLUSIONS])
{
    double *cost = calloc(plan->layer_count + 1, sizeof *cost), middle;
    size_t layers = 0;
    int count = 0;

    for (size_t i = 0; cost && i < plan->layer_count; i++)
        if (is_candidate(plan, weight, i))
            cost[layers++] = plan->layers[i].alone_divergence;
    if (!cost)
        return -1;
    middle = median(cost, layers);
    for (size_t i = 0; i < plan->layer_count; i++)
        if (is_candidate(plan, weight, i) && costs_much(&plan->layers[i], middle))
            count = insert(plan, i, row, count);
    free(cost);
    return count;
}

/* The size of the file with this weight as it was. */
static enum fsn_status measure_without(const struct fsn__job *job, int weight, int64_t *bytes,
                                       struct fsn_error *err)
{
    struct fsn_plan without;
    enum fsn_status status =
        fsn__fs_plan_part(job->prepared.graph, job->plan, weight, false, &without, err);

    if (status != FSN_OK)
        return status;
    status = fsn__plan_measure(job->prepared.graph, job->spec, &without, err);
    *bytes = without.expected_bytes;
    free(without.layers);
    return status;
}

/* A point of mAP or of mean IoU stands for the standard error of a share, which they have not. */
static bool drop_shows(const struct fsn__report *report)
{
    const double before = fsn__figure_of(report, &report->baseline);
    const double error = report->figures == FSN__TASK_DETECT || report->figures == FSN__TASK_SEGMENT
                             ? 1
                             : sqrt(before * (100 - before) / (double)report->baseline.eval.images);

    return !fsn__baseline_guesses(report) &&
           before - fsn__figure_of(report, &report->compressed) > fmax(SEEN_DROP, error);
}

enum fsn_status fsn__explain_exclusions(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report *report = &job->report;
    const struct fsn_plan *plan = job->plan;
    int *weight = calloc(plan->layer_count + 1, sizeof *weight);
    size_t row[FSN__MAX_EXCLUSIONS];
    enum fsn_status status = weight ? FSN_OK : FSN__NOMEM(err);
    int count = 0;

    for (size_t i = 0; weight && i < plan->layer_count; i++)
        weight[i] = fsn__fs_row_weight(job->prepared.graph, &plan->layers[i]);
    if (status == FSN_OK && drop_shows(report))
        count = fsn__choose_exclusions(plan, weight, row);
    if (count < 0)
        status = FSN__NOMEM(err);
    report->exclusion_count = 0;
    for (int i = 0; i < count && status == FSN_OK; i++) {
        int64_t bytes = 0;

        status = measure_without(job, weight[row[i]], &bytes, err);
        if (status == FSN_OK && bytes <= 2 * plan->expected_bytes)
            report->exclusions[report->exclusion_count++] =
                (struct fsn__exclusion){row[i], bytes - plan->expected_bytes};
    }
    free(weight);
    return status;
}
