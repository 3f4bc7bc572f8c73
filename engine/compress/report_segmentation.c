/* report_segmentation.c - report.html on a network that segments: the IoU of each class. */
#include "compress/report_page.h"

enum { SHOWN_CLASSES = 100 }; /* of more, those that lost most */

static double iou_of(const json_t *row, const char *side)
{
    return fsn__number_of(json_object_get(row, side), "iou");
}

static double change_of(const json_t *row)
{
    return iou_of(row, "compressed") - iou_of(row, "baseline");
}

static void class_name(FILE *out, const json_t *row, const void *about)
{
    fsn__report_class(out, about, fsn__number_of(row, "class"));
}

static void class_before(FILE *out, const json_t *row, const void *about)
{
    const double iou = iou_of(row, "baseline");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(iou).text, "calm", iou / 100, 0);
}

static void class_after(FILE *out, const json_t *row, const void *about)
{
    const double iou = iou_of(row, "compressed");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(iou).text, "sizes", iou / 100, 0);
}

void fsn__report_segmentation(FILE *out, const json_t *report)
{
    static const struct fsn__column column[] = {
        {.title = "Class", .cell = class_name},
        {"Pixels", "number", NULL, "pixels", fsn__show_count},
        {.title = "Baseline", .cell = class_before},
        {.title = "Compressed", .cell = class_after},
        {"Change", "number", NULL, "change", fsn__show_points},
    };
    const json_t *segmentation = json_object_get(report, "segmentation");
    const json_t *classes = json_object_get(segmentation, "classes");
    json_t *rows;

    if (json_array_size(classes) == 0)
        return;
    rows = fsn__report_choose(classes, SHOWN_CLASSES, change_of);
    fputs("<section><h2>Classes</h2>\n", out);
    if (json_array_size(classes) > SHOWN_CLASSES)
        fprintf(out,
                "<p class=\"hint\">The %d classes of %zu that lost most; all are in "
                "report.json.</p>\n",
                SHOWN_CLASSES, json_array_size(classes));
    fsn__html_table(out, "IoU by class", column, FSN__COLUMNS(column), rows, classes);
    fprintf(out,
            "<p class=\"hint\">Of %s pixels with a class: those that are of it and taken for it, "
            "over those that are either (IoU). %s pixels have no class and do not count.</p>"
            "</section>\n",
            fsn__show_count(fsn__number_of(segmentation, "pixels")).text,
            fsn__show_count(fsn__number_of(segmentation, "void")).text);
    json_decref(rows);
}
