/* remote_parts.c - a file as an upload in parts (tus.io 1.0.0, creation and core protocol): what
 * has come when a connection breaks, the server is started anew, or this command is ended and given
 * again, is not sent again. */
#include "remote.h"

#include <string.h>

enum { TRIES = 8, LONGEST_PAUSE = 10 };
/* By default a server takes a minute to notice that nobody sends any more; these are 85 s. */
enum { LOCKED_TRIES = 13 };
#define TUS "Tus-Resumable: 1.0.0"

struct sending {
    const struct remote *remote;
    char path[REMOTE_PATH_SIZE]; /* of the upload */
    int file;
    int64_t offset, bytes; /* of the file: what the server has, and all */
    bool refused;          /* the server will not have it, whoever sends it when */
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

/* Whether the answer to a part ends the upload: not a token that is not taken, a rate, a quota, or
 * someone who writes to it at the moment, all of which pass. */
static bool is_final(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 408:
    case 409:
    case 423:
    case 429:
        return false;
    default:
        return status >= 400 && status < 500;
    }
}

/* Whether it may go better another time, after so many tries that brought nothing. 409: it has
 * another length by now; 423: another request writes to it, or the server has not noticed yet that
 * a connection broke. */
static bool try_again(int tries, enum remote_result result, const struct remote_answer *answer)
{
    if (result == REMOTE_ANSWERED && answer->status == 423)
        return tries < LOCKED_TRIES;
    return tries < TRIES && (remote_may_retry(result, answer) ||
                             (result == REMOTE_ANSWERED && answer->status == 409));
}

/* What the server does not have yet. True: it is done, and resource says what it has become;
 * *again: it is not, and may go better another time. Else why is said. */
static bool send_rest(struct sending *sending, int tries, bool *again,
                      char resource[REMOTE_PATH_SIZE])
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
    *again = !done && try_again(tries, result, &answer);
    if (done)
        snprintf(resource, REMOTE_PATH_SIZE, "%s", answer.location);
    else if (!*again)
        remote_explain(sending->remote, result, &answer);
    else if (tries == 1 && result == REMOTE_ANSWERED && answer.status == 423)
        fputs("another connection writes to it, or has just broken; waiting for its end\n", stderr);
    sending->refused = result == REMOTE_ANSWERED && is_final(answer.status);
    remote_answer_clear(&answer);
    return done;
}

/* Asks how much has come; where nobody answers, all stays as it was. True: the server has it, of
 * these bytes; resource is then what it has become, "" when more is to come. */
static bool ask(struct sending *sending, enum remote_result *result, struct remote_answer *answer,
                char resource[REMOTE_PATH_SIZE])
{
    const struct remote_call call = {.method = "GET", .path = sending->path};
    json_t *upload = NULL;
    json_int_t offset;
    bool there;

    *result = remote_http_call(sending->remote->http, &call, answer);
    if (*result == REMOTE_ANSWERED && answer->status == 200)
        upload = remote_parse(answer->text, answer->size);
    offset = json_integer_value(json_object_get(upload, "offset"));
    there = upload && json_integer_value(json_object_get(upload, "length")) == sending->bytes &&
            offset >= 0 && offset <= sending->bytes &&
            strcmp(remote_text(upload, "status"), "refused") != 0;
    if (there)
        sending->offset = offset;
    snprintf(resource, REMOTE_PATH_SIZE, "%s", there ? remote_text(upload, "resource") : "");
    json_decref(upload);
    return there;
}

/* Sends until all is there; tries that brought nothing are counted. */
static bool send_all(struct sending *sending, char resource[REMOTE_PATH_SIZE])
{
    for (int tries = 1;; tries++) {
        const int64_t before = sending->offset;
        struct remote_answer answer;
        enum remote_result result;
        bool again;

        if (send_rest(sending, tries, &again, resource))
            return true;
        if (!again)
            return false;
        remote_pause(tries < LONGEST_PAUSE ? tries : LONGEST_PAUSE);
        ask(sending, &result, &answer, resource);
        remote_answer_clear(&answer);
        if (*resource)
            return true;
        if (sending->offset > before) {
            tries = 0;
            fprintf(stderr, "the connection broke; going on behind %s\n",
                    CLI_BYTES(sending->offset));
        }
    }
}

/* Goes on with what an earlier command has begun, if the server still has it: *found. False after
 * saying why that cannot be told. */
static bool take_up(struct sending *sending, const struct remote_begun *begun, bool *found,
                    char resource[REMOTE_PATH_SIZE])
{
    struct remote_answer answer;
    enum remote_result result;
    bool told;

    snprintf(sending->path, sizeof sending->path, "%s", begun->upload);
    *found = ask(sending, &result, &answer, resource);
    told = result == REMOTE_ANSWERED &&
           (answer.status == 200 || answer.status == 404 || answer.status == 410);
    if (!told)
        remote_explain(sending->remote, result, &answer);
    remote_answer_clear(&answer);
    return told;
}

/* Sends all, or the rest; whether an upload of it is left on the server that another command can go
 * on with is told by *left. */
static bool send_file(struct sending *sending, bool *left, char resource[REMOTE_PATH_SIZE])
{
    const char *name = sending->remote->args->operand[0];
    struct remote_answer answer;
    bool sent;

    if (sending->offset > 0)
        fprintf(stderr, "%s: resuming at %s of %s bytes\n", name, CLI_GROUPED(sending->offset),
                CLI_GROUPED(sending->bytes));
    remote_transfer_begin(&sending->transfer, name, sending->bytes, sending->offset);
    sent = *resource || send_all(sending, resource);
    remote_transfer_end(&sending->transfer, "sent", sent ? sending->bytes : -1);
    *left = *left && !sent && !sending->refused;
    if (*left) {
        fprintf(stderr, "%s: the same command will go on with what has come\n", name);
        return false;
    }
    /* Where nobody answers, the service forgets it by itself, later. */
    remote_http_call(
        sending->remote->http,
        &(struct remote_call){.method = "DELETE", .path = sending->path, .headers = {TUS}},
        &answer);
    remote_answer_clear(&answer);
    return sent;
}

bool remote_send(const struct remote *remote, int file, int64_t bytes, const char *sha256,
                 const char *metadata, char resource[REMOTE_PATH_SIZE])
{
    struct sending sending = {.remote = remote, .file = file, .bytes = bytes};
    const char *server = remote->server.url;
    struct remote_begun begun;
    bool found = false, left = true, sent = false;

    *resource = '\0';
    remote_begun_open(&begun, server, metadata, sha256);
    if (!*begun.upload || take_up(&sending, &begun, &found, resource)) {
        left = found || create(&sending, metadata);
        if (left && !found)
            remote_begun_keep(&begun, server, sha256, sending.path);
        if (left) {
            left = begun.file >= 0;
            sent = send_file(&sending, &left, resource);
        }
    }
    remote_begun_close(&begun, !left);
    return sent;
}
