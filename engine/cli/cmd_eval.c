/* cmd_eval.c - fsnet eval: how accurate a model is, by the figures of a classifier, of a detector
 * or of a network that segments. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

struct eval_run {
    const struct cli_args *args;
    const char *split_name;
    enum fsn_split split;
    struct fsn_model *model;
    struct fsn_dataset *data;
    struct cli_progress progress;
};

/* ---- classifiers ----------------------------------------------------------------------------- */

static int eval_classifier(struct eval_run *run)
{
    const struct cli_args *args = run->args;
    struct fsn_error err = {0};
    struct fsn_eval eval;
    enum fsn_status status;

    status = fsn_evaluate(run->model, run->data, run->split, &args->spec, cli_progress_step,
                          &run->progress, &eval, &err);
    cli_progress_end(&run->progress);
    if (status != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    if (args->json)
        return cli_print_json(
            args->command,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "model", args->operand[0], "split",
                      run->split_name, "top1", cli_json_number(eval.top1), "top5",
                      cli_json_number(eval.top5), "loss", cli_json_number(eval.loss), "images",
                      (json_int_t)eval.images, "seconds", cli_json_number(eval.seconds)));
    printf("top1 %.2f %%  top5 %.2f %%  loss %.4f  (%s %s images, %.1f s)\n", eval.top1, eval.top5,
           eval.loss, CLI_GROUPED(eval.images), run->split_name, eval.seconds);
    return CLI_OK;
}

/* ---- detectors ------------------------------------------------------------------------------- */

static const char *class_name(const struct fsn_dataset_info *info, int c, char text[32])
{
    if (info->class_names)
        return info->class_names[c];
    snprintf(text, 32, "%d", c);
    return text;
}
#define CLASS_NAME(info, c) class_name((info), (c), (char[32]){0})

static json_t *class_json(const char *name, const struct fsn_detection_class *row)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "class", name, "objects",
                     (json_int_t)row->objects, "difficult", (json_int_t)row->difficult,
                     "detections", (json_int_t)row->detections, "ap50", cli_json_number(row->ap50),
                     "ap07", cli_json_number(row->ap07), "coco_ap", cli_json_number(row->coco_ap),
                     "coco_ap50", cli_json_number(row->coco_ap50), "coco_ap75",
                     cli_json_number(row->coco_ap75));
}

static json_t *detector_json(const struct eval_run *run, const struct fsn_dataset_info *info,
                             const struct fsn_detection_eval *eval)
{
    json_t *classes = json_array();

    for (int c = 0; classes && c < eval->class_count; c++) {
        if (json_array_append_new(classes, class_json(CLASS_NAME(info, c), &eval->classes[c])) !=
            0) {
            json_decref(classes);
            classes = NULL;
        }
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "model",
                     run->args->operand[0], "split", run->split_name, "map50",
                     cli_json_number(eval->map50), "map07", cli_json_number(eval->map07), "coco_ap",
                     cli_json_number(eval->coco_ap), "coco_ap50", cli_json_number(eval->coco_ap50),
                     "coco_ap75", cli_json_number(eval->coco_ap75), "classes", classes, "images",
                     (json_int_t)eval->images, "objects", (json_int_t)eval->objects, "difficult",
                     (json_int_t)eval->difficult, "detections", (json_int_t)eval->detections,
                     "seconds", cli_json_number(eval->seconds));
}

static void print_detector(const struct eval_run *run, const struct fsn_dataset_info *info,
                           const struct fsn_detection_eval *eval)
{
    size_t width = 5;

    for (int c = 0; c < eval->class_count; c++)
        width = cli_wider(width, CLASS_NAME(info, c));
    printf("mAP@.5 %s  11 points %s  COCO AP %s  AP50 %s  AP75 %s  (%s %s images, %s objects, %s "
           "difficult, %.1f s)\n\n",
           CLI_PERCENT(eval->map50), CLI_PERCENT(eval->map07), CLI_PERCENT(eval->coco_ap),
           CLI_PERCENT(eval->coco_ap50), CLI_PERCENT(eval->coco_ap75), CLI_GROUPED(eval->images),
           run->split_name, CLI_GROUPED(eval->objects), CLI_GROUPED(eval->difficult),
           eval->seconds);
    printf("%-*s %9s %10s %10s %10s %10s %10s %10s\n", (int)width, "class", "objects", "detections",
           "AP@.5", "11 points", "COCO AP", "AP50", "AP75");
    for (int c = 0; c < eval->class_count; c++) {
        const struct fsn_detection_class *row = &eval->classes[c];

        printf("%-*s %9s %10s %10s %10s %10s %10s %10s\n", (int)width, CLASS_NAME(info, c),
               CLI_GROUPED(row->objects), CLI_GROUPED(row->detections), CLI_PERCENT(row->ap50),
               CLI_PERCENT(row->ap07), CLI_PERCENT(row->coco_ap), CLI_PERCENT(row->coco_ap50),
               CLI_PERCENT(row->coco_ap75));
    }
}

static int eval_detector(struct eval_run *run, const struct fsn_dataset_info *info)
{
    const struct cli_args *args = run->args;
    struct fsn_detection_eval eval;
    struct fsn_error err = {0};
    enum fsn_status status;
    int code = CLI_OK;

    status = fsn_evaluate_detector(run->model, run->data, run->split, &args->spec,
                                   cli_progress_step, &run->progress, &eval, &err);
    cli_progress_end(&run->progress);
    if (status != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    if (args->json)
        code = cli_print_json(args->command, detector_json(run, info, &eval));
    else
        print_detector(run, info, &eval);
    fsn_detection_eval_clear(&eval);
    return code;
}

/* ---- segmentation ---------------------------------------------------------------------------- */

/* Of a class that the network knows beyond the data set's there is no name. */
static const char *map_name(const struct fsn_dataset_info *info, int c, char text[32])
{
    if (c < info->classes)
        return class_name(info, c, text);
    snprintf(text, 32, "%d", c);
    return text;
}
#define MAP_NAME(info, c) map_name((info), (c), (char[32]){0})

static json_t *segmenter_json(const struct eval_run *run, const struct fsn_dataset_info *info,
                              const struct fsn_segmentation_eval *eval)
{
    json_t *classes = json_array();

    for (int c = 0; classes && c < eval->class_count; c++) {
        const struct fsn_segmentation_class *row = &eval->classes[c];

        if (json_array_append_new(
                classes, json_pack("{s:s, s:I, s:I, s:o}", "class", MAP_NAME(info, c), "pixels",
                                   (json_int_t)row->pixels, "predicted", (json_int_t)row->predicted,
                                   "iou", cli_json_number(row->iou))) != 0) {
            json_decref(classes);
            classes = NULL;
        }
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "model",
                     run->args->operand[0], "split", run->split_name, "miou",
                     cli_json_number(eval->miou), "pixel_accuracy",
                     cli_json_number(eval->pixel_accuracy), "classes", classes, "images",
                     (json_int_t)eval->images, "pixels", (json_int_t)eval->pixels, "void",
                     (json_int_t)eval->none, "seconds", cli_json_number(eval->seconds));
}

static void print_segmenter(const struct eval_run *run, const struct fsn_dataset_info *info,
                            const struct fsn_segmentation_eval *eval)
{
    size_t width = 5;

    for (int c = 0; c < eval->class_count; c++)
        width = cli_wider(width, MAP_NAME(info, c));
    printf("mIoU %s  pixel accuracy %s  (%s %s images, %s pixels with a class, %s without, "
           "%.1f s)\n\n",
           CLI_PERCENT(eval->miou), CLI_PERCENT(eval->pixel_accuracy), CLI_GROUPED(eval->images),
           run->split_name, CLI_GROUPED(eval->pixels), CLI_GROUPED(eval->none), eval->seconds);
    printf("%-*s %14s %14s %10s\n", (int)width, "class", "pixels", "predicted", "IoU");
    for (int c = 0; c < eval->class_count; c++) {
        const struct fsn_segmentation_class *row = &eval->classes[c];

        printf("%-*s %14s %14s %10s\n", (int)width, MAP_NAME(info, c), CLI_GROUPED(row->pixels),
               CLI_GROUPED(row->predicted), CLI_PERCENT(row->iou));
    }
}

static int eval_segmenter(struct eval_run *run, const struct fsn_dataset_info *info)
{
    const struct cli_args *args = run->args;
    struct fsn_segmentation_eval eval;
    struct fsn_error err = {0};
    enum fsn_status status;
    int code = CLI_OK;

    status = fsn_evaluate_segmenter(run->model, run->data, run->split, &args->spec,
                                    cli_progress_step, &run->progress, &eval, &err);
    cli_progress_end(&run->progress);
    if (status != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    if (args->json)
        code = cli_print_json(args->command, segmenter_json(run, info, &eval));
    else
        print_segmenter(run, info, &eval);
    fsn_segmentation_eval_clear(&eval);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------
 */

/* What would be left unheeded is refused; of a spec's file, what is for training may be there. */
static int check_settings(const struct cli_args *args, const struct fsn_dataset_info *info,
                          bool detect)
{
    const struct fsn_error none = {0};
    struct fsn_faults faults = {0};
    struct fsn_spec spec = args->spec;

    spec.task = detect ? FSN_TASK_DETECT : FSN_TASK_CLASSIFY;
    fsn_unused_settings(info, &spec, false, &faults);
    return faults.count > 0 ? cli_fail(args->command, &none, &faults) : CLI_OK;
}

static int run_eval(const struct cli_args *args)
{
    const char *task = args->text[CLI_OPT_TASK];
    struct eval_run run = {.args = args, .split_name = args->text[CLI_OPT_SPLIT]};
    struct fsn_dataset_info info;
    int code = CLI_FAILURE;
    bool guess, detect, segment;

    run.split = strcmp(run.split_name, "train") == 0 ? FSN_SPLIT_TRAIN : FSN_SPLIT_TEST;
    if (!cli_load_model(args, args->operand[0], &run.model) ||
        !cli_open_data(args, args->text[CLI_OPT_DATA], &run.data))
        goto out;
    fsn_dataset_info(run.data, &info);
    cli_tell_left_out(args->command, &info);
    guess = strcmp(task, "auto") == 0;
    detect = guess ? info.detection : strcmp(task, "detect") == 0;
    segment = guess ? info.segmentation : strcmp(task, "segment") == 0;
    code = check_settings(args, &info, detect);
    if (code != CLI_OK)
        goto out;
    cli_progress_begin(&run.progress);
    code = detect    ? eval_detector(&run, &info)
           : segment ? eval_segmenter(&run, &info)
                     : eval_classifier(&run);
out:
    fsn_dataset_destroy(run.data);
    fsn_model_destroy(run.model);
    return code;
}

const struct cli_command cli_eval = {
    .name = "eval",
    .summary = "Measure a model on a data set: accuracy and loss, average precision or mean IoU",
    .operands = "MODEL",
    .operand_count = 1,
    .required = {CLI_OPT_DATA},
    .options = {CLI_OPT_DATA,          CLI_OPT_FORMAT, CLI_OPT_SPLIT,     CLI_OPT_TASK,
                CLI_OPT_MEAN,          CLI_OPT_STD,    CLI_OPT_SCALE,     CLI_OPT_RESIZE,
                CLI_OPT_CROP,          CLI_OPT_OUTPUT, CLI_OPT_LOCATIONS, CLI_OPT_CONFIDENCES,
                CLI_OPT_DEFAULT_BOXES, CLI_OPT_SCORE,  CLI_OPT_IOU,       CLI_OPT_CANDIDATES,
                CLI_OPT_KEEP,          CLI_OPT_SPEC,   CLI_OPT_THREADS,   CLI_OPT_JSON},
    .run = run_eval,
};
