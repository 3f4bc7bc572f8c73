/* html.h - what the page of a report is written with: escaped text, figures as people read them,
 * tables. A figure that is not there (NaN) is shown as a dash. */
#ifndef FSN_COMPRESS_HTML_H
#define FSN_COMPRESS_HTML_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* ---- JSON of any shape ------------------------------------------------------------------------
 */

/* NaN where there is no number; "" where there is no text. object may be NULL or anything. */
double fsn__number_of(const json_t *object, const char *key);
const char *fsn__string_of(const json_t *object, const char *key);

/* ---- text and figures -------------------------------------------------------------------------
 */

/* UTF-8, with what is markup in HTML and XML escaped, in attributes too, and a replacement
 * character for what XML cannot hold. */
void fsn__html_text(FILE *out, const char *text);

struct fsn__figure {
    char text[48];
};
struct fsn__figure fsn__show_count(double x);          /* 1,234,567 */
struct fsn__figure fsn__show_big(double x);            /* 12.5 M */
struct fsn__figure fsn__show_bytes(double x);          /* 27.4 kB: decimal units */
struct fsn__figure fsn__show_round_bytes(double x);    /* 20 kB */
struct fsn__figure fsn__show_percent(double x);        /* 91.50 % */
struct fsn__figure fsn__show_points(double x);         /* +0.30 pp */
struct fsn__figure fsn__show_signed(double x);         /* +0.0300 */
struct fsn__figure fsn__show_times(double x);          /* 11.7 × */
struct fsn__figure fsn__show_real(double x);           /* 0.5317: four significant digits */
struct fsn__figure fsn__show_short(double x);          /* 0.532: three */
struct fsn__figure fsn__show_error(double x);          /* as short; next to nothing is 0 */
struct fsn__figure fsn__show_duration(double seconds); /* 3 min 20 s */

/* ---- tables -----------------------------------------------------------------------------------
 */

struct fsn__column {
    const char *title, *kind; /* markup; kind: classes of the cells, or NULL */
    /* Writes what the cell of a row has; about: what fsn__html_table was given. */
    void (*cell)(FILE *out, const json_t *row, const void *about);
    /* Where cell is NULL: that number of the row. */
    const char *key;
    struct fsn__figure (*show)(double x);
};

/* A table that scrolls by itself where it is too wide: a row for each element of rows. */
void fsn__html_table(FILE *out, const char *label, const struct fsn__column *column, int columns,
                     const json_t *rows, const void *about);
/* A bar of share of its place, on a paler one of whole; the figure stands beside it. */
void fsn__html_bar(FILE *out, const char *text, const char *kind, double share, double whole);
/* Beginning and end of a table, for rows of another kind. */
void fsn__html_table_open(FILE *out, const char *label);
void fsn__html_table_close(FILE *out);

#endif
