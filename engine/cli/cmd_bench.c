/* cmd_bench.c - fsnet bench: how fast a model runs or trains, and where the time goes; with --ratio
 * that of the network with Filter Summaries in place of its filters. */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* The most memory that this process has held, everything included. */
static int64_t peak_rss_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

/* Planned memory, in units of what every plan needs. */
static double memory_over_bound(const struct fsn_bench *bench)
{
    return (double)bench->memory_bytes / (double)bench->memory_bound_bytes;
}

static json_t *phases_json(const struct fsn_bench *bench)
{
    json_t *object = json_object();

    for (int i = 0; i < FSN_BENCH_PHASE_COUNT; i++)
        if (json_object_set_new(object, fsn_bench_phase_name((enum fsn_bench_phase)i),
                                cli_json_number(bench->phase_ms[i])) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *operators_json(const struct fsn_bench *bench)
{
    json_t *array = json_array();

    for (int i = 0; i < bench->operator_count; i++) {
        const struct fsn_bench_operator *row = &bench->operators[i];

        if (json_array_append_new(array, json_pack("{s:s, s:i, s:o, s:o}", "name", row->name,
                                                   "nodes", row->nodes, "forward_ms",
                                                   cli_json_number(row->forward_ms), "backward_ms",
                                                   cli_json_number(row->backward_ms))) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *bench_json(const char *what, const struct fsn_bench *bench)
{
    return json_pack(
        "{s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:{s:o, s:o, s:o}}",
        "what", what, "batch_size", bench->batch, "threads", bench->threads, "steps", bench->steps,
        "images_per_second_median", cli_json_number(bench->images_per_second_median),
        "images_per_second_p10", cli_json_number(bench->images_per_second_p10), "ms_median",
        cli_json_number(bench->ms_median), "ms_p10", cli_json_number(bench->ms_p10), "cpu_ms_p10",
        cli_json_number(bench->cpu_ms_p10), "gflops", cli_json_number(bench->gflops),
        "memory_bytes", (json_int_t)bench->memory_bytes, "memory_bound_bytes",
        (json_int_t)bench->memory_bound_bytes, "memory_over_bound",
        cli_json_number(memory_over_bound(bench)), "peak_rss_bytes", (json_int_t)peak_rss_bytes(),
        "fastest_step", "ms", cli_json_number(bench->fastest_ms), "phases_ms", phases_json(bench),
        "operators", operators_json(bench));
}

static void print_bench(const char *what, const struct fsn_bench *bench)
{
    printf("%s, batch %d, %d thread%s: %.1f img/s median, %.1f in the fastest tenth, %.2f ms a "
           "step (%d steps)\n",
           what, bench->batch, bench->threads, bench->threads == 1 ? "" : "s",
           bench->images_per_second_median, bench->images_per_second_p10, bench->ms_median,
           bench->steps);
    printf("%.1f GFLOP/s; %s of memory planned, %.2f times the least that could do; the process "
           "held at most %s\n",
           bench->gflops, CLI_BYTES(bench->memory_bytes), memory_over_bound(bench),
           CLI_BYTES(peak_rss_bytes()));
    printf("\nthe fastest step, %.2f ms:", bench->fastest_ms);
    for (int i = 0; i < FSN_BENCH_PHASE_COUNT; i++)
        if (bench->phase_ms[i] > 0)
            printf("  %s %.2f", fsn_bench_phase_name((enum fsn_bench_phase)i), bench->phase_ms[i]);
    printf("\n\n%-24s %6s %12s %12s\n", "operator", "nodes", "forward ms", "backward ms");
    for (int i = 0; i < bench->operator_count; i++) {
        const struct fsn_bench_operator *row = &bench->operators[i];

        printf("%-24s %6d %12.2f %12.2f\n", row->name, row->nodes, row->forward_ms,
               row->backward_ms);
    }
}

/* Puts the network that fine-tuning would train in the model's place. */
static bool share_filters(const struct cli_args *args, struct fsn_model **model)
{
    struct fsn_faults faults = {0};
    struct fsn_error err = {0};
    struct fsn_model *student = NULL;

    if (fsn_student_create(*model, &args->spec, &student, &faults, &err) != FSN_OK) {
        (void)cli_fail(args->command, &err, &faults);
        return false;
    }
    fsn_model_destroy(*model);
    *model = student;
    return true;
}

static int run_bench(const struct cli_args *args)
{
    const char *what = args->operand[0], *teacher_path = args->text[CLI_OPT_TEACHER];
    struct fsn_bench_options options = {.training = strcmp(what, "train") == 0,
                                        .batch = args->spec.finetune.batch_size,
                                        .threads = args->spec.threads,
                                        .precision = args->spec.finetune.precision,
                                        .steps = (int)args->number[CLI_OPT_STEPS]};
    struct fsn_error err = {0};
    struct fsn_model *model = NULL, *teacher = NULL;
    struct fsn_bench bench;
    int code = CLI_OK;

    if (!options.training && strcmp(what, "infer") != 0) {
        cli_error(args->command, "what to time must be train or infer, got '%s'", what);
        return CLI_USAGE;
    }
    if (teacher_path && !options.training) {
        cli_error(args->command, "--teacher is for bench train");
        return CLI_USAGE;
    }
    if (!cli_load_model(args, args->operand[1], &model) ||
        (args->text[CLI_OPT_RATIO] && !share_filters(args, &model)) ||
        (teacher_path && !cli_load_model(args, teacher_path, &teacher))) {
        code = CLI_FAILURE;
        goto out;
    }
    options.teacher = teacher;
    if (fsn_bench_model(model, &options, &bench, &err) != FSN_OK)
        code = cli_fail(args->command, &err, NULL);
    else if (args->json)
        code = cli_print_json(args->command, bench_json(what, &bench));
    else
        print_bench(what, &bench);
out:
    fsn_model_destroy(teacher);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_bench = {
    .name = "bench",
    .summary = "Time steps of training or inference on random images",
    .operands = "train|infer MODEL",
    .operand_count = 2,
    .options = {CLI_OPT_BATCH, CLI_OPT_STEPS, CLI_OPT_TEACHER, CLI_OPT_RATIO, CLI_OPT_LAYOUT,
                CLI_OPT_PRECISION, CLI_OPT_THREADS, CLI_OPT_JSON},
    .run = run_bench,
};
