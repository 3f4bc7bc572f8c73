/* report_classes.c - report.html on classes: the accuracy of each, and what is taken for what. */
#include "compress/report_page.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWN_CLASSES = 40 }; /* of more, there is no picture, and tables are cut */

/* ---- by class -------------------------------------------------------------------------------- */

void fsn__report_class(FILE *out, const json_t *classes, double number)
{
    const json_t *row =
        number >= 0 && number < 1e9 ? json_array_get(classes, (size_t)number) : NULL;

    fprintf(out, "%s", fsn__show_count(number).text);
    if (*fsn__string_of(row, "name")) {
        fputs(" <span class=\"name\">", out);
        fsn__html_text(out, fsn__string_of(row, "name"));
        fputs("</span>", out);
    }
}

static void class_name(FILE *out, const json_t *row, const void *about)
{
    fsn__report_class(out, about, fsn__number_of(row, "class"));
}

static void class_before(FILE *out, const json_t *row, const void *about)
{
    const double top1 = fsn__number_of(row, "baseline_top1");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(top1).text, "calm", top1 / 100, 0);
}

static void class_after(FILE *out, const json_t *row, const void *about)
{
    const double top1 = fsn__number_of(row, "compressed_top1");

    (void)about;
    fsn__html_bar(out, fsn__show_percent(top1).text, "sizes", top1 / 100, 0);
}

static double change_of(const json_t *row)
{
    return fsn__number_of(row, "compressed_top1") - fsn__number_of(row, "baseline_top1");
}

/* What lost most first, then as they are numbered; without figures last. */
static int by_change(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    const double p = fsn__number_of(x, "change"), q = fsn__number_of(y, "change");

    if (isnan(p) != isnan(q))
        return isnan(p) ? 1 : -1;
    if (p < q || p > q)
        return p < q ? -1 : 1;
    return fsn__number_of(x, "class") < fsn__number_of(y, "class") ? -1 : 1;
}

json_t *fsn__report_choose(const json_t *classes, size_t most, double (*change)(const json_t *row))
{
    const size_t count = json_array_size(classes);
    json_t **row = calloc(count + 1, sizeof *row), *chosen = json_array();

    for (size_t i = 0; row && i < count; i++) {
        const double by = change(json_array_get(classes, i));

        row[i] = json_copy(json_array_get(classes, i));
        if (!json_is_object(row[i])) {
            json_decref(row[i]);
            row[i] = json_object();
        }
        json_object_set_new(row[i], "class", json_integer((json_int_t)i));
        json_object_set_new(row[i], "change", isfinite(by) ? json_real(by) : json_null());
    }
    if (row && count > most)
        qsort(row, count, sizeof(json_t *), by_change);
    for (size_t i = 0; row && i < count && i < most; i++)
        json_array_append(chosen, row[i]);
    for (size_t i = 0; row && i < count; i++)
        json_decref(row[i]);
    free(row);
    return chosen;
}

void fsn__report_classes(FILE *out, const json_t *report)
{
    static const struct fsn__column column[] = {
        {.title = "Class", .cell = class_name},
        {"Images", "number", NULL, "images", fsn__show_count},
        {.title = "Baseline", .cell = class_before},
        {.title = "Compressed", .cell = class_after},
        {"Change", "number", NULL, "change", fsn__show_points},
    };
    const json_t *classes = json_object_get(report, "classes");
    json_t *rows = fsn__report_choose(classes, DRAWN_CLASSES, change_of);

    if (json_array_size(classes) > DRAWN_CLASSES)
        fprintf(out,
                "<p class=\"hint\">The %d classes of %zu that lost most; all are in "
                "report.json.</p>\n",
                DRAWN_CLASSES, json_array_size(classes));
    fsn__html_table(out, "Accuracy by class", column, FSN__COLUMNS(column), rows, classes);
    json_decref(rows);
}

/* ---- confusions ------------------------------------------------------------------------------ */

static void put_count(FILE *out, const json_t *count, double images, bool right, double before)
{
    const double n = json_number_value(count);

    fprintf(out, "<td class=\"%s%s\"", right ? "right" : "wrong", n > 0 ? "" : " zero");
    if (n > 0 && images > 0)
        fprintf(out, " style=\"--share:%.0f%%\"", 45 * sqrt(fmin(n / images, 1)));
    if (isfinite(before))
        fprintf(out, " title=\"baseline: %s\"", fsn__show_count(before).text);
    fprintf(out, ">%s</td>", fsn__show_count(n).text);
}

static void put_matrix(FILE *out, const json_t *classes, const json_t *matrix,
                       const json_t *baseline)
{
    const json_t *row, *count;
    size_t i, k;

    fputs("<div class=\"matrix\">", out);
    fsn__html_table_open(out, "Confusion matrix");
    fputs("<thead><tr><th scope=\"col\">is \\ taken for</th>", out);
    for (k = 0; k < json_array_size(matrix); k++) {
        fputs("<th scope=\"col\"><abbr title=\"", out);
        fsn__html_text(out, fsn__string_of(json_array_get(classes, k), "name"));
        fprintf(out, "\">%zu</abbr></th>", k);
    }
    fputs("</tr></thead><tbody>\n", out);
    json_array_foreach(matrix, i, row)
    {
        const json_t *before = json_array_get(baseline, i);
        const double images = fsn__number_of(json_array_get(classes, i), "images");

        fputs("<tr><th scope=\"row\">", out);
        fsn__report_class(out, classes, (double)i);
        fputs("</th>", out);
        json_array_foreach(row, k, count)
        {
            const json_t *was = json_array_get(before, k);

            put_count(out, count, images, i == k,
                      json_is_number(was) ? json_number_value(was) : NAN);
        }
        fputs("</tr>\n", out);
    }
    fsn__html_table_close(out);
    fputs("</div>\n", out);
}

static void worst_label(FILE *out, const json_t *row, const void *about)
{
    fsn__report_class(out, about, fsn__number_of(row, "label"));
}

static void worst_choice(FILE *out, const json_t *row, const void *about)
{
    fsn__report_class(out, about, fsn__number_of(row, "choice"));
}

void fsn__report_confusion(FILE *out, const json_t *report)
{
    static const struct fsn__column column[] = {
        {.title = "Is", .cell = worst_label},
        {.title = "Taken for", .cell = worst_choice},
        {"Baseline, images", "number", NULL, "baseline", fsn__show_count},
        {"Compressed, images", "number", NULL, "compressed", fsn__show_count},
    };
    const json_t *confusion = json_object_get(report, "confusion");
    const json_t *classes = json_object_get(report, "classes");
    const json_t *matrix = json_object_get(confusion, "compressed");
    const json_t *worst = json_object_get(confusion, "worst");
    const double outside = fsn__number_of(json_object_get(confusion, "outside"), "compressed");
    const size_t size = json_array_size(matrix);

    if (size > 0 && size <= DRAWN_CLASSES) {
        put_matrix(out, classes, matrix, json_object_get(confusion, "baseline"));
        fputs("<p class=\"hint\">Test images of each class (rows) by what the compressed network "
              "takes them for (columns); on the diagonal it is right.</p>\n",
              out);
    }
    if (outside > 0)
        fprintf(out, "<p>%s images went to no class of the data set.</p>\n",
                fsn__show_count(outside).text);
    if (json_array_size(worst) == 0)
        return;
    fputs("<h3>What is confused most</h3>\n", out);
    fsn__html_table(out, "What is confused most", column, FSN__COLUMNS(column), worst, classes);
}
