/* report_html.c - report.html: one page that needs nothing else, for people to read and to keep.
 *
 * It is made from the text of report.json alone, so it has the figures that stand there and is the
 * same wherever and whenever it is made. Members that are missing or of another kind are left out:
 * the text may come from an older version, or from anywhere. The page is HTML and well-formed XML
 * at once, without script or reference to another file; plots are inline SVG.
 */
#include "compress/compress.h"
#include "compress/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is judged -------------------------------------------------------------------------- */

const struct fsn__judged *fsn__report_judged(const json_t *report)
{
    static const struct fsn__judged classes = {"top1",     "baseline_top1", "change_top1",
                                               "Accuracy", "top-1",         false};
    static const struct fsn__judged boxes = {"map50",  "baseline_map50", "change_map50",
                                             "mAP@.5", "mAP@.5",         true};
    static const struct fsn__judged pixels = {"miou",     "baseline_miou", "change_miou",
                                              "Mean IoU", "mean IoU",      false};
    static const struct fsn__judged nothing = {"", "", "", "Outputs", "", false};
    const json_t *compressed = json_object_get(report, "compressed");

    if (strcmp(fsn__string_of(report, "task"), "distill") == 0)
        return isfinite(fsn__number_of(compressed, "map50"))  ? &boxes
               : isfinite(fsn__number_of(compressed, "miou")) ? &pixels
               : isfinite(fsn__number_of(compressed, "top1")) ? &classes
                                                              : &nothing;
    return strcmp(fsn__string_of(report, "task"), "detect") == 0 ? &boxes : &classes;
}

/* ---- head ------------------------------------------------------------------------------------ */

static void put_head(FILE *out)
{
    fputs("<!DOCTYPE html>\n"
          "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<title>Compression report · fsnet</title>\n<style>\n",
          out);
    for (const char *const *line = fsn__report_style; *line; line++)
        fprintf(out, "%s\n", *line);
    fputs("</style>\n</head>\n<body>\n<main>\n", out);
}

static void put_title(FILE *out, const json_t *report)
{
    const json_t *data = json_object_get(report, "data");

    fputs("<h1>Compression report</h1>\n<p class=\"quiet\">", out);
    if (json_is_object(data)) {
        fsn__html_text(out, fsn__string_of(data, "format"));
        fprintf(out, " data · %s%s · %s training and %s test images",
                fsn__number_of(data, "classes") > 0
                    ? fsn__show_count(fsn__number_of(data, "classes")).text
                    : "no",
                " classes", fsn__show_count(fsn__number_of(data, "train_images")).text,
                fsn__show_count(fsn__number_of(data, "test_images")).text);
    }
    fputs("</p>\n", out);
}

/* ---- what came out --------------------------------------------------------------------------- */

static void put_tile(FILE *out, const char *kind, const char *name, const char *figure,
                     const char *before)
{
    fprintf(out, "<div class=\"%s\"><dt>%s</dt><dd>%s</dd><dd class=\"hint\">%s</dd></div>\n", kind,
            name, figure, before);
}

/* By the worst of its outputs. */
static void put_error_tile(FILE *out, const json_t *report)
{
    const double error = fsn__report_worst(report, "error");
    char before[120];

    snprintf(before, sizeof before, "of the worst output, %s before fine-tuning",
             fsn__show_error(fsn__report_worst(report, "start_error")).text);
    put_tile(out,
             error > 0.5   ? "bad"
             : error > 0.2 ? "fair"
                           : "good",
             "Relative error", fsn__show_error(error).text, before);
}

static void put_tiles(FILE *out, const json_t *report)
{
    const json_t *baseline = json_object_get(report, "baseline");
    const json_t *compressed = json_object_get(report, "compressed");
    const json_t *ratios = json_object_get(report, "ratios");
    const struct fsn__judged *judged = fsn__report_judged(report);
    const double change = fsn__number_of(json_object_get(report, "change"), judged->key);
    const char *kind = change < -2 ? "bad" : (change < -0.5 ? "fair" : "good");
    char before[160];

    fputs("<dl class=\"tiles\">\n", out);
    if (json_array_size(json_object_get(report, "outputs")) > 0)
        put_error_tile(out, report);
    snprintf(before, sizeof before, "%s before, %s",
             fsn__show_percent(fsn__number_of(baseline, judged->key)).text,
             fsn__show_points(change).text);
    if (*judged->key)
        put_tile(out, kind, judged->title,
                 fsn__show_percent(fsn__number_of(compressed, judged->key)).text, before);
    snprintf(before, sizeof before, "%s before",
             fsn__show_bytes(fsn__number_of(baseline, "size_bytes")).text);
    put_tile(out, "size", "Size", fsn__show_bytes(fsn__number_of(compressed, "size_bytes")).text,
             before);
    put_tile(out, "size", "Smaller", fsn__show_times(fsn__number_of(ratios, "disk")).text,
             "on the disk");
    snprintf(before, sizeof before, "%s before, %s fewer",
             fsn__show_big(fsn__number_of(baseline, "parameters")).text,
             fsn__show_times(fsn__number_of(ratios, "parameters")).text);
    put_tile(out, "size", "Parameters",
             fsn__show_big(fsn__number_of(compressed, "parameters")).text, before);
    fputs("</dl>\n", out);
}

static void put_list(FILE *out, const json_t *texts)
{
    const json_t *text;
    size_t i;

    fputs("<ul>", out);
    json_array_foreach(texts, i, text)
    {
        fputs("<li>", out);
        fsn__html_text(out, json_is_string(text) ? json_string_value(text) : "");
        fputs("</li>", out);
    }
    fputs("</ul>\n", out);
}

static void put_warnings(FILE *out, const json_t *report)
{
    const json_t *warnings = json_object_get(report, "warnings");

    if (json_array_size(warnings) == 0)
        return;
    fputs("<section class=\"warnings\"><h2>Warnings</h2>", out);
    put_list(out, warnings);
    fputs("</section>\n", out);
}

/* ---- before and after ------------------------------------------------------------------------ */

/* A measure of the networks, of one task or of all. */
struct measure {
    const char *task; /* the figure that its networks are judged by; NULL: of all tasks */
    const char *name, *key;
    struct fsn__figure (*show)(double x);
    struct fsn__figure (*change)(double x); /* of the difference; NULL: of the ratio */
};

static const struct measure measures[] = {
    {"top1", "Top-1 accuracy", "top1", fsn__show_percent, fsn__show_points},
    {"top1", "Top-5 accuracy", "top5", fsn__show_percent, fsn__show_points},
    {"top1", "Loss", "loss", fsn__show_real, fsn__show_signed},
    {"map50", "mAP@.5", "map50", fsn__show_percent, fsn__show_points},
    {"map50", "mAP@.5 at 11 recalls (VOC 2007)", "map07", fsn__show_percent, fsn__show_points},
    {"map50", "COCO AP", "coco_ap", fsn__show_percent, fsn__show_points},
    {"map50", "COCO AP50", "coco_ap50", fsn__show_percent, fsn__show_points},
    {"map50", "COCO AP75", "coco_ap75", fsn__show_percent, fsn__show_points},
    {"miou", "Mean IoU", "miou", fsn__show_percent, fsn__show_points},
    {"miou", "Pixel accuracy", "pixel_accuracy", fsn__show_percent, fsn__show_points},
    {NULL, "File", "size_bytes", fsn__show_bytes, NULL},
    {NULL, "Parameters", "parameters", fsn__show_count, NULL},
    {NULL, "Effective parameters", "effective_parameters", fsn__show_count, NULL},
    {NULL, "Multiply-adds", "macs", fsn__show_big, NULL},
};

static void put_measures(FILE *out, const json_t *report)
{
    const struct fsn__judged *judged = fsn__report_judged(report);
    const json_t *baseline = json_object_get(report, "baseline");
    const json_t *compressed = json_object_get(report, "compressed");

    fsn__html_table_open(out, "Before and after");
    fputs("<thead><tr><th scope=\"col\">Measure</th><th scope=\"col\" class=\"number\">Before</th>"
          "<th scope=\"col\" class=\"number\">After</th>"
          "<th scope=\"col\" class=\"number\">Change</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        const struct measure *m = &measures[i];
        const double before = fsn__number_of(baseline, m->key);
        const double after = fsn__number_of(compressed, m->key);

        if (m->task && strcmp(m->task, judged->key) != 0)
            continue;
        fprintf(out,
                "<tr><th scope=\"row\">%s</th><td class=\"number\">%s</td>"
                "<td class=\"number\">%s</td><td class=\"number\">%s</td></tr>\n",
                m->name, m->show(before).text, m->show(after).text,
                m->change         ? m->change(after - before).text
                : before == after ? "same"
                                  : fsn__show_times(before / after).text);
    }
    fsn__html_table_close(out);
}

static void put_file(FILE *out, const char *name, const json_t *file, const char *said)
{
    if (json_is_object(file))
        fprintf(out,
                "<tr><th scope=\"row\"><code>%s</code></th><td class=\"number\">%s</td>"
                "<td>%s</td></tr>\n",
                name, fsn__show_count(fsn__number_of(file, "size_bytes")).text, said);
}

static void put_files(FILE *out, const json_t *report)
{
    const json_t *dense = json_object_get(report, "dense");
    const json_t *int8 = json_object_get(report, "int8");
    const json_t *boxes = json_object_get(report, "with_boxes");
    const json_t *compressed = json_object_get(report, "compressed");
    const struct fsn__judged *judged = fsn__report_judged(report);
    char said[160];

    fsn__html_table_open(out, "Files");
    fputs("<thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"number\">Bytes</th>"
          "<th scope=\"col\">Read back and measured</th></tr></thead><tbody>\n",
          out);
    if (*judged->key)
        snprintf(said, sizeof said, "%s %s",
                 fsn__show_percent(fsn__number_of(compressed, judged->key)).text, judged->unit);
    else
        snprintf(said, sizeof said, "outputs compared with the original's");
    put_file(out, "model.onnx", compressed, said);
    snprintf(said, sizeof said, "outputs differ by at most %s",
             fsn__show_real(fsn__number_of(dense, "max_difference")).text);
    put_file(out, "model-dense.onnx", dense, said);
    if (*judged->key)
        snprintf(said, sizeof said, "%s %s, %s",
                 fsn__show_percent(fsn__number_of(int8, judged->key)).text, judged->unit,
                 fsn__show_points(fsn__number_of(int8, judged->change)).text);
    else
        snprintf(said, sizeof said, "outputs compared with the original's");
    put_file(out, "model-int8.onnx", int8, said);
    snprintf(said, sizeof said, "boxes and scores differ by at most %s from those of model.onnx",
             fsn__show_real(fsn__number_of(boxes, "max_difference")).text);
    put_file(out, "model-detections.onnx", boxes, said);
    fsn__html_table_close(out);
    fsn__report_cut(out, report);
}

static void put_sides(FILE *out, const json_t *report)
{
    const json_t *compressed = json_object_get(report, "compressed");
    const double objects = fsn__number_of(compressed, "objects");

    fputs("<section><h2>Before and after</h2>\n", out);
    put_measures(out, report);
    fprintf(out, "<p class=\"hint\">Measured on %s test images",
            fsn__show_count(fsn__number_of(compressed, "images")).text);
    if (isfinite(objects))
        fprintf(out, " with %s objects", fsn__show_count(objects).text);
    fputs(", with model.onnx as it was read back from the disk.</p>\n<h3>Files</h3>\n", out);
    put_files(out, report);
    fputs("</section>\n", out);
}

/* ---- layers, classes ------------------------------------------------------------------------- */

static void put_exclusions(FILE *out, const json_t *report)
{
    const struct fsn__layer_cost *cost = fsn__report_layer_cost(report);
    const json_t *first = json_object_get(report, "exclude_first");
    const json_t *layer;
    size_t i;

    if (json_array_size(first) == 0)
        return;
    fputs("<p>What to exclude first: these cost far more than the others, each compressed "
          "alone.</p>\n<ul>",
          out);
    json_array_foreach(first, i, layer)
    {
        fputs("<li><code>", out);
        fsn__html_text(out, fsn__string_of(layer, "name"));
        fprintf(out, "</code>: %s %s; left as it is, model.onnx has %s more</li>",
                fsn__show_short(fsn__number_of(layer, cost->key)).text, cost->unit,
                fsn__show_bytes(fsn__number_of(layer, "added_bytes")).text);
    }
    fputs("</ul>\n", out);
}

static void put_layers(FILE *out, const json_t *report)
{
    if (json_array_size(json_object_get(report, "layers")) == 0)
        return;
    fputs("<section><h2>Layers</h2>\n", out);
    put_exclusions(out, report);
    fsn__report_layers(out, report);
    fprintf(out,
            "<p class=\"hint\">Alone: %s with only this layer compressed and nothing trained. ",
            fsn__report_layer_cost(report)->about);
    fputs(
        "Filters: the relative error of their fit, before "
        "training. Output: the share of what the layer writes on test images that is lost, after "
        "the fit and, after training and quantisation, in model.onnx (paler: after the fit); what "
        "layers before have changed is part of it. Quantiser: the relative error of the stored "
        "values.</p></section>\n",
        out);
}

static void put_classes(FILE *out, const json_t *report)
{
    if (fsn__report_judged(report)->detection) {
        fsn__report_precision(out, report);
        fsn__report_drawn(out, report);
        return;
    }
    fsn__report_segmentation(out, report);
    if (json_array_size(json_object_get(report, "classes")) == 0)
        return;
    fputs("<section><h2>Classes</h2>\n", out);
    fsn__report_confusion(out, report);
    fputs("<h3>Accuracy by class</h3>\n", out);
    fsn__report_classes(out, report);
    fputs("</section>\n", out);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void put_foot(FILE *out, const json_t *report)
{
    const json_t *spec = json_object_get(report, "spec");
    char *text = spec ? json_dumps(spec, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;

    if (text) {
        fputs("<details><summary>Settings</summary><pre tabindex=\"0\">", out);
        fsn__html_text(out, text);
        fputs("</pre></details>\n", out);
    }
    free(text);
    fputs("</main>\n<footer>fsnet ", out);
    fsn__html_text(out, fsn__string_of(json_object_get(report, "versions"), "fsnet"));
    fprintf(out, " · seed %s · %s threads · took %s · made from report.json</footer>\n",
            fsn__show_count(fsn__number_of(report, "seed")).text,
            fsn__show_count(fsn__number_of(report, "threads")).text,
            fsn__show_duration(fsn__number_of(report, "wall_seconds")).text);
    fputs("</body>\n</html>\n", out);
}

enum fsn_status fsn_report_html(const char *json, size_t size, char **html, struct fsn_error *err)
{
    json_error_t at;
    json_t *report = json_loadb(json, size, 0, &at);
    char *text = NULL;
    size_t length = 0;
    FILE *out;

    if (!json_is_object(report)) {
        const char *why = report ? "this is none" : at.text;

        json_decref(report);
        return FSN__FAIL(err, FSN_FORMAT, "a report is a JSON object: %s", why);
    }
    out = open_memstream(&text, &length);
    if (out) {
        put_head(out);
        put_title(out, report);
        put_tiles(out, report);
        put_warnings(out, report);
        put_sides(out, report);
        fsn__report_outputs(out, report);
        fsn__report_candidates(out, report);
        put_layers(out, report);
        put_classes(out, report);
        fsn__report_epochs(out, report);
        put_foot(out, report);
    }
    json_decref(report);
    if (!out || fclose(out) != 0) {
        free(text);
        return FSN__NOMEM(err);
    }
    *html = text;
    return FSN_OK;
}
