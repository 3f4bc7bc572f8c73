/* report_layers.c - the table of layers of report.html: what is lost in each, step by step. */
#include "compress/report_page.h"

#include <math.h>
#include <string.h>

static double weights_of(const json_t *layer)
{
    const json_t *dim;
    double weights = 1;
    size_t i;

    json_array_foreach(json_object_get(layer, "shape"), i, dim) weights *= json_number_value(dim);
    return weights;
}

struct layers {
    const json_t *first; /* to be excluded */
    double largest;      /* weights */
};

static bool names_layer(const json_t *first, const json_t *layer)
{
    const json_t *row;
    size_t i;

    json_array_foreach(first, i, row)
    {
        if (strcmp(fsn__string_of(row, "name"), fsn__string_of(layer, "name")) == 0)
            return true;
    }
    return false;
}

static void layer_name(FILE *out, const json_t *layer, const void *about)
{
    const struct layers *layers = about;

    fputs("<code>", out);
    fsn__html_text(out, fsn__string_of(layer, "name"));
    fputs("</code>", out);
    if (names_layer(layers->first, layer))
        fputs("<span class=\"mark first\">exclude first</span>", out);
    if (*fsn__string_of(layer, "note")) {
        fputs("<span class=\"hint block\">", out);
        fsn__html_text(out, fsn__string_of(layer, "note"));
        fputs("</span>", out);
    }
}

static void layer_shape(FILE *out, const json_t *layer, const void *about)
{
    const json_t *dim;
    size_t i;

    (void)about;
    json_array_foreach(json_object_get(layer, "shape"), i, dim)
        fprintf(out, "%s%s", i > 0 ? " × " : "", fsn__show_count(json_number_value(dim)).text);
}

static void layer_sizes(FILE *out, const json_t *layer, const void *about)
{
    const struct layers *layers = about;
    const double size = fsn__number_of(layer, "fs_size"), weights = weights_of(layer);
    char text[128];

    snprintf(text, sizeof text, "%s of %s", fsn__show_count(size).text,
             fsn__show_count(weights).text);
    fsn__html_bar(out, text, "sizes", size / layers->largest, weights / layers->largest);
}

static void layer_output(FILE *out, const json_t *layer, const void *about)
{
    const double error = fsn__number_of(layer, "output_error");

    (void)about;
    fsn__html_bar(out, fsn__show_error(error).text, "error", error,
                  fsn__number_of(layer, "start_output_error"));
}

const struct fsn__layer_cost *fsn__report_layer_cost(const json_t *report)
{
    static const struct fsn__layer_cost classes = {"alone_top1_drop", "points",
                                                   "accuracy lost on training images"};
    static const struct fsn__layer_cost boxes = {
        "alone_divergence", "nats",
        "how far the outputs move from the baseline's on training images (mean Kullback-Leibler "
        "divergence)"};
    static const struct fsn__layer_cost outputs = {
        "alone_divergence", "of their spread",
        "the loss of the outputs against the baseline's on training images, as a share of the loss "
        "of their means"};
    const char *task = fsn__string_of(report, "task");

    if (strcmp(task, "distill") == 0)
        return &outputs;
    return strcmp(task, "detect") == 0 ? &boxes : &classes;
}

void fsn__report_layers(FILE *out, const json_t *report)
{
    const struct fsn__layer_cost *cost = fsn__report_layer_cost(report);
    char alone[40];
    const struct fsn__column column[] = {
        {.title = "Layer", .cell = layer_name},
        {.title = "Shape", .kind = "number wide", .cell = layer_shape},
        {.title = "Parameters of before", .cell = layer_sizes},
        {"Ratio", "number", NULL, "ratio", fsn__show_times},
        {"Bits", "number wide", NULL, "bits", fsn__show_count},
        {alone, "number", NULL, cost->key, fsn__show_short},
        {"Filters: fit", "number wide", NULL, "fit_error", fsn__show_error},
        {"Output: fit", "number wide", NULL, "start_output_error", fsn__show_error},
        {.title = "Output: file", .cell = layer_output},
        {"Quantiser", "number wide", NULL, "quant_error", fsn__show_error},
    };
    const json_t *rows = json_object_get(report, "layers"), *row;
    struct layers layers = {json_object_get(report, "exclude_first"), 1};
    size_t i;

    snprintf(alone, sizeof alone, "Alone, %s", cost->unit);
    json_array_foreach(rows, i, row) layers.largest = fmax(layers.largest, weights_of(row));
    fsn__html_table(out, "Layers", column, FSN__COLUMNS(column), rows, &layers);
}
