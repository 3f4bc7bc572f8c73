/* remote_submit.c - fsnet remote submit and again: an order, or what one changes of another's, out
 * of a file and the options of `fsnet compress`. */
#include "remote.h"

#include <stdlib.h>
#include <sys/random.h>

/* The whole order as text, or what it changes of the job that it is another of; new. NULL after
 * saying why not. */
static char *order_text(const struct cli_args *args, bool patch)
{
    json_t *order = args->order;
    char *text = NULL;

    if (!remote_put_text(args, CLI_OPT_MODEL_ID, "model_id", order) ||
        !remote_put_text(args, CLI_OPT_DATA_ID, "dataset_id", order) ||
        !remote_put_fields(args, patch, order))
        return NULL;
    text = json_dumps(order, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!text)
        cli_error(args->command, "out of memory");
    return text;
}

/* A header that makes an order that is sent again the same order. */
static bool new_key(char header[64])
{
    unsigned char bytes[16];
    int at;

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    at = snprintf(header, 64, "Idempotency-Key: ");
    for (size_t i = 0; i < sizeof bytes; i++)
        at += snprintf(header + at, 64 - (size_t)at, "%02x", bytes[i]);
    return true;
}

/* Sends the order, again if no answer came; what the server made of it, new. NULL after saying why
 * not. */
static json_t *send_order(const struct remote *remote, const char *path, const char *text, bool dry)
{
    char key[64];
    const struct remote_call call = {
        .method = "POST", .path = path, .body = text, .tries = REMOTE_TRIES, .headers = {key}};
    json_t *made = NULL;

    if (!new_key(key)) {
        cli_error(remote->args->command, "the system has no random numbers");
        return NULL;
    }
    made = remote_json(remote, &call);
    if (!made || (dry ? json_is_object(json_object_get(made, "plan")) : *remote_text(made, "id")))
        return made;
    remote_say_strange(remote, dry ? 200 : 201);
    json_decref(made);
    return NULL;
}

/* Of what a dry run answers. */
static void print_plan(const json_t *answer)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"parameters", "parameters"},
                {"compressed_parameters", "compressed parameters"},
                {"effective_parameters", "effective parameters"},
                {"macs", "MACs"},
                {"baseline_bytes", "baseline, bytes"},
                {"expected_bytes", "model.onnx, expected, bytes"}};
    const json_t *plan = json_object_get(answer, "plan");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *value = json_object_get(plan, rows[i].key);

        if (json_is_number(value))
            printf("%-28s %14s\n", rows[i].title, CLI_GROUPED(json_integer_value(value)));
    }
    printf("%-28s %14s\n", "output that is trained", remote_text(plan, "output"));
}

/* The id at once, for who waits too: the job is there. */
static int show_job(const struct remote *remote, json_t *job)
{
    const struct cli_args *args = remote->args;
    const bool waits = args->number[CLI_OPT_WAIT] != 0;
    int code = CLI_OK;

    if (!args->json) {
        printf("%s\n", remote_text(job, "id"));
        fflush(stdout);
    } else if (!waits) {
        code = cli_print_json(args->command, json_incref(job));
    }
    if (waits)
        code = remote_watch(remote, remote_text(job, "id"));
    json_decref(job);
    return code;
}

static bool is_dry(const struct cli_args *args)
{
    return args->number[CLI_OPT_DRY_RUN] != 0;
}

static int run_order(const struct cli_args *args, const char *path, bool patch)
{
    struct remote remote;
    char *text = order_text(args, patch);
    json_t *answer = NULL;
    int code = CLI_FAILURE;

    if (text && remote_begin(args, &remote)) {
        answer = send_order(&remote, path, text, is_dry(args));
        if (answer)
            code = is_dry(args) ? remote_tell(args, answer, print_plan) : show_job(&remote, answer);
        remote_end(&remote);
    }
    free(text);
    return code;
}

static int run_submit(const struct cli_args *args)
{
    return run_order(args, is_dry(args) ? "/v1/jobs?dry_run=true" : "/v1/jobs", false);
}

static int run_again(const struct cli_args *args)
{
    char path[REMOTE_PATH_SIZE];

    if (!remote_path(args->command, REMOTE_JOB, args->operand[0],
                     is_dry(args) ? "/duplicate?dry_run=true" : "/duplicate", path))
        return CLI_USAGE;
    return run_order(args, path, true);
}

#define ORDER_OPTIONS                                                                       \
    CLI_OPT_MODEL_ID, CLI_OPT_DATA_ID, REMOTE_FIELD_OPTIONS, CLI_OPT_SPEC, CLI_OPT_DRY_RUN, \
        CLI_OPT_WAIT, CLI_OPT_WAIT_FOR_SERVER, REMOTE_OPTIONS, CLI_OPT_JSON

const struct cli_command cli_remote_submit = {
    .name = "remote submit",
    .summary = "Order a compression; the job's id is printed",
    .operands = "",
    .options = {ORDER_OPTIONS},
    .all_settings = true,
    .orders = true,
    .run = run_submit,
};

const struct cli_command cli_remote_again = {
    .name = "remote again",
    .summary = "Order another job like one, changed by the options; its id is printed",
    .operands = "JOB",
    .operand_count = 1,
    .options = {ORDER_OPTIONS},
    .all_settings = true,
    .orders = true,
    .run = run_again,
};
