/* remote_answer.c - what a service answers: JSON, or a problem document (RFC 9457) told as
 * messages. */
#include "remote.h"

#include <stdlib.h>
#include <string.h>

bool remote_begin(const struct cli_args *args, struct remote *out)
{
    struct remote remote = {.args = args};

    if (!remote_server_find(args, &remote.server))
        return false;
    *out = remote;
    out->http = remote_http_open(&out->server);
    if (out->http)
        return true;
    cli_error(args->command, "out of memory");
    remote_server_clear(&out->server);
    return false;
}

void remote_end(struct remote *remote)
{
    remote_http_close(remote->http);
    remote_server_clear(&remote->server);
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* Blanks what a terminal would take for commands: C0, DEL and, in valid UTF-8, C1. Whether any was
 * there. */
static bool blank_controls(char *text)
{
    bool found = false;

    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at == 0xc2 && at[1] < 0xa0)
            *at++ = ' ';
        else if (*at >= 0x20 && *at != 0x7f)
            continue;
        *at = ' ';
        found = true;
    }
    return found;
}

static bool clean_string(json_t *value)
{
    char *copy = strdup(json_string_value(value));
    bool done = copy && (!blank_controls(copy) || json_string_set(value, copy) == 0);

    free(copy);
    return done;
}

/* Of a key, which the service makes itself. */
static bool is_clean(const char *key)
{
    char *copy = strdup(key);
    const bool clean = copy && !blank_controls(copy);

    free(copy);
    return clean;
}

/* False: no memory, or a key as the service has none. jansson bounds the depth of what it reads. */
static bool clean(json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(value))
        return clean_string(value);
    json_array_foreach(value, i, item)
    {
        if (!clean(item))
            return false;
    }
    json_object_foreach(value, key, item)
    {
        if (!is_clean(key) || !clean(item))
            return false;
    }
    return true;
}

json_t *remote_parse(const char *text, size_t size)
{
    json_t *value = json_loadb(text ? text : "", size, JSON_DECODE_ANY, NULL);

    if (value && clean(value))
        return value;
    json_decref(value);
    return NULL;
}

int remote_tell(const struct cli_args *args, json_t *answer, void (*print)(const json_t *))
{
    if (args->json)
        return cli_print_json(args->command, answer);
    print(answer);
    json_decref(answer);
    return CLI_OK;
}

const char *remote_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* ---- problems ----------------------------------------------------------------------------------
 */

static void explain_problem(const struct cli_command *command, const json_t *problem)
{
    const json_t *faults = json_object_get(problem, "errors"), *fault;
    const char *detail = remote_text(problem, "detail");
    size_t i;

    /* With faults the detail is the first of them. */
    if (json_array_size(faults) == 0) {
        cli_error(command, "%s%s%s", remote_text(problem, "title"), *detail ? ": " : "", detail);
        return;
    }
    cli_error(command, "%s:", remote_text(problem, "title"));
    json_array_foreach(faults, i, fault)
    {
        const char *pointer = remote_text(fault, "pointer");

        fprintf(stderr, "  %s%s%s\n", pointer, *pointer ? ": " : "", remote_text(fault, "detail"));
    }
}

void remote_say_strange(const struct remote *remote, int status)
{
    cli_error(remote->args->command, "%s answers HTTP %d, and not as the service does",
              remote->server.url, status);
}

void remote_explain(const struct remote *remote, enum remote_result result,
                    const struct remote_answer *answer)
{
    const struct cli_command *command = remote->args->command;
    json_t *problem = NULL;

    if (result != REMOTE_ANSWERED) {
        cli_error(command, "%s", answer->error);
        return;
    }
    problem = remote_parse(answer->text, answer->size);
    if (*remote_text(problem, "title"))
        explain_problem(command, problem);
    else
        remote_say_strange(remote, answer->status);
    if (answer->status == 401)
        fprintf(stderr, "  %s; see 'fsnet remote login --help'\n",
                remote->server.token ? "the token that was sent is not taken"
                                     : "no token was sent");
    json_decref(problem);
}

bool remote_may_retry(enum remote_result result, const struct remote_answer *answer)
{
    return result == REMOTE_UNREACHABLE ||
           (result == REMOTE_ANSWERED && answer->status >= 502 && answer->status <= 504);
}

/* ---- calls -------------------------------------------------------------------------------------
 */

/* Once, or as often as it may help and the call says. */
static enum remote_result call_patiently(const struct remote *remote,
                                         const struct remote_call *call,
                                         struct remote_answer *answer)
{
    enum remote_result result = remote_http_call(remote->http, call, answer);

    for (int i = 1; i < call->tries && remote_may_retry(result, answer); i++) {
        remote_answer_clear(answer);
        remote_pause(i);
        result = remote_http_call(remote->http, call, answer);
    }
    return result;
}

json_t *remote_json(const struct remote *remote, const struct remote_call *call)
{
    struct remote_answer answer;
    enum remote_result result = call_patiently(remote, call, &answer);
    json_t *value = NULL;

    if (result != REMOTE_ANSWERED || answer.status < 200 || answer.status > 299) {
        remote_explain(remote, result, &answer);
    } else {
        value = answer.status == 204 ? json_null() : remote_parse(answer.text, answer.size);
        if (answer.status == 204 ? strcmp(call->method, "DELETE") != 0 : !json_is_object(value)) {
            remote_say_strange(remote, answer.status);
            json_decref(value);
            value = NULL;
        }
    }
    remote_answer_clear(&answer);
    return value;
}

json_t *remote_get(const struct remote *remote, const char *path)
{
    return remote_json(remote, &(struct remote_call){.method = "GET", .path = path});
}
