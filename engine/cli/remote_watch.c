/* remote_watch.c - fsnet remote watch: a job's events until its end, whatever becomes of the
 * connection. */
#include "remote.h"

#include <string.h>
#include <time.h>

/* Seconds. A stream says every 15 that it is alive. */
enum { SILENCE_SECONDS = 60 };
static const double first_pause = 0.5, longest_pause = 10;

struct watch {
    const struct remote *remote;
    const char *id;
    struct remote_show show;
    struct remote_events events;
    json_t *job;  /* as it was told last */
    bool any;     /* it was told since the last connection was begun */
    bool too_big; /* one that cannot be taken */
    bool told;    /* that the server is gone */
};

static bool has_ended(const json_t *job)
{
    const char *status = remote_text(job, "status");

    return strcmp(status, "succeeded") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* Takes value over. */
static void take_job(struct watch *watch, json_t *value)
{
    json_decref(watch->job);
    watch->job = value;
    watch->any = true;
    watch->told = false;
    remote_show_step(&watch->show, watch->job, NULL);
}

static void take_event(void *user, const char *name, const char *data)
{
    struct watch *watch = user;
    json_t *value = remote_parse(data, strlen(data));

    if (json_is_object(value) && strcmp(name, "job") == 0)
        take_job(watch, json_incref(value));
    else if (json_is_object(value) && strcmp(name, "epoch") == 0)
        remote_show_step(&watch->show, watch->job, value);
    json_decref(value);
}

static bool take_bytes(void *user, int status, const char *bytes, size_t size)
{
    struct watch *watch = user;

    (void)status;
    watch->too_big = !remote_events_add(&watch->events, bytes, size);
    return !watch->too_big && !has_ended(watch->job);
}

static bool go_on(void *user, int64_t done)
{
    (void)user;
    (void)done;
    return !cli_stop_asked();
}

bool remote_pause(double seconds)
{
    const double until = cli_now_seconds() + seconds;
    const struct timespec step = {.tv_nsec = 50000000};

    while (!cli_stop_asked() && cli_now_seconds() < until)
        nanosleep(&step, NULL);
    return !cli_stop_asked();
}

/* One connection, to its end. False: it is of no use to ask again, and why is said. */
static bool follow(struct watch *watch)
{
    char path[REMOTE_PATH_SIZE], last[96];
    struct remote_call call = {.method = "GET",
                               .path = path,
                               .silence = SILENCE_SECONDS,
                               .headers = {"Accept: text/event-stream"},
                               .take = take_bytes,
                               .progress = go_on,
                               .user = watch};
    struct remote_answer answer;
    enum remote_result result;
    bool again;

    snprintf(path, sizeof path, "/v1/jobs/%s/events", watch->id);
    if (*watch->events.id) {
        snprintf(last, sizeof last, "Last-Event-ID: %s", watch->events.id);
        call.headers[1] = last;
    }
    watch->any = false;
    result = remote_http_call(watch->remote->http, &call, &answer);
    remote_events_cut(&watch->events);
    /* 200 and over: the server or a proxy ended a stream that had not come to its end. */
    again = has_ended(watch->job) || (result == REMOTE_STOPPED && !watch->too_big) ||
            remote_may_retry(result, &answer) ||
            (result == REMOTE_ANSWERED && (answer.status == 200 || answer.status == 429));
    if (!again) {
        cli_progress_end(&watch->show.progress);
        if (watch->too_big)
            cli_error(watch->remote->args->command, "an event is too large");
        else
            remote_explain(watch->remote, result, &answer);
    } else if (result == REMOTE_UNREACHABLE && !watch->told) {
        cli_progress_end(&watch->show.progress);
        fprintf(stderr, "%s; asking again\n", answer.error);
        watch->told = true;
    }
    remote_answer_clear(&answer);
    return again;
}

/* The job where no event came through: a proxy may hold a stream back, and pass this. */
static void ask(struct watch *watch)
{
    char path[REMOTE_PATH_SIZE];
    const struct remote_call call = {
        .method = "GET", .path = path, .silence = SILENCE_SECONDS, .progress = go_on};
    struct remote_answer answer;
    json_t *job = NULL;

    snprintf(path, sizeof path, "/v1/jobs/%s", watch->id);
    if (remote_http_call(watch->remote->http, &call, &answer) == REMOTE_ANSWERED &&
        answer.status == 200)
        job = remote_parse(answer.text, answer.size);
    if (json_is_object(job))
        take_job(watch, job);
    else
        json_decref(job);
    remote_answer_clear(&answer);
}

static int interrupted(const struct watch *watch)
{
    fprintf(stderr,
            "interrupted; the job runs on: 'fsnet remote watch %s' goes on watching, "
            "'fsnet remote cancel %s' ends it\n",
            watch->id, watch->id);
    return CLI_INTERRUPTED;
}

static int outcome(const struct watch *watch)
{
    const struct cli_args *args = watch->remote->args;
    const char *status = remote_text(watch->job, "status");
    const char *why = remote_text(json_object_get(watch->job, "error"), "detail");
    const int code = strcmp(status, "succeeded") == 0 ? CLI_OK
                     : strcmp(status, "failed") == 0  ? CLI_JOB_FAILED
                                                      : CLI_JOB_CANCELLED;

    fprintf(stderr, "%s %s%s%s%s\n", watch->id, code == CLI_JOB_CANCELLED ? "was " : "has ", status,
            code != CLI_OK && *why ? ": " : "", code != CLI_OK ? why : "");
    if (args->json && cli_print_json(args->command, json_incref(watch->job)) != CLI_OK)
        return CLI_FAILURE;
    return code;
}

/* Connection after connection. */
static int watch_on(struct watch *watch)
{
    const double patience = watch->remote->args->number[CLI_OPT_WAIT_FOR_SERVER];
    double heard = cli_now_seconds(), pause = first_pause;

    while (!has_ended(watch->job)) {
        if (!follow(watch))
            return CLI_FAILURE;
        if (!watch->any && !cli_stop_asked())
            ask(watch);
        if (has_ended(watch->job))
            break;
        if (watch->any) {
            heard = cli_now_seconds();
            pause = first_pause;
        }
        if (!cli_stop_asked() && cli_now_seconds() - heard >= patience) {
            cli_progress_end(&watch->show.progress);
            cli_error(watch->remote->args->command,
                      "the server is gone for more than %.0f s; the job is not", patience);
            return CLI_FAILURE;
        }
        if (!remote_pause(pause)) {
            cli_progress_end(&watch->show.progress);
            return interrupted(watch);
        }
        pause = pause * 2 < longest_pause ? pause * 2 : longest_pause;
    }
    cli_progress_end(&watch->show.progress);
    return outcome(watch);
}

int remote_watch(const struct remote *remote, const char *job_id)
{
    struct watch watch = {.remote = remote, .id = job_id};
    char path[REMOTE_PATH_SIZE];
    int code = CLI_FAILURE;

    if (!remote_path(remote->args->command, REMOTE_JOB, job_id, "", path))
        return CLI_USAGE;
    watch.job = remote_get(remote, path);
    if (watch.job) {
        watch.events.take = take_event;
        watch.events.user = &watch;
        remote_show_begin(&watch.show);
        remote_show_step(&watch.show, watch.job, NULL);
        code = watch_on(&watch);
    }
    json_decref(watch.job);
    return code;
}

static int run_watch(const struct cli_args *args)
{
    struct remote remote;
    int code;

    if (!remote_begin(args, &remote))
        return CLI_FAILURE;
    code = remote_watch(&remote, args->operand[0]);
    remote_end(&remote);
    return code;
}

const struct cli_command cli_remote_watch = {
    .name = "remote watch",
    .summary = "Show a job's progress to its end, which is the exit code",
    .operands = "JOB",
    .operand_count = 1,
    .options = {CLI_OPT_WAIT_FOR_SERVER, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_watch,
};
