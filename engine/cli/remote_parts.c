/* remote_parts.c - a file as an upload in parts (tus.io 1.0.0, creation and core protocol): what
 * has come when a connection breaks, or the server is started anew, is not sent again. */
#include "remote.h"

#include <string.h>

enum { TRIES = 8, LONGEST_PAUSE = 10 };
#define TUS "Tus-Resumable: 1.0.0"

struct sending {
    const struct remote *remote;
    char path[REMOTE_PATH_SIZE]; /* of the upload */
    int file;
    int64_t offset, bytes; /* of the file: what the server has, and all */
    struct remote_transfer transfer;
};

static bool on_progress(void *user, int64_t done)
{
    struct sending *sending = user;

    remote_transfer_step(&sending->transfer, sending->offset + done);
    return true;
}

static bool create(struct sending *sending, const char *metadata)
{
    char length[64], line[1200];
    const struct remote_call call = {
        .method = "POST", .path = "/v1/uploads", .headers = {TUS, length, line}};
    struct remote_answer answer;
    enum remote_result result;
    bool made;

    snprintf(length, sizeof length, "Upload-Length: %lld", (long long)sending->bytes);
    if (snprintf(line, sizeof line, "Upload-Metadata: %s", metadata) >= (int)sizeof line) {
        cli_error(sending->remote->args->command, "--name is too long");
        return false;
    }
    result = remote_http_call(sending->remote->http, &call, &answer);
    made = result == REMOTE_ANSWERED && answer.status == 201 && *answer.location;
    if (made)
        snprintf(sending->path, sizeof sending->path, "%s", answer.location);
    else
        remote_explain(sending->remote, result, &answer);
    remote_answer_clear(&answer);
    return made;
}

/* What the server does not have yet. True: it is done, and resource says what it has become;
 * *again: it is not, and may go better another time. Else why is said. */
static bool send_rest(struct sending *sending, bool *again, char resource[REMOTE_PATH_SIZE])
{
    char from[64];
    const struct remote_call call = {.method = "PATCH",
                                     .path = sending->path,
                                     .file = &sending->file,
                                     .file_from = sending->offset,
                                     .file_bytes = sending->bytes - sending->offset,
                                     .headers = {TUS, from},
                                     .progress = on_progress,
                                     .user = sending};
    struct remote_answer answer;
    enum remote_result result;
    bool done;

    snprintf(from, sizeof from, "Upload-Offset: %lld", (long long)sending->offset);
    result = remote_http_call(sending->remote->http, &call, &answer);
    done = result == REMOTE_ANSWERED && answer.status == 204 && *answer.location;
    /* 409: it has another length by now; 423: the server has not noticed yet that a connection
     * broke. */
    *again = *again && !done &&
             (remote_may_retry(result, &answer) ||
              (result == REMOTE_ANSWERED && (answer.status == 409 || answer.status == 423)));
    if (done)
        snprintf(resource, REMOTE_PATH_SIZE, "%s", answer.location);
    else if (!*again)
        remote_explain(sending->remote, result, &answer);
    remote_answer_clear(&answer);
    return done;
}

/* Asks how much has come; where nobody answers, all stays as it was. True: all of it, and it was
 * stored as resource. */
static bool ask(struct sending *sending, char resource[REMOTE_PATH_SIZE])
{
    const struct remote_call call = {.method = "GET", .path = sending->path};
    struct remote_answer answer;
    json_t *upload = NULL;
    const char *become = "";
    json_int_t offset;

    if (remote_http_call(sending->remote->http, &call, &answer) == REMOTE_ANSWERED &&
        answer.status == 200)
        upload = remote_parse(answer.text, answer.size);
    offset = json_integer_value(json_object_get(upload, "offset"));
    if (upload && offset >= 0 && offset <= sending->bytes)
        sending->offset = offset;
    become = remote_text(upload, "resource");
    snprintf(resource, REMOTE_PATH_SIZE, "%s", become);
    json_decref(upload);
    remote_answer_clear(&answer);
    return *resource;
}

/* Sends until all is there; tries that brought nothing are counted. */
static bool send_all(struct sending *sending, char resource[REMOTE_PATH_SIZE])
{
    for (int tries = 1;; tries++) {
        const int64_t before = sending->offset;
        bool again = tries < TRIES;

        if (send_rest(sending, &again, resource))
            return true;
        if (!again)
            return false;
        remote_pause(tries < LONGEST_PAUSE ? tries : LONGEST_PAUSE);
        if (ask(sending, resource))
            return true;
        if (sending->offset > before) {
            tries = 0;
            fprintf(stderr, "the connection broke; going on behind %s\n",
                    CLI_BYTES(sending->offset));
        }
    }
}

bool remote_send(const struct remote *remote, int file, int64_t bytes, const char *metadata,
                 char resource[REMOTE_PATH_SIZE])
{
    struct sending sending = {.remote = remote, .file = file, .bytes = bytes};
    struct remote_answer answer;
    bool sent;

    if (!create(&sending, metadata))
        return false;
    remote_transfer_begin(&sending.transfer, remote->args->operand[0], bytes, 0);
    sent = send_all(&sending, resource);
    remote_transfer_end(&sending.transfer, "sent", sent ? bytes : -1);
    /* Where nobody answers, the service forgets it by itself, later. */
    remote_http_call(
        remote->http,
        &(struct remote_call){.method = "DELETE", .path = sending.path, .headers = {TUS}}, &answer);
    remote_answer_clear(&answer);
    return sent;
}
