/* report_plots.c - the plots of report.html, as SVG: lines over epochs, accuracy against bytes.
 *
 * A plot has W x H units with an axis on the left and one below, whose ends are multiples of a step
 * of 1, 2 or 5 times a power of ten. What is drawn is said in title and desc too. */
#include "compress/report_page.h"

#include <math.h>
#include <string.h>

enum { W = 420, H = 230, LEFT = 52, RIGHT = 14, TOP = 10, BOTTOM = 36, MAX_TICKS = 12, FEW = 30 };

/* ---- axes ------------------------------------------------------------------------------------ */

struct axis {
    double low, high, step;
    int ticks;
};

struct range {
    double low, high; /* low > high: nothing yet */
};

static const struct range nothing = {INFINITY, -INFINITY};

static void widen(struct range *range, double x)
{
    if (isfinite(x)) {
        range->low = fmin(range->low, x);
        range->high = fmax(range->high, x);
    }
}

/* False where there is nothing that could be drawn. */
static bool make_axis(struct range range, double least_step, struct axis *axis)
{
    const double wanted = fmax((range.high - range.low) / 4, least_step);
    double power, step;

    if (!(range.low <= range.high) || fabs(range.low) > 1e15 || fabs(range.high) > 1e15)
        return false;
    power = pow(10, floor(log10(fmax(wanted, 1e-9 * fmax(fabs(range.high), 1e-3)))));
    step =
        power * (wanted <= power ? 1 : (wanted <= 2 * power ? 2 : (wanted <= 5 * power ? 5 : 10)));
    axis->step = step;
    axis->low = floor(range.low / step + 1e-9) * step;
    axis->high = ceil(range.high / step - 1e-9) * step;
    if (!(axis->high > axis->low))
        axis->high = axis->low + step;
    axis->ticks = (int)fmin(MAX_TICKS, round((axis->high - axis->low) / step));
    return true;
}

static double share(const struct axis *axis, double at)
{
    return (at - axis->low) / (axis->high - axis->low);
}

static double place_x(const struct axis *x, double at)
{
    return LEFT + share(x, at) * (W - LEFT - RIGHT);
}

static double place_y(const struct axis *y, double at)
{
    return H - BOTTOM - share(y, at) * (H - TOP - BOTTOM);
}

static void open_plot(FILE *out, const char *id, const char *title)
{
    fprintf(out,
            "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-labelledby=\"%s-title %s-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n"
            "<title id=\"%s-title\">%s</title>\n",
            W, H, id, id, id, title);
}

static void draw_axes(FILE *out, const struct axis *x, const struct axis *y, const char *below,
                      struct fsn__figure (*show_x)(double), struct fsn__figure (*show_y)(double))
{
    for (int i = 0; i <= y->ticks; i++) {
        const double at = y->low + i * y->step, top = place_y(y, at);

        fprintf(out, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
                i == 0 ? "axis" : "grid", LEFT, W - RIGHT, top, top);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6, top + 4,
                show_y(at).text);
    }
    for (int i = 0; i <= x->ticks; i++) {
        const double at = x->low + i * x->step;

        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", place_x(x, at),
                H - BOTTOM + 15, i == x->ticks ? "end" : "middle", show_x(at).text);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            (W + LEFT - RIGHT) / 2, H - 5, below);
}

static struct fsn__figure show_tick(double x)
{
    return fsn__show_real(fabs(x) < 1e-12 ? 0 : x);
}

/* ---- lines over epochs ----------------------------------------------------------------------- */

/* First and last figure of a line; false where it has none. */
static bool ends_of(const json_t *rows, const char *key, double *first, double *last)
{
    const json_t *row;
    bool any = false;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const double value = fsn__number_of(row, key);

        if (isnan(value))
            continue;
        if (!any)
            *first = value;
        *last = value;
        any = true;
    }
    return any;
}

static void describe(FILE *out, const struct fsn__curve_line *line, int lines, const json_t *rows)
{
    for (int i = 0; i < lines; i++) {
        double first, last;

        if (ends_of(rows, line[i].key, &first, &last))
            fprintf(out, "%s: from %s to %s. ", line[i].label, fsn__show_real(first).text,
                    fsn__show_real(last).text);
    }
}

static void draw_line(FILE *out, const struct axis *x, const struct axis *y, int number,
                      const char *key, const json_t *rows)
{
    const bool dots = json_array_size(rows) <= FEW;
    const json_t *row;
    const char *pen = "M";
    size_t i;

    fprintf(out, "<path class=\"l%d\" d=\"", number);
    json_array_foreach(rows, i, row)
    {
        const double epoch = fsn__number_of(row, "epoch"), value = fsn__number_of(row, key);

        if (isfinite(epoch) && isfinite(value)) {
            fprintf(out, "%s%.1f %.1f", pen, place_x(x, epoch), place_y(y, value));
            pen = "L";
        }
    }
    fputs("\"/>\n", out);
    json_array_foreach(rows, i, row)
    {
        const double epoch = fsn__number_of(row, "epoch"), value = fsn__number_of(row, key);

        if (dots && isfinite(epoch) && isfinite(value))
            fprintf(out, "<circle class=\"dot%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", number,
                    place_x(x, epoch), place_y(y, value));
    }
}

static void put_legend(FILE *out, const struct fsn__curve_line *line, int lines, const json_t *rows)
{
    fputs("<ul class=\"legend\">", out);
    for (int i = 0; i < lines; i++) {
        double first, last;

        if (ends_of(rows, line[i].key, &first, &last))
            fprintf(out,
                    "<li><svg class=\"plot\" viewBox=\"0 0 18 8\" aria-hidden=\"true\" "
                    "xmlns=\"http://www.w3.org/2000/svg\"><path class=\"l%d\" d=\"M0 4L18 4\"/>"
                    "</svg>%s, last %s</li>",
                    i + 1, line[i].label, fsn__show_real(last).text);
    }
    fputs("</ul>", out);
}

void fsn__plot_curves(FILE *out, const char *id, const char *title,
                      const struct fsn__curve_line *line, int lines, const json_t *rows)
{
    struct range epochs = nothing, values = nothing;
    struct axis x, y;
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        widen(&epochs, fsn__number_of(row, "epoch"));
        for (int k = 0; k < lines; k++)
            widen(&values, fsn__number_of(row, line[k].key));
    }
    if (!make_axis(epochs, 1, &x) || !make_axis(values, 0, &y))
        return;
    fprintf(out, "<figure><figcaption>%s</figcaption>", title);
    open_plot(out, id, title);
    fprintf(out, "<desc id=\"%s-desc\">Over %s epochs. ", id, fsn__show_count(epochs.high).text);
    describe(out, line, lines, rows);
    fputs("</desc>\n", out);
    draw_axes(out, &x, &y, "epoch", show_tick, show_tick);
    for (int k = lines - 1; k >= 0; k--)
        draw_line(out, &x, &y, k + 1, line[k].key, rows);
    fputs("</svg>", out);
    put_legend(out, line, lines, rows);
    fputs("</figure>\n", out);
}

/* ---- accuracy against bytes ------------------------------------------------------------------ */

struct pareto {
    struct axis x, y;
    const char *key; /* of what the files are judged by */
};

static double height_of(const struct pareto *plot, const json_t *candidate)
{
    return place_y(&plot->y, fsn__number_of(candidate, plot->key));
}

static bool is_point(const struct pareto *plot, const json_t *candidate)
{
    return isfinite(fsn__number_of(candidate, plot->key)) &&
           fsn__number_of(candidate, "size_bytes") > 0;
}

/* A dashed line across, with what it is. */
static void draw_level(FILE *out, const struct axis *y, double at, const char *kind,
                       const char *text)
{
    if (!(at >= y->low && at <= y->high))
        return;
    fprintf(out, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", kind, LEFT,
            W - RIGHT, place_y(y, at), place_y(y, at));
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", W - RIGHT,
            place_y(y, at) + (place_y(y, at) > TOP + 14 ? -4 : 13), text);
}

/* The front is few points: each step looks for the next larger file on it. */
static void draw_front(FILE *out, const struct pareto *plot, const json_t *all)
{
    double last = 0;
    const char *pen = "M";

    fputs("<path class=\"l1\" d=\"", out);
    for (size_t step = 0; step < json_array_size(all); step++) {
        const json_t *candidate, *next = NULL;
        size_t i;

        json_array_foreach(all, i, candidate)
        {
            const double bytes = fsn__number_of(candidate, "size_bytes");

            if (is_point(plot, candidate) && json_is_true(json_object_get(candidate, "pareto")) &&
                bytes > last && (!next || bytes < fsn__number_of(next, "size_bytes")))
                next = candidate;
        }
        if (!next)
            break;
        last = fsn__number_of(next, "size_bytes");
        fprintf(out, "%s%.1f %.1f", pen, place_x(&plot->x, last), height_of(plot, next));
        pen = "L";
    }
    fputs("\"/>\n", out);
}

static void draw_candidate(FILE *out, const struct pareto *plot, size_t number,
                           const json_t *candidate, bool chosen)
{
    const double bytes = fsn__number_of(candidate, "size_bytes");
    const double left = place_x(&plot->x, bytes), top = height_of(plot, candidate);
    const bool front = json_is_true(json_object_get(candidate, "pareto"));

    if (!is_point(plot, candidate))
        return;
    fprintf(out, "<g><title>File %zu: %s, %s%s%s</title>", number, fsn__show_bytes(bytes).text,
            fsn__show_percent(fsn__number_of(candidate, plot->key)).text,
            front ? ", on the Pareto front" : "", chosen ? ", chosen" : "");
    if (chosen)
        fprintf(out, "<circle class=\"ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\"/>", left, top);
    fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>",
            front ? "front" : "behind", left, top);
    fprintf(out, "<text class=\"item\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%zu</text></g>\n",
            left - 8, top + (top < TOP + 14 ? 15 : -7), number);
}

void fsn__plot_pareto(FILE *out, const json_t *search, const struct fsn__judged *judged)
{
    const json_t *all = json_object_get(search, "candidates"), *candidate;
    const double baseline = fsn__number_of(json_object_get(search, "selection"), judged->baseline);
    const double most = fsn__number_of(search, "max_accuracy_drop");
    const double chosen = fsn__number_of(search, "chosen");
    struct range bytes = nothing, heights = nothing;
    struct pareto plot = {.key = judged->key};
    char title[64];
    size_t i;

    json_array_foreach(all, i, candidate)
    {
        if (is_point(&plot, candidate)) {
            widen(&bytes, fsn__number_of(candidate, "size_bytes"));
            widen(&heights, fsn__number_of(candidate, judged->key));
        }
    }
    widen(&bytes, bytes.low > bytes.high ? NAN : 0);
    widen(&heights, heights.low > heights.high ? NAN : baseline);
    if (!make_axis(bytes, 1, &plot.x) || !make_axis(heights, 0.1, &plot.y))
        return;
    fprintf(out, "<figure class=\"pareto\"><figcaption>%s against size</figcaption>",
            judged->title);
    snprintf(title, sizeof title, "%s against the bytes of the file", judged->title);
    open_plot(out, "pareto", title);
    fputs("<desc id=\"pareto-desc\">A point for each file, numbered as in the table below. The "
          "line joins those on the Pareto front: no other is as small and as accurate.</desc>\n",
          out);
    draw_axes(out, &plot.x, &plot.y, "size of model.onnx", fsn__show_round_bytes, show_tick);
    draw_level(out, &plot.y, baseline, "level", "baseline");
    draw_level(out, &plot.y, baseline - most, "limit", "least that holds");
    draw_front(out, &plot, all);
    json_array_foreach(all, i, candidate)
        draw_candidate(out, &plot, i + 1, candidate, (double)i == chosen);
    fputs("</svg></figure>\n", out);
}
