/* remote_jobs.c - fsnet remote jobs, job, report, cancel and delete: what a call and its answer are
 * enough for. */
#include "remote.h"

#include <string.h>

enum { MAX_PAGE = 1000 }; /* jobs that the service tells at once */

/* What the service answers to METHOD /v1/jobs/{operand}REST, new; NULL, and an exit code, after
 * saying why not. */
static json_t *ask(const struct cli_args *args, const char *method, const char *rest, int *code)
{
    char path[REMOTE_PATH_SIZE];
    struct remote remote;
    json_t *answer = NULL;

    *code = CLI_USAGE;
    if (!remote_job_path(args->command, args->operand[0], rest, path))
        return NULL;
    *code = CLI_FAILURE;
    if (!remote_begin(args, &remote))
        return NULL;
    answer = remote_json(&remote, &(struct remote_call){.method = method, .path = path});
    remote_end(&remote);
    return answer;
}

/* ---- lists -------------------------------------------------------------------------------------
 */

static void print_jobs(const json_t *list)
{
    const json_t *job;
    size_t i;

    json_array_foreach(json_object_get(list, "items"), i, job)
    {
        printf("%-28s %-9s %3.0f %%  %.19s  %s\n", remote_text(job, "id"),
               remote_text(job, "status"),
               100 * json_number_value(json_object_get(job, "progress")),
               remote_text(job, "created_at"), remote_text(job, "name"));
    }
    if (json_is_string(json_object_get(list, "next_cursor")))
        fprintf(stderr, "there are more; --limit shows them\n");
}

static size_t items_in(const json_t *list)
{
    return json_array_size(json_object_get(list, "items"));
}

/* Whether the list goes on, by a cursor that can stand in a path as it is. */
static bool goes_on(const json_t *list)
{
    const char *cursor = remote_text(list, "next_cursor");
    const size_t size = strlen(cursor);

    return size > 0 && size <= 100 &&
           strspn(cursor, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") ==
               size;
}

/* The newest jobs, at most limit, page after page: one answer of the service's form, with the
 * cursor of the last page. NULL after saying why not. */
static json_t *list_jobs(const struct remote *remote, size_t limit, const char *status)
{
    json_t *all = NULL;
    size_t before;

    do {
        const size_t left = limit - items_in(all);
        char path[REMOTE_PATH_SIZE];
        json_t *page;

        before = items_in(all);
        snprintf(path, sizeof path, "/v1/jobs?limit=%zu%s%s%s%s", left < MAX_PAGE ? left : MAX_PAGE,
                 status ? "&status=" : "", status ? status : "", all ? "&cursor=" : "",
                 remote_text(all, "next_cursor"));
        page = remote_get(remote, path);
        if (!page) {
            json_decref(all);
            return NULL;
        }
        if (!all) {
            all = page;
            continue;
        }
        json_array_extend(json_object_get(all, "items"), json_object_get(page, "items"));
        json_object_set(all, "next_cursor", json_object_get(page, "next_cursor"));
        json_decref(page);
    } while (goes_on(all) && items_in(all) > before && items_in(all) < limit);
    return all;
}

static int run_jobs(const struct cli_args *args)
{
    struct remote remote;
    json_t *list;

    if (!remote_begin(args, &remote))
        return CLI_FAILURE;
    list = list_jobs(&remote, (size_t)args->number[CLI_OPT_LIMIT], args->text[CLI_OPT_STATUS]);
    remote_end(&remote);
    if (!list)
        return CLI_FAILURE;
    if (args->json)
        return cli_print_json(args->command, list);
    print_jobs(list);
    json_decref(list);
    return CLI_OK;
}

/* ---- one job -----------------------------------------------------------------------------------
 */

static void print_value(const char *title, const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) > 0)
        printf("%-14s %s\n", title, json_string_value(value));
    else if (json_is_integer(value))
        printf("%-14s %s\n", title, CLI_GROUPED(json_integer_value(value)));
    else if (json_is_real(value))
        printf("%-14s %.4g\n", title, json_real_value(value));
}

static void print_job(const json_t *job)
{
    static const char *const keys[] = {"id",
                                       "name",
                                       "status",
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
                                       "owner",
                                       "artifacts_expire_at",
                                       "expires_at"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        print_value(keys[i], json_object_get(job, keys[i]));
    print_value("error", json_object_get(json_object_get(job, "error"), "detail"));
    print_value("expected_bytes", json_object_get(json_object_get(job, "plan"), "expected_bytes"));
}

/* Shows the answer by print, or whole. */
static int show(const struct cli_args *args, json_t *answer, void (*print)(const json_t *))
{
    if (args->json)
        return cli_print_json(args->command, answer);
    print(answer);
    json_decref(answer);
    return CLI_OK;
}

static int run_job(const struct cli_args *args)
{
    int code;
    json_t *job = ask(args, "GET", "", &code);

    return job ? show(args, job, print_job) : code;
}

static int run_report(const struct cli_args *args)
{
    int code;
    json_t *report = ask(args, "GET", "/report", &code);

    return report ? show(args, report, cli_print_report) : code;
}

static void print_cancelled(const json_t *job)
{
    const char *status = remote_text(job, "status");

    printf("%s %s\n", remote_text(job, "id"),
           strcmp(status, "running") == 0 ? "will stop at its next step" : status);
}

static int run_cancel(const struct cli_args *args)
{
    int code;
    json_t *job = ask(args, "POST", "/cancel", &code);

    return job ? show(args, job, print_cancelled) : code;
}

static int run_delete(const struct cli_args *args)
{
    int code;
    json_t *nothing = ask(args, "DELETE", "", &code);

    if (!nothing)
        return code;
    json_decref(nothing);
    printf("%s deleted\n", args->operand[0]);
    return CLI_OK;
}

const struct cli_command cli_remote_jobs = {
    .name = "remote jobs",
    .summary = "List jobs, the newest first",
    .operands = "",
    .options = {CLI_OPT_STATUS, CLI_OPT_LIMIT, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_jobs,
};

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
    .summary = "Delete a job that has ended, with its files",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_OPTIONS},
    .run = run_delete,
};
