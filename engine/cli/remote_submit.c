/* remote_submit.c - fsnet remote submit: an order out of a file and the options of `fsnet
 * compress`. */
#include "remote.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRIES = 3 };

static bool put_text(json_t *order, const char *key, const char *text)
{
    return !text || json_object_set_new(order, key, json_string(text)) == 0;
}

/* The whole order as text, new; NULL: no memory. */
static char *order_text(const struct cli_args *args)
{
    json_t *order = args->order;

    if (!put_text(order, "model_id", args->text[CLI_OPT_MODEL_ID]) ||
        !put_text(order, "dataset_id", args->text[CLI_OPT_DATA_ID]) ||
        !put_text(order, "name", args->text[CLI_OPT_NAME]))
        return NULL;
    return json_dumps(order, JSON_COMPACT | JSON_REAL_PRECISION(17));
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
static json_t *send_order(const struct remote *remote, const char *text, bool dry)
{
    const struct cli_command *command = remote->args->command;
    struct remote_answer answer = {0};
    enum remote_result result = REMOTE_IMPOSSIBLE;
    char key[64];
    struct remote_call call = {.method = "POST",
                               .path = dry ? "/v1/jobs?dry_run=true" : "/v1/jobs",
                               .body = text,
                               .headers = {key}};
    json_t *made = NULL;

    if (!new_key(key)) {
        cli_error(command, "the system has no random numbers");
        return NULL;
    }
    for (int i = 1;; i++) {
        result = remote_http_call(remote->http, &call, &answer);
        if (i == TRIES || !remote_may_retry(result, &answer))
            break;
        remote_answer_clear(&answer);
        remote_pause(i);
    }
    if (result == REMOTE_ANSWERED && (answer.status == 200 || answer.status == 201))
        made = remote_parse(answer.text, answer.size);
    if (!made)
        remote_explain(remote, result, &answer);
    remote_answer_clear(&answer);
    return made;
}

/* Of what a dry run answers. */
static void print_plan(const json_t *plan)
{
    static const struct {
        const char *key, *title;
    } rows[] = {{"parameters", "parameters"},
                {"compressed_parameters", "compressed parameters"},
                {"effective_parameters", "effective parameters"},
                {"macs", "MACs"},
                {"baseline_bytes", "baseline, bytes"},
                {"expected_bytes", "model.onnx, expected, bytes"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *value = json_object_get(plan, rows[i].key);

        if (json_is_number(value))
            printf("%-28s %14s\n", rows[i].title, CLI_GROUPED(json_integer_value(value)));
    }
    printf("%-28s %14s\n", "output that is trained", remote_text(plan, "output"));
}

static int show_plan(const struct cli_args *args, json_t *answer)
{
    if (args->json)
        return cli_print_json(args->command, answer);
    print_plan(json_object_get(answer, "plan"));
    json_decref(answer);
    return CLI_OK;
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

static int run_submit(const struct cli_args *args)
{
    const bool dry = args->number[CLI_OPT_DRY_RUN] != 0;
    struct remote remote;
    char *text = order_text(args);
    json_t *answer = NULL;
    int code = CLI_FAILURE;

    if (!text)
        cli_error(args->command, "out of memory");
    if (text && remote_begin(args, &remote)) {
        answer = send_order(&remote, text, dry);
        if (answer)
            code = dry ? show_plan(args, answer) : show_job(&remote, answer);
        remote_end(&remote);
    }
    free(text);
    return code;
}

const struct cli_command cli_remote_submit = {
    .name = "remote submit",
    .summary = "Order a compression; the job's id is printed",
    .operands = "",
    .options = {CLI_OPT_MODEL_ID, CLI_OPT_DATA_ID, CLI_OPT_NAME, CLI_OPT_SPEC, CLI_OPT_DRY_RUN,
                CLI_OPT_WAIT, CLI_OPT_WAIT_FOR_SERVER, REMOTE_OPTIONS, CLI_OPT_JSON},
    .all_settings = true,
    .orders = true,
    .run = run_submit,
};
