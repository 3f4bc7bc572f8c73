/* report_detection.c - report.html on what a detector finds: the average precision of each class,
 * and its precision over recall.
 *
 * A curve has 101 figures: at index r the best precision (0 to 1) that any number of detections
 * with a recall of r / 100 or more has, which is why it never rises (Everingham et al., "The Pascal
 * Visual Object Classes Challenge", 2010, 4.2). */
#include "compress/report_page.h"

#include <math.h>

enum { SHOWN_CLASSES = 100, DRAWN_CURVES = 20 }; /* of more, those that lost most */
enum { POINTS = 101 };
enum { W = 200, H = 170, LEFT = 34, RIGHT = 8, TOP = 8, BOTTOM = 32 };

/* ---- by class -------------------------------------------------------------------------------- */

static double precision_of(const json_t *row, const char *side)
{
    return fsn__number_of(json_object_get(row, side), "ap50");
}

static double change_of(const json_t *row)
{
    return precision_of(row, "compressed") - precision_of(row, "baseline");
}

static void class_name(FILE *out, const json_t *row, const void *about)
{
    fsn__report_class(out, about, fsn__number_of(row, "class"));
}

static void class_before(FILE *out, const json_t *row, const void *about)
{
    const double precision = precision_of(row, "baseline");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(precision).text, "calm", precision / 100, 0);
}

static void class_after(FILE *out, const json_t *row, const void *about)
{
    const double precision = precision_of(row, "compressed");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(precision).text, "sizes", precision / 100, 0);
}

/* A figure of both sides in one cell. */
static void put_both(FILE *out, const json_t *row, const char *key,
                     struct fsn__figure (*show)(double x))
{
    const double before = fsn__number_of(json_object_get(row, "baseline"), key);
    const double after = fsn__number_of(json_object_get(row, "compressed"), key);

    fputs(show(before).text, out);
    if (!isnan(before) || !isnan(after))
        fprintf(out, " \u2192 %s", show(after).text);
}

static void class_coco(FILE *out, const json_t *row, const void *about)
{
    (void)about;
    put_both(out, row, "coco_ap", fsn__show_percent);
}

static void class_found(FILE *out, const json_t *row, const void *about)
{
    (void)about;
    put_both(out, row, "detections", fsn__show_count);
}

static void put_classes(FILE *out, const json_t *classes)
{
    static const struct fsn__column column[] = {
        {.title = "Class", .cell = class_name},
        {"Objects", "number", NULL, "objects", fsn__show_count},
        {"Difficult", "number wide", NULL, "difficult", fsn__show_count},
        {.title = "Baseline", .cell = class_before},
        {.title = "Compressed", .cell = class_after},
        {"Change", "number", NULL, "change", fsn__show_points},
        {.title = "COCO AP", .kind = "number wide", .cell = class_coco},
        {.title = "Detections", .kind = "number wide", .cell = class_found},
    };
    json_t *rows = fsn__report_choose(classes, SHOWN_CLASSES, change_of);

    if (json_array_size(classes) > SHOWN_CLASSES)
        fprintf(out,
                "<p class=\"hint\">The %d classes of %zu that lost most; all are in "
                "report.json.</p>\n",
                SHOWN_CLASSES, json_array_size(classes));
    fsn__html_table(out, "Average precision by class", column, FSN__COLUMNS(column), rows, classes);
    fputs("<p class=\"hint\">Average precision at an overlap (IoU) of a half, the area under the "
          "curve; of what is difficult nothing is asked. COCO AP is the mean over overlaps of 0.5, "
          "0.55 to 0.95.</p>\n",
          out);
    json_decref(rows);
}

/* ---- precision over recall ------------------------------------------------------------------- */

static double place_x(double recall)
{
    return LEFT + recall * (W - LEFT - RIGHT);
}

static double place_y(double precision)
{
    return H - BOTTOM - precision * (H - TOP - BOTTOM);
}

static void draw_axes(FILE *out)
{
    for (int i = 0; i <= 2; i++) {
        const double at = 0.5 * i;

        fprintf(out, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
                i == 0 ? "axis" : "grid", LEFT, W - RIGHT, place_y(at), place_y(at));
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>", LEFT - 5,
                place_y(at) + 4, at);
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%g</text>\n", place_x(at),
                H - BOTTOM + 14, i == 2 ? "end" : "middle", at);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">recall</text>\n",
            (W + LEFT - RIGHT) / 2, H - 5);
}

static const json_t *curve_of(const json_t *row, const char *side)
{
    const json_t *curve = json_object_get(json_object_get(row, "curves"), side);

    return json_array_size(curve) == POINTS ? curve : NULL;
}

/* What is no share of one breaks the line. */
static void draw_curve(FILE *out, const char *kind, const json_t *curve)
{
    const json_t *value;
    const char *pen = "M";
    size_t r;

    if (!curve)
        return;
    fprintf(out, "<path class=\"%s\" d=\"", kind);
    json_array_foreach(curve, r, value)
    {
        const double precision = json_is_number(value) ? json_number_value(value) : NAN;

        if (precision >= 0 && precision <= 1)
            fprintf(out, "%s%.1f %.1f", pen, place_x((double)r / 100), place_y(precision));
        pen = precision >= 0 && precision <= 1 ? "L" : "M";
    }
    fputs("\"/>\n", out);
}

static void draw_class(FILE *out, const json_t *classes, const json_t *row)
{
    const double number = fsn__number_of(row, "class");

    fputs("<figure><figcaption>", out);
    fsn__report_class(out, classes, number);
    fprintf(out,
            "</figcaption>\n<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-labelledby=\"pr-%.0f-title pr-%.0f-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n"
            "<title id=\"pr-%.0f-title\">Precision over recall of class ",
            W, H, number, number, number);
    fprintf(out, "%.0f ", number);
    fsn__html_text(out, fsn__string_of(row, "name"));
    fprintf(
        out,
        "</title>\n<desc id=\"pr-%.0f-desc\">Average precision %s before and %s after.</desc>\n",
        number, fsn__show_percent(precision_of(row, "baseline")).text,
        fsn__show_percent(precision_of(row, "compressed")).text);
    draw_axes(out);
    draw_curve(out, "l3", curve_of(row, "baseline"));
    draw_curve(out, "l1", curve_of(row, "compressed"));
    fputs("</svg></figure>\n", out);
}

static bool has_curve(const json_t *row)
{
    return curve_of(row, "baseline") || curve_of(row, "compressed");
}

/* Classes without objects have no curves, and as no figure either they come last. */
static void put_curves(FILE *out, const json_t *classes)
{
    json_t *rows = fsn__report_choose(classes, DRAWN_CURVES, change_of);
    const json_t *row;
    size_t i, drawn = 0;

    json_array_foreach(rows, i, row) drawn += has_curve(row);
    if (drawn > 0) {
        fputs("<h3>Precision over recall</h3>\n", out);
        if (json_array_size(classes) > DRAWN_CURVES)
            fprintf(out, "<p class=\"hint\">The %zu classes of %zu that lost most.</p>\n", drawn,
                    json_array_size(classes));
        fputs("<div class=\"plots small\">", out);
        json_array_foreach(rows, i, row)
        {
            if (has_curve(row))
                draw_class(out, classes, row);
        }
        fputs("</div>\n<p class=\"hint\">The best precision that is had at a recall or at a higher "
              "one, at an overlap of a half: of the compressed network, and dashed of the "
              "baseline.</p>\n",
              out);
    }
    json_decref(rows);
}

void fsn__report_precision(FILE *out, const json_t *report)
{
    const json_t *classes = json_object_get(json_object_get(report, "detection"), "classes");

    if (json_array_size(classes) == 0)
        return;
    fputs("<section><h2>Classes</h2>\n", out);
    put_classes(out, classes);
    put_curves(out, classes);
    fputs("</section>\n", out);
}
