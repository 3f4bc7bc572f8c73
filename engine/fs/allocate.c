/*
 * allocate.c - a Lagrange multiplier shares the budget.
 *
 * With e_i(r) the squared relative error of layer i's fit at ratio r, s_i(r) its elements and g_i
 * what one unit of error costs the network,
 *
 *     minimise  sum_i g_i e_i(r_i)   subject to   sum_i s_i(r_i) <= B
 *
 * is solved for a multiplier m by each layer alone: r_i = argmin g_i e_i(r) + m s_i(r), and the
 * sizes fall when m grows (Everett, "Generalized Lagrange multiplier method", 1963). m is bisected.
 * What the steps of the curves leave of the budget, the caller's search for the exact size uses.
 */
#include "fs/allocate.h"

#include "core/mem.h"
#include "fs/choose.h"
#include "fs/fit.h"

#include <math.h>
#include <stdlib.h>

enum fsn_status fsn__fs_curve(const struct fsn_plan_layer *layer, enum fsn_spacing spacing,
                              const float *w, struct fsn__fs_curve *out, struct fsn_error *err)
{
    const int64_t k = layer->filters, c = layer->channels, r = layer->height, s = layer->width;
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < FSN__CURVE_POINTS && status == FSN_OK; i++) {
        const double ratio = pow(2, i / 3.0);
        const struct fsn__fs_geometry g = layer->layout == FSN_LAYOUT_3D && i > 0
                                              ? fsn__fs_choose_3d(k, c, r, s, ratio)
                                              : fsn__fs_choose_1d(k, c, r, s, ratio, spacing);
        const int64_t size = fsn__fs_size(&g);
        float *f = fsn__aligned_calloc((size_t)size, sizeof *f);
        double error = 0;

        status = f ? fsn__fs_fit(&g, w, f, &error, err) : FSN__NOMEM(err);
        out->ratio[i] = ratio;
        out->size[i] = (double)size;
        out->error[i] = error * error;
        free(f);
    }
    return status;
}

/* The layer's best point for a multiplier, among those near the even ratio. */
static int best_point(const struct fsn__fs_curve *curve, double weight, double multiplier,
                      double lowest, double highest)
{
    double best = INFINITY;
    int point = -1;

    for (int i = 0; i < FSN__CURVE_POINTS; i++) {
        const double cost = weight * curve->error[i] + multiplier * curve->size[i];

        if (curve->ratio[i] < lowest || curve->ratio[i] > highest || cost >= best)
            continue;
        best = cost;
        point = i;
    }
    return point;
}

/* Elements of all layers; the ratios are written. A layer with no point near keeps the even ratio.
 */
static double choose_all(const struct fsn__fs_curve *curves, const double *weight, double largest,
                         size_t count, double multiplier, double ratio, double spread,
                         double *ratios)
{
    double total = 0;

    for (size_t i = 0; i < count; i++) {
        const double w = weight[i] > 0 && isfinite(weight[i]) ? weight[i] : largest;
        const int point = best_point(&curves[i], w, multiplier, ratio / spread, ratio * spread);

        ratios[i] = point < 0 ? ratio : curves[i].ratio[point];
        total += curves[i].size[point < 0 ? FSN__CURVE_POINTS - 1 : point];
    }
    return total;
}

void fsn__fs_allocate(const struct fsn__fs_curve *curves, const double *weight, size_t count,
                      double total, double ratio, double spread, double *ratios)
{
    enum { STEPS = 100 };
    double largest = 0, low = 1e-30, high = 1e30;

    for (size_t i = 0; i < count; i++)
        if (weight[i] > largest && isfinite(weight[i]))
            largest = weight[i];
    if (!(largest > 0))
        largest = 1;
    for (int i = 0; i < STEPS; i++) {
        const double middle = sqrt(low) * sqrt(high);

        if (choose_all(curves, weight, largest, count, middle, ratio, spread, ratios) > total)
            low = middle;
        else
            high = middle;
    }
    choose_all(curves, weight, largest, count, high, ratio, spread, ratios);
}
