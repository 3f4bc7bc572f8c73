/*
 * outputs.c - how well a compressed network's outputs follow those of the network it was made from.
 *
 * Both networks see the test images. Of an output as its file has it, s the compressed one's and t
 * the baseline's, all values of all images together, the error is
 *
 *     |s - t| / |t - mean t|
 *
 * the mean being that of each value over the images: 0 for the baseline, 1 for a network that says
 * the same of all images, whatever the loss by which the output was trained.
 *
 * What training has to mend is seen by the same figure of the student as it was fitted, with the
 * statistics of batch norm that go with its filters.
 */
#include "compress/outputs.h"
#include "train/follow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__outputs_open(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report_outputs *outputs = &job->report.outputs;
    struct fsn__followed_list list;
    enum fsn_status status;

    if (job->report.task != FSN__TASK_DISTILL)
        return FSN_OK;
    status = fsn__followed_find(job->baseline->graph, "model", job->spec, &list, NULL, err);
    if (status != FSN_OK)
        return status;
    outputs->count = list.count;
    for (int i = 0; i < list.count; i++)
        outputs->item[i] = (struct fsn__report_output){.name = list.item[i].name,
                                                       .loss = list.item[i].loss,
                                                       .weight = list.item[i].weight,
                                                       .start_error = NAN,
                                                       .error = NAN,
                                                       .int8_error = NAN};
    return FSN_OK;
}

/* The job's spec with the report's outputs by name: a file in 8-bit integers has them too, though
 * no gradient comes back through its operators. Nothing in it is to be freed. */
static struct fsn_spec name_outputs(const struct fsn__job *job)
{
    const struct fsn__report_outputs *outputs = &job->report.outputs;
    struct fsn_spec spec = *job->spec;

    spec.distill_outputs.count = outputs->count;
    for (int i = 0; i < outputs->count; i++)
        spec.distill_outputs.item[i] =
            (struct fsn_distill_output){(char *)(uintptr_t)outputs->item[i].name,
                                        outputs->item[i].loss, outputs->item[i].weight};
    return spec;
}

/* error[i] of the report's output i on the listed test images (NULL: the first ones); NaN where the
 * baseline says the same of all images, infinite where the student's output is not finite. */
static enum fsn_status measure_images(const struct fsn__job *job, struct fsn__graph *student,
                                      const int64_t *list, int64_t images,
                                      const struct fsn__meter *meter,
                                      double error[FSN_MAX_DISTILL_OUTPUTS], struct fsn_error *err)
{
    const struct fsn__report_outputs *outputs = &job->report.outputs;
    const struct fsn_spec spec = name_outputs(job);
    const struct fsn__follow follow = {
        .teacher = job->baseline->graph,
        .student = student,
        .data = job->data,
        .split = FSN_SPLIT_TEST,
        .list = list,
        .images = images,
        .spec = &spec,
        .pool = job->pool,
        .meter = meter,
        .as_written = true,
    };
    struct fsn__following said;
    enum fsn_status status = fsn__follow_measure(&follow, &said, err);

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < outputs->count; i++) {
        error[i] = NAN;
        for (int j = 0; j < said.count; j++)
            if (strcmp(said.name[j], outputs->item[i].name) == 0 && said.spread[j] > 0)
                error[i] =
                    isfinite(said.distance[j]) ? sqrt(said.distance[j] / said.spread[j]) : INFINITY;
    }
    fsn__following_clear(&said);
    return FSN_OK;
}

static enum fsn_status measure(const struct fsn__job *job, struct fsn__graph *student,
                               enum fsn_stage stage, double fraction,
                               double error[FSN_MAX_DISTILL_OUTPUTS], struct fsn_error *err)
{
    const struct fsn__meter meter = {job->progress, job->user, stage, fraction, fraction, 0, 0};

    return measure_images(job, student, NULL, job->data->split[FSN_SPLIT_TEST].count, &meter, error,
                          err);
}

enum fsn_status fsn__outputs_mean_error(const struct fsn__job *job, struct fsn__graph *student,
                                        const int64_t *list, int64_t images,
                                        const struct fsn__meter *meter, double *out,
                                        struct fsn_error *err)
{
    const struct fsn__report_outputs *outputs = &job->report.outputs;
    double error[FSN_MAX_DISTILL_OUTPUTS], sum = 0, weights = 0;
    const enum fsn_status status = measure_images(job, student, list, images, meter, error, err);

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < outputs->count; i++)
        if (!isnan(error[i])) {
            sum += outputs->item[i].weight * error[i];
            weights += outputs->item[i].weight;
        }
    if (!(weights > 0))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "the baseline's outputs are the same for all of %lld test images: there "
                         "is nothing to judge files by",
                         (long long)images);
    *out = sum / weights;
    return FSN_OK;
}

/* A copy of the student whose filters are F's, with statistics of its own where it has any. */
static enum fsn_status settle(const struct fsn__job *job, struct fsn__graph **out,
                              struct fsn_error *err)
{
    struct fsn_spec none = *job->spec;
    struct fsn__curve curve = {0};
    struct fsn__train_job train;
    enum fsn_status status = fsn__graph_clone(job->student.graph, out, err);

    none.finetune.epochs = 0;
    none.finetune.holdout = none.finetune.ema = 0;
    train = fsn__training(job, *out);
    train.spec = &none;
    train.fraction_to = train.fraction_from;
    if (status == FSN_OK) {
        train.share = fsn__fs_sharing(*out);
        status = fsn__train_run(&train, &curve, err);
    }
    free(curve.rows);
    if (status == FSN_OK)
        status = fsn__fs_end_sharing(*out, err);
    return status == FSN_OK ? fsn__graph_drop_identity(*out, err) : status;
}

enum fsn_status fsn__outputs_measure_start(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report_outputs *outputs = &job->report.outputs;
    double error[FSN_MAX_DISTILL_OUTPUTS];
    struct fsn__graph *fitted = NULL;
    enum fsn_status status;

    if (job->report.task != FSN__TASK_DISTILL)
        return FSN_OK;
    status = settle(job, &fitted, err);
    if (status == FSN_OK)
        status = measure(job, fitted, FSN_STAGE_FIT, job->quick, error, err);
    for (int i = 0; status == FSN_OK && i < outputs->count; i++)
        outputs->item[i].start_error = error[i];
    fsn__graph_destroy(fitted);
    return status;
}

enum fsn_status fsn__outputs_measure_files(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report_outputs *outputs = &job->report.outputs;
    double error[FSN_MAX_DISTILL_OUTPUTS];
    enum fsn_status status;

    if (job->report.task != FSN__TASK_DISTILL)
        return FSN_OK;
    status = measure(job, job->small->graph, FSN_STAGE_VERIFY, job->last + job->quick, error, err);
    for (int i = 0; status == FSN_OK && i < outputs->count; i++)
        outputs->item[i].error = error[i];
    if (status == FSN_OK && job->int8)
        status = measure(job, job->int8->graph, FSN_STAGE_VERIFY, 1.0, error, err);
    for (int i = 0; status == FSN_OK && job->int8 && i < outputs->count; i++)
        outputs->item[i].int8_error = error[i];
    return status;
}

json_t *fsn__report_outputs_json(const struct fsn__report *report)
{
    const struct fsn__report_outputs *outputs = &report->outputs;
    json_t *array;

    if (report->task != FSN__TASK_DISTILL)
        return json_null();
    array = json_array();
    for (int i = 0; array && i < outputs->count; i++) {
        const struct fsn__report_output *output = &outputs->item[i];

        if (json_array_append_new(
                array, json_pack("{s:s, s:s, s:f, s:o, s:o, s:o}", "name", output->name, "loss",
                                 fsn_output_loss_name(output->loss), "weight", output->weight,
                                 "start_error", fsn__json_real(output->start_error), "error",
                                 fsn__json_real(output->error), "int8_error",
                                 fsn__json_real(output->int8_error))) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}
