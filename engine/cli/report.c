/* report.c - a job's report in short, from its JSON: as `fsnet compress` ends, and `fsnet remote
 * report`. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double number_at(const json_t *report, const char *group, const char *key)
{
    return json_number_value(json_object_get(json_object_get(report, group), key));
}

/* "" where there is no text: what comes from a service may lack it. */
static const char *text_of(const json_t *value)
{
    const char *text = json_string_value(value);

    return text ? text : "";
}

static bool has_figure(const json_t *report, const char *key)
{
    return json_is_number(json_object_get(json_object_get(report, "compressed"), key));
}

static bool does(const json_t *report, const char *task)
{
    return strcmp(text_of(json_object_get(report, "task")), task) == 0;
}

/* By its task, or by what a data set with labels says of outputs that were distilled. */
static bool detects(const json_t *report)
{
    return does(report, "detect") || (does(report, "distill") && has_figure(report, "map50"));
}

/* What masks say of outputs that were distilled. */
static bool segments(const json_t *report)
{
    return has_figure(report, "miou");
}

/* A network that is distilled may have no figures but those of its outputs. */
static bool classifies(const json_t *report)
{
    return !segments(report) && !detects(report) &&
           (!does(report, "distill") || has_figure(report, "top1"));
}

/* What both networks are judged by; "": there is nothing. */
static const char *figure_of(const json_t *report)
{
    return detects(report) ? "map50" : segments(report) ? "miou" : classifies(report) ? "top1" : "";
}

static double real_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void print_row(const json_t *report, const char *title, const char *key, bool whole)
{
    const char *groups[] = {"baseline", "compressed"};

    printf("%-22s", title);
    for (int i = 0; i < 2; i++) {
        const json_t *value = json_object_get(json_object_get(report, groups[i]), key);

        if (!json_is_number(value))
            printf(" %14s", "-");
        else if (whole)
            printf(" %14s", CLI_GROUPED(json_integer_value(value)));
        else
            printf(" %14.4g", json_number_value(value));
    }
    putchar('\n');
}

/* What a search has tried, and what the file that it chose loses where nothing was chosen. */
static void print_search(const json_t *search)
{
    const json_t *candidate, *unseen = json_object_get(search, "unseen");
    const json_int_t chosen = json_integer_value(json_object_get(search, "chosen"));
    size_t i;

    printf("\n%-22s %14s %14s\n", "candidate", "bytes", "drop, points");
    json_array_foreach(json_object_get(search, "candidates"), i, candidate)
    {
        const json_t *drop = json_object_get(candidate, "drop");

        printf("%-22zu %14s", i + 1,
               CLI_GROUPED(json_integer_value(json_object_get(candidate, "size_bytes"))));
        if (json_is_number(drop))
            printf(" %14.2f", json_number_value(drop));
        else
            printf(" %14s", "diverged");
        printf("%s%s\n", json_is_true(json_object_get(candidate, "pareto")) ? "  front" : "",
               (json_int_t)i == chosen ? "  chosen" : "");
    }
    printf("on %s test images without a part in the choice: ",
           CLI_GROUPED(json_integer_value(json_object_get(unseen, "images"))));
    if (!json_is_number(json_object_get(unseen, "drop"))) {
        puts("nothing can be told"); /* as of masks without a class */
        return;
    }
    printf("drop %.2f", real_of(unseen, "drop"));
    if (json_is_number(json_object_get(unseen, "drop_error"))) /* a detector's is not known */
        printf(" +- %.2f", real_of(unseen, "drop_error"));
    puts(" points");
}

/* What to give --exclude first; moved: in what it is said how far each moves the outputs, NULL: it
 * is said in points. */
static void print_exclusions(const json_t *exclusions, const char *moved)
{
    const char *key = moved ? "alone_divergence" : "alone_top1_drop";
    const json_t *layer;
    size_t i;

    if (json_array_size(exclusions) > 0)
        printf("\n%-22s %14s %14s\n", "to exclude first", moved ? moved : "points alone",
               "bytes more");
    json_array_foreach(exclusions, i, layer)
    {
        printf("%-22s %14.*f %14s\n", text_of(json_object_get(layer, "name")), moved ? 4 : 2,
               json_number_value(json_object_get(layer, key)),
               CLI_GROUPED(json_integer_value(json_object_get(layer, "added_bytes"))));
    }
}

static void print_classifier(const json_t *report)
{
    print_row(report, "top1 %", "top1", false);
    print_row(report, "top5 %", "top5", false);
    print_row(report, "loss", "loss", false);
}

static void print_detector(const json_t *report)
{
    print_row(report, "mAP@.5 %", "map50", false);
    print_row(report, "11 points %", "map07", false);
    print_row(report, "COCO AP %", "coco_ap", false);
    print_row(report, "AP50 %", "coco_ap50", false);
    print_row(report, "AP75 %", "coco_ap75", false);
    print_row(report, "detections", "detections", true);
}

static void print_segmenter(const json_t *report)
{
    print_row(report, "mIoU %", "miou", false);
    print_row(report, "pixel accuracy %", "pixel_accuracy", false);
}

/* Of a network that is distilled: what training had to mend, and what is left. */
static void print_outputs(const json_t *outputs)
{
    const json_t *output;
    size_t i;

    if (json_array_size(outputs) > 0)
        printf("\n%-22s %14s %14s %14s\n", "relative error", "by", "before tuning", "compressed");
    json_array_foreach(outputs, i, output)
    {
        printf("%-22s %14s", text_of(json_object_get(output, "name")),
               text_of(json_object_get(output, "loss")));
        for (int k = 0; k < 2; k++) {
            const double error = real_of(output, k == 0 ? "start_error" : "error");

            if (isnan(error))
                printf(" %14s", "-");
            else
                printf(" %14.4f", error);
        }
        putchar('\n');
    }
}

/* Average precision (or IoU) of each class of the data set, by both networks; of: objects or pixels
 * of the class. */
static void print_classes(const json_t *classes, const char *title, const char *of, const char *key)
{
    const json_t *class;
    size_t i;

    if (json_array_size(classes) > 0)
        printf("\n%-22s %14s %14s %14s\n", title, of, "baseline", "compressed");
    json_array_foreach(classes, i, class)
    {
        const char *name = text_of(json_object_get(class, "name"));
        char number[32];

        snprintf(number, sizeof number, "%zu", i);
        printf("%-22s %14s %14s %14s\n", *name ? name : number,
               CLI_GROUPED(json_integer_value(json_object_get(class, of))),
               CLI_PERCENT(real_of(json_object_get(class, "baseline"), key)),
               CLI_PERCENT(real_of(json_object_get(class, "compressed"), key)));
    }
}

void cli_print_report(const json_t *report)
{
    const bool detection = detects(report);
    const json_t *warning, *int8 = json_object_get(report, "int8");
    size_t i;

    printf("%-22s %14s %14s\n", "", "baseline", "compressed");
    if (detection)
        print_detector(report);
    else if (segments(report))
        print_segmenter(report);
    else if (classifies(report))
        print_classifier(report);
    print_row(report, "bytes", "size_bytes", true);
    print_row(report, "parameters", "parameters", true);
    print_row(report, "effective parameters", "effective_parameters", true);
    print_row(report, "MACs", "macs", true);
    printf("\nsmaller by: file %.1f, parameters %.1f, effective parameters %.1f\n",
           number_at(report, "ratios", "disk"), number_at(report, "ratios", "parameters"),
           number_at(report, "ratios", "effective"));
    if (json_is_object(int8) && !*figure_of(report))
        printf("in 8-bit integers: file %lld bytes\n",
               (long long)json_integer_value(json_object_get(int8, "size_bytes")));
    else if (json_is_object(int8))
        printf("in 8-bit integers: %s %.2f %%, file %lld bytes\n",
               detection          ? "mAP@.5"
               : segments(report) ? "mIoU"
                                  : "top1",
               json_number_value(json_object_get(int8, figure_of(report))),
               (long long)json_integer_value(json_object_get(int8, "size_bytes")));
    if (json_is_object(json_object_get(report, "search")))
        print_search(json_object_get(report, "search"));
    print_outputs(json_object_get(report, "outputs"));
    print_classes(json_object_get(json_object_get(report, "detection"), "classes"), "AP@.5 %",
                  "objects", "ap50");
    print_classes(json_object_get(json_object_get(report, "segmentation"), "classes"), "IoU %",
                  "pixels", "iou");
    print_exclusions(json_object_get(report, "exclude_first"), detection          ? "nats alone"
                                                               : segments(report) ? "spread alone"
                                                                                  : NULL);
    json_array_foreach(json_object_get(report, "warnings"), i, warning)
    {
        printf("warning: %s\n", text_of(warning));
    }
}
