/* cmd_predict.c - fsnet predict: what a model takes images for, or finds in them. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 64 << 20 };

/* *bytes: new. */
static bool read_file(const struct cli_args *args, const char *path, void **bytes, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *all = malloc(MAX_FILE + 1);
    bool read;

    *size = file && all ? fread(all, 1, MAX_FILE + 1, file) : 0;
    read = file && all && !ferror(file) && *size <= MAX_FILE;
    if (!read)
        cli_error(args->command, "%s: %s", path,
                  *size > MAX_FILE ? "larger than 64 MiB"
                  : file && !all   ? "out of memory"
                                   : strerror(errno));
    if (file)
        fclose(file);
    if (read)
        *bytes = all;
    else
        free(all);
    return read;
}

/* NULL: nobody says. */
static const char *name_of(const struct fsn_dataset_info *names, int64_t class_index)
{
    return names->class_names && class_index < names->classes ? names->class_names[class_index]
                                                              : NULL;
}

/* ---- classes --------------------------------------------------------------------------------- */

static json_t *choices_json(const struct fsn_prediction *prediction,
                            const struct fsn_dataset_info *names)
{
    json_t *choices = json_array();

    for (int i = 0; i < prediction->count; i++) {
        const struct fsn_choice *choice = &prediction->choice[i];

        json_array_append_new(choices, json_pack("{s:I, s:s?, s:o, s:o}", "class",
                                                 (json_int_t)choice->class_index, "name",
                                                 name_of(names, choice->class_index), "probability",
                                                 cli_json_number(choice->probability), "logit",
                                                 cli_json_number(choice->logit)));
    }
    return choices;
}

/* ---- objects --------------------------------------------------------------------------------- */

static json_t *objects_json(const struct fsn_found_objects *found,
                            const struct fsn_dataset_info *names)
{
    json_t *objects = json_array();

    for (int64_t i = 0; i < found->count; i++) {
        const struct fsn_found_object *one = &found->object[i];

        json_array_append_new(
            objects,
            json_pack("{s:I, s:s?, s:o, s:[o,o,o,o]}", "class", (json_int_t)one->class_index,
                      "name", name_of(names, one->class_index), "score",
                      cli_json_number(one->score), "box", cli_json_number(one->box[0]),
                      cli_json_number(one->box[1]), cli_json_number(one->box[2]),
                      cli_json_number(one->box[3])));
    }
    return objects;
}

/* ---- an image ---------------------------------------------------------------------------------
 */

static enum fsn_status tell_objects(const struct cli_args *args, struct fsn_predictor *predictor,
                                    const struct fsn_image *image,
                                    const struct fsn_dataset_info *names, json_t *items,
                                    struct fsn_error *err)
{
    struct fsn_found_objects found;
    json_t *objects;
    enum fsn_status status = fsn_predict_objects(predictor, &args->spec, image, &found, err);

    if (status != FSN_OK)
        return status;
    objects = objects_json(&found, names);
    if (args->json)
        json_array_append_new(items, json_pack("{s:o, s:i, s:i, s:O}", "image",
                                               cli_path_json(image->name), "width", found.width,
                                               "height", found.height, "objects", objects));
    else
        cli_print_objects(image->name, objects);
    json_decref(objects);
    fsn_found_objects_clear(&found);
    return FSN_OK;
}

static enum fsn_status tell_choices(const struct cli_args *args, struct fsn_predictor *predictor,
                                    const struct fsn_image *image,
                                    const struct fsn_dataset_info *names, json_t *items,
                                    struct fsn_error *err)
{
    const int top = (int)args->number[CLI_OPT_TOP];
    struct fsn_prediction made;
    json_t *choices;
    enum fsn_status status = fsn_predict(predictor, &args->spec.preprocess, image, top, &made, err);

    if (status != FSN_OK)
        return status;
    choices = choices_json(&made, names);
    if (args->json)
        json_array_append_new(
            items, json_pack("{s:o, s:O}", "image", cli_path_json(image->name), "top", choices));
    else
        cli_print_choices(image->name, choices);
    json_decref(choices);
    return FSN_OK;
}

/* Options are refused that are for the other kind of network. */
static bool are_of_use(const struct cli_args *args, bool detects)
{
    static const enum cli_option_id of_classes[] = {CLI_OPT_TOP, CLI_OPT_RESIZE, CLI_OPT_CROP,
                                                    CLI_OPT_OUTPUT},
                                    of_objects[] = {CLI_OPT_SCORE, CLI_OPT_IOU, CLI_OPT_CANDIDATES,
                                                    CLI_OPT_KEEP};
    const enum cli_option_id *others = detects ? of_classes : of_objects;

    for (int i = 0; i < 4; i++)
        /* (A default is the fallback itself.) */
        if (args->text[others[i]] && args->text[others[i]] != cli_options[others[i]].fallback) {
            cli_error(args->command, "--%s: %s", cli_options[others[i]].name,
                      detects
                          ? "the network finds objects; this is for one that classifies images"
                          : "the network classifies images; this is for one that finds objects");
            return false;
        }
    return true;
}

static int run_predict(const struct cli_args *args)
{
    struct fsn_dataset_info names = {0};
    struct fsn_predictor_info info;
    struct fsn_predictor *predictor = NULL;
    struct fsn_dataset *data = NULL;
    struct fsn_model *model = NULL;
    json_t *items = json_array();
    struct fsn_error err = {0};
    int code = CLI_FAILURE;

    if (!cli_load_model(args, args->operand[0], &model))
        goto out;
    if (args->text[CLI_OPT_NAMES_OF]) {
        if (!cli_open_data(args, args->text[CLI_OPT_NAMES_OF], &data))
            goto out;
        fsn_dataset_info(data, &names);
    }
    if (fsn_predictor_create(model, &args->spec, &predictor, &err) != FSN_OK) {
        cli_fail(args->command, &err, NULL);
        goto out;
    }
    fsn_predictor_info(predictor, &info);
    if (!are_of_use(args, info.detects))
        goto out;
    for (int i = 0; i < args->more_count; i++) {
        struct fsn_image image = {.name = args->more[i]};
        void *bytes = NULL;
        enum fsn_status status;

        if (!read_file(args, image.name, &bytes, &image.size))
            goto out;
        image.bytes = bytes;
        status = info.detects ? tell_objects(args, predictor, &image, &names, items, &err)
                              : tell_choices(args, predictor, &image, &names, items, &err);
        free(bytes);
        if (status != FSN_OK) {
            cli_fail(args->command, &err, NULL);
            goto out;
        }
    }
    code = CLI_OK;
    if (args->json)
        code = cli_print_json(
            args->command,
            json_pack("{s:o, s:O}", "model", cli_path_json(args->operand[0]), "items", items));
out:
    json_decref(items);
    fsn_predictor_destroy(predictor);
    fsn_dataset_destroy(data);
    fsn_model_destroy(model);
    return code;
}

const struct cli_command cli_predict = {
    .name = "predict",
    .summary = "Tell what a model takes JPEG and PNG images for, or which objects it finds in them",
    .operands = "MODEL IMAGE...",
    .operand_count = 1,
    .more_operands = true,
    .options = {CLI_OPT_TOP, CLI_OPT_NAMES_OF, CLI_OPT_FORMAT, CLI_OPT_MEAN, CLI_OPT_STD,
                CLI_OPT_SCALE, CLI_OPT_RESIZE, CLI_OPT_CROP, CLI_OPT_JOB_TASK, CLI_OPT_OUTPUT,
                CLI_OPT_LOCATIONS, CLI_OPT_CONFIDENCES, CLI_OPT_DEFAULT_BOXES, CLI_OPT_SCORE,
                CLI_OPT_IOU, CLI_OPT_CANDIDATES, CLI_OPT_KEEP, CLI_OPT_SPEC, CLI_OPT_JSON},
    .run = run_predict,
};
