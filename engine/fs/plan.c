/*
 * plan.c - which convolution gets which Filter Summary, and what that comes to.
 *
 * As in the reference implementation every convolution is compressed, the first one and the 1x1
 * shortcuts included; depthwise ones, the classifier (Gemm) and what the spec excludes stay dense.
 * Counts as the reference counts them: every tensor of the state dict, and for a quantised Filter
 * Summary of f elements f/4 + 2, which is its size in 32-bit words: f bytes, scale and zero.
 */
#include "fs/choose.h"
#include "fs/fs.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the plan has to know about a value that convolutions read as their weights. */
struct weight {
    int conv_reads;
    bool excluded; /* by the name of one of its readers */
    bool counted;
};

struct planner {
    const struct fsn__graph *graph;
    const struct fsn_spec *spec;
    const double *ratios; /* of the rows; NULL: the spec's */
    const int *bits;      /* the same */
    struct fsn_plan *plan;
    struct weight *weights; /* [value_count] */
    int *uses;              /* [value_count] */
    bool *trained;          /* [value_count]; the ends depend on it */
    int *nodes;             /* of each row */
    struct fsn_faults *faults;
    struct fsn_error *err;
    enum fsn_status status; /* of the first fault */
};

static __attribute__((format(printf, 4, 5))) void
fault(struct planner *p, enum fsn_status status, const char *pointer, const char *format, ...)
{
    char text[sizeof p->faults->item[0].text];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fsn__fault(p->faults, pointer, "%s", text);
    if (p->status == FSN_OK)
        p->status = FSN__FAIL(p->err, status, "%s", text);
}

/* ---- the settings ---------------------------------------------------------------------------- */

static void check_settings(struct planner *p)
{
    const struct fsn_spec *spec = p->spec;
    const double ratio = spec->filter_summary.ratio, ratio_1x1 = spec->filter_summary.ratio_1x1;

    if (spec->filter_summary.layout < FSN_LAYOUT_1D ||
        spec->filter_summary.layout > FSN_LAYOUT_LEARNED)
        fault(p, FSN_INVALID, "/filter_summary/layout", "layout must be 1d, 3d or learned");
    if (!isfinite(ratio) || ratio <= 1)
        fault(p, FSN_INVALID, "/filter_summary/ratio",
              "ratio must be a number greater than 1, is %g", ratio);
    if (ratio_1x1 != 0 && (!isfinite(ratio_1x1) || ratio_1x1 <= 1))
        fault(p, FSN_INVALID, "/filter_summary/ratio_1x1",
              "ratio_1x1 must be 0 or a number greater than 1, is %g", ratio_1x1);
    if ((spec->quantize.bits < 1 || spec->quantize.bits > 8) && spec->quantize.bits != 32)
        fault(p, FSN_INVALID, "/quantize/bits", "bits must be 1 to 8 or 32, is %d",
              spec->quantize.bits);
}

/* ---- excluded layers ---------------------------------------------------------------------------
 */

/* The layer whose name is most like `name`, among those worth naming; NULL: none. */
static const char *nearest_layer(const struct fsn_plan *plan, const char *name)
{
    enum { COMPARED = 4096 };
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 2;

    for (size_t i = 0; i < plan->layer_count && i < COMPARED; i++) {
        const char *layer = plan->layers[i].name;
        /* a part of the right name ("conv1" for "/layer1/conv1/Conv") is closer than any typo */
        size_t distance = strstr(layer, name) ? 1 : fsn_edit_distance(layer, name);

        if (distance < best) {
            best = distance;
            nearest = layer;
        }
    }
    return nearest;
}

static void mark_excluded(struct planner *p)
{
    for (size_t i = 0; i < p->spec->filter_summary.exclude_count; i++) {
        const char *name = p->spec->filter_summary.exclude[i], *nearest;
        char pointer[64];
        int node = fsn__names_find(&p->graph->node_names, name);

        if (node >= 0 && p->graph->nodes[node].op == &fsn__op_conv) {
            p->weights[p->graph->nodes[node].in[1]].excluded = true;
            continue;
        }
        snprintf(pointer, sizeof pointer, "/filter_summary/exclude/%zu", i);
        nearest = nearest_layer(p->plan, name);
        fault(p, FSN_INVALID, pointer, "the model has no convolution named '%.100s'%s%.100s%s",
              name, nearest ? "; the nearest is '" : "", nearest ? nearest : "",
              nearest ? "'" : "");
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void make_dense(struct fsn_plan_layer *layer, const char *note)
{
    layer->layout = FSN_LAYOUT_DENSE;
    layer->fs_size = layer->filters * layer->channels * layer->height * layer->width;
    layer->ratio = 1;
    layer->bits = 32;
    layer->note = note;
}

/* Why the layer must stay dense whatever the budget, or NULL. */
static const char *dense_reason(const struct planner *p, const struct fsn_plan_layer *layer,
                                int weight)
{
    const struct fsn__value *value = &p->graph->values[weight];

    if (p->weights[weight].excluded)
        return "excluded by the spec";
    if (!p->trained[weight])
        return "the output that is trained does not depend on it";
    if (value->producer >= 0 && p->graph->nodes[value->producer].op == &fsn__op_filter_summary)
        return "already a Filter Summary";
    if (!value->tensor.data)
        return "the weights are computed by the network";
    if (value->tensor.dtype != FSN__F32 || value->tensor.ndim != 4)
        return "not a 2-d convolution in float32";
    if (p->uses[weight] != p->weights[weight].conv_reads)
        return "the weights are used by another operator too";
    if (layer->groups > 1 && layer->channels == 1)
        return "depthwise: a filter has one channel";
    return NULL;
}

/* side_by_side: as many values as the filters have are wanted, in fewer bits. */
static void apply_geometry(struct fsn_plan_layer *layer, const struct fsn__fs_geometry *g,
                           const struct fsn_spec *spec, int bits, bool side_by_side)
{
    const int64_t elements = g->k * fsn__fs_filter_size(g);

    if (fsn__fs_size(g) > elements ||
        (fsn__fs_size(g) == elements && !(side_by_side && bits < 32))) {
        make_dense(layer, "a Filter Summary would not be smaller");
        return;
    }
    layer->layout = g->layout;
    if (spec->filter_summary.layout == FSN_LAYOUT_LEARNED && g->k > 1 && !side_by_side)
        layer->layout = FSN_LAYOUT_LEARNED; /* filters side by side have nowhere to go */
    layer->fs_size = fsn__fs_size(g);
    layer->ratio = (double)elements / (double)layer->fs_size;
    layer->bits = bits;
    if (layer->bits < 32 && spec->quantize.granularity == FSN_GRANULARITY_SEGMENT &&
        layer->fs_size > FSN_SEGMENT)
        layer->segment = FSN_SEGMENT;
    for (int i = 0; i < 3; i++) {
        const bool three = g->layout == FSN_LAYOUT_3D;

        layer->fs_dim[i] = three || i == 0 ? g->fs_dim[i] : 0;
        layer->grid[i] = three ? g->grid[i] : 0;
        layer->stride[i] = three ? g->stride[i] : 0;
    }
}

static double layer_budget(const struct planner *p, const struct fsn_plan_layer *layer)
{
    const struct fsn_spec *spec = p->spec;
    const bool pointwise = layer->height == 1 && layer->width == 1;

    if (p->ratios)
        return p->ratios[layer - p->plan->layers];
    if (pointwise && spec->filter_summary.ratio_1x1 != 0)
        return spec->filter_summary.ratio_1x1;
    return spec->filter_summary.ratio;
}

static void plan_layer(struct planner *p, struct fsn_plan_layer *layer, int node)
{
    const struct fsn__node *conv = &p->graph->nodes[node];
    const struct fsn__tensor *w = &p->graph->values[conv->in[1]].tensor;
    struct fsn__fs_geometry g;
    const char *reason;
    double budget;

    layer->filters = w->ndim > 0 ? w->dim[0] : 0;
    layer->channels = w->ndim > 1 ? w->dim[1] : 1;
    layer->height = w->ndim > 2 ? w->dim[2] : 1;
    layer->width = w->ndim > 3 ? w->dim[3] : 1;
    layer->groups = fsn__attr_int(&conv->attrs, "group", 1);
    layer->fit_error = layer->activation_error = NAN;
    layer->quant_error = layer->start_quant_error = NAN;
    layer->output_error = layer->start_output_error = NAN;
    layer->alone_divergence = layer->alone_top1_drop = NAN;
    layer->moved = NAN;
    reason = dense_reason(p, layer, conv->in[1]);
    if (reason) {
        make_dense(layer, reason);
        return;
    }
    budget = layer_budget(p, layer);
    if (p->spec->filter_summary.layout != FSN_LAYOUT_3D || budget <= 1)
        g = fsn__fs_choose_1d(layer->filters, layer->channels, layer->height, layer->width, budget,
                              p->spec->filter_summary.spacing);
    else
        g = fsn__fs_choose_3d(layer->filters, layer->channels, layer->height, layer->width, budget);
    apply_geometry(layer, &g, p->spec,
                   p->bits ? p->bits[layer - p->plan->layers] : p->spec->quantize.bits,
                   budget <= 1);
}

/* Nodes stand in order: one sweep backwards. */
static void mark_trained(struct planner *p, const struct fsn__ends *ends)
{
    if (ends && ends->count > 0)
        fsn__graph_mark_ends(p->graph, ends, p->trained);
    else
        memset(p->trained, true, (size_t)p->graph->value_count * sizeof *p->trained);
    for (int i = p->graph->node_count - 1; i >= 0; i--) {
        const struct fsn__node *node = &p->graph->nodes[i];
        bool trained = false;

        for (int j = 0; j < node->n_out; j++)
            trained |= node->out[j] >= 0 && p->trained[node->out[j]];
        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0)
                p->trained[node->in[j]] |= trained;
    }
}

/* One row for each Conv, named; planner.nodes says which node it is. */
static enum fsn_status list_layers(struct planner *p)
{
    const struct fsn__graph *graph = p->graph;
    struct fsn_plan *plan = p->plan;

    p->weights = calloc((size_t)graph->value_count + 1, sizeof *p->weights);
    p->nodes = calloc((size_t)graph->node_count + 1, sizeof *p->nodes);
    p->trained = calloc((size_t)graph->value_count + 1, sizeof *p->trained);
    p->uses = fsn__graph_count_uses(graph);
    plan->layers = calloc((size_t)graph->node_count + 1, sizeof *plan->layers);
    if (!p->weights || !p->nodes || !p->trained || !p->uses || !plan->layers)
        return FSN__NOMEM(p->err);
    for (int i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].op != &fsn__op_conv)
            continue;
        plan->layers[plan->layer_count].name = strdup(graph->nodes[i].name);
        if (!plan->layers[plan->layer_count].name)
            return FSN__NOMEM(p->err);
        p->nodes[plan->layer_count++] = i;
        p->weights[graph->nodes[i].in[1]].conv_reads++;
    }
    return FSN_OK;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static void count(struct planner *p)
{
    struct fsn_plan *plan = p->plan;
    int64_t stored_bits = 0, summaries = 0;

    plan->parameters = fsn__graph_parameters(p->graph);
    plan->compressed_parameters = plan->parameters;
    plan->macs = fsn__graph_macs(p->graph);
    for (size_t i = 0; i < plan->layer_count; i++) {
        const struct fsn_plan_layer *layer = &plan->layers[i];
        struct weight *weight = &p->weights[p->graph->nodes[p->nodes[i]].in[1]];

        if (layer->layout == FSN_LAYOUT_DENSE || weight->counted)
            continue;
        weight->counted = true;
        plan->compressed_parameters +=
            layer->fs_size - layer->filters * layer->channels * layer->height * layer->width;
        summaries += layer->fs_size;
        stored_bits += layer->fs_size * layer->bits;
        if (layer->bits < 32) /* scale and zero; a byte for each segment */
            stored_bits +=
                2 * 32 + (layer->segment > 0 ? 8 * (layer->fs_size / layer->segment) : 0);
    }
    plan->effective_parameters = plan->compressed_parameters - summaries + stored_bits / 32;
}

static bool computes_with_integers(const struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == &fsn__op_conv_integer ||
            graph->nodes[i].op == &fsn__op_qlinear_conv)
            return true;
    return false;
}

/* Faults that only show in the rows: nothing to compress, or nothing left of it. */
static void check_rows(struct planner *p)
{
    const struct fsn_plan *plan = p->plan;
    const char *note = NULL;
    double most = 0; /* weights that the roomiest layer would keep */
    size_t compressed = 0;

    for (size_t i = 0; i < plan->layer_count; i++) {
        const struct fsn_plan_layer *layer = &plan->layers[i];
        double kept = (double)layer->fs_size * layer->ratio / layer_budget(p, layer);

        if (layer->layout == FSN_LAYOUT_DENSE) {
            note = layer->note;
            continue;
        }
        compressed++;
        most = kept > most ? kept : most;
    }
    if (plan->layer_count == 0 && computes_with_integers(p->graph))
        fault(p, FSN_BUDGET, "",
              "the model's convolutions are of integers: it is quantised already and can only be "
              "measured");
    else if (plan->layer_count == 0)
        fault(p, FSN_BUDGET, "", "the model has no convolution, so nothing can be compressed");
    else if (compressed == 0)
        fault(p, FSN_BUDGET, "",
              "none of the model's %zu convolutions can be compressed; the last one, '%.100s': %s",
              plan->layer_count, plan->layers[plan->layer_count - 1].name, note);
    else if (most < 1 && !p->ratios)
        fault(p, FSN_BUDGET, "/filter_summary/ratio",
              "ratio %g leaves less than one weight in every layer", p->spec->filter_summary.ratio);
}

static enum fsn_status make_plan(struct planner *p, const struct fsn__ends *ends, bool judge,
                                 struct fsn_plan **out)
{
    enum fsn_status status;

    p->plan = calloc(1, sizeof *p->plan);
    status = p->plan ? list_layers(p) : FSN__NOMEM(p->err);
    if (status != FSN_OK)
        goto out;
    mark_trained(p, ends);
    check_settings(p);
    mark_excluded(p);
    if (p->status == FSN_OK) {
        for (size_t i = 0; i < p->plan->layer_count; i++)
            plan_layer(p, &p->plan->layers[i], p->nodes[i]);
        if (judge)
            check_rows(p);
        count(p);
    }
    status = p->status;
    if (status == FSN_OK) {
        *out = p->plan;
        p->plan = NULL;
    }
out:
    fsn_plan_destroy(p->plan);
    free(p->weights);
    free(p->trained);
    free(p->uses);
    free(p->nodes);
    return status;
}

enum fsn_status fsn__fs_plan_for(const struct fsn__graph *graph, const struct fsn__ends *ends,
                                 const struct fsn_spec *spec, const double *ratios, const int *bits,
                                 struct fsn_plan **out, struct fsn_faults *faults,
                                 struct fsn_error *err)
{
    struct planner p = {
        .graph = graph, .spec = spec, .ratios = ratios, .bits = bits, .faults = faults, .err = err};

    return make_plan(&p, ends, true, out);
}

enum fsn_status fsn__fs_rows(const struct fsn__graph *graph, const struct fsn_spec *spec,
                             struct fsn_plan **out, struct fsn_error *err)
{
    struct planner p = {.graph = graph, .spec = spec, .err = err};

    return make_plan(&p, NULL, false, out);
}

enum fsn_status fsn__fs_plan(const struct fsn__graph *graph, const struct fsn_spec *spec,
                             struct fsn_plan **out, struct fsn_faults *faults,
                             struct fsn_error *err)
{
    return fsn__fs_plan_for(graph, NULL, spec, NULL, NULL, out, faults, err);
}

void fsn_plan_destroy(struct fsn_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; plan->layers && i < plan->layer_count; i++)
        free(plan->layers[i].name);
    free(plan->layers);
    free(plan->output);
    for (size_t i = 0; i < plan->cut_count; i++)
        free(plan->cut[i]);
    free(plan->cut);
    free(plan);
}

int fsn__fs_row_weight(const struct fsn__graph *graph, const struct fsn_plan_layer *layer)
{
    return graph->nodes[fsn__names_find(&graph->node_names, layer->name)].in[1];
}

enum fsn_status fsn__fs_plan_part(const struct fsn__graph *graph, const struct fsn_plan *plan,
                                  int weight, bool alone, struct fsn_plan *out,
                                  struct fsn_error *err)
{
    struct fsn_plan_layer *layers = calloc(plan->layer_count + 1, sizeof *layers);

    if (!layers)
        return FSN__NOMEM(err);
    for (size_t i = 0; i < plan->layer_count; i++) {
        layers[i] = plan->layers[i];
        if ((fsn__fs_row_weight(graph, &layers[i]) == weight) != alone)
            layers[i].layout = FSN_LAYOUT_DENSE;
    }
    *out = *plan;
    out->layers = layers;
    return FSN_OK;
}

struct fsn__fs_geometry fsn__fs_layer_geometry(const struct fsn_plan_layer *layer,
                                               enum fsn_spacing spacing)
{
    const bool three = layer->layout == FSN_LAYOUT_3D;
    struct fsn__fs_geometry g = {.layout = three ? FSN_LAYOUT_3D : FSN_LAYOUT_1D,
                                 .k = layer->filters,
                                 .c = layer->channels,
                                 .r = layer->height,
                                 .s = layer->width,
                                 .spacing = spacing};

    for (int i = 0; i < 3; i++) {
        g.fs_dim[i] = three || i == 0 ? layer->fs_dim[i] : 1;
        g.grid[i] = three ? layer->grid[i] : 1;
        g.stride[i] = three ? layer->stride[i] : 1;
    }
    return g;
}
