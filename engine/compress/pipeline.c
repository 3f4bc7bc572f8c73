/* pipeline.c - one compressed file, stage by stage.
 *
 * plan -> fit -> fine-tune by distillation -> quantise -> export -> verify (the files are read back
 * from disk and evaluated) -> report. What comes before, and what makes several files in one job,
 * is in job.c and search.c. */
#include "compress/activations.h"
#include "compress/explain.h"
#include "compress/detections_file.h"
#include "compress/int8.h"
#include "compress/outputs.h"
#include "compress/tail.h"
#include "core/clock.h"
#include "onnx/onnx.h"
#include "quant/quant.h"
#include "train/network.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The plan whose layers are measured one by one: the even one. Where few bits may take the place of
 * much sharing, layers will share less than in that, and a layer that is all but lost says little
 * of one that is not: then the ratio that the fewest bits leave them. */
static enum fsn_status plan_probe(const struct fsn__job *job, struct fsn_plan **out,
                                  struct fsn_error *err)
{
    struct fsn_spec spec = *job->spec;
    enum fsn_status status =
        fsn__plan_prepared(job->baseline, &job->prepared, &spec, NULL, out, NULL, err);
    double weights = 0, elements = 0;

    if (status != FSN_OK || !fsn__mixes_widths(&spec) || spec.finetune.epochs == 0)
        return status;
    for (size_t i = 0; i < (*out)->layer_count; i++) {
        const struct fsn_plan_layer *l = &(*out)->layers[i];

        if (l->layout == FSN_LAYOUT_DENSE)
            continue;
        weights += (double)(l->filters * l->channels * l->height * l->width);
        elements += (double)l->fs_size;
    }
    spec.filter_summary.ratio =
        fmax(2, weights / fmax(1, elements) * fsn__least_bits(&spec) / spec.quantize.bits);
    fsn_plan_destroy(*out);
    *out = NULL;
    memset(&spec.budget, 0, sizeof spec.budget);
    spec.filter_summary.ratio_1x1 = 0;
    return fsn__plan_prepared(job->baseline, &job->prepared, &spec, NULL, out, NULL, err);
}

/* The plan; where there is training to follow, what each layer matters is measured, and may change
 * which layer gets how much. */
static enum fsn_status plan(struct fsn__job *job, struct fsn_error *err)
{
    const struct fsn__train_job train = fsn__training(job, job->prepared.graph);
    struct fsn__layer_effect *effects = NULL;
    struct fsn_plan *even = NULL;
    enum fsn_status status = plan_probe(job, &even, err);

    if (status == FSN_OK && job->spec->finetune.epochs > 0) {
        status = fsn__measure_layers(&train, even, false, &effects,
                                     &job->report.baseline_train_top1, err);
        if (status == FSN_OK)
            status = fsn__plan_prepared(job->baseline, &job->prepared, job->spec, effects,
                                        &job->plan, NULL, err);
        if (status == FSN_OK)
            status = fsn__explain_alone(job, err);
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
    struct fsn__job *job = user;

    (void)done;
    return fsn__enter(job, FSN_STAGE_FIT, job->quick, NULL) == FSN_OK;
}

static enum fsn_status convert(struct fsn__job *job, struct fsn_error *err)
{
    const struct fsn_spec *spec = job->spec;
    struct fsn__fs_options options = fsn__fs_options_of(spec);

    options.sharing = spec->finetune.epochs > 0 && spec->finetune.sharing > 0;
    options.learn = true;
    options.go_on = still_wanted;
    options.user = job;
    return fsn__fs_convert(job->prepared.graph, job->plan, &options, &job->student.graph, err);
}

/* Writes what quantising the student as it is would cost into the rows of the layers: the first
 * time as the error of the start, and always as the error. */
static enum fsn_status note_quant_errors(struct fsn__job *job, const struct fsn__graph *student,
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

/* Without epochs, batch norm gets the statistics that go with the fitted filters, if it can: a
 * network that cannot be trained can still be fitted. */
static bool can_settle(const struct fsn__job *job)
{
    const struct fsn__graph *student = job->student.graph;
    bool *blocked = calloc((size_t)student->node_count + 1, sizeof *blocked);
    struct fsn__ends ends = {.count = 0};
    bool can;

    if (!job->prepared.has_head)
        fsn__prepared_ends(&job->prepared, student, &ends);
    can = blocked && job->report.data.images[FSN_SPLIT_TRAIN] > 0 &&
          fsn__graph_find_blocked(student, &ends, blocked) == 0;

    free(blocked);
    return can;
}

static enum fsn_status fit(struct fsn__job *job, struct fsn_error *err)
{
    enum fsn_status status = fsn__enter(job, FSN_STAGE_PLAN, job->quick, err);

    if (status == FSN_OK)
        status = plan(job, err);
    if (status == FSN_OK)
        status = fsn__enter(job, FSN_STAGE_FIT, job->quick, err);
    if (status == FSN_OK)
        status = convert(job, err);
    if (status == FSN_OK && job->spec->filter_summary.start == FSN_START_ACTIVATIONS) {
        const struct fsn__train_job train = fsn__training(job, job->student.graph);

        status = fsn__fit_activations(&train, job->prepared.graph, job->plan, err);
    }
    if (status == FSN_OK)
        status = note_quant_errors(job, job->student.graph, err);
    if (status == FSN_OK && job->spec->finetune.epochs > 0)
        status = fsn__explain_start(job, err);
    if (status == FSN_OK && (job->spec->finetune.epochs > 0 || can_settle(job)))
        status = fsn__outputs_measure_start(job, err);
    return status;
}

static enum fsn_status before_step(int64_t step, int64_t steps, void *arg, struct fsn_error *err)
{
    struct fsn__job *job = arg;
    const struct fsn_spec *spec = job->spec;
    const int64_t all = steps * spec->finetune.epochs;
    const int64_t aware = all - (int64_t)ceil(fsn__aware_share(spec) * (double)all);
    const int64_t whole =
        spec->filter_summary.layout == FSN_LAYOUT_LEARNED ? fsn__rounding_step(spec, all) : 0;
    const int64_t first = aware > whole ? aware : whole;
    const bool again = spec->quantize.step == FSN_STEP_FITTED && step % steps == 0;

    if (step < first || (step > first && !again))
        return FSN_OK;
    return fsn__aware_fit(job->student.graph, spec->quantize.range, err);
}

static enum fsn_status finetune(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__train_job train = fsn__training(job, job->student.graph);
    enum fsn_status status = fsn__enter(job, FSN_STAGE_FINETUNE, job->quick, err);

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
    if (job->spec->filter_summary.layout == FSN_LAYOUT_LEARNED)
        train.judge_after = fmax(train.judge_after, job->spec->finetune.rounding);
    train.share = fsn__fs_sharing(job->student.graph);
    train.checkpoint_path = job->checkpoint_path;
    train.logits_path = job->logits_path;
    train.logits_key = job->logits_key;
    status = fsn__train_run(&train, &job->curve, err);
    return status == FSN_OK ? fsn__fs_end_sharing(job->student.graph, err) : status;
}

static enum fsn_status quantize(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__graph *student = job->student.graph;
    enum fsn_status status = fsn__enter(job, FSN_STAGE_QUANTIZE, job->last, err);

    if (status == FSN_OK)
        status = fsn__fs_fix_locations(student, job->plan, err);
    if (status == FSN_OK)
        status = note_quant_errors(job, student, err);
    return status == FSN_OK ? fsn__finish_graph(student, job->spec, job->spec->quantize.range, err)
                            : status;
}

/* One of the job's files, read back. */
static enum fsn_status export_one(struct fsn__job *job, const char *name, struct fsn_model **back,
                                  struct fsn_error *err)
{
    char path[FSN__PATH_BYTES];
    enum fsn_status status = fsn__join_path(path, job->out_dir, name, err);

    if (status == FSN_OK && back == &job->int8) {
        const struct fsn__train_job train = fsn__training(job, NULL);

        status = fsn__write_int8(&train, job->dense, path, err);
    } else if (status == FSN_OK && back == &job->detections) {
        status = fsn__write_detections(job, path, err);
    } else if (status == FSN_OK) {
        status = fsn_model_save(&job->student, path,
                                back == &job->small ? FSN_EXPORT_SMALL : FSN_EXPORT_DENSE, err);
    }
    if (status == FSN_OK)
        status = fsn_model_load(path, NULL, back, err);
    return status;
}

/* Largest difference of two models' outputs on one batch of test images. */
static enum fsn_status compare_outputs(struct fsn__job *job, struct fsn_error *err)
{
    enum { BATCH = 64, FLOATS = 1 << 22 };
    struct fsn_model *models[2] = {job->small, job->dense};
    const struct fsn__graph *graph = job->small->graph;
    struct fsn__network run[2] = {{.batch = 0}, {.batch = 0}};
    struct fsn__transform transform = fsn__view_plain(job->data, job->spec);
    const int64_t count = job->report.data.images[FSN_SPLIT_TEST];
    const struct fsn__exec_options options = {
        .batch = fsn__view_batch(&graph->values[graph->inputs[0]].tensor,
                                 count < BATCH ? count : BATCH, FLOATS),
        .pool = job->pool};
    int64_t index[BATCH], n = 0;
    int32_t labels[BATCH];
    enum fsn_status status = FSN_OK;
    double worst = 0.0;

    for (int64_t i = 0; i < BATCH; i++)
        index[i] = i;
    for (int i = 0; i < 2 && status == FSN_OK; i++) {
        status = fsn__network_create(models[i]->graph, "verification", job->data, job->spec,
                                     &options, &run[i], err);
        if (status == FSN_OK)
            status = fsn__view_aim(run[i].graph, &transform, err);
        if (status != FSN_OK)
            break;
        n = run[i].batch < count ? run[i].batch : count;
        n = n < BATCH ? n : BATCH;
        status = fsn__load_batch(job->data, FSN_SPLIT_TEST, index, n, &transform, false, 0,
                                 job->pool, run[i].images, labels, err);
        if (status == FSN_OK)
            status = fsn__network_forward(&run[i], 0, err);
    }
    for (int o = 0; status == FSN_OK && o < run[0].count; o++)
        for (int64_t i = 0; i < n * run[0].floats[o]; i++)
            worst = fmax(worst, fabs((double)run[0].output[o][i] - run[1].output[o][i]));
    if (status == FSN_OK)
        job->report.dense_max_difference = worst;
    fsn__network_clear(&run[0]);
    fsn__network_clear(&run[1]);
    return status;
}

/* The numbers of the report come from the files that the user downloads. */
static enum fsn_status export_and_verify(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report *report = &job->report;
    enum fsn_status status = fsn__enter(job, FSN_STAGE_EXPORT, job->last, err);

    if (status == FSN_OK)
        status = export_one(job, "model.onnx", &job->small, err);
    if (status == FSN_OK)
        status = export_one(job, "model-dense.onnx", &job->dense, err);
    if (status == FSN_OK)
        status = fsn__measure_side(job, job->small, FSN_STAGE_VERIFY, job->last,
                                   &report->compressed, &job->small_seen, err);
    if (status == FSN_OK)
        status = compare_outputs(job, err);
    if (status == FSN_OK)
        status = fsn__tail_compare(job, err);
    if (status == FSN_OK)
        status = fsn__explain_result(job, err);
    if (status == FSN_OK)
        status = fsn__explain_exclusions(job, err);
    if (status == FSN_OK)
        report->dense_bytes = job->dense->file_bytes;
    if (status == FSN_OK && job->spec->files.int8)
        status = export_one(job, "model-int8.onnx", &job->int8, err);
    if (status == FSN_OK && job->spec->files.int8)
        status = fsn__measure_side(job, job->int8, FSN_STAGE_VERIFY, 1.0 - job->quick,
                                   &report->int8, NULL, err);
    if (status == FSN_OK && job->spec->files.detections)
        status = export_one(job, "model-detections.onnx", &job->detections, err);
    if (status == FSN_OK && job->spec->files.detections)
        status = fsn__compare_detections(job, err);
    return status == FSN_OK ? fsn__outputs_measure_files(job, err) : status;
}

static enum fsn_status write_report(struct fsn__job *job, struct fsn_error *err)
{
    struct fsn__report *report = &job->report;
    char *csv = NULL;
    enum fsn_status status = fsn__enter(job, FSN_STAGE_REPORT, 1.0, err);

    report->spec = job->spec;
    report->plan = job->plan;
    report->curve = &job->curve;
    report->outcomes = (struct fsn__outcomes){
        .classes = report->data.classes,
        .names = report->data.class_names,
        .images = report->baseline.eval.images,
        .labels = job->data->split[FSN_SPLIT_TEST].labels,
        .baseline = job->seen.choice,
        .compressed = job->small_seen.choice,
    };
    report->finds = (struct fsn__finds){job->data, &job->seen.found, &job->small_seen.found};
    report->threads = fsn__pool_slices(job->pool);
    report->wall_seconds = fsn__seconds() - job->start_seconds;
    report->baseline.parameters = job->plan->parameters;
    report->baseline.effective_parameters = job->plan->parameters;
    report->compressed.parameters = job->plan->compressed_parameters;
    report->compressed.effective_parameters = job->plan->effective_parameters;
    fsn__judge_training(report);
    if (status == FSN_OK)
        status = fsn__curve_csv(&job->curve, &csv, err);
    if (status == FSN_OK)
        status = fsn__write_text(job->out_dir, "training.csv", csv, err);
    if (status == FSN_OK)
        status = fsn__report_write(fsn__report_json(report), job->out_dir, err);
    free(csv);
    return status;
}

enum fsn_status fsn__make_file(struct fsn__job *job, struct fsn_error *err)
{
    enum fsn_status status = fit(job, err);

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

void fsn__clear_file(struct fsn__job *job)
{
    free(job->curve.rows);
    job->curve = (struct fsn__curve){0};
    fsn_model_destroy(job->small);
    fsn_model_destroy(job->dense);
    fsn_model_destroy(job->int8);
    fsn_model_destroy(job->detections);
    job->small = job->dense = job->int8 = job->detections = NULL;
    fsn__graph_destroy(job->student.graph);
    job->student = (struct fsn_model){0};
    fsn_plan_destroy(job->plan);
    job->plan = NULL;
    fsn_detection_eval_clear(&job->report.compressed.detection);
    fsn_detection_eval_clear(&job->report.int8.detection);
    fsn_segmentation_eval_clear(&job->report.compressed.segmentation);
    fsn_segmentation_eval_clear(&job->report.int8.segmentation);
}
