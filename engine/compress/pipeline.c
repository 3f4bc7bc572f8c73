/* pipeline.c - one compression job, stage by stage.
 *
 * load -> baseline evaluation -> plan -> fit -> fine-tune by distillation -> quantise -> export ->
 * verify (the files are read back from disk and evaluated) -> report. The server and the command
 * line both call fsn_compress and nothing else. */
#include "compress/activations.h"
#include "compress/compress.h"
#include "compress/int8.h"
#include "core/file.h"
#include "onnx/onnx.h"
#include "quant/quant.h"
#include "train/calibrate.h"
#include "train/classifier.h"
#include "train/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Everything a job holds; run_stages fills it, fsn_compress frees it. */
struct job {
    const struct fsn_job *order;
    const struct fsn_spec *spec;
    struct fsn__pool *pool;
    struct fsn_model *baseline;
    struct fsn_dataset *data;
    struct fsn_plan *plan;
    struct fsn__prepared prepared;
    struct fsn__graph *teacher;
    struct fsn_model student;
    struct fsn_model *small, *dense, *int8; /* read back */
    struct fsn__curve curve;
    struct fsn__report report;
    double quick; /* share of the job's work in one evaluation of the test split */
    double last;  /* where the work behind training begins */
    struct timespec start;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* Tells the caller where the job is; its answer may be to stop. */
static enum fsn_status enter(struct job *job, enum fsn_stage stage, double fraction,
                             struct fsn_error *err)
{
    struct fsn_progress progress = {
        .stage = stage,
        .fraction = fraction,
        .epochs = job->spec->finetune.epochs,
        .loss = NAN,
        .seconds_left = -1.0,
    };

    if (job->order->progress && !job->order->progress(&progress, job->order->user))
        return FSN__FAIL(err, FSN_CANCELLED, "cancelled in stage %s", fsn_stage_name(stage));
    return FSN_OK;
}

enum { PATH_BYTES = 4096 };

static enum fsn_status join_path(char path[PATH_BYTES], const char *folder, const char *name,
                                 struct fsn_error *err)
{
    if (snprintf(path, PATH_BYTES, "%s/%s", folder, name) >= PATH_BYTES)
        return FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", folder);
    return FSN_OK;
}

/* An evaluation runs the network forward once an image; a training step costs about five times that
 * (student forward, backward to data and to weights, teacher forward). */
static double evaluation_share(const struct job *job)
{
    double test = (double)job->report.data.images[FSN_SPLIT_TEST];
    double train = (double)job->report.data.images[FSN_SPLIT_TRAIN] * job->spec->finetune.epochs;

    return test / ((job->spec->files.int8 ? 3.0 : 2.0) * test + 5.0 * train);
}

static enum fsn_status load(struct job *job, struct fsn_error *err)
{
    struct fsn_faults *faults = NULL;
    enum fsn_status status = enter(job, FSN_STAGE_LOAD, 0.0, err);

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
    fsn_dataset_info(job->data, &job->report.data);
    faults = calloc(1, sizeof *faults);
    if (!faults)
        return FSN__NOMEM(err);
    fsn_data_fits(job->baseline, &job->report.data, job->spec, faults);
    if (faults->count > 0)
        status = FSN__FAIL(err, FSN_MISMATCH, "%s", faults->item[0].text);
    free(faults);
    job->quick = evaluation_share(job);
    job->last = 1.0 - (job->spec->files.int8 ? 2.0 : 1.0) * job->quick;
    return status;
}

static enum fsn_status evaluate(struct job *job, struct fsn_model *model, enum fsn_stage stage,
                                double from, struct fsn__report_side *side, struct fsn_error *err)
{
    side->size_bytes = model->file_bytes;
    side->macs = fsn__graph_macs(model->graph);
    return fsn__evaluate(model->graph, job->data, FSN_SPLIT_TEST, job->spec, job->pool, stage, from,
                         from + job->quick, job->order->progress, job->order->user, &side->eval,
                         err);
}

/* The teacher is the baseline as it runs at inference: no dropout, batch norm folded. */
static enum fsn_status make_teacher(struct job *job, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_clone(job->prepared.graph, &job->teacher, err);

    if (status == FSN_OK)
        status = fsn__graph_drop_identity(job->teacher, err);
    if (status == FSN_OK)
        status = fsn__graph_fold_bn(job->teacher, err);
    return status;
}

static struct fsn__train_job training(const struct job *job, struct fsn__graph *student)
{
    return (struct fsn__train_job){
        .student = student,
        .teacher = job->teacher,
        .data = job->data,
        .spec = job->spec,
        .pool = job->pool,
        .fraction_from = job->quick,
        .fraction_to = job->last,
        .progress = job->order->progress,
        .user = job->order->user,
    };
}

/* The network that is to be compressed: the baseline without what its exporter left behind, and
 * with batch norm put back where it was folded away. */
static enum fsn_status prepare(struct job *job, struct fsn_error *err)
{
    enum fsn_status status = fsn__prepare(job->baseline->graph, job->spec, job->report.data.classes,
                                          &job->prepared, err);

    if (status == FSN_OK)
        status = make_teacher(job, err);
    if (status == FSN_OK) {
        const struct fsn__train_job train = training(job, job->prepared.graph);

        status = fsn__calibrate(&train, &job->prepared.bare, err);
    }
    return status == FSN_OK ? fsn__graph_restore_bn(job->prepared.graph, &job->prepared.bare, err)
                            : status;
}

/* The plan; where there is training to follow, what each layer matters is measured, and may change
 * which layer gets how much. */
static enum fsn_status plan(struct job *job, struct fsn_error *err)
{
    const struct fsn__train_job train = training(job, job->prepared.graph);
    struct fsn__layer_effect *effects = NULL;
    struct fsn_plan *even = NULL;
    enum fsn_status status =
        fsn__plan_prepared(job->baseline, &job->prepared, job->spec, NULL, &even, NULL, err);

    if (status == FSN_OK && job->spec->finetune.epochs > 0) {
        status = fsn__measure_layers(&train, even, &effects, err);
        if (status == FSN_OK)
            status = fsn__plan_prepared(job->baseline, &job->prepared, job->spec, effects,
                                        &job->plan, NULL, err);
    } else if (status == FSN_OK) {
        job->plan = even;
        even = NULL;
    }
    fsn_plan_destroy(even);
    free(effects);
    return status;
}

static bool still_wanted(void *user, double done)
{
    struct job *job = user;

    (void)done;
    return enter(job, FSN_STAGE_FIT, job->quick, NULL) == FSN_OK;
}

static enum fsn_status convert(struct job *job, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    struct fsn__fs_options options = fsn__fs_options_of(spec);

    options.sharing = spec->finetune.epochs > 0 && spec->finetune.sharing > 0;
    options.go_on = still_wanted;
    options.user = job;
    return fsn__fs_convert(job->prepared.graph, job->plan, &options, &job->student.graph, err);
}

/* Writes what quantising the student as it is would cost into the rows of the layers: the first
 * time as the error of the start, and always as the error. */
static enum fsn_status note_quant_errors(struct job *job, const struct fsn__graph *student,
                                         struct fsn_error *err)
{
    double *errors = calloc((size_t)student->node_count + 1, sizeof *errors);
    int *rank = calloc((size_t)student->node_count + 1, sizeof *rank), summaries = 0;
    enum fsn_status status = errors && rank ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = fsn__quantize_errors(student, job->spec->quantize.range, errors, err);
    for (int i = 0; status == FSN_OK && i < student->node_count; i++)
        if (student->nodes[i].op == &fsn__op_filter_summary)
            rank[i] = summaries++;
    for (size_t i = 0; status == FSN_OK && i < job->plan->layer_count; i++) {
        struct fsn_plan_layer *layer = &job->plan->layers[i];
        int conv;

        if (layer->layout == FSN_LAYOUT_DENSE || layer->bits == 32)
            continue;
        conv = fsn__names_find(&student->node_names, layer->name);
        if (conv < 0) {
            status = FSN__FAIL(err, FSN_INTERNAL, "the student has lost layer '%s'", layer->name);
            break;
        }
        layer->quant_error = errors[rank[student->values[student->nodes[conv].in[1]].producer]];
        if (isnan(layer->start_quant_error))
            layer->start_quant_error = layer->quant_error;
    }
    free(rank);
    free(errors);
    return status;
}

static enum fsn_status fit(struct job *job, struct fsn_error *err)
{
    enum fsn_status status = enter(job, FSN_STAGE_PLAN, job->quick, err);

    if (status == FSN_OK)
        status = prepare(job, err);
    if (status == FSN_OK)
        status = plan(job, err);
    if (status == FSN_OK)
        status = enter(job, FSN_STAGE_FIT, job->quick, err);
    if (status == FSN_OK)
        status = convert(job, err);
    if (status == FSN_OK && job->spec->filter_summary.start == FSN_START_ACTIVATIONS) {
        const struct fsn__train_job train = training(job, job->student.graph);

        status = fsn__fit_activations(&train, job->prepared.graph, job->plan, err);
    }
    if (status == FSN_OK)
        status = note_quant_errors(job, job->student.graph, err);
    return status;
}

/* Without epochs, batch norm gets the statistics that go with the fitted filters, if it can: a
 * network that cannot be trained can still be fitted. */
static bool can_settle(const struct job *job)
{
    const struct fsn__graph *student = job->student.graph;
    bool *blocked = calloc((size_t)student->node_count + 1, sizeof *blocked);
    const bool can = blocked && job->report.data.images[FSN_SPLIT_TRAIN] > 0 &&
                     fsn__graph_find_blocked(student, -1, blocked) == 0;

    free(blocked);
    return can;
}

static enum fsn_status before_step(int64_t step, int64_t steps, void *arg, struct fsn_error *err)
{
    struct job *job = arg;
    const struct fsn_spec *spec = job->spec;
    const int64_t all = steps * spec->finetune.epochs;
    const int64_t first = all - (int64_t)ceil(fsn__aware_share(spec) * (double)all);
    const bool again = spec->quantize.step == FSN_STEP_FITTED && step % steps == 0;

    if (step < first || (step > first && !again))
        return FSN_OK;
    return fsn__aware_fit(job->student.graph, spec->quantize.range, err);
}

static enum fsn_status finetune(struct job *job, struct fsn_error *err)
{
    char checkpoint[PATH_BYTES];
    struct fsn__train_job train = training(job, job->student.graph);
    enum fsn_status status = enter(job, FSN_STAGE_FINETUNE, job->quick, err);

    if (status != FSN_OK || (job->spec->finetune.epochs == 0 && !can_settle(job)))
        return status;
    if (fsn__aware_share(job->spec) > 0 && job->spec->finetune.epochs > 0) {
        status = fsn__aware_insert(job->student.graph, job->spec->quantize.step == FSN_STEP_LEARNED,
                                   err);
        train.before_step = before_step;
        train.before_step_arg = job;
        train.judge_after = 1 - fsn__aware_share(job->spec);
    }
    if (status != FSN_OK)
        return status;
    train.share = fsn__fs_sharing(job->student.graph);
    if (job->order->checkpoint_dir) {
        status = join_path(checkpoint, job->order->checkpoint_dir, "train.checkpoint", err);
        train.checkpoint_path = checkpoint;
    }
    if (status == FSN_OK)
        status = fsn__train_run(&train, &job->curve, err);
    return status == FSN_OK ? fsn__fs_end_sharing(job->student.graph, err) : status;
}

static enum fsn_status quantize(struct job *job, struct fsn_error *err)
{
    struct fsn__graph *student = job->student.graph;
    enum fsn_status status = enter(job, FSN_STAGE_QUANTIZE, job->last, err);

    if (status == FSN_OK)
        status = note_quant_errors(job, student, err);
    return status == FSN_OK ? fsn__finish_graph(student, job->spec->quantize.range, err) : status;
}

/* One of the job's files, read back. */
static enum fsn_status export_one(struct job *job, const char *name, struct fsn_model **back,
                                  struct fsn_error *err)
{
    char path[PATH_BYTES];
    enum fsn_status status = join_path(path, job->order->out_dir, name, err);

    if (status == FSN_OK && back == &job->int8) {
        const struct fsn__train_job train = training(job, NULL);

        status = fsn__write_int8(&train, job->dense, path, err);
    } else if (status == FSN_OK) {
        status = fsn_model_save(&job->student, path,
                                back == &job->small ? FSN_EXPORT_SMALL : FSN_EXPORT_DENSE, err);
    }
    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, back, err);
    return status;
}

/* Largest difference of two models' logits on one batch of test images. */
static enum fsn_status compare_outputs(struct job *job, struct fsn_error *err)
{
    enum { BATCH = 64 };
    struct fsn_model *models[2] = {job->small, job->dense};
    struct fsn__classifier run[2] = {{0}, {0}};
    struct fsn__transform transform = {.preprocess = job->spec->preprocess};
    int64_t count = job->report.data.images[FSN_SPLIT_TEST], index[BATCH], n = 0;
    struct fsn__exec_options options = {.batch = count < BATCH ? count : BATCH, .pool = job->pool};
    int32_t labels[BATCH];
    enum fsn_status status = FSN_OK;
    double worst = 0.0;

    for (int64_t i = 0; i < BATCH; i++)
        index[i] = i;
    for (int i = 0; i < 2 && status == FSN_OK; i++) {
        status = fsn__classifier_create(models[i]->graph, "verification", job->data,
                                        job->spec->output, &options, &run[i], err);
        if (status == FSN_OK)
            status = fsn__view_aim(run[i].graph, &transform, err);
        if (status != FSN_OK)
            break;
        n = run[i].batch < options.batch ? run[i].batch : options.batch;
        status = fsn__load_batch(job->data, FSN_SPLIT_TEST, index, n, &transform, false, 0,
                                 job->pool, run[i].images, labels, err);
        if (status == FSN_OK)
            status = fsn__classifier_forward(&run[i], 0, err);
    }
    for (int64_t i = 0; status == FSN_OK && i < n * run[0].classes; i++)
        worst = fmax(worst, fabs((double)run[0].logits[i] - run[1].logits[i]));
    if (status == FSN_OK)
        job->report.dense_max_difference = worst;
    fsn__classifier_clear(&run[0]);
    fsn__classifier_clear(&run[1]);
    return status;
}

/* The numbers of the report come from the files that the user downloads. */
static enum fsn_status export_and_verify(struct job *job, struct fsn_error *err)
{
    struct fsn__report *report = &job->report;
    enum fsn_status status = enter(job, FSN_STAGE_EXPORT, job->last, err);

    if (status == FSN_OK)
        status = export_one(job, "model.onnx", &job->small, err);
    if (status == FSN_OK)
        status = export_one(job, "model-dense.onnx", &job->dense, err);
    if (status == FSN_OK)
        status = evaluate(job, job->small, FSN_STAGE_VERIFY, job->last, &report->compressed, err);
    if (status == FSN_OK)
        status = compare_outputs(job, err);
    if (status == FSN_OK)
        report->dense_bytes = job->dense->file_bytes;
    if (status == FSN_OK && job->spec->files.int8)
        status = export_one(job, "model-int8.onnx", &job->int8, err);
    if (status == FSN_OK && job->spec->files.int8)
        status = evaluate(job, job->int8, FSN_STAGE_VERIFY, 1.0 - job->quick, &report->int8, err);
    return status;
}

static enum fsn_status write_text(struct job *job, const char *name, const char *text,
                                  struct fsn_error *err)
{
    char path[PATH_BYTES];
    enum fsn_status status = join_path(path, job->order->out_dir, name, err);

    return status == FSN_OK ? fsn__file_write(path, text, strlen(text), err) : status;
}

static enum fsn_status write_report(struct job *job, struct fsn_error *err)
{
    struct fsn__report *report = &job->report;
    char *json = NULL, *csv = NULL;
    enum fsn_status status = enter(job, FSN_STAGE_REPORT, 1.0, err);

    report->spec = job->spec;
    report->plan = job->plan;
    report->curve = &job->curve;
    report->threads = fsn__pool_slices(job->pool);
    report->wall_seconds = seconds_since(&job->start);
    report->baseline.parameters = job->plan->parameters;
    report->baseline.effective_parameters = job->plan->parameters;
    report->compressed.parameters = job->plan->compressed_parameters;
    report->compressed.effective_parameters = job->plan->effective_parameters;
    fsn__judge_training(report);
    if (status == FSN_OK)
        status = fsn__curve_csv(&job->curve, &csv, err);
    if (status == FSN_OK)
        status = write_text(job, "training.csv", csv, err);
    if (status == FSN_OK)
        status = fsn__report_json(report, &json, err);
    if (status == FSN_OK)
        status = write_text(job, "report.json", json, err);
    free(json);
    free(csv);
    return status;
}

static enum fsn_status run_stages(struct job *job, struct fsn_error *err)
{
    enum fsn_status status = load(job, err);

    if (status == FSN_OK)
        status = enter(job, FSN_STAGE_BASELINE, 0.0, err);
    if (status == FSN_OK)
        status = evaluate(job, job->baseline, FSN_STAGE_BASELINE, 0.0, &job->report.baseline, err);
    if (status == FSN_OK) {
        fsn__judge_baseline(&job->report);
        status = fit(job, err);
    }
    if (status == FSN_OK)
        status = finetune(job, err);
    if (status == FSN_OK)
        status = quantize(job, err);
    if (status == FSN_OK)
        status = export_and_verify(job, err);
    if (status == FSN_OK)
        status = write_report(job, err);
    return status;
}

enum fsn_status fsn_compress(const struct fsn_job *order, const struct fsn_spec *spec,
                             struct fsn_error *err)
{
    struct job job = {.order = order, .spec = spec};
    enum fsn_status status;

    clock_gettime(CLOCK_MONOTONIC, &job.start);
    status = run_stages(&job, err);
    free(job.curve.rows);
    fsn_model_destroy(job.small);
    fsn_model_destroy(job.dense);
    fsn_model_destroy(job.int8);
    fsn__graph_destroy(job.student.graph);
    fsn__graph_destroy(job.teacher);
    fsn__prepared_clear(&job.prepared);
    fsn_plan_destroy(job.plan);
    fsn_dataset_destroy(job.data);
    fsn_model_destroy(job.baseline);
    fsn__pool_destroy(job.pool);
    return status;
}
