/* report_page.h - the pieces of report.html, which report_html.c puts together. Each takes the
 * report, or a member of it, as JSON of any shape, and writes nothing where it finds nothing. */
#ifndef FSN_COMPRESS_REPORT_PAGE_H
#define FSN_COMPRESS_REPORT_PAGE_H

#include "compress/html.h"

/* The style sheet, line by line, ended by NULL. */
extern const char *const fsn__report_style[];

#define FSN__COLUMNS(column) ((int)(sizeof(column) / sizeof *(column)))

void fsn__report_layers(FILE *out, const json_t *report);
void fsn__report_classes(FILE *out, const json_t *report);
void fsn__report_confusion(FILE *out, const json_t *report);
void fsn__report_epochs(FILE *out, const json_t *report);
void fsn__report_candidates(FILE *out, const json_t *report);

/* One line of a plot: a member of the rows. */
struct fsn__curve_line {
    const char *key, *label;
};
/* Lines over epochs, as SVG in a figure; rows: those of the report's training. */
void fsn__plot_curves(FILE *out, const char *id, const char *title,
                      const struct fsn__curve_line *line, int lines, const json_t *rows);
/* Accuracy against bytes of a search's candidates. */
void fsn__plot_pareto(FILE *out, const json_t *search);

#endif
