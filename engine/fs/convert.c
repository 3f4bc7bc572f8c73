/*
 * convert.c - a network with its filters replaced by Filter Summaries.
 *
 *   weight [K,C,R,S] -> Conv      becomes      F -> FilterSummary -> Conv
 *
 * with F fitted to the weight by least squares (fit.c). A weight that several convolutions read is
 * converted once and its FilterSummary node feeds them all.
 */
#include "fs/fit.h"
#include "fs/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for any real weight; a longer name is cut, and made unique by the graph. */
enum { NAME_SIZE = 512 };

static enum fsn_status add_node(struct fsn__graph *graph, const struct fsn__fs_geometry *g,
                                const struct fsn_plan_layer *layer, const char *name, int f,
                                int *out, struct fsn_error *err)
{
    const int64_t shape[4] = {g->k, g->c, g->r, g->s};
    struct fsn__attr item[6] = {
        {.name = "layout", .type = FSN__ATTR_STRING, .s = "1d"},
        {.name = "shape", .type = FSN__ATTR_INTS, .count = 4, .ints = shape},
    };
    struct fsn__attrs attrs = {.count = 2, .item = item};

    if (g->layout == FSN_LAYOUT_3D) {
        item[0].s = "3d";
        item[attrs.count++] =
            (struct fsn__attr){.name = "grid", .type = FSN__ATTR_INTS, .count = 3, .ints = g->grid};
        item[attrs.count++] = (struct fsn__attr){
            .name = "strides", .type = FSN__ATTR_INTS, .count = 3, .ints = g->stride};
    } else {
        item[attrs.count++] =
            (struct fsn__attr){.name = "spacing",
                               .type = FSN__ATTR_STRING,
                               .s = g->spacing == FSN_SPACING_REFERENCE ? "reference" : "even"};
    }
    if (layer->bits < 32)
        item[attrs.count++] =
            (struct fsn__attr){.name = "bits", .type = FSN__ATTR_INT, .i = layer->bits};
    if (layer->segment > 0)
        item[attrs.count++] =
            (struct fsn__attr){.name = "segment", .type = FSN__ATTR_INT, .i = layer->segment};
    return fsn__graph_apply(graph, "FilterSummary", name, &attrs, 1, &f, out, err);
}

/* Adds F and its FilterSummary node for one weight; *out: the value that holds the filters. */
static enum fsn_status add_summary(struct fsn__graph *graph, int weight,
                                   const struct fsn__fs_geometry *g,
                                   const struct fsn_plan_layer *layer, double *fit_error, int *out,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *w = &graph->values[weight].tensor;
    struct fsn__tensor f = {.dtype = FSN__F32};
    char name[NAME_SIZE];
    enum fsn_status status;
    int index;

    fsn__shape_set(&f, FSN__F32, g->layout == FSN_LAYOUT_3D ? 3 : 1, g->fs_dim);
    status = fsn__tensor_alloc(&f, err);
    if (status == FSN_OK)
        status = fsn__fs_fit(g, fsn__f32(w), fsn__f32(&f), fit_error, err);
    if (status != FSN_OK)
        goto out;
    snprintf(name, sizeof name, "%s.fs", graph->values[weight].name);
    status = fsn__graph_add_const(graph, name, FSN__VALUE_PARAM, &f, &index, err);
    if (status != FSN_OK)
        goto out;
    graph->values[index].decay = true;
    snprintf(name, sizeof name, "%s.filters", graph->values[weight].name);
    status = add_node(graph, g, layer, name, index, out, err);
out:
    free(f.data);
    return status;
}

/* The row must have been planned for this very weight. */
static bool row_fits(const struct fsn_plan_layer *layer, const char *node,
                     const struct fsn__tensor *w)
{
    const int64_t shape[4] = {layer->filters, layer->channels, layer->height, layer->width};

    return strcmp(layer->name, node) == 0 && w->data && w->dtype == FSN__F32 && w->ndim == 4 &&
           memcmp(w->dim, shape, sizeof shape) == 0;
}

static enum fsn_status convert_layers(struct fsn__graph *graph, struct fsn_plan *plan,
                                      enum fsn_spacing spacing, int *filters, double *fit_error,
                                      struct fsn_error *err)
{
    const int nodes = graph->node_count; /* those added below are no convolutions */
    enum fsn_status status = FSN_OK;
    size_t row = 0;

    for (int i = 0; i < nodes && status == FSN_OK; i++) {
        struct fsn_plan_layer *layer;
        int weight;

        if (graph->nodes[i].op != &fsn__op_conv || row == plan->layer_count)
            continue;
        layer = &plan->layers[row++];
        weight = graph->nodes[i].in[1];
        if (layer->layout == FSN_LAYOUT_DENSE)
            continue;
        if (!row_fits(layer, graph->nodes[i].name, &graph->values[weight].tensor))
            return FSN__FAIL(err, FSN_INVALID,
                             "the plan's layer '%s' is not the network's Conv '%s'", layer->name,
                             graph->nodes[i].name);
        if (filters[weight] < 0) {
            const struct fsn__fs_geometry g = fsn__fs_layer_geometry(layer, spacing);

            status =
                add_summary(graph, weight, &g, layer, &fit_error[weight], &filters[weight], err);
        }
        layer->fit_error = fit_error[weight];
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, i, 1, filters[weight], err);
    }
    return status;
}

enum fsn_status fsn__fs_convert(const struct fsn__graph *baseline, struct fsn_plan *plan,
                                enum fsn_spacing spacing, struct fsn__graph **out,
                                struct fsn_error *err)
{
    const size_t values = (size_t)baseline->value_count;
    struct fsn__graph *graph = NULL;
    int *filters = malloc((values + 1) * sizeof *filters); /* of each weight, -1: not yet */
    double *fit_error = calloc(values + 1, sizeof *fit_error);
    enum fsn_status status;

    if (!filters || !fit_error) {
        status = FSN__NOMEM(err);
        goto out;
    }
    for (size_t i = 0; i < values; i++)
        filters[i] = -1;
    status = fsn__graph_clone(baseline, &graph, err);
    if (status == FSN_OK)
        status = convert_layers(graph, plan, spacing, filters, fit_error, err);
    if (status == FSN_OK)
        status = fsn__graph_sort(graph, err);
    if (status == FSN_OK)
        status = fsn__graph_prune(graph, err);
    if (status != FSN_OK)
        goto out;
    fsn__graph_mark_trainable(graph);
    *out = graph;
    graph = NULL;
out:
    fsn__graph_destroy(graph);
    free(filters);
    free(fit_error);
    return status;
}
