/* remote_download.c - fsnet remote download: a job's files, each as its digest says or not at all.
 *
 * A file is written as .NAME.DIGEST.part and takes its name when its SHA-256 is that of the job's
 * list. What has come before a connection broke, or the command was ended, is there and gone on
 * with. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 5, PATH_SIZE = 4096 };

/* What the list says of a file, checked. */
struct item {
    const char *name, *sha256;
    int64_t bytes;
};

struct part {
    int file;
    int64_t at, bytes; /* of the file: where the next byte goes, and all */
    bool begun;        /* the answer's first bytes have come */
    bool too_long;
    struct remote_transfer transfer;
};

static bool read_item(const json_t *value, struct item *out)
{
    const json_t *bytes = json_object_get(value, "size_bytes");
    struct item item = {.name = remote_text(value, "name"),
                        .sha256 = remote_text(value, "sha256"),
                        .bytes = json_integer_value(bytes)};

    if (!remote_is_file_name(item.name) || strlen(item.sha256) != REMOTE_SHA256_SIZE - 1 ||
        strspn(item.sha256, "0123456789abcdef") != REMOTE_SHA256_SIZE - 1 ||
        !json_is_integer(bytes) || item.bytes < 0)
        return false;
    *out = item;
    return true;
}

/* Whether the open file is what the list says. */
static bool is_whole(int file, const struct item *item)
{
    char hex[REMOTE_SHA256_SIZE];
    int64_t bytes;

    return remote_digest(file, hex, &bytes) && strcmp(hex, item->sha256) == 0;
}

static bool is_there(const char *path, const struct item *item)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const bool whole = file >= 0 && is_whole(file, item);

    if (file >= 0)
        close(file);
    return whole;
}

/* ---- the bytes ---------------------------------------------------------------------------------
 */

static bool take(void *user, int status, const char *bytes, size_t size)
{
    struct part *part = user;

    /* The whole file, though a part was asked for. */
    if (!part->begun && status == 200 && part->at > 0) {
        part->at = 0;
        if (ftruncate(part->file, 0) != 0)
            return false;
    }
    part->begun = true;
    part->too_long = (int64_t)size > part->bytes - part->at;
    while (!part->too_long && size > 0) {
        const ssize_t n = pwrite(part->file, bytes, size, (off_t)part->at);

        if (n < 0)
            return false;
        bytes += n;
        size -= (size_t)n;
        part->at += n;
    }
    return !part->too_long;
}

static bool on_progress(void *user, int64_t done)
{
    struct part *part = user;

    (void)done;
    remote_transfer_step(&part->transfer, part->at);
    return true;
}

/* Asks for what is not there yet. True: all of it is; why it is not is said unless *again says to
 * try once more. */
static bool ask(const struct remote *remote, const char *path, const struct item *item,
                struct part *part, bool *again)
{
    char range[64];
    struct remote_call call = {
        .method = "GET", .path = path, .take = take, .progress = on_progress, .user = part};
    struct remote_answer answer;
    enum remote_result result;

    if (part->at > 0) {
        snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)part->at);
        call.headers[0] = range;
    }
    part->begun = false;
    errno = 0;
    result = remote_http_call(remote->http, &call, &answer);
    *again = *again && (remote_may_retry(result, &answer) ||
                        (result == REMOTE_ANSWERED && part->begun && part->at < part->bytes));
    if (part->at < part->bytes && !*again) {
        if (part->too_long)
            cli_error(remote->args->command, "%s is longer than the %s bytes that were promised",
                      item->name, CLI_GROUPED(item->bytes));
        else if (result == REMOTE_STOPPED)
            cli_error(remote->args->command, "%s: %s", item->name, strerror(errno));
        else if (result == REMOTE_ANSWERED && answer.status < 300)
            cli_error(remote->args->command, "%s ended after %s of %s bytes", item->name,
                      CLI_GROUPED(part->at), CLI_GROUPED(item->bytes));
        else
            remote_explain(remote, result, &answer);
    }
    remote_answer_clear(&answer);
    return part->at == part->bytes && !part->too_long;
}

static bool fill(const struct remote *remote, const char *path, const struct item *item,
                 struct part *part)
{
    bool whole = part->at == part->bytes;

    remote_transfer_begin(&part->transfer, item->name, part->bytes, part->at);
    for (int i = 1; !whole; i++) {
        bool again = i < TRIES;

        whole = ask(remote, path, item, part, &again);
        if (!whole && !again)
            break;
        if (!whole)
            remote_pause(i);
    }
    remote_transfer_end(&part->transfer, "received", whole ? part->at : -1);
    return whole;
}

/* ---- a file ------------------------------------------------------------------------------------
 */

/* What is there of it, open, and nobody else's. */
static bool open_part(const struct cli_args *args, const char *path, const struct item *item,
                      struct part *part)
{
    struct stat info;

    memset(part, 0, sizeof *part);
    part->bytes = item->bytes;
    part->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (part->file < 0)
        goto fail;
    if (flock(part->file, LOCK_EX | LOCK_NB) != 0) {
        errno = EBUSY; /* another download's */
        goto fail;
    }
    if (fstat(part->file, &info) != 0 ||
        (info.st_size > part->bytes && ftruncate(part->file, 0) != 0))
        goto fail;
    part->at = info.st_size > part->bytes ? 0 : info.st_size;
    return true;
fail:
    cli_error(args->command, "%s: %s", path, strerror(errno));
    if (part->file >= 0)
        close(part->file);
    return false;
}

static bool fetch(const struct remote *remote, const char *job, const char *folder,
                  const struct item *item)
{
    const struct cli_args *args = remote->args;
    char path[PATH_SIZE], temporary[PATH_SIZE], rest[REMOTE_NAME_SIZE + 16], url[REMOTE_PATH_SIZE];
    struct part part;
    bool whole;

    if (snprintf(path, sizeof path, "%s/%s", folder, item->name) >= PATH_SIZE ||
        snprintf(temporary, sizeof temporary, "%s/.%s.%.16s.part", folder, item->name,
                 item->sha256) >= PATH_SIZE) {
        cli_error(args->command, "path too long: %.200s...", folder);
        return false;
    }
    if (is_there(path, item)) {
        fprintf(stderr, "%s is there\n", item->name);
        return true;
    }
    snprintf(rest, sizeof rest, "/artifacts/%s", item->name);
    if (!remote_path(args->command, REMOTE_JOB, job, rest, url) ||
        !open_part(args, temporary, item, &part))
        return false;
    whole = fill(remote, url, item, &part);
    if (whole && !is_whole(part.file, item)) {
        cli_error(args->command,
                  "%s is not what the job made: its SHA-256 is not %s; nothing of it is kept",
                  item->name, item->sha256);
        unlink(temporary);
        whole = false;
    } else if (whole && (fsync(part.file) != 0 || rename(temporary, path) != 0)) {
        cli_error(args->command, "%s: %s", path, strerror(errno));
        whole = false;
    }
    close(part.file);
    return whole;
}

/* ---- all of them -------------------------------------------------------------------------------
 */

/* The files of the list, or the one that --only names. */
static int fetch_list(const struct remote *remote, const char *folder, const json_t *list)
{
    const struct cli_args *args = remote->args;
    const char *job = args->operand[0], *only = args->text[CLI_OPT_ONLY];
    const json_t *value;
    bool found = false;
    size_t i;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_error(args->command, "%s: %s", folder, strerror(errno));
        return CLI_FAILURE;
    }
    json_array_foreach(list, i, value)
    {
        struct item item;

        if (!read_item(value, &item)) {
            cli_error(args->command, "%s lists what is no file of a job", remote->server.url);
            return CLI_FAILURE;
        }
        if (only && strcmp(only, item.name) != 0)
            continue;
        found = true;
        if (!fetch(remote, job, folder, &item))
            return CLI_FAILURE;
        if (!args->json)
            printf("%s/%s\n", folder, item.name);
    }
    if (found)
        return CLI_OK;
    cli_error(args->command, "%s has no file '%s'", job, only ? only : "");
    return CLI_FAILURE;
}

static int run_download(const struct cli_args *args)
{
    const char *out = args->text[CLI_OPT_JOB_FOLDER], *folder = out ? out : args->operand[0];
    char path[REMOTE_PATH_SIZE];
    struct remote remote;
    json_t *answer, *list;
    int code = CLI_FAILURE;

    if (!remote_path(args->command, REMOTE_JOB, args->operand[0], "/artifacts", path))
        return CLI_USAGE;
    if (!remote_begin(args, &remote))
        return CLI_FAILURE;
    answer = remote_get(&remote, path);
    list = json_object_get(answer, "items");
    if (answer && json_array_size(list) == 0)
        cli_error(args->command, "%s has no files; only a job that has succeeded has",
                  args->operand[0]);
    else if (answer)
        code = fetch_list(&remote, folder, list);
    if (code == CLI_OK && args->json)
        code =
            cli_print_json(args->command, json_pack("{s:s, s:O}", "folder", folder, "items", list));
    json_decref(answer);
    remote_end(&remote);
    return code;
}

const struct cli_command cli_remote_download = {
    .name = "remote download",
    .summary = "Fetch a job's files, verified by their digests",
    .operands = "JOB",
    .operand_count = 1,
    .options = {CLI_OPT_JOB_FOLDER, CLI_OPT_ONLY, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_download,
};
