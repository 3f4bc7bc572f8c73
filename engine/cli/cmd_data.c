/* cmd_data.c - fsnet data: what a data set is, with every image of it looked at. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const split_names[FSN_SPLIT_COUNT] = {"train", "test"};

static void print_range(const struct fsn_range *range)
{
    if (range->min == range->max)
        printf("%d", range->min);
    else
        printf("%d to %d", range->min, range->max);
}

static void print_split(const struct fsn_dataset_info *info, enum fsn_split split)
{
    const struct fsn_object_counts *objects = &info->objects[split];
    const struct fsn_pixel_counts *pixels = &info->pixels[split];

    printf("%-6s %s images", split_names[split], CLI_GROUPED(info->images[split]));
    if (split == FSN_SPLIT_TEST && info->split_made)
        printf(" (a tenth%s: the set has none of its own)",
               info->segmentation || info->detection ? " of all"
               : info->classes > 0                   ? " of each class"
                                                     : " of all, by the order of names");
    if (info->detection)
        printf(", %s objects (%s difficult, %s truncated)", CLI_GROUPED(objects->count),
               CLI_GROUPED(objects->difficult), CLI_GROUPED(objects->truncated));
    if (info->segmentation)
        printf(", %s pixels with a class (%s without)", CLI_GROUPED(pixels->labelled),
               CLI_GROUPED(pixels->none));
    printf("\n");
}

/* Boxes that were left out, with what is wrong with each. */
static void print_bad_boxes(const struct fsn_bad_boxes *bad)
{
    if (bad->count == 0)
        return;
    printf("\nboxes left out: %s\n", CLI_GROUPED(bad->count));
    for (int64_t i = 0; i < bad->count && i < FSN_MAX_BAD_BOXES; i++) {
        const struct fsn_bad_box *box = &bad->listed[i];

        printf("%s: '%s' (%g, %g, %g, %g): %s\n", box->image, box->class_name, box->given[0],
               box->given[1], box->given[2], box->given[3], fsn_box_fault_name(box->fault));
    }
    if (bad->count > FSN_MAX_BAD_BOXES)
        printf("and more\n");
}

static void print_info(const struct fsn_dataset_info *info)
{
    printf("format %s, ", info->format);
    if (info->classes > 0)
        printf("%d classes, ", info->classes);
    else
        printf("no classes, ");
    printf("%s, ", info->channels == 1 ? "grey" : "colour");
    print_range(&info->width_range);
    printf(" pixels wide, ");
    print_range(&info->height_range);
    printf(" high\n");
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        print_split(info, (enum fsn_split)s);
    if (info->unused_images > 0)
        printf("unused %s images\n", CLI_GROUPED(info->unused_images));
    if (info->classes == 0)
        return;
    printf("\n%-6s %-24s %10s %10s\n", "class", "name", split_names[0], split_names[1]);
    for (int c = 0; c < info->classes; c++)
        printf("%-6d %-24s %10s %10s\n", c, info->class_names ? info->class_names[c] : "",
               CLI_GROUPED(info->per_class[FSN_SPLIT_TRAIN][c]),
               CLI_GROUPED(info->per_class[FSN_SPLIT_TEST][c]));
    print_bad_boxes(&info->bad_boxes);
    if (info->first_pixel_file)
        printf("\nboxes count pixels from 0: %s has a side below 1\n", info->first_pixel_file);
    else if (info->first_pixel == 1)
        printf("\nboxes count pixels from 1\n");
    if (info->detection)
        printf("\na set of boxes, for detectors\n");
    if (info->segmentation)
        printf("\na set of masks, for segmentation: pixels are counted\n");
}

static int run_data(const struct cli_args *args)
{
    struct fsn_dataset *data = NULL;
    struct fsn_dataset_info info;
    struct fsn_error err = {0};
    char *json = NULL;
    int code = CLI_OK;

    if (!cli_open_data(args, args->operand[0], &data))
        return CLI_FAILURE;
    if (fsn_dataset_verify(data, args->spec.threads, &err) != FSN_OK ||
        (args->json && fsn_dataset_summary_json(data, &json, &err) != FSN_OK)) {
        code = cli_fail(args->command, &err, NULL);
    } else if (args->json) {
        printf("%s\n", json);
    } else {
        fsn_dataset_info(data, &info);
        print_info(&info);
    }
    free(json);
    fsn_dataset_destroy(data);
    return code;
}

const struct cli_command cli_data = {
    .name = "data",
    .summary = "Check a data set, and show its classes, splits and sizes",
    .operands = "PATH",
    .operand_count = 1,
    .options = {CLI_OPT_FORMAT, CLI_OPT_THREADS, CLI_OPT_JSON},
    .run = run_data,
};
