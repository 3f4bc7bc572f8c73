/* cmd_plan.c - fsnet plan: which layer would get which Filter Summary, without data. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

static void print_layer(const struct fsn_plan_layer *layer, int width)
{
    char filters[64], summary[64];

    snprintf(filters, sizeof filters, "%lldx%lldx%lldx%lld", (long long)layer->filters,
             (long long)layer->channels, (long long)layer->height, (long long)layer->width);
    if (layer->layout == FSN_LAYOUT_1D || layer->layout == FSN_LAYOUT_LEARNED)
        snprintf(summary, sizeof summary, "%lld", (long long)layer->fs_dim[0]);
    else if (layer->layout == FSN_LAYOUT_3D)
        snprintf(summary, sizeof summary, "%lldx%lldx%lld", (long long)layer->fs_dim[0],
                 (long long)layer->fs_dim[1], (long long)layer->fs_dim[2]);
    else
        snprintf(summary, sizeof summary, "dense");
    printf("%-*s %-16s %-16s %12s %7.2f %5d  %s\n", width, layer->name, filters, summary,
           CLI_GROUPED(layer->fs_size), layer->ratio, layer->bits, layer->note ? layer->note : "");
}

static void print_cut(const struct fsn_plan *plan)
{
    if (plan->cut_count == 0)
        return;
    printf("%-24s %14d nodes kept as they are, behind", "cut", plan->tail_nodes);
    for (size_t i = 0; i < plan->cut_count; i++)
        printf("%s %s", i > 0 ? "," : "", plan->cut[i]);
    printf("\n");
}

static void print_plan(const struct fsn_plan *plan, const struct fsn_spec *spec)
{
    size_t width = CLI_NAME_WIDTH;

    for (size_t i = 0; i < plan->layer_count; i++)
        width = cli_wider(width, plan->layers[i].name);
    printf("%-*s %-16s %-16s %12s %7s %5s  %s\n", (int)width, "layer", "filters", "summary",
           "values", "ratio", "bits", "note");
    for (size_t i = 0; i < plan->layer_count; i++)
        print_layer(&plan->layers[i], (int)width);
    if (spec->budget.distribution == FSN_DISTRIBUTION_SENSITIVITY)
        printf(
            "\nA job measures what each layer matters and shares the same size by it; the ratios "
            "above are even.\n");
    printf("\n%-24s %14s\n", "parameters", CLI_GROUPED(plan->parameters));
    printf("%-24s %14s\n", "compressed parameters", CLI_GROUPED(plan->compressed_parameters));
    printf("%-24s %14s\n", "effective parameters", CLI_GROUPED(plan->effective_parameters));
    printf("%-24s %14s\n", "MACs", CLI_GROUPED(plan->macs));
    printf("%-24s %14s bytes\n", "model.onnx, expected", CLI_GROUPED(plan->expected_bytes));
    printf("%-24s %14s\n", "output that is trained",
           plan->output          ? plan->output
           : plan->cut_count > 0 ? "values inside"
                                 : "none: no output gives one score a class");
    print_cut(plan);
    printf("%-24s %14d convolutions\n", "batch norm put back", plan->restored_bn);
    if (plan->baseline_bytes > 0)
        printf("%-24s %14s bytes, %.1f times as many\n", "baseline",
               CLI_GROUPED(plan->baseline_bytes),
               (double)plan->baseline_bytes / (double)plan->expected_bytes);
}

static int run_plan(const struct cli_args *args)
{
    struct fsn_error err = {0};
    struct fsn_faults faults = {0};
    struct fsn_model *model = NULL;
    struct fsn_plan *plan = NULL;
    char *json = NULL;
    int code = CLI_OK;

    if (!cli_load_model(args, args->operand[0], &model))
        return CLI_FAILURE;
    if (fsn_plan_create(model, &args->spec, &plan, &faults, &err) != FSN_OK) {
        code = cli_fail(args->command, &err, &faults);
        goto out;
    }
    if (!args->json) {
        print_plan(plan, &args->spec);
    } else if (fsn_plan_json(plan, &json, &err) == FSN_OK) {
        printf("%s\n", json);
    } else {
        code = cli_fail(args->command, &err, NULL);
    }
out:
    free(json);
    fsn_plan_destroy(plan);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_plan = {
    .name = "plan",
    .summary = "Show what a compression would give: a row per layer, parameters, bytes (no data)",
    .operands = "MODEL",
    .operand_count = 1,
    .options = {CLI_OPT_RATIO, CLI_OPT_RATIO_1X1, CLI_OPT_LAYOUT, CLI_OPT_SPACING, CLI_OPT_START,
                CLI_OPT_EXCLUDE, CLI_OPT_SIZE_BYTES, CLI_OPT_PARAMETERS, CLI_OPT_DISTRIBUTION,
                CLI_OPT_BITS, CLI_OPT_GRANULARITY, CLI_OPT_OUTPUT, CLI_OPT_LOCATIONS,
                CLI_OPT_CONFIDENCES, CLI_OPT_DISTILL_OUTPUTS, CLI_OPT_RESTORE_BN, CLI_OPT_SPEC,
                CLI_OPT_JSON, CLI_OPT_THREADS},
    .run = run_plan,
};
