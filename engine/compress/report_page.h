/* report_page.h - the pieces of report.html, which report_html.c puts together. Each takes the
 * report, or a member of it, as JSON of any shape, and writes nothing where it finds nothing. */
#ifndef FSN_COMPRESS_REPORT_PAGE_H
#define FSN_COMPRESS_REPORT_PAGE_H

#include "compress/html.h"

/* The style sheet, line by line, ended by NULL. */
extern const char *const fsn__report_style[];

#define FSN__COLUMNS(column) ((int)(sizeof(column) / sizeof *(column)))

/* What networks of the report's task are judged by: the member of a side, of a half of a search's
 * test images where it is the baseline's, and of model-int8.onnx where it is the change. */
struct fsn__judged {
    const char *key, *baseline, *change;
    const char *title, *unit; /* "Accuracy", "top-1" */
    bool detection;
};
/* A report that says no task is a classifier's. Where outputs were distilled, and neither labels
 * nor masks fit the network, the keys are empty. */
const struct fsn__judged *fsn__report_judged(const json_t *report);

/* Outputs that were distilled, and the largest of their errors under a key; NaN: there is none. */
void fsn__report_outputs(FILE *out, const json_t *report);
/* Where the graph was cut; nothing where it was not. */
void fsn__report_cut(FILE *out, const json_t *report);
double fsn__report_worst(const json_t *report, const char *key);
/* What a layer costs that alone is compressed: its figure, the unit, what it is. */
struct fsn__layer_cost {
    const char *key, *unit, *about;
};
const struct fsn__layer_cost *fsn__report_layer_cost(const json_t *report);
void fsn__report_layers(FILE *out, const json_t *report);
void fsn__report_classes(FILE *out, const json_t *report);
void fsn__report_confusion(FILE *out, const json_t *report);
/* Of a detector: average precision of each class, and precision over recall. */
void fsn__report_precision(FILE *out, const json_t *report);
/* Of a network that segments: the IoU of each class. */
void fsn__report_segmentation(FILE *out, const json_t *report);
/* Some test images with what both networks find in them. */
void fsn__report_drawn(FILE *out, const json_t *report);
void fsn__report_epochs(FILE *out, const json_t *report);
void fsn__report_candidates(FILE *out, const json_t *report);

/* The number of a class and its name. */
void fsn__report_class(FILE *out, const json_t *classes, double number);
/* The rows of classes with their number ("class") and what change says of each, where that is
 * finite ("change"): all in their order, of more than most those that lost most. New, NULL without
 * memory. */
json_t *fsn__report_choose(const json_t *classes, size_t most, double (*change)(const json_t *row));

/* One line of a plot: a member of the rows. */
struct fsn__curve_line {
    const char *key, *label;
};
/* Lines over epochs, as SVG in a figure; rows: those of the report's training. */
void fsn__plot_curves(FILE *out, const char *id, const char *title,
                      const struct fsn__curve_line *line, int lines, const json_t *rows);
/* What they are judged by against bytes of a search's candidates. */
void fsn__plot_pareto(FILE *out, const json_t *search, const struct fsn__judged *judged);

#endif
