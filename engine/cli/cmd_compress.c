/* cmd_compress.c - fsnet compress: one whole job, and its report in short. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static double number_at(const json_t *report, const char *group, const char *key)
{
    return json_number_value(json_object_get(json_object_get(report, group), key));
}

static const char *text_at(const json_t *report, const char *group, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(report, group), key));

    return text ? text : "";
}

static void print_row(const json_t *report, const char *title, const char *key, bool whole)
{
    const char *groups[] = {"baseline", "compressed"};

    printf("%-22s", title);
    for (int i = 0; i < 2; i++) {
        const json_t *value = json_object_get(json_object_get(report, groups[i]), key);

        if (!json_is_number(value))
            printf(" %14s", "-");
        else if (whole)
            printf(" %14s", CLI_GROUPED(json_integer_value(value)));
        else
            printf(" %14.4g", json_number_value(value));
    }
    putchar('\n');
}

/* What a search has tried, and what the file that it chose loses where nothing was chosen. */
static void print_search(const json_t *search)
{
    const json_t *candidate, *unseen = json_object_get(search, "unseen");
    const json_int_t chosen = json_integer_value(json_object_get(search, "chosen"));
    size_t i;

    printf("\n%-22s %14s %14s\n", "candidate", "bytes", "drop, points");
    json_array_foreach(json_object_get(search, "candidates"), i, candidate)
    {
        const json_t *drop = json_object_get(candidate, "drop");

        printf("%-22zu %14s", i + 1,
               CLI_GROUPED(json_integer_value(json_object_get(candidate, "size_bytes"))));
        if (json_is_number(drop))
            printf(" %14.2f", json_number_value(drop));
        else
            printf(" %14s", "diverged");
        printf("%s%s\n", json_is_true(json_object_get(candidate, "pareto")) ? "  front" : "",
               (json_int_t)i == chosen ? "  chosen" : "");
    }
    printf("on %s test images without a part in the choice: drop %.2f +- %.2f points\n",
           CLI_GROUPED(json_integer_value(json_object_get(unseen, "images"))),
           json_number_value(json_object_get(unseen, "drop")),
           json_number_value(json_object_get(unseen, "drop_error")));
}

/* What to give --exclude first. */
static void print_exclusions(const json_t *exclusions)
{
    const json_t *layer;
    size_t i;

    if (json_array_size(exclusions) > 0)
        printf("\n%-22s %14s %14s\n", "to exclude first", "points alone", "bytes more");
    json_array_foreach(exclusions, i, layer)
    {
        printf("%-22s %14.2f %14s\n", json_string_value(json_object_get(layer, "name")),
               json_number_value(json_object_get(layer, "alone_top1_drop")),
               CLI_GROUPED(json_integer_value(json_object_get(layer, "added_bytes"))));
    }
}

static void print_report(const json_t *report, const char *folder)
{
    const json_t *warning, *int8 = json_object_get(report, "int8");
    size_t i;

    printf("%-22s %14s %14s\n", "", "baseline", "compressed");
    print_row(report, "top1 %", "top1", false);
    print_row(report, "top5 %", "top5", false);
    print_row(report, "loss", "loss", false);
    print_row(report, "bytes", "size_bytes", true);
    print_row(report, "parameters", "parameters", true);
    print_row(report, "effective parameters", "effective_parameters", true);
    print_row(report, "MACs", "macs", true);
    printf("\nsmaller by: file %.1f, parameters %.1f, effective parameters %.1f\n",
           number_at(report, "ratios", "disk"), number_at(report, "ratios", "parameters"),
           number_at(report, "ratios", "effective"));
    if (json_is_object(int8))
        printf("in 8-bit integers: top1 %.2f %%, file %lld bytes\n",
               json_number_value(json_object_get(int8, "top1")),
               (long long)json_integer_value(json_object_get(int8, "size_bytes")));
    if (json_is_object(json_object_get(report, "search")))
        print_search(json_object_get(report, "search"));
    print_exclusions(json_object_get(report, "exclude_first"));
    json_array_foreach(json_object_get(report, "warnings"), i, warning)
    {
        printf("warning: %s\n", json_string_value(warning));
    }
    printf("wrote %s/model.onnx, model-dense.onnx, %sreport.json, report.html, training.csv",
           folder, json_is_object(int8) ? "model-int8.onnx, " : "");
    if (strcmp(text_at(report, "search", "ended"), "sweep") == 0)
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
    print_report(report, folder);
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
