/* job.c - one compression job: what is had once, and then one file, or several.
 *
 * load -> baseline evaluation -> what the teacher and the student begin as. Then pipeline.c makes
 * the file, or search.c several of them, to keep one. The server and the command line both call
 * fsn_compress and nothing else. */
#include "compress/ends.h"
#include "compress/outputs.h"
#include "core/clock.h"
#include "core/file.h"
#include "train/calibrate.h"
#include "train/detector.h"
#include "train/segmenter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__enter(const struct fsn__job *job, enum fsn_stage stage, double fraction,
                           struct fsn_error *err)
{
    struct fsn_progress progress = {
        .stage = stage,
        .fraction = fraction,
        .epochs = job->spec->finetune.epochs,
        .loss = NAN,
        .seconds_left = -1.0,
    };

    if (job->progress && !job->progress(&progress, job->user))
        return FSN__FAIL(err, FSN_CANCELLED, "cancelled in stage %s", fsn_stage_name(stage));
    return FSN_OK;
}

enum fsn_status fsn__write_text(const char *folder, const char *name, const char *text,
                                struct fsn_error *err)
{
    char path[FSN__PATH_BYTES];
    enum fsn_status status = fsn__join_path(path, folder, name, err);

    return status == FSN_OK ? fsn__file_write(path, text, strlen(text), err) : status;
}

/* An evaluation runs the network forward once an image; a training step costs about five times that
 * (student forward, backward to data and to weights, teacher forward). */
static double evaluation_share(const struct fsn__job *job)
{
    double test = (double)job->report.data.images[FSN_SPLIT_TEST];
    double train = (double)job->report.data.images[FSN_SPLIT_TRAIN] * job->spec->finetune.epochs;

    return test / ((job->spec->files.int8 ? 3.0 : 2.0) * test + 5.0 * train);
}

/* By whose figures the networks can be measured. Where outputs are distilled, the data set may
 * still have labels that fit them. */
static enum fsn__task figures_of(const struct fsn__job *job)
{
    const struct fsn_dataset_info *data = &job->report.data;
    const struct fsn__graph *graph = job->baseline->graph;
    struct fsn__detector_head detector = {0};
    struct fsn__class_map map;
    struct fsn__head head;
    enum fsn__task figures = FSN__TASK_DISTILL;
    struct fsn__ends ends;

    if (job->report.task != FSN__TASK_DISTILL)
        return job->report.task;
    if (data->detection && graph->input_count == 1 &&
        fsn__detector_head_find(graph, "model", data->classes, job->spec, &detector, NULL) ==
            FSN_OK) {
        ends = (struct fsn__ends){2, {detector.ends[0], detector.ends[1]}};
        if (fsn__ends_are_outputs(graph, &ends)) /* others may not be there in the files */
            figures = FSN__TASK_DETECT;
    } else if (data->segmentation && fsn__class_map_find(graph, "model", data->classes, job->spec,
                                                         &map, NULL) == FSN_OK) {
        figures = FSN__TASK_SEGMENT;
    }
    if (!data->detection && !data->segmentation && data->classes > 0 &&
        fsn__graph_find_head(graph, NULL, data->classes, &head, NULL) == FSN_OK &&
        head.classes == data->classes)
        figures = FSN__TASK_CLASSIFY;
    fsn__detector_head_clear(&detector);
    return figures;
}

/* What the spec leaves unnamed and the upload has is called by its name from here on. In the files
 * it is then found whatever stands around it, and whether or not a gradient comes back to it. */
static enum fsn_status name_ends(struct fsn__job *job, struct fsn_error *err)
{
    const struct fsn__graph *graph = job->baseline->graph;
    const enum fsn__task task = job->report.task;
    const bool distill = task == FSN__TASK_DISTILL;
    struct fsn_spec *named = &job->named;
    struct fsn__ends ends;
    enum fsn_status status =
        fsn__find_ends(graph, task, job->report.data.classes, job->spec, &ends, NULL, err);

    if (status != FSN_OK || task == FSN__TASK_CLASSIFY)
        return status;
    if (distill && named->distill_outputs.count == 0) {
        for (int i = 0; i < ends.count; i++)
            named->distill_outputs.item[i] = (struct fsn_distill_output){
                (char *)(uintptr_t)graph->values[ends.value[i]].name, FSN_OUTPUT_AUTO, 1};
        named->distill_outputs.count = ends.count;
    } else if (!distill && !fsn__ends_are_outputs(graph, &ends)) {
        named->detection.locations = (char *)(uintptr_t)graph->values[ends.value[0]].name;
        named->detection.confidences = (char *)(uintptr_t)graph->values[ends.value[1]].name;
    }
    return FSN_OK;
}

static enum fsn_status load(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn_faults *faults = NULL;
    enum fsn_status status = fsn__enter(job, FSN_STAGE_LOAD, 0.0, err);

    if (status == FSN_OK)
        status = fsn__make_folders(job->order->out_dir, err);
    if (status == FSN_OK && job->order->checkpoint_dir)
        status = fsn__make_folders(job->order->checkpoint_dir, err);
    if (status == FSN_OK)
        status = fsn__pool_create(job->spec->threads, &job->pool, err);
    if (status == FSN_OK)
        status = fsn_model_load(job->order->model_path, NULL, &job->baseline, err);
    if (status == FSN_OK)
        status =
            fsn_dataset_open(job->order->data_path, job->order->data_format, NULL, &job->data, err);
    if (status != FSN_OK)
        return status;
    job->named = *job->spec;
    job->spec = &job->named;
    fsn__detector_bind_boxes(job->baseline, &job->named.detection.default_boxes);
    fsn_dataset_info(job->data, &job->report.data);
    job->report.task = fsn__task_of(job->data, job->spec);
    job->report.figures = figures_of(job);
    faults = calloc(1, sizeof *faults);
    if (!faults)
        return FSN__NOMEM(err);
    fsn_data_fits(job->baseline, &job->report.data, job->spec, faults);
    if (faults->count > 0)
        status = FSN__FAIL(err, FSN_MISMATCH, "%s", faults->item[0].text);
    free(faults);
    if (status == FSN_OK)
        status = name_ends(job, err);
    if (status == FSN_OK)
        status = fsn__outputs_open(job, err);
    job->quick = evaluation_share(job);
    job->last = 1.0 - (job->spec->files.int8 ? 2.0 : 1.0) * job->quick;
    return status;
}

enum fsn_status fsn__measure_side(struct fsn__job *job, struct fsn_model *model,
                                  enum fsn_stage stage, double from, struct fsn__report_side *side,
                                  struct fsn__seen *seen, struct fsn_error *err)
{
    const int64_t images = job->data->split[FSN_SPLIT_TEST].count;
    const struct fsn__meter meter = {job->progress,     job->user, stage, from,
                                     from + job->quick, 0,         0};

    side->size_bytes = model->file_bytes;
    side->macs = fsn__graph_macs(model->graph);
    if (job->report.figures == FSN__TASK_CLASSIFY)
        return fsn__evaluate_images(model->graph, job->data, FSN_SPLIT_TEST, NULL, images,
                                    job->spec, job->pool, &meter, seen ? seen->choice : NULL,
                                    &side->eval, err);
    side->eval = (struct fsn_eval){.top1 = NAN, .top5 = NAN, .loss = NAN, .images = images};
    if (job->report.figures == FSN__TASK_DISTILL)
        return FSN_OK; /* by its outputs alone (outputs.c) */
    if (job->report.figures == FSN__TASK_SEGMENT) {
        fsn_segmentation_eval_clear(&side->segmentation);
        return fsn__evaluate_segmenter(model->graph, job->data, FSN_SPLIT_TEST, job->spec,
                                       job->pool, &meter, &side->segmentation, err);
    }
    fsn_detection_eval_clear(&side->detection);
    return fsn__evaluate_detector_images(model->graph, job->data, FSN_SPLIT_TEST, NULL, images,
                                         job->spec, job->pool, &meter, seen ? &seen->found : NULL,
                                         &side->detection, err);
}

/* The teacher is the baseline as it runs at inference: no dropout, batch norm folded. */
static enum fsn_status make_teacher(struct fsn__job *job, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_clone(job->prepared.graph, &job->teacher, err);

    if (status == FSN_OK)
        status = fsn__graph_drop_identity(job->teacher, err);
    if (status == FSN_OK)
        status = fsn__graph_fold_bn(job->teacher, err);
    return status;
}

struct fsn__train_job fsn__training(const struct fsn__job *job, struct fsn__graph *student)
{
    return (struct fsn__train_job){
        .student = student,
        .teacher = job->teacher,
        .data = job->data,
        .spec = job->spec,
        .pool = job->pool,
        .fraction_from = job->quick,
        .fraction_to = job->last,
        .progress = job->progress,
        .user = job->user,
    };
}

/* The network that is to be compressed: the baseline without what its exporter left behind, and
 * with batch norm put back where it was folded away. */
static enum fsn_status prepare(struct fsn__job *job, struct fsn_error *err)
{
    const int64_t classes =
        job->report.task == FSN__TASK_CLASSIFY ? job->report.data.classes : FSN__NO_HEAD;
    struct fsn__ends ends;
    enum fsn_status status = fsn__find_ends(job->baseline->graph, job->report.task,
                                            job->report.data.classes, job->spec, &ends, NULL, err);

    if (status == FSN_OK)
        status = fsn__prepare(job->baseline->graph, job->spec, classes, &ends, &job->prepared, err);
    if (status == FSN_OK)
        status = make_teacher(job, err);
    if (status == FSN_OK) {
        const struct fsn__train_job train = fsn__training(job, job->prepared.graph);

        status = fsn__calibrate(&train, &job->prepared.bare, err);
    }
    return status == FSN_OK ? fsn__graph_restore_bn(job->prepared.graph, &job->prepared.bare, err)
                            : status;
}

/* Whether the job makes several files, to find one or as it is told. */
static bool searches(const struct fsn_spec *spec)
{
    return spec->budget.max_accuracy_drop > 0 || fsn__sweep_count(spec) > 0;
}

static enum fsn_status make_one(struct fsn__job *job, struct fsn_error *err)
{
    char checkpoint[FSN__PATH_BYTES];
    enum fsn_status status = FSN_OK;

    job->out_dir = job->order->out_dir;
    if (job->order->checkpoint_dir) {
        status = fsn__join_path(checkpoint, job->order->checkpoint_dir, "train.checkpoint", err);
        job->checkpoint_path = checkpoint;
    }
    if (status == FSN_OK)
        status = fsn__make_file(job, err);
    job->checkpoint_path = NULL;
    return status;
}

static enum fsn_status run(struct fsn__job *job, struct fsn_error *err)
{
    enum fsn_status status = load(job, err);

    if (status == FSN_OK) {
        const size_t images = (size_t)job->data->split[FSN_SPLIT_TEST].count;

        job->seen.choice = calloc(images, sizeof *job->seen.choice);
        job->small_seen.choice = calloc(images, sizeof *job->small_seen.choice);
        status = job->seen.choice && job->small_seen.choice ? FSN_OK : FSN__NOMEM(err);
    }
    if (status == FSN_OK)
        status = fsn__enter(job, FSN_STAGE_BASELINE, 0.0, err);
    if (status == FSN_OK)
        status = fsn__measure_side(job, job->baseline, FSN_STAGE_BASELINE, 0.0,
                                   &job->report.baseline, &job->seen, err);
    if (status == FSN_OK) {
        fsn__judge_baseline(&job->report);
        status = fsn__enter(job, FSN_STAGE_PLAN, job->quick, err);
    }
    if (status == FSN_OK)
        status = prepare(job, err);
    if (status != FSN_OK)
        return status;
    return searches(job->spec) ? fsn__search(job, err) : make_one(job, err);
}

static void clear_seen(struct fsn__seen *seen)
{
    free(seen->choice);
    fsn__findings_clear(&seen->found);
}

enum fsn_status fsn_compress(const struct fsn_job *order, const struct fsn_spec *spec,
                             struct fsn_error *err)
{
    struct fsn__job job = {.order = order,
                           .progress = order->progress,
                           .user = order->user,
                           .spec = spec,
                           .report = {.spec = spec, .baseline_train_top1 = NAN},
                           .start_seconds = fsn__seconds()};
    const enum fsn_status status = run(&job, err);

    fsn__clear_file(&job);
    clear_seen(&job.seen);
    clear_seen(&job.small_seen);
    fsn_detection_eval_clear(&job.report.baseline.detection);
    fsn_segmentation_eval_clear(&job.report.baseline.segmentation);
    fsn__graph_destroy(job.teacher);
    fsn__prepared_clear(&job.prepared);
    fsn_dataset_destroy(job.data);
    fsn_model_destroy(job.baseline);
    fsn__pool_destroy(job.pool);
    return status;
}
