/*
 * convert.c - a network with its filters replaced by Filter Summaries.
 *
 *   weight [K,C,R,S] -> Conv      becomes      F -> FilterSummary -> Conv
 *
 * with F drawn at random, or fitted to the weight by least squares (fit.c): with the filters in
 * order, or in the slots where they agree best (assign.c), up to a sign and a scale of each where
 * batch norm behind the convolution absorbs it (absorb.c). A weight that several convolutions read
 * is converted once and its FilterSummary node feeds them all. While sharing is progressive, the
 * node also reads the filters as they were, and one share t for the whole network (sharing.c). In
 * layout learned it reads an offset for each filter, or has their starts as its slots
 * (locations.c).
 */
#include "core/rng.h"
#include "fs/absorb.h"
#include "fs/assign.h"
#include "fs/fit.h"
#include "fs/fs.h"
#include "ops/levels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for any real weight; a longer name is cut, and made unique by the graph. */
enum { NAME_SIZE = 512 };

/* What is at hand while a graph is converted. */
struct converter {
    struct fsn__graph *graph;
    const struct fsn__fs_options *options;
    const int *uses;   /* of the graph before anything was added */
    int *filters;      /* [values]: of each weight, the value that holds its filters; -1: not yet */
    double *fit_error; /* [values]: of each weight */
    int share;         /* value; -1: none */
    uint64_t rank;     /* of the next layer among those converted */
    uint64_t of_width[8]; /* layers that were sketched, by their bits */
    struct fsn_error *err;
};

/* What is worked out for one layer. */
struct fitted {
    struct fsn__fs_geometry g;
    int bits;        /* of a stored value, and of how many the step is one: for export */
    int64_t segment; /* 0: of all */
    struct fsn__tensor f, base;
    int64_t *slot, *start;     /* [K]; start: layout learned, once locations are fixed */
    float *scale, *importance; /* [K]; NULL: 1 */
    double error;
};

static enum fsn_status add_node(struct converter *c, const struct fitted *l, const char *name,
                                int n_in, const int *in, int *out)
{
    const struct fsn__fs_geometry *g = &l->g;
    const int64_t shape[4] = {g->k, g->c, g->r, g->s};
    struct fsn__attr item[7] = {
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
        static const char *const spacings[] = {"even", "reference", "free"};

        item[attrs.count++] = (struct fsn__attr){
            .name = "spacing", .type = FSN__ATTR_STRING, .s = spacings[g->spacing]};
    }
    if (g->slot)
        item[attrs.count++] = (struct fsn__attr){
            .name = "slots", .type = FSN__ATTR_INTS, .count = (size_t)g->k, .ints = g->slot};
    if (l->bits < 32)
        item[attrs.count++] =
            (struct fsn__attr){.name = "bits", .type = FSN__ATTR_INT, .i = l->bits};
    if (l->segment > 0)
        item[attrs.count++] =
            (struct fsn__attr){.name = "segment", .type = FSN__ATTR_INT, .i = l->segment};
    return fsn__graph_apply(c->graph, "FilterSummary", name, &attrs, n_in, in, out, c->err);
}

/* ---- the starts ------------------------------------------------------------------------------ */

static double rms(const float *w, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += (double)w[i] * w[i];
    return sqrt(sum / (double)count);
}

static void draw(const struct converter *c, const float *w, int64_t count, struct fsn__tensor *f)
{
    struct fsn__rng rng = fsn__rng_open(c->options->seed, FSN__RNG_INIT, c->rank, 1);
    const int64_t size = fsn__numel(f);
    const double deviation = rms(w, count);

    for (int64_t j = 0; j < size; j++)
        fsn__f32(f)[j] = (float)(deviation * fsn__rng_normal(&rng));
}

/* Some order of the filters, another one for each layer. */
static void shuffle(const struct converter *c, int64_t *slot, int64_t k)
{
    struct fsn__rng rng = fsn__rng_open(c->options->seed, FSN__RNG_INIT, c->rank, 2);

    for (int64_t i = 0; i < k; i++) {
        const int64_t j = (int64_t)fsn__rng_below(&rng, (uint64_t)i + 1);

        slot[i] = slot[j];
        slot[j] = i;
    }
}

/* A zero that is no other layer's, as far as those of the file can differ (quant/steps.c): below 8
 * bits there are two for each width. 0 is a constant of others too. */
static double sketch_zero(struct converter *c, int bits)
{
    if (bits >= 8)
        return 64 + (double)(c->rank % 128);
    if (c->options->range == FSN_RANGE_MIN_MAX)
        return 1 + (double)(c->rank % (uint64_t)fsn__top_level(bits));
    return (1 << (bits - 1)) + (bits > 1 ? (double)(c->of_width[bits]++ % 2) : 0);
}

/* Filters side by side, as many elements as weights: in any order nothing is lost. */
static bool is_apart(const struct fsn__fs_geometry *g)
{
    return g->layout == FSN_LAYOUT_1D && g->spacing == FSN_SPACING_EVEN &&
           g->fs_dim[0] == g->k * fsn__fs_filter_size(g);
}

/* sign: may be NULL. */
static void put_in_order(int64_t *slot, float *sign, int64_t k)
{
    for (int64_t i = 0; i < k; i++) {
        slot[i] = i;
        if (sign)
            sign[i] = 1;
    }
}

/* No file of the same geometry is larger than the one of this F: it takes every level, and has a
 * zero, a step and segments as unlike other layers' as can be, since equal constants are written
 * once. The step is about what weights of this size lead to. */
static enum fsn_status sketch(struct converter *c, const float *w, int64_t count, struct fitted *l)
{
    const int top = fsn__top_level(l->bits < 8 ? l->bits : 8);
    const double zero = sketch_zero(c, l->bits);
    const int64_t size = fsn__numel(&l->f);
    struct fsn__rng rng = fsn__rng_open(c->options->seed, FSN__RNG_INIT, c->rank, 1);
    float *f = fsn__f32(&l->f);
    double step = 6 * rms(w, count) / top;

    step = (step > 0 ? step : 1) * (1 + (double)c->rank / 1024);
    for (int64_t j = 0; j < size; j++)
        f[j] = (float)((top * fsn__rng_uniform(&rng) - zero) * step);
    f[0] = (float)(-zero * step);
    f[size - 1] = (float)((top - zero) * step);
    l->error = NAN;
    if (c->options->start < FSN_START_ASSIGNED || l->g.k == 1)
        return FSN_OK;
    l->slot = calloc((size_t)l->g.k, sizeof *l->slot);
    if (!l->slot)
        return FSN__NOMEM(c->err);
    if (is_apart(&l->g))
        put_in_order(l->slot, NULL, l->g.k);
    else
        shuffle(c, l->slot, l->g.k);
    l->g.slot = l->slot;
    return FSN_OK;
}

/* Filters in the order in which they agree best, with their signs and scales where batch norm
 * absorbs them. */
static enum fsn_status assign(struct converter *c, const float *w,
                              const struct fsn__absorber *absorber, struct fitted *l)
{
    enum fsn_status status = FSN_OK;

    l->slot = calloc((size_t)l->g.k, sizeof *l->slot);
    if (absorber) {
        l->scale = calloc((size_t)l->g.k, sizeof *l->scale);
        l->importance = calloc((size_t)l->g.k, sizeof *l->importance);
    }
    if (!l->slot || (absorber && (!l->scale || !l->importance)))
        return FSN__NOMEM(c->err);
    if (is_apart(&l->g))
        put_in_order(l->slot, l->scale, l->g.k);
    else
        status = fsn__fs_assign(&l->g, w, l->slot, l->scale, c->err);
    l->g.slot = l->slot;
    if (status != FSN_OK)
        return status;
    for (int64_t k = 0; absorber && k < l->g.k; k++)
        l->importance[k] = fsn__absorber_factor(absorber, k);
    return absorber ? fsn__fs_fit_scaled(&l->g, w, l->importance, l->scale, fsn__f32(&l->f),
                                         &l->error, c->err)
                    : fsn__fs_fit(&l->g, w, fsn__f32(&l->f), &l->error, c->err);
}

static enum fsn_status fit(struct converter *c, const struct fsn__tensor *w,
                           const struct fsn__absorber *absorber, struct fitted *l)
{
    enum fsn_status status = fsn__tensor_alloc(&l->f, c->err);
    float *filter = NULL;

    if (status != FSN_OK)
        return status;
    if (c->options->sketch)
        return sketch(c, fsn__f32(w), fsn__numel(w), l);
    if (c->options->start >= FSN_START_ASSIGNED && l->g.k > 1)
        return assign(c, fsn__f32(w), absorber, l);
    if (c->options->start >= FSN_START_LEAST_SQUARES)
        return fsn__fs_fit(&l->g, fsn__f32(w), fsn__f32(&l->f), &l->error, c->err);
    filter = fsn__aligned_calloc((size_t)fsn__fs_filter_size(&l->g), sizeof *filter);
    if (!filter)
        return FSN__NOMEM(c->err);
    draw(c, fsn__f32(w), fsn__numel(w), &l->f);
    l->error = fsn__fs_fit_error(&l->g, fsn__f32(w), NULL, NULL, fsn__f32(&l->f), filter);
    free(filter);
    return FSN_OK;
}

/* ---- one layer -------------------------------------------------------------------------------
 */

/* The filters as they were, on the scale on which the Filter Summary has them. */
static enum fsn_status make_base(const struct converter *c, const struct fsn__tensor *w,
                                 struct fitted *l)
{
    const int64_t n = fsn__fs_filter_size(&l->g);
    enum fsn_status status = fsn__tensor_clone(&l->base, w, c->err);

    for (int64_t k = 0; status == FSN_OK && l->scale && k < l->g.k; k++)
        for (int64_t i = 0; i < n; i++)
            fsn__f32(&l->base)[k * n + i] /= l->scale[k];
    return status;
}

/* Layout learned: an offset of 0 for each filter, or what they come to where nothing is learned. */
static enum fsn_status place(struct converter *c, int weight, struct fitted *l, int *offset)
{
    const struct fsn__tensor zeros = {.dtype = FSN__F32, .ndim = 1, .dim = {l->g.k}};
    char name[NAME_SIZE];
    enum fsn_status status;

    if (!c->options->learn) {
        l->start = calloc((size_t)l->g.k, sizeof *l->start);
        if (!l->start)
            return FSN__NOMEM(c->err);
        fsn__fs_locate(&l->g, NULL, l->start);
        l->g.slot = l->start;
        l->g.spacing = FSN_SPACING_FREE;
        return FSN_OK;
    }
    snprintf(name, sizeof name, "%s.offset", c->graph->values[weight].name);
    status = fsn__graph_add_const(c->graph, name, FSN__VALUE_PARAM, &zeros, offset, c->err);
    if (status == FSN_OK)
        c->graph->values[*offset].location = true;
    return status;
}

/* Adds F and its FilterSummary node for one weight. */
static enum fsn_status add_values(struct converter *c, int weight, bool learned, struct fitted *l)
{
    const char *of = c->graph->values[weight].name;
    char name[NAME_SIZE];
    int in[FSN__FS_INPUTS] = {-1, -1, -1, -1, c->share, -1, -1}, n_in = FSN__FS_INPUTS;
    enum fsn_status status;

    snprintf(name, sizeof name, "%s.fs", of);
    status = fsn__graph_add_const(c->graph, name, FSN__VALUE_PARAM, &l->f, &in[0], c->err);
    if (status != FSN_OK)
        return status;
    c->graph->values[in[0]].decay = true;
    if (c->share >= 0) {
        status = make_base(c, &c->graph->values[weight].tensor, l);
        snprintf(name, sizeof name, "%s.base", of);
        if (status == FSN_OK)
            status =
                fsn__graph_add_const(c->graph, name, FSN__VALUE_CONST, &l->base, &in[3], c->err);
    }
    if (status == FSN_OK && learned)
        status = place(c, weight, l, &in[FSN__FS_OFFSET]);
    while (in[n_in - 1] < 0)
        n_in--;
    snprintf(name, sizeof name, "%s.filters", of);
    if (status == FSN_OK)
        status = add_node(c, l, name, n_in, in, &c->filters[weight]);
    return status;
}

static enum fsn_status convert_weight(struct converter *c, int conv, int weight,
                                      const struct fsn_plan_layer *layer)
{
    const struct fsn__tensor *w = &c->graph->values[weight].tensor;
    struct fitted l = {.g = fsn__fs_layer_geometry(layer, c->options->spacing),
                       .bits = layer->bits,
                       .segment = layer->segment,
                       .f = {.dtype = FSN__F32},
                       .base = {.dtype = FSN__F32}};
    struct fsn__absorber absorber;
    const bool absorbs = fsn__find_absorber(c->graph, conv, c->uses, &absorber);
    enum fsn_status status;

    fsn__shape_set(&l.f, FSN__F32, l.g.layout == FSN_LAYOUT_3D ? 3 : 1, l.g.fs_dim);
    status = fit(c, w, absorbs ? &absorber : NULL, &l);
    if (status == FSN_OK)
        status = add_values(c, weight, layer->layout == FSN_LAYOUT_LEARNED, &l);
    if (status == FSN_OK && l.scale)
        fsn__absorb(&absorber, l.scale);
    c->fit_error[weight] = l.error;
    c->rank++;
    free(l.f.data);
    free(l.base.data);
    free(l.slot);
    free(l.start);
    free(l.scale);
    free(l.importance);
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

static enum fsn_status convert_layers(struct converter *c, struct fsn_plan *plan)
{
    struct fsn__graph *graph = c->graph;
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
            return FSN__FAIL(c->err, FSN_INVALID,
                             "the plan's layer '%s' is not the network's Conv '%s'", layer->name,
                             graph->nodes[i].name);
        if (c->options->go_on &&
            !c->options->go_on(c->options->user, (double)row / (double)plan->layer_count))
            return FSN__FAIL(c->err, FSN_CANCELLED, "cancelled while filters are fitted");
        if (c->filters[weight] < 0)
            status = convert_weight(c, i, weight, layer);
        layer->fit_error = c->fit_error[weight];
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, i, 1, c->filters[weight], c->err);
    }
    return status;
}

/* The share t, a constant that the trainer writes. */
static enum fsn_status add_share(struct converter *c)
{
    const struct fsn__tensor zero = {.dtype = FSN__F32};

    return fsn__graph_add_const(c->graph, "sharing", FSN__VALUE_CONST, &zero, &c->share, c->err);
}

static enum fsn_status convert(struct converter *c, const struct fsn__graph *baseline,
                               struct fsn_plan *plan)
{
    int *uses = NULL;
    enum fsn_status status = fsn__graph_clone(baseline, &c->graph, c->err);

    if (status != FSN_OK)
        return status;
    c->uses = uses = fsn__graph_count_uses(c->graph);
    if (!uses)
        return FSN__NOMEM(c->err);
    if (c->options->sharing)
        status = add_share(c);
    if (status == FSN_OK)
        status = convert_layers(c, plan);
    if (status == FSN_OK)
        status = fsn__graph_sort(c->graph, c->err);
    if (status == FSN_OK)
        status = fsn__graph_prune(c->graph, c->err);
    free(uses);
    return status;
}

enum fsn_status fsn__fs_convert(const struct fsn__graph *baseline, struct fsn_plan *plan,
                                const struct fsn__fs_options *options, struct fsn__graph **out,
                                struct fsn_error *err)
{
    const size_t values = (size_t)baseline->value_count;
    struct converter c = {.options = options, .share = -1, .err = err};
    enum fsn_status status;

    c.filters = malloc((values + 1) * sizeof *c.filters);
    c.fit_error = calloc(values + 1, sizeof *c.fit_error);
    if (!c.filters || !c.fit_error) {
        status = FSN__NOMEM(err);
        goto out;
    }
    for (size_t i = 0; i < values; i++)
        c.filters[i] = -1;
    status = convert(&c, baseline, plan);
    if (status != FSN_OK)
        goto out;
    fsn__graph_mark_trainable(c.graph);
    *out = c.graph;
    c.graph = NULL;
out:
    fsn__graph_destroy(c.graph);
    free(c.filters);
    free(c.fit_error);
    return status;
}
