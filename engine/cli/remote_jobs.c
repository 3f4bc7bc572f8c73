/* remote_jobs.c - fsnet remote job, report, retry, cancel and delete: what a call and its answer
 * are enough for. */
#include "remote.h"

#include <string.h>

/* What the service answers to METHOD of the operand's path and REST, new; NULL, and an exit code,
 * after saying why not. */
static json_t *ask(const struct cli_args *args, enum remote_kind kind, const char *method,
                   const char *rest, int *code)
{
    char path[REMOTE_PATH_SIZE];
    struct remote remote;
    json_t *answer = NULL;

    *code = CLI_USAGE;
    if (!remote_path(args->command, kind, args->operand[0], rest, path))
        return NULL;
    *code = CLI_FAILURE;
    if (!remote_begin(args, &remote))
        return NULL;
    answer = remote_json(&remote, &(struct remote_call){.method = method, .path = path});
    remote_end(&remote);
    return answer;
}

static void print_value(const char *title, const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0)
        printf("%-14s %s\n", title, json_string_value(value));
    else if (json_is_integer(value))
        printf("%-14s %s\n", title, CLI_GROUPED(json_integer_value(value)));
    else if (json_is_real(value))
        printf("%-14s %.4g\n", title, json_real_value(value));
}

static void print_labels(json_t *labels)
{
    const char *key;
    const json_t *value;

    json_object_foreach(labels, key, value)
    {
        printf("%-14s %s=%s\n", "label", key,
               json_is_string(value) ? json_string_value(value) : "");
    }
}

void remote_print_job(const json_t *job)
{
    static const char *const keys[] = {"id",
                                       "name",
                                       "status",
                                       "priority",
                                       "stage",
                                       "progress",
                                       "epoch",
                                       "epochs",
                                       "seconds_left",
                                       "attempts",
                                       "model_id",
                                       "dataset_id",
                                       "created_at",
                                       "started_at",
                                       "finished_at",
                                       "run_seconds",
                                       "max_run_seconds",
                                       "owner",
                                       "artifacts_expire_at",
                                       "expires_at"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        print_value(keys[i], json_object_get(job, keys[i]));
    print_labels(json_object_get(job, "labels"));
    if (json_is_true(json_object_get(job, "keep")))
        printf("%-14s yes\n", "keep");
    print_value("error", json_object_get(json_object_get(job, "error"), "detail"));
    print_value("expected_bytes", json_object_get(json_object_get(job, "plan"), "expected_bytes"));
}

static int run_job(const struct cli_args *args)
{
    int code;
    json_t *job = ask(args, REMOTE_JOB, "GET", "", &code);

    return job ? remote_tell(args, job, remote_print_job) : code;
}

static int run_report(const struct cli_args *args)
{
    int code;
    json_t *report = ask(args, REMOTE_JOB, "GET", "/report", &code);

    return report ? remote_tell(args, report, cli_print_report) : code;
}

static void print_status(const json_t *job)
{
    printf("%s %s\n", remote_text(job, "id"), remote_text(job, "status"));
}

static void print_cancelled(const json_t *job)
{
    const char *status = remote_text(job, "status");

    printf("%s %s\n", remote_text(job, "id"),
           strcmp(status, "running") == 0 ? "will stop at its next step" : status);
}

/* Attempts begin anew, so a call that may have come through is not made again. */
static int run_retry(const struct cli_args *args)
{
    int code;
    json_t *job = ask(args, REMOTE_JOB, "POST", "/retry", &code);

    return job ? remote_tell(args, job, print_status) : code;
}

static int run_cancel(const struct cli_args *args)
{
    int code;
    json_t *job = ask(args, REMOTE_JOB, "POST", "/cancel", &code);

    return job ? remote_tell(args, job, print_cancelled) : code;
}

static int run_delete(const struct cli_args *args)
{
    int code;
    json_t *nothing = ask(args, remote_kind_of(args->operand[0]), "DELETE", "", &code);

    if (!nothing)
        return code;
    json_decref(nothing);
    printf("%s deleted\n", args->operand[0]);
    return CLI_OK;
}

const struct cli_command cli_remote_job = {
    .name = "remote job",
    .summary = "Show a job as it is",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_job,
};

const struct cli_command cli_remote_report = {
    .name = "remote report",
    .summary = "Show what a job has done: accuracy and size, before and after",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_report,
};

const struct cli_command cli_remote_retry = {
    .name = "remote retry",
    .summary = "Queue a job again that has failed or was cancelled",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_retry,
};

const struct cli_command cli_remote_cancel = {
    .name = "remote cancel",
    .summary = "Stop a job",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_cancel,
};

const struct cli_command cli_remote_delete = {
    .name = "remote delete",
    .summary = "Delete a job that has ended, with its files, or a model or a data set",
    .operands = "ID",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS},
    .run = run_delete,
};
