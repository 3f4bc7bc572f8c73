/* remote_upload.c - fsnet remote upload-model and upload-data: a file becomes a resource, whose id
 * is printed. */
#include "remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "kind ..., name ..., format ..." with values in BASE64, new; NULL: no memory. */
static char *metadata_of(const struct cli_args *args, const char *kind)
{
    const char *slash = strrchr(args->operand[0], '/');
    const char *base = slash ? slash + 1 : args->operand[0];
    const char *given = args->text[CLI_OPT_NAME], *asked = args->text[CLI_OPT_FORMAT];
    char *name = remote_base64(given ? given : base), *code = remote_base64(kind);
    char *format = remote_base64(asked ? asked : ""), *text = NULL;

    if (name && code && format &&
        asprintf(&text, "kind %s,name %s%s%s", code, name, asked ? ",format " : "", format) < 0)
        text = NULL;
    free(name);
    free(code);
    free(format);
    return text;
}

/* Sends the file; the resource that it has become, new, whose content is that of the file. NULL
 * after saying why not. */
static json_t *send_file(const struct remote *remote, const char *kind, int file)
{
    const struct cli_args *args = remote->args;
    char hex[REMOTE_SHA256_SIZE], resource[REMOTE_PATH_SIZE];
    char *metadata = metadata_of(args, kind);
    json_t *made = NULL;
    int64_t bytes = 0;

    if (!metadata)
        cli_error(args->command, "out of memory");
    else if (!remote_digest(file, hex, &bytes))
        cli_error(args->command, "%s: %s", args->operand[0], strerror(errno));
    else if (remote_send(remote, file, bytes, hex, metadata, resource))
        made = remote_get(remote, resource);
    free(metadata);
    if (made && strcmp(remote_text(made, "sha256"), hex) != 0) {
        cli_error(args->command, "%s is not what was sent: its SHA-256 is not %s", resource, hex);
        json_decref(made);
        made = NULL;
    }
    return made;
}

static int upload(const struct cli_args *args, const char *kind)
{
    const int file = remote_open_file(args->command, args->operand[0],
                                      "the service takes an archive of it (.tar.gz)", NULL);
    struct remote remote;
    json_t *made = NULL;
    int code = CLI_FAILURE;

    if (file < 0)
        return CLI_FAILURE;
    if (remote_begin(args, &remote)) {
        made = send_file(&remote, kind, file);
        remote_end(&remote);
    }
    close(file);
    if (made)
        remote_tell_left_out(args->command, made);
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
    return upload(args, "model");
}

static int run_upload_data(const struct cli_args *args)
{
    return upload(args, "dataset");
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
