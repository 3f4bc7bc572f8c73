/* cmd_inspect.c - fsnet inspect and fsnet check: what a model is, and whether it computes what it
 * should. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- inspect --------------------------------------------------------------------------------- */

static void print_values(const char *title, const json_t *values)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        json_t *value = json_array_get(values, i);
        char shape[CLI_TEXT_OF_SHAPE];
        const char *name = json_string_value(json_object_get(value, "name"));
        const char *type = json_string_value(json_object_get(value, "type"));

        cli_shape_text(json_object_get(value, "shape"), shape);
        printf("%-12s %s  %s %s\n", title, name ? name : "?", type ? type : "", shape);
    }
}

static void print_count(const char *title, const json_t *summary, const char *key)
{
    const json_t *value = json_object_get(summary, key);

    if (json_is_integer(value))
        printf("%-12s %s\n", title, CLI_GROUPED(json_integer_value(value)));
}

/* Of the widest name: exporters write whole paths. */
static int width_of_names(const json_t *layers)
{
    size_t width = CLI_NAME_WIDTH;

    for (size_t i = 0; i < json_array_size(layers); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(layers, i), "name"));

        width = cli_wider(width, name);
    }
    return (int)width;
}

static void print_layers(const json_t *layers)
{
    const int width = width_of_names(layers);

    printf("\n%-*s %-13s %-18s %-16s %12s %14s  %s\n", width, "layer", "operator", "weights",
           "output", "parameters", "MACs", "compressible");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        json_t *layer = json_array_get(layers, i);
        const char *name = json_string_value(json_object_get(layer, "name"));
        const char *op = json_string_value(json_object_get(layer, "op"));
        const char *reason = json_string_value(json_object_get(layer, "reason"));
        bool yes = json_is_true(json_object_get(layer, "compressible"));
        char weight[CLI_TEXT_OF_SHAPE], output[CLI_TEXT_OF_SHAPE];

        cli_shape_text(json_object_get(layer, "weight_shape"), weight);
        cli_shape_text(json_object_get(layer, "output_shape"), output);
        printf("%-*s %-13s %-18s %-16s %12s %14s  %s%s%s\n", width, name ? name : "?",
               op ? op : "?", weight, output,
               CLI_GROUPED(json_integer_value(json_object_get(layer, "parameters"))),
               CLI_GROUPED(json_integer_value(json_object_get(layer, "macs"))), yes ? "yes" : "no",
               reason ? ": " : "", reason ? reason : "");
    }
}

/* The nodes for which the network can only be measured. */
static void print_blocked(const json_t *nodes)
{
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);

        printf("%-12s weights cannot be trained through %s '%s', which has no gradient\n",
               i == 0 ? "training" : "", json_string_value(json_object_get(node, "op")),
               json_string_value(json_object_get(node, "name")));
    }
}

static void print_summary(const json_t *summary)
{
    const json_t *bytes = json_object_get(summary, "file_bytes");
    const char *key;
    json_t *count;

    print_values("input", json_object_get(summary, "inputs"));
    print_values("output", json_object_get(summary, "outputs"));
    printf("%-12s opset %lld, IR %lld, by %s\n", "ONNX",
           (long long)json_integer_value(json_object_get(summary, "opset")),
           (long long)json_integer_value(json_object_get(summary, "ir")),
           json_string_length(json_object_get(summary, "producer")) > 0
               ? json_string_value(json_object_get(summary, "producer"))
               : "an unnamed producer");
    if (json_integer_value(bytes) > 0)
        printf("%-12s %s\n", "file", CLI_BYTES(json_integer_value(bytes)));
    print_count("parameters", summary, "parameters");
    print_count("trainable", summary, "trainable_parameters");
    print_count("MACs", summary, "macs");
    printf("%-12s", "operators");
    json_object_foreach(json_object_get(summary, "operators"), key, count)
        printf(" %s %lld", key, (long long)json_integer_value(count));
    putchar('\n');
    print_blocked(json_object_get(summary, "blocks_training"));
    print_layers(json_object_get(summary, "layers"));
}

static int run_inspect(const struct cli_args *args)
{
    struct fsn_error err = {0};
    struct fsn_model *model = NULL;
    json_t *summary = NULL;
    char *json = NULL;
    enum fsn_status status;
    int code = CLI_OK;

    if (!cli_load_model(args, args->operand[0], &model))
        return CLI_FAILURE;
    if (args->kernels)
        status = fsn_model_kernels_json(
            model, strcmp(args->text[CLI_OPT_MODE], "training") == 0, args->spec.finetune.precision,
            args->spec.finetune.batch_size, args->spec.threads, &json, &err);
    else
        status = fsn_model_summary_json(model, &json, &err);
    if (status != FSN_OK) {
        code = cli_fail(args->command, &err, NULL);
        goto out;
    }
    if (args->json) {
        printf("%s\n", json);
        goto out;
    }
    summary = json_loads(json, 0, NULL);
    if (!summary) {
        cli_error(args->command, "out of memory");
        code = CLI_FAILURE;
        goto out;
    }
    if (args->kernels)
        cli_print_kernels(summary);
    else
        print_summary(summary);
out:
    json_decref(summary);
    free(json);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_inspect = {
    .name = "inspect",
    .summary = "Show a model: inputs, outputs, layers, parameters, MACs, what can be compressed",
    .operands = "MODEL",
    .operand_count = 1,
    .options = {CLI_OPT_KERNELS, CLI_OPT_MODE, CLI_OPT_BATCH, CLI_OPT_PRECISION, CLI_OPT_JSON,
                CLI_OPT_THREADS},
    .run = run_inspect,
};

/* ---- check ----------------------------------------------------------------------------------- */

static int run_check(const struct cli_args *args)
{
    struct fsn_error err = {0};
    struct fsn_check check = {0};
    int code = CLI_OK;

    if (fsn_model_check(args->operand[0], args->text[CLI_OPT_TEST_DATA], args->number[CLI_OPT_RTOL],
                        args->number[CLI_OPT_ATOL], &check, &err) != FSN_OK)
        return cli_fail(args->command, &err, NULL);
    if (args->json)
        code = cli_print_json(args->command,
                              json_pack("{s:i, s:I, s:o, s:o, s:b, s:s}", "cases", check.cases,
                                        "elements", (json_int_t)check.elements, "max_abs",
                                        cli_json_number(check.max_abs), "max_rel",
                                        cli_json_number(check.max_rel), "passed", check.passed,
                                        "worst", check.worst));
    else
        printf("%s: %d cases, %s values, largest error %.3g absolute, %.3g relative%s%s\n",
               check.passed ? "passed" : "FAILED", check.cases, CLI_GROUPED(check.elements),
               check.max_abs, check.max_rel, check.worst[0] ? "; worst at " : "", check.worst);
    if (code == CLI_OK && !check.passed)
        code = CLI_FAILURE;
    return code;
}

const struct cli_command cli_check = {
    .name = "check",
    .summary = "Compare a model's outputs with recorded ones (input_N.pb, output_N.pb)",
    .operands = "MODEL",
    .operand_count = 1,
    .required = {CLI_OPT_TEST_DATA},
    .options = {CLI_OPT_TEST_DATA, CLI_OPT_RTOL, CLI_OPT_ATOL, CLI_OPT_JSON, CLI_OPT_THREADS},
    .run = run_check,
};
