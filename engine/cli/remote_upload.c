/* remote_upload.c - fsnet remote upload-model and upload-data: a file becomes a resource, whose id
 * is printed. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file, open; -1 after saying why not. */
static int open_file(const struct cli_args *args, const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    if (file < 0 || fstat(file, &info) != 0)
        cli_error(args->command, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        cli_error(args->command, "%s is a folder; the service takes an archive of it (.tar.gz)",
                  path);
    else if (!S_ISREG(info.st_mode))
        cli_error(args->command, "%s is no file", path);
    else
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

/* "/v1/models?name=NAME", and the format of a data set, new; NULL: no memory. */
static char *upload_path(const struct cli_args *args, const char *resource)
{
    const char *slash = strrchr(args->operand[0], '/');
    const char *base = slash ? slash + 1 : args->operand[0];
    const char *format = args->text[CLI_OPT_FORMAT];
    char *name = remote_escape(args->text[CLI_OPT_NAME] ? args->text[CLI_OPT_NAME] : base);
    char *path = NULL;

    if (name && asprintf(&path, "%s?name=%s%s%s", resource, name, format ? "&format=" : "",
                         format ? format : "") < 0)
        path = NULL;
    free(name);
    return path;
}

static bool on_progress(void *user, int64_t done)
{
    remote_transfer_step(user, done);
    return true;
}

/* Sends the file; the resource that it has become, new. NULL after saying why not. */
static json_t *send_file(const struct remote *remote, const char *resource, int file)
{
    const struct cli_args *args = remote->args;
    char hex[REMOTE_SHA256_SIZE], digest[REMOTE_DIGEST_FIELD_SIZE], header[128];
    struct remote_transfer transfer;
    char *path = upload_path(args, resource);
    json_t *made = NULL;
    int64_t bytes = 0;

    if (!path) {
        cli_error(args->command, "out of memory");
    } else if (!remote_digest(file, hex, digest, &bytes)) {
        cli_error(args->command, "%s: %s", args->operand[0], strerror(errno));
    } else {
        snprintf(header, sizeof header, "Content-Digest: %s", digest);
        remote_transfer_begin(&transfer, args->operand[0], bytes, 0);
        made = remote_json(remote, &(struct remote_call){.method = "POST",
                                                         .path = path,
                                                         .file = &file,
                                                         .file_bytes = bytes,
                                                         .headers = {header},
                                                         .progress = on_progress,
                                                         .user = &transfer});
        remote_transfer_end(&transfer, "sent", made ? bytes : -1);
    }
    free(path);
    return made;
}

static int upload(const struct cli_args *args, const char *resource)
{
    const int file = open_file(args, args->operand[0]);
    struct remote remote;
    json_t *made = NULL;
    int code = CLI_FAILURE;

    if (file < 0)
        return CLI_FAILURE;
    if (remote_begin(args, &remote)) {
        made = send_file(&remote, resource, file);
        remote_end(&remote);
    }
    close(file);
    if (made && args->json)
        return cli_print_json(args->command, made);
    if (made) {
        printf("%s\n", remote_text(made, "id"));
        code = CLI_OK;
    }
    json_decref(made);
    return code;
}

static int run_upload_model(const struct cli_args *args)
{
    return upload(args, "/v1/models");
}

static int run_upload_data(const struct cli_args *args)
{
    return upload(args, "/v1/datasets");
}

const struct cli_command cli_remote_upload_model = {
    .name = "remote upload-model",
    .summary = "Send a trained network (ONNX); its id is printed",
    .operands = "FILE",
    .operand_count = 1,
    .options = {CLI_OPT_NAME, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_upload_model,
};

const struct cli_command cli_remote_upload_data = {
    .name = "remote upload-data",
    .summary = "Send an archive of labelled images; its id is printed",
    .operands = "FILE",
    .operand_count = 1,
    .options = {CLI_OPT_NAME, CLI_OPT_FORMAT, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_upload_data,
};
