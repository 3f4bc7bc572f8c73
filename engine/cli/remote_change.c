/* remote_change.c - fsnet remote change: what is said of a job, as a merge patch. */
#include "remote.h"

#include <stdlib.h>

/* The options as a merge patch (RFC 7396), text, new. NULL, and an exit code, after saying why not.
 */
static char *patch_text(const struct cli_args *args, int *code)
{
    const char *keep = args->text[CLI_OPT_KEEP_JOB];
    json_t *patch = json_object();
    char *text = NULL;

    *code = CLI_FAILURE;
    if (!patch || (keep && json_object_set_new(patch, "keep", json_boolean(keep[1] == 'n')) != 0))
        cli_error(args->command, "out of memory");
    else if (remote_put_fields(args, true, patch))
        text = json_dumps(patch, JSON_COMPACT);
    if (text && json_object_size(patch) == 0) {
        cli_error(args->command, "nothing is to be changed; see 'fsnet %s --help'",
                  args->command->name);
        *code = CLI_USAGE;
        free(text);
        text = NULL;
    }
    json_decref(patch);
    return text;
}

static int run_change(const struct cli_args *args)
{
    char path[REMOTE_PATH_SIZE], *text;
    struct remote remote;
    json_t *job = NULL;
    int code;

    if (!remote_path(args->command, REMOTE_JOB, args->operand[0], "", path))
        return CLI_USAGE;
    text = patch_text(args, &code);
    if (text && remote_begin(args, &remote)) {
        /* (Made twice, it is the same change.) */
        job = remote_json(
            &remote, &(struct remote_call){
                         .method = "PATCH", .path = path, .body = text, .tries = REMOTE_TRIES});
        remote_end(&remote);
    }
    free(text);
    return job ? remote_tell(args, job, remote_print_job) : code;
}

const struct cli_command cli_remote_change = {
    .name = "remote change",
    .summary = "Change what is said of a job: name, labels, priority, bound, whether it is kept",
    .operands = "JOB",
    .operand_count = 1,
    .options = {REMOTE_FIELD_OPTIONS, CLI_OPT_KEEP_JOB, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_change,
};
