/* report_runs.c - report.html on training, epoch by epoch, and on the files of a search. */
#include "compress/report_page.h"

#include <math.h>
#include <string.h>

/* ---- training -------------------------------------------------------------------------------- */

enum { SHOWN_EPOCHS = 100 };

/* Every n-th row and the last; new, NULL when out of memory. */
static json_t *thinned(const json_t *rows, size_t every)
{
    const size_t count = json_array_size(rows);
    json_t *some = json_array();

    for (size_t i = 0; i < count; i++)
        if ((i + 1) % every == 0 || i + 1 == count)
            json_array_append(some, json_array_get(rows, i));
    return some;
}

static void put_epochs(FILE *out, const json_t *rows, bool detection, bool distilled)
{
    static const struct fsn__column outputs[] = {
        {"Epoch", "number", NULL, "epoch", fsn__show_count},
        {"Loss", "number", NULL, "train_loss", fsn__show_real},
        {"Held-back loss", "number", NULL, "held_loss", fsn__show_real},
        {"Rate", "number wide", NULL, "lr", fsn__show_short},
        {"Images/s", "number wide", NULL, "images_per_second", fsn__show_count},
        {"Took", "number", NULL, "seconds", fsn__show_duration},
    };
    static const struct fsn__column classes[] = {
        {"Epoch", "number", NULL, "epoch", fsn__show_count},
        {"Loss", "number", NULL, "train_loss", fsn__show_real},
        {"Accuracy", "number", NULL, "train_top1", fsn__show_percent},
        {"Teacher", "number wide", NULL, "teacher_top1", fsn__show_percent},
        {"Held back", "number", NULL, "held_top1", fsn__show_percent},
        {"Rate", "number wide", NULL, "lr", fsn__show_short},
        {"Images/s", "number wide", NULL, "images_per_second", fsn__show_count},
        {"Took", "number", NULL, "seconds", fsn__show_duration},
    };
    static const struct fsn__column boxes[] = {
        {"Epoch", "number", NULL, "epoch", fsn__show_count},
        {"Loss", "number", NULL, "train_loss", fsn__show_real},
        {"Held-back loss", "number", NULL, "held_loss", fsn__show_real},
        {"Matched boxes", "number", NULL, "matched", fsn__show_short},
        {"Rate", "number wide", NULL, "lr", fsn__show_short},
        {"Images/s", "number wide", NULL, "images_per_second", fsn__show_count},
        {"Took", "number", NULL, "seconds", fsn__show_duration},
    };

    if (distilled)
        fsn__html_table(out, "Training, epoch by epoch", outputs, FSN__COLUMNS(outputs), rows,
                        NULL);
    else if (detection)
        fsn__html_table(out, "Training, epoch by epoch", boxes, FSN__COLUMNS(boxes), rows, NULL);
    else
        fsn__html_table(out, "Training, epoch by epoch", classes, FSN__COLUMNS(classes), rows,
                        NULL);
}

void fsn__report_epochs(FILE *out, const json_t *report)
{
    static const struct fsn__curve_line loss[] = {{"train_loss", "training"},
                                                  {"held_loss", "held back"}};
    static const struct fsn__curve_line top1[] = {
        {"train_top1", "training"}, {"held_top1", "held back"}, {"teacher_top1", "teacher"}};
    static const struct fsn__curve_line matched[] = {{"matched", "training"}};
    const bool detection = fsn__report_judged(report)->detection;
    const bool distilled = json_is_array(json_object_get(report, "outputs"));
    const json_t *rows = json_object_get(report, "training");
    const size_t count = json_array_size(rows), every = (count + SHOWN_EPOCHS - 1) / SHOWN_EPOCHS;
    json_t *some;

    if (count == 0)
        return;
    fputs("<section><h2>Training</h2>\n<div class=\"plots\">", out);
    fsn__plot_curves(out, "loss", "Loss", loss, FSN__COLUMNS(loss), rows);
    if (detection && !distilled)
        fsn__plot_curves(out, "matched", "Default boxes matched in an image", matched,
                         FSN__COLUMNS(matched), rows);
    else if (!distilled) /* which training sees no labels for */
        fsn__plot_curves(out, "accuracy", "Accuracy on training images, %", top1,
                         FSN__COLUMNS(top1), rows);
    fprintf(out, "</div>\n<details%s><summary>Epoch by epoch</summary>\n",
            count <= 12 ? " open=\"open\"" : "");
    some = thinned(rows, every);
    put_epochs(out, some, detection, distilled);
    json_decref(some);
    if (every > 1)
        fprintf(
            out,
            "<p class=\"hint\">One row of %zu and the last; training.csv has all of them.</p>\n",
            every);
    fputs("</details></section>\n", out);
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* Rows have their number from 1, and whether they are the chosen one. */
static void candidate_name(FILE *out, const json_t *row, const void *search)
{
    const double number = fsn__number_of(row, "number");

    fprintf(out, "%s", fsn__show_count(number).text);
    if (number == fsn__number_of(search, "chosen") + 1)
        fputs("<span class=\"mark\">chosen</span>", out);
    if (json_is_true(json_object_get(row, "pareto")))
        fputs("<span class=\"mark\">Pareto front</span>", out);
}

/* A sweep of ratios has none. */
static struct fsn__figure show_budget(double bytes)
{
    return fsn__show_bytes(bytes > 0 ? bytes : NAN);
}

static void candidate_drop(FILE *out, const json_t *row, const void *search)
{
    const double error = fsn__number_of(row, "drop_error");

    (void)search;
    fputs(fsn__show_points(-fsn__number_of(row, "drop")).text, out);
    if (isfinite(error))
        fprintf(out, " <span class=\"quiet\">(error %s)</span>", fsn__show_short(error).text);
}

static void candidate_holds(FILE *out, const json_t *row, const void *search)
{
    const bool asked = isfinite(fsn__number_of(search, "max_accuracy_drop"));

    fputs(!asked ? "\u2013" : (json_is_true(json_object_get(row, "holds")) ? "yes" : "no"), out);
}

static void put_unseen(FILE *out, const json_t *search, const struct fsn__judged *judged)
{
    const json_t *unseen = json_object_get(search, "unseen");
    const double most = fsn__number_of(search, "max_accuracy_drop");
    const double error = fsn__number_of(unseen, "drop_error"); /* a detector's is not known */

    if (!json_is_object(unseen))
        return;
    fprintf(out,
            "<p>On the %s test images that had no part in the choice the baseline has %s and the "
            "chosen file %s: %s",
            fsn__show_count(fsn__number_of(unseen, "images")).text,
            fsn__show_percent(fsn__number_of(unseen, judged->baseline)).text,
            fsn__show_percent(fsn__number_of(unseen, judged->key)).text,
            fsn__show_points(-fsn__number_of(unseen, "drop")).text);
    if (isfinite(error))
        fprintf(out, ", with a standard error of %s", fsn__show_short(error).text);
    if (isfinite(most))
        fprintf(out, "; at most %s points were to be lost", fsn__show_short(most).text);
    fputs(".</p>\n", out);
}

/* Files of networks that have no figure of their own are judged by the baseline's outputs. */
static const struct fsn__judged *judged_files(const json_t *report)
{
    static const struct fsn__judged outputs = {.key = "agreement",
                                               .baseline = "baseline_agreement",
                                               .title = "Agreement",
                                               .unit = "agreement"};
    const struct fsn__judged *judged = fsn__report_judged(report);

    return *judged->key ? judged : &outputs;
}

void fsn__report_candidates(FILE *out, const json_t *report)
{
    const struct fsn__judged *judged = judged_files(report);
    const struct fsn__column column[] = {
        {.title = "File", .cell = candidate_name},
        {"Budget", "number wide", NULL, "budget_bytes", show_budget},
        {"Size", "number", NULL, "size_bytes", fsn__show_bytes},
        {"Smaller", "number", NULL, "ratio", fsn__show_times},
        {"Bits", "number wide", NULL, "bits", fsn__show_count},
        {judged->title, "number", NULL, judged->key, fsn__show_percent},
        {.title = "Change", .kind = "number", .cell = candidate_drop},
        {.title = "Holds", .kind = "wide", .cell = candidate_holds},
        {"Took", "number wide", NULL, "seconds", fsn__show_duration},
    };
    const json_t *search = json_object_get(report, "search");
    json_t *rows = json_deep_copy(json_object_get(search, "candidates")), *row;
    size_t i;

    json_array_foreach(rows, i, row)
        json_object_set_new(row, "number", json_integer((json_int_t)i + 1));
    if (json_array_size(rows) > 0) {
        fputs("<section><h2>Files that were tried</h2>\n", out);
        fsn__plot_pareto(out, search, judged);
        fsn__html_table(out, "Files that were tried", column, FSN__COLUMNS(column), rows, search);
        fprintf(
            out,
            "<p class=\"hint\">%s is of %s test images, which judge the files alone; the rest of "
            "the page is of the chosen one.</p>\n",
            judged->title,
            fsn__show_count(fsn__number_of(json_object_get(search, "selection"), "images")).text);
        put_unseen(out, search, judged);
        fputs("</section>\n", out);
    }
    json_decref(rows);
}
