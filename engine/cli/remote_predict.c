/* remote_predict.c - fsnet remote predict: what a network of the service takes images for, or which
 * objects it finds in them; an image is a call. */
#include "remote.h"

#include <string.h>
#include <unistd.h>

/* ---- what is asked -----------------------------------------------------------------------------
 */

/* The path of the network: a model's, or that of a job's file. */
static bool network_path(const struct cli_args *args, char path[REMOTE_PATH_SIZE])
{
    const char *id = args->operand[0], *file = args->text[CLI_OPT_OF_FILE];
    const enum remote_kind kind = remote_kind_of(id);
    char rest[REMOTE_NAME_SIZE + 32];

    snprintf(rest, sizeof rest, "/artifacts/%.100s/predict", file ? file : "model.onnx");
    if (kind == REMOTE_DATASET)
        cli_error(args->command, "'%.100s' is a data set; a model predicts, or a job's file", id);
    else if (file && kind == REMOTE_MODEL)
        cli_error(args->command, "--file names one of a job's files; '%.100s' is a model", id);
    else if (file && !remote_is_file_name(file))
        cli_error(args->command, "--file: '%.100s' is no name of a job's file", file);
    else
        return remote_path(args->command, kind, id, kind == REMOTE_MODEL ? "/predict" : rest, path);
    return false;
}

/* The options as parameters. Settings are called as in the spec, without their group; the service
 * judges them, and knows what a network takes. */
static bool build_query(const struct cli_args *args, const char *path, struct remote_query *query)
{
    const char *top = args->text[CLI_OPT_TOP];

    remote_query_begin(query, path);
    /* (A default is the fallback itself. It is not sent: a detector has no use for it.) */
    remote_query_add(query, "k", top == cli_options[CLI_OPT_TOP].fallback ? NULL : top);
    remote_query_add(query, "dataset_id", args->text[CLI_OPT_NAMES_OF_ID]);
    for (int i = 0; cli_option_at(args->command, i) != CLI_OPT_HELP; i++) {
        const enum cli_option_id id = cli_option_at(args->command, i);

        if (cli_options[id].kind == CLI_SPEC)
            remote_query_add(query, strrchr(cli_options[id].more, '/') + 1, args->text[id]);
    }
    if (query->full)
        cli_error(args->command, "the options are too long");
    return !query->full;
}

/* ---- an image ----------------------------------------------------------------------------------
 */

/* What the service answers to the image, new. NULL after saying why not, of which image. */
static json_t *ask(const struct remote *remote, const char *path, const char *image)
{
    int64_t bytes;
    const int file =
        remote_open_file(remote->args->command, image, "images are sent one by one", &bytes);
    json_t *answer = NULL;

    if (file < 0)
        return NULL;
    answer = remote_json(remote, &(struct remote_call){.method = "POST",
                                                       .path = path,
                                                       .file = &file,
                                                       .file_bytes = bytes,
                                                       .file_type = "application/octet-stream",
                                                       .tries = REMOTE_TRIES});
    if (!answer)
        fprintf(stderr, "  image: %s\n", image);
    close(file);
    return answer;
}

/* The answer's one item, borrowed; NULL: it is not as the service answers. */
static json_t *item_of(const json_t *answer)
{
    const json_t *items = json_object_get(answer, "items");
    json_t *item = json_array_get(items, 0);

    return json_array_size(items) == 1 && (json_is_array(json_object_get(item, "top")) ||
                                           json_is_array(json_object_get(item, "objects")))
               ? item
               : NULL;
}

static void print_item(const char *image, const json_t *item)
{
    const json_t *top = json_object_get(item, "top");

    if (json_is_array(top))
        cli_print_choices(image, top);
    else
        cli_print_objects(image, json_object_get(item, "objects"));
}

/* Asks for one image after the other. With --json what came is in *all: one answer of the service's
 * form, each item with its image. */
static int predict(const struct remote *remote, const char *path, json_t **all)
{
    const struct cli_args *args = remote->args;

    for (int i = 0; i < args->more_count; i++) {
        const char *image = args->more[i];
        json_t *answer = ask(remote, path, image), *item = item_of(answer);

        if (!item) {
            if (answer)
                remote_say_strange(remote, 200);
            json_decref(answer);
            return CLI_FAILURE;
        }
        if (!args->json) {
            print_item(image, item);
            json_decref(answer);
            continue;
        }
        json_object_set_new(item, "image", cli_path_json(image));
        if (*all) {
            json_array_append(json_object_get(*all, "items"), item);
            json_decref(answer);
        } else {
            *all = answer;
        }
    }
    return CLI_OK;
}

static int run_predict(const struct cli_args *args)
{
    struct remote_query query;
    struct remote remote;
    char path[REMOTE_PATH_SIZE];
    json_t *all = NULL;
    int code;

    if (!network_path(args, path) || !build_query(args, path, &query))
        return CLI_USAGE;
    if (!remote_begin(args, &remote))
        return CLI_FAILURE;
    code = predict(&remote, query.path, &all);
    remote_end(&remote);
    if (code == CLI_OK && args->json)
        return cli_print_json(args->command, all);
    json_decref(all);
    return code;
}

static void more_help(void)
{
    printf("\nOf a job's file, what is not given is as in the job's spec.\n");
}

const struct cli_command cli_remote_predict = {
    .name = "remote predict",
    .summary =
        "Tell what a model, or a job's file, takes images for, or which objects it finds in them",
    .operands = "MODEL|JOB IMAGE...",
    .operand_count = 1,
    .more_operands = true,
    .options = {CLI_OPT_OF_FILE, CLI_OPT_TOP, CLI_OPT_NAMES_OF_ID, CLI_OPT_MEAN, CLI_OPT_STD,
                CLI_OPT_SCALE, CLI_OPT_RESIZE, CLI_OPT_CROP, CLI_OPT_OUTPUT, CLI_OPT_LOCATIONS,
                CLI_OPT_CONFIDENCES, CLI_OPT_DEFAULT_BOXES, CLI_OPT_SCORE, CLI_OPT_IOU,
                CLI_OPT_CANDIDATES, CLI_OPT_KEEP, REMOTE_OPTIONS, CLI_OPT_JSON},
    .orders = true, /* the service judges settings */
    .more_help = more_help,
    .run = run_predict,
};
