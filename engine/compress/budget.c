/*
 * budget.c - the search for the ratios.
 *
 * A distribution is a vector of relative ratios: equal ones, or those of fs/allocate.c. One factor
 * multiplies them all, and the size that it leads to is measured, not estimated: the plan is
 * carried out and exported to memory. The size is nearly an affine function of the sum of the
 * Filter Summaries' elements, so a few secant steps, held between the factors known to be too small
 * and large enough, end within a thousandth of the budget and never above it.
 */
#include "compress/budget.h"

#include "compress/compress.h"
#include "core/error.h"
#include "core/mem.h"
#include "fs/allocate.h"
#include "fs/fit.h"
#include "quant/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* No layer shares so many times more than the even one does, few bits counted as sharing: past it a
 * fit without training tells little about the network after training. ResNet-20 in 81,200 bytes at
 * 8 bits, two epochs: even 72.8 %; 2.5 times, and no layer side by side, 81.7; 4 times 83.5; 10
 * times 83.0. */
static const double SPREAD = 4;

enum { STEPS = 16 };
static const double LEAST_RATIO = 1, MOST_RATIO = 1e6;

enum measure { RATIO, BYTES, PARAMETERS };

struct search {
    const struct fsn__graph *graph;
    const struct fsn__ends *ends;
    const struct fsn_spec *spec;
    int64_t others;
    enum measure measure;
    double target;
    size_t rows;
    double *base;  /* [rows] relative ratios */
    double *ratio; /* [rows] of the plan that is tried */
    int *bits;     /* [rows] */
    size_t *first; /* [rows] the first row that reads the same weights, alike with it */
    bool *roomy;   /* [rows] of the plan that is tried: at ... */
    double room;   /* ... this factor, whatever the others have */
    struct fsn_error *err;
};

static double elements_of(const struct fsn_plan *plan)
{
    double sum = 0;

    for (size_t i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].layout != FSN_LAYOUT_DENSE)
            sum += (double)plan->layers[i].fs_size;
    return sum;
}

/* Elements of the filters that could be compressed, each as the factor 1 would leave it. */
static double elements_at_one(const struct search *s, const struct fsn_plan *plan)
{
    double sum = 0;

    for (size_t i = 0; i < plan->layer_count; i++) {
        const struct fsn_plan_layer *l = &plan->layers[i];

        if (l->layout != FSN_LAYOUT_DENSE)
            sum += (double)(l->filters * l->channels * l->height * l->width) / s->base[i];
    }
    return sum;
}

static double size_of(const struct search *s, const struct fsn_plan *plan)
{
    if (s->measure == BYTES)
        return (double)plan->expected_bytes;
    return (double)(plan->compressed_parameters + s->others);
}

/* Bits of all Filter Summaries' elements. */
static double bits_of(const struct fsn_plan *plan)
{
    double sum = 0;

    for (size_t i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].layout != FSN_LAYOUT_DENSE)
            sum += (double)plan->layers[i].fs_size * plan->layers[i].bits;
    return sum;
}

/* What one element more adds. */
static double slope_of(const struct search *s, const struct fsn_plan *plan)
{
    const bool steps =
        s->spec->quantize.bits < 32 && s->spec->quantize.granularity == FSN_GRANULARITY_SEGMENT;

    if (s->measure != BYTES)
        return 1;
    return bits_of(plan) / fmax(1, elements_of(plan)) / 8 + (steps ? 1.0 / FSN_SEGMENT : 0);
}

/* The plan of the relative ratios times a factor; *out is new. */
static enum fsn_status plan_at(struct search *s, double factor, struct fsn_plan **out)
{
    struct fsn_plan *plan = NULL;
    enum fsn_status status;

    for (size_t i = 0; i < s->rows; i++) {
        const size_t row = s->first[i];
        const double ratio = (s->roomy[row] ? s->room : factor) * s->base[row];

        s->ratio[i] = fmin(fmax(ratio, LEAST_RATIO), MOST_RATIO);
        s->bits[i] = s->bits[row];
    }
    status = fsn__fs_plan_for(s->graph, s->ends, s->spec, s->ratio, s->bits, &plan, NULL, s->err);
    if (status == FSN_OK && s->measure == BYTES)
        status = fsn__plan_measure(s->graph, s->spec, plan, s->err);
    if (status != FSN_OK) {
        fsn_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FSN_OK;
}

/* The factor that would meet the target if the size were affine in the elements. */
static double next_factor(const struct search *s, const struct fsn_plan *plan, double low,
                          double high)
{
    const double wanted = elements_of(plan) + (s->target - size_of(s, plan)) / slope_of(s, plan);
    const double factor = wanted > 0 ? elements_at_one(s, plan) / wanted : INFINITY;

    /* strictly between the bounds, and a little on the side that fits */
    if (factor > low * (1 + 1e-9) && factor < high * (1 - 1e-9))
        return factor;
    return sqrt(low) * sqrt(high);
}

/* What a row adds to the size when it is planned as in `roomy`: in the unit of the target. */
static double gain_of(const struct search *s, size_t row, const struct fsn_plan *plan,
                      const struct fsn_plan *roomy)
{
    const struct fsn_plan_layer *a = &plan->layers[row], *b = &roomy->layers[row];

    if (s->first[row] != row)
        return 0;
    if (s->measure != BYTES)
        return (double)(b->fs_size - a->fs_size);
    return (double)(b->fs_size * b->bits - a->fs_size * a->bits) / 8;
}

/* A layer of layout 3d has few ratios, and a factor changes those of all at once: *best, at factor
 * `high`, may end far below the target while `low` is above it. Layers then go from one to the
 * other one by one, the largest gain that still fits first. */
static enum fsn_status fill(struct search *s, double low, double high, struct fsn_plan **best)
{
    enum { CHANGES = 64 };
    struct fsn_plan *roomy = NULL, *tried = NULL;
    enum fsn_status status = plan_at(s, low, &roomy);
    double spare = s->target - size_of(s, *best);

    s->room = low;
    for (int i = 0; i < CHANGES && status == FSN_OK; i++) {
        double most = 0;
        size_t row = 0;

        for (size_t j = 0; j < s->rows; j++) {
            const double gain = s->roomy[j] ? 0 : gain_of(s, j, *best, roomy);

            if (gain <= spare && gain > most) {
                most = gain;
                row = j;
            }
        }
        if (most <= 0)
            break;
        s->roomy[row] = true;
        status = plan_at(s, high, &tried);
        if (status == FSN_OK && size_of(s, tried) <= s->target &&
            size_of(s, tried) > size_of(s, *best)) {
            spare = s->target - size_of(s, tried);
            fsn_plan_destroy(*best);
            *best = tried;
        } else {
            spare = nextafter(most, 0); /* something smaller, then */
            s->roomy[row] = false;
            fsn_plan_destroy(tried);
        }
        tried = NULL;
    }
    memset(s->roomy, 0, s->rows * sizeof *s->roomy);
    fsn_plan_destroy(roomy);
    return status;
}

/* The largest plan within the target; *out stays NULL where even the highest ratio leads above it.
 * *least (may be NULL): the size there. */
static enum fsn_status search(struct search *s, struct fsn_plan **out, double *least)
{
    double low = LEAST_RATIO / 2, high = MOST_RATIO, factor = s->spec->filter_summary.ratio;
    struct fsn_plan *best = NULL, *plan = NULL;
    enum fsn_status status = plan_at(s, MOST_RATIO, &best);

    if (status != FSN_OK)
        return status;
    if (least)
        *least = size_of(s, best);
    if (size_of(s, best) > s->target) {
        fsn_plan_destroy(best);
        return FSN_OK;
    }
    for (int i = 0; i < STEPS && high > low * (1 + 1e-7); i++) {
        status = plan_at(s, factor, &plan);
        if (status != FSN_OK) {
            fsn_plan_destroy(best);
            return status;
        }
        if (size_of(s, plan) <= s->target)
            high = factor;
        else
            low = factor;
        factor = next_factor(s, plan, low, high);
        if (size_of(s, plan) <= s->target && size_of(s, plan) > size_of(s, best)) {
            fsn_plan_destroy(best);
            best = plan;
            plan = NULL;
            if (size_of(s, best) >= s->target * 0.9995)
                break;
        }
        fsn_plan_destroy(plan);
        plan = NULL;
    }
    if (low >= LEAST_RATIO && size_of(s, best) < s->target * 0.995)
        status = fill(s, low, high, &best);
    if (status != FSN_OK) {
        fsn_plan_destroy(best);
        return status;
    }
    *out = best;
    return FSN_OK;
}

/* ---- the distribution ------------------------------------------------------------------------ */

static void even_ratios(struct search *s, const struct fsn_plan *plan)
{
    const double ratio = s->spec->filter_summary.ratio, other = s->spec->filter_summary.ratio_1x1;

    for (size_t i = 0; i < s->rows; i++) {
        const struct fsn_plan_layer *l = &plan->layers[i];

        s->base[i] = l->height == 1 && l->width == 1 && other > 0 ? other / ratio : 1;
    }
}

/* The widths that a layer may have, and what each does to its F at the even ratio, or the beginning
 * of it: how F's values are distributed hardly changes with the ratio, or along it. */
static enum fsn_status measure_widths(const struct search *s, const struct fsn_plan_layer *layer,
                                      const float *w, struct fsn__fs_curve *curve)
{
    enum { SAMPLE = 1 << 16 };
    static const int all[FSN__MAX_WIDTHS] = {8, 6, 4, 3, 2, 1};
    const struct fsn__fs_geometry g =
        fsn__fs_layer_geometry(layer, s->spec->filter_summary.spacing);
    const int64_t n = layer->fs_size < SAMPLE ? layer->fs_size : SAMPLE;
    float *f = fsn__aligned_calloc((size_t)layer->fs_size, sizeof *f);
    enum fsn_status status = f ? fsn__fs_fit(&g, w, f, NULL, s->err) : FSN__NOMEM(s->err);

    curve->widths = 0;
    for (int i = 0; i < FSN__MAX_WIDTHS && status == FSN_OK; i++) {
        const struct fsn__quant_form form = {all[i], layer->segment, s->spec->quantize.range};

        if (all[i] > s->spec->quantize.bits || all[i] < fsn__least_bits(s->spec))
            continue;
        curve->bits[curve->widths] = all[i];
        status = fsn__steps_noise(f, n, &form, &curve->noise[curve->widths++], s->err);
    }
    free(f);
    return status;
}

static enum fsn_status measure_curve(const struct search *s, const struct fsn_plan_layer *layer,
                                     struct fsn__fs_curve *curve)
{
    const float *w = fsn__f32(&s->graph->values[fsn__fs_row_weight(s->graph, layer)].tensor);
    enum fsn_status status =
        fsn__fs_curve(layer, s->spec->filter_summary.spacing, w, curve, s->err);

    if (status == FSN_OK && fsn__mixes_widths(s->spec))
        status = measure_widths(s, layer, w, curve);
    return status;
}

/* Layers of several widths need more beside their values, which the values are to make up for. */
static enum fsn_status correct_total(struct search *s, struct fsn__fs_shares *shares)
{
    struct fsn_plan *tried = NULL;
    enum fsn_status status = plan_at(s, shares->ratio, &tried);

    if (status == FSN_OK)
        shares->total += 8 * (s->target - size_of(s, tried));
    fsn_plan_destroy(tried);
    return status;
}

/* Relative ratios, and widths, by what the layers lose: the row's curve, weighted by what its fit
 * at the even ratio was measured to cost, an error there. Rows that share their weights count once
 * each, alike. */
static enum fsn_status weighed_ratios(struct search *s, const struct fsn_plan *even,
                                      const struct fsn__layer_effect *effects)
{
    struct fsn__fs_curve *curves = calloc(s->rows + 1, sizeof *curves);
    double *weight = calloc(s->rows + 1, sizeof *weight);
    double *ratios = calloc(s->rows + 1, sizeof *ratios);
    int *bits = calloc(s->rows + 1, sizeof *bits);
    size_t *row = calloc(s->rows + 1, sizeof *row);
    struct fsn__fs_shares shares = {.curves = curves,
                                    .weight = weight,
                                    .total = bits_of(even),
                                    .ratio = elements_at_one(s, even) / fmax(1, elements_of(even)),
                                    .spread = SPREAD};
    enum fsn_status status =
        curves && weight && ratios && bits && row ? FSN_OK : FSN__NOMEM(s->err);

    for (size_t i = 0; i < s->rows && status == FSN_OK; i++) {
        const struct fsn_plan_layer *layer = &even->layers[i];
        struct fsn__fs_curve *curve = &curves[shares.count];
        double error = 1;

        if (layer->layout == FSN_LAYOUT_DENSE)
            continue;
        status = measure_curve(s, layer, curve);
        for (int point = 0; point < FSN__CURVE_POINTS; point++)
            if (curve->ratio[point] <= (effects[i].ratio > 0 ? effects[i].ratio : layer->ratio))
                error = curve->error[point];
        weight[shares.count] = error > 0 ? effects[i].divergence / error : 0;
        row[shares.count++] = i;
    }
    for (int round = 0; round < 2 && status == FSN_OK; round++) {
        fsn__fs_allocate(&shares, ratios, bits);
        for (size_t i = 0; i < shares.count; i++) {
            s->base[row[i]] = ratios[i] / shares.ratio;
            s->bits[row[i]] = bits[i];
        }
        if (!fsn__mixes_widths(s->spec))
            break;
        status = correct_total(s, &shares);
    }
    free(curves);
    free(weight);
    free(ratios);
    free(bits);
    free(row);
    return status;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static enum fsn_status unreachable(const struct search *s, double least, struct fsn_faults *faults)
{
    const bool bytes = s->measure == BYTES;
    struct fsn_error said = {0};
    const enum fsn_status status =
        FSN__FAIL(&said, FSN_BUDGET,
                  "%.0f %s cannot be reached: with one weight a layer the network still has %.0f",
                  s->target, bytes ? "bytes" : "parameters", least);

    fsn__fault(faults, bytes ? "/budget/size_bytes" : "/budget/parameters", "%s", said.text);
    return FSN__FAIL(s->err, status, "%s", said.text);
}

/* Which rows stand for one another, and the width of all of them at first; false: no memory. */
static bool start_rows(struct search *s, const struct fsn_plan *plan)
{
    size_t *reader = calloc((size_t)s->graph->value_count + 1, sizeof *reader); /* row + 1 */
    const bool had = reader != NULL;

    for (size_t i = 0; had && i < s->rows; i++) {
        size_t *row = &reader[fsn__fs_row_weight(s->graph, &plan->layers[i])];

        if (*row == 0)
            *row = i + 1;
        s->first[i] = *row - 1;
        s->bits[i] = s->spec->quantize.bits;
    }
    free(reader);
    return had;
}

static enum measure measure_of(const struct fsn_spec *spec)
{
    if (spec->budget.size_bytes > 0)
        return BYTES;
    return spec->budget.parameters > 0 ? PARAMETERS : RATIO;
}

/* From the even plan `plan`, which it takes, to the one of the budget. */
static enum fsn_status meet(struct search *s, struct fsn_plan *plan,
                            const struct fsn__layer_effect *effects, struct fsn_plan **out,
                            struct fsn_faults *faults)
{
    const bool weigh = effects && s->spec->budget.distribution == FSN_DISTRIBUTION_SENSITIVITY;
    enum fsn_status status = FSN_OK;
    double least = 0;

    even_ratios(s, plan);
    if (s->measure != RATIO) {
        fsn_plan_destroy(plan);
        plan = NULL;
        status = search(s, &plan, &least);
        if (status == FSN_OK && !plan)
            return unreachable(s, least, faults);
    }
    if (status == FSN_OK && weigh) {
        struct fsn_plan *weighed = NULL;

        if (s->measure == RATIO) { /* the file that even ratios lead to */
            status = fsn__plan_measure(s->graph, s->spec, plan, s->err);
            s->measure = BYTES;
            s->target = (double)plan->expected_bytes;
        }
        if (status == FSN_OK)
            status = weighed_ratios(s, plan, effects);
        if (status == FSN_OK)
            status = search(s, &weighed, NULL);
        if (status == FSN_OK && weighed) {
            fsn_plan_destroy(plan);
            plan = weighed;
            plan->measured = true;
        }
    }
    if (status == FSN_OK && s->measure != BYTES)
        status = fsn__plan_measure(s->graph, s->spec, plan, s->err);
    if (status != FSN_OK) {
        fsn_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FSN_OK;
}

/* Room for the ratios and widths of a plan's rows; close_search frees it. */
static enum fsn_status open_search(struct search *s, const struct fsn_plan *plan)
{
    s->rows = plan->layer_count;
    s->base = calloc(s->rows + 1, sizeof *s->base);
    s->ratio = calloc(s->rows + 1, sizeof *s->ratio);
    s->bits = calloc(s->rows + 1, sizeof *s->bits);
    s->first = calloc(s->rows + 1, sizeof *s->first);
    s->roomy = calloc(s->rows + 1, sizeof *s->roomy);
    return s->base && s->ratio && s->bits && s->first && s->roomy && start_rows(s, plan)
               ? FSN_OK
               : FSN__NOMEM(s->err);
}

static void close_search(struct search *s)
{
    free(s->base);
    free(s->ratio);
    free(s->bits);
    free(s->first);
    free(s->roomy);
}

enum fsn_status fsn__plan_budget(const struct fsn__graph *graph, const struct fsn__ends *ends,
                                 const struct fsn_spec *spec, int64_t others,
                                 const struct fsn__layer_effect *effects, struct fsn_plan **out,
                                 struct fsn_faults *faults, struct fsn_error *err)
{
    struct search s = {.graph = graph,
                       .ends = ends,
                       .spec = spec,
                       .others = others,
                       .measure = measure_of(spec),
                       .err = err};
    struct fsn_plan *plan = NULL;
    enum fsn_status status = fsn__fs_plan_for(graph, ends, spec, NULL, NULL, &plan, faults, err);

    if (status != FSN_OK)
        return status;
    s.target = (double)(s.measure == BYTES ? spec->budget.size_bytes : spec->budget.parameters);
    status = open_search(&s, plan);
    if (status == FSN_OK)
        status = meet(&s, plan, effects, out, faults);
    else
        fsn_plan_destroy(plan);
    for (size_t i = 0; effects && status == FSN_OK && i < s.rows; i++) {
        (*out)->layers[i].alone_divergence = effects[i].divergence;
        (*out)->layers[i].alone_top1_drop = effects[i].top1_drop;
    }
    close_search(&s);
    return status;
}

enum fsn_status fsn__plan_bounds(const struct fsn__graph *graph, const struct fsn__ends *ends,
                                 const struct fsn_spec *spec, int64_t *least, int64_t *most,
                                 struct fsn_error *err)
{
    struct search s = {.graph = graph, .ends = ends, .spec = spec, .measure = BYTES, .err = err};
    struct fsn_plan *even = NULL, *small = NULL, *large = NULL;
    enum fsn_status status = fsn__fs_plan_for(graph, ends, spec, NULL, NULL, &even, NULL, err);

    if (status != FSN_OK)
        return status;
    status = open_search(&s, even);
    if (status == FSN_OK) {
        even_ratios(&s, even);
        status = plan_at(&s, MOST_RATIO, &small);
    }
    if (status == FSN_OK)
        status = plan_at(&s, LEAST_RATIO / MOST_RATIO, &large);
    if (status == FSN_OK) {
        *least = small->expected_bytes;
        *most = large->expected_bytes;
    }
    fsn_plan_destroy(even);
    fsn_plan_destroy(small);
    fsn_plan_destroy(large);
    close_search(&s);
    return status;
}
