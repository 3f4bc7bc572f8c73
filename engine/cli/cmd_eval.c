/* cmd_eval.c - fsnet eval: how accurate a model is. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static int run_eval(const struct cli_args *args)
{
    const char *split_name = args->text[CLI_OPT_SPLIT];
    enum fsn_split split = strcmp(split_name, "train") == 0 ? FSN_SPLIT_TRAIN : FSN_SPLIT_TEST;
    struct fsn_error err = {0};
    struct cli_progress progress;
    struct fsn_model *model = NULL;
    struct fsn_dataset *data = NULL;
    struct fsn_eval eval;
    int code = CLI_OK;

    if (!cli_load_model(args, args->operand[0], &model) ||
        !cli_open_data(args, args->text[CLI_OPT_DATA], &data)) {
        code = CLI_FAILURE;
        goto out;
    }
    cli_progress_begin(&progress);
    if (fsn_evaluate(model, data, split, &args->spec, cli_progress_step, &progress, &eval, &err) !=
        FSN_OK) {
        cli_progress_end(&progress);
        code = cli_fail(args->command, &err, NULL);
        goto out;
    }
    cli_progress_end(&progress);
    if (args->json)
        code = cli_print_json(
            args->command,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "model", args->operand[0], "split",
                      split_name, "top1", cli_json_number(eval.top1), "top5",
                      cli_json_number(eval.top5), "loss", cli_json_number(eval.loss), "images",
                      (json_int_t)eval.images, "seconds", cli_json_number(eval.seconds)));
    else
        printf("top1 %.2f %%  top5 %.2f %%  loss %.4f  (%s %s images, %.1f s)\n", eval.top1,
               eval.top5, eval.loss, CLI_GROUPED(eval.images), split_name, eval.seconds);
out:
    fsn_dataset_destroy(data);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_eval = {
    .name = "eval",
    .summary = "Measure a model's accuracy and loss on a data set",
    .operands = "MODEL",
    .operand_count = 1,
    .required = {CLI_OPT_DATA},
    .options = {CLI_OPT_DATA, CLI_OPT_FORMAT, CLI_OPT_SPLIT, CLI_OPT_MEAN, CLI_OPT_STD,
                CLI_OPT_SCALE, CLI_OPT_RESIZE, CLI_OPT_CROP, CLI_OPT_OUTPUT, CLI_OPT_SPEC,
                CLI_OPT_THREADS, CLI_OPT_JSON},
    .run = run_eval,
};
