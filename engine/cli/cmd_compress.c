/* cmd_compress.c - fsnet compress: one whole job. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static void print_files(const json_t *report, const char *folder)
{
    const char *ended =
        json_string_value(json_object_get(json_object_get(report, "search"), "ended"));

    printf("wrote %s/model.onnx, model-dense.onnx, %s%sreport.json, report.html, training.csv",
           folder, json_is_object(json_object_get(report, "int8")) ? "model-int8.onnx, " : "",
           json_is_object(json_object_get(report, "with_boxes")) ? "model-detections.onnx, " : "");
    if (ended && strcmp(ended, "sweep") == 0)
        printf(", candidate-1.onnx ...");
    putchar('\n');
}

static int show_report(const struct cli_args *args)
{
    const char *folder = args->text[CLI_OPT_OUT_FOLDER];
    char path[4096];
    json_error_t at;
    json_t *report;

    if (snprintf(path, sizeof path, "%s/report.json", folder) >= (int)sizeof path) {
        cli_error(args->command, "path too long: %.200s...", folder);
        return CLI_FAILURE;
    }
    report = json_load_file(path, 0, &at);
    if (!report) {
        cli_error(args->command, "%s: %s", path, at.text);
        return CLI_FAILURE;
    }
    if (args->json)
        return cli_print_json(args->command, report);
    cli_print_report(report);
    print_files(report, folder);
    json_decref(report);
    return CLI_OK;
}

static int run_compress(const struct cli_args *args)
{
    const char *checkpoint = args->text[CLI_OPT_CHECKPOINT_FOLDER];
    struct fsn_error err = {0};
    struct cli_progress progress;
    const struct fsn_job job = {
        .model_path = args->operand[0],
        .data_path = args->text[CLI_OPT_DATA],
        .data_format = args->text[CLI_OPT_FORMAT],
        .out_dir = args->text[CLI_OPT_OUT_FOLDER],
        .checkpoint_dir = checkpoint,
        .progress = cli_progress_step,
        .user = &progress,
    };
    enum fsn_status status;

    cli_progress_begin(&progress);
    status = fsn_compress(&job, &args->spec, &err);
    cli_progress_end(&progress);
    if (status == FSN_OK)
        return show_report(args);
    if (status != FSN_CANCELLED)
        return cli_fail(args->command, &err, NULL);
    if (checkpoint)
        cli_error(args->command, "cancelled; the same command continues from %s", checkpoint);
    else
        cli_error(args->command, "cancelled; nothing is kept without --checkpoint");
    return CLI_FAILURE;
}

const struct cli_command cli_compress = {
    .name = "compress",
    .summary = "Compress a trained model by Filter Summary and fine-tune it on its data",
    .operands = "MODEL",
    .operand_count = 1,
    .required = {CLI_OPT_DATA, CLI_OPT_OUT_FOLDER},
    .options = {CLI_OPT_DATA, CLI_OPT_OUT_FOLDER, CLI_OPT_FORMAT, CLI_OPT_CHECKPOINT_FOLDER,
                CLI_OPT_SPEC, CLI_OPT_JSON},
    .all_settings = true,
    .run = run_compress,
};
