/* cmd_make.c - fsnet new, train and draw: what a baseline is made of. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- new ------------------------------------------------------------------------------------- */

static void print_architectures(void)
{
    printf("\narchitectures:\n");
    for (const char *const *name = fsn_arch_names(); *name; name++)
        printf("  %s\n", *name);
}

static int run_new(const struct cli_args *args)
{
    const struct fsn_arch_options options = {
        .classes = (int)args->number[CLI_OPT_CLASSES],
        .input_size = (int)args->number[CLI_OPT_INPUT_SIZE],
        .input_channels = (int)args->number[CLI_OPT_INPUT_CHANNELS],
        .growth = (int)args->number[CLI_OPT_GROWTH],
        .width = (int)args->number[CLI_OPT_WIDTH],
        .seed = args->spec.seed,
    };
    const char *path = args->text[CLI_OPT_OUT_MODEL];
    struct fsn_error err = {0};
    struct fsn_model *model = NULL;
    json_t *summary = NULL;
    char *json = NULL;
    int code = CLI_OK;

    if (fsn_arch_build(args->operand[0], &options, &model, &err) != FSN_OK ||
        fsn_model_save(model, path, FSN_EXPORT_DENSE, &err) != FSN_OK ||
        fsn_model_summary_json(model, &json, &err) != FSN_OK) {
        code = cli_fail(args->command, &err, NULL);
        goto out;
    }
    if (args->json) {
        printf("%s\n", json);
        goto out;
    }
    summary = json_loads(json, 0, NULL);
    printf("wrote %s: %s parameters, %s MACs\n", path,
           CLI_GROUPED(json_integer_value(json_object_get(summary, "parameters"))),
           CLI_GROUPED(json_integer_value(json_object_get(summary, "macs"))));
out:
    json_decref(summary);
    free(json);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_new = {
    .name = "new",
    .summary = "Build one of the paper's networks, a detector or a U-Net, with fresh weights",
    .operands = "ARCH",
    .operand_count = 1,
    .required = {CLI_OPT_OUT_MODEL},
    .options = {CLI_OPT_OUT_MODEL, CLI_OPT_CLASSES, CLI_OPT_INPUT_SIZE, CLI_OPT_INPUT_CHANNELS,
                CLI_OPT_GROWTH, CLI_OPT_WIDTH, CLI_OPT_SEED, CLI_OPT_JSON, CLI_OPT_THREADS},
    .more_help = print_architectures,
    .run = run_new,
};

/* ---- train ----------------------------------------------------------------------------------- */

/* What a model was trained for, and how good it is on the test images. */
struct trained {
    bool detector, segmenter;
    struct fsn_eval eval;
    struct fsn_detection_eval detection;       /* of a detector */
    struct fsn_segmentation_eval segmentation; /* of a segmenter */
};

static enum fsn_status evaluate(const struct cli_args *args, const struct fsn_model *model,
                                const struct fsn_dataset *data, struct cli_progress *progress,
                                struct trained *out, struct fsn_error *err)
{
    if (out->detector)
        return fsn_evaluate_detector(model, data, FSN_SPLIT_TEST, &args->spec, cli_progress_step,
                                     progress, &out->detection, err);
    if (out->segmenter)
        return fsn_evaluate_segmenter(model, data, FSN_SPLIT_TEST, &args->spec, cli_progress_step,
                                      progress, &out->segmentation, err);
    return fsn_evaluate(model, data, FSN_SPLIT_TEST, &args->spec, cli_progress_step, progress,
                        &out->eval, err);
}

static int show_trained(const struct cli_args *args, const struct trained *trained)
{
    const char *path = args->text[CLI_OPT_OUT_MODEL];
    const struct fsn_detection_eval *found = &trained->detection;
    const struct fsn_segmentation_eval *told = &trained->segmentation;
    const struct fsn_eval *eval = &trained->eval;

    if (args->json && trained->segmenter)
        return cli_print_json(args->command,
                              json_pack("{s:s, s:o, s:o, s:I}", "model", path, "miou",
                                        cli_json_number(told->miou), "pixel_accuracy",
                                        cli_json_number(told->pixel_accuracy), "images",
                                        (json_int_t)told->images));
    if (args->json && trained->detector)
        return cli_print_json(
            args->command,
            json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "model", path, "map50",
                      cli_json_number(found->map50), "map07", cli_json_number(found->map07),
                      "coco_ap", cli_json_number(found->coco_ap), "coco_ap50",
                      cli_json_number(found->coco_ap50), "coco_ap75",
                      cli_json_number(found->coco_ap75), "images", (json_int_t)found->images));
    if (args->json)
        return cli_print_json(args->command, json_pack("{s:s, s:o, s:o, s:o, s:I}", "model", path,
                                                       "top1", cli_json_number(eval->top1), "top5",
                                                       cli_json_number(eval->top5), "loss",
                                                       cli_json_number(eval->loss), "images",
                                                       (json_int_t)eval->images));
    if (trained->detector)
        printf("wrote %s: mAP@.5 %s, COCO AP %s on %s test images\n", path,
               CLI_PERCENT(found->map50), CLI_PERCENT(found->coco_ap), CLI_GROUPED(found->images));
    else if (trained->segmenter)
        printf("wrote %s: mIoU %s, pixel accuracy %s on %s test images\n", path,
               CLI_PERCENT(told->miou), CLI_PERCENT(told->pixel_accuracy),
               CLI_GROUPED(told->images));
    else
        printf("wrote %s: top1 %.2f %% on %s test images\n", path, eval->top1,
               CLI_GROUPED(eval->images));
    return CLI_OK;
}

/* Whether the data set can train the model, as far as can be said without beginning; what the
 * output of a network for masks must be is said as its training begins. */
static int check_fit(const struct cli_args *args, const struct fsn_model *model,
                     const struct fsn_dataset_info *info)
{
    struct fsn_error err = {0};
    struct fsn_faults faults = {0};
    struct fsn_spec spec = args->spec;

    spec.task = FSN_TASK_AUTO; /* by the data set */
    if (info->segmentation)
        fsn_unused_settings(info, &spec, true, &faults);
    else
        fsn_data_fits(model, info, &spec, &faults);
    if (faults.count > 0)
        return cli_fail(args->command, &err, &faults);
    if (info->segmentation && info->images[FSN_SPLIT_TEST] < 1) {
        cli_error(args->command, "the data set has no test images");
        return CLI_FAILURE;
    }
    return CLI_OK;
}

static int train(const struct cli_args *args, struct fsn_model *model,
                 const struct fsn_dataset *data)
{
    const char *path = args->text[CLI_OPT_OUT_MODEL];
    const char *checkpoint = args->text[CLI_OPT_CHECKPOINT_FILE];
    struct trained trained = {.detector = false};
    struct fsn_error err = {0};
    struct cli_progress progress;
    struct fsn_dataset_info info;
    enum fsn_status status;
    int code;

    fsn_dataset_info(data, &info);
    trained.detector = info.detection;
    trained.segmenter = info.segmentation;
    code = check_fit(args, model, &info);
    if (code != CLI_OK)
        return code;
    cli_tell_left_out(args->command, &info);
    cli_progress_begin(&progress);
    status = fsn_train(model, data, &args->spec, checkpoint, cli_progress_step, &progress, &err);
    if (status == FSN_OK)
        status = fsn_model_save(model, path, FSN_EXPORT_DENSE, &err);
    if (status == FSN_OK)
        status = evaluate(args, model, data, &progress, &trained, &err);
    cli_progress_end(&progress);
    if (status == FSN_CANCELLED && checkpoint) {
        cli_error(args->command, "cancelled; the same command continues from %s", checkpoint);
        return CLI_FAILURE;
    }
    if (status != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    code = show_trained(args, &trained);
    fsn_detection_eval_clear(&trained.detection);
    fsn_segmentation_eval_clear(&trained.segmentation);
    return code;
}

static int run_train(const struct cli_args *args)
{
    struct fsn_model *model = NULL;
    struct fsn_dataset *data = NULL;
    int code = CLI_FAILURE;

    if (cli_load_model(args, args->operand[0], &model) &&
        cli_open_data(args, args->text[CLI_OPT_DATA], &data))
        code = train(args, model, data);
    fsn_dataset_destroy(data);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_train = {
    .name = "train",
    .summary = "Train a model on labelled images, boxes or masks, from fresh weights or on",
    .operands = "MODEL",
    .operand_count = 1,
    .required = {CLI_OPT_DATA, CLI_OPT_OUT_MODEL},
    .options = {CLI_OPT_DATA,
                CLI_OPT_OUT_MODEL,
                CLI_OPT_FORMAT,
                CLI_OPT_EPOCHS,
                CLI_OPT_BATCH,
                CLI_OPT_LR,
                CLI_OPT_MOMENTUM,
                CLI_OPT_WEIGHT_DECAY,
                CLI_OPT_PRECISION,
                CLI_OPT_SCHEDULE,
                CLI_OPT_WARMUP_STEPS,
                CLI_OPT_MILESTONES,
                CLI_OPT_GAMMA,
                CLI_OPT_AUGMENT,
                CLI_OPT_CROP_PADDING,
                CLI_OPT_WEIGHT_DECAY_BN,
                CLI_OPT_CLIP_NORM,
                CLI_OPT_EMA,
                CLI_OPT_LABEL_SMOOTHING,
                CLI_OPT_MIXUP,
                CLI_OPT_CUTOUT_SIZE,
                CLI_OPT_HOLDOUT,
                CLI_OPT_PATIENCE,
                CLI_OPT_RECALIBRATE_BN,
                CLI_OPT_MEAN,
                CLI_OPT_STD,
                CLI_OPT_SCALE,
                CLI_OPT_RESIZE,
                CLI_OPT_CROP,
                CLI_OPT_OUTPUT,
                CLI_OPT_LOCATIONS,
                CLI_OPT_CONFIDENCES,
                CLI_OPT_DEFAULT_BOXES,
                CLI_OPT_SCORE,
                CLI_OPT_IOU,
                CLI_OPT_CANDIDATES,
                CLI_OPT_KEEP,
                CLI_OPT_SEED,
                CLI_OPT_THREADS,
                CLI_OPT_CHECKPOINT_FILE,
                CLI_OPT_SPEC,
                CLI_OPT_JSON},
    .run = run_train,
};

/* ---- draw ------------------------------------------------------------------------------------ */

static int run_draw(const struct cli_args *args)
{
    const char *path = args->text[CLI_OPT_OUT_DATA];
    int64_t train_images = (int64_t)args->number[CLI_OPT_TRAIN];
    int64_t test_images = (int64_t)args->number[CLI_OPT_TEST];
    struct fsn_error err = {0};
    const bool boxes = args->number[CLI_OPT_DETECTION] > 0, masks = args->number[CLI_OPT_MASKS] > 0;
    enum fsn_status status;

    if (boxes && masks) {
        cli_error(args->command, "--detection and --masks are two kinds of sets: give one of them");
        return CLI_USAGE;
    }
    status = (boxes   ? fsn_dataset_draw_boxes
              : masks ? fsn_dataset_draw_masks
                      : fsn_dataset_draw)(path, train_images, test_images, args->spec.seed, &err);
    if (status != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    if (args->json)
        return cli_print_json(args->command,
                              json_pack("{s:s, s:I, s:I}", "data", path, "train",
                                        (json_int_t)train_images, "test", (json_int_t)test_images));
    printf("wrote %s: %s training and %s test images\n", path, CLI_GROUPED(train_images),
           CLI_GROUPED(test_images));
    return CLI_OK;
}

const struct cli_command cli_draw = {
    .name = "draw",
    .summary = "Draw a small labelled data set of ten kinds of shapes (CIFAR-10 binary form)",
    .operands = "",
    .operand_count = 0,
    .required = {CLI_OPT_OUT_DATA},
    .options = {CLI_OPT_OUT_DATA, CLI_OPT_TRAIN, CLI_OPT_TEST, CLI_OPT_SEED, CLI_OPT_JSON,
                CLI_OPT_DETECTION, CLI_OPT_MASKS, CLI_OPT_THREADS},
    .run = run_draw,
};
