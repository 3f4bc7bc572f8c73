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

static void print_choices(const char *path, const json_t *choices)
{
    size_t i;
    json_t *choice;

    printf("%s\n", path);
    json_array_foreach(choices, i, choice)
    {
        const char *name = json_string_value(json_object_get(choice, "name"));

        printf("  %6.2f %%  class %lld%s%s\n",
               100 * json_real_value(json_object_get(choice, "probability")),
               (long long)json_integer_value(json_object_get(choice, "class")), name ? "  " : "",
               name ? name : "");
    }
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

static void print_objects(const char *path, const struct fsn_found_objects *found,
                          const struct fsn_dataset_info *names)
{
    printf("%s\n", path);
    if (found->count == 0)
        puts("  nothing");
    for (int64_t i = 0; i < found->count; i++) {
        const struct fsn_found_object *one = &found->object[i];
        const char *name = name_of(names, one->class_index);

        printf("  %5.3f  class %lld%s%s  from %.1f, %.1f to %.1f, %.1f\n", one->score,
               (long long)one->class_index, name ? "  " : "", name ? name : "", one->box[0],
               one->box[1], one->box[2], one->box[3]);
    }
}

/* ---- an image ---------------------------------------------------------------------------------
 */

/* What is said of it is printed, and its item is new; NULL: err says why there is none. */
static json_t *predict_image(const struct cli_args *args, struct fsn_predictor *predictor,
                             const struct fsn_image *image, const struct fsn_dataset_info *names,
                             struct fsn_error *err)
{
    const int top = (int)args->number[CLI_OPT_TOP];
    struct fsn_predictor_info info;
    struct fsn_found_objects found;
    struct fsn_prediction made;
    json_t *item;

    fsn_predictor_info(predictor, &info);
    if (info.detects) {
        if (fsn_predict_objects(predictor, &args->spec, image, &found, err) != FSN_OK)
            return NULL;
        item = json_pack("{s:s, s:i, s:i, s:o}", "image", image->name, "width", found.width,
                         "height", found.height, "objects", objects_json(&found, names));
        if (!args->json)
            print_objects(image->name, &found, names);
        fsn_found_objects_clear(&found);
        return item;
    }
    if (fsn_predict(predictor, &args->spec.preprocess, image, top, &made, err) != FSN_OK)
        return NULL;
    item = json_pack("{s:s, s:o}", "image", image->name, "top", choices_json(&made, names));
    if (!args->json)
        print_choices(image->name, json_object_get(item, "top"));
    return item;
}

static int run_predict(const struct cli_args *args)
{
    struct fsn_dataset_info names = {0};
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
    for (int i = 0; i < args->more_count; i++) {
        struct fsn_image image = {.name = args->more[i]};
        void *bytes = NULL;
        json_t *item;

        if (!read_file(args, image.name, &bytes, &image.size))
            goto out;
        image.bytes = bytes;
        item = predict_image(args, predictor, &image, &names, &err);
        free(bytes);
        if (!item) {
            cli_fail(args->command, &err, NULL);
            goto out;
        }
        json_array_append_new(items, item);
    }
    code = CLI_OK;
    if (args->json)
        code = cli_print_json(args->command,
                              json_pack("{s:s, s:O}", "model", args->operand[0], "items", items));
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
                CLI_OPT_SCALE, CLI_OPT_RESIZE, CLI_OPT_CROP, CLI_OPT_TASK, CLI_OPT_OUTPUT,
                CLI_OPT_LOCATIONS, CLI_OPT_CONFIDENCES, CLI_OPT_DEFAULT_BOXES, CLI_OPT_SCORE,
                CLI_OPT_IOU, CLI_OPT_CANDIDATES, CLI_OPT_KEEP, CLI_OPT_SPEC, CLI_OPT_JSON},
    .run = run_predict,
};
